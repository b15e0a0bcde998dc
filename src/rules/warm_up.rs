//! How many candles an indicator takes until it says anything.

use systems::candle::Candle;
use systems::catalog::Spec;
use systems::indicator::Units;
use systems::interval::Interval;
use systems::ring::Ring;
use systems::units::{Nanos, Price, Quantity, Scale};

/// Candles that are tried: the longest period, twice, and a little more.
const TRIED_MAX: usize = 10_016;

/// Candles until every output of an indicator is known, counted by trying: no formula here could
/// disagree with the indicator. `None` if it is still not known after as many as are tried.
pub(super) fn needed(spec: &Spec, interval: Interval) -> Option<usize> {
    let tried = (2 * spec.reach() + 64).max(day(interval) * 2).min(TRIED_MAX);
    let scale = Scale::exact(2);
    let units = Units::new(scale, scale, interval.seconds());
    let mut ring = Ring::new(tried, interval);
    let begin = interval.bucket(Nanos::from_seconds(1_700_006_400));
    for index in 0..tried {
        ring.push(&candle(begin.plus(index as u64 * interval.ns()), index as i64));
    }
    let columns = spec.over(&ring, units);
    let first = |column: &Vec<_>| {
        column.iter().position(|value: &systems::track::Value| value.number.is_some())
    };
    let firsts = columns.iter().map(first).collect::<Option<Vec<_>>>()?;
    firsts.into_iter().max().map(|at| at + 1)
}

/// Candles of a day: relative volume looks back over whole days.
fn day(interval: Interval) -> usize {
    Interval::MAX_SECONDS.div_ceil(interval.seconds()) as usize
}

/// A candle with trades whose prices go up and down, so that no formula divides by nothing.
fn candle(open_time: Nanos, index: i64) -> Candle {
    let close = 10_000 + index * 7 % 31 * 10;
    Candle {
        open_time,
        open: Price(close - 5),
        high: Price(close + 20),
        low: Price(close - 20),
        close: Price(close),
        volume: Quantity(100),
        quote_volume: 100 * close as u128,
        taker_buy_volume: Quantity(50),
        taker_buy_quote_volume: 50 * close as u128,
        trades: 10 + (index % 3) as u32,
        ..Candle::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn candles_until_known() {
        let minute = Interval::parse("1m").unwrap();
        let hour = Interval::parse("1h").unwrap();
        for (text, interval, want) in [
            ("ema(20)", minute, Some(20)),
            ("rsi(14)", minute, Some(15)),
            ("macd(12,26,9)", minute, Some(34)),
            ("sma(5000)", minute, Some(5_000)),
            ("obv", minute, Some(1)),
            ("session", minute, Some(1)),
            ("rvol(5)", minute, Some(1_441)),
            ("rvol(5)", hour, Some(25)),
        ] {
            assert_eq!(needed(&Spec::parse(text).unwrap(), interval), want, "{text} {interval}");
        }
    }
}
