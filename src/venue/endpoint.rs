//! What can be asked of a venue over REST, what it costs, and what an answer's rows say.

use systems::interval::Interval;
use systems::units::Nanos;

use super::Channel;

/// What holds for all REST requests to one venue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RestFacts {
    /// Scheme and host, without a path.
    pub base: &'static str,
    /// Weight that the venue takes from one IP per minute of the clock.
    pub weight_per_minute: u32,
    /// Header that says how much of it is used, in lower case.
    pub used_weight_header: &'static str,
    /// Rows of one page of prints, where [`super::Venue::ask`] offers them.
    pub print_rows: u32,
    /// Rows of one page of candles: as many as give the most candles per weight.
    pub candle_rows: u32,
    /// How far back prints can be had, in nanoseconds; `None` without a known end.
    pub print_history_ns: Option<u64>,
}

/// One thing that can be asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Endpoint<'a> {
    /// Whether anybody answers.
    Ping,
    /// The venue's clock.
    Time,
    /// All symbols and their rules.
    Instruments,
    /// Statistics of the last 24 hours of all symbols.
    DayStatistics,
    /// Prints by id, ascending.
    Prints {
        /// Of which channel.
        channel: Channel,
        /// The venue's name of the symbol.
        symbol: &'a str,
        /// The first id.
        from_id: u64,
        /// At most so many.
        rows: u32,
    },
    /// The first aggregate at or after an instant: where ids begin.
    FirstPrint {
        /// The venue's name of the symbol.
        symbol: &'a str,
        /// Not before this.
        from: Nanos,
    },
    /// The newest aggregate.
    LastPrint {
        /// The venue's name of the symbol.
        symbol: &'a str,
    },
    /// Candles that open in `[from, to)`.
    Candles {
        /// The venue's name of the symbol.
        symbol: &'a str,
        /// Their interval.
        interval: Interval,
        /// The first open time.
        from: Nanos,
        /// The end of the last one.
        to: Nanos,
    },
}

/// A request as it is sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ask {
    /// Path and query. Names are written as the venue writes them, not percent-encoded.
    pub path: String,
    /// What it costs of the venue's weight.
    pub weight: u32,
    /// Bytes of the largest answer worth reading.
    pub body_max: usize,
}

/// What the rows of an answer say to whoever plans the next request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Page {
    /// Prints in the order given.
    Prints(Vec<PrintRow>),
    /// Open times of candles in the order given.
    Candles(Vec<Nanos>),
    /// Anything else that is well formed.
    Other,
}

/// One print of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PrintRow {
    /// Its id in its channel.
    pub id: u64,
    /// The first single trade it covers; 0 for a void row.
    pub first_id: u64,
    /// When it traded.
    pub time: Nanos,
    /// The venue declared it void: it takes an id and is no print.
    pub void: bool,
}

/// What a venue says instead of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The venue's error number.
    pub code: i64,
    /// Until when it bans this IP, where it says so.
    pub banned_until: Option<Nanos>,
}

/// Why a body is not the answer to what was asked.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct PageError(pub String);
