//! Slow stochastic oscillator.

use crate::candle::Candle;
use crate::indicator::{Bar, Indicator, Param, Past, Units};
use crate::indicators::extreme::Range;
use crate::indicators::window::to_f64;

/// One as a fixed-point fraction. Fractions are integers here, so that their sums are exact and
/// what left a window leaves no trace; 2^-50 is less than the last digit of a percentage's float.
const ONE: f64 = (1u64 << 50) as f64;

/// `stoch(period,k,d)`: where the close is in the range of the last `period` candles, in percent,
/// averaged over `k` candles, and the average of that over `d`. TA-Lib `STOCH` with simple
/// averages: both are ready together, and a close in an empty range counts as 0.
///
/// Rolling back reads `period + k + d` candles again.
#[derive(Clone, Debug)]
pub struct Stoch {
    range: Range,
    /// Sums of `k` fractions.
    slow: Running,
    /// Sums of `d` sums of `k` fractions.
    signal: Running,
}

/// What a candle adds: each `None` until the one before was ready for long enough.
struct Step {
    fraction: Option<i128>,
    slow: Option<i128>,
    signal: Option<i128>,
}

impl Stoch {
    fn step(&self, position: u64, candle: &Candle) -> Step {
        let fraction = self.range.with(position, candle).map(|(highest, lowest)| {
            let above = candle.close.0 - lowest.0;
            // At least 1, since in an empty range nothing is above its bottom either.
            let range = (highest.0 - lowest.0).max(1);
            (above as f64 / range as f64 * ONE).round() as i128
        });
        let slow = fraction.and_then(|fraction| self.slow.with(fraction));
        let signal = slow.and_then(|slow| self.signal.with(slow));
        Step { fraction, slow, signal }
    }

    fn push(&mut self, position: u64, candle: &Candle, step: &Step) {
        self.range.push(position, candle);
        if let Some(fraction) = step.fraction {
            self.slow.push(fraction);
        }
        if let Some(slow) = step.slow {
            self.signal.push(slow);
        }
    }

    fn write(&self, step: &Step, out: &mut [Option<f64>]) {
        if let (Some(slow), Some(signal)) = (step.slow, step.signal) {
            let k = self.slow.period() * ONE;
            out[0] = Some(100.0 * (to_f64(slow) / k));
            out[1] = Some(100.0 * (to_f64(signal) / (k * self.signal.period())));
        }
    }
}

impl Indicator for Stoch {
    const NAME: &'static str = "stoch";
    const PARAMS: &'static [Param] =
        &[Param::period("period", 1, 14), Param::period("k", 1, 3), Param::period("d", 1, 3)];
    const OUTPUTS: &'static [&'static str] = &["k", "d"];
    type Saved = ();

    fn new(params: &[f64], _units: Units) -> Self {
        Self {
            range: Range::new(params[0] as usize),
            slow: Running::new(params[1] as usize),
            signal: Running::new(params[2] as usize),
        }
    }

    fn reach(params: &[f64]) -> usize {
        params.iter().sum::<f64>() as usize
    }

    fn update(&mut self, bar: &Bar, past: &Past<'_>, out: &mut [Option<f64>]) {
        let step = self.step(past.count(), &bar.candle);
        self.write(&step, out);
        self.push(past.count(), &bar.candle, &step);
    }

    fn peek(&self, bar: &Bar, past: &Past<'_>, out: &mut [Option<f64>]) {
        self.write(&self.step(past.count(), &bar.candle), out);
    }

    fn converged(&self) -> bool {
        self.signal.is_full()
    }

    fn save(&self) {}

    fn restore(&mut self, _saved: &(), past: &Past<'_>) {
        self.range.clear();
        self.slow.clear();
        self.signal.clear();
        let reach = self.range.period() + self.slow.inputs.len() + self.signal.inputs.len();
        for (position, candle) in past.last(reach) {
            let step = self.step(position, &candle);
            self.push(position, &candle, &step);
        }
    }
}

/// Sum of the last inputs, which it keeps: unlike candles they are in no ring.
///
/// Below 2^50 * 2^13 * 2^13 for all periods.
#[derive(Clone, Debug)]
struct Running {
    inputs: Box<[i128]>,
    /// Where the oldest input is, or the next goes.
    at: usize,
    seen: usize,
    sum: i128,
}

impl Running {
    fn new(period: usize) -> Self {
        Self { inputs: vec![0; period].into_boxed_slice(), at: 0, seen: 0, sum: 0 }
    }

    /// The sum if `input` came next; `None` if it would not be over a whole period.
    fn with(&self, input: i128) -> Option<i128> {
        (self.seen + 1 >= self.inputs.len()).then(|| self.sum + input - self.inputs[self.at])
    }

    fn push(&mut self, input: i128) {
        self.sum += input - self.inputs[self.at];
        self.inputs[self.at] = input;
        self.at = if self.at + 1 == self.inputs.len() { 0 } else { self.at + 1 };
        self.seen = self.inputs.len().min(self.seen + 1);
    }

    fn clear(&mut self) {
        self.inputs.fill(0);
        (self.at, self.seen, self.sum) = (0, 0, 0);
    }

    fn is_full(&self) -> bool {
        self.seen == self.inputs.len()
    }

    fn period(&self) -> f64 {
        self.inputs.len() as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::indicators::testing::{Series, assert_close, assert_talib, over_windows};

    #[test]
    fn equals_talib() {
        assert_talib::<Stoch>(&[14.0, 3.0, 3.0], &["stoch_14_3_3_k", "stoch_14_3_3_d"], 100.0);
    }

    /// Means of each window of values that are there; as many rows as `column`.
    fn mean(column: &[Option<f64>], period: usize) -> Vec<Option<f64>> {
        over_windows(column.len(), period, |window| {
            let values: Option<Vec<f64>> = column[window].iter().copied().collect();
            Some(values?.iter().sum::<f64>() / period as f64)
        })
    }

    #[test]
    fn equals_means_of_places_in_each_window() {
        for series in Series::all_kinds(21, 500) {
            let (highs, lows, closes) = (series.highs(), series.lows(), series.closes());
            for (period, k, d) in [(14, 3, 3), (5, 1, 1), (2, 4, 7)] {
                let raw = over_windows(closes.len(), period, |window| {
                    let highest = highs[window.clone()].iter().copied().reduce(f64::max)?;
                    let lowest = lows[window.clone()].iter().copied().reduce(f64::min)?;
                    let above = closes[window.end - 1] - lowest;
                    Some(if highest > lowest { 100.0 * above / (highest - lowest) } else { 0.0 })
                });
                let mut slow = mean(&raw, k);
                let signal = mean(&slow, d);
                // Both are ready together.
                slow[..period + k + d - 3].fill(None);
                let columns = series.columns::<Stoch>(&[period as f64, k as f64, d as f64]);
                assert_close(&columns[0], &slow, 100.0);
                assert_close(&columns[1], &signal, 100.0);
            }
        }
    }

    #[test]
    fn is_at_the_ends_for_one_way_series_and_zero_without_a_range() {
        let at = |closes: &[i64]| Series::of_closes(closes).columns::<Stoch>(&[14.0, 3.0, 3.0]);
        let rising = at(&(1..=20).collect::<Vec<_>>());
        let falling = at(&(1..=20).rev().collect::<Vec<_>>());
        let flat = at(&[5; 20]);
        for (columns, want) in [(rising, 100.0), (falling, 0.0), (flat, 0.0)] {
            for column in columns {
                assert!(column[..17].iter().all(Option::is_none), "17 candles are not enough");
                assert!(column[17..].iter().all(|&value| value == Some(want)));
            }
        }
    }

    #[test]
    fn an_extreme_that_left_leaves_nothing_behind() {
        let mut closes = vec![1; 30];
        closes.extend([1_000_000_000_000_000, 1, 3, 2]);
        closes.extend([5; 40]);
        let columns = Series::of_closes(&closes).columns::<Stoch>(&[14.0, 3.0, 3.0]);
        assert_eq!((columns[0][73], columns[1][73]), (Some(0.0), Some(0.0)));
    }
}
