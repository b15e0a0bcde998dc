//! A file of alerts, one JSON object a line, of which so many bytes and so many old ones are kept.

use std::fs::File;
use std::io::ErrorKind::{InvalidInput, ResourceBusy};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use super::Why;
use super::outlet::{Target, Trouble};
use super::owned::{claim, is_at, is_removed, sync_name};
use super::spool::Item;
use crate::clock;
use crate::logging::put_aside;

/// Bytes at the end of a file that are searched for its last line.
const TAIL: u64 = 1 << 20;

/// Files of lines.
#[derive(Debug)]
pub(super) struct Lines {
    path: PathBuf,
    /// A file is put aside before it would become larger, in bytes.
    max_size: u64,
    /// So many that were put aside stay.
    keep: usize,
    open: Option<Open>,
}

/// A file that is written to.
#[derive(Debug)]
struct Open {
    file: File,
    /// What was its last line when it was opened, until another one is written.
    last: String,
}

impl Target for Lines {
    /// Takes the file, so that no other session can. A disk that fails may do better when an alert
    /// comes.
    fn begin(&mut self) -> Result<(), Why> {
        match open(&self.path) {
            // Trying again is of no use until somebody puts right what the path leads to.
            Err(source) if matches!(source.kind(), ResourceBusy | InvalidInput) => {
                return Err(Why::File { file: self.path.clone(), source });
            }
            Err(error) => log::warn!("{}: {error}", self.path.display()),
            Ok(open) => self.open = Some(open),
        }
        Ok(())
    }

    fn deliver(&mut self, item: &Item) -> Result<(), Trouble> {
        self.write(item).map_err(|error| {
            // Opened again, it is looked at again: half a line may have been written.
            self.open = None;
            Trouble::passing(format!("{}: {error}", self.path.display()))
        })
    }
}

impl Lines {
    pub(super) fn new(path: &Path, max_size: u64, keep: usize) -> Self {
        Self { path: path.to_owned(), max_size, keep, open: None }
    }

    fn write(&mut self, item: &Item) -> io::Result<()> {
        // Whoever moved or removed the file wants another one to be there.
        self.open.take_if(|open| !is_at(&open.file, &self.path));
        let open = match &mut self.open {
            Some(open) => open,
            None => self.open.insert(open(&self.path)?),
        };
        // It may have been written by a program that was killed before it could say so.
        if std::mem::take(&mut open.last) == item.json {
            return open.file.sync_data();
        }
        let length = open.file.metadata()?.len();
        if length > 0 && length + item.json.len() as u64 >= self.max_size {
            put_aside(&self.path, clock::now(), self.keep)?;
            return self.write(item);
        }
        write_line(&mut open.file, &item.json)?;
        // Removed in this moment, it has taken the line with it.
        if is_removed(&open.file) { self.write(item) } else { Ok(()) }
    }
}

/// Opens a file to write whole lines behind those that it has.
fn open(path: &Path) -> io::Result<Open> {
    let mut file = claim(path)?;
    let length = file.metadata()?.len();
    if length == 0 {
        sync_name(path);
    }
    file.seek(SeekFrom::Start(length.saturating_sub(TAIL)))?;
    let mut tail = Vec::new();
    file.read_to_end(&mut tail)?;
    let whole = tail.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
    // What was torn there waits to be delivered.
    if whole < tail.len() && (whole > 0 || length == tail.len() as u64) {
        file.set_len(length - (tail.len() - whole) as u64)?;
    }
    let text = String::from_utf8_lossy(&tail[..whole]);
    let last = text.trim_end_matches('\n').rsplit('\n').next().unwrap_or_default().to_owned();
    Ok(Open { file, last })
}

/// Appends a line, and brings it to the disk.
pub(super) fn append(path: &Path, line: &str) -> io::Result<()> {
    write_line(&mut open(path)?.file, line)
}

fn write_line(file: &mut File, line: &str) -> io::Result<()> {
    file.write_all(format!("{line}\n").as_bytes())?;
    file.sync_data()
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn lines(path: &Path) -> Lines {
        Lines::new(path, 100, 2)
    }

    fn item(n: usize) -> Item {
        Item::of(&n.to_string(), &format!("{{\"n\":{n:020}}}"))
    }

    #[test]
    fn files_are_put_aside_at_their_size_and_only_so_many_stay() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("new/alerts.jsonl");
        let mut file = lines(&path);
        (0..30).for_each(|n| file.deliver(&item(n)).unwrap());
        let names = fs::read_dir(path.parent().unwrap()).unwrap();
        let mut names: Vec<_> =
            names.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        assert_eq!((names.len(), &*names[2]), (3, "alerts.jsonl"), "{names:?}");
        assert!(names[0].starts_with("alerts-2"), "{names:?}");
        let text: String = names
            .iter()
            .map(|name| fs::read_to_string(path.with_file_name(name)).unwrap())
            .collect();
        let last: String = (30 - text.lines().count()..30).map(|n| item(n).json + "\n").collect();
        assert_eq!(text, last);
        assert!(text.lines().count() > 6, "{text}");
    }

    #[test]
    fn what_is_no_file_is_not_written_to() {
        for path in ["/dev/null", "/dev/zero", "/"] {
            let Err(Trouble::Passing(why, _)) = lines(Path::new(path)).deliver(&item(1)) else {
                panic!("{path} took it");
            };
            assert!(why.contains("not a file"), "{why}");
            assert!(lines(Path::new(path)).begin().is_err(), "{path}");
        }
    }

    #[test]
    fn one_session_alone_writes_to_a_file() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("alerts.jsonl");
        let (mut one, mut two) = (lines(&path), lines(&path));
        one.begin().unwrap();
        let told = two.begin().unwrap_err().to_string();
        assert!(told.contains("alerts.jsonl: ") && told.contains("end that session"), "{told}");
        (0..9).for_each(|n| one.deliver(&item(n)).unwrap());
        let Err(Trouble::Passing(why, _)) = two.deliver(&item(9)) else { panic!("it was taken") };
        assert!(why.contains("end that session"), "{why}");
        drop(one);
        two.deliver(&item(9)).unwrap();
        let text = fs::read_to_string(&path).unwrap();
        assert!(text.ends_with(&(item(9).json + "\n")), "{text}");
    }

    #[cfg(unix)]
    #[test]
    fn a_file_that_is_put_aside_by_others_is_begun_anew() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("alerts.jsonl");
        let aside = dir.path().join("aside.jsonl");
        let mut file = lines(&path);
        file.deliver(&item(1)).unwrap();
        fs::rename(&path, &aside).unwrap();
        file.deliver(&item(2)).unwrap();
        // Another one in its place, as tools make it that rotate logs.
        fs::remove_file(&path).unwrap();
        fs::write(&path, "{}\n").unwrap();
        file.deliver(&item(3)).unwrap();
        assert_eq!(fs::read_to_string(&aside).unwrap(), item(1).json + "\n");
        assert_eq!(fs::read_to_string(&path).unwrap(), format!("{{}}\n{}\n", item(3).json));
        fs::remove_dir_all(dir.path()).unwrap();
        file.deliver(&item(4)).unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), item(4).json + "\n");
    }

    #[test]
    fn a_line_that_is_there_is_not_written_again_and_a_torn_one_is_cut_off() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("alerts.jsonl");
        lines(&path).deliver(&item(1)).unwrap();
        lines(&path).deliver(&item(1)).unwrap();
        let text = fs::read_to_string(&path).unwrap();
        assert_eq!(text, item(1).json + "\n");
        fs::write(&path, text.clone() + "{\"n\":").unwrap();
        let mut file = lines(&path);
        file.deliver(&item(2)).unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), text + &item(2).json + "\n");
        // Whoever takes it away gets a new one.
        fs::remove_file(&path).unwrap();
        file.deliver(&item(3)).unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), item(3).json + "\n");
        drop(file);
        fs::write(&path, "torn from the start").unwrap();
        lines(&path).deliver(&item(4)).unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), item(4).json + "\n");
    }
}
