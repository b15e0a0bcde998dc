//! Bollinger bands.

use crate::indicator::{Bar, Indicator, Param, Past, Units};
use crate::indicators::window::Moments;
use crate::saved_by_copy;

/// `bbands(period,deviations)`: mean of the last `period` closes and bands that many standard
/// deviations (of the population) around it. TA-Lib `BBANDS` with a simple average.
///
/// `upper`, `middle`, `lower` are in quote currency. `width` is (upper - lower) / middle;
/// `percent_b` is (close - lower) / (upper - lower), 0 on the lower band and 1 on the upper, and
/// `None` where all closes are equal (John Bollinger, Bollinger on Bollinger Bands, 2001).
#[derive(Clone, Copy, Debug)]
pub struct Bbands {
    moments: Moments,
    deviations: f64,
}

impl Indicator for Bbands {
    const NAME: &'static str = "bbands";
    const PARAMS: &'static [Param] =
        &[Param::period("period", 2, 20), Param::factor("deviations", 2.0)];
    const OUTPUTS: &'static [&'static str] = &["upper", "middle", "lower", "width", "percent_b"];

    fn new(params: &[f64], _units: Units) -> Self {
        Self { moments: Moments::new(params[0]), deviations: params[1] }
    }

    fn reach(params: &[f64]) -> usize {
        params[0] as usize
    }

    fn update(&mut self, bar: &Bar, past: &Past<'_>, out: &mut [Option<f64>]) {
        let Some(moments) = self.moments.update(&bar.candle, past) else { return };
        // Everything is n times itself in price units until it is written.
        let sum = moments.sum();
        let band = self.deviations * moments.spread();
        let to_price = 1.0 / (f64::from(moments.window().period()) * bar.units.price);
        out[0] = Some((sum + band) * to_price);
        out[1] = Some(sum * to_price);
        out[2] = Some((sum - band) * to_price);
        out[3] = Some(2.0 * band / sum);
        if band > 0.0 {
            out[4] = Some(0.5 + moments.excess(bar.candle.close.0) / (2.0 * band));
        }
    }

    fn converged(&self) -> bool {
        self.moments.window().is_full()
    }

    saved_by_copy!();
}
