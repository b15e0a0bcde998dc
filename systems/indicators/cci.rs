//! Commodity channel index.

use crate::candle::Candle;
use crate::indicator::{Bar, Indicator, Param, Past, Units};
use crate::indicators::window::{Sum, thrice_typical, to_f64};
use crate::saved_by_copy;

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
    const OUTPUTS: &'static [&'static str] = &[""];

    fn new(params: &[f64], _units: Units) -> Self {
        Self(Sum::new(params[0]))
    }

    fn reach(params: &[f64]) -> usize {
        params[0] as usize
    }

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

    fn converged(&self) -> bool {
        self.0.window().is_full()
    }

    saved_by_copy!();
}
