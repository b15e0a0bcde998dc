//! Bollinger bands.

use crate::indicator::{Bar, Indicator, Param, Past, Units};
use crate::indicators::window::Moments;
use crate::saved_by_copy;

/// `bbands(period,deviations)`: mean of the last `period` closes and bands that many standard
/// deviations (of the population) around it. TA-Lib `BBANDS` with a simple average.
///
/// `upper`, `middle`, `lower` are in quote currency. `width` is (upper - lower) / middle;
/// `percent_b` is (close - lower) / (upper - lower), 0 on the lower band and 1 on the upper, and
/// `None` where all closes are equal (John Bollinger, Bollinger on Bollinger Bands, 2001).
#[derive(Clone, Copy, Debug)]
pub struct Bbands {
    moments: Moments,
    deviations: f64,
    /// From a sum in price units to a mean in quote currency.
    divisor: f64,
}

impl Indicator for Bbands {
    const NAME: &'static str = "bbands";
    const PARAMS: &'static [Param] =
        &[Param::period("period", 2, 20), Param::factor("deviations", 2.0)];
    const OUTPUTS: &'static [&'static str] = &["upper", "middle", "lower", "width", "percent_b"];

    fn new(params: &[f64], units: Units) -> Self {
        let divisor = params[0] * units.price;
        Self { moments: Moments::new(params[0]), deviations: params[1], divisor }
    }

    fn reach(params: &[f64]) -> usize {
        params[0] as usize
    }

    #[inline]
    fn update(&mut self, bar: &Bar, past: &Past<'_>, out: &mut [Option<f64>]) {
        let Some(moments) = self.moments.update(&bar.candle, past) else { return };
        let spread = self.deviations * moments.spread();
        let (middle, band) = (moments.sum() / self.divisor, spread / self.divisor);
        out[0] = Some(middle + band);
        out[1] = Some(middle);
        out[2] = Some(middle - band);
        out[3] = Some(2.0 * band / middle);
        if spread > 0.0 {
            out[4] = Some(0.5 + moments.excess(bar.candle.close.0) / (2.0 * spread));
        }
    }

    fn converged(&self) -> bool {
        self.moments.window().is_full()
    }

    saved_by_copy!();
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::indicators::testing::{Column, Series, assert_close, over_windows, talib};

    #[test]
    fn equals_talib() {
        let columns = Series::fixture().columns::<Bbands>(&[20.0, 2.0]);
        for (column, name) in columns.iter().zip(["upper", "middle", "lower"]) {
            assert_close(column, &talib(&format!("bbands_20_2_{name}")), 0.0);
        }
    }

    /// Bands, width and place in the bands of one window, in two passes about the first close.
    fn naive(closes: &[f64], deviations: f64) -> [Option<f64>; 5] {
        let n = closes.len() as f64;
        let from_first: Vec<f64> = closes.iter().map(|x| x - closes[0]).collect();
        let mean = from_first.iter().sum::<f64>() / n;
        let variance = from_first.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / n;
        let band = deviations * variance.sqrt();
        let place = (from_first[closes.len() - 1] - (mean - band)) / (2.0 * band);
        let middle = closes[0] + mean;
        [
            Some(middle + band),
            Some(middle),
            Some(middle - band),
            Some(2.0 * band / middle),
            (band > 0.0).then_some(place),
        ]
    }

    #[test]
    fn equals_two_passes_over_each_window() {
        for series in Series::all_kinds(17, 500) {
            let closes = series.closes();
            for (period, deviations) in [(2, 1.0), (20, 2.0), (20, 2.5)] {
                let got = series.columns::<Bbands>(&[period as f64, deviations]);
                for (output, got) in got.iter().enumerate() {
                    let want: Column = over_windows(closes.len(), period, |window| {
                        naive(&closes[window], deviations)[output]
                    });
                    // Lower bands and places may be near zero.
                    assert_close(got, &want, if output == 4 { 1.0 } else { closes[0] });
                }
            }
        }
    }

    #[test]
    fn bands_of_equal_closes_meet() {
        let columns = Series::flat(12_345, 25).columns::<Bbands>(&[20.0, 2.0]);
        assert!(columns.iter().all(|column| column[..19].iter().all(Option::is_none)));
        for row in 19..25 {
            let values: Vec<_> = columns.iter().map(|column| column[row]).collect();
            let price = Some(123.45);
            assert_eq!(values, [price, price, price, Some(0.0), None]);
        }
    }
}
