//! Imports: files that others recorded or the venue publishes, as the entries of a tape.
//!
//! Every file is read twice. The first pass checks all of it and learns which symbols there are
//! and how many digits they need; so a mistake in the last line is found before anything is
//! written, and the header is right. The second pass writes. Neither holds more than a line of
//! each file that is open, and a file is open only while its time has come.

mod archive;
mod clock;
mod collector;
mod error;
mod jsonl;
mod klines;
mod merge;
mod record;
mod report;
mod scales;
mod source;
mod write;

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

use systems::interval::Interval;
use systems::symbol::SymbolSpec;
use systems::units::Nanos;

use crate::symbols::Symbols;
use crate::tape::entry::{Entry, Header};
use crate::venue::binance::{self, Field};
use crate::venue::{Kind, Venue};

pub use error::{FileFault, ImportError, LineFault, SinkError};
pub use report::{ImportedSymbol, Report};
pub use scales::Origin;

use error::FileFault as Fault;
use record::{Reader, Record};
use scales::{Scales, SpecsError};

/// The largest list of instruments read, in bytes; the venue's own have a tenth.
const INSTRUMENTS_BYTES_MAX: u64 = 256 << 20;

/// A format that can be imported.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// The venue's public archive: trades and aggTrades.
    BinanceCsv,
    /// Official candles.
    KlinesCsv,
    /// `<receive ns> <raw combined-stream JSON>` lines.
    Collector,
    /// Captured sessions, one object per line.
    Jsonl,
}

impl Format {
    /// All formats.
    pub const ALL: [Self; 4] = [Self::BinanceCsv, Self::KlinesCsv, Self::Collector, Self::Jsonl];

    /// Its name on the command line.
    pub const fn name(self) -> &'static str {
        match self {
            Self::BinanceCsv => "binance-csv",
            Self::KlinesCsv => "klines-csv",
            Self::Collector => "collector",
            Self::Jsonl => "jsonl",
        }
    }

    /// The format of that name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|format| format.name() == name)
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// What to import.
#[derive(Clone, Debug)]
pub struct Import {
    /// What the files are.
    pub format: Format,
    /// Whose they are.
    pub venue: Venue,
    /// The files, in any order: together they are one session in order of time.
    pub files: Vec<PathBuf>,
    /// The symbol of files that do not name theirs; of captures, the only symbol taken.
    pub symbol: Option<String>,
    /// The interval of candles, where it is to be checked.
    pub interval: Option<Interval>,
    /// The venue's exchangeInfo, plain or packed; without it scales are learnt from the data.
    pub instruments: Option<PathBuf>,
    /// Keep also frames and answers that nothing decodes, such as order books.
    pub keep_all: bool,
}

/// Where an import goes: one header, then entries in order of their receive instants.
pub trait Sink {
    /// Takes the header; called once, first.
    ///
    /// # Errors
    /// Whatever stops the import.
    fn header(&mut self, header: &Header) -> Result<(), SinkError>;

    /// Takes one entry.
    ///
    /// # Errors
    /// Whatever stops the import.
    fn entry(&mut self, entry: Entry<'_>) -> Result<(), SinkError>;
}

/// Whether an import keeps messages of this kind by default.
pub const fn matters(kind: Kind) -> bool {
    matches!(kind, Kind::Trade | Kind::AggregateTrade | Kind::Candle | Kind::Shutdown)
}

/// Imports the files into `sink`.
///
/// # Errors
/// The first thing that is wrong with a file, with its line; nothing reached the sink then,
/// unless a file changed meanwhile or the sink itself failed.
pub fn run(import: &Import, sink: &mut dyn Sink) -> Result<Report, ImportError> {
    let survey = survey(import)?;
    let symbols = Symbols::new(survey.specs.iter().map(|(spec, _)| spec.clone()).collect())?;
    let header = Header {
        venue: import.venue.name().to_owned(),
        program: concat!("tapescan ", env!("CARGO_PKG_VERSION")).to_owned(),
        config: String::new(),
        symbols: symbols.specs().to_vec(),
    };
    sink.header(&header).map_err(ImportError::Sink)?;
    let mut writer = write::Writer::new(import, &symbols, sink);
    let mut merge = merge::Merge::new(import, survey.files);
    while let Some((received, reader)) = merge.advance()? {
        writer.record(received, reader)?;
    }
    let mut report = writer.finish()?;
    report.lines = merge.lines();
    report.backwards = merge.backwards();
    report.symbols =
        survey.specs.into_iter().map(|(spec, origin)| ImportedSymbol { spec, origin }).collect();
    Ok(report)
}

/// What the first pass learnt.
struct Survey {
    specs: Vec<(SymbolSpec, Origin)>,
    /// Every file and its first receive instant, in order of those.
    files: Vec<(Nanos, PathBuf)>,
}

fn survey(import: &Import) -> Result<Survey, ImportError> {
    if import.files.is_empty() {
        return Err(ImportError::NoFiles);
    }
    let mut listed = import.instruments.as_deref().map(|file| list(import, file)).transpose()?;
    let mut scales = Scales::default();
    let mut files = Vec::with_capacity(import.files.len());
    for file in &import.files {
        let mut reader = record::open(import, file)?;
        let mut first = None;
        while let Some(received) = reader.advance()? {
            first.get_or_insert(received);
            let found = see(import, reader.as_ref(), &mut scales)?;
            if let (None, Some(found)) = (&import.instruments, found) {
                listed = Some(found);
            }
        }
        let Some(first) = first else { return Err(reader.lines().file_fault(Fault::Empty)) };
        files.push((first, file.clone()));
    }
    // Stable: files that begin at the same instant stay as given.
    files.sort_by_key(|(first, _)| *first);
    let specs = scales.specs(listed.as_ref()).map_err(|error| match error {
        SpecsError::TooMany(error) => ImportError::Symbols(error),
        SpecsError::NotListed(symbol) => ImportError::NotListed {
            symbol,
            file: import.instruments.clone().unwrap_or_else(|| "the captured exchangeInfo".into()),
        },
    })?;
    if specs.is_empty() {
        return Err(ImportError::NothingFound);
    }
    Ok(Survey { specs, files })
}

type Listed = BTreeMap<Box<str>, SymbolSpec>;

fn list(import: &Import, file: &Path) -> Result<Listed, ImportError> {
    let error = |fault| ImportError::File { file: file.into(), fault };
    let text = source::read_whole(file, INSTRUMENTS_BYTES_MAX).map_err(error)?;
    let listed = binance::instruments(import.venue, &text);
    Ok(by_name(listed.map_err(|fault| error(fault.into()))?))
}

fn by_name(listed: Vec<binance::Instrument>) -> Listed {
    listed.into_iter().map(|one| (one.spec.name.clone(), one.spec)).collect()
}

/// Notes the digits of one record. A captured exchangeInfo comes back as what it lists.
fn see(
    import: &Import,
    reader: &dyn Reader,
    scales: &mut Scales,
) -> Result<Option<Listed>, ImportError> {
    let only = import.symbol.as_deref();
    let mut note = |symbol: &str, field: Field, text: &str| {
        if only.is_none_or(|only| only == symbol) {
            // What is no decimal is counted by the decoder later.
            scales.see(symbol, field, text);
        }
    };
    match reader.record() {
        Record::Print(print) => {
            for (field, name, text) in [
                (Field::Price, "price", print.price),
                (Field::Quantity, "quantity", print.quantity),
            ] {
                check(reader, name, text, scales.see(print.symbol, field, text))?;
            }
        }
        Record::Candle(row) => {
            let fields = write::candle_cells(&row);
            for (field, name, text) in fields {
                check(reader, name, text, scales.see(row.symbol, field, text))?;
            }
        }
        // A frame that cannot be read is counted by the decoder later.
        Record::Frame { text, .. } => drop(binance::observe(text.as_bytes(), &mut note)),
        Record::Answer { request, text } => {
            binance::observe_answer(request, text.as_bytes(), &mut note);
            if request.split('?').next().is_some_and(|path| path.ends_with("/exchangeInfo")) {
                return Ok(binance::instruments(import.venue, text).ok().map(by_name));
            }
        }
        Record::Link { .. } | Record::Void | Record::Other => {}
    }
    Ok(None)
}

fn check(
    reader: &dyn Reader,
    column: &'static str,
    text: &str,
    plain: bool,
) -> Result<(), ImportError> {
    if plain { Ok(()) } else { Err(write::not_decimal(reader, column, text)) }
}
