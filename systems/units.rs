//! Units as types: instants, intervals, and prices and quantities as scaled integers.
//!
//! Everything here is exact. Text becomes an integer and becomes the same text again; floats
//! exist only behind an indicator's door (see `indicator.rs`).

use core::fmt;

/// Nanoseconds since the Unix epoch, UTC.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Nanos(pub u64);

impl Nanos {
    /// One millisecond in nanoseconds.
    pub const PER_MS: u64 = 1_000_000;
    /// One second in nanoseconds.
    pub const PER_SECOND: u64 = 1_000_000_000;
    /// One UTC day in nanoseconds.
    pub const PER_DAY: u64 = 86_400 * Self::PER_SECOND;

    /// An instant given in milliseconds, as most venues spell it.
    pub const fn from_ms(ms: u64) -> Self {
        Self(ms * Self::PER_MS)
    }

    /// An instant given in whole seconds.
    pub const fn from_seconds(seconds: u64) -> Self {
        Self(seconds * Self::PER_SECOND)
    }

    /// Whole milliseconds since the epoch, rounded down.
    pub const fn ms(self) -> u64 {
        self.0 / Self::PER_MS
    }

    /// Whole seconds since the epoch, rounded down.
    pub const fn seconds(self) -> u64 {
        self.0 / Self::PER_SECOND
    }

    /// This instant moved later by `ns`, stopping at the end of time.
    pub const fn plus(self, ns: u64) -> Self {
        Self(self.0.saturating_add(ns))
    }

    /// This instant moved earlier by `ns`, stopping at the epoch.
    pub const fn minus(self, ns: u64) -> Self {
        Self(self.0.saturating_sub(ns))
    }
}

/// The length of a candle and where its buckets are anchored.
///
/// Buckets are `[anchor + k * length, anchor + (k + 1) * length)`. The anchor is the epoch unless
/// declared, which matters for lengths that do not divide a day (`45m`) and for days that do not
/// begin at midnight UTC (`1d@08:00`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Interval {
    seconds: u32,
    anchor_seconds: u32,
}

/// Why a text is not an interval.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IntervalError {
    /// Not of the form `<count><s|m|h|d>` with an optional `@HH:MM`.
    Malformed,
    /// Shorter than one second or longer than one day.
    OutOfRange,
}

impl fmt::Display for IntervalError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Malformed => {
                "an interval is a count and a unit (s, m, h, d), such as \"15m\" or \"1d@08:00\""
            }
            Self::OutOfRange => "intervals go from 1s to 1d",
        })
    }
}

impl Interval {
    /// One day, the longest interval.
    pub const MAX_SECONDS: u32 = 86_400;

    /// An interval of `seconds` anchored at the epoch; `None` outside 1 s to 1 d.
    pub const fn new(seconds: u32) -> Option<Self> {
        Self::anchored(seconds, 0)
    }

    /// An interval whose buckets start `anchor_seconds` after the epoch (modulo its length).
    pub const fn anchored(seconds: u32, anchor_seconds: u32) -> Option<Self> {
        if seconds == 0 || seconds > Self::MAX_SECONDS {
            return None;
        }
        Some(Self { seconds, anchor_seconds: anchor_seconds % seconds })
    }

    /// Reads `"1m"`, `"15m"`, `"4h"`, `"1d"`, and with an anchor `"1d@08:00"`.
    ///
    /// # Errors
    /// [`IntervalError::Malformed`] for another form, [`IntervalError::OutOfRange`] outside 1s to 1d.
    pub fn parse(text: &str) -> Result<Self, IntervalError> {
        let (length, anchor) = match text.split_once('@') {
            Some((length, clock)) => {
                (length, clock_seconds(clock).ok_or(IntervalError::Malformed)?)
            }
            None => (text, 0),
        };
        let unit = match length.as_bytes().last() {
            Some(b's') => 1,
            Some(b'm') => 60,
            Some(b'h') => 3_600,
            Some(b'd') => 86_400,
            _ => return Err(IntervalError::Malformed),
        };
        let count = digits(&length[..length.len() - 1]).ok_or(IntervalError::Malformed)?;
        let seconds = count.checked_mul(unit).ok_or(IntervalError::OutOfRange)?;
        Self::anchored(seconds, anchor).ok_or(IntervalError::OutOfRange)
    }

    /// Length in seconds.
    pub const fn seconds(self) -> u32 {
        self.seconds
    }

    /// Length in nanoseconds.
    pub const fn ns(self) -> u64 {
        self.seconds as u64 * Nanos::PER_SECOND
    }

    /// Start of the bucket that holds `at`.
    pub const fn bucket(self, at: Nanos) -> Nanos {
        let anchor = self.anchor_seconds as u64 * Nanos::PER_SECOND;
        // Instants before the anchor of the first bucket belong to the bucket that ends there.
        match at.0.checked_sub(anchor) {
            Some(since) => Nanos(at.0 - since % self.ns()),
            None => Nanos(0),
        }
    }

    /// How many of `base` make one of this; `None` if buckets of `base` straddle ours.
    pub const fn multiple_of(self, base: Self) -> Option<u32> {
        let aligned =
            self.anchor_seconds.abs_diff(base.anchor_seconds).is_multiple_of(base.seconds);
        if self.seconds.is_multiple_of(base.seconds) && aligned {
            Some(self.seconds / base.seconds)
        } else {
            None
        }
    }
}

impl fmt::Display for Interval {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (count, unit) = match self.seconds {
            s if s % 86_400 == 0 => (s / 86_400, 'd'),
            s if s % 3_600 == 0 => (s / 3_600, 'h'),
            s if s % 60 == 0 => (s / 60, 'm'),
            s => (s, 's'),
        };
        write!(f, "{count}{unit}")?;
        if self.anchor_seconds > 0 {
            let minutes = self.anchor_seconds / 60;
            write!(f, "@{:02}:{:02}", minutes / 60, minutes % 60)?;
        }
        Ok(())
    }
}

/// `HH:MM` as seconds of the day.
fn clock_seconds(text: &str) -> Option<u32> {
    let (hours, minutes) = text.split_once(':')?;
    let (hours, minutes) = (digits(hours)?, digits(minutes)?);
    (hours < 24 && minutes < 60).then_some(hours * 3_600 + minutes * 60)
}

/// Digits only: no sign, no blank, not empty.
fn digits(text: &str) -> Option<u32> {
    if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    text.parse().ok()
}

/// A price in units of `10^-decimals` of its symbol.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Price(pub i64);

/// A base quantity in units of `10^-decimals` of its symbol.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Quantity(pub i64);

/// How a decimal text maps to an integer: digits kept, and digits written.
///
/// `decimals` scales the integer. `width` is how many digits the venue writes after the point;
/// it can be larger (Binance spot writes eight digits where the tick size needs two), and the
/// digits beyond `decimals` are zeros. Keeping both makes text -> integer -> text the identity.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Scale {
    /// Digits after the point that the integer carries, at most [`Scale::MAX_DECIMALS`].
    pub decimals: u8,
    /// Digits after the point that the venue writes, at least `decimals`.
    pub width: u8,
}

/// Why a text is not a decimal of a given scale.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum DecimalError {
    /// Not `[-]digits[.digits]`: exponent, blank, NaN, two points, nothing at all.
    Malformed,
    /// A non-zero digit beyond the symbol's decimals.
    TooPrecise,
    /// Does not fit 63 bits.
    Overflow,
}

impl fmt::Display for DecimalError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Malformed => "not a plain decimal number",
            Self::TooPrecise => "more digits after the point than the symbol's decimals",
            Self::Overflow => "too large for 63 bits at the symbol's decimals",
        })
    }
}

impl Scale {
    /// The most decimals a symbol may have; 10^18 still fits 63 bits.
    pub const MAX_DECIMALS: u8 = 18;

    /// A scale that writes exactly the digits it keeps.
    pub const fn exact(decimals: u8) -> Self {
        Self { decimals, width: decimals }
    }

    /// How many units make one: `10^decimals`.
    pub const fn unit(self) -> u64 {
        10u64.pow(self.decimals as u32)
    }

    /// Reads a plain decimal into an integer, exactly or not at all.
    ///
    /// # Errors
    /// [`DecimalError`] says whether the form, a digit too many or the size is at fault.
    pub fn parse(self, text: &[u8]) -> Result<i64, DecimalError> {
        let (negative, digits) = match text {
            [b'-', rest @ ..] => (true, rest),
            rest => (false, rest),
        };
        let magnitude = self.magnitude(digits)?;
        Ok(if negative { -magnitude } else { magnitude })
    }

    fn magnitude(self, text: &[u8]) -> Result<i64, DecimalError> {
        let mut value: i64 = 0;
        let mut at = 0;
        while at < text.len() && text[at] != b'.' {
            value = push_digit(value, text[at])?;
            at += 1;
        }
        if at == 0 {
            return Err(DecimalError::Malformed);
        }
        let fraction = text.get(at + 1..).unwrap_or_default();
        if at < text.len() && fraction.is_empty() {
            return Err(DecimalError::Malformed);
        }
        let kept = fraction.len().min(usize::from(self.decimals));
        for &byte in &fraction[..kept] {
            value = push_digit(value, byte)?;
        }
        for &byte in &fraction[kept..] {
            match byte {
                b'0' => {}
                b'1'..=b'9' => return Err(DecimalError::TooPrecise),
                _ => return Err(DecimalError::Malformed),
            }
        }
        let missing = usize::from(self.decimals) - kept;
        let shift = 10i64.pow(missing as u32);
        value.checked_mul(shift).ok_or(DecimalError::Overflow)
    }

    /// Writes an integer of this scale as the venue would.
    pub fn format(self, value: i128) -> String {
        let sign = if value < 0 { "-" } else { "" };
        let unit = u128::from(self.unit());
        let (whole, fraction) = (value.unsigned_abs() / unit, value.unsigned_abs() % unit);
        if self.width == 0 {
            return format!("{sign}{whole}");
        }
        let decimals = usize::from(self.decimals);
        let padding = usize::from(self.width.saturating_sub(self.decimals));
        if decimals == 0 {
            return format!("{sign}{whole}.{:0<padding$}", "");
        }
        format!("{sign}{whole}.{fraction:0decimals$}{:0<padding$}", "")
    }
}

fn push_digit(value: i64, byte: u8) -> Result<i64, DecimalError> {
    let digit = byte.wrapping_sub(b'0');
    if digit > 9 {
        return Err(DecimalError::Malformed);
    }
    value
        .checked_mul(10)
        .and_then(|value| value.checked_add(i64::from(digit)))
        .ok_or(DecimalError::Overflow)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn interval(text: &str) -> Interval {
        Interval::parse(text).unwrap()
    }

    #[test]
    fn a_bucket_holds_its_start_and_not_its_end() {
        let minute = interval("1m");
        let start = Nanos::from_ms(1_723_161_600_000);
        assert_eq!(minute.bucket(start), start);
        assert_eq!(minute.bucket(start.plus(minute.ns() - 1)), start);
        assert_eq!(minute.bucket(start.plus(minute.ns())), start.plus(minute.ns()));
        assert_eq!(minute.bucket(start.minus(1)), start.minus(minute.ns()));
    }

    #[test]
    fn a_declared_anchor_moves_every_bucket() {
        let day = interval("1d@08:00");
        let start = Nanos::from_seconds(19_944 * 86_400 + 8 * 3_600);
        assert_eq!(day.bucket(start), start);
        assert_eq!(day.bucket(start.minus(1)), start.minus(day.ns()));
        assert_eq!(day.to_string(), "1d@08:00");
    }

    #[test]
    fn intervals_read_and_print() {
        for text in ["1s", "1m", "45m", "1h", "4h", "1d"] {
            assert_eq!(interval(text).to_string(), text);
        }
        for (text, error) in [
            ("", IntervalError::Malformed),
            ("m", IntervalError::Malformed),
            ("1w", IntervalError::Malformed),
            ("+1m", IntervalError::Malformed),
            ("0m", IntervalError::OutOfRange),
            ("2d", IntervalError::OutOfRange),
            ("4294967295m", IntervalError::OutOfRange),
            ("1d@24:00", IntervalError::Malformed),
        ] {
            assert_eq!(Interval::parse(text), Err(error), "{text}");
        }
    }

    #[test]
    fn only_whole_aligned_multiples_roll_up() {
        let minute = interval("1m");
        assert_eq!(interval("15m").multiple_of(minute), Some(15));
        assert_eq!(interval("90s").multiple_of(minute), None);
        assert_eq!(interval("1d@08:00").multiple_of(interval("1h")), Some(24));
        assert_eq!(interval("1d@08:30").multiple_of(interval("1h")), None);
    }

    #[test]
    fn decimals_are_exact_or_refused() {
        let scale = Scale { decimals: 2, width: 8 };
        for (text, want) in [
            ("61756.70", Ok(6_175_670)),
            ("61756.70000000", Ok(6_175_670)),
            ("0", Ok(0)),
            ("-1.5", Ok(-150)),
            ("00012", Ok(1_200)),
            ("0.001", Err(DecimalError::TooPrecise)),
            ("", Err(DecimalError::Malformed)),
            ("-", Err(DecimalError::Malformed)),
            ("+1", Err(DecimalError::Malformed)),
            ("1.", Err(DecimalError::Malformed)),
            (".5", Err(DecimalError::Malformed)),
            (" 1", Err(DecimalError::Malformed)),
            ("1e5", Err(DecimalError::Malformed)),
            ("1.2.3", Err(DecimalError::Malformed)),
            ("1.00x", Err(DecimalError::Malformed)),
            ("NaN", Err(DecimalError::Malformed)),
            ("inf", Err(DecimalError::Malformed)),
            ("99999999999999999999", Err(DecimalError::Overflow)),
            ("92233720368547758.08", Err(DecimalError::Overflow)),
            ("92233720368547758.07", Ok(i64::MAX)),
        ] {
            assert_eq!(scale.parse(text.as_bytes()), want, "{text}");
        }
    }

    proptest! {
        #[test]
        fn text_to_integer_to_text_is_the_identity(
            whole in 0u64..1_000_000_000,
            fraction in "[0-9]{0,8}",
            padding in 0u8..4,
        ) {
            let decimals = fraction.len() as u8;
            let scale = Scale { decimals, width: decimals + padding };
            let zeros = "0".repeat(usize::from(padding));
            let text = match scale.width {
                0 => whole.to_string(),
                _ => format!("{whole}.{fraction}{zeros}"),
            };
            let value = scale.parse(text.as_bytes()).unwrap();
            prop_assert_eq!(scale.format(value.into()), text);
        }
    }
}
