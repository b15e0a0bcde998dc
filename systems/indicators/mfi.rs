//! Money flow index.

use crate::candle::Candle;
use crate::indicator::{Bar, Indicator, Param, Past, Units};
use crate::indicators::window::{Window, thrice_typical, to_f64};
use crate::saved_by_copy;

/// `mfi(period)`: of the money that flowed while the typical price moved during the last `period`
/// candles, the part that flowed while it rose, in percent. TA-Lib `MFI`, which gives 0 where
/// none flowed.
///
/// The flow of a candle is typical price x volume, with the sign of the change of the typical
/// price since the previous candle; so the first value needs `period + 1` candles.
#[derive(Clone, Copy, Debug)]
pub struct Mfi {
    /// Window of flows, each a candle and the one before it.
    window: Window,
    rising: i128,
    falling: i128,
}

impl Indicator for Mfi {
    const NAME: &'static str = "mfi";
    const PARAMS: &'static [Param] = &[Param::period("period", 2, 14)];
    const OUTPUTS: &'static [&'static str] = &[""];

    fn new(params: &[f64], _units: Units) -> Self {
        Self { window: Window::new(params[0]), rising: 0, falling: 0 }
    }

    fn reach(params: &[f64]) -> usize {
        params[0] as usize + 1
    }

    fn update(&mut self, bar: &Bar, past: &Past<'_>, out: &mut [Option<f64>]) {
        // The first candle has no change, and so no place in the window.
        let Some(previous) = past.back(1) else { return };
        if let Some(leaving) = self.window.slide(past) {
            let before = past.back(self.window.period() as usize + 1);
            self.add(-1, before.as_ref().unwrap_or(&leaving), &leaving);
        }
        self.add(1, &previous, &bar.candle);
        if self.window.is_full() {
            let flow = (self.rising + self.falling).max(1);
            out[0] = Some(100.0 * (to_f64(self.rising) / to_f64(flow)));
        }
    }

    fn converged(&self) -> bool {
        self.window.is_full()
    }

    saved_by_copy!();
}

impl Mfi {
    /// Adds `times` the flow of `candle`.
    ///
    /// A flow is at most 3 x high x volume. Since high is below low + 2^32 and low x volume below
    /// 2^72, that is below 2^98, and far inside 128 bits for all periods.
    fn add(&mut self, times: i128, previous: &Candle, candle: &Candle) {
        let typical = thrice_typical(candle);
        let flow = times * typical * i128::from(candle.volume.0);
        match typical.cmp(&thrice_typical(previous)) {
            core::cmp::Ordering::Greater => self.rising += flow,
            core::cmp::Ordering::Less => self.falling += flow,
            core::cmp::Ordering::Equal => {}
        }
    }
}
