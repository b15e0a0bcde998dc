//! What the core knows about its own data: every print not used, counted by cause.

use bevy_ecs::component::Component;
use bevy_ecs::resource::Resource;

/// Why a print was not folded. Counted, never logged, from inside the core.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum Reject {
    /// The id was seen before.
    Duplicate,
    /// Price of zero from a print that claims to be a market print.
    ZeroPrice,
    /// Negative price.
    NegativePrice,
    /// Quantity of zero from a print that claims to be a market print.
    ZeroQuantity,
    /// Negative quantity.
    NegativeQuantity,
    /// Insurance fund, auto-deleveraging or block print.
    NonMarket,
    /// Takes an id and is nothing else.
    Void,
    /// A symbol number that no symbol has.
    UnknownSymbol,
    /// An id above `limits::ID_MAX`: garbage. Or one of an answer about ids that have begun anew
    /// since.
    WrongId,
    /// Stamped before 2017 or after 2100: a wrong unit or garbage. Its id stays missing.
    WrongTime,
    /// Stamped further ahead of the venue's time than clocks differ. Its id stays missing.
    Future,
    /// Belongs to a candle before the first one of this run.
    BeforeStart,
    /// Belongs to a candle that the ring no longer holds or can no longer correct.
    TooOld,
    /// Belongs to a candle whose numbers were taken from the venue: it is in there already.
    Sealed,
    /// Would make a sum of the candle overflow.
    Overflow,
    /// More late prints than `limits::LATE_MAX` wait. Its id stays missing.
    LateOverflow,
}

impl Reject {
    /// All causes, in the order of their counters.
    pub const ALL: [Self; 16] = [
        Self::Duplicate,
        Self::ZeroPrice,
        Self::NegativePrice,
        Self::ZeroQuantity,
        Self::NegativeQuantity,
        Self::NonMarket,
        Self::Void,
        Self::UnknownSymbol,
        Self::WrongId,
        Self::WrongTime,
        Self::Future,
        Self::BeforeStart,
        Self::TooOld,
        Self::Sealed,
        Self::Overflow,
        Self::LateOverflow,
    ];

    /// The word used in reports.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Duplicate => "duplicate",
            Self::ZeroPrice => "zero_price",
            Self::NegativePrice => "negative_price",
            Self::ZeroQuantity => "zero_quantity",
            Self::NegativeQuantity => "negative_quantity",
            Self::NonMarket => "non_market",
            Self::Void => "void",
            Self::UnknownSymbol => "unknown_symbol",
            Self::WrongId => "wrong_id",
            Self::WrongTime => "wrong_time",
            Self::Future => "future",
            Self::BeforeStart => "before_start",
            Self::TooOld => "too_old",
            Self::Sealed => "sealed",
            Self::Overflow => "overflow",
            Self::LateOverflow => "late_overflow",
        }
    }
}

/// Buckets of the lateness histogram: bucket `k` counts `2^(k-1) <= lateness in ms < 2^k`,
/// the first one below 1 ms, the last one everything above.
pub const LATENESS_BUCKETS: usize = 20;

/// What happened to the prints of one symbol.
#[derive(Component, Clone, Debug, Default, PartialEq, Eq)]
pub struct Health {
    /// Folded prints that came after their candle had closed.
    pub late: u64,
    /// Folded prints that filled a known gap.
    pub filled: u64,
    /// Prints not used, by [`Reject`].
    pub rejects: [u64; Reject::ALL.len()],
    /// How far prints came behind the newest print of their symbol, when they did.
    pub lateness: [u64; LATENESS_BUCKETS],
    /// Times that ids began anew.
    pub resets: u64,
}

impl Health {
    /// Counts a print that was not used.
    pub fn reject(&mut self, cause: Reject) {
        self.rejects[cause as usize] += 1;
    }

    /// Counts a print that came `ns` behind a newer one.
    pub fn behind(&mut self, ns: u64) {
        let ms = ns / 1_000_000;
        let bucket = (u64::BITS - ms.leading_zeros()) as usize;
        self.lateness[bucket.min(LATENESS_BUCKETS - 1)] += 1;
    }

    /// Adds another symbol's counts.
    pub fn add(&mut self, other: &Self) {
        self.late += other.late;
        self.filled += other.filled;
        self.resets += other.resets;
        self.rejects.iter_mut().zip(other.rejects).for_each(|(ours, theirs)| *ours += theirs);
        self.lateness.iter_mut().zip(other.lateness).for_each(|(ours, theirs)| *ours += theirs);
    }
}

/// Counts that belong to no symbol.
#[derive(Resource, Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Strays {
    /// Prints whose symbol number no symbol has.
    pub unknown_symbol: u64,
    /// Heartbeats that would have moved time backwards or out of the plausible range.
    pub bad_heartbeats: u64,
    /// Controls that named no known symbol or interval.
    pub bad_controls: u64,
}
