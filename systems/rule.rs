//! Rules: what is looked for, as the core takes it. The text they were written as, its checks and
//! its compiler are the edge's; here a rule is a flat program over columns of numbers.

use crate::indicator::Bar;
use crate::limits::{ADDED_MAX, REJUDGE_MAX};

mod abreast;
pub mod alert;
pub mod board;
pub mod forming;
pub mod group;
pub mod judge;
pub mod lanes;
mod machine;
mod pack;
mod plan;
pub mod program;
mod registers;
mod run;
pub mod standing;
pub mod state;
mod times;
pub mod universe;

pub use alert::{Alert, Held, Kind};
pub use board::{Move, Moves, Table};
pub use lanes::{Lanes, View, Views};
pub use program::{Fold, Marks, Op, Program};

/// What a column of a row's lanes holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// A number of the candle itself.
    Field(Field),
    /// An output of an indicator: which of the row's columns.
    Output(u16),
    /// The place among all symbols by a score: which of [`Rules::scores`].
    Rank(u16),
    /// The share of symbols that a symbol is not below by a score, in percent.
    Percentile(u16),
    /// A time, in seconds.
    Time(Time),
}

/// A time that is known of a candle, as of its end; of one that is forming, as of now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Time {
    /// Since the end of the last candle with trades; 0 where it has any itself.
    Quiet,
    /// Since the symbol was listed, if that happened while it was looked for.
    Listed,
    /// Since the session began.
    Session,
}

/// A number of a candle, in whole currency units.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Field {
    /// First price.
    Open,
    /// Highest price.
    High,
    /// Lowest price.
    Low,
    /// Last price.
    Close,
    /// Base quantity traded.
    Volume,
    /// Price times quantity traded.
    Turnover,
    /// Base quantity bought by takers.
    TakerVolume,
    /// Single trades.
    Trades,
}

impl Field {
    /// The number of a candle.
    #[inline]
    pub fn of(self, bar: &Bar) -> f64 {
        match self {
            Self::Open => bar.open,
            Self::High => bar.high,
            Self::Low => bar.low,
            Self::Close => bar.close,
            Self::Volume => bar.volume,
            Self::Turnover => bar.candle.quote_volume as f64 / bar.units.quote(),
            Self::TakerVolume => bar.candle.taker_buy_volume.0 as f64 / bar.units.quantity,
            Self::Trades => f64::from(bar.candle.trades),
        }
    }
}

/// What symbols are ranked by: a number of each row of an interval.
#[derive(Clone, Debug, PartialEq)]
pub struct Score {
    /// Index of the interval.
    pub interval: u8,
    /// Whose value is compared; the highest has rank 1.
    pub program: Program,
}

/// So many alerts in each stretch of the venue's time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Budget {
    /// Alerts in one stretch.
    pub count: u32,
    /// Its length, in nanoseconds; stretches begin at whole multiples of it.
    pub window_ns: u64,
}

/// What of a rule is told.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Tell {
    /// When it begins to hold.
    Enter,
    /// When it no longer holds.
    Exit,
    /// Either.
    #[default]
    Both,
}

/// One rule, as it is judged.
#[derive(Clone, Debug, PartialEq)]
pub struct Judging {
    /// Index of the interval on whose candles.
    pub interval: u8,
    /// Whether at heartbeats on the candle that is forming; else when candles close.
    pub forming: bool,
    /// What must hold.
    pub when: Program,
    /// What ends it; without it, that `when` is known to be false.
    pub exit: Option<Program>,
    /// How long `when` must have held.
    pub dwell_ns: u64,
    /// How long after one alert there is no other for the same symbol.
    pub cool_down_ns: u64,
    /// How many alerts, over all symbols.
    pub budget: Option<Budget>,
    /// Whether a candle that is partial or not converged counts as not known.
    pub only_complete: bool,
    /// What is told.
    pub tell: Tell,
    /// Whether it compares symbols, and so waits until all of them are ranked.
    pub ranks: bool,
}

/// All rules and tables, and what they read.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Rules {
    /// By interval: the columns that rules read of its rows.
    pub columns: Vec<Vec<Source>>,
    /// By interval: how many candles before the one that is judged they read, if any.
    pub depth: Vec<Option<usize>>,
    /// What symbols are ranked by.
    pub scores: Vec<Score>,
    /// When sessions begin, in nanoseconds after midnight UTC.
    pub session_ns: u64,
    /// The rules, by number.
    pub judged: Vec<Judging>,
    /// The tables, by number.
    pub tables: Vec<Table>,
    /// How many alerts all of them together may give.
    pub budget: Option<Budget>,
}

impl Rules {
    /// Whether there is neither a rule nor a table.
    pub fn is_empty(&self) -> bool {
        self.judged.is_empty() && self.tables.is_empty()
    }

    /// Whether rules read anything of the rows of an interval.
    pub fn read(&self, interval: usize) -> bool {
        self.depth.get(interval).is_some_and(Option::is_some)
    }

    /// Candles whose columns the rows of an interval keep.
    pub fn kept(&self, interval: usize) -> usize {
        let depth = self.depth.get(interval).copied().flatten().unwrap_or(0);
        (depth + REJUDGE_MAX + ADDED_MAX).next_power_of_two()
    }
}
