//! Supertrend.

use crate::indicator::{Bar, Indicator, Param, Past, Units};
use crate::indicators::atr::Atr;
use crate::saved_by_copy;

/// `supertrend(period, factor)`: the plain output is the line that the close must cross to turn
/// the trend, in quote currency; `direction` is +1 while the line is below prices, else -1.
///
/// Olivier Seban's indicator, not in TA-Lib; conventions are those of TradingView's
/// `ta.supertrend`. The bands are `(high + low) / 2` plus and minus `factor` times Wilder's ATR. A
/// band only moves towards prices until the close before has crossed it. The trend begins
/// downward with the first ATR, and turns when the close crosses the band that is its line.
#[derive(Clone, Copy, Debug)]
pub struct Supertrend {
    range: Atr,
    factor: f64,
    trend: Option<Trend>,
}

#[derive(Clone, Copy, Debug)]
struct Trend {
    upper: f64,
    lower: f64,
    close: f64,
    up: bool,
    /// Whether a close has crossed the upper and the lower band since the range settled: from
    /// then on neither band remembers where the series began.
    crossed: (bool, bool),
}

impl Trend {
    /// The trend after one more close, given the bands around it.
    fn next(previous: Option<Self>, upper: f64, lower: f64, close: f64) -> Self {
        let Some(last) = previous else {
            return Self { upper, lower, close, up: false, crossed: (false, false) };
        };
        let upper = if last.close > last.upper { upper } else { upper.min(last.upper) };
        let lower = if last.close < last.lower { lower } else { lower.max(last.lower) };
        let up = if last.up { close >= lower } else { close > upper };
        Self { upper, lower, close, up, crossed: last.crossed }
    }
}

impl Indicator for Supertrend {
    const NAME: &'static str = "supertrend";
    const PARAMS: &'static [Param] =
        &[Param::period("period", 1, 10), Param::factor("factor", 3.0)];
    const OUTPUTS: &'static [&'static str] = &["", "direction"];

    fn new(params: &[f64], _units: Units) -> Self {
        Self { range: Atr::over(params[0] as u32), factor: params[1], trend: None }
    }

    fn update(&mut self, bar: &Bar, _past: &Past<'_>, out: &mut [Option<f64>]) {
        let Some(range) = self.range.fold(bar) else { return };
        let middle = (bar.high + bar.low) / 2.0;
        let half = self.factor * range;
        let mut trend = Trend::next(self.trend, middle + half, middle - half, bar.close);
        if self.range.settled() {
            trend.crossed.0 |= trend.close > trend.upper;
            trend.crossed.1 |= trend.close < trend.lower;
        }
        self.trend = Some(trend);
        let (line, direction) = if trend.up { (trend.lower, 1.0) } else { (trend.upper, -1.0) };
        out.copy_from_slice(&[Some(line), Some(direction)]);
    }

    fn converged(&self) -> bool {
        self.trend.is_some_and(|trend| trend.crossed == (true, true))
    }

    saved_by_copy!();
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::indicators::testing::{
        Column, Series, assert_close, delayed, smoothed, true_ranges,
    };

    #[test]
    fn a_hand_checked_series() {
        // No range within candles, period 1, factor 1: bands are the close -+ its own move.
        // closes     5        6          8         8          4         5
        // basic      -      7 / 5     10 / 6     8 / 8     8 / 0     6 / 4
        // final      -      7 / 5      7 / 6     8 / 8     8 / 8     6 / 4
        let got =
            Series::of_closes(&[500, 600, 800, 800, 400, 500]).columns::<Supertrend>(&[1.0, 1.0]);
        let line = [None, Some(7.0), Some(6.0), Some(8.0), Some(8.0), Some(6.0)];
        let direction = [None, Some(-1.0), Some(1.0), Some(1.0), Some(-1.0), Some(-1.0)];
        assert_eq!(got, [line, direction]);
    }

    /// Both columns after TradingView's published source, with whole columns of bands.
    fn by_columns(series: &Series, factor: f64, ranges: &Column) -> [Column; 2] {
        let (highs, lows, closes) = (series.highs(), series.lows(), series.closes());
        let [mut line, mut direction]: [Column; 2] = Default::default();
        let [mut uppers, mut lowers]: [Column; 2] = Default::default();
        for row in 0..closes.len() {
            let basic =
                |side| ranges[row].map(|r| (highs[row] + lows[row]) / 2.0 + side * factor * r);
            let (mut upper, mut lower) = (basic(1.0), basic(-1.0));
            let mut now = upper.map(|_| -1.0);
            let before = row.checked_sub(1).filter(|&before| ranges[before].is_some());
            if let Some(before) = before {
                if !(upper < uppers[before] || Some(closes[before]) > uppers[before]) {
                    upper = uppers[before];
                }
                if !(lower > lowers[before] || Some(closes[before]) < lowers[before]) {
                    lower = lowers[before];
                }
                now = match direction[before] {
                    Some(-1.0) if Some(closes[row]) > upper => Some(1.0),
                    Some(1.0) if Some(closes[row]) < lower => Some(-1.0),
                    same => same,
                };
            }
            uppers.push(upper);
            lowers.push(lower);
            direction.push(now);
            line.push(if now == Some(1.0) { lower } else { upper });
        }
        [line, direction]
    }

    #[test]
    fn agrees_with_the_published_source() {
        for series in [Series::random(21, 600), Series::huge(21, 600)] {
            let ranges = delayed(&smoothed(&true_ranges(&series), 9, 1.0 / 9.0), 1);
            let want = by_columns(&series, 1.5, &ranges);
            let got = series.columns::<Supertrend>(&[9.0, 1.5]);
            assert!(want[1].contains(&Some(1.0)) && want[1].contains(&Some(-1.0)));
            assert_close(&got[0], &want[0], 0.0);
            assert_eq!(got[1], want[1]);
        }
    }

    #[test]
    fn where_the_series_began_no_longer_counts_when_converged() {
        let whole = Series::random(22, 3_000);
        let tail = Series { candles: whole.candles[1_000..].to_vec(), ..whole.clone() };
        let [want, got] = [whole, tail].map(|series| series.values::<Supertrend>(&[10.0, 2.0]));
        let first = got[1].iter().position(|value| value.converged).unwrap();
        for row in first..2_000 {
            assert_eq!(got[1][row], want[1][1_000 + row]);
            let (got, want) = (got[0][row].number.unwrap(), want[0][1_000 + row].number.unwrap());
            assert!((got - want).abs() < 1e-6 * want, "{row}: {got} {want}");
        }
    }
}
