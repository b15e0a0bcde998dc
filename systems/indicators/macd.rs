//! Moving average convergence and divergence.

use crate::indicator::{Bar, Indicator, Param, Past, Units};
use crate::indicators::ema::Exponential;
use crate::saved_by_copy;

/// `macd(fast, slow, signal)`: the fast less the slow EMA of the close, an EMA of that as
/// `signal`, and the difference of the two as `hist`, all in quote currency. TA-Lib `MACD`.
///
/// As there, the fast average is seeded late, by the closes just before the slow one's first
/// value, and nothing is said before the signal is ready: `slow + signal - 1` candles.
#[derive(Clone, Copy, Debug)]
pub struct Macd {
    fast: Exponential,
    slow: Exponential,
    signal: Exponential,
    /// Closes that the fast average still leaves out.
    fast_waits: u32,
    /// Candles until the seeds of slow and signal no longer count.
    settles_in: u32,
}

impl Indicator for Macd {
    const NAME: &'static str = "macd";
    const PARAMS: &'static [Param] = &[
        Param::period("fast", 2, 12),
        Param::period("slow", 3, 26),
        Param::period("signal", 1, 9),
    ];
    const OUTPUTS: &'static [&'static str] = &["", "signal", "hist"];

    fn new(params: &[f64], _units: Units) -> Self {
        let [fast, slow, signal] = [params[0] as u32, params[1] as u32, params[2] as u32];
        Self {
            fast: Exponential::new(fast),
            slow: Exponential::new(slow),
            signal: Exponential::new(signal),
            fast_waits: slow - fast,
            settles_in: 8 * (slow + signal),
        }
    }

    fn check(params: &[f64]) -> Result<(), &'static str> {
        if params[0] < params[1] { Ok(()) } else { Err("fast must be below slow") }
    }

    #[inline]
    fn update(&mut self, bar: &Bar, _past: &Past<'_>, out: &mut [Option<f64>]) {
        self.settles_in = self.settles_in.saturating_sub(1);
        let slow = self.slow.update(bar.close);
        if self.fast_waits > 0 {
            self.fast_waits -= 1;
            return;
        }
        let fast = self.fast.update(bar.close);
        let Some((fast, slow)) = fast.zip(slow) else { return };
        let macd = fast - slow;
        if let Some(signal) = self.signal.update(macd) {
            out.copy_from_slice(&[Some(macd), Some(signal), Some(macd - signal)]);
        }
    }

    fn converged(&self) -> bool {
        self.settles_in == 0
    }

    saved_by_copy!();
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::indicators::testing::{Series, assert_close, assert_talib, delayed, smoothed};

    #[test]
    fn agrees_with_talib() {
        let columns = ["macd_12_26_9", "macd_12_26_9_signal", "macd_12_26_9_hist"];
        // A difference of prices near 100 carries their rounding, about 1e-14.
        assert_talib::<Macd>(&[12.0, 26.0, 9.0], &columns, 1e-3);
    }

    #[test]
    fn a_hand_checked_series() {
        // Slow: mean of 1, 2, 6 = 3, then 3 + (5 - 3) / 2 = 4. Fast leaves out the 1:
        // mean of 2, 6 = 4, then 4 + (5 - 4) * 2/3. The signal's seed is the mean of 1 and 2/3.
        let got = Series::of_closes(&[100, 200, 600, 500]).columns::<Macd>(&[2.0, 3.0, 2.0]);
        let rows: Vec<_> = got.iter().map(|column| column[3]).collect();
        assert!(got.iter().all(|column| column[..3] == [None; 3]));
        assert_close(&rows, &[Some(2.0 / 3.0), Some(5.0 / 6.0), Some(-1.0 / 6.0)], 0.0);
    }

    #[test]
    fn agrees_with_weights_written_out() {
        for series in Series::all_kinds(16, 300) {
            let closes = series.closes();
            let slow = smoothed(&closes, 11, 2.0 / 12.0);
            let fast = delayed(&smoothed(&closes[6..], 5, 2.0 / 6.0), 6);
            let lines: Vec<f64> = fast
                .iter()
                .zip(&slow)
                .filter_map(|(fast, slow)| Some((*fast)? - (*slow)?))
                .collect();
            let signal = delayed(&smoothed(&lines, 4, 2.0 / 5.0), 10);
            let line = |row: usize| signal[row].map(|_| lines[row - 10]);
            let want: Vec<_> = (0..300).map(line).collect();
            let got = series.columns::<Macd>(&[5.0, 11.0, 4.0]);
            let scale = closes[0];
            assert_close(&got[0], &want, scale);
            assert_close(&got[1], &signal, scale);
            let hist = |row: usize| Some(want[row]? - signal[row]?);
            assert_close(&got[2], &(0..300).map(hist).collect::<Vec<_>>(), scale);
        }
    }

    #[test]
    fn where_the_series_began_no_longer_counts_when_converged() {
        for params in [[12.0, 26.0, 9.0], [25.0, 26.0, 26.0], [2.0, 3.0, 50.0]] {
            let closes: Vec<i64> = (0..800).map(|row| i64::from(row < params[1] as i32)).collect();
            let values = Series::of_closes(&closes).values::<Macd>(&params);
            for column in values {
                let first = column.iter().find(|value| value.converged).unwrap();
                // In units of 0.01, the size of the disturbance.
                assert!(first.number.unwrap().abs() < 1e-8, "{params:?}: {first:?}");
            }
        }
    }
}
