//! What waits for one sink: a queue that lies in a file, and its beginning in memory too.
//!
//! An alert is in the file before it is delivered, and a note that it was delivered comes after it.
//! So a program that is killed in between finds it waiting, and sends it again under its key; what
//! a sink did not take before the end goes out at the next start. The file is read line by line:
//! where it was torn, the torn line was never delivered.

use std::collections::{HashSet, VecDeque};
use std::io;
use std::path::Path;
use std::sync::Arc;

use systems::units::Nanos;

use super::limits::{DONE_MAX, RECENT};
use super::message::Message;
use disk::{Disk, Line, next_line, push};

mod disk;

/// An alert that waits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Item {
    number: u64,
    at: u64,
    /// Where its line begins in the file.
    offset: u64,
    /// What it is known by.
    pub(super) key: String,
    /// All of it, as one line of JSON.
    pub(super) json: String,
}

impl Item {
    /// An alert that waits nowhere.
    #[cfg(test)]
    pub(super) fn of(key: &str, json: &str) -> Self {
        Self { number: 0, at: 0, offset: 0, key: key.to_owned(), json: json.to_owned() }
    }

    fn line(&self) -> Line<'_> {
        Line::Alert(self.number, self.at, self.key.as_str().into(), self.json.as_str().into())
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
    /// Bytes that what waits may take there.
    budget: u64,
    /// Alerts in memory at most.
    room: usize,
    /// The oldest of those that wait.
    waiting: VecDeque<Arc<Item>>,
    /// Where those begin that are in the file alone.
    unread: Option<u64>,
    /// How many wait, in memory or not.
    pending: u64,
    /// The number of the newest.
    last: u64,
    /// The number of the newest that was delivered, or given up.
    done: u64,
    recent: Recent,
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
        let (unread, pending, last, done) = (None, 0, 0, 0);
        Self { disk: None, budget: 0, room, waiting, unread, pending, last, done, recent }
    }

    /// Opens the file at `path`, or begins it at `now`: `budget` bytes at most, and `room` alerts
    /// of it in memory.
    ///
    /// # Errors
    /// It cannot be read or written, or belongs to another session that runs.
    pub(super) fn open(path: &Path, budget: u64, room: usize, now: Nanos) -> io::Result<Self> {
        let mut disk = Disk::open(path)?;
        let mut spool = Self { budget, ..Self::in_memory(room) };
        let (mut length, mut alerts) = (0, VecDeque::new());
        let mut reader = disk.read(0)?;
        while let Some((bytes, line)) = next_line(&mut reader)? {
            match line {
                Some(Line::Begun(at)) => spool.recent.last_at = spool.recent.last_at.max(at),
                Some(Line::Known(at, key)) => spool.recent.note(at, &key),
                Some(Line::Alert(number, at, key, _)) => {
                    spool.recent.note(at, &key);
                    spool.last = spool.last.max(number);
                    alerts.push_back((number, length));
                }
                Some(Line::Done(number)) => spool.done = spool.done.max(number),
                None => log::error!("{}: a damaged line at byte {length}", path.display()),
            }
            while alerts.front().is_some_and(|(number, _)| *number <= spool.done) {
                alerts.pop_front();
            }
            length += bytes;
        }
        drop(reader);
        // What a killed program tore was never delivered.
        disk.cut(length)?;
        if length == 0 {
            disk.write(&Line::Begun(now.0))?;
            spool.recent.last_at = now.0;
        }
        spool.pending = alerts.len() as u64;
        spool.last = spool.last.max(spool.done);
        spool.unread = alerts.front().map(|(_, offset)| *offset);
        spool.disk = Some(disk);
        Ok(spool)
    }

    /// Queues an alert. Of what an earlier session may have told already (`again`), only what is
    /// new since that was stopped.
    pub(super) fn put(&mut self, message: &Message, again: bool) -> Put {
        let Message { key, at: Nanos(at), json, .. } = message;
        if self.recent.keys.contains(key) || (again && *at < self.recent.last_at) {
            return Put::Known;
        }
        let (number, begins) = (self.last + 1, self.begins());
        let mut item = Item { number, at: *at, offset: 0, key: key.clone(), json: json.clone() };
        let written = match &mut self.disk {
            None => Ok(0),
            Some(disk) if disk.length() - begins + json.len() as u64 > self.budget => {
                return Put::Full;
            }
            Some(disk) => disk.write(&item.line()),
        };
        item.offset = *written.as_ref().unwrap_or(&self.length());
        match &written {
            _ if self.waiting.len() < self.room && self.unread.is_none() => {
                self.waiting.push_back(Arc::new(item));
            }
            Ok(offset) if self.disk.is_some() => {
                self.unread.get_or_insert(*offset);
            }
            _ => return Put::Full,
        }
        self.recent.note(*at, key);
        (self.last, self.pending) = (number, self.pending + 1);
        written.map_or_else(|error| Put::Undurable(error.to_string()), |_| Put::Queued)
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
        (self.pending, self.done) = (self.pending - 1, item.number);
        let Some(disk) = &mut self.disk else { return Ok(()) };
        let noted = disk.write(&Line::Done(item.number));
        // The file is written anew once most of it was delivered long ago.
        let first = self.begins();
        let old = first >= DONE_MAX && first >= self.length() / 2;
        let renewed = if old { self.renew() } else { Ok(()) };
        noted.and(renewed)?;
        self.sync()
    }

    /// Brings what waits to the disk, also where somebody moved or removed it there.
    ///
    /// # Errors
    /// The disk's.
    pub(super) fn sync(&mut self) -> io::Result<()> {
        let Some(disk) = &self.disk else { return Ok(()) };
        if !disk.is_whole() {
            let place = disk.path().display().to_string();
            self.renew()?;
            log::error!(
                "{place} was moved, removed or cut short by others, and is made anew with all that \
                 waits: leave it where it is"
            );
        }
        self.disk.as_ref().map_or(Ok(()), Disk::sync)
    }

    /// How many wait.
    pub(super) fn pending(&self) -> u64 {
        self.pending
    }

    /// Whether what waits is lost with the program.
    pub(super) fn is_in_memory(&self) -> bool {
        self.disk.is_none()
    }

    fn length(&self) -> u64 {
        self.disk.as_ref().map_or(0, Disk::length)
    }

    /// Where in the file the oldest that waits begins; its end if none does.
    fn begins(&self) -> u64 {
        let first = self.waiting.front().map(|item| item.offset);
        first.or(self.unread).unwrap_or(self.length())
    }

    /// From the file into memory.
    fn refill(&mut self) -> io::Result<()> {
        let (Some(disk), Some(mut offset)) = (&self.disk, self.unread) else { return Ok(()) };
        let mut reader = disk.read(offset)?;
        while self.waiting.len() < self.room {
            let Some((length, line)) = next_line(&mut reader)? else {
                offset = disk.length();
                break;
            };
            if let Some(Line::Alert(number, at, key, json)) = line {
                let (key, json) = (key.into_owned(), json.into_owned());
                self.waiting.push_back(Arc::new(Item { number, at, offset, key, json }));
            }
            offset += length;
        }
        self.unread = Some(offset).filter(|offset| *offset < disk.length());
        let there = self.waiting.len() as u64;
        if self.unread.is_none() && there != self.pending {
            let lost = self.pending.saturating_sub(there);
            log::error!("{}: {lost} alerts are damaged, and lost", disk.path().display());
            self.pending = there;
        }
        Ok(())
    }

    /// Writes the file anew: what is known, and what waits.
    fn renew(&mut self) -> io::Result<()> {
        let Some(disk) = &self.disk else { return Ok(()) };
        let mut text = Vec::new();
        push(&mut text, &Line::Begun(self.recent.last_at))?;
        // Those that wait are noted again by their own lines, and twice is as good as once.
        for (at, key) in &self.recent.order {
            push(&mut text, &Line::Known(*at, key.into()))?;
        }
        push(&mut text, &Line::Done(self.done))?;
        let mut offsets = Vec::new();
        for item in &self.waiting {
            offsets.push(push(&mut text, &item.line())?);
        }
        let anew = disk.anew(&text, self.unread)?;
        for (item, offset) in self.waiting.iter_mut().zip(offsets) {
            Arc::make_mut(item).offset = offset;
        }
        self.unread = self.unread.map(|_| text.len() as u64);
        self.disk = Some(anew);
        Ok(())
    }
}

#[cfg(test)]
mod tests;
