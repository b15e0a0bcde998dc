//! Williams %R.

use crate::indicator::{Bar, Indicator, Param, Past, Units};
use crate::indicators::extreme::Range;

/// `willr(period)`: how far the close is below the highest high, in percent of the range of the
/// last `period` candles, negative: -100 at the lowest low, 0 at the highest high. TA-Lib `WILLR`,
/// which gives 0 where the range is empty.
#[derive(Clone, Debug)]
pub struct Willr(Range);

impl Indicator for Willr {
    const NAME: &'static str = "willr";
    const PARAMS: &'static [Param] = &[Param::period("period", 2, 14)];
    const OUTPUTS: &'static [&'static str] = &[""];
    type Saved = ();

    fn new(params: &[f64], _units: Units) -> Self {
        Self(Range::new(params[0] as usize))
    }

    fn reach(params: &[f64]) -> usize {
        params[0] as usize
    }

    fn update(&mut self, bar: &Bar, past: &Past<'_>, out: &mut [Option<f64>]) {
        self.peek(bar, past, out);
        self.0.push(past.count(), &bar.candle);
    }

    fn peek(&self, bar: &Bar, past: &Past<'_>, out: &mut [Option<f64>]) {
        if let Some((highest, lowest)) = self.0.with(past.count(), &bar.candle) {
            let below = highest.0 - bar.candle.close.0;
            // At least 1, since an empty range has nothing below its top either.
            let range = (highest.0 - lowest.0).max(1);
            out[0] = Some(100.0 * (-below as f64 / range as f64));
        }
    }

    fn converged(&self) -> bool {
        self.0.is_full()
    }

    fn save(&self) {}

    fn restore(&mut self, _saved: &(), past: &Past<'_>) {
        self.0.restore(past);
    }
}
