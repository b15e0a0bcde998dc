//! Exponential moving average.

use crate::indicator::{Bar, Indicator, Param, Past, Units};
use crate::saved_by_copy;

/// An average in which each input weighs `1 - alpha` times as much as the next, shared by every
/// indicator that smooths this way.
///
/// `average += alpha * (input - average)`, seeded by the simple mean of the first `period` inputs,
/// as TA-Lib does.
#[derive(Clone, Copy, Debug)]
pub struct Exponential {
    alpha: f64,
    period: u32,
    seen: u32,
    /// Sum of the inputs while seeding, the average afterwards.
    value: f64,
}

impl Exponential {
    /// The usual average over `period` inputs: `alpha = 2 / (period + 1)`.
    pub fn new(period: u32) -> Self {
        Self { alpha: 2.0 / (f64::from(period) + 1.0), period, seen: 0, value: 0.0 }
    }

    /// Wilder's smoothing over `period` inputs: `alpha = 1 / period`.
    pub fn wilder(period: u32) -> Self {
        Self { alpha: 1.0 / f64::from(period), period, seen: 0, value: 0.0 }
    }

    /// Takes one input; `None` until `period` inputs were seen.
    #[inline]
    pub fn update(&mut self, input: f64) -> Option<f64> {
        self.seen = self.seen.saturating_add(1);
        if self.seen > self.period {
            self.value += self.alpha * (input - self.value);
            return Some(self.value);
        }
        self.value += input;
        if self.seen < self.period {
            return None;
        }
        self.value /= f64::from(self.period);
        Some(self.value)
    }

    /// Inputs seen, for averages of averages.
    pub fn seen(&self) -> u32 {
        self.seen
    }

    /// Whether the seed's weight, `(1 - alpha) ^ inputs since`, has fallen below `e^-14 < 1e-6`.
    pub fn converged(&self) -> bool {
        f64::from(self.seen.saturating_sub(self.period)) * self.alpha >= 14.0
    }
}

/// `ema(period)`: exponential moving average of the close. TA-Lib `EMA`.
#[derive(Clone, Copy, Debug)]
pub struct Ema(Exponential);

impl Indicator for Ema {
    const NAME: &'static str = "ema";
    const PARAMS: &'static [Param] = &[Param::period("period", 1, 20)];
    const OUTPUTS: &'static [&'static str] = &[""];

    fn new(params: &[f64], _units: Units) -> Self {
        Self(Exponential::new(params[0] as u32))
    }

    #[inline]
    fn update(&mut self, bar: &Bar, _past: &Past<'_>, out: &mut [Option<f64>]) {
        out[0] = self.0.update(bar.close);
    }

    fn converged(&self) -> bool {
        self.0.converged()
    }

    saved_by_copy!();
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::indicators::testing::{Series, assert_close, assert_talib, smoothed};

    #[test]
    fn agrees_with_talib() {
        assert_talib::<Ema>(&[12.0], &["ema_12"], 0.0);
        assert_talib::<Ema>(&[26.0], &["ema_26"], 0.0);
    }

    #[test]
    fn a_hand_checked_series() {
        // alpha = 1/2; the seed is (2 + 4 + 6) / 3 = 4, then 4 + (10 - 4) / 2, 7 + (1 - 7) / 2.
        let got = Series::of_closes(&[200, 400, 600, 1_000, 100]).columns::<Ema>(&[3.0]);
        assert_eq!(got, [[None, None, Some(4.0), Some(7.0), Some(4.0)]]);
    }

    #[test]
    fn agrees_with_weights_written_out() {
        for series in Series::all_kinds(11, 300) {
            let want = smoothed(&series.closes(), 10, 2.0 / 11.0);
            assert_close(&series.columns::<Ema>(&[10.0])[0], &want, 0.0);
        }
    }

    #[test]
    fn a_constant_stays_itself() {
        let got = Series::flat(12_345, 50).columns::<Ema>(&[7.0]);
        let want: Vec<_> = (0..50).map(|row| (row >= 6).then_some(123.45)).collect();
        assert_close(&got[0], &want, 0.0);
    }

    #[test]
    fn the_seed_no_longer_counts_when_converged() {
        for average in [1, 2, 14, 5_000].map(Exponential::new) {
            assert_forgets(average);
        }
        for average in [1, 2, 14, 5_000].map(Exponential::wilder) {
            assert_forgets(average);
        }
    }

    #[track_caller]
    fn assert_forgets(mut average: Exponential) {
        while !average.converged() {
            average.update(if average.seen < average.period { 1.0 } else { 0.0 });
        }
        assert!(average.value < 1e-6, "{average:?}");
    }
}
