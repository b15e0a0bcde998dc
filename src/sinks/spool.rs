//! What waits for one sink: a queue that lies in a file, and its beginning in memory too.
//!
//! An alert is in the file before it is delivered, and a note that it was delivered comes after it.
//! So a program that is killed in between finds it waiting, and sends it again under its key; what
//! a sink did not take before the end goes out at the next start. The file is read line by line:
//! where it was torn, the torn line was never delivered.

use std::borrow::Cow;
use std::collections::{HashSet, VecDeque};
use std::fs::{self, File, OpenOptions};
use std::io::{self, BufRead, BufReader, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use systems::units::Nanos;

use super::limits::{DONE_MAX, RECENT};
use super::message::Message;

/// One line of the file.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Line<'a> {
    /// When the file was begun, by the venue's time in nanoseconds.
    Begun(u64),
    /// An alert that was taken earlier, of which only its instant and key are kept.
    Known(u64, Cow<'a, str>),
    /// An alert: its number, instant, key and text.
    Alert(u64, u64, Cow<'a, str>, Cow<'a, str>),
    /// Everything up to this number was delivered, or given up.
    Done(u64),
}

/// An alert that waits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Item {
    number: u64,
    /// Where its line begins in the file.
    offset: u64,
    /// What it is known by.
    pub(super) key: String,
    /// All of it, as one line of JSON.
    pub(super) json: String,
}

#[cfg(test)]
impl Item {
    /// An alert that waits nowhere.
    pub(super) fn of(key: &str, json: &str) -> Self {
        Self { number: 0, offset: 0, key: key.to_owned(), json: json.to_owned() }
    }
}

/// What became of an alert that was to be queued.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Put {
    /// It waits, and is on the disk.
    Queued,
    /// It waits in memory alone; the disk says why.
    Undurable(String),
    /// The sink has had it.
    Known,
    /// There is no room for it.
    Full,
}

/// The queue of one sink.
#[derive(Debug)]
pub(super) struct Spool {
    /// `None` keeps all in memory.
    disk: Option<Disk>,
    /// Alerts in memory at most.
    room: usize,
    /// The oldest of those that wait.
    waiting: VecDeque<Arc<Item>>,
    /// How many wait, in memory or not.
    pending: u64,
    /// The number of the newest.
    last: u64,
    recent: Recent,
}

/// The file.
#[derive(Debug)]
struct Disk {
    path: PathBuf,
    file: File,
    length: u64,
    budget: u64,
    /// Where those that are not in memory begin.
    unread: Option<u64>,
}

/// The newest alerts that were taken.
#[derive(Debug, Default)]
struct Recent {
    keys: HashSet<String>,
    order: VecDeque<(u64, String)>,
    /// The instant of the newest, or that at which the file was begun.
    last_at: u64,
}

impl Recent {
    fn note(&mut self, at: u64, key: &str) {
        self.last_at = self.last_at.max(at);
        if self.keys.insert(key.to_owned()) {
            self.order.push_back((at, key.to_owned()));
        }
        // Those of the newest instant are told apart by their keys alone, however many there are.
        while self.order.len() > RECENT
            && let Some((_, oldest)) = self.order.pop_front_if(|(at, _)| *at < self.last_at)
        {
            self.keys.remove(&oldest);
        }
    }
}

impl Spool {
    /// A queue of at most `room` alerts that does not outlive the program.
    pub(super) fn in_memory(room: usize) -> Self {
        let (waiting, recent) = (VecDeque::new(), Recent::default());
        Self { disk: None, room, waiting, pending: 0, last: 0, recent }
    }

    /// Opens the file at `path`, or begins it at `now`: `budget` bytes at most, and `room` alerts
    /// of it in memory.
    ///
    /// # Errors
    /// It cannot be read or written, or belongs to another session that runs.
    pub(super) fn open(path: &Path, budget: u64, room: usize, now: Nanos) -> io::Result<Self> {
        let file = OpenOptions::new().read(true).append(true).create(true).open(path)?;
        if let Err(fs::TryLockError::WouldBlock) = file.try_lock() {
            return Err(io::Error::other("another session delivers from it"));
        }
        let mut spool = Self::in_memory(room);
        let mut disk = Disk { path: path.to_owned(), file, length: 0, budget, unread: None };
        let (mut done, mut alerts) = (0, VecDeque::new());
        let mut reader = BufReader::new(File::open(path)?);
        while let Some((length, line)) = next_line(&mut reader)? {
            let offset = disk.length;
            disk.length += length;
            match line {
                Some(Line::Begun(at)) => spool.recent.last_at = spool.recent.last_at.max(at),
                Some(Line::Known(at, key)) => spool.recent.note(at, &key),
                Some(Line::Alert(number, at, key, _)) => {
                    spool.recent.note(at, &key);
                    spool.last = spool.last.max(number);
                    alerts.push_back((number, offset));
                }
                Some(Line::Done(number)) => done = done.max(number),
                None => log::error!("{}: a damaged line at byte {offset}", path.display()),
            }
            while alerts.front().is_some_and(|(number, _)| *number <= done) {
                alerts.pop_front();
            }
        }
        // What a killed program tore was never delivered.
        disk.file.set_len(disk.length)?;
        spool.pending = alerts.len() as u64;
        spool.last = spool.last.max(done);
        disk.unread = alerts.front().map(|(_, offset)| *offset);
        let new = disk.length == 0;
        spool.disk = Some(disk);
        if new {
            spool.write(&Line::Begun(now.0))?;
            spool.recent.last_at = now.0;
        }
        Ok(spool)
    }

    /// Queues an alert. Of what an earlier session may have told already (`again`), only what is
    /// new since that was stopped.
    pub(super) fn put(&mut self, message: &Message, again: bool) -> Put {
        let Message { key, at, json, .. } = message;
        if self.recent.keys.contains(key) || (again && at.0 < self.recent.last_at) {
            return Put::Known;
        }
        let number = self.last + 1;
        let line = Line::Alert(number, at.0, key.into(), json.into());
        let offset = self.disk.as_ref().map_or(0, |disk| disk.length);
        let written = match &self.disk {
            None => Ok(()),
            Some(disk) if disk.length - self.begins() + json.len() as u64 > disk.budget => {
                return Put::Full;
            }
            Some(_) => self.write(&line),
        };
        let behind = self.disk.as_ref().is_some_and(|disk| disk.unread.is_some());
        let in_memory = self.waiting.len() < self.room && !behind;
        match (&mut self.disk, in_memory) {
            (_, true) => {
                let (key, json) = (key.clone(), json.clone());
                self.waiting.push_back(Arc::new(Item { number, offset, key, json }));
            }
            (Some(disk), false) if written.is_ok() => {
                disk.unread.get_or_insert(offset);
            }
            _ => return Put::Full,
        }
        self.recent.note(at.0, key);
        (self.last, self.pending) = (number, self.pending + 1);
        written.map_or_else(|error| Put::Undurable(error.to_string()), |()| Put::Queued)
    }

    /// The oldest that waits.
    ///
    /// # Errors
    /// The file cannot be read.
    pub(super) fn first(&mut self) -> io::Result<Option<Arc<Item>>> {
        if self.waiting.is_empty() {
            self.refill()?;
        }
        Ok(self.waiting.front().cloned())
    }

    /// The oldest was delivered, or given up.
    ///
    /// # Errors
    /// That cannot be noted on the disk: it may be delivered again after the next start.
    pub(super) fn done(&mut self) -> io::Result<()> {
        let Some(item) = self.waiting.pop_front() else { return Ok(()) };
        self.pending -= 1;
        let noted = self.write(&Line::Done(item.number));
        let compacted = self.compact();
        noted.and(compacted)?;
        self.sync()
    }

    /// Brings what was written to the disk.
    ///
    /// # Errors
    /// The disk's.
    pub(super) fn sync(&self) -> io::Result<()> {
        self.disk.as_ref().map_or(Ok(()), |disk| disk.file.sync_data())
    }

    /// How many wait.
    pub(super) fn pending(&self) -> u64 {
        self.pending
    }

    /// Where in the file the oldest that waits begins; its end if none does.
    fn begins(&self) -> u64 {
        let Some(disk) = &self.disk else { return 0 };
        self.waiting.front().map(|item| item.offset).or(disk.unread).unwrap_or(disk.length)
    }

    fn write(&mut self, line: &Line<'_>) -> io::Result<()> {
        let Some(disk) = &mut self.disk else { return Ok(()) };
        let mut text = serde_json::to_string(line)?;
        text.push('\n');
        let written = disk.file.write_all(text.as_bytes());
        match &written {
            Ok(()) => disk.length += text.len() as u64,
            // Half a line would spoil the next one.
            Err(_) => drop(disk.file.set_len(disk.length)),
        }
        written
    }

    /// From the file into memory.
    fn refill(&mut self) -> io::Result<()> {
        let Some(disk) = &mut self.disk else { return Ok(()) };
        let Some(mut offset) = disk.unread else { return Ok(()) };
        let mut file = File::open(&disk.path)?;
        file.seek(SeekFrom::Start(offset))?;
        let mut reader = BufReader::new(file);
        while self.waiting.len() < self.room {
            let Some((length, line)) = next_line(&mut reader)? else {
                disk.unread = None;
                return Ok(());
            };
            if let Some(Line::Alert(number, _, key, json)) = line {
                let (key, json) = (key.into_owned(), json.into_owned());
                self.waiting.push_back(Arc::new(Item { number, offset, key, json }));
            }
            offset += length;
        }
        disk.unread = Some(offset).filter(|offset| *offset < disk.length);
        Ok(())
    }

    /// Writes the file anew once most of it was delivered long ago.
    fn compact(&mut self) -> io::Result<()> {
        let Some(disk) = &self.disk else { return Ok(()) };
        let first = self.begins();
        if first < DONE_MAX || first < disk.length / 2 {
            return Ok(());
        }
        let (path, budget, unread) = (disk.path.clone(), disk.budget, disk.unread);
        let part = path.with_extension("part");
        let file = OpenOptions::new().read(true).append(true).create(true).open(&part)?;
        file.set_len(0)?;
        drop(file.try_lock());
        let next = Disk { path: path.clone(), file, length: 0, budget, unread: None };
        let old = self.disk.replace(next);
        let copied = self.copy(first, old.as_ref());
        match copied.and_then(|()| fs::rename(&part, &path)) {
            Ok(()) => {
                let moved = self.disk.as_ref().map_or(0, |disk| disk.length)
                    - (old.as_ref().map_or(0, |disk| disk.length) - first);
                let shift = |offset: u64| offset - first + moved;
                for item in &mut self.waiting {
                    Arc::make_mut(item).offset = shift(item.offset);
                }
                if let Some(disk) = &mut self.disk {
                    disk.unread = unread.map(shift);
                }
                Ok(())
            }
            Err(error) => {
                self.disk = old;
                drop(fs::remove_file(part));
                Err(error)
            }
        }
    }

    /// What is known, and what waits from `first` on, into the new file.
    fn copy(&mut self, first: u64, old: Option<&Disk>) -> io::Result<()> {
        let known = std::mem::take(&mut self.recent.order);
        let begun = self.write(&Line::Begun(self.recent.last_at));
        // Those that wait are noted again by their own lines, and twice is as good as once.
        let noted =
            known.iter().try_for_each(|(at, key)| self.write(&Line::Known(*at, key.into())));
        self.recent.order = known;
        begun.and(noted)?;
        let done = self.last - self.pending;
        self.write(&Line::Done(done))?;
        let (Some(disk), Some(old)) = (&mut self.disk, old) else { return Ok(()) };
        let mut rest = File::open(&old.path)?;
        rest.seek(SeekFrom::Start(first))?;
        disk.length += io::copy(&mut rest, &mut disk.file)?;
        disk.file.sync_data()
    }
}

/// The length in bytes of a whole line, and the line unless it is damaged; nothing at the end.
fn next_line(reader: &mut impl BufRead) -> io::Result<Option<(u64, Option<Line<'static>>)>> {
    let mut text = Vec::new();
    let length = reader.read_until(b'\n', &mut text)?;
    if text.last() != Some(&b'\n') {
        return Ok(None);
    }
    Ok(Some((length as u64, serde_json::from_slice(&text).ok())))
}

#[cfg(test)]
mod tests;
