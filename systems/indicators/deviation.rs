//! Standard deviation of the close, and how many of them the close is from its mean.

use crate::indicator::{Bar, Indicator, Param, Past, Units};
use crate::indicators::window::Moments;
use crate::saved_by_copy;

/// `stddev(period)`: standard deviation of the last n = `period` closes, of the population
/// (divided by n, not n - 1), in quote currency. TA-Lib `STDDEV` with one deviation.
#[derive(Clone, Copy, Debug)]
pub struct Stddev(Moments);

impl Indicator for Stddev {
    const NAME: &'static str = "stddev";
    const PARAMS: &'static [Param] = &[Param::period("period", 2, 20)];
    const OUTPUTS: &'static [&'static str] = &[""];

    fn new(params: &[f64], _units: Units) -> Self {
        Self(Moments::new(params[0]))
    }

    fn reach(params: &[f64]) -> usize {
        params[0] as usize
    }

    fn update(&mut self, bar: &Bar, past: &Past<'_>, out: &mut [Option<f64>]) {
        let moments = self.0.update(&bar.candle, past);
        out[0] = moments.map(|moments| {
            moments.spread() / (f64::from(moments.window().period()) * bar.units.price)
        });
    }

    fn converged(&self) -> bool {
        self.0.window().is_full()
    }

    saved_by_copy!();
}

/// `zscore(period)`: (close - mean) / standard deviation over the last `period` closes, a pure
/// number. `None` where all of them are equal. Not in TA-Lib; of the population, as `stddev` is.
#[derive(Clone, Copy, Debug)]
pub struct Zscore(Moments);

impl Indicator for Zscore {
    const NAME: &'static str = "zscore";
    const PARAMS: &'static [Param] = &[Param::period("period", 2, 20)];
    const OUTPUTS: &'static [&'static str] = &[""];

    fn new(params: &[f64], _units: Units) -> Self {
        Self(Moments::new(params[0]))
    }

    fn reach(params: &[f64]) -> usize {
        params[0] as usize
    }

    fn update(&mut self, bar: &Bar, past: &Past<'_>, out: &mut [Option<f64>]) {
        let moments = self.0.update(&bar.candle, past);
        out[0] = moments.and_then(|moments| {
            let spread = moments.spread();
            (spread > 0.0).then(|| moments.excess(bar.candle.close.0) / spread)
        });
    }

    fn converged(&self) -> bool {
        self.0.window().is_full()
    }

    saved_by_copy!();
}
