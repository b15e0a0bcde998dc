//! Relative strength index.

use crate::indicator::{Bar, Indicator, Param, Past, Units};
use crate::indicators::ema::Exponential;
use crate::saved_by_copy;

/// `rsi(period)`: `100 * gain / (gain + loss)`, Wilder's averages of rises and falls of the close,
/// from 0 to 100. TA-Lib `RSI`.
///
/// The first value comes with the close number `period + 1`. A series that never moved says 50,
/// neither strong nor weak; TA-Lib says 0 there, which reads as extremely weak.
#[derive(Clone, Copy, Debug)]
pub struct Rsi {
    gain: Exponential,
    loss: Exponential,
    previous: Option<f64>,
}

impl Indicator for Rsi {
    const NAME: &'static str = "rsi";
    const PARAMS: &'static [Param] = &[Param::period("period", 2, 14)];
    const OUTPUTS: &'static [&'static str] = &[""];

    fn new(params: &[f64], _units: Units) -> Self {
        let average = Exponential::wilder(params[0] as u32);
        Self { gain: average, loss: average, previous: None }
    }

    #[inline]
    fn update(&mut self, bar: &Bar, _past: &Past<'_>, out: &mut [Option<f64>]) {
        let Some(previous) = self.previous.replace(bar.close) else { return };
        let change = bar.close - previous;
        let gain = self.gain.update(change.max(0.0));
        let loss = self.loss.update((-change).max(0.0));
        out[0] = gain.zip(loss).map(|(gain, loss)| strength(gain, loss));
    }

    fn converged(&self) -> bool {
        self.gain.converged()
    }

    saved_by_copy!();
}

fn strength(gain: f64, loss: f64) -> f64 {
    let movement = gain + loss;
    if movement > 0.0 { 100.0 * (gain / movement) } else { 50.0 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::indicators::testing::{Series, assert_close, assert_talib, delayed, smoothed};

    /// Closes of the worked example at StockCharts ("RSI", ChartSchool), which follows Wilder.
    const TEXTBOOK: [i64; 20] = [
        443_389, 440_902, 441_497, 436_124, 443_278, 448_264, 450_955, 454_245, 458_433, 460_826,
        458_931, 460_328, 456_140, 462_820, 462_820, 460_028, 460_328, 464_116, 462_222, 456_439,
    ];

    #[test]
    fn agrees_with_talib() {
        assert_talib::<Rsi>(&[14.0], &["rsi_14"], 0.0);
    }

    #[test]
    fn the_textbook_series() {
        let got = Series::of_closes(&TEXTBOOK).columns::<Rsi>(&[14.0]);
        let rounded: Vec<_> =
            got[0].iter().map(|value| value.map(|value| (value * 100.0).round())).collect();
        let published = [7_053.0, 6_632.0, 6_655.0, 6_941.0, 6_636.0, 5_797.0].map(Some);
        assert_eq!(rounded[..14], [None; 14]);
        assert_eq!(rounded[14..], published);
    }

    #[test]
    fn agrees_with_weights_written_out() {
        for series in Series::all_kinds(13, 300) {
            let closes = series.closes();
            let moves = |sign: f64| -> Vec<f64> {
                closes.windows(2).map(|pair| ((pair[1] - pair[0]) * sign).max(0.0)).collect()
            };
            let gains = smoothed(&moves(1.0), 9, 1.0 / 9.0);
            let losses = smoothed(&moves(-1.0), 9, 1.0 / 9.0);
            let ratio = |(gain, loss): (&Option<f64>, &Option<f64>)| {
                Some(100.0 - 100.0 / (1.0 + (*gain)? / (*loss)?))
            };
            let want: Vec<_> = gains.iter().zip(&losses).map(ratio).collect();
            assert_close(&series.columns::<Rsi>(&[9.0])[0], &delayed(&want, 1), 1.0);
        }
    }

    #[test]
    fn flat_rising_and_falling_series_have_fixed_values() {
        let rising: Vec<i64> = (1..40).collect();
        let falling: Vec<i64> = (1..40).rev().collect();
        for (closes, want) in [(vec![500; 39], 50.0), (rising, 100.0), (falling, 0.0)] {
            let got = Series::of_closes(&closes).columns::<Rsi>(&[14.0]);
            assert_eq!(got[0][13], None);
            assert!(got[0][14..].iter().all(|&value| value == Some(want)), "{want}: {got:?}");
        }
    }

    #[test]
    fn a_fall_after_a_rally_is_seen() {
        // The average loss is zero until the last close; the close before it must not be lost.
        let got = Series::of_closes(&[100, 200, 300, 400, 300]).columns::<Rsi>(&[3.0]);
        // Gains (1 + 1 + 1) / 3 = 1, then 1 * 2/3; losses 0, then 1/3.
        assert_close(&got[0], &[None, None, None, Some(100.0), Some(200.0 / 3.0)], 0.0);
    }
}
