//! A session: entries as they were recorded become the batches that the engine folds.
//!
//! Live and replay differ only in where entries come from; from here on everything is the same.

use systems::candle::VenueCandle;
use systems::trade::{Batch, Control, SymbolId, Trade, TradeKind};
use systems::units::{Interval, Nanos};

use crate::symbols::Symbols;
use crate::tape::entry::{Body, Entry};
use crate::venue::counts::DecodeCounts;
use crate::venue::{Channel, Decoder, Venue, What};

/// Turns entries into prints and controls.
pub struct Session {
    symbols: Symbols,
    intervals: Vec<Interval>,
    decoder: Option<Decoder>,
    /// Per symbol: the channel whose prints are folded, and the connection that brings them.
    sources: Vec<Source>,
    /// The venue's time as of the last heartbeat.
    now: Nanos,
    skipped: Skipped,
}

#[derive(Clone, Copy, Default)]
struct Source {
    /// The first channel that brought prints. Two channels bring the same prints under other ids,
    /// so only one of them can be folded.
    channel: Option<Channel>,
    link: u16,
}

/// What was passed over, by cause.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Skipped {
    /// Prints of a second channel of the same symbol.
    pub other_channel: u64,
    /// Candles of intervals that the configuration does not have.
    pub other_interval: u64,
    /// Frames and answers of a venue that this program cannot decode.
    pub undecodable: u64,
}

impl Session {
    /// A session over `symbols` of the venue called `venue`, feeding rows of `intervals`.
    pub fn new(symbols: Symbols, intervals: Vec<Interval>, venue: &str) -> Self {
        let sources = vec![Source::default(); symbols.specs().len()];
        let decoder = Venue::parse(venue).map(Decoder::new);
        let (now, skipped) = (Nanos(0), Skipped::default());
        Self { symbols, intervals, decoder, sources, now, skipped }
    }

    /// The session's symbols.
    pub fn symbols(&self) -> &Symbols {
        &self.symbols
    }

    /// What decoding counted; `None` for a venue that cannot be decoded.
    pub fn decoded(&self) -> Option<&DecodeCounts> {
        self.decoder.as_ref().map(Decoder::counts)
    }

    /// What was passed over.
    pub fn skipped(&self) -> Skipped {
        self.skipped
    }

    /// Adds what one entry means to a batch.
    pub fn take(&mut self, entry: &Entry<'_>, batch: &mut Batch) {
        match entry.body {
            Body::Frame { link, text } => self.frame(link, text, batch),
            Body::Answer { request, text } => self.answer(request, text, batch),
            Body::Trade(trade) => batch.push(trade),
            Body::Candle { symbol, interval, candle } => {
                self.candle(symbol, interval, candle, batch);
            }
            Body::Link { link, up, .. } => self.link(link, up, batch),
            Body::Feed { symbol, up } => batch.control(Control::Feed { symbol, up }),
            Body::Halt { symbol, halted } => batch.control(Control::Halt { symbol, halted }),
            Body::Unrecoverable { symbol, from_id, to_id } => {
                batch.control(Control::Unrecoverable { symbol, from_id, to_id });
            }
            Body::Heartbeat(at) => {
                self.now = self.now.max(at);
                batch.control(Control::Heartbeat(at));
            }
        }
    }

    fn frame(&mut self, link: u16, text: &[u8], batch: &mut Batch) {
        let Some(decoder) = &mut self.decoder else {
            self.skipped.undecodable += 1;
            return;
        };
        match decoder.frame(text, &self.symbols).what {
            What::Trade(trade, channel) => self.print(link, trade, channel, batch),
            What::Candle { symbol, interval, candle } => {
                self.candle(symbol, interval, candle, batch);
            }
            _ => {}
        }
    }

    fn answer(&mut self, request: &str, text: &[u8], batch: &mut Batch) {
        let Some(mut decoder) = self.decoder.take() else {
            self.skipped.undecodable += 1;
            return;
        };
        let symbols = core::mem::take(&mut self.symbols);
        decoder.answer(request, text, self.now, &symbols, &mut |what| match what {
            What::Trade(trade, channel) => {
                let kind = match trade.kind {
                    TradeKind::Market => TradeKind::Backfilled,
                    kind => kind,
                };
                let link = self.sources[usize::from(trade.symbol.0)].link;
                self.print(link, Trade { kind, ..trade }, channel, batch);
            }
            What::Candle { symbol, interval, candle } => {
                self.candle(symbol, interval, candle, batch);
            }
            _ => {}
        });
        (self.symbols, self.decoder) = (symbols, Some(decoder));
    }

    #[inline]
    fn print(&mut self, link: u16, trade: Trade, channel: Channel, batch: &mut Batch) {
        let source = &mut self.sources[usize::from(trade.symbol.0)];
        if *source.channel.get_or_insert(channel) == channel {
            source.link = link;
            batch.push(trade);
        } else {
            self.skipped.other_channel += 1;
        }
    }

    fn candle(
        &mut self,
        symbol: SymbolId,
        interval: Interval,
        candle: VenueCandle,
        batch: &mut Batch,
    ) {
        match self.intervals.iter().position(|known| *known == interval) {
            Some(index) => {
                let interval = index as u8;
                batch.control(Control::VenueCandle { symbol, interval, candle });
            }
            None => self.skipped.other_interval += 1,
        }
    }

    /// A connection's change is a change for every symbol that it brings.
    fn link(&mut self, link: u16, up: bool, batch: &mut Batch) {
        for (index, source) in self.sources.iter().enumerate() {
            if source.link == link {
                batch.control(Control::Feed { symbol: SymbolId(index as u16), up });
            }
        }
    }
}
