//! What a tape holds: a header, and entries with the instant at which each reached the recorder.

use systems::candle::VenueCandle;
use systems::interval::Interval;
use systems::symbol::SymbolSpec;
use systems::trade::{SymbolId, Trade};
use systems::units::Nanos;

/// What a tape says about itself before its first entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Header {
    /// The venue's name on the command line, such as `binance` or `binance-usdm`.
    pub venue: String,
    /// Program and version that wrote it, such as `tapescan 0.1.0`.
    pub program: String,
    /// The configuration it was recorded with, as TOML; empty means the defaults.
    pub config: String,
    /// Every symbol; `SymbolId` is the place in this list.
    pub symbols: Vec<SymbolSpec>,
}

/// One thing that reached the recorder.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Entry<'a> {
    /// The recorder's clock when it arrived.
    pub received: Nanos,
    /// What arrived.
    pub body: Body<'a>,
}

/// The kinds of entries.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Body<'a> {
    /// One WebSocket frame as received, undecoded.
    Frame {
        /// Which connection.
        link: u16,
        /// The bytes of the message.
        text: &'a [u8],
    },
    /// The answer to a REST request, as received.
    Answer {
        /// The request's path and query.
        request: &'a str,
        /// The body.
        text: &'a [u8],
    },
    /// A print that was decoded before it was recorded (imports, synthetic markets).
    Trade(Trade),
    /// A candle of the venue, from a file of official candles.
    Candle {
        /// Which symbol.
        symbol: SymbolId,
        /// Its interval.
        interval: Interval,
        /// The candle.
        candle: VenueCandle,
    },
    /// A connection came up or went down.
    Link {
        /// Which connection.
        link: u16,
        /// Whether it is up now.
        up: bool,
        /// Why, in a few words.
        reason: &'a str,
    },
    /// Prints of one symbol stopped arriving or arrive again.
    Feed {
        /// Which symbol.
        symbol: SymbolId,
        /// Whether prints arrive now.
        up: bool,
    },
    /// The venue halted or resumed one symbol.
    Halt {
        /// Which symbol.
        symbol: SymbolId,
        /// Whether it is halted now.
        halted: bool,
    },
    /// The venue lists a symbol from now on. A recorder begins a new tape with it, so the header
    /// has it, and every tape names all symbols of its entries.
    Listed {
        /// Which symbol.
        symbol: SymbolId,
    },
    /// Ids that cannot be had any more.
    Unrecoverable {
        /// Which symbol.
        symbol: SymbolId,
        /// First id given up.
        from_id: u64,
        /// Last id given up.
        to_id: u64,
    },
    /// The venue's estimated time reached this instant.
    Heartbeat(Nanos),
    /// Something that was asked for over REST came to its end: all of it was recorded before this,
    /// or it cannot be had. The core asks for no more of a row until then.
    Done {
        /// Which symbol.
        symbol: SymbolId,
        /// `None` for prints by id, else the interval whose candles were asked for.
        interval: Option<Interval>,
    },
}
