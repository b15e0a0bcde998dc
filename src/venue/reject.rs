//! Why a message, or one row of it, was not used.

use core::fmt;

use systems::units::DecimalError;

/// Why a message, or one row of it, was not used. Counted, sampled once, never an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum DecodeReject {
    /// Longer than [`FRAME_BYTES_MAX`].
    TooLong,
    /// Not UTF-8.
    NotUtf8,
    /// Not JSON, not an object, cut short, or nested deeper than [`NESTING_MAX`].
    NotJson,
    /// A field that we need is absent or null.
    MissingField,
    /// A field that we need is there twice.
    RepeatedField,
    /// A field that we need has another type: a text for a number, a negative id, a fraction.
    WrongType,
    /// A symbol that this session does not follow.
    UnknownSymbol,
    /// A time that is neither milliseconds nor microseconds between 2017 and 2100.
    TimeUnit,
    /// A price or a quantity that the symbol's scale cannot hold.
    Decimal(DecimalError),
    /// First and last trade id do not make a count.
    IdRange,
    /// A row that the venue itself declared void: price 0, quantity 0, ids -1.
    VoidRow,
    /// A class of trades that we do not know, so we cannot say whether candles take it.
    TradeKind,
    /// An interval that is none of ours, or an open time that does not start one.
    Interval,
    /// A candle that contradicts itself: low above open, taker volume above volume.
    Candle,
}

/// The longest message taken, in bytes. The largest market-data frames are order books of some
/// tens of kilobytes; more is a fault and is rejected unread.
pub const FRAME_BYTES_MAX: usize = 1 << 20;

/// The deepest nesting taken. Market data needs five levels; more is rejected unread.
pub const NESTING_MAX: u32 = 128;

impl DecodeReject {
    /// All causes, in the order in which summaries list them.
    pub const ALL: [Self; 16] = [
        Self::TooLong,
        Self::NotUtf8,
        Self::NotJson,
        Self::MissingField,
        Self::RepeatedField,
        Self::WrongType,
        Self::UnknownSymbol,
        Self::TimeUnit,
        Self::Decimal(DecimalError::Malformed),
        Self::Decimal(DecimalError::TooPrecise),
        Self::Decimal(DecimalError::Overflow),
        Self::IdRange,
        Self::VoidRow,
        Self::TradeKind,
        Self::Interval,
        Self::Candle,
    ];

    /// Its place in [`DecodeReject::ALL`].
    pub const fn index(self) -> usize {
        match self {
            Self::TooLong => 0,
            Self::NotUtf8 => 1,
            Self::NotJson => 2,
            Self::MissingField => 3,
            Self::RepeatedField => 4,
            Self::WrongType => 5,
            Self::UnknownSymbol => 6,
            Self::TimeUnit => 7,
            Self::Decimal(DecimalError::Malformed) => 8,
            Self::Decimal(DecimalError::TooPrecise) => 9,
            Self::Decimal(DecimalError::Overflow) => 10,
            Self::IdRange => 11,
            Self::VoidRow => 12,
            Self::TradeKind => 13,
            Self::Interval => 14,
            Self::Candle => 15,
        }
    }

    /// The word used in summaries.
    pub const fn name(self) -> &'static str {
        match self {
            Self::TooLong => "too-long",
            Self::NotUtf8 => "not-utf8",
            Self::NotJson => "not-json",
            Self::MissingField => "missing-field",
            Self::RepeatedField => "repeated-field",
            Self::WrongType => "wrong-type",
            Self::UnknownSymbol => "unknown-symbol",
            Self::TimeUnit => "time-unit",
            Self::Decimal(DecimalError::Malformed) => "decimal-malformed",
            Self::Decimal(DecimalError::TooPrecise) => "decimal-too-precise",
            Self::Decimal(DecimalError::Overflow) => "decimal-overflow",
            Self::IdRange => "id-range",
            Self::VoidRow => "void-row",
            Self::TradeKind => "trade-kind",
            Self::Interval => "interval",
            Self::Candle => "candle",
        }
    }
}

impl From<DecimalError> for DecodeReject {
    fn from(error: DecimalError) -> Self {
        Self::Decimal(error)
    }
}

impl fmt::Display for DecodeReject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_cause_stands_at_its_index_under_its_own_name() {
        let mut names: Vec<&str> = DecodeReject::ALL.iter().map(|cause| cause.name()).collect();
        for (index, cause) in DecodeReject::ALL.iter().enumerate() {
            assert_eq!(cause.index(), index);
        }
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), DecodeReject::ALL.len());
    }
}
