//! Venues: what one sends us, turned into values of the core.
//!
//! A venue's texts and shapes stay in its own folder. Out of it come prints, closed candles and
//! the instants the venue put on its messages; what cannot be used is counted by cause and never
//! an error, since one bad frame must not stop the others.

pub mod binance;
pub mod candle;
pub mod counts;
pub mod digits;
pub mod endpoint;
pub mod link;
pub mod reject;

use systems::candle::VenueCandle;
use systems::interval::Interval;
use systems::trade::{SymbolId, Trade};
use systems::units::Nanos;

use crate::symbols::Symbols;
use counts::DecodeCounts;
use endpoint::{Ask, Endpoint, Page, PageError, Refusal, RestFacts};
use reject::DecodeReject;

/// A venue we can read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Venue {
    /// Binance spot.
    BinanceSpot,
    /// Binance USD-margined futures.
    BinanceUsdm,
}

/// The kind of stream that brings a symbol's prints.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Channel {
    /// Every single trade.
    Trades,
    /// Trades merged by the venue.
    AggregateTrades,
}

/// What can be relied on in one channel of one venue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ChannelFacts {
    /// `Trade::id` rises by one from print to print, so a missing id is a missing print.
    pub contiguous: bool,
    /// The single-trade ids it covers rise without holes too.
    pub single_ids_contiguous: bool,
    /// Candles folded from it equal the venue's own in every field. Where not, volumes of
    /// neighbours may differ by equal and opposite amounts at the boundary.
    pub exact_candles: bool,
}

/// What a message was, for counting.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// One single trade.
    Trade,
    /// One aggregate of trades.
    AggregateTrade,
    /// A closed candle.
    Candle,
    /// A candle that is still forming.
    FormingCandle,
    /// Best bid and offer.
    BookTicker,
    /// Order book, whole or changes.
    Depth,
    /// Statistics of a window of time.
    Ticker,
    /// Mark price and funding.
    MarkPrice,
    /// A forced order.
    Liquidation,
    /// A command was accepted.
    Ack,
    /// A command was refused.
    Refused,
    /// The venue is about to close the connection.
    Shutdown,
    /// Symbols and their rules.
    Instruments,
    /// Well formed, and nothing we know.
    Other,
}

impl Kind {
    /// All kinds, in the order in which summaries list them.
    pub const ALL: [Self; 14] = [
        Self::Trade,
        Self::AggregateTrade,
        Self::Candle,
        Self::FormingCandle,
        Self::BookTicker,
        Self::Depth,
        Self::Ticker,
        Self::MarkPrice,
        Self::Liquidation,
        Self::Ack,
        Self::Refused,
        Self::Shutdown,
        Self::Instruments,
        Self::Other,
    ];

    /// The word used in summaries.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Trade => "trade",
            Self::AggregateTrade => "aggregate-trade",
            Self::Candle => "candle",
            Self::FormingCandle => "forming-candle",
            Self::BookTicker => "book-ticker",
            Self::Depth => "depth",
            Self::Ticker => "ticker",
            Self::MarkPrice => "mark-price",
            Self::Liquidation => "liquidation",
            Self::Ack => "ack",
            Self::Refused => "refused",
            Self::Shutdown => "shutdown",
            Self::Instruments => "instruments",
            Self::Other => "other",
        }
    }
}

/// One decoded message.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Decoded {
    /// When the venue says it sent it; `None` where it does not say, or says nonsense.
    pub sent_at: Option<Nanos>,
    /// What it holds.
    pub what: What,
}

/// What a message holds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum What {
    /// One print; `Kind::Trade` or `Kind::AggregateTrade` says of which channel.
    Trade(Trade, Channel),
    /// A closed candle.
    Candle {
        /// Which symbol.
        symbol: SymbolId,
        /// Its interval.
        interval: Interval,
        /// The candle.
        candle: VenueCandle,
    },
    /// A command of ours was accepted; its number, where the venue repeats one.
    Ack(Option<u64>),
    /// A command of ours was refused.
    Refused {
        /// The command's number, where the venue repeats one.
        id: Option<u64>,
        /// The venue's error number.
        code: i64,
    },
    /// The venue will close this connection soon: open another one.
    Shutdown,
    /// Nothing the core uses.
    Ignored(Kind),
    /// Not usable, and why.
    Rejected(DecodeReject),
}

impl What {
    /// Its kind for counting; `None` for a reject.
    pub const fn kind(&self) -> Option<Kind> {
        Some(match self {
            Self::Trade(_, Channel::Trades) => Kind::Trade,
            Self::Trade(_, Channel::AggregateTrades) => Kind::AggregateTrade,
            Self::Candle { .. } => Kind::Candle,
            Self::Ack(_) => Kind::Ack,
            Self::Refused { .. } => Kind::Refused,
            Self::Shutdown => Kind::Shutdown,
            Self::Ignored(kind) => *kind,
            Self::Rejected(_) => return None,
        })
    }
}

impl Decoded {
    /// The latest instant of the venue's clock that this message proves.
    pub fn venue_time(&self) -> Option<Nanos> {
        match self.what {
            What::Trade(trade, _) => self.sent_at.max(Some(trade.time)),
            _ => self.sent_at,
        }
    }
}

impl From<DecodeReject> for Decoded {
    fn from(cause: DecodeReject) -> Self {
        Self { sent_at: None, what: What::Rejected(cause) }
    }
}

impl Venue {
    /// All venues.
    pub const ALL: [Self; 2] = [Self::BinanceSpot, Self::BinanceUsdm];

    /// Its name on the command line and in tapes.
    pub const fn name(self) -> &'static str {
        match self {
            Self::BinanceSpot => "binance",
            Self::BinanceUsdm => "binance-usdm",
        }
    }

    /// The venue of that name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|venue| venue.name() == name)
    }

    /// What can be relied on in one of its channels.
    pub const fn facts(self, channel: Channel) -> ChannelFacts {
        match self {
            Self::BinanceSpot | Self::BinanceUsdm => binance::facts(self, channel),
        }
    }

    /// The name of the stream that brings `symbol`'s prints.
    pub fn stream_of(self, channel: Channel, symbol: &str) -> String {
        match self {
            Self::BinanceSpot | Self::BinanceUsdm => binance::stream_of(channel, symbol),
        }
    }

    /// What holds for all REST requests.
    pub const fn rest(self) -> RestFacts {
        match self {
            Self::BinanceSpot | Self::BinanceUsdm => binance::rest(self),
        }
    }

    /// The request for `endpoint`; `None` where the venue does not offer it to everybody.
    pub fn ask(self, endpoint: &Endpoint<'_>) -> Option<Ask> {
        match self {
            Self::BinanceSpot | Self::BinanceUsdm => binance::ask(self, endpoint),
        }
    }

    /// Reads the body of a good answer to `endpoint`, as far as the next request depends on it.
    ///
    /// # Errors
    /// [`PageError`] with the place: another shape than the venue documents.
    pub fn page(self, endpoint: &Endpoint<'_>, body: &[u8]) -> Result<Page, PageError> {
        match self {
            Self::BinanceSpot | Self::BinanceUsdm => binance::page(endpoint, body),
        }
    }

    /// Reads the body of a refused request; `None` if it says nothing we know.
    pub fn refusal(self, body: &[u8]) -> Option<Refusal> {
        match self {
            Self::BinanceSpot | Self::BinanceUsdm => binance::refusal(body),
        }
    }

    /// Decodes one frame. Pure: the same bytes and symbols give the same result.
    #[inline]
    pub fn decode(self, frame: &[u8], symbols: &Symbols) -> Decoded {
        match self {
            Self::BinanceSpot | Self::BinanceUsdm => binance::decode(self, frame, symbols),
        }
    }
}

/// Decodes one venue's messages and counts what it saw.
#[derive(Clone, Debug)]
pub struct Decoder {
    venue: Venue,
    counts: DecodeCounts,
}

impl Decoder {
    /// A decoder that has seen nothing.
    pub fn new(venue: Venue) -> Self {
        Self { venue, counts: DecodeCounts::default() }
    }

    /// Decodes and counts one frame.
    #[inline]
    pub fn frame(&mut self, frame: &[u8], symbols: &Symbols) -> Decoded {
        let decoded = self.venue.decode(frame, symbols);
        self.counts.note(&decoded.what, frame);
        decoded
    }

    /// Decodes the answer to a REST request, giving each print and candle to `take` in order.
    ///
    /// `request` is the path and query as sent; `at` is the venue's time when it answered, and
    /// candles that end later were still forming.
    pub fn answer(
        &mut self,
        request: &str,
        text: &[u8],
        at: Nanos,
        symbols: &Symbols,
        take: &mut dyn FnMut(What),
    ) {
        let counts = &mut self.counts;
        let mut counted = |what: What, text: &[u8]| {
            counts.note(&what, text);
            take(what);
        };
        match self.venue {
            Venue::BinanceSpot | Venue::BinanceUsdm => {
                binance::answer::decode(request, text, at, symbols, &mut counted);
            }
        }
    }

    /// What was seen so far.
    pub fn counts(&self) -> &DecodeCounts {
        &self.counts
    }
}
