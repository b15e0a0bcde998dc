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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::indicators::testing::{Series, assert_close, over_windows};

    #[test]
    fn equals_the_share_of_each_window() {
        let series = Series::random_with_takers(27, 1_000);
        let sum = |window: core::ops::Range<usize>, number: fn(&crate::candle::Candle) -> i64| {
            series.candles[window].iter().map(number).sum::<i64>() as f64
        };
        for period in [1, 5] {
            let want = over_windows(series.candles.len(), period, |window| {
                let volume = sum(window.clone(), |candle| candle.volume.0);
                (volume > 0.0).then(|| sum(window, |candle| candle.taker_buy_volume.0) / volume)
            });
            assert!(want[period..].contains(&None), "quiet windows occur");
            assert_close(&series.columns::<TakerShare>(&[period as f64])[0], &want, 0.0);
        }
    }

    #[test]
    fn is_one_when_only_buyers_aggress_and_zero_when_only_sellers_do() {
        let sold = Series::flat(5, 6);
        let mut bought = sold.clone();
        bought.candles.iter_mut().for_each(|candle| candle.taker_buy_volume = candle.volume);
        for (series, want) in [(sold, 0.0), (bought, 1.0)] {
            let column = &series.columns::<TakerShare>(&[5.0])[0];
            assert_eq!(column[..], [None, None, None, None, Some(want), Some(want)]);
        }
    }
}
