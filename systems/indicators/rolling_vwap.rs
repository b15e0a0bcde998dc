//! Rolling volume-weighted average price.

use crate::indicator::{Bar, Indicator, Param, Past, Units};
use crate::indicators::window::{Sum, to_f64};
use crate::saved_by_copy;

/// `rolling_vwap(period)`: sum of price x quantity over sum of quantity of all prints in the last
/// `period` candles, in quote currency. Exact, not from typical prices; `None` where nothing was
/// traded.
#[derive(Clone, Copy, Debug)]
pub struct RollingVwap {
    quote_volume: Sum,
    volume: Sum,
}

impl Indicator for RollingVwap {
    const NAME: &'static str = "rolling_vwap";
    const PARAMS: &'static [Param] = &[Param::period("period", 1, 20)];
    const OUTPUTS: &'static [&'static str] = &[""];

    fn new(params: &[f64], _units: Units) -> Self {
        Self { quote_volume: Sum::new(params[0]), volume: Sum::new(params[0]) }
    }

    fn reach(params: &[f64]) -> usize {
        params[0] as usize
    }

    fn update(&mut self, bar: &Bar, past: &Past<'_>, out: &mut [Option<f64>]) {
        // Below 2^107: `limits::QUOTE_MAX` over a day of seconds.
        let quote = self.quote_volume.update(&bar.candle, past, |c| c.quote_volume as i128);
        let volume = self.volume.update(&bar.candle, past, |c| c.volume.0.into());
        if let (Some(quote), Some(volume @ 1..)) = (quote, volume) {
            out[0] = Some(to_f64(quote) / to_f64(volume) / bar.units.price);
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
    fn equals_the_prints_of_each_window() {
        for series in Series::all_kinds(26, 500) {
            let volumes = series.volumes();
            let quote = |i: usize| series.candles[i].quote_volume as f64 / series.units.quote();
            for period in [1, 3, 20] {
                let want = over_windows(volumes.len(), period, |window| {
                    let volume: f64 = volumes[window.clone()].iter().sum();
                    (volume > 0.0).then(|| window.map(quote).sum::<f64>() / volume)
                });
                let got = series.columns::<RollingVwap>(&[period as f64]);
                assert_close(&got[0], &want, 0.0);
                assert!(period == 20 || want[period..].contains(&None), "quiet windows occur");
            }
        }
    }

    #[test]
    fn of_prints_at_one_price_it_is_that_price() {
        let column = &Series::flat(12_345, 25).columns::<RollingVwap>(&[20.0])[0];
        assert!(column[..19].iter().all(Option::is_none), "19 candles are not enough");
        assert!(column[19..].iter().all(|&value| value == Some(123.45)));
    }
}
