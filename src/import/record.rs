//! What the readers of the formats have in common: one record at a time, texts still texts.

use std::path::Path;

use systems::interval::Interval;
use systems::trade::{Aggressor, TradeKind};
use systems::units::Nanos;

use super::error::{FileFault, ImportError, LineFault};
use super::source::Lines;
use super::{Format, Import, archive, collector, jsonl, klines};
use crate::venue::Channel;

/// One format's view of one file.
pub(super) trait Reader {
    /// Goes to the next record and says when it was received; `None` at the end.
    fn advance(&mut self) -> Result<Option<Nanos>, ImportError>;
    /// The record gone to.
    fn record(&self) -> Record<'_>;
    /// Where we are in the file.
    fn lines(&self) -> &Lines;
}

/// One record of a file.
pub(super) enum Record<'a> {
    /// A print of the public archive.
    Print(Print<'a>),
    /// An official candle.
    Candle(CandleRow<'a>),
    /// A frame of a connection, which has no name where a file has only one.
    Frame { connection: &'a str, text: &'a str },
    /// The answer to a REST request.
    Answer { request: &'a str, text: &'a str },
    /// A connection came up or went down.
    Link { connection: &'a str, up: bool },
    /// A row that the venue itself declared void.
    Void,
    /// Nothing that reached a recorder from outside.
    Other,
}

/// A row of trades or aggregates.
#[derive(Clone, Copy)]
pub(super) struct Print<'a> {
    pub(super) channel: Channel,
    pub(super) symbol: &'a str,
    pub(super) time: Nanos,
    pub(super) price: &'a str,
    pub(super) quantity: &'a str,
    pub(super) id: u64,
    pub(super) first_id: u64,
    pub(super) count: u32,
    pub(super) aggressor: Aggressor,
    pub(super) kind: TradeKind,
}

/// A row of official candles.
#[derive(Clone, Copy)]
pub(super) struct CandleRow<'a> {
    pub(super) symbol: &'a str,
    pub(super) open_time: Nanos,
    pub(super) interval: Interval,
    /// Open, high, low, close.
    pub(super) prices: [&'a str; 4],
    /// Volume, taker buy volume.
    pub(super) quantities: [&'a str; 2],
    /// Quote volume, taker buy quote volume.
    pub(super) quotes: [&'a str; 2],
    pub(super) trades: u32,
}

/// Opens a file in the import's format.
pub(super) fn open(import: &Import, file: &Path) -> Result<Box<dyn Reader>, ImportError> {
    let lines = Lines::open(file)?;
    Ok(match import.format {
        Format::BinanceCsv => Box::new(archive::Archive::new(import, file, lines)?),
        Format::KlinesCsv => Box::new(klines::Klines::new(import, file, lines)?),
        Format::Collector => Box::new(collector::Collector::new(lines)),
        Format::Jsonl => Box::new(jsonl::Captures::new(lines)),
    })
}

/// The symbol of a file that holds one: as asked for, or as its name begins.
pub(super) fn symbol_of(import: &Import, file: &Path) -> Result<String, FileFault> {
    let name = file.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    let named = name.split_once('-').map(|(symbol, _)| symbol).filter(|symbol| {
        let plain = |c: char| !c.is_lowercase() && (c.is_alphanumeric() || c == '_');
        !symbol.is_empty() && symbol.chars().all(plain)
    });
    match (&import.symbol, named) {
        (None, None) => Err(FileFault::NoSymbol),
        (None, Some(named)) => Ok(named.to_owned()),
        (Some(asked), Some(named)) if asked != named && is_archive_name(name) => {
            Err(FileFault::OtherSymbol { named: named.to_owned(), asked: asked.clone() })
        }
        (Some(asked), _) => Ok(asked.clone()),
    }
}

/// The interval that a file's name says, as in `BTCUSDT-1m-2026-02.csv`.
pub(super) fn interval_in_name(file: &Path) -> Option<Interval> {
    let stem = file.file_name()?.to_str()?.split('.').next()?;
    stem.split('-').skip(1).find_map(|part| Interval::parse(part).ok())
}

/// Whether a name is of the archive's form, so that its first part is a symbol for certain.
fn is_archive_name(name: &str) -> bool {
    let second = name.split('-').nth(1).unwrap_or_default();
    matches!(second, "trades" | "aggTrades") || Interval::parse(second).is_ok()
}

/// The most columns of any table we read.
pub(super) const COLUMNS_MAX: usize = 12;

/// The cells of a line.
pub(super) struct Cells<'a> {
    lines: &'a Lines,
    cells: [&'a str; COLUMNS_MAX],
    len: usize,
}

impl<'a> Cells<'a> {
    /// Splits the line at its commas; the archive quotes nothing.
    pub(super) fn of(lines: &'a Lines) -> Self {
        let mut cells = [""; COLUMNS_MAX];
        let mut len = 0;
        for cell in lines.text().split(',') {
            if let Some(slot) = cells.get_mut(len) {
                *slot = cell;
            }
            len += 1;
        }
        Self { lines, cells, len }
    }

    /// How many there are, which may be more than are kept.
    pub(super) fn len(&self) -> usize {
        self.len
    }

    /// One cell; empty where there is none.
    pub(super) fn get(&self, column: usize) -> &'a str {
        self.cells.get(column).copied().unwrap_or_default()
    }

    /// All of them, as far as they are kept.
    pub(super) fn iter(&self) -> impl Iterator<Item = &'a str> {
        self.cells.iter().take(self.len).copied()
    }

    /// A whole number.
    pub(super) fn number(&self, column: usize, name: &'static str) -> Result<u64, ImportError> {
        let text = self.get(column);
        let plain = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        plain
            .then(|| text.parse().ok())
            .flatten()
            .ok_or_else(|| self.fault(column, name, "a whole number"))
    }

    /// An instant in milliseconds or microseconds.
    pub(super) fn instant(&self, column: usize, name: &'static str) -> Result<Nanos, ImportError> {
        crate::venue::binance::instant(self.number(column, name)?).ok_or_else(|| {
            self.fault(column, name, "a time in milliseconds or microseconds from 2017 to 2100")
        })
    }

    /// `true` or `false`.
    pub(super) fn boolean(&self, column: usize, name: &'static str) -> Result<bool, ImportError> {
        boolean(self.get(column)).ok_or_else(|| self.fault(column, name, "true or false"))
    }

    /// An error about one cell.
    pub(super) fn fault(
        &self,
        column: usize,
        name: &'static str,
        expected: &'static str,
    ) -> ImportError {
        let text = self.get(column).chars().take(40).collect();
        self.lines.fault(LineFault::Cell { column: name, text, expected })
    }
}

/// A boolean as the archive has spelled it over the years.
pub(super) fn boolean(text: &str) -> Option<bool> {
    if text.eq_ignore_ascii_case("true") {
        Some(true)
    } else if text.eq_ignore_ascii_case("false") {
        Some(false)
    } else {
        None
    }
}

/// A header's name without case and punctuation, which differ between files.
pub(super) fn plain_name(cell: &str) -> String {
    cell.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_lowercase()).collect()
}

/// Whether a line is a header: it begins with a word.
pub(super) fn is_header(line: &str) -> bool {
    line.starts_with(|c: char| c.is_ascii_alphabetic() || c == '"')
}

/// What a line looks like, for the error of who asked for another format.
pub(super) fn looks_like(line: &str) -> Option<Format> {
    let columns = line.split(',').count();
    if line.starts_with('{') {
        Some(Format::Jsonl)
    } else if line.split_once(' ').is_some_and(|(_, rest)| rest.starts_with('{')) {
        Some(Format::Collector)
    } else if columns == 12 {
        Some(Format::KlinesCsv)
    } else if (6..=8).contains(&columns) {
        Some(Format::BinanceCsv)
    } else {
        None
    }
}

/// The error for a line that is not of the format asked for.
pub(super) fn wrong_format(lines: &Lines, asked: Format) -> ImportError {
    let looks = looks_like(lines.text()).filter(|&looks| looks != asked);
    lines.fault(LineFault::Format { asked, looks })
}
