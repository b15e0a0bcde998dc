//! Intervals: how long a candle is and where its buckets begin.

use core::fmt;

use crate::units::Nanos;

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

#[cfg(test)]
mod tests {
    use super::*;

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
}
