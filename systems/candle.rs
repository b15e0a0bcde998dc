//! Candles: the form in which they are folded, compared and handed out.

use crate::units::{Nanos, Price, Quantity};

/// What is known about a closed candle.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Mark {
    /// Every print that the venue numbered for it was folded.
    #[default]
    Complete,
    /// No print, and none is missing: flat at the previous close, volume 0.
    Quiet,
    /// Prints are known to be missing. Without any print it has no prices and enters no ring.
    Gap,
    /// It began before we listened.
    HeadPartial,
    /// Prints that came after its close changed it.
    Amended,
    /// The venue's own candle is identical, or was taken over.
    Reconciled,
    /// The venue's own candle differs and ours was kept.
    Disputed,
}

impl Mark {
    /// All marks, in the order in which summaries list them.
    pub const ALL: [Self; 7] = [
        Self::Complete,
        Self::Quiet,
        Self::Gap,
        Self::HeadPartial,
        Self::Amended,
        Self::Reconciled,
        Self::Disputed,
    ];

    /// The word used in files and on screen.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Complete => "complete",
            Self::Quiet => "quiet",
            Self::Gap => "gap",
            Self::HeadPartial => "head-partial",
            Self::Amended => "amended",
            Self::Reconciled => "reconciled",
            Self::Disputed => "disputed",
        }
    }

    /// Whether prints are, or may be, missing.
    pub const fn is_partial(self) -> bool {
        matches!(self, Self::Gap | Self::HeadPartial)
    }

    pub(crate) const fn from_bits(bits: u8) -> Self {
        Self::ALL[(bits & 7) as usize % Self::ALL.len()]
    }
}

/// Open, high, low, close and sums over `[open_time, open_time + interval)`.
///
/// Prices are in price units of the symbol, volumes in quantity units, quote volumes in price
/// units times quantity units. All sums are exact.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Candle {
    /// Start of the candle, included.
    pub open_time: Nanos,
    /// First price by (trade time, id).
    pub open: Price,
    /// Highest price.
    pub high: Price,
    /// Lowest price.
    pub low: Price,
    /// Last price by (trade time, id).
    pub close: Price,
    /// Base quantity traded.
    pub volume: Quantity,
    /// Sum of price x quantity.
    pub quote_volume: u128,
    /// Base quantity bought by takers.
    pub taker_buy_volume: Quantity,
    /// Sum of price x quantity bought by takers.
    pub taker_buy_quote_volume: u128,
    /// Single trades.
    pub trades: u32,
    /// How often its numbers changed after it was first closed; stops at 255.
    pub revision: u8,
    /// What is known about it.
    pub mark: Mark,
}

impl Candle {
    /// A candle without prints, flat at `close`.
    pub fn quiet(open_time: Nanos, close: Price) -> Self {
        Self {
            open_time,
            open: close,
            high: close,
            low: close,
            close,
            mark: Mark::Quiet,
            ..Self::default()
        }
    }

    /// Whether all numbers are equal, whatever the marks and revisions say.
    pub fn same_numbers(&self, other: &Self) -> bool {
        Self { mark: other.mark, revision: other.revision, ..*self } == *other
    }

    /// Appends a later candle of a shorter interval: the roll-up step. Marks are not merged here.
    ///
    /// A quiet part has no prices of its own: it neither opens the longer candle nor bounds it.
    pub fn extend(&mut self, later: &Self) {
        if later.trades == 0 {
            return;
        }
        if self.trades == 0 {
            (self.open, self.high, self.low) = (later.open, later.high, later.low);
        }
        self.high = self.high.max(later.high);
        self.low = self.low.min(later.low);
        self.close = later.close;
        // Admission keeps base candles so small that no longer one can overflow; a candle of the
        // venue could.
        self.volume.0 = self.volume.0.saturating_add(later.volume.0);
        self.quote_volume = self.quote_volume.saturating_add(later.quote_volume);
        self.taker_buy_volume.0 = self.taker_buy_volume.0.saturating_add(later.taker_buy_volume.0);
        self.taker_buy_quote_volume =
            self.taker_buy_quote_volume.saturating_add(later.taker_buy_quote_volume);
        self.trades = self.trades.saturating_add(later.trades);
    }
}

/// A closed candle as the venue publishes it: evidence to compare ours with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct VenueCandle {
    /// Its numbers, scaled like ours; `mark` and `revision` carry nothing.
    pub candle: Candle,
    /// First single-trade id, 0 where the venue does not say (REST, files).
    pub first_id: u64,
    /// Last single-trade id, 0 where the venue does not say.
    pub last_id: u64,
}
