//! Directional movement.

use crate::indicator::{Bar, Indicator, Param, Past, Units};
use crate::indicators::atr::true_range;
use crate::indicators::ema::Exponential;
use crate::saved_by_copy;

/// `adx(period)`: how strongly prices trend, 0 to 100, as the plain output; and `plus_di` and
/// `minus_di`, how much of the true range went up and down, in percent. TA-Lib `ADX`, `PLUS_DI`,
/// `MINUS_DI`; J. Welles Wilder, "New Concepts in Technical Trading Systems" (1978).
///
/// As there: the averages count the first candle as one without range or movement; DI come with
/// candle number `period + 1`, ADX with number `2 * period`; without any range DI are 0; and
/// where neither side moved, ADX stays as it is. Movements are compared as floats as TA-Lib does,
/// where two that are equal in ticks may differ in the last bit and one of them wins.
#[derive(Clone, Copy, Debug)]
pub struct Adx {
    period: u32,
    range: Exponential,
    plus: Exponential,
    minus: Exponential,
    trend: Exponential,
    /// The latest trend; 0 while its average is seeded.
    latest: f64,
    previous: Option<Extremes>,
}

#[derive(Clone, Copy, Debug)]
struct Extremes {
    high: f64,
    low: f64,
    close: f64,
}

impl Adx {
    /// Averages of true range, upward and downward movement, once they hold a whole period.
    fn averages(&mut self, bar: &Bar) -> Option<(f64, f64, f64)> {
        let now = Extremes { high: bar.high, low: bar.low, close: bar.close };
        let (range, plus, minus) = match self.previous.replace(now) {
            Some(previous) => {
                let (plus, minus) = movements(bar.high - previous.high, previous.low - bar.low);
                (true_range(bar, previous.close), plus, minus)
            }
            None => (0.0, 0.0, 0.0),
        };
        let range = self.range.update(range);
        let plus = self.plus.update(plus);
        let minus = self.minus.update(minus);
        if self.range.seen() <= self.period {
            return None;
        }
        Some((range?, plus?, minus?))
    }
}

/// The larger of an upward and a downward movement counts, and only if it is one.
fn movements(up: f64, down: f64) -> (f64, f64) {
    if up > down && up > 0.0 {
        (up, 0.0)
    } else if down > up && down > 0.0 {
        (0.0, down)
    } else {
        (0.0, 0.0)
    }
}

impl Indicator for Adx {
    const NAME: &'static str = "adx";
    const PARAMS: &'static [Param] = &[Param::period("period", 2, 14)];
    const OUTPUTS: &'static [&'static str] = &["", "=plus_di", "=minus_di"];

    fn new(params: &[f64], _units: Units) -> Self {
        let period = params[0] as u32;
        let average = Exponential::wilder(period);
        Self {
            period,
            range: average,
            plus: average,
            minus: average,
            trend: average,
            latest: 0.0,
            previous: None,
        }
    }

    fn update(&mut self, bar: &Bar, _past: &Past<'_>, out: &mut [Option<f64>]) {
        let Some((range, plus, minus)) = self.averages(bar) else { return };
        let percent = if range > 0.0 { 100.0 / range } else { 0.0 };
        let moved = plus + minus;
        let strength =
            if moved > 0.0 { 100.0 * ((plus - minus).abs() / moved) } else { self.latest };
        let trend = self.trend.update(strength);
        self.latest = trend.unwrap_or_default();
        out.copy_from_slice(&[trend, Some(plus * percent), Some(minus * percent)]);
    }

    fn converged(&self) -> bool {
        // An average of averages: after u periods the first seed weighs about (1 + u) * e^-u.
        self.trend.seen() >= 17 * self.period
    }

    saved_by_copy!();
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::indicators::testing::{
        Column, Series, assert_close, assert_talib, delayed, smoothed, true_ranges,
    };

    #[test]
    fn agrees_with_talib() {
        assert_talib::<Adx>(&[14.0], &["adx_14", "plus_di_14", "minus_di_14"], 0.0);
    }

    #[test]
    fn a_hand_checked_series() {
        // Moves +1, +2, -1, +3 with period 2, no range within candles. Sums by Wilder's rule
        // "less one half, plus the new one": range 1, 2.5, 2.25, 4.125; up 1, 2.5, 1.25, 3.625.
        let got = Series::of_closes(&[100, 200, 400, 300, 600]).columns::<Adx>(&[2.0]);
        let (up, down) = (125.0 / 2.25, 100.0 / 2.25);
        let (later_up, later_down) = (362.5 / 4.125, 50.0 / 4.125);
        let trend = (100.0 + (up - down)) / 2.0;
        let later = (trend + (later_up - later_down)) / 2.0;
        assert_close(&got[0], &[None, None, None, Some(trend), Some(later)], 0.0);
        assert_close(&got[1], &[None, None, Some(100.0), Some(up), Some(later_up)], 0.0);
        assert_close(&got[2], &[None, None, Some(0.0), Some(down), Some(later_down)], 0.0);
    }

    /// A Wilder sum: the mean of `period` inputs of which the first is nothing.
    fn averaged(inputs: &[f64]) -> Column {
        let inputs: Vec<f64> = core::iter::once(0.0).chain(inputs.iter().copied()).collect();
        let mut column = smoothed(&inputs, 8, 1.0 / 8.0);
        column[7] = None;
        column
    }

    #[test]
    fn agrees_with_weights_written_out() {
        for series in Series::all_kinds(19, 300) {
            let (highs, lows) = (series.highs(), series.lows());
            let moves = |row: usize| (highs[row] - highs[row - 1], lows[row - 1] - lows[row]);
            let counted = |mine: f64, other: f64| if mine > other { mine.max(0.0) } else { 0.0 };
            let ups: Vec<f64> = (1..300).map(moves).map(|(up, down)| counted(up, down)).collect();
            let downs: Vec<f64> = (1..300).map(moves).map(|(up, down)| counted(down, up)).collect();
            let range = averaged(&true_ranges(&series));
            let percent = |column: Column| -> Column {
                column
                    .iter()
                    .zip(&range)
                    .map(|(part, range)| Some(1e2 * (*part)? / (*range)?))
                    .collect()
            };
            let (plus, minus) = (percent(averaged(&ups)), percent(averaged(&downs)));
            let sides = plus.iter().zip(&minus).filter_map(|(plus, minus)| (*plus).zip(*minus));
            let strengths: Vec<f64> =
                sides.map(|(plus, minus)| 1e2 * (plus - minus).abs() / (plus + minus)).collect();
            let trend = delayed(&smoothed(&strengths, 8, 1.0 / 8.0), 8);
            let got = series.columns::<Adx>(&[8.0]);
            assert_close(&got[0], &trend, 1.0);
            assert_close(&got[1], &plus, 1.0);
            assert_close(&got[2], &minus, 1.0);
        }
    }

    #[test]
    fn a_flat_series_has_no_direction() {
        // TA-Lib says the same.
        let got = Series::flat(500, 40).columns::<Adx>(&[14.0]);
        assert!(got[0][27..].iter().chain(&got[1][14..]).all(|&value| value == Some(0.0)));
    }

    #[test]
    fn the_trend_stays_while_neither_side_moves() {
        // A rise and then candles that only widen evenly: range, but no movement.
        let mut series = Series::of_closes(&[100, 200, 300, 400, 500, 500, 500]);
        series.candles[5].high.0 += 10;
        series.candles[5].low.0 -= 10;
        let got = series.columns::<Adx>(&[2.0]);
        assert_eq!(got[0][4..], [Some(100.0); 3]);
    }
}
