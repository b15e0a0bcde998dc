//! What a candle must be to be one, whoever says so: a stream, an answer, a file or a tape.

use systems::candle::Candle;
use systems::interval::Interval;
use systems::limits::{EARLIEST_NS, LATEST_NS, QUOTE_MAX, VOLUME_MAX};
use systems::units::Nanos;

/// Whether a candle can have come from trades at all, and its sums from candles that the core can
/// fold. Later stages assert this.
pub fn consistent(candle: &Candle) -> bool {
    let (low, high) = (candle.low, candle.high);
    low.0 > 0
        && (low..=high).contains(&candle.open)
        && (low..=high).contains(&candle.close)
        && candle.taker_buy_volume.0 >= 0
        && candle.taker_buy_volume <= candle.volume
        && candle.taker_buy_quote_volume <= candle.quote_volume
        && (candle.trades > 0 || (candle.volume.0 == 0 && candle.quote_volume == 0))
        && candle.quote_volume <= QUOTE_MAX * u128::from(Interval::MAX_SECONDS)
        && (EARLIEST_NS..LATEST_NS).contains(&candle.open_time.0)
}

/// Whether a candle of `interval` is no larger than as many candles of `base` as it covers may be.
pub fn bounded(candle: &Candle, interval: Interval, base: Interval) -> bool {
    let parts = interval.seconds().div_ceil(base.seconds());
    candle.quote_volume <= QUOTE_MAX * u128::from(parts)
        && candle.volume.0 <= VOLUME_MAX.saturating_mul(parts.into())
}

/// The interval of that length whose buckets start at `open_time`; `None` if none can.
///
/// Days may start elsewhere than at midnight UTC (`kline_1d@+08:00`); time zones differ by
/// quarters of an hour, so any other start is a mistake.
pub fn aligned(interval: Interval, open_time: Nanos) -> Option<Interval> {
    const ZONE_STEP: u64 = 900 * Nanos::PER_SECOND;
    let after = open_time.0 % interval.ns();
    if after == 0 {
        return Some(interval);
    }
    let anchor_seconds = u32::try_from(after / Nanos::PER_SECOND).ok()?;
    (after.is_multiple_of(ZONE_STEP))
        .then(|| Interval::anchored(interval.seconds(), anchor_seconds))
        .flatten()
}

#[cfg(test)]
mod tests {
    use super::*;
    use systems::units::{Price, Quantity};

    #[test]
    fn what_nobody_traded_has_no_volume() {
        let quiet = Candle::quiet(Nanos::from_seconds(1_723_161_600), Price(10_000));
        let volume = Candle { volume: Quantity(1), ..quiet };
        let quote = Candle { quote_volume: 1, ..quiet };
        assert!(consistent(&quiet) && !consistent(&volume) && !consistent(&quote));
        assert!(consistent(&Candle { trades: 1, ..volume }));
    }

    #[test]
    fn a_day_may_start_in_another_time_zone_and_a_minute_may_not() {
        let midnight = Nanos::from_seconds(1_723_161_600);
        let hour = 3_600 * Nanos::PER_SECOND;
        let (minute, day) = (Interval::parse("1m").unwrap(), Interval::parse("1d").unwrap());
        assert_eq!(aligned(day, midnight), Some(day));
        let tokyo = aligned(day, midnight.plus(16 * hour)).unwrap();
        assert_eq!(tokyo.to_string(), "1d@16:00");
        assert_eq!(tokyo.bucket(midnight.plus(16 * hour)), midnight.plus(16 * hour));
        assert_eq!(aligned(day, midnight.plus(1)), None);
        assert_eq!(aligned(minute, midnight.plus(30 * Nanos::PER_SECOND)), None);
    }
}
