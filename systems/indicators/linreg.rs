//! Slope of the straight line through the last closes.

use crate::indicator::{Bar, Indicator, Param, Past, Units};
use crate::indicators::window::{Weighted, to_f64};
use crate::saved_by_copy;

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
    const OUTPUTS: &'static [&'static str] = &[""];

    fn new(params: &[f64], _units: Units) -> Self {
        Self(Weighted::new(params[0]))
    }

    fn reach(params: &[f64]) -> usize {
        params[0] as usize
    }

    fn update(&mut self, bar: &Bar, past: &Past<'_>, out: &mut [Option<f64>]) {
        let sums = self.0.update(&bar.candle, past);
        out[0] = sums.map(|sums| {
            let n = f64::from(sums.window().period());
            to_f64(6 * sums.centred()) / (n * (n * n - 1.0) * bar.units.price)
        });
    }

    fn converged(&self) -> bool {
        self.0.window().is_full()
    }

    saved_by_copy!();
}
