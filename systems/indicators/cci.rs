//! Commodity channel index.

use crate::candle::Candle;
use crate::indicator::{Bar, Indicator, Param, Past};
use crate::indicators::window::{Sum, thrice_typical, to_f64};
use crate::over_one_window;

/// `cci(period)`: distance of the typical price from its mean over the last n = `period` candles,
/// in units of 0.015 mean absolute deviations. TA-Lib `CCI`, which gives 0 where there is no
/// deviation.
///
/// This one costs its period per candle: the mean moves with each candle, and with it every
/// absolute deviation, so they are added up anew.
#[derive(Clone, Copy, Debug)]
pub struct Cci(Sum);

impl Indicator for Cci {
    const NAME: &'static str = "cci";
    const PARAMS: &'static [Param] = &[Param::period("period", 2, 20)];
    over_one_window!(Sum);

    fn update(&mut self, bar: &Bar, past: &Past<'_>, out: &mut [Option<f64>]) {
        let sum = self.0.update(&bar.candle, past, thrice_typical);
        out[0] = sum.map(|sum| {
            let n = self.0.window().period();
            // 3 n times the distance from the mean, so that it is a whole number.
            let from_mean = |candle: &Candle| thrice_typical(candle) * i128::from(n) - sum;
            let distance = from_mean(&bar.candle);
            let before = past.last(n as usize - 1).map(|(_, candle)| from_mean(&candle).abs());
            let deviations = distance.abs() + before.sum::<i128>();
            // Without any deviation the distance is 0 as well; dividing by 1 keeps it.
            to_f64(distance) / (0.015 * (to_f64(deviations.max(1)) / f64::from(n)))
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::indicators::testing::{Series, assert_close, assert_talib, over_windows};

    #[test]
    fn equals_talib() {
        assert_talib::<Cci>(&[20.0], &["cci_20"], 100.0);
    }

    #[test]
    fn equals_two_passes_over_each_window() {
        for series in Series::all_kinds(22, 500) {
            let thrice = |i: usize| thrice_typical(&series.candles[i]) as f64;
            for period in [2, 5, 20] {
                let want = over_windows(series.candles.len(), period, |window| {
                    let from_first: Vec<f64> =
                        window.clone().map(|i| thrice(i) - thrice(window.start)).collect();
                    let n = period as f64;
                    let mean = from_first.iter().sum::<f64>() / n;
                    let deviation = from_first.iter().map(|x| (x - mean).abs()).sum::<f64>() / n;
                    let distance = from_first[period - 1] - mean;
                    Some(if deviation > 0.0 { distance / (0.015 * deviation) } else { 0.0 })
                });
                assert_close(&series.columns::<Cci>(&[period as f64])[0], &want, 1.0);
            }
        }
    }

    #[test]
    fn equal_prices_give_zero() {
        let column = &Series::flat(12_345, 25).columns::<Cci>(&[20.0])[0];
        assert!(column[..19].iter().all(Option::is_none), "19 candles are not enough");
        assert!(column[19..].iter().all(|&value| value == Some(0.0)));
    }

    #[test]
    fn a_shift_changes_no_bit() {
        let series = Series::random(23, 300);
        let shifted = series.with_prices(|price| price + 1_000_000_000_000);
        assert_eq!(shifted.columns::<Cci>(&[20.0]), series.columns::<Cci>(&[20.0]));
    }
}
