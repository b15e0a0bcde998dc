//! Several tapes as one session: one list of symbols, blocks in the order of time.

use std::fs::File;
use std::path::{Path, PathBuf};

use systems::symbol::SymbolSpec;

use super::ReplayError;
use crate::symbols::{Symbols, SymbolsError};
use crate::tape::entry::Header;
use crate::tape::{Block, End, OpenError, Reader, info};

/// Why tapes do not make a session.
#[derive(Debug, thiserror::Error)]
pub enum TapesError {
    /// No tape was named.
    #[error("no tape given")]
    None,
    /// One of them cannot be opened.
    #[error("{}: {source}", .file.display())]
    Open {
        /// Which file.
        file: PathBuf,
        /// Why.
        source: OpenError,
    },
    /// They were recorded at different venues.
    #[error("{} is of venue {theirs}, the first tape of {ours}: replay them apart", .file.display())]
    OtherVenue {
        /// Which file.
        file: PathBuf,
        /// Its venue.
        theirs: String,
        /// The first tape's venue.
        ours: String,
    },
    /// Their times overlap.
    #[error(
        "{} begins before {} ends: cut one of them with `tapescan tape cut --from ...`",
        .later.display(), .earlier.display()
    )]
    Overlap {
        /// The one that begins earlier.
        earlier: PathBuf,
        /// The one that begins before the other ends.
        later: PathBuf,
    },
    /// Their symbols cannot be held together.
    #[error(transparent)]
    Symbols(#[from] SymbolsError),
    /// Decoded prints of the same symbol have different decimals.
    #[error(
        "{}: {symbol} has other decimals than on the tapes before it: import the files together",
        .file.display()
    )]
    OtherScale {
        /// Which file.
        file: PathBuf,
        /// Which symbol.
        symbol: Box<str>,
    },
}

/// Tapes in the order of time, read one after the other.
pub struct Tapes {
    files: Vec<(PathBuf, Reader<File>)>,
    current: usize,
    header: Header,
    symbols: Symbols,
    bytes: u64,
}

impl Tapes {
    /// Opens tapes as one session.
    ///
    /// # Errors
    /// [`TapesError`] names the file and says what to do.
    pub fn open(paths: &[PathBuf]) -> Result<Self, TapesError> {
        let mut files = Vec::new();
        for path in paths {
            let fault = |source| TapesError::Open { file: path.clone(), source };
            let reader = Reader::open(path).map_err(fault)?;
            // One tape needs no order; finding out its times would mean to read it twice.
            let span = match paths {
                [_] => None,
                _ => info(path).map_err(fault)?.received,
            };
            files.push((span.map(|span| (span.first, span.last)), path.clone(), reader));
        }
        files.sort_by_key(|(span, ..)| *span);
        for pair in files.windows(2) {
            if let (Some((_, end)), Some((begin, _))) = (pair[0].0, pair[1].0)
                && begin < end
            {
                let (earlier, later) = (pair[0].1.clone(), pair[1].1.clone());
                return Err(TapesError::Overlap { earlier, later });
            }
        }
        let files: Vec<_> = files.into_iter().map(|(_, path, reader)| (path, reader)).collect();
        let header = merged_header(&files)?;
        let symbols = Symbols::new(header.symbols.clone())?;
        let length = |path: &Path| path.metadata().map_or(0, |metadata| metadata.len());
        let bytes = files.iter().map(|(path, _)| length(path)).sum();
        Ok(Self { files, current: 0, header, symbols, bytes })
    }

    /// The session's symbols.
    pub fn symbols(&self) -> &Symbols {
        &self.symbols
    }

    /// The venue's name.
    pub fn venue(&self) -> &str {
        &self.header.venue
    }

    /// The configuration on the first tape; empty means the defaults.
    pub fn config(&self) -> &str {
        &self.header.config
    }

    /// Size of all files in bytes.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// How each tape ended, for those read so far.
    pub fn ends(&self) -> impl Iterator<Item = (&Path, End)> {
        self.files.iter().filter_map(|(path, reader)| Some((path.as_path(), reader.end()?)))
    }

    /// Reads the next block of the session; `false` at its end.
    pub(super) fn next_block(&mut self, block: &mut Block) -> Result<bool, ReplayError> {
        while let Some((path, reader)) = self.files.get_mut(self.current) {
            let read = reader.read(block);
            let fault = |source| ReplayError::Read { file: path.display().to_string(), source };
            if read.map_err(fault)? {
                return Ok(true);
            }
            self.current += 1;
        }
        Ok(false)
    }
}

/// One header for all: the symbols of the first tape, which the others must share.
fn merged_header(files: &[(PathBuf, Reader<File>)]) -> Result<Header, TapesError> {
    let Some(((_, first), rest)) = files.split_first() else { return Err(TapesError::None) };
    let mut header = first.header().clone();
    for (file, reader) in rest {
        let theirs = reader.header();
        if theirs.venue != header.venue {
            let (theirs, ours) = (theirs.venue.clone(), header.venue);
            return Err(TapesError::OtherVenue { file: file.clone(), theirs, ours });
        }
        for (index, spec) in theirs.symbols.iter().enumerate() {
            merge_symbol(&mut header.symbols, index, spec, file)?;
        }
    }
    Ok(header)
}

fn merge_symbol(
    symbols: &mut Vec<SymbolSpec>,
    index: usize,
    spec: &SymbolSpec,
    file: &Path,
) -> Result<(), TapesError> {
    match symbols.get(index) {
        Some(known) if known == spec => Ok(()),
        None => {
            symbols.push(spec.clone());
            Ok(())
        }
        Some(_) => {
            let (file, symbol) = (file.to_owned(), spec.name.clone());
            Err(TapesError::OtherScale { file, symbol })
        }
    }
}
