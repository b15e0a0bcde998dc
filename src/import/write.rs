//! The second pass: records become entries, with heartbeats between them.

use systems::candle::{Candle, VenueCandle};
use systems::symbol::SymbolSpec;
use systems::trade::{SymbolId, Trade};
use systems::units::{Nanos, Price, Quantity};

use super::clock::VenueClock;
use super::error::{ImportError, LineFault};
use super::record::{CandleRow, Print, Reader, Record};
use super::report::Report;
use super::{Import, Sink, matters};
use crate::logging::timestamp;
use crate::symbols::Symbols;
use crate::tape::entry::{Body, Entry};
use crate::venue::binance::Field;
use crate::venue::candle::consistent;
use crate::venue::counts::DecodeCounts;
use crate::venue::digits::quote_units;
use crate::venue::reject::DecodeReject;
use crate::venue::{Decoder, What};

/// The reason given for links that come up because an import says so.
const REASON: &str = "import";

/// Stamps too far ahead that are told one by one; the report has their number.
const ASTRAY_SHOWN: u64 = 10;

pub(super) struct Writer<'a> {
    import: &'a Import,
    symbols: &'a Symbols,
    sink: &'a mut dyn Sink,
    decoder: Decoder,
    /// Rejected rows of tables, which no decoder sees.
    rows: DecodeCounts,
    clock: VenueClock,
    /// Connections by name, in order of appearance, and whether each is up.
    links: Vec<(Box<str>, bool)>,
    report: Report,
}

impl<'a> Writer<'a> {
    pub(super) fn new(import: &'a Import, symbols: &'a Symbols, sink: &'a mut dyn Sink) -> Self {
        Self {
            import,
            symbols,
            sink,
            decoder: Decoder::new(import.venue),
            rows: DecodeCounts::default(),
            clock: VenueClock::default(),
            links: Vec::new(),
            report: Report::default(),
        }
    }

    /// Writes what a record becomes.
    pub(super) fn record(
        &mut self,
        received: Nanos,
        reader: &dyn Reader,
    ) -> Result<(), ImportError> {
        match reader.record() {
            Record::Print(print) => self.print(received, reader, &print),
            Record::Candle(row) => self.candle(received, reader, &row),
            Record::Frame { connection, text } => self.frame(received, reader, connection, text),
            Record::Answer { request, text } => self.answer(received, request, text),
            Record::Link { connection, up } => self.link_changed(received, connection, up),
            Record::Void => {
                let row = reader.lines().text().as_bytes();
                self.rows.note(&What::Rejected(DecodeReject::VoidRow), row);
                Ok(())
            }
            Record::Other => {
                self.report.other_lines += 1;
                Ok(())
            }
        }
    }

    /// Writes the heartbeat that closes the last candles of a table. Prints and frames prove no
    /// more time than the heartbeats before them say.
    pub(super) fn finish(mut self) -> Result<Report, ImportError> {
        if let (Some(at), Some((_, last))) = (self.clock.complete(), self.report.received) {
            self.beat(last, at)?;
        }
        self.report.venue_time = self.clock.seen();
        self.report.decoded = self.decoder.counts().clone();
        self.report.decoded.add(&self.rows);
        Ok(self.report)
    }

    fn print(
        &mut self,
        received: Nanos,
        reader: &dyn Reader,
        print: &Print<'_>,
    ) -> Result<(), ImportError> {
        self.link(received, "")?;
        let (symbol, spec) = self.symbol(reader, print.symbol)?;
        let price = spec.price.parse(print.price.as_bytes());
        let quantity = spec.quantity.parse(print.quantity.as_bytes());
        let trade = Trade {
            time: print.time,
            price: Price(price.map_err(|_| not_decimal(reader, "price", print.price))?),
            quantity: Quantity(
                quantity.map_err(|_| not_decimal(reader, "quantity", print.quantity))?,
            ),
            id: print.id,
            first_id: print.first_id,
            count: print.count,
            symbol,
            aggressor: print.aggressor,
            kind: print.kind,
        };
        let what = What::Trade(trade, print.channel);
        self.rows.note(&what, b"");
        self.report.trades += 1;
        self.seen(received, reader, print.time)?;
        self.entry(received, Body::Trade(trade))
    }

    fn candle(
        &mut self,
        received: Nanos,
        reader: &dyn Reader,
        row: &CandleRow<'_>,
    ) -> Result<(), ImportError> {
        self.link(received, "")?;
        let (symbol, spec) = self.symbol(reader, row.symbol)?;
        let candle = numbers(row, spec).map_err(|(name, text)| not_decimal(reader, name, text))?;
        if !consistent(&candle) {
            let row = reader.lines().text().as_bytes();
            self.rows.note(&What::Rejected(DecodeReject::Candle), row);
            return Ok(());
        }
        // The heartbeat at an end waits for all candles that end there, in whichever file.
        if self.clock.seen().is_some_and(|seen| seen < received)
            && let Some(at) = self.clock.complete()
        {
            self.beat(received, at)?;
        }
        self.clock.defer(received);
        let candle = VenueCandle { candle, first_id: 0, last_id: 0 };
        let what = What::Candle { symbol, interval: row.interval, candle };
        self.rows.note(&what, b"");
        self.report.candles += 1;
        self.entry(received, Body::Candle { symbol, interval: row.interval, candle })
    }

    fn frame(
        &mut self,
        received: Nanos,
        reader: &dyn Reader,
        connection: &str,
        text: &str,
    ) -> Result<(), ImportError> {
        let link = self.link(received, connection)?;
        let decoded = self.decoder.frame(text.as_bytes(), self.symbols);
        if let Some(at) = decoded.venue_time() {
            self.seen(received, reader, at)?;
        }
        let keep = self.count(&decoded.what) || self.import.keep_all;
        if keep {
            self.report.frames_kept += 1;
            self.entry(received, Body::Frame { link, text: text.as_bytes() })
        } else {
            self.report.frames_ignored += 1;
            Ok(())
        }
    }

    fn answer(&mut self, received: Nanos, request: &str, text: &str) -> Result<(), ImportError> {
        let at = self.clock.seen().unwrap_or(received);
        let mut rows = Vec::new();
        let take = &mut |what| rows.push(what);
        self.decoder.answer(request, text.as_bytes(), at, self.symbols, take);
        let mut keep = self.import.keep_all;
        for what in &rows {
            keep |= self.count(what);
        }
        if keep {
            self.report.answers_kept += 1;
            self.entry(received, Body::Answer { request, text: text.as_bytes() })
        } else {
            self.report.answers_ignored += 1;
            Ok(())
        }
    }

    /// Counts what a message held and says whether it matters.
    fn count(&mut self, what: &What) -> bool {
        match what {
            What::Trade(..) => self.report.trades += 1,
            What::Candle { .. } => self.report.candles += 1,
            // What a symbol filter leaves out was not wanted.
            What::Rejected(DecodeReject::UnknownSymbol) => return self.import.symbol.is_none(),
            // A reject is evidence: a replay must count it too.
            What::Rejected(_) => return true,
            What::Ack(_) | What::Refused { .. } | What::Shutdown | What::Ignored(_) => {}
        }
        what.kind().is_some_and(matters)
    }

    fn symbol(
        &self,
        reader: &dyn Reader,
        name: &str,
    ) -> Result<(SymbolId, &'a SymbolSpec), ImportError> {
        // The first pass saw every symbol; another one means that the file changed meanwhile.
        let id = self.symbols.id(name).ok_or_else(|| {
            let (found, expected) = (name.to_owned(), "the first pass".to_owned());
            reader.lines().fault(LineFault::MixedSymbols { found, expected })
        })?;
        Ok((id, self.symbols.spec(id)))
    }

    /// The number of a connection, which is up from its first message on.
    fn link(&mut self, received: Nanos, connection: &str) -> Result<u16, ImportError> {
        let known = self.links.iter().position(|(name, _)| &**name == connection);
        let index = known.unwrap_or_else(|| {
            self.links.push((connection.into(), false));
            self.links.len() - 1
        });
        // Beyond 65,535 connections the last number is shared.
        let link = u16::try_from(index).unwrap_or(u16::MAX);
        if !self.links[index].1 {
            self.links[index].1 = true;
            self.entry(received, Body::Link { link, up: true, reason: REASON })?;
        }
        Ok(link)
    }

    fn link_changed(
        &mut self,
        received: Nanos,
        connection: &str,
        up: bool,
    ) -> Result<(), ImportError> {
        let known = self.links.iter().position(|(name, up)| *up && &**name == connection);
        if let Some(index) = known {
            // Connecting again means that the connection was lost.
            self.links[index].1 = false;
            let link = u16::try_from(index).unwrap_or(u16::MAX);
            let reason = if up { "connected again" } else { "closed" };
            self.entry(received, Body::Link { link, up: false, reason })?;
        }
        if up { self.link(received, connection).map(drop) } else { Ok(()) }
    }

    /// Moves the venue's time as far as a record is believed. Even one that is not believed has a
    /// heartbeat before it: without any, the engine could not refuse it.
    fn seen(&mut self, received: Nanos, reader: &dyn Reader, at: Nanos) -> Result<(), ImportError> {
        let due = if self.clock.believes(at, received) {
            self.clock.see(at)
        } else {
            self.astray(received, reader, at);
            self.clock.is_unset().then(|| self.clock.see(received)).flatten()
        };
        due.map_or(Ok(()), |at| self.beat(received, at))
    }

    fn astray(&mut self, received: Nanos, reader: &dyn Reader, at: Nanos) {
        self.report.astray += 1;
        if self.report.astray <= ASTRAY_SHOWN {
            log::warn!(
                "{}: stamped {}, but it came at {}: it moves no clock",
                reader.lines().place(),
                timestamp(at),
                timestamp(received)
            );
        }
    }

    fn beat(&mut self, received: Nanos, at: Nanos) -> Result<(), ImportError> {
        self.report.heartbeats += 1;
        self.entry(received, Body::Heartbeat(at))
    }

    fn entry(&mut self, received: Nanos, body: Body<'_>) -> Result<(), ImportError> {
        self.report.entries += 1;
        let (first, _) = self.report.received.unwrap_or((received, received));
        self.report.received = Some((first, received));
        self.sink.entry(Entry { received, body }).map_err(ImportError::Sink)
    }
}

/// The decimal cells of a candle, with what each measures and its column's name.
pub(super) fn candle_cells<'a>(row: &CandleRow<'a>) -> [(Field, &'static str, &'a str); 8] {
    let [open, high, low, close] = row.prices;
    [
        (Field::Price, "open", open),
        (Field::Price, "high", high),
        (Field::Price, "low", low),
        (Field::Price, "close", close),
        (Field::Quantity, "volume", row.quantities[0]),
        (Field::Quantity, "taker_buy_volume", row.quantities[1]),
        (Field::Quote, "quote_volume", row.quotes[0]),
        (Field::Quote, "taker_buy_quote_volume", row.quotes[1]),
    ]
}

/// A cell that does not fit, by its column's name and text.
type BadCell<'a> = (&'static str, &'a str);

fn numbers<'a>(row: &CandleRow<'a>, spec: &SymbolSpec) -> Result<Candle, BadCell<'a>> {
    let decimals = spec.quote().decimals;
    let price = |name, text: &'a str| {
        spec.price.parse(text.as_bytes()).map(Price).map_err(|_| (name, text))
    };
    let quantity = |name, text: &'a str| {
        spec.quantity.parse(text.as_bytes()).map(Quantity).map_err(|_| (name, text))
    };
    let quote =
        |name, text: &'a str| quote_units(decimals, text.as_bytes()).map_err(|_| (name, text));
    let [open, high, low, close] = row.prices;
    Ok(Candle {
        open_time: row.open_time,
        open: price("open", open)?,
        high: price("high", high)?,
        low: price("low", low)?,
        close: price("close", close)?,
        volume: quantity("volume", row.quantities[0])?,
        quote_volume: quote("quote_volume", row.quotes[0])?,
        taker_buy_volume: quantity("taker_buy_volume", row.quantities[1])?,
        taker_buy_quote_volume: quote("taker_buy_quote_volume", row.quotes[1])?,
        trades: row.trades,
        ..Candle::default()
    })
}

/// The error for a cell that is no decimal we can hold.
pub(super) fn not_decimal(reader: &dyn Reader, column: &'static str, text: &str) -> ImportError {
    let text = text.chars().take(40).collect();
    let expected = "a plain decimal of at most 18 digits";
    reader.lines().fault(LineFault::Cell { column, text, expected })
}
