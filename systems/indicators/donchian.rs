//! Donchian channel.

use crate::indicator::{Bar, Indicator, Param, Past, Units};
use crate::indicators::extreme::Range;

/// `donchian(period)`: highest high, its middle with the lowest low, and lowest low of the last
/// `period` candles including the present one, in quote currency. TA-Lib `MAX` of the highs and
/// `MIN` of the lows.
#[derive(Clone, Debug)]
pub struct Donchian(Range);

impl Indicator for Donchian {
    const NAME: &'static str = "donchian";
    const PARAMS: &'static [Param] = &[Param::period("period", 1, 20)];
    const OUTPUTS: &'static [&'static str] = &["upper", "middle", "lower"];
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
            let upper = highest.0 as f64 / bar.units.price;
            let lower = lowest.0 as f64 / bar.units.price;
            out[0] = Some(upper);
            out[1] = Some((upper + lower) / 2.0);
            out[2] = Some(lower);
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
    use crate::indicators::testing::{Series, assert_close, over_windows};

    type Rows = core::ops::Range<usize>;

    #[test]
    fn equals_the_extremes_of_each_window() {
        for series in Series::all_kinds(18, 500) {
            let (highs, lows) = (series.highs(), series.lows());
            let n = highs.len();
            for period in [1, 2, 20] {
                let upper = |window: Rows| highs[window].iter().copied().reduce(f64::max);
                let lower = |window: Rows| lows[window].iter().copied().reduce(f64::min);
                let middle =
                    |window: Rows| Some(lower(window.clone())? / 2.0 + upper(window)? / 2.0);
                let columns = series.columns::<Donchian>(&[period as f64]);
                assert_eq!(columns[0], over_windows(n, period, upper));
                assert_close(&columns[1], &over_windows(n, period, middle), 0.0);
                assert_eq!(columns[2], over_windows(n, period, lower));
            }
        }
    }

    #[test]
    fn equal_prices_are_the_whole_channel() {
        let columns = Series::flat(777, 25).columns::<Donchian>(&[20.0]);
        for column in columns {
            assert!(column[..19].iter().all(Option::is_none), "19 candles are not enough");
            assert!(column[19..].iter().all(|&value| value == Some(7.77)));
        }
    }
}
