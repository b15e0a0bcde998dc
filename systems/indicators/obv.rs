//! On-balance volume.

use crate::indicator::{Bar, Indicator, Param, Past, Units};
use crate::saved_by_copy;
use crate::units::Price;

/// `obv()`: volumes of rising candles less those of falling ones, in base currency. TA-Lib `OBV`.
///
/// As there, the first candle counts as rising. The sum is an exact integer. It depends on where
/// the series began for ever, so only its changes mean something and it never converges.
#[derive(Clone, Copy, Debug)]
pub struct Obv {
    sum: i128,
    previous_close: Price,
}

impl Indicator for Obv {
    const NAME: &'static str = "obv";
    const PARAMS: &'static [Param] = &[];
    const OUTPUTS: &'static [&'static str] = &[""];

    fn new(_params: &[f64], _units: Units) -> Self {
        // Below every price, so that the first candle rises.
        Self { sum: 0, previous_close: Price(i64::MIN) }
    }

    fn update(&mut self, bar: &Bar, _past: &Past<'_>, out: &mut [Option<f64>]) {
        let direction = bar.candle.close.cmp(&self.previous_close) as i128;
        self.sum += direction * i128::from(bar.candle.volume.0);
        self.previous_close = bar.candle.close;
        out[0] = Some(self.sum as f64 / bar.units.quantity);
    }

    fn converged(&self) -> bool {
        false
    }

    saved_by_copy!();
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::indicators::testing::{Series, assert_close, assert_talib};

    #[test]
    fn agrees_with_talib() {
        assert_talib::<Obv>(&[], &["obv"], 1.0);
    }

    #[test]
    fn a_hand_checked_series() {
        // Volume 1 each: the first counts, then up, flat, down, down, down.
        let got = Series::of_closes(&[5, 6, 6, 5, 4, 3]).columns::<Obv>(&[]);
        assert_eq!(got, [[1.0, 2.0, 2.0, 1.0, 0.0, -1.0].map(Some)]);
    }

    #[test]
    fn agrees_with_a_sum_from_the_start() {
        for series in Series::all_kinds(17, 300) {
            let (closes, volumes) = (series.closes(), series.volumes());
            let signed = |row: usize| match row {
                0 => volumes[0],
                _ if closes[row] > closes[row - 1] => volumes[row],
                _ if closes[row] < closes[row - 1] => -volumes[row],
                _ => 0.0,
            };
            let want: Vec<_> = (0..300).map(|row| Some((0..=row).map(signed).sum())).collect();
            assert_close(&series.columns::<Obv>(&[])[0], &want, 1.0);
        }
    }
}
