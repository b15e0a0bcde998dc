//! A sink at work: its queue, its thread, and what the thread does when a delivery fails.
//!
//! Each sink has a thread, since a disk or a socket that hangs must hold up that sink alone. Alerts
//! go out in order, one at a time: the next one waits until the sink has acknowledged the one
//! before it, refused it for good, or the session ends.

use std::collections::VecDeque;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use super::Why;
use super::limits::{BACKOFF_FIRST, BACKOFF_MAX, EXCERPT, LOOK, RETRY_AFTER_MAX};
use super::message::Message;
use super::rotating::append;
use super::spool::{Item, Put, Spool};
use crate::clock::Stopwatch;

/// Why an alert was not delivered.
#[derive(Debug)]
pub(super) enum Trouble {
    /// It will pass: why, and how long the sink asks us to wait.
    Passing(String, Option<Duration>),
    /// It will be the same every time.
    Refused(String),
}

impl Trouble {
    /// It will pass, and the sink does not say when.
    pub(super) fn passing(why: impl Into<String>) -> Self {
        Self::Passing(why.into(), None)
    }

    /// It did not answer.
    pub(super) fn late(within: Duration) -> Self {
        Self::passing(format!("no answer within {} ms", within.as_millis()))
    }

    /// The same in other words.
    pub(super) fn told(self, words: impl FnOnce(String) -> String) -> Self {
        match self {
            Self::Passing(why, after) => Self::Passing(words(why), after),
            Self::Refused(why) => Self::Refused(words(why)),
        }
    }
}

/// Where alerts go.
pub(super) trait Target: Send {
    /// Begins, before there is anything to deliver.
    ///
    /// # Errors
    /// It could never deliver: somebody must put something right first.
    fn begin(&mut self) -> Result<(), Why> {
        Ok(())
    }

    /// Delivers one, and comes back when the sink has it for good.
    fn deliver(&mut self, item: &Item) -> Result<(), Trouble>;
}

/// How a sink stands.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SinkStatus {
    /// Its name.
    pub name: String,
    /// Alerts that it acknowledged in this session.
    pub delivered: u64,
    /// Deliveries that were tried again.
    pub retried: u64,
    /// Alerts that it refused for good; they are in a file.
    pub failed: u64,
    /// Alerts for which there was no room, and which are nowhere.
    pub lost: u64,
    /// Alerts that wait.
    pub queued: u64,
    /// The most that ever waited in this session.
    pub queued_max: u64,
    /// Why it did not take the last one.
    pub trouble: Option<String>,
    /// It did not break off at the end, and was left behind.
    pub hung: bool,
    /// What waits for it does not outlive the session.
    pub in_memory: bool,
}

/// How a sink is served.
#[derive(Debug)]
pub(super) struct Terms {
    pub(super) name: String,
    /// Names of the rules whose alerts it gets; all, if there are none.
    pub(super) rules: Vec<String>,
    /// At most so many alerts in such a stretch of time.
    pub(super) rate: Option<(usize, Duration)>,
    /// Where that goes which it refused for good.
    pub(super) refused: Option<PathBuf>,
}

/// A sink's queue, which the courier fills and its thread empties.
#[derive(Debug)]
struct Queue {
    /// Who holds it may be waiting for the disk: nobody else may take it.
    spool: Mutex<Spool>,
    changed: Condvar,
    status: Mutex<SinkStatus>,
    /// No more will come.
    closing: AtomicBool,
    /// What waits is left to the next start.
    cut: AtomicBool,
}

impl Queue {
    fn new(name: String, spool: Spool) -> Self {
        let (queued, in_memory) = (spool.pending(), spool.is_in_memory());
        let status =
            SinkStatus { name, queued, queued_max: queued, in_memory, ..SinkStatus::default() };
        Self {
            spool: Mutex::new(spool),
            changed: Condvar::new(),
            status: Mutex::new(status),
            closing: AtomicBool::new(false),
            cut: AtomicBool::new(false),
        }
    }

    /// What a thread that panicked left is as good as before: each change is whole.
    fn spool(&self) -> MutexGuard<'_, Spool> {
        self.spool.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn status(&self) -> MutexGuard<'_, SinkStatus> {
        self.status.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn is_cut(&self) -> bool {
        self.cut.load(Ordering::Relaxed)
    }

    /// Waits for a change, or for the end.
    fn wait<'a>(&self, spool: MutexGuard<'a, Spool>) -> MutexGuard<'a, Spool> {
        let waited = self.changed.wait_timeout(spool, LOOK);
        waited.unwrap_or_else(PoisonError::into_inner).0
    }

    /// The oldest that waits; waits for one. `None` at the end.
    fn next(&self) -> Option<Arc<Item>> {
        let mut spool = self.spool();
        while !self.is_cut() {
            match spool.first() {
                Ok(Some(item)) => return Some(item),
                Ok(None) if self.closing.load(Ordering::Relaxed) => return None,
                Ok(None) => spool = self.wait(spool),
                Err(error) => {
                    drop(spool);
                    self.trouble(format!("what waits for it cannot be read: {error}"));
                    self.pause(BACKOFF_MAX);
                    spool = self.spool();
                }
            }
        }
        None
    }

    /// Brings what waits to the disk, also where somebody removed it there.
    fn sync(&self) {
        let synced = self.spool().sync();
        if let Err(error) = synced {
            let name = &self.status().name;
            log::error!("sink {name}: what waits for it may not outlive the program: {error}");
        }
    }

    /// Waits for so long; whether it was not cut short by the end.
    fn pause(&self, time: Duration) -> bool {
        let watch = Stopwatch::start();
        while !self.is_cut() {
            let left = time.saturating_sub(watch.elapsed());
            if left.is_zero() {
                return true;
            }
            std::thread::sleep(left.min(LOOK));
        }
        false
    }

    /// The first in the queue is dealt with.
    fn done(&self) {
        let mut spool = self.spool();
        let noted = spool.done();
        // Before anybody else changes the queue; never the other way round.
        let mut status = self.status();
        status.queued = spool.pending();
        if let Err(error) = noted {
            let name = &status.name;
            log::error!("sink {name}: cannot note what was delivered, it may come twice: {error}");
        }
    }

    /// Logs a trouble when it begins or changes.
    fn trouble(&self, why: String) {
        let mut status = self.status();
        if status.trouble.as_ref() != Some(&why) {
            log::warn!("sink {}: {why}", status.name);
        }
        status.trouble = Some(why);
    }

    fn well(&self) {
        let mut status = self.status();
        if status.trouble.take().is_some() {
            log::info!("sink {} takes alerts again", status.name);
        }
    }
}

/// A sink and its thread.
#[derive(Debug)]
pub(super) struct Outlet {
    queue: Arc<Queue>,
    rules: Vec<String>,
    thread: JoinHandle<()>,
}

impl Outlet {
    /// Starts delivering what waits.
    pub(super) fn start(
        terms: Terms,
        spool: Spool,
        mut target: Box<dyn Target>,
    ) -> std::io::Result<Self> {
        let (name, rules) = (terms.name.clone(), terms.rules.clone());
        let queue = Arc::new(Queue::new(name.clone(), spool));
        let own = queue.clone();
        let work = move || {
            let (sent, watch) = (VecDeque::new(), Stopwatch::start());
            Worker { queue: &own, terms, sent, watch }.run(&mut *target);
            own.sync();
        };
        let thread = std::thread::Builder::new().name(format!("sink {name}")).spawn(work)?;
        Ok(Self { queue, rules, thread })
    }

    /// Whether it gets the alerts of this rule, or the moves in this table.
    pub(super) fn wants(&self, name: &str, is_move: bool) -> bool {
        (self.rules.is_empty() && !is_move) || self.rules.iter().any(|own| own == name)
    }

    /// Queues an alert.
    pub(super) fn put(&self, message: &Message, again: bool) {
        let mut spool = self.queue.spool();
        let (put, pending) = (spool.put(message, again), spool.pending());
        let mut status = self.queue.status();
        (status.queued, status.queued_max) = (pending, status.queued_max.max(pending));
        let name = &status.name;
        match put {
            Put::Known => return,
            Put::Queued => {}
            Put::Undurable(why) => {
                log::error!("sink {name}: what waits for it does not outlive the program: {why}");
            }
            Put::Full => {
                log::error!("sink {name}: no room for {}: lost", message.key);
                status.lost += 1;
                return;
            }
        }
        self.queue.changed.notify_all();
    }

    /// Brings what was queued to the disk.
    pub(super) fn sync(&self) {
        self.queue.sync();
    }

    /// How it stands; waits for nobody.
    pub(super) fn status(&self) -> SinkStatus {
        let hung = self.queue.is_cut() && !self.has_ended();
        let status = self.queue.status().clone();
        let broken = self.has_broken().then(|| "its thread broke".to_owned());
        SinkStatus { hung, trouble: broken.or(status.trouble), ..status }
    }

    /// No more will come.
    pub(super) fn close(&self) {
        self.queue.closing.store(true, Ordering::Relaxed);
        self.queue.changed.notify_all();
    }

    /// What waits is left to the next start.
    pub(super) fn cut(&self) {
        self.queue.cut.store(true, Ordering::Relaxed);
        self.queue.changed.notify_all();
    }

    /// Whether its thread has ended though more may come.
    pub(super) fn has_broken(&self) -> bool {
        !self.queue.closing.load(Ordering::Relaxed) && !self.queue.is_cut() && self.has_ended()
    }

    /// Whether its thread has ended.
    pub(super) fn has_ended(&self) -> bool {
        self.thread.is_finished()
    }
}

impl Drop for Outlet {
    /// A session that never began leaves nothing running.
    fn drop(&mut self) {
        self.cut();
    }
}

/// What a sink's thread works with.
struct Worker<'a> {
    queue: &'a Queue,
    terms: Terms,
    /// When the last deliveries began, as far as the rate looks back.
    sent: VecDeque<Duration>,
    watch: Stopwatch,
}

impl Worker<'_> {
    fn run(&mut self, target: &mut dyn Target) {
        let mut failures = 0;
        while let Some(item) = self.queue.next() {
            if !self.keep_rate() {
                return;
            }
            match target.deliver(&item) {
                Ok(()) => {
                    self.queue.done();
                    self.queue.status().delivered += 1;
                    self.queue.well();
                    failures = 0;
                }
                Err(Trouble::Refused(why)) => {
                    self.refused(&item, &excerpt(&why));
                    failures = 0;
                }
                Err(Trouble::Passing(why, after)) => {
                    self.queue.status().retried += 1;
                    self.queue.trouble(excerpt(&why));
                    // It may take long, and meanwhile nobody else may look.
                    self.queue.sync();
                    let pause = after.unwrap_or_default().min(RETRY_AFTER_MAX);
                    if !self.queue.pause(pause.max(backoff(failures))) {
                        return;
                    }
                    failures += 1;
                }
            }
        }
    }

    /// Waits until one more is within the rate; whether the end did not come first.
    fn keep_rate(&mut self) -> bool {
        let Some((count, window)) = self.terms.rate else { return true };
        if self.sent.len() == count
            && let Some(oldest) = self.sent.pop_front()
        {
            let due = (oldest + window).saturating_sub(self.watch.elapsed());
            if !due.is_zero() && !self.queue.pause(due) {
                return false;
            }
        }
        self.sent.push_back(self.watch.elapsed());
        true
    }

    /// Puts an alert aside that will never be taken.
    fn refused(&self, item: &Item, why: &str) {
        let (name, key) = (&self.terms.name, &item.key);
        log::error!("sink {name} refuses {key}: {why}");
        let aside = self.terms.refused.as_ref().map(|file| (file, append(file, &item.json)));
        let mut status = self.queue.status();
        status.failed += 1;
        status.trouble = Some(format!("refused: {why}"));
        if let Some((file, Err(error))) = aside {
            status.lost += 1;
            log::error!("sink {name}: {key} is lost: {}: {error}", file.display());
        }
        drop(status);
        self.queue.done();
    }
}

/// Twice as long with each failure.
fn backoff(failures: u32) -> Duration {
    BACKOFF_FIRST.saturating_mul(1 << failures.min(16)).min(BACKOFF_MAX)
}

fn excerpt(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(EXCERPT).collect()
}

#[cfg(test)]
mod tests;
