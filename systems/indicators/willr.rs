//! Williams %R.

use crate::indicator::{Bar, Indicator, Param, Past, Units};
use crate::indicators::extreme::Range;

/// `willr(period)`: how far the close is below the highest high, in percent of the range of the
/// last `period` candles, negative: -100 at the lowest low, 0 at the highest high. TA-Lib `WILLR`,
/// which gives 0 where the range is empty.
#[derive(Clone, Debug)]
pub struct Willr(Range);

impl Indicator for Willr {
    const NAME: &'static str = "willr";
    const PARAMS: &'static [Param] = &[Param::period("period", 2, 14)];
    const OUTPUTS: &'static [&'static str] = &[""];
    type Saved = ();

    fn new(params: &[f64], _units: Units) -> Self {
        Self(Range::new(params[0] as usize))
    }

    fn reach(params: &[f64]) -> usize {
        params[0] as usize
    }

    fn update(&mut self, bar: &Bar, past: &Past<'_>, out: &mut [Option<f64>]) {
        self.peek(bar, past, out);
        self.0.push(past.count(), &bar.candle);
    }

    fn peek(&self, bar: &Bar, past: &Past<'_>, out: &mut [Option<f64>]) {
        if let Some((highest, lowest)) = self.0.with(past.count(), &bar.candle) {
            let below = highest.0 - bar.candle.close.0;
            // At least 1, since an empty range has nothing below its top either.
            let range = (highest.0 - lowest.0).max(1);
            out[0] = Some(100.0 * (-below as f64 / range as f64));
        }
    }

    fn converged(&self) -> bool {
        self.0.is_full()
    }

    fn save(&self) {}

    fn restore(&mut self, _saved: &(), past: &Past<'_>) {
        self.0.restore(past);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::indicators::testing::{Series, assert_close, assert_talib, over_windows};

    #[test]
    fn equals_talib() {
        assert_talib::<Willr>(&[14.0], &["willr_14"], 100.0);
    }

    #[test]
    fn equals_the_place_in_each_window() {
        for series in Series::all_kinds(19, 500) {
            let (highs, lows, closes) = (series.highs(), series.lows(), series.closes());
            for period in [2, 14] {
                let want = over_windows(closes.len(), period, |window| {
                    let highest = highs[window.clone()].iter().copied().reduce(f64::max)?;
                    let lowest = lows[window.clone()].iter().copied().reduce(f64::min)?;
                    let below = highest - closes[window.end - 1];
                    Some(if highest > lowest { -100.0 * below / (highest - lowest) } else { 0.0 })
                });
                assert_close(&series.columns::<Willr>(&[period as f64])[0], &want, 100.0);
            }
        }
    }

    #[test]
    fn is_at_the_ends_for_one_way_series_and_zero_without_a_range() {
        let at = |closes: &[i64]| Series::of_closes(closes).columns::<Willr>(&[14.0])[0].clone();
        let rising = at(&(1..=20).collect::<Vec<_>>());
        assert!(rising[..13].iter().all(Option::is_none), "13 candles are not enough");
        assert!(rising[13..].iter().all(|&value| value == Some(0.0)));
        let falling = at(&(1..=20).rev().collect::<Vec<_>>());
        assert!(falling[13..].iter().all(|&value| value == Some(-100.0)));
        assert!(at(&[5; 20])[13..].iter().all(|&value| value == Some(0.0)));
    }

    #[test]
    fn shift_and_scale_change_no_bit() {
        let series = Series::random(20, 300);
        let want = series.columns::<Willr>(&[14.0]);
        let shifted = series.with_prices(|price| price + 1_000_000_000_000);
        assert_eq!(shifted.columns::<Willr>(&[14.0]), want);
        let scaled = series.with_prices(|price| price * 3);
        assert_eq!(scaled.columns::<Willr>(&[14.0]), want);
    }
}
