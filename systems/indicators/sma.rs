//! Simple moving average.

use crate::indicator::{Bar, Indicator, Param, Past};
use crate::indicators::window::{Sum, to_f64};
use crate::over_one_window;

/// `sma(period)`: mean of the last `period` closes, in quote currency. TA-Lib `SMA`.
#[derive(Clone, Copy, Debug)]
pub struct Sma(Sum);

impl Indicator for Sma {
    const NAME: &'static str = "sma";
    const PARAMS: &'static [Param] = &[Param::period("period", 1, 20)];
    over_one_window!(Sum);

    fn update(&mut self, bar: &Bar, past: &Past<'_>, out: &mut [Option<f64>]) {
        let sum = self.0.update(&bar.candle, past, |candle| candle.close.0.into());
        let divisor = f64::from(self.0.window().period()) * bar.units.price;
        out[0] = sum.map(|sum| to_f64(sum) / divisor);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::indicators::testing::{Series, assert_close, assert_talib, over_windows};

    #[test]
    fn equals_talib() {
        assert_talib::<Sma>(&[20.0], &["sma_20"], 0.0);
    }

    #[test]
    fn equals_the_mean_of_each_window() {
        for series in Series::all_kinds(11, 500) {
            let closes = series.closes();
            for period in [1, 2, 20] {
                let want = over_windows(closes.len(), period, |window| {
                    Some(closes[window].iter().sum::<f64>() / period as f64)
                });
                assert_close(&series.columns::<Sma>(&[period as f64])[0], &want, 0.0);
            }
        }
    }

    #[test]
    fn a_mean_that_a_float_can_hold_is_exact() {
        let series = Series::of_closes(&[100_000_000_001, 100_000_000_003, 100_000_000_002]);
        let want = vec![None, Some(1_000_000_000.02), Some(1_000_000_000.025)];
        assert_eq!(series.columns::<Sma>(&[2.0])[0], want);
    }
}
