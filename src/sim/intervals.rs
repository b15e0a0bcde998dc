//! The lengths of candles that the venue offers, and where their buckets begin.

use systems::units::Nanos;

/// Seconds of a day.
const DAY: u32 = 86_400;

/// One of the venue's candle lengths.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KlineInterval {
    /// As the venue spells it.
    pub name: &'static str,
    length: Length,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Length {
    /// Of so many seconds, beginning so many seconds after the epoch.
    Seconds(u32, u32),
    /// From the first of one month to the first of the next.
    Month,
}

const fn seconds(name: &'static str, length: u32) -> KlineInterval {
    KlineInterval { name, length: Length::Seconds(length, 0) }
}

/// All of them, from short to long. Weeks begin on Monday; where the venue's three days begin is
/// not documented, and here they count from the epoch.
pub static INTERVALS: [KlineInterval; 16] = [
    seconds("1s", 1),
    seconds("1m", 60),
    seconds("3m", 180),
    seconds("5m", 300),
    seconds("15m", 900),
    seconds("30m", 1_800),
    seconds("1h", 3_600),
    seconds("2h", 7_200),
    seconds("4h", 14_400),
    seconds("6h", 21_600),
    seconds("8h", 28_800),
    seconds("12h", 43_200),
    seconds("1d", DAY),
    seconds("3d", 3 * DAY),
    // The epoch was a Thursday.
    KlineInterval { name: "1w", length: Length::Seconds(7 * DAY, 4 * DAY) },
    KlineInterval { name: "1M", length: Length::Month },
];

impl KlineInterval {
    /// The interval of that name.
    pub fn parse(name: &str) -> Option<&'static Self> {
        INTERVALS.iter().find(|interval| interval.name == name)
    }

    /// One minute, which longer ones are made of.
    pub(super) fn minute() -> &'static Self {
        &INTERVALS[1]
    }

    /// Start and end of the bucket that holds `at`.
    pub fn bucket(&self, at: Nanos) -> (Nanos, Nanos) {
        match self.length {
            Length::Seconds(length, anchor) => {
                let (length, anchor) = (u64::from(length), u64::from(anchor));
                let since = at.seconds().saturating_sub(anchor);
                let open = anchor + since - since % length;
                (Nanos::from_seconds(open), Nanos::from_seconds(open + length))
            }
            Length::Month => {
                let (year, month) = month_of(at.seconds() / u64::from(DAY));
                let next = if month == 12 { (year + 1, 1) } else { (year, month + 1) };
                let first = |(year, month)| Nanos(first_day(year, month) * Nanos::PER_DAY);
                (first((year, month)), first(next))
            }
        }
    }

    /// Whether its buckets are shorter than a minute, so that minutes cannot make them up.
    pub fn is_below_a_minute(&self) -> bool {
        matches!(self.length, Length::Seconds(length, _) if length < 60)
    }
}

/// Year and month of a day since the epoch.
fn month_of(day: u64) -> (u64, u64) {
    let mut year = 1970 + day / 366;
    while first_day(year + 1, 1) <= day {
        year += 1;
    }
    let month = (2..=12).find(|&month| first_day(year, month) > day).map_or(12, |next| next - 1);
    (year, month)
}

/// The first day of a month, counted from the epoch.
fn first_day(year: u64, month: u64) -> u64 {
    const BEFORE: [u64; 12] = [0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334];
    let past = year - 1;
    let leap = year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    let leap_days = past / 4 - past / 100 + past / 400 - 477;
    (year - 1970) * 365 + leap_days + BEFORE[month as usize - 1] + u64::from(leap && month > 2)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buckets_begin_where_the_venue_begins_them() {
        // Thursday, 2024-08-08 23:54:15 UTC.
        let at = Nanos::from_seconds(1_723_161_255);
        for (name, open, end) in [
            ("1s", 1_723_161_255, 1_723_161_256),
            ("1m", 1_723_161_240, 1_723_161_300),
            ("15m", 1_723_160_700, 1_723_161_600),
            ("1d", 1_723_075_200, 1_723_161_600),
            ("1w", 1_722_816_000, 1_723_420_800),
            ("1M", 1_722_470_400, 1_725_148_800),
        ] {
            let bucket = KlineInterval::parse(name).unwrap().bucket(at);
            assert_eq!(bucket, (Nanos::from_seconds(open), Nanos::from_seconds(end)), "{name}");
        }
        assert_eq!(KlineInterval::parse("7m"), None);
    }

    #[test]
    fn months_know_leap_years() {
        for (day, year, month) in [(0, 1970, 1), (11_016, 2000, 2), (19_782, 2024, 2)] {
            assert_eq!(month_of(day), (year, month), "{day}");
        }
        assert_eq!(month_of(19_783), (2024, 3), "the day after 29 February");
        assert_eq!(first_day(2024, 12), 20_058);
    }
}
