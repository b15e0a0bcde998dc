//! Linearly weighted moving average.

use crate::indicator::{Bar, Indicator, Param, Past, Units};
use crate::indicators::window::{Weighted, to_f64};
use crate::saved_by_copy;

/// `wma(period)`: mean of the last n = `period` closes, the newest weighted n, the oldest 1, in
/// quote currency: `sum((i + 1) * close[i]) / (n (n + 1) / 2)`. TA-Lib `WMA`.
#[derive(Clone, Copy, Debug)]
pub struct Wma(Weighted);

impl Indicator for Wma {
    const NAME: &'static str = "wma";
    const PARAMS: &'static [Param] = &[Param::period("period", 1, 20)];
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
            to_f64(sums.rising()) / (n * (n + 1.0) / 2.0 * bar.units.price)
        });
    }

    fn converged(&self) -> bool {
        self.0.window().is_full()
    }

    saved_by_copy!();
}
