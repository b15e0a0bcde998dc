//! What can be wrong with a file, where, and what to do about it.

use std::fmt;
use std::io;
use std::path::PathBuf;

use systems::interval::Interval;

use super::Format;
use crate::symbols::SymbolsError;
use crate::venue::binance::InstrumentsError;

/// Whatever a sink can fail with.
pub type SinkError = Box<dyn std::error::Error + Send + Sync>;

/// Why an import stopped. Nothing was written unless the sink itself failed.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// A file cannot be used.
    #[error("{}: {fault}", file.display())]
    File {
        /// Which file.
        file: PathBuf,
        /// What is wrong.
        fault: FileFault,
    },
    /// A line cannot be used.
    #[error("{}, line {line}: {fault}", file.display())]
    Line {
        /// Which file.
        file: PathBuf,
        /// Which line, the first being 1.
        line: u64,
        /// What is wrong.
        fault: LineFault,
    },
    /// Nothing to read.
    #[error("no files given; name at least one FILE")]
    NoFiles,
    /// Nothing that could be decoded was in any file.
    #[error(
        "no trades or candles of any symbol in the files; check --format, --venue and --symbol"
    )]
    NothingFound,
    /// A symbol that the list of instruments does not have.
    #[error("symbol {symbol} is not in {}; give a list that has it, or none", file.display())]
    NotListed {
        /// Which symbol.
        symbol: Box<str>,
        /// The list.
        file: PathBuf,
    },
    /// Too many symbols.
    #[error("{0}; import fewer symbols at once with --symbol")]
    Symbols(#[from] SymbolsError),
    /// The sink failed.
    #[error("cannot write: {0}")]
    Sink(#[source] SinkError),
}

/// What is wrong with a file as a whole.
#[derive(Debug, thiserror::Error)]
pub enum FileFault {
    /// Cannot be opened or read.
    #[error("cannot be read: {0}")]
    Read(#[source] io::Error),
    /// No row in it.
    #[error("has no rows; leave it out")]
    Empty,
    /// A zip archive that is cut short or damaged.
    #[error("is no whole zip archive ({0}); fetch it again and compare its .CHECKSUM")]
    Zip(#[source] zip::result::ZipError),
    /// A zip archive with none or several files in it.
    #[error("holds {0} files; unpack it and give the files that are wanted")]
    ZipFiles(usize),
    /// A zip archive packed in a way that we do not read.
    #[error("is encrypted or packed by another method than deflate; unpack it first")]
    ZipMethod,
    /// The name says no symbol.
    #[error(
        "the name does not begin with a symbol (as in BTCUSDT-trades-2025-03-04.csv); give --symbol"
    )]
    NoSymbol,
    /// The name says another symbol.
    #[error(
        "is named after {named}, but --symbol is {asked}; import the symbols of several files without --symbol"
    )]
    OtherSymbol {
        /// What the name says.
        named: String,
        /// What was asked for.
        asked: String,
    },
    /// The instruments are not exchangeInfo.
    #[error("{0}")]
    Instruments(#[from] InstrumentsError),
    /// Longer than a list of instruments can be.
    #[error("is longer than {0} bytes, which no exchangeInfo is")]
    TooLong(u64),
}

/// What is wrong with one line.
#[derive(Debug, thiserror::Error)]
pub enum LineFault {
    /// Cannot be read further.
    #[error("cannot be read: {0}")]
    Read(#[source] io::Error),
    /// Compressed data that ends early.
    #[error("the compressed data is cut short here; fetch the file again, or unpack what is there")]
    CutShort,
    /// Compressed data that is damaged.
    #[error("the compressed data is damaged ({0}); fetch the file again")]
    Damaged(#[source] io::Error),
    /// Longer than any line we know.
    #[error("longer than {0} bytes; is this a text file?")]
    TooLong(usize),
    /// Not UTF-8.
    #[error("not UTF-8 text")]
    NotUtf8,
    /// Another format than the one asked for.
    #[error("not a line of format {asked}{}", hint(*looks))]
    Format {
        /// What was asked for.
        asked: Format,
        /// What it looks like.
        looks: Option<Format>,
    },
    /// A column that we do not know.
    #[error("unknown column \"{0}\"; known are the venue's own names")]
    UnknownColumn(String),
    /// A column that we need.
    #[error("the header has no column for {0}")]
    MissingColumn(&'static str),
    /// The wrong number of columns.
    #[error("{found} columns, not {expected}")]
    Columns {
        /// How many there are.
        found: usize,
        /// How many the first line had, or the format has.
        expected: usize,
    },
    /// A cell that does not hold what its column does.
    #[error("column {column}: \"{text}\" is not {expected}")]
    Cell {
        /// The column's name.
        column: &'static str,
        /// What is there, at most 40 bytes of it.
        text: String,
        /// What should be there.
        expected: &'static str,
    },
    /// A header in the middle, as when files are joined.
    #[error("a second header; give joined files one by one")]
    SecondHeader,
    /// Another symbol than the lines before.
    #[error("symbol {found} among rows of {expected}; split the file by symbol")]
    MixedSymbols {
        /// This row's.
        found: String,
        /// The file's.
        expected: String,
    },
    /// A candle of another length than the ones before, the name, or `--interval`.
    #[error("a candle of {found_s} s, not of {expected}; give one interval per file")]
    OtherInterval {
        /// Its length in seconds.
        found_s: u64,
        /// What was expected.
        expected: Interval,
    },
    /// A candle whose length we cannot hold, or which starts at an odd time.
    #[error("a candle of {0} s; intervals go from 1s to 1d and start on their own multiples")]
    Interval(u64),
    /// Candles that are not in order of time.
    #[error("opens before the candle above it; sort the file by open time")]
    Backwards,
    /// A line of a capture that is not the object it should be.
    #[error("not a capture object with kind, ts, url and raw ({0})")]
    Capture(#[source] serde_json::Error),
}

fn hint(looks: Option<Format>) -> impl fmt::Display {
    fmt::from_fn(move |f| match looks {
        Some(format) => write!(f, "; it looks like --format {format}"),
        None => write!(f, "; check --format"),
    })
}
