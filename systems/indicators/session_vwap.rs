//! Volume-weighted average price since a session began.

use crate::candle::Candle;
use crate::indicator::{Bar, Indicator, Param, Past, Units};
use crate::indicators::window::nearest;
use crate::saved_by_copy;
use crate::units::Nanos;

/// Volume-weighted price and its deviation over all candles folded so far.
///
/// The price is `sum(quote volume) / sum(volume)`, both sums exact: the same as over the single
/// prints. The deviation is that of the candles' own average prices, weighted by volume. Prints
/// would give a wider one, but a second moment of prints cannot be restored from the venue's
/// candle after a reconcile, and a value must not depend on who delivered the candle.
#[derive(Clone, Copy, Debug, Default)]
pub struct VolumeWeighted {
    volume: u128,
    quote_volume: u128,
    /// The average price, in quote currency.
    mean: f64,
    /// Sum of volume times squared distance from the mean, kept centred (West, 1979): sums of
    /// squares would cancel.
    scatter: f64,
}

impl VolumeWeighted {
    /// Adds one candle.
    #[inline]
    pub fn add(&mut self, candle: &Candle, units: &Units) {
        let Ok(volume @ 1..) = u128::try_from(candle.volume.0) else { return };
        let weight = nearest(volume);
        let price = nearest(candle.quote_volume) / (weight * units.price);
        let before = self.mean;
        self.volume += volume;
        self.quote_volume += candle.quote_volume;
        self.mean = nearest(self.quote_volume) / (nearest(self.volume) * units.price);
        self.scatter += weight * ((price - before) * (price - self.mean));
    }

    /// Writes the average price and one deviation above and below it, in quote currency; `None`
    /// while nothing was traded.
    #[inline]
    pub fn write(&self, out: &mut [Option<f64>]) {
        if self.volume > 0 {
            // Rounding may leave a scatter of nothing a hair below zero.
            let deviation = (self.scatter / nearest(self.volume)).max(0.0).sqrt();
            let bands = [self.mean, self.mean + deviation, self.mean - deviation];
            out.copy_from_slice(&bands.map(Some));
        }
    }
}

/// `vwap(offset)`: volume-weighted average price since the session began, exact to the prints,
/// and `upper` and `lower` one volume-weighted deviation of candle prices away (see
/// [`VolumeWeighted`]). Not in TA-Lib.
///
/// A session is one UTC day that begins `offset` minutes after midnight. A candle belongs to the
/// session in which it opens. Converged means that the session began within what was seen.
#[derive(Clone, Copy, Debug)]
pub struct SessionVwap {
    offset_ns: u64,
    /// End of the session; 0 before the first candle.
    ends_at: Nanos,
    whole: bool,
    session: VolumeWeighted,
}

impl SessionVwap {
    /// Starts the session that holds an instant behind the end of the last one.
    fn start_session(&mut self, at: Nanos) {
        let since = (at.0 + Nanos::PER_DAY - self.offset_ns) % Nanos::PER_DAY;
        let first = self.ends_at == Nanos(0);
        self.whole = !first || since == 0;
        self.ends_at = at.minus(since).plus(Nanos::PER_DAY);
        self.session = VolumeWeighted::default();
    }
}

impl Indicator for SessionVwap {
    const NAME: &'static str = "vwap";
    const PARAMS: &'static [Param] =
        &[Param { name: "offset", min: 0.0, max: 1_439.0, whole: true, default: Some(0.0) }];
    const OUTPUTS: &'static [&'static str] = &["", "upper", "lower"];

    fn new(params: &[f64], _units: Units) -> Self {
        let offset_ns = params[0] as u64 * 60 * Nanos::PER_SECOND;
        let session = VolumeWeighted::default();
        Self { offset_ns, ends_at: Nanos(0), whole: false, session }
    }

    #[inline]
    fn update(&mut self, bar: &Bar, _past: &Past<'_>, out: &mut [Option<f64>]) {
        if bar.candle.open_time >= self.ends_at {
            self.start_session(bar.candle.open_time);
        }
        self.session.add(&bar.candle, &bar.units);
        self.session.write(out);
    }

    fn converged(&self) -> bool {
        self.whole
    }

    saved_by_copy!();
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::indicators::testing::{Column, Series, assert_close};

    #[test]
    fn a_hand_checked_series() {
        // 1 at 10.00, nothing, 3 at 14.00: mean 13, variance (1 * 9 + 3 * 1) / 4 = 3.
        let mut series = Series::of_closes(&[1_000, 1_000, 1_400]);
        series.candles[1] = Candle::quiet(series.candles[1].open_time, series.candles[1].close);
        series.candles[2].volume.0 = 3;
        series.candles[2].quote_volume = 3 * 1_400;
        let got = series.columns::<SessionVwap>(&[0.0]);
        let root = 3.0f64.sqrt();
        assert_close(&got[0], &[Some(10.0), Some(10.0), Some(13.0)], 0.0);
        assert_close(&got[1], &[Some(10.0), Some(10.0), Some(13.0 + root)], 0.0);
        assert_close(&got[2], &[Some(10.0), Some(10.0), Some(13.0 - root)], 0.0);
    }

    /// The three columns by two passes over each session's candles.
    fn by_sessions(series: &Series, offset_minutes: u64) -> [Column; 3] {
        let day = |candle: &Candle| (candle.open_time.seconds() - offset_minutes * 60) / 86_400;
        let mut columns: [Column; 3] = Default::default();
        for row in 0..series.candles.len() {
            let candles = series.candles[..=row].iter();
            let traded: Vec<(f64, f64)> = candles
                .filter(|candle| day(candle) == day(&series.candles[row]) && candle.volume.0 > 0)
                .map(|candle| (candle.quote_volume as f64, candle.volume.0 as f64))
                .collect();
            let volume: f64 = traded.iter().map(|(_, volume)| volume).sum();
            let mean = traded.iter().map(|(quote, _)| quote).sum::<f64>() / volume;
            let square = |&(quote, volume): &(f64, f64)| volume * (quote / volume - mean).powi(2);
            let deviation = (traded.iter().map(square).sum::<f64>() / volume).sqrt();
            let write =
                |side: f64| (volume > 0.0).then(|| (mean + side * deviation) / series.units.price);
            let sides = [write(0.0), write(1.0), write(-1.0)];
            columns.iter_mut().zip(sides).for_each(|(column, value)| column.push(value));
        }
        columns
    }

    #[test]
    fn agrees_with_two_passes_over_each_session() {
        for series in Series::all_kinds(23, 400) {
            for offset in [0, 60, 1_439] {
                let got = series.columns::<SessionVwap>(&[offset as f64]);
                for (got, want) in got.iter().zip(by_sessions(&series, offset)) {
                    assert_close(got, &want, series.closes()[0]);
                }
            }
        }
    }

    #[test]
    fn a_session_without_volume_has_no_price() {
        let mut series = Series::flat(500, 240);
        let midnight = series.candles[120].open_time;
        assert_eq!(midnight.0 % Nanos::PER_DAY, 0);
        for candle in &mut series.candles[120..130] {
            *candle = Candle::quiet(candle.open_time, candle.close);
        }
        let got = series.columns::<SessionVwap>(&[0.0]);
        assert_eq!(got[0][119..121], [Some(5.0), None]);
        assert_eq!(got[0][129..131], [None, Some(5.0)]);
    }

    #[test]
    fn converged_once_a_session_began_within_sight() {
        let series = Series::flat(500, 240);
        let converged = |offset: f64| -> Vec<bool> {
            let values = series.values::<SessionVwap>(&[offset]);
            values[0].iter().map(|value| value.converged).collect()
        };
        let first = |offset| converged(offset).iter().position(|&converged| converged);
        // The series begins at 22:00.
        assert_eq!(first(0.0), Some(120));
        assert_eq!(first(22.0 * 60.0), Some(0));
        assert_eq!(first(21.0 * 60.0 + 59.0), None);
    }
}
