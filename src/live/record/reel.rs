//! The recorder's own thread: entries to tapes, one after the other.
//!
//! What is on a tape when: a block goes to the operating system every [`FLUSH_NS`], and when an
//! alert waits for it, which a killed program cannot lose any more; it is brought to the disk every
//! [`SYNC_NS`] and when a tape is sealed, which a machine without power cannot lose any more. The
//! latter is done by a thread of its own, since a disk may take seconds for it.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TrySendError, sync_channel};
use std::thread::JoinHandle;

use systems::units::Nanos;

use super::shelf::{Shelf, Tape};
use super::{Kept, Record, RecordError, Recorded, Stand, Taped};
use crate::live::limits::{FLUSH, FLUSH_NS, SYNC_NS, SYNCS};
use crate::tape::entry::Header;
use crate::tape::{CreateError, Writer};

/// Tapes being made one after the other.
pub(super) struct Reel {
    shelf: Shelf,
    header: Header,
    every_ns: u64,
    open: Open,
    sealed: Vec<Taped>,
    syncer: Syncer,
    stand: Stand,
}

/// The tape being written.
struct Open {
    file: PathBuf,
    writer: Writer<File>,
    begun: Nanos,
    entries: u64,
    flushed: Nanos,
    synced: Nanos,
}

impl Reel {
    /// Begins the first tape.
    pub(super) fn start(
        shelf: Shelf,
        header: Header,
        every_ns: u64,
        now: Nanos,
        stand: Stand,
    ) -> Result<Self, RecordError> {
        let dir = shelf.dir().to_owned();
        let syncer = Syncer::new().map_err(|source| RecordError::Folder { dir, source })?;
        let open = Open::begin(&shelf, &header, now, &stand)?;
        Ok(Self { shelf, header, every_ns, open, sealed: Vec::new(), syncer, stand })
    }

    /// Records entries until there are no more, or until that fails.
    pub(super) fn run(mut self, entries: &Receiver<Recorded>) -> Record {
        let failed = self.take_all(entries).err();
        let stand = self.stand.clone();
        if let Some(why) = &failed {
            stand.fail(why);
        }
        let sealed = match failed {
            None => self.seal_last(),
            Some(why) => (self.sealed, Some(why)),
        };
        let (tapes, failed) = sealed;
        Record { earlier: Vec::new(), tapes, failed }
    }

    fn take_all(&mut self, entries: &Receiver<Recorded>) -> Result<(), RecordError> {
        self.shelf.keep_within(self.open.writer.bytes(), self.open.begun);
        loop {
            match entries.recv_timeout(FLUSH) {
                Ok(recorded) => {
                    self.stand.took();
                    self.take(&recorded)?;
                }
                Err(RecvTimeoutError::Timeout) => self.flush(self.open.flushed)?,
                Err(RecvTimeoutError::Disconnected) => return Ok(()),
            }
        }
    }

    fn take(&mut self, recorded: &Recorded) -> Result<(), RecordError> {
        let at = recorded.received;
        let anew = match &recorded.body {
            Kept::Listed(_, anew) => anew.as_slice(),
            _ => &[],
        };
        self.header.symbols.extend_from_slice(anew);
        let due = !anew.is_empty() || at.0 / self.every_ns != self.open.begun.0 / self.every_ns;
        if due || self.open.writer.bytes() >= self.shelf.tape_max() {
            self.change(at)?;
        }
        let written = self.open.writer.write(&recorded.entry());
        written.map_err(|source| self.open.fault(source))?;
        self.open.entries += 1;
        if at.0.saturating_sub(self.open.flushed.0) >= FLUSH_NS || self.stand.is_awaited() {
            self.flush(at)?;
        }
        Ok(())
    }

    fn flush(&mut self, at: Nanos) -> Result<(), RecordError> {
        let open = &mut self.open;
        open.flushed = at;
        let flushed = open.writer.flush();
        flushed.map_err(|source| open.fault(source))?;
        self.stand.wrote();
        // Writing to a file that has no name any more goes on without an error.
        if !open.file.exists() {
            return Err(RecordError::Gone(open.file.clone()));
        }
        if at.0.saturating_sub(open.synced.0) >= SYNC_NS {
            open.synced = at;
            self.syncer.offer(&open.file, open.writer.get_ref())?;
        }
        self.shelf.keep_within(self.open.writer.bytes(), at);
        Ok(())
    }

    /// Seals the tape and begins the next one.
    fn change(&mut self, at: Nanos) -> Result<(), RecordError> {
        // To make a file may take a while, during which nothing should be at risk.
        let flushed = self.open.writer.flush();
        flushed.map_err(|source| self.open.fault(source))?;
        let next = Open::begin(&self.shelf, &self.header, at, &self.stand)?;
        let tape = std::mem::replace(&mut self.open, next);
        self.seal(tape)
    }

    fn seal(&mut self, tape: Open) -> Result<(), RecordError> {
        let Open { file, writer, begun, entries, .. } = tape;
        let sealed = writer.finish();
        let out = sealed.map_err(|source| RecordError::Write { file: file.clone(), source })?;
        let length = out.metadata().map(|metadata| metadata.len());
        let bytes = length.map_err(|source| RecordError::Sync { file: file.clone(), source })?;
        self.syncer.take(&file, out)?;
        self.shelf.add(Tape { begun, file: file.clone(), bytes });
        self.sealed.push(Taped { file, bytes, entries });
        Ok(())
    }

    fn seal_last(self) -> (Vec<Taped>, Option<RecordError>) {
        let Self { open, mut shelf, mut sealed, syncer, .. } = self;
        let Open { file, writer, entries, flushed, .. } = open;
        let done = match writer.finish() {
            Err(source) => Err(RecordError::Write { file, source }),
            Ok(out) => match to_disk(&file, &out).and_then(|()| out.metadata()) {
                Err(source) => Err(RecordError::Sync { file, source }),
                Ok(metadata) => {
                    shelf.keep_within(metadata.len(), flushed);
                    sealed.push(Taped { file, bytes: metadata.len(), entries });
                    syncer.finish()
                }
            },
        };
        (sealed, done.err())
    }
}

impl Open {
    /// Begins a tape under another name, so that none without a whole header is ever seen.
    fn begin(
        shelf: &Shelf,
        header: &Header,
        now: Nanos,
        stand: &Stand,
    ) -> Result<Self, RecordError> {
        let (file, part) = shelf.vacant(now);
        let made = || -> Result<Writer<File>, CreateError> {
            let out = File::create_new(&part)?;
            // Where there are no locks, tapes are told apart by their seals alone.
            drop(out.try_lock());
            let segment = now.0 ^ u64::from(std::process::id()).rotate_left(32);
            let writer = Writer::create(out, header, segment)?;
            std::fs::rename(&part, &file)?;
            Ok(writer)
        };
        match made() {
            Ok(writer) => {
                let name = file.file_name().unwrap_or_default().to_string_lossy().into_owned();
                stand.goes_to(name);
                Ok(Self { file, writer, begun: now, entries: 0, flushed: now, synced: now })
            }
            Err(source) => {
                drop(std::fs::remove_file(&part));
                Err(RecordError::Create { file, source })
            }
        }
    }

    fn fault(&self, source: crate::tape::WriteError) -> RecordError {
        RecordError::Write { file: self.file.clone(), source }
    }
}

/// Brings files to the disk, one after the other.
struct Syncer {
    files: SyncSender<(PathBuf, File)>,
    thread: JoinHandle<Result<(), RecordError>>,
}

impl Syncer {
    fn new() -> io::Result<Self> {
        let (files, receiver) = sync_channel::<(PathBuf, File)>(SYNCS);
        let thread = std::thread::Builder::new().name("syncer".into()).spawn(move || {
            for (file, out) in &receiver {
                if let Err(source) = to_disk(&file, &out) {
                    log::error!("{}: cannot be brought to the disk: {source}", file.display());
                    return Err(RecordError::Sync { file, source });
                }
            }
            Ok(())
        })?;
        Ok(Self { files, thread })
    }

    /// Has a file that is being written brought to the disk, unless earlier ones still are.
    fn offer(&self, file: &Path, out: &File) -> Result<(), RecordError> {
        let fault = |source| RecordError::Sync { file: file.to_owned(), source };
        let out = out.try_clone().map_err(fault)?;
        match self.files.try_send((file.to_owned(), out)) {
            Ok(()) | Err(TrySendError::Full(_)) => Ok(()),
            Err(TrySendError::Disconnected(_)) => Err(fault(broken())),
        }
    }

    /// Has a sealed file brought to the disk.
    fn take(&self, file: &Path, out: File) -> Result<(), RecordError> {
        self.files
            .send((file.to_owned(), out))
            .map_err(|_| RecordError::Sync { file: file.to_owned(), source: broken() })
    }

    /// Waits until all files are on the disk.
    fn finish(self) -> Result<(), RecordError> {
        drop(self.files);
        self.thread.join().map_err(|_| RecordError::Broken)?
    }
}

/// Brings a file and its name to the disk: the name is the folder's, which goes there on its own.
fn to_disk(file: &Path, out: &File) -> io::Result<()> {
    out.sync_all()?;
    let dir = file.parent().filter(|dir| !dir.as_os_str().is_empty());
    match File::open(dir.unwrap_or(Path::new("."))).and_then(|dir| dir.sync_all()) {
        // Who removed the folder is told so elsewhere; and some machines have no such thing.
        Err(error) if FOLDERS.contains(&error.kind()) => Ok(()),
        done => done,
    }
}

/// What a folder answers that is gone, or of a machine that cannot bring it to the disk.
const FOLDERS: [io::ErrorKind; 4] = [
    io::ErrorKind::NotFound,
    io::ErrorKind::PermissionDenied,
    io::ErrorKind::InvalidInput,
    io::ErrorKind::Unsupported,
];

/// The thread ends at the first error, and logs it.
fn broken() -> io::Error {
    io::Error::other("an earlier tape could not be")
}
