//! The recorder: a thread of its own behind a bounded queue, so that a disk which is slow for a
//! moment holds up nothing, and one that is slow or gone for good ends the recording alone.

use std::fmt;
use std::io;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};

use systems::symbol::SymbolSpec;
use systems::trade::SymbolId;
use systems::units::Nanos;

use super::limits::{RECORDER, RECORDER_PAUSE, RECORDER_WAIT, SEAL};
use super::socket::Text;
use crate::clock::Stopwatch;
use crate::rest::arrival::News;
use crate::sinks::OnTape;
use crate::tape::entry::{Body, Entry, Header};
use crate::tape::{CreateError, WriteError};

mod reel;
pub mod shelf;

use reel::Reel;
use shelf::Shelf;

/// An entry that owns what it holds, so that it can go to another thread.
#[derive(Debug)]
pub struct Recorded {
    /// When it reached us.
    pub received: Nanos,
    /// What it is.
    pub body: Kept,
}

/// What an entry holds.
#[derive(Debug)]
pub enum Kept {
    /// A frame.
    Frame(u16, Text),
    /// An answer: its request and its text.
    Answer(String, Vec<u8>),
    /// A connection that came up or went down, and why.
    Link(u16, bool, String),
    /// A symbol that the venue listed, and what the tape's header lacks: it and those of the
    /// entries that follow at once. A new tape begins with it.
    Listed(SymbolId, Vec<SymbolSpec>),
    /// Anything that holds no text.
    Plain(Body<'static>),
}

impl Recorded {
    /// The entry.
    pub fn entry(&self) -> Entry<'_> {
        let body = match &self.body {
            Kept::Frame(link, text) => Body::Frame { link: *link, text: text.as_bytes() },
            Kept::Answer(request, text) => Body::Answer { request, text },
            Kept::Link(link, up, reason) => Body::Link { link: *link, up: *up, reason },
            Kept::Listed(symbol, _) => Body::Listed { symbol: *symbol },
            Kept::Plain(body) => *body,
        };
        Entry { received: self.received, body }
    }
}

impl Kept {
    /// What the worker hands on, as far as it is an entry; ends of jobs are the engine's to judge.
    pub(super) fn of(news: News) -> Option<Self> {
        match news {
            News::Answer { request, text, .. } => Some(Self::Answer(request, text)),
            News::Unrecoverable { symbol, from_id, to_id, .. } => {
                Some(Self::Plain(Body::Unrecoverable { symbol, from_id, to_id }))
            }
            News::Ended { .. } => None,
        }
    }
}

/// Why a session is not, or not wholly, on its tapes.
#[derive(Debug, thiserror::Error)]
pub enum RecordError {
    /// The folder cannot be made or read.
    #[error("{}: {source}", .dir.display())]
    Folder {
        /// Which folder.
        dir: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// Somebody records the same venue there now: tapes of two sessions would overlap.
    #[error("{} is being recorded by another session: record to another folder", .0.display())]
    Busy(PathBuf),
    /// A tape cannot be made.
    #[error("{}: {source}", .file.display())]
    Create {
        /// Which file.
        file: PathBuf,
        /// Why.
        source: CreateError,
    },
    /// A tape cannot be written any more; it is readable up to its last whole block.
    #[error("{}: {source}", .file.display())]
    Write {
        /// Which file.
        file: PathBuf,
        /// Why.
        source: WriteError,
    },
    /// What was written cannot be brought to the disk.
    #[error("{}: cannot be brought to the disk: {source}", .file.display())]
    Sync {
        /// Which file.
        file: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The tape that is being written was removed.
    #[error("{} was removed while it was being written", .0.display())]
    Gone(PathBuf),
    /// The queue was full for too long.
    #[error("the disk is slower than the stream: no room for {} s", RECORDER_WAIT.as_secs())]
    Slow,
    /// The last tape was not sealed in time, and so many entries are not on it.
    #[error("the last tape was not sealed within {} s: {lost} entries are missing", SEAL.as_secs())]
    Stuck {
        /// How many.
        lost: u64,
    },
    /// The recorder's thread broke.
    #[error("the recorder broke")]
    Broken,
}

/// A sealed tape.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Taped {
    /// Where it is.
    pub file: PathBuf,
    /// Its size in bytes.
    pub bytes: u64,
    /// Its entries.
    pub entries: u64,
}

/// What a recording has come to.
#[derive(Debug, Default)]
pub struct Record {
    /// Tapes of earlier sessions with which this one began.
    pub earlier: Vec<PathBuf>,
    /// The sealed tapes, in the order of time.
    pub tapes: Vec<Taped>,
    /// Why it did not last as long as the session.
    pub failed: Option<RecordError>,
}

/// How a recording stands.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Recording {
    /// None was wanted.
    #[default]
    Off,
    /// Entries go to the tape of this name.
    To(String),
    /// It has ended before the session, for this reason.
    Failed(String),
}

impl fmt::Display for Recording {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Off => f.write_str("off"),
            Self::To(file) => f.write_str(file),
            Self::Failed(why) => write!(f, "failed: {why}"),
        }
    }
}

/// How it stands, for both threads.
#[derive(Clone, Debug, Default)]
struct Stand(Arc<Mutex<Recording>>, Arc<Counts>);

/// Entries, counted from the first.
#[derive(Debug, Default)]
struct Counts {
    /// Taken from the queue.
    taken: AtomicU64,
    /// Given to the operating system.
    written: AtomicU64,
    /// So many are to be given to it at once.
    wanted: AtomicU64,
}

impl Stand {
    /// An entry was taken from the queue.
    fn took(&self) {
        self.1.taken.fetch_add(1, Ordering::Relaxed);
    }

    fn taken(&self) -> u64 {
        self.1.taken.load(Ordering::Relaxed)
    }

    /// All entries that were taken are with the operating system.
    fn wrote(&self) {
        self.1.written.store(self.taken(), Ordering::Release);
    }

    /// Whether entries that were taken are waited for.
    fn is_awaited(&self) -> bool {
        let wanted = self.1.wanted.load(Ordering::Relaxed);
        wanted > self.1.written.load(Ordering::Relaxed) && wanted <= self.taken()
    }

    fn get(&self) -> Recording {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Entries go to the tape of this name; what is still queued after a failure changes nothing.
    fn goes_to(&self, name: String) {
        let mut recording = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if !matches!(*recording, Recording::Failed(_)) {
            *recording = Recording::To(name);
        }
    }

    /// The first reason is the one that counts.
    fn fail(&self, why: &RecordError) {
        let mut recording = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if !matches!(*recording, Recording::Failed(_)) {
            *recording = Recording::Failed(why.to_string());
            log::error!("recording failed: {why}; the session goes on unrecorded");
        }
    }
}

/// A recorder at work.
#[derive(Debug)]
pub struct Recorder {
    /// `None` once nothing can be recorded any more.
    entries: Option<SyncSender<Recorded>>,
    stand: Stand,
    /// Entries put into the queue.
    put: u64,
    failed: Option<RecordError>,
    /// Where the thread says what it came to; `None` once that was asked for.
    done: Option<Receiver<Record>>,
}

impl Recorder {
    /// Begins a tape on a shelf and records to it, with a new one at every whole multiple of
    /// `every_ns`.
    ///
    /// # Errors
    /// [`RecordError`]: the tape cannot be made.
    pub fn start(
        shelf: Shelf,
        header: Header,
        every_ns: u64,
        now: Nanos,
    ) -> Result<Self, RecordError> {
        let dir = shelf.dir().to_owned();
        let stand = Stand::default();
        let reel = Reel::start(shelf, header, every_ns, now, stand.clone())?;
        Self::over(stand, move |entries| reel.run(entries))
            .map_err(|source| RecordError::Folder { dir, source })
    }

    /// A recorder whose thread does `work`.
    fn over(
        stand: Stand,
        work: impl FnOnce(&Receiver<Recorded>) -> Record + Send + 'static,
    ) -> io::Result<Self> {
        let (entries, receiver) = sync_channel(RECORDER);
        let (send, done) = sync_channel(1);
        std::thread::Builder::new().name("recorder".into()).spawn(move || {
            let record = work(&receiver);
            // Nobody asks any more if it was too late.
            let _ = send.send(record);
        })?;
        Ok(Self { entries: Some(entries), stand, put: 0, failed: None, done: Some(done) })
    }

    /// Records an entry. Where there is no room it waits, but not for good: then the recording is
    /// given up, since a session without a tape is worth more than one that stands still.
    pub fn put(&mut self, entry: Recorded) {
        let Some(entries) = &self.entries else { return };
        let (mut entry, mut waited) = (entry, None);
        loop {
            match entries.try_send(entry) {
                Ok(()) => return self.put += 1,
                // The thread has said why, unless it broke.
                Err(TrySendError::Disconnected(_)) => {
                    self.stand.fail(&RecordError::Broken);
                    break;
                }
                Err(TrySendError::Full(back)) => entry = back,
            }
            if waited.get_or_insert_with(Stopwatch::start).elapsed() >= RECORDER_WAIT {
                self.stand.fail(&RecordError::Slow);
                self.failed = Some(RecordError::Slow);
                break;
            }
            std::thread::sleep(RECORDER_PAUSE);
        }
        self.entries = None;
    }

    /// How it stands.
    pub fn recording(&self) -> Recording {
        self.stand.get()
    }

    /// Has all entries so far written soon; how many there are.
    pub(super) fn hurry(&self) -> u64 {
        self.stand.1.wanted.store(self.put, Ordering::Relaxed);
        self.put
    }

    /// What tells whether so many entries are on tape, where a killed program does not lose them,
    /// or never will be.
    pub(super) fn on_tape(&self) -> OnTape {
        let stand = self.stand.clone();
        Box::new(move |entries| {
            stand.1.written.load(Ordering::Acquire) >= entries
                || matches!(stand.get(), Recording::Failed(_))
        })
    }

    /// Writes what is left and seals the tape, if that can be done in time.
    pub fn finish(mut self) -> Record {
        let mut record = match self.sealed() {
            Ok(record) => record,
            Err(RecvTimeoutError::Timeout) => {
                let lost = self.put.saturating_sub(self.stand.taken());
                Record { failed: Some(RecordError::Stuck { lost }), ..Record::default() }
            }
            Err(_) => Record { failed: Some(RecordError::Broken), ..Record::default() },
        };
        // What came first is the cause of what came after it.
        record.failed = self.failed.take().or(record.failed);
        if let Some(why) = &record.failed {
            self.stand.fail(why);
        }
        record
    }

    /// Has the thread seal the tape, and waits for it, but not for good.
    fn sealed(&mut self) -> Result<Record, RecvTimeoutError> {
        self.entries = None;
        let done = self.done.take().ok_or(RecvTimeoutError::Disconnected)?;
        done.recv_timeout(SEAL)
    }
}

/// Whatever breaks, the tape is sealed before the program ends.
impl Drop for Recorder {
    fn drop(&mut self) {
        let _ = self.sealed();
    }
}

#[cfg(test)]
mod tests;
