//! The folder of a recorder: which tapes there are its own, and which of them must go.
//!
//! A file is a recorder's own if its name is the venue's and an instant, its header says that a
//! live session made it, and nobody holds its lock. The lock is the machine's, so that of a
//! recorder which was killed is gone with it.

use std::collections::VecDeque;
use std::fs::{self, File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

use systems::units::Nanos;

use super::RecordError;
use crate::config;
use crate::logging::{instant, timestamp};
use crate::tape::Reader;

/// What the header of a recorder's tape says about who made it.
pub const PROGRAM: &str = concat!("tapescan ", env!("CARGO_PKG_VERSION"), " live");

/// The same of a tape of the simulated exchange. The venue in the header stays the one whose words
/// are on the tape, since that says how to decode them.
pub const PROGRAM_SIM: &str = concat!("tapescan ", env!("CARGO_PKG_VERSION"), " sim live");

/// A tape on the shelf.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tape {
    /// When it was begun, as its name says.
    pub begun: Nanos,
    /// Where it is.
    pub file: PathBuf,
    /// Its size in bytes.
    pub bytes: u64,
}

/// A folder of tapes of one venue, and what they may take.
#[derive(Debug)]
pub struct Shelf {
    dir: PathBuf,
    venue: String,
    budget: Option<u64>,
    max_age_ns: Option<u64>,
    /// Tapes that are not being written, the oldest first.
    tapes: VecDeque<Tape>,
}

impl Shelf {
    /// Opens the folder for tapes of the venue of this name, and makes it if there is none.
    ///
    /// # Errors
    /// [`RecordError::Folder`], or [`RecordError::Busy`] if another recorder is at work there.
    pub fn open(dir: &Path, venue: &str, told: &config::Record) -> Result<Self, RecordError> {
        let fault = |source| RecordError::Folder { dir: dir.to_owned(), source };
        fs::create_dir_all(dir).map_err(fault)?;
        let (budget, max_age_ns) = (told.budget, told.max_age_ns);
        let (dir, venue) = (dir.to_owned(), venue.to_owned());
        let mut tapes = Vec::new();
        for entry in fs::read_dir(&dir).map_err(fault)? {
            let entry = entry.map_err(fault)?;
            let (file, name) = (entry.path(), entry.file_name());
            let name = name.to_string_lossy();
            if let Some(part) = name.strip_prefix('.').and_then(|name| name.strip_suffix(".part"))
                && begun(part, &venue).is_some()
                && !is_locked(&file)
            {
                // A tape whose recorder was killed before its header was whole.
                log::info!("removed {}: a tape that was never begun", file.display());
                drop(fs::remove_file(&file));
            }
            let Some(begun) = begun(&name, &venue).filter(|_| is_own(&file)) else { continue };
            if is_locked(&file) {
                return Err(RecordError::Busy(file));
            }
            let bytes = entry.metadata().map_err(fault)?.len();
            tapes.push(Tape { begun, file, bytes });
        }
        tapes.sort_by_key(|tape| tape.begun);
        Ok(Self { dir, venue, budget, max_age_ns, tapes: tapes.into() })
    }

    /// The folder.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// Tapes that are not being written, the oldest first.
    pub fn tapes(&self) -> impl DoubleEndedIterator<Item = &Tape> {
        self.tapes.iter()
    }

    /// Bytes at which a tape is closed before its time, so that the budget can be kept by removing
    /// whole tapes.
    pub(super) fn tape_max(&self) -> u64 {
        self.budget.map_or(u64::MAX, |budget| budget / 4)
    }

    /// A name for a tape begun at `now` that is not taken: its own, and the one until its header is
    /// whole.
    pub(super) fn vacant(&self, now: Nanos) -> (PathBuf, PathBuf) {
        let name = |at| format!("{}-{}.tape", self.venue, timestamp(at).replace(':', "-"));
        let mut at = now;
        while self.dir.join(name(at)).exists() {
            at = at.plus(Nanos::PER_MS);
        }
        (self.dir.join(name(at)), self.dir.join(format!(".{}.part", name(at))))
    }

    /// Takes a tape that was sealed.
    pub(super) fn add(&mut self, tape: Tape) {
        self.tapes.push_back(tape);
    }

    /// Removes the oldest tapes as long as all take more than they may, with `open` bytes in the
    /// one being written, or are too old.
    pub(super) fn keep_within(&mut self, open: u64, now: Nanos) {
        let mut sum = self.tapes.iter().map(|tape| tape.bytes).fold(open, u64::saturating_add);
        while let Some(tape) = self.tapes.front() {
            let dear = self.budget.is_some_and(|budget| sum > budget);
            let old = self.max_age_ns.is_some_and(|age| tape.begun.plus(age) < now);
            let why = match (dear, old) {
                (true, _) => "the tapes take more than their budget",
                (false, true) => "it is older than max_age",
                (false, false) => return,
            };
            sum = sum.saturating_sub(tape.bytes);
            match fs::remove_file(&tape.file) {
                Ok(()) => log::info!("removed {}: {why}", tape.file.display()),
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => log::warn!("cannot remove {}: {error}", tape.file.display()),
            }
            self.tapes.pop_front();
        }
    }
}

/// When a recorder of `venue` began the tape of this name; `None` if none gave it that name.
fn begun(name: &str, venue: &str) -> Option<Nanos> {
    let at = name.strip_prefix(venue)?.strip_prefix('-')?.strip_suffix(".tape")?;
    let (day, time) = at.split_once('T')?;
    instant(&format!("{day}T{}", time.replace('-', ":")))
}

fn is_own(file: &Path) -> bool {
    match Reader::open(file) {
        Ok(tape) => {
            let program = &tape.header().program;
            program.starts_with("tapescan ") && program.ends_with(" live")
        }
        Err(error) => {
            log::warn!("{}: {error}; it is left as it is", file.display());
            false
        }
    }
}

fn is_locked(file: &Path) -> bool {
    // Where there are no locks, none is held.
    File::open(file).is_ok_and(|file| matches!(file.try_lock(), Err(TryLockError::WouldBlock)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_names_that_a_recorder_gives_are_its_own() {
        let at = Nanos::from_ms(1_723_161_600_007);
        assert_eq!(begun("binance-2024-08-09T00-00-00.007Z.tape", "binance"), Some(at));
        for name in [
            "binance-usdm-2024-08-09T00-00-00.007Z.tape",
            "binance-2024-08-09T00-00-00Z.tape",
            "binance-2024-08-09T00:00:00.007Z.tap",
            "binance-2024-13-09T00-00-00.007Z.tape",
            "binance-.tape",
            "market.tape",
        ] {
            assert_eq!(begun(name, "binance"), None, "{name}");
        }
        assert!(begun("binance-usdm-2024-08-09T00-00-00.007Z.tape", "binance-usdm").is_some());
    }
}
