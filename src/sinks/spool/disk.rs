//! The file of a queue: lines, each of them whole or not there.

use std::borrow::Cow;
use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::sinks::owned::{claim, is_at, sync_name};

/// One line of the file.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Line<'a> {
    /// When the file was begun, by the venue's time in nanoseconds.
    Begun(u64),
    /// An alert that was taken earlier, of which only its instant and key are kept.
    Known(u64, Cow<'a, str>),
    /// An alert: its number, instant, key and text.
    Alert(u64, u64, Cow<'a, str>, Cow<'a, str>),
    /// Everything up to this number was delivered, or given up.
    Done(u64),
}

/// The file.
#[derive(Debug)]
pub(super) struct Disk {
    path: PathBuf,
    file: File,
    /// Bytes of whole lines. What is behind them was torn.
    length: u64,
}

impl Disk {
    /// Takes the file, or makes it.
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        let file = claim(path)?;
        let length = file.metadata()?.len();
        if length == 0 {
            sync_name(path);
        }
        Ok(Self { path: path.to_owned(), file, length })
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    pub(super) fn length(&self) -> u64 {
        self.length
    }

    /// Whether the file is where it belongs, with all that was written to it.
    pub(super) fn is_whole(&self) -> bool {
        let whole = self.file.metadata().is_ok_and(|file| file.len() >= self.length);
        whole && is_at(&self.file, &self.path)
    }

    /// All from a place on, also of a file that has no name any more.
    pub(super) fn read(&self, from: u64) -> io::Result<BufReader<impl Read>> {
        (&self.file).seek(SeekFrom::Start(from))?;
        Ok(BufReader::new((&self.file).take(self.length.saturating_sub(from))))
    }

    /// Leaves so many bytes.
    pub(super) fn cut(&mut self, length: u64) -> io::Result<()> {
        self.file.set_len(length)?;
        self.length = length;
        Ok(())
    }

    /// Appends a line, and says where it begins.
    pub(super) fn write(&mut self, line: &Line<'_>) -> io::Result<u64> {
        let mut text = Vec::new();
        push(&mut text, line)?;
        // Half a line of a write that failed would spoil this one.
        if self.file.metadata()?.len() != self.length {
            self.file.set_len(self.length)?;
        }
        self.file.write_all(&text)?;
        self.length += text.len() as u64;
        Ok(self.length - text.len() as u64)
    }

    pub(super) fn sync(&self) -> io::Result<()> {
        self.file.sync_data()
    }

    /// Another file in the place of this one: a text, and what is here from `rest` on.
    pub(super) fn anew(&self, text: &[u8], rest: Option<u64>) -> io::Result<Self> {
        // Where this one is gone, somebody may have put another there.
        let other = if is_at(&self.file, &self.path) { None } else { Some(claim(&self.path)?) };
        if other.as_ref().is_some_and(|other| other.metadata().is_ok_and(|it| it.len() > 0)) {
            return Err(io::Error::other("it was replaced by another queue: move that one away"));
        }
        let part = self.path.with_extension("part");
        let mut file = claim(&part)?;
        let mut written = || {
            file.set_len(0)?;
            file.write_all(text)?;
            if let Some(rest) = rest {
                io::copy(&mut self.read(rest)?, &mut file)?;
            }
            file.sync_data()?;
            fs::rename(&part, &self.path)
        };
        if let Err(error) = written() {
            drop(fs::remove_file(&part));
            return Err(error);
        }
        sync_name(&self.path);
        let length = file.metadata()?.len();
        Ok(Self { path: self.path.clone(), file, length })
    }
}

/// Appends a line to a text, and says where it begins.
pub(super) fn push(text: &mut Vec<u8>, line: &Line<'_>) -> io::Result<u64> {
    let begins = text.len() as u64;
    serde_json::to_writer(&mut *text, line)?;
    text.push(b'\n');
    Ok(begins)
}

/// The length in bytes of a whole line, and the line unless it is damaged; nothing at the end.
pub(super) fn next_line(
    reader: &mut impl BufRead,
) -> io::Result<Option<(u64, Option<Line<'static>>)>> {
    let mut text = Vec::new();
    let length = reader.read_until(b'\n', &mut text)?;
    if text.last() != Some(&b'\n') {
        return Ok(None);
    }
    Ok(Some((length as u64, serde_json::from_slice(&text).ok())))
}
