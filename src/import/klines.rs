//! Official candles: twelve columns, one symbol and interval per file.

use std::path::Path;

use systems::interval::Interval;
use systems::units::Nanos;

use super::error::{ImportError, LineFault};
use super::record::{
    COLUMNS_MAX, CandleRow, Cells, Reader, Record, interval_in_name, is_header, plain_name,
    symbol_of, wrong_format,
};
use super::source::Lines;
use super::{Format, Import};
use crate::venue::candle::aligned;

/// The columns, as a header spells them without case and punctuation; what else each was called.
const COLUMNS: [(&str, &[&str]); COLUMNS_MAX] = [
    ("opentime", &["time", "timestamp"]),
    ("open", &[]),
    ("high", &[]),
    ("low", &[]),
    ("close", &[]),
    ("volume", &[]),
    ("closetime", &[]),
    ("quotevolume", &["quoteassetvolume"]),
    ("count", &["trades", "numberoftrades"]),
    ("takerbuyvolume", &["takerbuybaseassetvolume", "takerbuybasevolume"]),
    ("takerbuyquotevolume", &["takerbuyquoteassetvolume"]),
    ("ignore", &["unused"]),
];

/// The numbers of a row; its texts stay in the line.
#[derive(Clone, Copy)]
struct Row {
    open_time: Nanos,
    interval: Interval,
    trades: u32,
}

pub(super) struct Klines {
    symbol: String,
    /// What the rows must be: as asked for, as the file is named, or as the first row was.
    interval: Option<Interval>,
    lines: Lines,
    row: Option<Row>,
}

impl Klines {
    pub(super) fn new(import: &Import, file: &Path, lines: Lines) -> Result<Self, ImportError> {
        let symbol = symbol_of(import, file).map_err(|fault| lines.file_fault(fault))?;
        let interval = import.interval.or_else(|| interval_in_name(file));
        Ok(Self { symbol, interval, lines, row: None })
    }

    fn read(&self) -> Result<Row, ImportError> {
        let cells = Cells::of(&self.lines);
        if is_header(self.lines.text()) {
            return Err(self.lines.fault(LineFault::SecondHeader));
        }
        if cells.len() != COLUMNS_MAX {
            let (found, expected) = (cells.len(), COLUMNS_MAX);
            return Err(self.lines.fault(LineFault::Columns { found, expected }));
        }
        let (open, close) = (cells.number(0, "open_time")?, cells.number(6, "close_time")?);
        let open_time = cells.instant(0, "open_time")?;
        cells.instant(6, "close_time")?;
        // A candle ends one unit after its close time, whichever unit the file has.
        let unit = open_time.0 / open.max(1);
        let length = (close + 1).saturating_sub(open).saturating_mul(unit);
        let seconds = length / Nanos::PER_SECOND;
        let odd = || self.lines.fault(LineFault::Interval(seconds));
        let interval = u32::try_from(seconds)
            .ok()
            .filter(|_| length.is_multiple_of(Nanos::PER_SECOND))
            .and_then(Interval::new)
            .and_then(|interval| aligned(interval, open_time))
            .ok_or_else(odd)?;
        if let Some(expected) = self.interval.filter(|want| want.seconds() != interval.seconds()) {
            return Err(self.lines.fault(LineFault::OtherInterval { found_s: seconds, expected }));
        }
        if self.row.is_some_and(|above| open_time <= above.open_time) {
            return Err(self.lines.fault(LineFault::Backwards));
        }
        let trades = u32::try_from(cells.number(8, "count")?)
            .map_err(|_| cells.fault(8, "count", "a count of 32 bits"))?;
        Ok(Row { open_time, interval, trades })
    }

    /// Checks that a header names the columns in their order.
    fn header(&self) -> Result<(), ImportError> {
        let cells = Cells::of(&self.lines);
        if cells.len() != COLUMNS_MAX {
            return Err(wrong_format(&self.lines, Format::KlinesCsv));
        }
        for (cell, (name, others)) in cells.iter().zip(COLUMNS) {
            let plain = plain_name(cell);
            if plain != name && !others.contains(&plain.as_str()) {
                return Err(self.lines.fault(LineFault::UnknownColumn(cell.to_owned())));
            }
        }
        Ok(())
    }
}

impl Reader for Klines {
    fn advance(&mut self) -> Result<Option<Nanos>, ImportError> {
        if !self.lines.advance()? {
            return Ok(None);
        }
        if self.row.is_none() {
            if is_header(self.lines.text()) {
                self.header()?;
                if !self.lines.advance()? {
                    return Ok(None);
                }
            } else if Cells::of(&self.lines).len() != COLUMNS_MAX {
                return Err(wrong_format(&self.lines, Format::KlinesCsv));
            }
        }
        let row = self.read()?;
        self.interval = Some(row.interval);
        self.row = Some(row);
        // A candle is known when it has ended.
        Ok(Some(row.open_time.plus(row.interval.ns())))
    }

    fn record(&self) -> Record<'_> {
        let Some(row) = self.row else { return Record::Other };
        let cells = Cells::of(&self.lines);
        Record::Candle(CandleRow {
            symbol: &self.symbol,
            open_time: row.open_time,
            interval: row.interval,
            prices: [1, 2, 3, 4].map(|column| cells.get(column)),
            quantities: [5, 9].map(|column| cells.get(column)),
            quotes: [7, 10].map(|column| cells.get(column)),
            trades: row.trades,
        })
    }

    fn lines(&self) -> &Lines {
        &self.lines
    }
}
