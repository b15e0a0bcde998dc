//! A file of alerts, one JSON object a line, of which so many bytes and so many old ones are kept.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use super::outlet::{Target, Trouble};
use super::spool::Item;
use crate::clock;
use crate::logging::{instant, timestamp};

/// Bytes at the end of a file that are searched for its last line.
const TAIL: u64 = 1 << 20;

/// Files of lines.
#[derive(Debug)]
pub(super) struct Lines {
    pub(super) path: PathBuf,
    /// A file is put aside before it would become larger, in bytes.
    pub(super) max_size: u64,
    /// So many that were put aside stay.
    pub(super) keep: usize,
    /// The file, once it was looked at.
    pub(super) open: Option<File>,
}

impl Target for Lines {
    fn deliver(&mut self, item: &Item) -> Result<(), Trouble> {
        self.write(item).map_err(|error| {
            // Opened again, it is looked at again: half a line may have been written.
            self.open = None;
            Trouble::Passing(format!("{}: {error}", self.path.display()), None)
        })
    }
}

impl Lines {
    fn write(&mut self, item: &Item) -> io::Result<()> {
        // Whoever removed the file wants another one to be there, not one without a name.
        self.open.take_if(|_| !self.path.exists());
        let file = match &mut self.open {
            Some(file) => file,
            None => {
                let file = self.open.insert(begin(&self.path)?);
                // It may have been written by a program that was killed before it could say so.
                if last_line(file)? == item.json {
                    return Ok(());
                }
                file
            }
        };
        let length = file.metadata()?.len();
        if length > 0 && length + item.json.len() as u64 >= self.max_size {
            self.open = None;
            self.rotate()?;
            return self.write(item);
        }
        file.write_all(format!("{}\n", item.json).as_bytes())?;
        file.sync_data()
    }

    /// Puts the file aside and removes the oldest of those.
    fn rotate(&self) -> io::Result<()> {
        let stem = self.path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let kind = self.path.extension().map(|kind| format!(".{}", kind.to_string_lossy()));
        let kind = kind.unwrap_or_default();
        let mut at = clock::now();
        let named = |at| format!("{stem}-{}{kind}", timestamp(at).replace(':', "-"));
        while self.path.with_file_name(named(at)).exists() {
            at = at.plus(systems::units::Nanos::PER_MS);
        }
        fs::rename(&self.path, self.path.with_file_name(named(at)))?;
        let dir = self.path.parent().filter(|dir| !dir.as_os_str().is_empty());
        let names = fs::read_dir(dir.unwrap_or(Path::new(".")))?;
        let names = names.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
        let ours = |name: &String| {
            let at = name.strip_prefix(&format!("{stem}-"));
            let at = at.and_then(|rest| rest.strip_suffix(&kind)?.split_once('T'));
            at.is_some_and(|(day, time)| {
                instant(&format!("{day}T{}", time.replace('-', ":"))).is_some()
            })
        };
        let mut old: Vec<String> = names.filter(ours).collect();
        // Names sort like the instants in them.
        old.sort();
        for name in &old[..old.len().saturating_sub(self.keep)] {
            fs::remove_file(self.path.with_file_name(name))?;
        }
        Ok(())
    }
}

/// Opens a file to write whole lines behind those that it has.
fn begin(path: &Path) -> io::Result<File> {
    if let Some(dir) = path.parent() {
        fs::create_dir_all(dir)?;
    }
    // A device may never end, or never begin.
    if path.metadata().is_ok_and(|found| !found.is_file()) {
        return Err(io::Error::other("it is not a file"));
    }
    let mut file = OpenOptions::new().read(true).append(true).create(true).open(path)?;
    let length = file.metadata()?.len();
    let tail = tail(&mut file)?;
    let whole = tail.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
    // What was torn there waits to be delivered.
    if whole < tail.len() && (whole > 0 || length == tail.len() as u64) {
        file.set_len(length - (tail.len() - whole) as u64)?;
    }
    Ok(file)
}

fn tail(file: &mut File) -> io::Result<Vec<u8>> {
    let length = file.metadata()?.len();
    file.seek(SeekFrom::Start(length.saturating_sub(TAIL)))?;
    let mut tail = Vec::new();
    file.read_to_end(&mut tail)?;
    Ok(tail)
}

fn last_line(file: &mut File) -> io::Result<String> {
    let tail = tail(file)?;
    let text = String::from_utf8_lossy(&tail);
    Ok(text.trim_end_matches('\n').rsplit('\n').next().unwrap_or_default().to_owned())
}

/// Appends a line, and brings it to the disk.
pub(super) fn append(path: &Path, line: &str) -> io::Result<()> {
    let mut file = begin(path)?;
    file.write_all(format!("{line}\n").as_bytes())?;
    file.sync_data()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(path: &Path) -> Lines {
        Lines { path: path.to_owned(), max_size: 100, keep: 2, open: None }
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
        }
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
        fs::write(&path, "torn from the start").unwrap();
        lines(&path).deliver(&item(4)).unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), item(4).json + "\n");
    }
}
