//! The tasks beside the sockets. None of them ends before the session does, unless it broke.

use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio::time::{MissedTickBehavior, interval};

use super::Clock;
use super::event::Event;
use super::inbox::Sender;
use super::limits::TICK;
use super::metrics::Serving;
use crate::rest::worker::Report;
use crate::sinks::Watch;

/// What runs beside the sockets.
pub(super) struct Feeds {
    /// The beat.
    pub(super) beat: JoinHandle<()>,
    /// Hands on the worker's answers; gives how many it left.
    pub(super) answers: JoinHandle<usize>,
    /// Dropping this is how that is told to stop.
    pub(super) stop_answers: Option<oneshot::Sender<()>>,
    /// The REST worker.
    pub(super) worker: JoinHandle<Report>,
    /// Who tells the session's numbers, if anybody may fetch them.
    pub(super) serving: Option<Serving>,
    /// The threads of the sinks.
    pub(super) sinks: Option<Watch>,
}

impl Feeds {
    /// What has ended, though the session has not.
    pub(super) fn broken(&self) -> Option<&'static str> {
        let serving = self.serving.as_ref().is_some_and(Serving::has_ended);
        let parts = [
            (self.beat.is_finished(), "the beat"),
            (self.answers.is_finished(), "handing on answers"),
            (self.worker.is_finished(), "the REST worker"),
            (serving, "the HTTP endpoint"),
        ];
        let task = parts.into_iter().find(|(ended, _)| *ended).map(|(_, name)| name);
        task.or_else(|| self.sinks.as_ref()?.broken())
    }

    /// Puts no more into the inbox. What answers are left are counted.
    pub(super) fn stop(&mut self) {
        self.beat.abort();
        self.stop_answers = None;
    }
}

/// The beat.
pub(super) fn beat(inbox: Sender, now: Clock, speed: f64) -> JoinHandle<()> {
    tokio::spawn(async move {
        let mut ticks = interval(TICK.div_f64(speed));
        ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
        loop {
            ticks.tick().await;
            let full = inbox.was_full();
            if !inbox.put(Event::Tick { at: now(), full }).await {
                return;
            }
        }
    })
}
