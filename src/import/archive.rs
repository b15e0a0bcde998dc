//! The venue's public archive: trades and aggTrades, one symbol per file.
//!
//! Spot files have no header and microseconds from 2025 on, USD-M files have one and milliseconds;
//! both have been otherwise. So the columns are told from the first line, and the unit from each
//! time. There is no receive clock: a print is received when it was made. Only a stamp far ahead of
//! both its neighbours is nobody's time: it is received with the print before it.

use std::path::Path;

use systems::limits::{FUTURE_MAX_NS, JUMP_MAX_NS};
use systems::trade::{Aggressor, TradeKind};
use systems::units::Nanos;

use super::error::{ImportError, LineFault};
use super::record::{
    COLUMNS_MAX, Cells, Print, Reader, Record, boolean, is_header, plain_name, symbol_of,
    wrong_format,
};
use super::source::Lines;
use super::{Format, Import};
use crate::venue::binance::{id_count, instant};
use crate::venue::{Channel, Venue};

/// Which column holds what.
#[derive(Clone, Copy)]
struct Layout {
    channel: Channel,
    columns: usize,
    id: usize,
    price: usize,
    quantity: usize,
    /// First and last single-trade id, in aggregates.
    ids: Option<(usize, usize)>,
    time: usize,
    buyer_is_maker: usize,
    symbol: Option<usize>,
}

/// The numbers of a row; its texts stay in the line.
#[derive(Clone, Copy, Default)]
struct Row {
    time: Nanos,
    id: u64,
    first_id: u64,
    /// 0 in a row that the venue declared void.
    count: u32,
    buyer_is_maker: bool,
}

pub(super) struct Archive {
    venue: Venue,
    symbol: String,
    lines: Lines,
    layout: Option<Layout>,
    row: Row,
    /// When the print was received, as far as can be told.
    received: Option<Nanos>,
}

impl Archive {
    pub(super) fn new(import: &Import, file: &Path, lines: Lines) -> Result<Self, ImportError> {
        let symbol = symbol_of(import, file).map_err(|fault| lines.file_fault(fault))?;
        let (venue, row) = (import.venue, Row::default());
        Ok(Self { venue, symbol, lines, layout: None, row, received: None })
    }

    fn read(&self, layout: &Layout) -> Result<Row, ImportError> {
        let cells = Cells::of(&self.lines);
        if cells.len() != layout.columns {
            if is_header(self.lines.text()) {
                return Err(self.lines.fault(LineFault::SecondHeader));
            }
            let (found, expected) = (cells.len(), layout.columns);
            return Err(self.lines.fault(LineFault::Columns { found, expected }));
        }
        if is_header(cells.get(layout.id)) {
            return Err(self.lines.fault(LineFault::SecondHeader));
        }
        if let Some(found) = layout.symbol.map(|column| cells.get(column))
            && found != self.symbol
        {
            let (found, expected) = (found.to_owned(), self.symbol.clone());
            return Err(self.lines.fault(LineFault::MixedSymbols { found, expected }));
        }
        let id = cells.number(layout.id, "id")?;
        let (first_id, count) = match layout.ids {
            None => (id, 1),
            // Duplicates that an audit of 2022 struck out.
            Some((first, last)) if cells.get(first) == "-1" && cells.get(last) == "-1" => (0, 0),
            Some((first, last)) => {
                let first_id = cells.number(first, "first_trade_id")?;
                let last_id = cells.number(last, "last_trade_id")?;
                let count = id_count(first_id, last_id).ok_or_else(|| {
                    cells.fault(last, "last_trade_id", "at or a little after first_trade_id")
                })?;
                (first_id, count)
            }
        };
        Ok(Row {
            time: cells.instant(layout.time, "time")?,
            id,
            first_id,
            count,
            buyer_is_maker: cells.boolean(layout.buyer_is_maker, "is_buyer_maker")?,
        })
    }

    /// When a print stamped `at` was received: then, unless the stamp is far ahead of the print
    /// before it and the one behind it does not agree. The last one of a file has no other behind
    /// it, and is believed as far as time may move at once.
    fn received(&mut self, at: Nanos, layout: &Layout) -> Nanos {
        let before = self.received;
        if before.is_some_and(|before| at <= before.plus(FUTURE_MAX_NS)) {
            return at;
        }
        let Some(next) = self.lines.peek() else {
            return before.filter(|before| at > before.plus(JUMP_MAX_NS)).unwrap_or(at);
        };
        let next = next.split(',').nth(layout.time).and_then(|text| instant(text.parse().ok()?));
        // A print behind it that is itself far behind the one before proves nothing.
        let proof = next.filter(|&next| before.is_none_or(|b| b <= next.plus(FUTURE_MAX_NS)));
        match proof {
            Some(next) if at > next.plus(FUTURE_MAX_NS) => before.unwrap_or(next),
            _ => at,
        }
    }
}

impl Reader for Archive {
    fn advance(&mut self) -> Result<Option<Nanos>, ImportError> {
        if !self.lines.advance()? {
            return Ok(None);
        }
        let layout = match self.layout {
            Some(layout) => layout,
            None => {
                let header = is_header(self.lines.text());
                let layout = if header {
                    Layout::named(&self.lines)?
                } else {
                    Layout::guessed(&self.lines)?
                };
                self.layout = Some(layout);
                if header && !self.lines.advance()? {
                    return Ok(None);
                }
                layout
            }
        };
        self.row = self.read(&layout)?;
        let received = self.received(self.row.time, &layout);
        self.received = self.received.max(Some(received));
        Ok(Some(received))
    }

    fn record(&self) -> Record<'_> {
        let Some(layout) = self.layout else { return Record::Other };
        if self.row.count == 0 {
            return Record::Void;
        }
        let cells = Cells::of(&self.lines);
        let (price, quantity) = (cells.get(layout.price), cells.get(layout.quantity));
        // USD-M lists trades that only take an id with zeros, since the file has no class column.
        let void = self.venue == Venue::BinanceUsdm
            && layout.channel == Channel::Trades
            && is_zero(price)
            && is_zero(quantity);
        Record::Print(Print {
            channel: layout.channel,
            symbol: &self.symbol,
            time: self.row.time,
            price,
            quantity,
            id: self.row.id,
            first_id: self.row.first_id,
            count: self.row.count,
            aggressor: if self.row.buyer_is_maker { Aggressor::Seller } else { Aggressor::Buyer },
            kind: if void { TradeKind::Void } else { TradeKind::Market },
        })
    }

    fn lines(&self) -> &Lines {
        &self.lines
    }
}

fn is_zero(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| matches!(byte, b'0' | b'.'))
}

impl Layout {
    /// The layout of a file without a header, by where the first boolean is.
    fn guessed(lines: &Lines) -> Result<Self, ImportError> {
        let cells = Cells::of(lines);
        let columns = cells.len();
        let first = cells.iter().position(|cell| boolean(cell).is_some());
        match (first, columns) {
            (Some(5), 6 | 7) => Ok(Self {
                channel: Channel::Trades,
                columns,
                id: 0,
                price: 1,
                quantity: 2,
                ids: None,
                time: 4,
                buyer_is_maker: 5,
                symbol: None,
            }),
            (Some(6), 7 | 8) => Ok(Self {
                channel: Channel::AggregateTrades,
                columns,
                id: 0,
                price: 1,
                quantity: 2,
                ids: Some((3, 4)),
                time: 5,
                buyer_is_maker: 6,
                symbol: None,
            }),
            _ => Err(wrong_format(lines, Format::BinanceCsv)),
        }
    }

    /// The layout that a header names.
    fn named(lines: &Lines) -> Result<Self, ImportError> {
        let cells = Cells::of(lines);
        if cells.len() == COLUMNS_MAX {
            return Err(wrong_format(lines, Format::BinanceCsv));
        }
        let mut at: [Option<usize>; 8] = [None; 8];
        for (column, cell) in cells.iter().enumerate() {
            let slot = match plain_name(cell).as_str() {
                "id" | "tradeid" | "aggtradeid" | "aggregatetradeid" => 0,
                "price" => 1,
                "qty" | "quantity" => 2,
                "firsttradeid" | "firstid" => 3,
                "lasttradeid" | "lastid" => 4,
                "time" | "timestamp" | "transacttime" | "tradetime" => 5,
                "isbuyermaker" | "buyerismaker" => 6,
                "symbol" => 7,
                // Follow from the others, or say nothing about the print.
                "quoteqty" | "quotequantity" | "baseqty" | "isbestmatch" => continue,
                _ => return Err(lines.fault(LineFault::UnknownColumn(cell.to_owned()))),
            };
            at[slot] = Some(column);
        }
        let need =
            |slot: usize, name| at[slot].ok_or_else(|| lines.fault(LineFault::MissingColumn(name)));
        let ids = match (at[3], at[4]) {
            (None, None) => None,
            _ => Some((need(3, "first_trade_id")?, need(4, "last_trade_id")?)),
        };
        Ok(Self {
            channel: if ids.is_some() { Channel::AggregateTrades } else { Channel::Trades },
            columns: cells.len(),
            id: need(0, "id")?,
            price: need(1, "price")?,
            quantity: need(2, "quantity")?,
            ids,
            time: need(5, "time")?,
            buyer_is_maker: need(6, "is_buyer_maker")?,
            symbol: at[7],
        })
    }
}
