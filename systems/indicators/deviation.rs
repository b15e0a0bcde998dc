//! Standard deviation of the close, and how many of them the close is from its mean.

use crate::indicator::{Bar, Indicator, Param, Past};
use crate::indicators::window::Moments;
use crate::over_one_window;

/// `stddev(period)`: standard deviation of the last n = `period` closes, of the population
/// (divided by n, not n - 1), in quote currency. TA-Lib `STDDEV` with one deviation.
#[derive(Clone, Copy, Debug)]
pub struct Stddev(Moments);

impl Indicator for Stddev {
    const NAME: &'static str = "stddev";
    const PARAMS: &'static [Param] = &[Param::period("period", 2, 20)];
    over_one_window!(Moments);

    fn update(&mut self, bar: &Bar, past: &Past<'_>, out: &mut [Option<f64>]) {
        let moments = self.0.update(&bar.candle, past);
        out[0] = moments.map(|moments| {
            moments.spread() / (f64::from(moments.window().period()) * bar.units.price)
        });
    }
}

/// `zscore(period)`: (close - mean) / standard deviation over the last `period` closes, a pure
/// number. `None` where all of them are equal. Not in TA-Lib; of the population, as `stddev` is.
#[derive(Clone, Copy, Debug)]
pub struct Zscore(Moments);

impl Indicator for Zscore {
    const NAME: &'static str = "zscore";
    const PARAMS: &'static [Param] = &[Param::period("period", 2, 20)];
    over_one_window!(Moments);

    fn update(&mut self, bar: &Bar, past: &Past<'_>, out: &mut [Option<f64>]) {
        let moments = self.0.update(&bar.candle, past);
        out[0] = moments.and_then(|moments| {
            let spread = moments.spread();
            (spread > 0.0).then(|| moments.excess(bar.candle.close.0) / spread)
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::indicators::testing::{Series, assert_close, assert_talib, over_windows};

    #[test]
    fn equals_talib() {
        assert_talib::<Stddev>(&[20.0], &["stddev_20"], 0.0);
    }

    /// Mean and population deviation in two passes, about the first close.
    fn mean_and_deviation(closes: &[f64]) -> (f64, f64) {
        let n = closes.len() as f64;
        let from_first = closes.iter().map(|x| x - closes[0]);
        let mean = from_first.clone().sum::<f64>() / n;
        let variance = from_first.map(|x| (x - mean).powi(2)).sum::<f64>() / n;
        (closes[0] + mean, variance.sqrt())
    }

    #[test]
    fn equals_two_passes_over_each_window() {
        for series in Series::all_kinds(15, 500) {
            let closes = series.closes();
            for period in [2, 3, 20] {
                let deviations = over_windows(closes.len(), period, |window| {
                    Some(mean_and_deviation(&closes[window]).1)
                });
                let scores = over_windows(closes.len(), period, |window| {
                    let (mean, deviation) = mean_and_deviation(&closes[window.clone()]);
                    (deviation > 0.0).then(|| (closes[window.end - 1] - mean) / deviation)
                });
                let params = [period as f64];
                assert_close(&series.columns::<Stddev>(&params)[0], &deviations, 0.0);
                assert_close(&series.columns::<Zscore>(&params)[0], &scores, 1.0);
            }
        }
    }

    #[test]
    fn one_unit_up_and_down_at_any_price_deviates_by_half_a_unit() {
        for price in [1, 100_000_000_000, 100_000_000_000_000_000] {
            let closes: Vec<i64> = (0..60).map(|i| price + i % 2).collect();
            let series = Series::of_closes(&closes);
            let deviations = series.columns::<Stddev>(&[20.0]);
            assert!(deviations[0][..19].iter().all(Option::is_none), "19 closes are not enough");
            assert!(deviations[0][19..].iter().all(|&deviation| deviation == Some(0.005)));
            let scores = series.columns::<Zscore>(&[20.0]);
            let want = |i: usize| if i.is_multiple_of(2) { -1.0 } else { 1.0 };
            assert!((19..60).all(|i| scores[0][i] == Some(want(i))));
        }
    }

    #[test]
    fn equal_closes_have_no_deviation_and_no_score() {
        let series = Series::flat(12_345, 30);
        let deviations = series.columns::<Stddev>(&[20.0]);
        assert!(deviations[0][19..].iter().all(|&deviation| deviation == Some(0.0)));
        assert!(series.columns::<Zscore>(&[20.0])[0].iter().all(Option::is_none));
    }

    #[test]
    fn a_shift_changes_no_bit_and_a_scale_scales() {
        let series = Series::random(16, 300);
        let shifted = series.with_prices(|price| price + 1_000_000_000_000);
        assert_eq!(shifted.columns::<Stddev>(&[20.0]), series.columns::<Stddev>(&[20.0]));
        assert_eq!(shifted.columns::<Zscore>(&[20.0]), series.columns::<Zscore>(&[20.0]));
        let scaled = series.with_prices(|price| price * 4);
        let times_four = |value: &Option<f64>| value.map(|value| value * 4.0);
        let want: Vec<_> = series.columns::<Stddev>(&[20.0])[0].iter().map(times_four).collect();
        assert_eq!(scaled.columns::<Stddev>(&[20.0])[0], want);
        assert_eq!(scaled.columns::<Zscore>(&[20.0]), series.columns::<Zscore>(&[20.0]));
    }
}
