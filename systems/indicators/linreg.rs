//! Slope of the straight line through the last closes.

use crate::indicator::{Bar, Indicator, Param, Past};
use crate::indicators::window::{Weighted, to_f64};
use crate::over_one_window;

/// `linreg_slope(period)`: slope of the least-squares line through the last n = `period` closes,
/// in quote currency per candle. TA-Lib `LINEARREG_SLOPE`.
///
/// With i = 0 for the oldest, `slope = 6 * sum((2 i - (n - 1)) * close[i]) / (n (n^2 - 1))`: the
/// weights sum to zero, so a flat series has slope 0 exactly.
#[derive(Clone, Copy, Debug)]
pub struct LinregSlope(Weighted);

impl Indicator for LinregSlope {
    const NAME: &'static str = "linreg_slope";
    const PARAMS: &'static [Param] = &[Param::period("period", 2, 14)];
    over_one_window!(Weighted);

    fn update(&mut self, bar: &Bar, past: &Past<'_>, out: &mut [Option<f64>]) {
        let sums = self.0.update(&bar.candle, past);
        out[0] = sums.map(|sums| {
            let n = f64::from(sums.window().period());
            to_f64(6 * sums.centred()) / (n * (n * n - 1.0) * bar.units.price)
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::indicators::testing::{Series, assert_close, assert_talib, over_windows};

    #[test]
    fn equals_talib() {
        // TA-Lib takes the difference of two sums near 1e5, and has 1e-15 where the slope is 0.
        assert_talib::<LinregSlope>(&[14.0], &["linearreg_slope_14"], 1e-3);
    }

    /// Covariance with time over the variance of time, both about their means.
    fn slope(closes: &[f64]) -> f64 {
        let n = closes.len() as f64;
        let times = (0..closes.len()).map(|i| i as f64 - (n - 1.0) / 2.0);
        let covariance: f64 = times.clone().zip(closes).map(|(t, x)| t * (x - closes[0])).sum();
        covariance / times.map(|t| t * t).sum::<f64>()
    }

    #[test]
    fn equals_the_least_squares_line_of_each_window() {
        for series in Series::all_kinds(13, 500) {
            let closes = series.closes();
            for period in [2, 3, 14] {
                let want =
                    over_windows(closes.len(), period, |window| Some(slope(&closes[window])));
                let scale = closes[0] * 1e-6;
                assert_close(&series.columns::<LinregSlope>(&[period as f64])[0], &want, scale);
            }
        }
    }

    #[test]
    fn a_line_has_its_slope_and_a_flat_series_none() {
        let line: Vec<i64> = (0..40).map(|i| 1_000_000_000_000 + 25 * i).collect();
        let slopes = Series::of_closes(&line).columns::<LinregSlope>(&[14.0]);
        assert!(slopes[0][..13].iter().all(Option::is_none), "13 closes are not enough");
        assert!(slopes[0][13..].iter().all(|&slope| slope == Some(0.25)));
        let flat = Series::flat(123_456_789, 20).columns::<LinregSlope>(&[14.0]);
        assert!(flat[0][13..].iter().all(|&slope| slope == Some(0.0)));
    }

    #[test]
    fn a_shift_changes_no_bit() {
        let series = Series::random(14, 300);
        let shifted = series.with_prices(|price| price + 1_000_000_000_000);
        assert_eq!(shifted.columns::<LinregSlope>(&[14.0]), series.columns::<LinregSlope>(&[14.0]));
    }
}
