//! Share of the volume that takers bought.

use crate::indicator::{Bar, Indicator, Param, Past, Units};
use crate::indicators::window::{Sum, to_f64};
use crate::saved_by_copy;

/// `taker_share(period)`: taker-buy volume over volume in the last `period` candles: 0 if only
/// sellers aggressed, 1 if only buyers did, `None` where nothing was traded.
#[derive(Clone, Copy, Debug)]
pub struct TakerShare {
    bought: Sum,
    volume: Sum,
}

impl Indicator for TakerShare {
    const NAME: &'static str = "taker_share";
    const PARAMS: &'static [Param] = &[Param::period("period", 1, 5)];
    const OUTPUTS: &'static [&'static str] = &[""];

    fn new(params: &[f64], _units: Units) -> Self {
        Self { bought: Sum::new(params[0]), volume: Sum::new(params[0]) }
    }

    fn reach(params: &[f64]) -> usize {
        params[0] as usize
    }

    fn update(&mut self, bar: &Bar, past: &Past<'_>, out: &mut [Option<f64>]) {
        let bought = self.bought.update(&bar.candle, past, |c| c.taker_buy_volume.0.into());
        let volume = self.volume.update(&bar.candle, past, |c| c.volume.0.into());
        if let (Some(bought), Some(volume @ 1..)) = (bought, volume) {
            out[0] = Some(to_f64(bought) / to_f64(volume));
        }
    }

    fn converged(&self) -> bool {
        self.volume.window().is_full()
    }

    saved_by_copy!();
}
