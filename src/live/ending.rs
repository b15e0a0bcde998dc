//! The end of a session, stage by stage, each with a deadline of its own.
//!
//! Sockets are closed and the beat stops; what is in the inbox is folded; the engine's last pulses
//! run; sinks deliver what is queued; the tape is sealed; requests are broken off. Nothing waits
//! for an address that is being looked up or for a connection that is being made. Whatever outlasts
//! its deadline is left behind and named.

use std::fmt;
use std::future::Future;
use std::pin::pin;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::{sleep, timeout};

use super::LiveError;
use super::inbox::Sender;
use super::limits::{DRAIN_ENGINE, DRAIN_INBOX, DRAIN_REQUESTS, DRAIN_SINKS, DRAIN_TAPE};
use crate::rest::worker::Report;

/// What the engine's thread is at, once it ends.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Stage {
    /// It folds what is in the inbox.
    #[default]
    Inbox,
    /// Its last pulses take effect.
    Engine,
    /// Sinks deliver what is queued.
    Sinks,
    /// The recorder writes what is queued, and seals the tape.
    Tape,
}

impl Stage {
    /// How long it may take.
    pub const fn limit(self) -> Duration {
        match self {
            Self::Inbox => DRAIN_INBOX,
            Self::Engine => DRAIN_ENGINE,
            Self::Sinks => DRAIN_SINKS,
            Self::Tape => DRAIN_TAPE,
        }
    }
}

impl fmt::Display for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Inbox => "folding what was in the inbox",
            Self::Engine => "the last pulses of the engine",
            Self::Sinks => "delivering the last alerts",
            Self::Tape => "sealing the tape",
        })
    }
}

/// What a session left undone at its end.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Dropped {
    /// Requests that were not done: under way, waiting, or not even handed over.
    pub requests: usize,
    /// Answers and ends of requests that came and were not taken any more.
    pub answers: usize,
    /// The requests could not even be counted in time.
    pub unknown: bool,
}

/// Watches the stages go by; returns when one outlasts its deadline, and never else. `limit` says
/// how long each may take.
pub(super) async fn overdue(
    mut stages: watch::Receiver<Stage>,
    inbox: &Sender,
    limit: impl Fn(Stage) -> Duration,
) -> LiveError {
    loop {
        let stage = *stages.borrow_and_update();
        let within = limit(stage);
        match timeout(within, stages.changed()).await {
            Ok(Ok(())) => {}
            // The thread is gone: there is nothing to wait for, and whoever joins it hears why.
            Ok(Err(_)) => return std::future::pending().await,
            Err(_) => return LiveError::Stuck { stage, within, events: inbox.waiting() },
        }
    }
}

/// Waits for the requests' side, which breaks off what is under way: the worker, and who hands on
/// its answers and counts those left. `not_asked` never came so far.
pub(super) async fn requests<E>(
    worker: impl Future<Output = Result<Report, E>>,
    left: impl Future<Output = Result<usize, E>>,
    not_asked: usize,
    within: Duration,
) -> Dropped {
    let unknown = Dropped { requests: not_asked, answers: 0, unknown: true };
    let ended = async { Ok::<_, E>((worker.await?, left.await?)) };
    tokio::select! {
        ended = pin!(ended) => match ended {
            Ok((report, left)) => Dropped {
                requests: not_asked + report.not_done.len(),
                answers: report.not_handed_on + left,
                unknown: false,
            },
            Err(_) => {
                log::error!("requests are uncounted: whoever counts them broke");
                unknown
            }
        },
        () = sleep(within) => {
            log::warn!("requests were not broken off within {} s: left behind", within.as_secs());
            unknown
        }
    }
}

/// How long requests may take to be broken off.
pub(super) const REQUESTS: Duration = DRAIN_REQUESTS;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Stopwatch;
    use crate::live::event::Event;
    use crate::live::inbox::inbox;
    use crate::rest::budget::Priority;
    use crate::rest::plan::{Job, Wanted};
    use crate::rest::worker::Stopped;

    const SHORT: Duration = Duration::from_millis(30);
    const LONG: Duration = Duration::from_secs(3_600);

    fn limit(stuck: Stage) -> impl Fn(Stage) -> Duration {
        move |stage| if stage == stuck { SHORT } else { LONG }
    }

    #[tokio::test]
    async fn a_stage_that_hangs_is_left_behind_and_named_with_what_was_dropped() {
        for stuck in [Stage::Inbox, Stage::Engine, Stage::Tape] {
            let (sender, _events) = inbox(8);
            for ms in 0..3 {
                let at = systems::units::Nanos::from_ms(ms);
                assert!(sender.put(Event::Tick { at, full: false }).await);
            }
            let (stages, watched) = watch::channel(Stage::Inbox);
            let watching = overdue(watched, &sender, limit(stuck));
            let thread = async {
                for stage in [Stage::Engine, Stage::Tape] {
                    if stuck != Stage::Inbox && (stage == Stage::Engine || stuck == Stage::Tape) {
                        stages.send_replace(stage);
                        tokio::task::yield_now().await;
                    }
                }
                std::future::pending::<()>().await;
            };
            let error = tokio::select! {
                error = watching => error,
                () = thread => unreachable!(),
            };
            let LiveError::Stuck { stage, within, events } = &error else { panic!("{error}") };
            assert_eq!((*stage, *within, *events), (stuck, SHORT, 3));
            let said = error.to_string();
            assert!(said.contains(&stuck.to_string()) && said.contains("3 events"), "{said}");
        }
    }

    #[tokio::test]
    async fn a_thread_that_ends_in_time_is_never_overdue_and_hung_requests_are() {
        let (sender, _events) = inbox(8);
        let (stages, watched) = watch::channel(Stage::Inbox);
        drop(stages);
        let watching = timeout(SHORT, overdue(watched, &sender, Stage::limit)).await;
        assert!(watching.is_err());
        let hung = std::future::pending::<Result<Report, ()>>();
        let dropped = requests(hung, async { Ok(1) }, 3, SHORT).await;
        assert_eq!(dropped, Dropped { requests: 3, answers: 0, unknown: true });
        let job = Job { priority: Priority::Instruments, wanted: Wanted::Time };
        let report = Report { stopped: Stopped::Asked, not_done: vec![job], not_handed_on: 2 };
        let dropped = requests(async { Ok::<_, ()>(report) }, async { Ok(5) }, 3, LONG).await;
        assert_eq!(dropped, Dropped { requests: 4, answers: 7, unknown: false });
    }

    #[test]
    fn an_address_that_is_looked_up_for_ever_does_not_hold_up_the_end() {
        let watch = Stopwatch::start();
        let (release, held) = std::sync::mpsc::channel::<()>();
        let told = super::super::on_a_runtime(async {
            // Where names are looked up, too.
            tokio::task::spawn_blocking(move || held.recv_timeout(LONG));
            sleep(SHORT).await;
            7
        });
        assert_eq!(told.unwrap(), 7);
        assert!(watch.elapsed() < Duration::from_secs(60));
        drop(release);
    }
}
