//! Several tapes as one session: one list of symbols, blocks in the order of time.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::path::{Path, PathBuf};

use systems::symbol::SymbolSpec;
use systems::trade::SymbolId;

use super::ReplayError;
use super::remap::{Remap, finer};
use crate::symbols::{Symbols, SymbolsError};
use crate::tape::{Block, End, Entry, OpenError, Reader, info};

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
    /// One is named more than once.
    #[error("{} is given twice: name each tape once", .0.display())]
    Twice(PathBuf),
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
    /// Decoded numbers of a symbol do not fit the finest decimals that it has on any tape.
    #[error(
        "{}: numbers of {symbol} are too large for the decimals that it has on another tape: \
         replay them apart",
        .file.display()
    )]
    OtherScale {
        /// Which file.
        file: PathBuf,
        /// Which symbol.
        symbol: Box<str>,
    },
}

/// One of the tapes.
struct Tape {
    path: PathBuf,
    reader: Reader<File>,
    /// What its symbols are in the session, where that is not the same.
    remap: Option<Remap>,
}

/// Tapes in the order of time, read one after the other.
pub struct Tapes {
    files: Vec<Tape>,
    current: usize,
    venue: String,
    config: String,
    symbols: Symbols,
    bytes: u64,
}

impl Tapes {
    /// Opens tapes as one session. Symbols are the same if their names are; each has the finest
    /// decimals that it has on any tape.
    ///
    /// # Errors
    /// [`TapesError`] names the file and says what to do.
    pub fn open(paths: &[PathBuf]) -> Result<Self, TapesError> {
        let mut files = in_order(paths)?;
        let Some(first) = files.first() else { return Err(TapesError::None) };
        let (venue, config) =
            (first.reader.header().venue.clone(), first.reader.header().config.clone());
        check_others(&files, &venue, &config)?;
        let symbols = union(&files)?;
        for tape in &mut files {
            tape.remap = Remap::new(&tape.reader.header().symbols, &symbols);
        }
        let length = |path: &Path| path.metadata().map_or(0, |metadata| metadata.len());
        let bytes = files.iter().map(|tape| length(&tape.path)).sum();
        Ok(Self { files, current: 0, venue, config, symbols, bytes })
    }

    /// The session's symbols.
    pub fn symbols(&self) -> &Symbols {
        &self.symbols
    }

    /// The venue's name.
    pub fn venue(&self) -> &str {
        &self.venue
    }

    /// The configuration on the first tape; empty means the defaults.
    pub fn config(&self) -> &str {
        &self.config
    }

    /// Size of all files in bytes.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// How each tape ended, for those read so far.
    pub fn ends(&self) -> impl Iterator<Item = (&Path, End)> {
        self.files.iter().filter_map(|tape| Some((tape.path.as_path(), tape.reader.end()?)))
    }

    /// Reads the next block of the session; `false` at its end.
    pub(crate) fn next_block(&mut self, block: &mut Block) -> Result<bool, ReplayError> {
        while let Some(Tape { path, reader, remap }) = self.files.get_mut(self.current) {
            let read = reader.read(block);
            let fault = |source| ReplayError::Read { file: path.display().to_string(), source };
            if read.map_err(fault)? {
                if let Some(remap) = remap {
                    let mut trades = block.trades_mut().iter_mut();
                    let changed = trades.try_for_each(|trade| remap.trade(trade));
                    changed.map_err(|symbol| self.other_scale(symbol))?;
                }
                return Ok(true);
            }
            self.current += 1;
        }
        Ok(false)
    }

    /// An entry of the block read last in terms of the session's symbols; its trades are already.
    pub(crate) fn entry<'a>(&self, entry: Entry<'a>) -> Result<Entry<'a>, TapesError> {
        match self.files.get(self.current).and_then(|tape| tape.remap.as_ref()) {
            None => Ok(entry),
            Some(remap) => remap.entry(&entry).map_err(|symbol| self.other_scale(symbol)),
        }
    }

    /// A symbol of the tape being read whose numbers do not fit.
    fn other_scale(&self, symbol: SymbolId) -> TapesError {
        let tape = &self.files[self.current];
        let spec = tape.reader.header().symbols.get(usize::from(symbol.0));
        let symbol = spec.map_or_else(Box::default, |spec| spec.name.clone());
        TapesError::OtherScale { file: tape.path.clone(), symbol }
    }
}

/// Opens files and puts them in the order of time, in which they may not overlap.
fn in_order(paths: &[PathBuf]) -> Result<Vec<Tape>, TapesError> {
    let mut files = Vec::new();
    let mut seen = BTreeSet::new();
    for path in paths {
        // One that is not there is told below.
        if !seen.insert(path.canonicalize().unwrap_or_else(|_| path.clone())) {
            return Err(TapesError::Twice(path.clone()));
        }
        let fault = |source| TapesError::Open { file: path.clone(), source };
        let reader = Reader::open(path).map_err(fault)?;
        // One tape needs no order; finding out its times would mean to read it twice.
        let span = match paths {
            [_] => None,
            _ => info(path).map_err(fault)?.received,
        };
        let tape = Tape { path: path.clone(), reader, remap: None };
        files.push((span.map(|span| (span.first, span.last)), tape));
    }
    files.sort_by_key(|(span, _)| *span);
    for pair in files.windows(2) {
        if let (Some((_, end)), Some((begin, _))) = (pair[0].0, pair[1].0)
            && begin < end
        {
            let (earlier, later) = (pair[0].1.path.clone(), pair[1].1.path.clone());
            return Err(TapesError::Overlap { earlier, later });
        }
    }
    Ok(files.into_iter().map(|(_, tape)| tape).collect())
}

/// All must be of one venue. All should be of one configuration; if not, the first one's is used.
fn check_others(files: &[Tape], venue: &str, config: &str) -> Result<(), TapesError> {
    for tape in files {
        let header = tape.reader.header();
        if header.venue != venue {
            let (file, theirs) = (tape.path.clone(), header.venue.clone());
            return Err(TapesError::OtherVenue { file, theirs, ours: venue.to_owned() });
        }
        if header.config != config {
            log::warn!(
                "{} has another configuration than {}, whose is used unless --config names one",
                tape.path.display(),
                files[0].path.display()
            );
        }
    }
    Ok(())
}

/// The symbols of all tapes, in the order in which they first appear.
fn union(files: &[Tape]) -> Result<Symbols, SymbolsError> {
    let mut specs: Vec<SymbolSpec> = Vec::new();
    let mut places: BTreeMap<&str, usize> = BTreeMap::new();
    for tape in files {
        // The same name twice on one tape would make two symbols one.
        Symbols::new(tape.reader.header().symbols.clone())?;
    }
    for spec in files.iter().flat_map(|tape| &tape.reader.header().symbols) {
        let place = *places.entry(&spec.name).or_insert(specs.len());
        match specs.get_mut(place) {
            Some(known) => {
                known.price = finer(known.price, spec.price);
                known.quantity = finer(known.quantity, spec.quantity);
            }
            None => specs.push(spec.clone()),
        }
    }
    Symbols::new(specs)
}
