//! Wilder's moving average.

use crate::indicator::{Bar, Indicator, Param, Past, Units};
use crate::indicators::ema::Exponential;
use crate::saved_by_copy;

/// `rma(period)`: Wilder's smoothing of the close, `alpha = 1 / period`; also called SMMA.
///
/// J. Welles Wilder, "New Concepts in Technical Trading Systems" (1978). TA-Lib smooths this way
/// inside `RSI`, `ATR` and `ADX` but has no function for it alone.
#[derive(Clone, Copy, Debug)]
pub struct Rma(Exponential);

impl Indicator for Rma {
    const NAME: &'static str = "rma";
    const PARAMS: &'static [Param] = &[Param::period("period", 1, 14)];
    const OUTPUTS: &'static [&'static str] = &[""];

    fn new(params: &[f64], _units: Units) -> Self {
        Self(Exponential::wilder(params[0] as u32))
    }

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
    use crate::indicators::ema::Ema;
    use crate::indicators::testing::{Series, assert_close, smoothed};

    #[test]
    fn a_hand_checked_series() {
        // alpha = 1/4; the seed is (1 + 2 + 3 + 6) / 4 = 3, then 3 + (7 - 3) / 4, 4 + (0.8 - 4) / 4.
        let got = Series::of_closes(&[100, 200, 300, 600, 700, 80]).columns::<Rma>(&[4.0]);
        let want = [None, None, None, Some(3.0), Some(4.0), Some(3.2)];
        assert_close(&got[0], &want, 0.0);
    }

    #[test]
    fn agrees_with_weights_written_out() {
        for series in Series::all_kinds(12, 300) {
            let want = smoothed(&series.closes(), 9, 1.0 / 9.0);
            assert_close(&series.columns::<Rma>(&[9.0])[0], &want, 0.0);
        }
    }

    #[test]
    fn has_the_alpha_of_an_ema_of_twice_the_period_less_one() {
        let closes: Vec<i64> = (0..400).map(|row| if row < 27 { 700 } else { 100 + row }).collect();
        let series = Series::of_closes(&closes);
        let (rma, ema) = (series.columns::<Rma>(&[14.0]), series.columns::<Ema>(&[27.0]));
        assert_close(&rma[0][26..], &ema[0][26..], 0.0);
    }
}
