//! True range and its average.

use crate::indicator::{Bar, Indicator, Param, Past, Units};
use crate::indicators::ema::Exponential;
use crate::saved_by_copy;

/// `atr(period)`: Wilder's average of true ranges, in quote currency. TA-Lib `ATR`.
///
/// A true range spans the candle and the close before it, so the first candle has none and the
/// first value comes with candle number `period + 1`.
#[derive(Clone, Copy, Debug)]
pub struct Atr {
    average: Exponential,
    previous_close: Option<f64>,
}

impl Atr {
    /// An average over `period` true ranges.
    pub fn over(period: u32) -> Self {
        Self { average: Exponential::wilder(period), previous_close: None }
    }

    /// Folds one candle; `None` until `period` true ranges were seen.
    #[inline]
    pub fn fold(&mut self, bar: &Bar) -> Option<f64> {
        let previous_close = self.previous_close.replace(bar.close)?;
        self.average.update(true_range(bar, previous_close))
    }

    /// Whether the seed no longer counts.
    pub fn settled(&self) -> bool {
        self.average.converged()
    }
}

/// From the lower of low and previous close to the higher of high and previous close.
#[inline]
pub fn true_range(bar: &Bar, previous_close: f64) -> f64 {
    bar.high.max(previous_close) - bar.low.min(previous_close)
}

impl Indicator for Atr {
    const NAME: &'static str = "atr";
    const PARAMS: &'static [Param] = &[Param::period("period", 1, 14)];
    const OUTPUTS: &'static [&'static str] = &[""];

    fn new(params: &[f64], _units: Units) -> Self {
        Self::over(params[0] as u32)
    }

    #[inline]
    fn update(&mut self, bar: &Bar, _past: &Past<'_>, out: &mut [Option<f64>]) {
        out[0] = self.fold(bar);
    }

    fn converged(&self) -> bool {
        self.settled()
    }

    saved_by_copy!();
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::indicators::testing::{
        Series, assert_close, assert_talib, delayed, smoothed, true_ranges,
    };

    #[test]
    fn agrees_with_talib() {
        assert_talib::<Atr>(&[14.0], &["atr_14"], 0.0);
    }

    #[test]
    fn a_hand_checked_series() {
        // Candles without range: true ranges are the moves 3, 1, 2, 6.
        let got = Series::of_closes(&[100, 400, 300, 500, 1_100]).columns::<Atr>(&[3.0]);
        assert_close(&got[0], &[None, None, None, Some(2.0), Some(10.0 / 3.0)], 0.0);
    }

    #[test]
    fn agrees_with_weights_written_out() {
        for series in Series::all_kinds(14, 300) {
            let want = delayed(&smoothed(&true_ranges(&series), 9, 1.0 / 9.0), 1);
            assert_close(&series.columns::<Atr>(&[9.0])[0], &want, 0.0);
        }
    }

    #[test]
    fn a_gap_between_candles_counts() {
        let mut series = Series::flat(500, 3);
        series.candles[2].high.0 = 900;
        series.candles[2].low.0 = 800;
        series.candles[2].close.0 = 850;
        series.candles[2].open.0 = 850;
        assert_eq!(series.columns::<Atr>(&[1.0])[0], [None, Some(0.0), Some(4.0)]);
    }
}
