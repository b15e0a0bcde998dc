//! The worker: one task that carries requests out and hands answers on.
//!
//! Both its channels are bounded. While whoever takes the answers is behind, nothing new is sent
//! and no job is taken; while the queue is full, no job is taken either. So a task that does both
//! must not wait for room for a job: `try_send` it, and keep what does not fit.

use std::collections::HashMap;
use std::future::Future;
use std::path::PathBuf;
use std::time::Duration;

use systems::units::Nanos;
use tokio::sync::mpsc::Permit;
use tokio::sync::{mpsc, watch};
use tokio::task::{Id, JoinError, JoinSet};

use super::arrival::Arrival;
use super::budget::Budget;
use super::client::{Client, Reply, Timeouts};
use super::desk::{Desk, Next, Sending, Snapshot};
use super::plan::Job;
use super::retry::{BASE_NS, Backoff, Failure};
use crate::tls::TlsError;
use crate::venue::Venue;

/// What a worker is told at start.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Whom to ask.
    pub venue: Venue,
    /// Scheme and host, where they are not the venue's own.
    pub base: Option<String>,
    /// Percent of the venue's weight that we allow ourselves.
    pub share_percent: u32,
    /// A PEM file with certificates to trust beside the machine's.
    pub extra_ca: Option<PathBuf>,
    /// How long each part of a request may take.
    pub timeouts: Timeouts,
    /// The first wait after a failure is at most this, in nanoseconds.
    pub retry_base_ns: u64,
    /// Seed of the waits between tries: random when live.
    pub seed: u64,
    /// How many times faster than the machine's time the worker's clock runs.
    pub speed: f64,
}

impl Settings {
    /// The defaults for a venue.
    pub fn new(venue: Venue, seed: u64) -> Self {
        Self {
            venue,
            base: None,
            share_percent: 60,
            extra_ca: None,
            timeouts: Timeouts::default(),
            retry_base_ns: BASE_NS,
            seed,
            speed: 1.0,
        }
    }
}

/// Why a worker stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stopped {
    /// It was told to.
    Asked,
    /// Nobody can send jobs any more.
    NoJobs,
    /// Nobody takes the answers any more.
    NoTaker,
}

/// What a worker leaves behind.
#[derive(Debug)]
pub struct Report {
    /// Why it stopped.
    pub stopped: Stopped,
    /// Jobs that were not done: waiting, under way, or not even taken from the channel.
    pub not_done: Vec<Job>,
    /// Answers and ends that nobody took.
    pub not_handed_on: usize,
}

/// Owns the client, the budget and the queue of one venue.
pub struct Worker<C> {
    client: Client,
    desk: Desk,
    clock: C,
    speed: f64,
    snapshots: watch::Sender<Snapshot>,
    /// What is under way, by the task that carries it out.
    sendings: HashMap<Id, Sending>,
    tasks: JoinSet<Result<Reply, Failure>>,
}

impl<C: Fn() -> Nanos> Worker<C> {
    /// A worker that has not begun; `clock` must never step back, such as `clock::steady`.
    ///
    /// # Errors
    /// [`TlsError`]: there is no way to tell whom to trust.
    pub fn new(settings: &Settings, clock: C) -> Result<Self, TlsError> {
        let facts = settings.venue.rest();
        let base = settings.base.as_deref().unwrap_or(facts.base);
        let extra_ca = settings.extra_ca.as_deref();
        let client = Client::new(base, facts.used_weight_header, extra_ca, settings.timeouts)?;
        let budget = Budget::new(facts.weight_per_minute, settings.share_percent);
        let backoff = Backoff::new(settings.seed, settings.retry_base_ns);
        let desk = Desk::new(settings.venue, budget, backoff);
        let (snapshots, _) = watch::channel(desk.snapshot(clock()));
        let (sendings, tasks) = (HashMap::new(), JoinSet::new());
        let speed = settings.speed;
        Ok(Self { client, desk, clock, speed, snapshots, sendings, tasks })
    }

    /// The state of it all, renewed whenever something happens.
    pub fn snapshots(&self) -> watch::Receiver<Snapshot> {
        self.snapshots.subscribe()
    }

    /// Works until `stop` is ready, all senders of jobs are gone, or nobody takes the answers.
    /// What is under way then is broken off.
    pub async fn run(
        mut self,
        mut jobs: mpsc::Receiver<Job>,
        arrivals: mpsc::Sender<Arrival>,
        stop: impl Future<Output = ()>,
    ) -> Report {
        tokio::pin!(stop);
        let stopped = loop {
            let wait = self.send_all();
            self.snapshots.send_replace(self.desk.snapshot((self.clock)()));
            tokio::select! {
                biased;
                () = &mut stop => break Stopped::Asked,
                permit = arrivals.reserve(), if self.desk.has_arrivals() => {
                    let Ok(permit) = permit else { break Stopped::NoTaker };
                    self.hand_on(permit, &arrivals);
                }
                () = arrivals.closed(), if !self.desk.has_arrivals() => break Stopped::NoTaker,
                Some(done) = self.tasks.join_next_with_id() => self.answered(done),
                job = jobs.recv(), if self.is_open() => {
                    let Some(job) = job else { break Stopped::NoJobs };
                    self.accept_all(job, &mut jobs);
                }
                () = tokio::time::sleep(wait.unwrap_or_default()), if wait.is_some() => {}
            }
        };
        self.close(stopped, jobs).await
    }

    /// Hands on what there is room for.
    fn hand_on(&mut self, first: Permit<'_, Arrival>, arrivals: &mpsc::Sender<Arrival>) {
        let mut next = Some(first);
        while let Some(permit) = next
            && let Some(arrival) = self.desk.next_arrival()
        {
            permit.send(arrival);
            next = arrivals.try_reserve().ok();
        }
    }

    fn is_open(&self) -> bool {
        self.desk.has_room() && !self.desk.has_arrivals()
    }

    /// Takes a job and those that came with it: merged as far as they can be before any is sent.
    fn accept_all(&mut self, first: Job, jobs: &mut mpsc::Receiver<Job>) {
        let mut next = Some(first);
        while let Some(job) = next {
            self.desk.accept(job, (self.clock)());
            next = if self.is_open() { jobs.try_recv().ok() } else { None };
        }
    }

    /// Sends what may leave; gives how long to wait for the next if nothing happens.
    fn send_all(&mut self) -> Option<Duration> {
        while !self.desk.has_arrivals() {
            let now = (self.clock)();
            match self.desk.next(now) {
                Next::Idle => return None,
                Next::At(then) => {
                    let wait = then.0.saturating_sub(now.0) as f64 / self.speed;
                    return Some(Duration::from_nanos(wait as u64 + MARGIN_NS));
                }
                Next::Send(sending) => {
                    let (client, request) = (self.client.clone(), sending.request.clone());
                    let body_max = sending.body_max;
                    let task =
                        self.tasks.spawn(async move { client.get(&request, body_max).await });
                    self.sendings.insert(task.id(), sending);
                }
            }
        }
        None
    }

    fn answered(&mut self, done: Result<(Id, Result<Reply, Failure>), JoinError>) {
        let (id, result) = match done {
            Ok((id, result)) => (id, result),
            // A task that broke must not hold up its job for ever.
            Err(error) => (error.id(), Err(Failure::Network(error.to_string()))),
        };
        if let Some(sending) = self.sendings.remove(&id) {
            self.desk.take(sending, result, (self.clock)());
        }
    }

    async fn close(mut self, stopped: Stopped, mut jobs: mpsc::Receiver<Job>) -> Report {
        let mut not_handed_on = 0;
        while self.desk.next_arrival().is_some() {
            not_handed_on += 1;
        }
        jobs.close();
        self.tasks.shutdown().await;
        let mut not_done: Vec<Job> = self.sendings.into_values().map(Sending::into_job).collect();
        not_done.extend(self.desk.into_jobs());
        while let Ok(job) = jobs.try_recv() {
            not_done.push(job);
        }
        Report { stopped, not_done, not_handed_on }
    }
}

/// A timer's instant is by another clock than ours.
const MARGIN_NS: u64 = Nanos::PER_MS;
