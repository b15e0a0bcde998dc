//! Simple moving average.

use crate::indicator::{Bar, Indicator, Param, Past, Units};
use crate::indicators::window::{Sum, to_f64};
use crate::saved_by_copy;

/// `sma(period)`: mean of the last `period` closes, in quote currency. TA-Lib `SMA`.
#[derive(Clone, Copy, Debug)]
pub struct Sma(Sum);

impl Indicator for Sma {
    const NAME: &'static str = "sma";
    const PARAMS: &'static [Param] = &[Param::period("period", 1, 20)];
    const OUTPUTS: &'static [&'static str] = &[""];

    fn new(params: &[f64], _units: Units) -> Self {
        Self(Sum::new(params[0]))
    }

    fn reach(params: &[f64]) -> usize {
        params[0] as usize
    }

    fn update(&mut self, bar: &Bar, past: &Past<'_>, out: &mut [Option<f64>]) {
        let sum = self.0.update(&bar.candle, past, |candle| candle.close.0.into());
        let divisor = f64::from(self.0.window().period()) * bar.units.price;
        out[0] = sum.map(|sum| to_f64(sum) / divisor);
    }

    fn converged(&self) -> bool {
        self.0.window().is_full()
    }

    saved_by_copy!();
}
