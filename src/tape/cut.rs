//! A shorter tape from a longer one: some of its time, some of its symbols.

use std::fs::{self, File};
use std::io;
use std::path::Path;

use systems::trade::SymbolId;
use systems::units::Nanos;
use xxhash_rust::xxh3::xxh3_64;

use super::entry::{Body, Entry};
use super::header::{CreateError, OpenError};
use super::info::Counts;
use super::payload::Block;
use super::reader::{End, Reader};
use super::writer::{WriteError, Writer, symbol};

/// What to keep.
#[derive(Clone, Copy, Debug, Default)]
pub struct Cut<'a> {
    /// Entries received at or after this; `None` is from the start.
    pub from: Option<Nanos>,
    /// Entries received before this; `None` is to the end.
    pub to: Option<Nanos>,
    /// Entries of these symbols; `None` is all. Heartbeats and link changes are always kept.
    pub symbols: Option<&'a [SymbolId]>,
}

/// What was kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CutReport {
    /// Entries that are on the new tape.
    pub kept: Counts,
    /// Size of the new tape in bytes.
    pub bytes: u64,
    /// How the old tape ended; behind damage nothing was kept.
    pub end: End,
}

/// Why a tape was not cut. The new file is gone again.
#[derive(Debug, thiserror::Error)]
pub enum CutError {
    /// The old tape cannot be opened.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// The old tape cannot be read.
    #[error("cannot read the tape: {0}")]
    Read(io::Error),
    /// The new file cannot be made, for example because it exists.
    #[error("cannot make the new tape: {0}")]
    Make(io::Error),
    /// The new tape's header cannot be written.
    #[error(transparent)]
    Create(#[from] CreateError),
    /// The new tape cannot be written.
    #[error(transparent)]
    Write(#[from] WriteError),
}

/// Copies part of the tape at `source` to a new file. Symbols keep their numbers.
///
/// With `cut.symbols`, a frame or an answer is kept if `keeps` says so, since only the venue can
/// tell what is in it. The same cut of the same tape gives the same bytes.
///
/// # Errors
/// [`CutError`] says which of the two files is at fault. A file that exists is not overwritten.
pub fn cut(
    source: impl AsRef<Path>,
    target: impl AsRef<Path>,
    cut: &Cut<'_>,
    keeps: impl FnMut(&Body<'_>) -> bool,
) -> Result<CutReport, CutError> {
    let reader = Reader::open(source)?;
    let file = File::create_new(&target).map_err(CutError::Make)?;
    let report = copy(reader, file, cut, keeps);
    if report.is_err() {
        // Half a cut would pass for a whole one. If even this fails, the first error is the one
        // to tell.
        let _ = fs::remove_file(&target);
    }
    report
}

fn copy(
    mut reader: Reader<File>,
    file: File,
    cut: &Cut<'_>,
    mut keeps: impl FnMut(&Body<'_>) -> bool,
) -> Result<CutReport, CutError> {
    let (from, to) = (cut.from.unwrap_or(Nanos(0)), cut.to);
    let begins = |at: Nanos| to.is_none_or(|to| at < to);
    let chosen_symbols = cut.symbols.map(|symbols| table(symbols, reader.header().symbols.len()));
    let mut writer = Writer::create(file, reader.header(), segment(&reader, cut))?;
    let mut kept = Counts::default();
    let mut block = Block::default();
    reader.seek(from).map_err(CutError::Read)?;
    loop {
        // Blocks outside need not even be decompressed.
        let wanted = |first, last| from <= last && begins(first);
        reader.pass_over(wanted).map_err(CutError::Read)?;
        if !reader.read(&mut block).map_err(CutError::Read)? {
            break;
        }
        let inside = |entry: &Entry<'_>| from <= entry.received && begins(entry.received);
        for entry in block.entries().filter(inside) {
            if chosen_symbols.as_ref().is_none_or(|table| chosen(&entry.body, table, &mut keeps)) {
                kept.add(&entry.body);
                writer.write(&entry)?;
            }
        }
    }
    let file = writer.finish()?;
    file.sync_all().map_err(WriteError::Io)?;
    let bytes = file.metadata().map_err(WriteError::Io)?.len();
    Ok(CutReport { kept, bytes, end: reader.end_so_far() })
}

/// Which symbol ids are among `symbols`; those beyond the tape's own name nothing.
fn table(symbols: &[SymbolId], count: usize) -> Vec<bool> {
    let mut table = vec![false; count];
    for symbol in symbols {
        if let Some(chosen) = table.get_mut(usize::from(symbol.0)) {
            *chosen = true;
        }
    }
    table
}

fn chosen(body: &Body<'_>, table: &[bool], keeps: &mut impl FnMut(&Body<'_>) -> bool) -> bool {
    match body {
        Body::Frame { .. } | Body::Answer { .. } => keeps(body),
        _ => symbol(body).is_none_or(|symbol| table[usize::from(symbol.0)]),
    }
}

/// Derived, so that the same cut gives the same bytes and another cut another recording.
fn segment<R: io::Read + io::Seek>(reader: &Reader<R>, cut: &Cut<'_>) -> u64 {
    let (from, to) = (cut.from.map_or(0, |at| at.0), cut.to.map_or(u64::MAX, |at| at.0));
    let mut bytes: Vec<u8> =
        [reader.segment(), from, to].into_iter().flat_map(u64::to_le_bytes).collect();
    for symbols in cut.symbols.iter() {
        bytes.push(1);
        bytes.extend(symbols.iter().flat_map(|symbol| symbol.0.to_le_bytes()));
    }
    xxh3_64(&bytes)
}
