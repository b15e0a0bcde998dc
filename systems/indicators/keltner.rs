//! Keltner channels.

use crate::indicator::{Bar, Indicator, Param, Past, Units};
use crate::indicators::atr::Atr;
use crate::indicators::ema::Exponential;
use crate::saved_by_copy;

/// `keltner(period, atr_period, factor)`: the EMA of the close as `middle`, and `factor` times the
/// ATR above and below it as `upper` and `lower`, in quote currency.
///
/// Not in TA-Lib. This is Linda Raschke's form as StockCharts documents it (EMA of the close and
/// ATR); Chester Keltner's own (1960) took simple means of typical price and range.
#[derive(Clone, Copy, Debug)]
pub struct Keltner {
    middle: Exponential,
    range: Atr,
    factor: f64,
}

impl Indicator for Keltner {
    const NAME: &'static str = "keltner";
    const PARAMS: &'static [Param] = &[
        Param::period("period", 1, 20),
        Param::period("atr_period", 1, 10),
        Param::factor("factor", 2.0),
    ];
    const OUTPUTS: &'static [&'static str] = &["upper", "middle", "lower"];

    fn new(params: &[f64], _units: Units) -> Self {
        Self {
            middle: Exponential::new(params[0] as u32),
            range: Atr::over(params[1] as u32),
            factor: params[2],
        }
    }

    fn update(&mut self, bar: &Bar, _past: &Past<'_>, out: &mut [Option<f64>]) {
        let middle = self.middle.update(bar.close);
        let range = self.range.fold(bar);
        if let Some((middle, range)) = middle.zip(range) {
            let half = self.factor * range;
            out.copy_from_slice(&[Some(middle + half), Some(middle), Some(middle - half)]);
        }
    }

    fn converged(&self) -> bool {
        self.middle.converged() && self.range.settled()
    }

    saved_by_copy!();
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::indicators::testing::{
        Column, Series, assert_close, delayed, smoothed, talib, true_ranges,
    };

    #[test]
    fn agrees_with_talibs_parts() {
        let got = Series::fixture().columns::<Keltner>(&[26.0, 14.0, 2.5]);
        let (middle, range) = (talib("ema_26"), talib("atr_14"));
        let band = |side: f64| -> Column {
            middle.iter().zip(&range).map(|(ema, atr)| Some((*ema)? + side * (*atr)?)).collect()
        };
        assert_close(&got[0], &band(2.5), 0.0);
        assert_close(&got[1], &middle, 0.0);
        assert_close(&got[2], &band(-2.5), 0.0);
    }

    #[test]
    fn agrees_with_weights_written_out() {
        for series in Series::all_kinds(20, 300) {
            let middle = smoothed(&series.closes(), 5, 2.0 / 6.0);
            let range = delayed(&smoothed(&true_ranges(&series), 9, 1.0 / 9.0), 1);
            let band = |side: f64| -> Column {
                middle.iter().zip(&range).map(|(ema, atr)| Some((*ema)? + side * (*atr)?)).collect()
            };
            let got = series.columns::<Keltner>(&[5.0, 9.0, 2.0]);
            let scale = series.closes()[0];
            assert_close(&got[0], &band(2.0), scale);
            assert_close(&got[1], &band(0.0), scale);
            assert_close(&got[2], &band(-2.0), scale);
        }
    }
}
