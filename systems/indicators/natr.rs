//! Normalised average true range.

use crate::indicator::{Bar, Indicator, Param, Past, Units};
use crate::indicators::atr::Atr;
use crate::saved_by_copy;

/// `natr(period)`: `100 * atr / close`, in percent, so that symbols can be compared. TA-Lib `NATR`.
#[derive(Clone, Copy, Debug)]
pub struct Natr(Atr);

impl Indicator for Natr {
    const NAME: &'static str = "natr";
    const PARAMS: &'static [Param] = &[Param::period("period", 1, 14)];
    const OUTPUTS: &'static [&'static str] = &[""];

    fn new(params: &[f64], _units: Units) -> Self {
        Self(Atr::over(params[0] as u32))
    }

    fn update(&mut self, bar: &Bar, _past: &Past<'_>, out: &mut [Option<f64>]) {
        let range = self.0.fold(bar);
        out[0] = range.filter(|_| bar.close > 0.0).map(|range| range / bar.close * 100.0);
    }

    fn converged(&self) -> bool {
        self.0.settled()
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
        assert_talib::<Natr>(&[14.0], &["natr_14"], 0.0);
    }

    #[test]
    fn agrees_with_weights_written_out() {
        for series in Series::all_kinds(15, 300) {
            let ranges = delayed(&smoothed(&true_ranges(&series), 9, 1.0 / 9.0), 1);
            let percent = |(range, close): (&Option<f64>, f64)| range.map(|r| 100.0 * r / close);
            let want: Vec<_> = ranges.iter().zip(series.closes()).map(percent).collect();
            assert_close(&series.columns::<Natr>(&[9.0])[0], &want, 0.0);
        }
    }

    #[test]
    fn the_size_of_prices_does_not_matter() {
        let closes = [100, 400, 300, 500, 1_100, 700];
        let larger = closes.map(|close| close * 1_000);
        let [got, want] = [closes, larger]
            .map(|closes| Series::of_closes(&closes).columns::<Natr>(&[3.0]).remove(0));
        assert_close(&got, &want, 0.0);
    }
}
