//! Log files: one being written, so many old ones, and never more on the disk than that.
//!
//! A logger cannot fail: what cannot be written is counted, and the file is tried again a second
//! later. Crates that rotate files assume that nobody moves or removes them meanwhile; this must
//! outlive that, too.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use systems::units::Nanos;

use super::{put_aside, since_epoch};

/// How often the file is looked for, or tried again, in nanoseconds.
const LOOK_NS: u64 = Nanos::PER_SECOND;

/// The file being written; old ones are `tapescan-<instant>.log`.
const NAME: &str = "tapescan.log";

/// Log files in a folder.
#[derive(Debug)]
pub(super) struct Files {
    dir: PathBuf,
    max_size: u64,
    keep: usize,
    open: Option<Open>,
    looked: Nanos,
    /// Lines that could not be written.
    lost: u64,
}

#[derive(Debug)]
struct Open {
    file: File,
    bytes: u64,
    /// The day of its lines, counted from 1970.
    day: u64,
}

impl Files {
    /// Files of at most `max_size` bytes in `dir`, with `keep` old ones.
    ///
    /// # Errors
    /// Nothing can be written there now.
    pub(super) fn new(dir: &Path, max_size: u64, keep: u32, at: Nanos) -> io::Result<Self> {
        let (dir, keep) = (dir.to_owned(), keep as usize);
        let open = Some(Open::at(&dir, at)?);
        Ok(Self { dir, max_size, keep, open, looked: at, lost: 0 })
    }

    /// Writes a line, which ends with a line break.
    pub(super) fn write(&mut self, at: Nanos, line: &str) {
        // A line longer than a file would break the budget.
        let line = &line.as_bytes()[..line.len().min(self.max_size as usize)];
        if self.try_write(at, line).is_err() {
            self.open = None;
            self.lost += 1;
        }
    }

    fn try_write(&mut self, at: Nanos, line: &[u8]) -> io::Result<()> {
        if at.0.abs_diff(self.looked.0) >= LOOK_NS {
            self.looked = at;
            // Whoever removed the folder wants the file to be there again, not a nameless one.
            self.open.take_if(|_| !self.dir.join(NAME).exists());
            if self.open.is_none() {
                self.open = Some(Open::at(&self.dir, at)?);
            }
        }
        let Some(open) = &self.open else { return Err(io::ErrorKind::NotFound.into()) };
        let full = open.bytes > 0 && open.bytes + line.len() as u64 > self.max_size;
        if full || open.day != at.0 / Nanos::PER_DAY {
            self.rotate(at)?;
        }
        let Some(open) = &mut self.open else { return Err(io::ErrorKind::NotFound.into()) };
        if self.lost > 0 {
            let note = format!("{} lines before this could not be written\n", self.lost);
            open.append(note.as_bytes())?;
            self.lost = 0;
        }
        open.append(line)
    }

    /// Puts the file aside, begins a new one and removes the oldest.
    fn rotate(&mut self, at: Nanos) -> io::Result<()> {
        self.open = None;
        put_aside(&self.dir.join(NAME), at, self.keep)?;
        self.open = Some(Open::at(&self.dir, at)?);
        Ok(())
    }
}

impl Open {
    fn at(dir: &Path, at: Nanos) -> io::Result<Self> {
        fs::create_dir_all(dir)?;
        let file = OpenOptions::new().append(true).create(true).open(dir.join(NAME))?;
        let metadata = file.metadata()?;
        let written = match metadata.len() {
            0 => at,
            _ => metadata.modified().ok().and_then(since_epoch).unwrap_or(at),
        };
        Ok(Self { file, bytes: metadata.len(), day: written.0 / Nanos::PER_DAY })
    }

    fn append(&mut self, line: &[u8]) -> io::Result<()> {
        self.file.write_all(line)?;
        self.bytes += line.len() as u64;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: Nanos = Nanos::from_seconds(4_102_444_800);

    fn names(dir: &Path) -> Vec<String> {
        let entries = fs::read_dir(dir).unwrap();
        let mut names: Vec<_> =
            entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    #[test]
    fn files_turn_at_their_size_and_only_so_many_stay() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("tapescan-mine.log"), "mine").unwrap();
        let mut files = Files::new(dir.path(), 1_000, 3, START).unwrap();
        for n in 0..1_000u64 {
            files.write(START.plus(n * Nanos::PER_MS), &format!("{n:099}\n"));
        }
        let names = names(dir.path());
        assert_eq!(names.len(), 5, "{names:?}");
        assert!(names.contains(&"tapescan-mine.log".to_owned()));
        let sizes = names.iter().map(|name| dir.path().join(name).metadata().unwrap().len());
        assert_eq!(sizes.sum::<u64>(), 4 + 4 * 1_000);
        let newest = fs::read_to_string(dir.path().join(NAME)).unwrap();
        assert!(newest.ends_with("999\n") && newest.starts_with(&format!("{:099}", 990)));
        files.write(START.plus(2_000 * Nanos::PER_MS), &"x".repeat(5_000));
        assert_eq!(dir.path().join(NAME).metadata().unwrap().len(), 1_000);
    }

    #[test]
    fn a_new_day_begins_a_new_file() {
        let dir = tempfile::tempdir().unwrap();
        let mut files = Files::new(dir.path(), 1_000, 3, START).unwrap();
        files.write(START, "yesterday\n");
        files.write(START.plus(Nanos::PER_DAY - 1), "yesterday\n");
        files.write(START.plus(Nanos::PER_DAY), "today\n");
        assert_eq!(names(dir.path()), ["tapescan-2100-01-02T00-00-00.000Z.log", NAME]);
        assert_eq!(fs::read_to_string(dir.path().join(NAME)).unwrap(), "today\n");
        // One that was left by a run of an earlier day is put aside first.
        let mut files = Files::new(dir.path(), 1_000, 3, START).unwrap();
        files.write(START.plus(Nanos::PER_DAY), "again\n");
        assert_eq!(names(dir.path()).len(), 3);
    }

    #[test]
    fn a_removed_folder_comes_back_and_what_was_lost_is_counted() {
        let outer = tempfile::tempdir().unwrap();
        let dir = outer.path().join("logs");
        let mut files = Files::new(&dir, 1_000, 3, START).unwrap();
        files.write(START, "one\n");
        fs::remove_dir_all(&dir).unwrap();
        files.write(START.plus(LOOK_NS), "two\n");
        assert_eq!(fs::read_to_string(dir.join(NAME)).unwrap(), "two\n");
        // A file in its place: nothing can be written until it is gone.
        fs::remove_dir_all(&dir).unwrap();
        fs::write(&dir, "").unwrap();
        files.write(START.plus(2 * LOOK_NS), "three\n");
        files.write(START.plus(2 * LOOK_NS + 1), "four\n");
        fs::remove_file(&dir).unwrap();
        files.write(START.plus(3 * LOOK_NS), "five\n");
        let text = fs::read_to_string(dir.join(NAME)).unwrap();
        assert_eq!(text, "2 lines before this could not be written\nfive\n");
    }
}
