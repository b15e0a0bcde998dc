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
        if let Some(leaving) = self.window.slide(past, |leaving| *leaving) {
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::indicators::testing::{Series, assert_close, assert_talib, over_windows};

    #[test]
    fn equals_talib() {
        assert_talib::<Mfi>(&[14.0], &["mfi_14"], 100.0);
    }

    #[test]
    fn equals_flows_added_up_over_each_window() {
        for series in Series::all_kinds(24, 500) {
            let thrice = |i: usize| thrice_typical(&series.candles[i]);
            let volumes = series.volumes();
            for period in [2, 14] {
                let want = over_windows(volumes.len(), period + 1, |window| {
                    let flow = |i: &usize| thrice(*i) as f64 * volumes[*i];
                    let changes = || window.clone().skip(1);
                    let up: f64 =
                        changes().filter(|&i| thrice(i) > thrice(i - 1)).map(|i| flow(&i)).sum();
                    let down: f64 =
                        changes().filter(|&i| thrice(i) < thrice(i - 1)).map(|i| flow(&i)).sum();
                    Some(if up + down > 0.0 { 100.0 * up / (up + down) } else { 0.0 })
                });
                assert_close(&series.columns::<Mfi>(&[period as f64])[0], &want, 100.0);
            }
        }
    }

    #[test]
    fn is_at_the_ends_for_one_way_series_and_zero_without_flow() {
        let at = |closes: &[i64]| Series::of_closes(closes).columns::<Mfi>(&[14.0])[0].clone();
        let rising = at(&(1..=20).collect::<Vec<_>>());
        assert!(rising[..14].iter().all(Option::is_none), "14 changes need 15 candles");
        assert!(rising[14..].iter().all(|&value| value == Some(100.0)));
        let falling = at(&(1..=20).rev().collect::<Vec<_>>());
        assert!(falling[14..].iter().all(|&value| value == Some(0.0)));
        assert!(at(&[5; 20])[14..].iter().all(|&value| value == Some(0.0)));
    }

    #[test]
    fn a_scale_changes_no_bit() {
        let series = Series::random(25, 300);
        let scaled = series.with_prices(|price| price * 1024);
        assert_eq!(scaled.columns::<Mfi>(&[14.0]), series.columns::<Mfi>(&[14.0]));
    }
}
