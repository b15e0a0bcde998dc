//! Rate of change.

use crate::indicator::{Bar, Indicator, Param, Past, Units};
use crate::saved_by_copy;

/// `roc(period)`: the close against the one `period` candles before, in percent:
/// `100 * (close - before) / before`. TA-Lib `ROC`.
///
/// The difference is taken in integers, so small changes of large prices keep all their digits.
#[derive(Clone, Copy, Debug)]
pub struct Roc {
    period: usize,
}

impl Indicator for Roc {
    const NAME: &'static str = "roc";
    const PARAMS: &'static [Param] = &[Param::period("period", 1, 10)];
    const OUTPUTS: &'static [&'static str] = &[""];

    fn new(params: &[f64], _units: Units) -> Self {
        Self { period: params[0] as usize }
    }

    fn reach(params: &[f64]) -> usize {
        params[0] as usize
    }

    fn update(&mut self, bar: &Bar, past: &Past<'_>, out: &mut [Option<f64>]) {
        let before = past.read(self.period, |candle| candle.close.0);
        out[0] = before.filter(|&before| before > 0).map(|before| {
            let change = bar.candle.close.0 - before;
            100.0 * change as f64 / before as f64
        });
    }

    fn converged(&self) -> bool {
        true
    }

    saved_by_copy!();
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::indicators::testing::{Series, assert_close, assert_talib};

    #[test]
    fn agrees_with_talib() {
        // TA-Lib subtracts 1 from a ratio, which leaves about 1e-14 of rounding in the percent.
        assert_talib::<Roc>(&[10.0], &["roc_10"], 1e-3);
    }

    #[test]
    fn a_hand_checked_series() {
        let got = Series::of_closes(&[200, 400, 300, 300, 360]).columns::<Roc>(&[2.0]);
        assert_eq!(got, [[None, None, Some(50.0), Some(-25.0), Some(20.0)]]);
    }

    #[test]
    fn agrees_with_the_ratio_of_closes() {
        for series in Series::all_kinds(18, 300) {
            let closes = series.closes();
            let percent =
                |row: usize| Some((closes[row] / closes[row.checked_sub(7)?] - 1.0) * 1e2);
            let want: Vec<_> = (0..300).map(percent).collect();
            assert_close(&series.columns::<Roc>(&[7.0])[0], &want, 1e-3);
        }
    }
}
