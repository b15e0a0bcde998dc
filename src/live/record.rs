//! The recorder: a thread of its own, so that a slow disk holds up the inbox and nothing else.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::JoinHandle;

use systems::units::Nanos;

use super::limits::{FLUSH_NS, RECORDER};
use super::socket::Text;
use crate::rest::arrival::News;
use crate::tape::entry::{Body, Entry, Header};
use crate::tape::{CreateError, WriteError, Writer};

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

/// Why a session is not, or not wholly, on its tape.
#[derive(Debug, thiserror::Error)]
pub enum RecordError {
    /// The tape cannot be made.
    #[error("{}: {source}", .file.display())]
    Create {
        /// Which file.
        file: PathBuf,
        /// Why.
        source: CreateError,
    },
    /// The tape cannot be written any more; it is readable up to its last whole block.
    #[error("{}: {source}", .file.display())]
    Write {
        /// Which file.
        file: PathBuf,
        /// Why.
        source: WriteError,
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

/// A recorder at work.
#[derive(Debug)]
pub struct Recorder {
    entries: SyncSender<Recorded>,
    thread: JoinHandle<Result<Taped, RecordError>>,
}

impl Recorder {
    /// Makes a new tape in `dir` and records to it.
    ///
    /// # Errors
    /// [`RecordError::Create`]: the folder or the file cannot be made.
    pub fn start(dir: &Path, header: &Header, now: Nanos) -> Result<Self, RecordError> {
        let at = crate::logging::timestamp(now).replace(':', "-");
        let file = dir.join(format!("{}-{at}.tape", header.venue));
        let create = |source| RecordError::Create { file: file.clone(), source };
        std::fs::create_dir_all(dir).map_err(|error| create(error.into()))?;
        let out = File::create_new(&file).map_err(|error| create(error.into()))?;
        let segment = now.0 ^ u64::from(std::process::id()).rotate_left(32);
        let writer = Writer::create(BufWriter::new(out), header, segment).map_err(create)?;
        let (entries, receiver) = sync_channel(RECORDER);
        let thread = std::thread::Builder::new().name("recorder".into()).spawn({
            let file = file.clone();
            move || {
                write_all(&receiver, writer, &file)
                    .map_err(|source| RecordError::Write { file, source })
            }
        });
        let thread = thread.map_err(|error| create(error.into()))?;
        Ok(Self { entries, thread })
    }

    /// Records an entry, waiting for room; `false` if nothing can be recorded any more.
    pub fn put(&self, entry: Recorded) -> bool {
        self.entries.send(entry).is_ok()
    }

    /// Writes what is left and seals the tape.
    ///
    /// # Errors
    /// [`RecordError`]: the tape is not sealed.
    pub fn finish(self) -> Result<Taped, RecordError> {
        drop(self.entries);
        self.thread.join().map_err(|_| RecordError::Broken)?
    }
}

fn write_all(
    entries: &Receiver<Recorded>,
    mut writer: Writer<BufWriter<File>>,
    file: &Path,
) -> Result<Taped, WriteError> {
    let (mut count, mut flushed) = (0, Nanos(0));
    while let Ok(recorded) = entries.recv() {
        writer.write(&recorded.entry())?;
        count += 1;
        if recorded.received.0.saturating_sub(flushed.0) >= FLUSH_NS {
            flushed = recorded.received;
            writer.flush()?;
        }
    }
    let bytes = seal(writer.finish()?)?;
    Ok(Taped { file: file.to_owned(), bytes, entries: count })
}

fn seal(mut out: BufWriter<File>) -> io::Result<u64> {
    out.flush()?;
    let file = out.get_ref();
    file.sync_all()?;
    Ok(file.metadata()?.len())
}
