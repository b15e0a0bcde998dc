//! Donchian channel.

use crate::indicator::{Bar, Indicator, Param, Past, Units};
use crate::indicators::extreme::Range;

/// `donchian(period)`: highest high, its middle with the lowest low, and lowest low of the last
/// `period` candles including the present one, in quote currency. TA-Lib `MAX` of the highs and
/// `MIN` of the lows.
#[derive(Clone, Debug)]
pub struct Donchian(Range);

impl Indicator for Donchian {
    const NAME: &'static str = "donchian";
    const PARAMS: &'static [Param] = &[Param::period("period", 1, 20)];
    const OUTPUTS: &'static [&'static str] = &["upper", "middle", "lower"];
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
            let upper = highest.0 as f64 / bar.units.price;
            let lower = lowest.0 as f64 / bar.units.price;
            out[0] = Some(upper);
            out[1] = Some((upper + lower) / 2.0);
            out[2] = Some(lower);
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
