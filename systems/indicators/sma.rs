//! Simple moving average.

use crate::indicator::{Bar, Indicator, Param, Past, Units};
use crate::saved_by_copy;

/// `sma(period)`: mean of the last `period` closes. TA-Lib `SMA`.
///
/// The sum is an exact integer, so it neither drifts nor depends on the path that led to it.
#[derive(Clone, Copy, Debug)]
pub struct Sma {
    period: u32,
    seen: u32,
    sum: i128,
}

impl Indicator for Sma {
    const NAME: &'static str = "sma";
    const PARAMS: &'static [Param] = &[Param::period("period", 1, 20)];
    const OUTPUTS: &'static [&'static str] = &[""];

    fn new(params: &[f64], _units: Units) -> Self {
        Self { period: params[0] as u32, seen: 0, sum: 0 }
    }

    fn reach(params: &[f64]) -> usize {
        params[0] as usize
    }

    fn update(&mut self, bar: &Bar, past: &Past<'_>, out: &mut [Option<f64>]) {
        self.sum += i128::from(bar.candle.close.0);
        if self.seen == self.period {
            let leaving = past.back(self.period as usize).map_or(0, |candle| candle.close.0);
            self.sum -= i128::from(leaving);
        } else {
            self.seen += 1;
        }
        if self.seen == self.period {
            out[0] = Some(self.sum as f64 / f64::from(self.period) / bar.units.price);
        }
    }

    fn converged(&self) -> bool {
        self.seen == self.period
    }

    saved_by_copy!();
}
