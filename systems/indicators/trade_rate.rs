//! How fast trades come, and whether they come faster.

use crate::indicator::{Bar, Indicator, Param, Past, Units};
use crate::indicators::window::{Sum, to_f64};
use crate::{over_one_window, saved_by_copy};

/// `trade_rate(period)`: single trades per second over the last `period` candles.
#[derive(Clone, Copy, Debug)]
pub struct TradeRate(Sum);

impl Indicator for TradeRate {
    const NAME: &'static str = "trade_rate";
    const PARAMS: &'static [Param] = &[Param::period("period", 1, 5)];
    over_one_window!(Sum);

    fn update(&mut self, bar: &Bar, past: &Past<'_>, out: &mut [Option<f64>]) {
        let trades = self.0.update(&bar.candle, past, |candle| candle.trades.into());
        let seconds = f64::from(self.0.window().period()) * bar.units.seconds;
        out[0] = trades.map(|trades| to_f64(trades) / seconds);
    }
}

/// `trade_accel(period)`: trades in the last `period` candles over those in the `period` candles
/// before, minus 1: 0 is the same pace, 1 is twice as fast. `None` where none came before.
#[derive(Clone, Copy, Debug)]
pub struct TradeAccel {
    recent: Sum,
    /// Over twice the period.
    both: Sum,
}

impl Indicator for TradeAccel {
    const NAME: &'static str = "trade_accel";
    const PARAMS: &'static [Param] = &[Param::period("period", 1, 5)];
    const OUTPUTS: &'static [&'static str] = &[""];

    fn new(params: &[f64], _units: Units) -> Self {
        Self { recent: Sum::new(params[0]), both: Sum::new(2.0 * params[0]) }
    }

    fn reach(params: &[f64]) -> usize {
        2 * params[0] as usize
    }

    fn update(&mut self, bar: &Bar, past: &Past<'_>, out: &mut [Option<f64>]) {
        let recent = self.recent.update(&bar.candle, past, |candle| candle.trades.into());
        let both = self.both.update(&bar.candle, past, |candle| candle.trades.into());
        if let (Some(recent), Some(both)) = (recent, both) {
            let before = both - recent;
            out[0] = (before > 0).then(|| to_f64(recent - before) / to_f64(before));
        }
    }

    fn converged(&self) -> bool {
        self.both.window().is_full()
    }

    saved_by_copy!();
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::indicators::testing::{Series, assert_close, over_windows};

    #[test]
    fn equal_counts_of_each_window() {
        let series = Series::random_with_takers(28, 1_000);
        let count = |window: core::ops::Range<usize>| {
            f64::from(series.candles[window].iter().map(|candle| candle.trades).sum::<u32>())
        };
        let n = series.candles.len();
        for period in [1, 5] {
            let rate = over_windows(n, period, |window| Some(count(window) / (60 * period) as f64));
            let accel = over_windows(n, 2 * period, |window| {
                let middle = window.start + period;
                let before = count(window.start..middle);
                (before > 0.0).then(|| count(middle..window.end) / before - 1.0)
            });
            assert!(accel[2 * period..].contains(&None), "quiet windows occur");
            assert_close(&series.columns::<TradeRate>(&[period as f64])[0], &rate, 0.0);
            assert_close(&series.columns::<TradeAccel>(&[period as f64])[0], &accel, 1.0);
        }
    }

    #[test]
    fn twice_the_trades_is_an_acceleration_of_one() {
        let mut series = Series::flat(5, 10);
        let counts = [30, 30, 30, 30, 30, 60, 60, 60, 60, 60];
        series.candles.iter_mut().zip(counts).for_each(|(candle, n)| candle.trades = n);
        let rate = &series.columns::<TradeRate>(&[5.0])[0];
        assert!(rate[..4].iter().all(Option::is_none), "4 candles are not enough");
        assert_eq!((rate[4], rate[9]), (Some(0.5), Some(1.0)));
        let accel = &series.columns::<TradeAccel>(&[5.0])[0];
        assert!(accel[..9].iter().all(Option::is_none), "9 candles are not enough");
        assert_eq!(accel[9], Some(1.0));
    }
}
