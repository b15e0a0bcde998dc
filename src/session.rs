//! A session: entries as they were recorded become the batches that the engine folds.
//!
//! Live and replay differ only in where entries come from; from here on everything is the same.

use systems::candle::VenueCandle;
use systems::interval::Interval;
use systems::limits::{EARLIEST_NS, LATEST_NS};
use systems::symbol::SymbolSpec;
use systems::trade::{Batch, Control, SymbolId, Trade, TradeKind};
use systems::units::Nanos;

use crate::symbols::{Symbols, SymbolsError};
use crate::tape::entry::{Body, Entry};
use crate::venue::candle::{bounded, consistent};
use crate::venue::counts::DecodeCounts;
use crate::venue::{Channel, Decoded, Decoder, Venue, What};

/// How far a recording may begin before the end of the one before it, in the venue's time.
const OVERLAP_NS: u64 = 5 * Nanos::PER_SECOND;

/// Turns entries into prints and controls.
pub struct Session {
    symbols: Symbols,
    intervals: Vec<Interval>,
    decoder: Option<Decoder>,
    /// Per symbol: the channel whose prints are folded, and the connection that brings them.
    sources: Vec<Source>,
    /// The connection that everything came over so far; `None` before the first.
    link: Option<u16>,
    /// Whether there was more than one.
    several_links: bool,
    /// The venue's time as of the last heartbeat.
    now: Nanos,
    skipped: Skipped,
}

#[derive(Clone, Copy, Default)]
struct Source {
    /// The first channel that brought prints. Two channels bring the same prints under other ids,
    /// so only one of them can be folded.
    channel: Option<Channel>,
    /// The connection that brought the last print. Prints that were decoded before they were
    /// recorded do not say theirs.
    link: Option<u16>,
}

/// What was passed over, by cause.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Skipped {
    /// Prints of a second channel of the same symbol.
    pub other_channel: u64,
    /// Candles of intervals that the configuration does not have.
    pub other_interval: u64,
    /// Candles that contradict themselves, do not start on their interval, or are too large.
    pub wrong_candle: u64,
    /// Frames and answers of a venue that this program cannot decode.
    pub undecodable: u64,
}

impl Session {
    /// A session over `symbols` of the venue called `venue`, feeding rows of `intervals`.
    pub fn new(symbols: Symbols, intervals: Vec<Interval>, venue: &str) -> Self {
        let sources = vec![Source::default(); symbols.specs().len()];
        let decoder = Venue::parse(venue).map(Decoder::new);
        let (now, skipped) = (Nanos(0), Skipped::default());
        let (link, several_links) = (None, false);
        Self { symbols, intervals, decoder, sources, link, several_links, now, skipped }
    }

    /// The session's symbols.
    pub fn symbols(&self) -> &Symbols {
        &self.symbols
    }

    /// Gives a symbol that the venue lists the next number. Its rows are the engine's, by an entry
    /// that says so.
    ///
    /// # Errors
    /// A name that is there already, or more symbols than ids can number.
    pub fn list(&mut self, spec: SymbolSpec) -> Result<SymbolId, SymbolsError> {
        let symbol = self.symbols.add(spec)?;
        self.sources.push(Source::default());
        Ok(symbol)
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
    ///
    /// Gives back what a frame was decoded to, for whoever keeps the connections: nobody decodes
    /// twice.
    pub fn take(&mut self, entry: &Entry<'_>, batch: &mut Batch) -> Option<Decoded> {
        match entry.body {
            Body::Frame { link, text } => return self.frame(link, text, batch),
            Body::Answer { request, text } => self.answer(request, text, batch),
            Body::Trade(trade) => batch.push(trade),
            Body::Candle { symbol, interval, candle } => {
                self.candle(symbol, interval, candle, batch);
            }
            Body::Link { link, up, .. } => self.link(link, up, batch),
            Body::Feed { symbol, up } => batch.control(Control::Feed { symbol, up }),
            Body::Halt { symbol, halted } => batch.control(Control::Halt { symbol, halted }),
            Body::Listed { symbol } => {
                let spec = self.symbols.specs().get(usize::from(symbol.0))?;
                let (price, quantity) = (spec.price, spec.quantity);
                batch.control(Control::List { symbol, price, quantity });
            }
            Body::Unrecoverable { symbol, from_id, to_id } => {
                batch.control(Control::Unrecoverable { symbol, from_id, to_id });
            }
            Body::Heartbeat(at) => self.heartbeat(at, batch),
            Body::Done { symbol, interval } => self.done(symbol, interval, batch),
        }
        None
    }

    /// Where two recordings meet, the later one may begin a little before the earlier one ended:
    /// time stands still there, and neither is at fault. Anything else is the engine's to judge.
    fn heartbeat(&mut self, at: Nanos, batch: &mut Batch) {
        if at < self.now && self.now.0 - at.0 <= OVERLAP_NS {
            return;
        }
        // The engine takes the same: whatever is plausible, breaks of days among it.
        if (EARLIEST_NS..LATEST_NS).contains(&at.0) {
            self.now = self.now.max(at);
        }
        batch.control(Control::Heartbeat(at));
    }

    /// Rows of intervals that the configuration does not have asked for nothing.
    fn done(&mut self, symbol: SymbolId, interval: Option<Interval>, batch: &mut Batch) {
        let place = interval.map(|done| self.intervals.iter().position(|known| *known == done));
        let interval = match place {
            None => None,
            Some(Some(index)) => Some(index as u8),
            Some(None) => return,
        };
        batch.control(Control::RequestDone { symbol, interval });
    }

    fn frame(&mut self, link: u16, text: &[u8], batch: &mut Batch) -> Option<Decoded> {
        let Some(decoder) = &mut self.decoder else {
            self.skipped.undecodable += 1;
            return None;
        };
        let decoded = decoder.frame(text, &self.symbols);
        match decoded.what {
            What::Trade(trade, channel) => {
                self.note_link(link);
                self.print(Some(link), trade, channel, batch);
            }
            What::Candle { symbol, interval, candle } => {
                self.candle(symbol, interval, candle, batch);
            }
            _ => {}
        }
        Some(decoded)
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
    fn print(&mut self, link: Option<u16>, trade: Trade, channel: Channel, batch: &mut Batch) {
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
        let Some(index) = self.intervals.iter().position(|known| *known == interval) else {
            self.skipped.other_interval += 1;
            return;
        };
        // Decoders have checked theirs; a candle on a tape may come from anybody.
        let numbers = &candle.candle;
        let open_time = numbers.open_time;
        if consistent(numbers)
            && interval.bucket(open_time) == open_time
            && bounded(numbers, interval, self.intervals[0])
        {
            let interval = index as u8;
            batch.control(Control::VenueCandle { symbol, interval, candle });
        } else {
            self.skipped.wrong_candle += 1;
        }
    }

    #[inline]
    fn note_link(&mut self, link: u16) {
        self.several_links |= *self.link.get_or_insert(link) != link;
    }

    /// A connection's change is a change for every symbol that it brings. Symbols of which this
    /// is not known are taken to come over it as long as there is no other: with several, a
    /// change of one would make up gaps for symbols of the others.
    fn link(&mut self, link: u16, up: bool, batch: &mut Batch) {
        self.note_link(link);
        let only = !self.several_links;
        for (index, source) in self.sources.iter().enumerate() {
            if source.link.map_or(only, |own| own == link) {
                batch.control(Control::Feed { symbol: SymbolId(index as u16), up });
            }
        }
    }
}
