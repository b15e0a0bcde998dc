//! The engine's thread: events from the inbox, in batches, until the end.

use std::thread::JoinHandle;

use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::{mpsc, watch};

use super::drive::{Drive, Finished, Parts, Ports};
use super::ending::Stage;
use super::event::{Command, Event};
use super::limits::BATCH;
use super::record::{Kept, Record, Recorded, Recorder, Recording};
use super::{Clock, Status};
use crate::latency;
use crate::replay::{Outputs, Summary};
use crate::rest::plan::Job;
use crate::sinks::{Handed, SinkStatus, Teller};
use crate::symbols::Symbols;

/// What the engine's thread leaves behind.
pub(super) struct Worked {
    pub(super) summary: Summary,
    pub(super) outputs: Outputs,
    pub(super) symbols: Symbols,
    pub(super) latency: latency::Kept,
    pub(super) record: Option<Record>,
    pub(super) sinks: Vec<SinkStatus>,
    /// Requests that were wanted and not handed to the worker.
    pub(super) not_asked: usize,
}

/// The channels of the engine's thread.
pub(super) struct Channels {
    pub(super) inbox: mpsc::Receiver<Event>,
    pub(super) commands: mpsc::Sender<Command>,
    pub(super) jobs: mpsc::Sender<Job>,
    pub(super) recorder: Option<Recorder>,
    pub(super) teller: Teller,
    pub(super) status: watch::Sender<Status>,
    /// How far the end has come.
    pub(super) stages: watch::Sender<Stage>,
}

/// The other ends of a drive's ports.
struct Wired {
    commands: mpsc::Sender<Command>,
    jobs: mpsc::Sender<Job>,
    recorder: Option<Recorder>,
    teller: Teller,
    clock: Clock,
}

impl Ports for Wired {
    fn command(&mut self, command: Command) {
        // Nobody takes commands any more when the session has been given up.
        let _ = self.commands.blocking_send(command);
    }

    fn job(&mut self, job: Job) -> Option<Job> {
        match self.jobs.try_send(job) {
            Ok(()) => None,
            // What nobody takes any more is left undone, and counted at the end.
            Err(TrySendError::Full(job) | TrySendError::Closed(job)) => Some(job),
        }
    }

    fn record(&mut self, entry: Recorded) {
        if let Kept::Listed(_, anew) = &entry.body {
            self.teller.listed(anew);
        }
        if let Some(recorder) = &mut self.recorder {
            recorder.put(entry);
        }
    }

    fn recording(&self) -> Recording {
        self.recorder.as_ref().map_or(Recording::Off, Recorder::recording)
    }

    fn tell(&mut self, alerts: Vec<Handed>) {
        let entries = self.recorder.as_ref().map_or(0, Recorder::hurry);
        self.teller.tell(alerts, (self.clock)(), entries);
    }
}

/// Starts the thread.
pub(super) fn start(
    parts: Parts,
    channels: Channels,
    clock: Clock,
    venue: &'static str,
    threads: usize,
) -> std::io::Result<JoinHandle<Worked>> {
    std::thread::Builder::new().name("engine".into()).spawn(move || {
        let Channels { mut inbox, commands, jobs, recorder, teller, status, stages } = channels;
        let begun = clock();
        let mut drive = Drive::new(parts, Wired { commands, jobs, recorder, teller, clock });
        drive.start(begun);
        work(&mut drive, &mut inbox, &status);
        stages.send_replace(Stage::Engine);
        let Finished { summary, outputs, symbols, latency, ports, not_asked } =
            drive.finish(venue, threads);
        // Commands end with the port: the sockets' side would take this for the end of all.
        let Wired { commands: _open, recorder, teller, .. } = ports;
        stages.send_replace(Stage::Sinks);
        let sinks = teller.finish();
        stages.send_replace(Stage::Tape);
        let record = recorder.map(Recorder::finish);
        Worked { summary, outputs, symbols, latency, record, sinks, not_asked }
    })
}

fn work(
    drive: &mut Drive<Wired>,
    inbox: &mut mpsc::Receiver<Event>,
    status: &watch::Sender<Status>,
) {
    let mut events = Vec::with_capacity(BATCH);
    let (mut going, mut found_most) = (true, 0);
    while going && inbox.blocking_recv_many(&mut events, BATCH) > 0 {
        found_most = found_most.max(inbox.len() + events.len());
        let mut ticked = false;
        for event in events.drain(..) {
            ticked |= matches!(event, Event::Tick { .. });
            going &= !matches!(event, Event::Stop);
            if going {
                drive.take(event);
            }
        }
        drive.step();
        if ticked || !going {
            status.send_replace(drive.status(std::mem::take(&mut found_most)));
        }
    }
}
