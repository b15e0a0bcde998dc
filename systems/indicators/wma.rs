//! Linearly weighted moving average.

use crate::indicator::{Bar, Indicator, Param, Past};
use crate::indicators::window::{Weighted, to_f64};
use crate::over_one_window;

/// `wma(period)`: mean of the last n = `period` closes, the newest weighted n, the oldest 1, in
/// quote currency: `sum((i + 1) * close[i]) / (n (n + 1) / 2)`. TA-Lib `WMA`.
#[derive(Clone, Copy, Debug)]
pub struct Wma(Weighted);

impl Indicator for Wma {
    const NAME: &'static str = "wma";
    const PARAMS: &'static [Param] = &[Param::period("period", 1, 20)];
    over_one_window!(Weighted);

    fn update(&mut self, bar: &Bar, past: &Past<'_>, out: &mut [Option<f64>]) {
        let sums = self.0.update(&bar.candle, past);
        out[0] = sums.map(|sums| {
            let n = f64::from(sums.window().period());
            to_f64(sums.rising()) / (n * (n + 1.0) / 2.0 * bar.units.price)
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::indicators::testing::{Series, assert_close, assert_talib, over_windows};

    #[test]
    fn equals_talib() {
        assert_talib::<Wma>(&[20.0], &["wma_20"], 0.0);
    }

    #[test]
    fn equals_the_weighted_mean_of_each_window() {
        for series in Series::all_kinds(12, 500) {
            let closes = series.closes();
            for period in [1, 2, 20] {
                let want = over_windows(closes.len(), period, |window| {
                    let weighted = (1..).zip(&closes[window]).map(|(i, x)| f64::from(i) * x);
                    Some(weighted.sum::<f64>() / (1..=period).sum::<usize>() as f64)
                });
                assert_close(&series.columns::<Wma>(&[period as f64])[0], &want, 0.0);
            }
        }
    }

    #[test]
    fn of_equal_closes_it_is_that_close() {
        let columns = Series::flat(12_345, 30).columns::<Wma>(&[20.0]);
        assert!(columns[0][..19].iter().all(Option::is_none), "19 closes are not enough");
        assert!(columns[0][19..].iter().all(|&value| value == Some(123.45)));
    }
}
