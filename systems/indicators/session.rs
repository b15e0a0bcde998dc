//! Where the trading day began, and how far it has gone.

use crate::indicator::{Bar, Indicator, Param, Past, Units};
use crate::saved_by_copy;
use crate::units::{Nanos, Price};

/// `session(offset)`: the first price since the session began, the highest and the lowest. Not in
/// TA-Lib.
///
/// A session is one UTC day that begins `offset` minutes after midnight, as that of `vwap`. A
/// candle belongs to the session in which it opens; one without prints opens none. Converged means
/// that the session began within what was seen.
#[derive(Clone, Copy, Debug)]
pub struct Session {
    offset_ns: u64,
    /// End of the session; 0 before the first candle.
    ends_at: Nanos,
    whole: bool,
    /// Open, high and low; `None` while nothing was traded.
    range: Option<(Price, Price, Price)>,
}

impl Session {
    /// Starts the session that holds an instant behind the end of the last one.
    fn start(&mut self, at: Nanos) {
        let since = (at.0 + Nanos::PER_DAY - self.offset_ns) % Nanos::PER_DAY;
        self.whole = self.ends_at != Nanos(0) || since == 0;
        self.ends_at = at.minus(since).plus(Nanos::PER_DAY);
        self.range = None;
    }
}

impl Indicator for Session {
    const NAME: &'static str = "session";
    const PARAMS: &'static [Param] =
        &[Param { name: "offset", min: 0.0, max: 1_439.0, whole: true, default: Some(0.0) }];
    const OUTPUTS: &'static [&'static str] = &["open", "high", "low"];

    fn new(params: &[f64], _units: Units) -> Self {
        let offset_ns = params[0] as u64 * 60 * Nanos::PER_SECOND;
        Self { offset_ns, ends_at: Nanos(0), whole: false, range: None }
    }

    #[inline]
    fn update(&mut self, bar: &Bar, _past: &Past<'_>, out: &mut [Option<f64>]) {
        let candle = &bar.candle;
        if candle.open_time >= self.ends_at {
            self.start(candle.open_time);
        }
        if candle.trades > 0 {
            let (open, high, low) = self.range.unwrap_or((candle.open, candle.high, candle.low));
            self.range = Some((open, high.max(candle.high), low.min(candle.low)));
        }
        if let Some((open, high, low)) = self.range {
            let prices = [open, high, low].map(|price| Some(price.0 as f64 / bar.units.price));
            out.copy_from_slice(&prices);
        }
    }

    fn converged(&self) -> bool {
        self.whole
    }

    saved_by_copy!();
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::candle::Candle;
    use crate::indicators::testing::{Column, Series, assert_close};

    /// The prices of each candle's session so far, looked up among all candles.
    fn naive(series: &Series, offset_minutes: u64) -> [Column; 3] {
        let day = |at: Nanos| (at.0 - offset_minutes * 60 * Nanos::PER_SECOND) / Nanos::PER_DAY;
        let mut columns = [const { Vec::new() }; 3];
        for (index, candle) in series.candles.iter().enumerate() {
            let own = || {
                let so_far = series.candles[..=index].iter();
                so_far.filter(|c| day(c.open_time) == day(candle.open_time) && c.trades > 0)
            };
            let price = |price: Price| price.0 as f64 / series.units.price;
            columns[0].push(own().next().map(|c| price(c.open)));
            columns[1].push(own().map(|c| c.high).max().map(price));
            columns[2].push(own().map(|c| c.low).min().map(price));
        }
        columns
    }

    #[test]
    fn agrees_with_a_look_at_the_whole_session() {
        for series in Series::all_kinds(29, 400) {
            for offset in [0, 60, 1_439] {
                let got = series.columns::<Session>(&[offset as f64]);
                for (got, want) in got.iter().zip(naive(&series, offset)) {
                    assert_close(got, &want, 0.0);
                }
            }
        }
    }

    #[test]
    fn quiet_candles_open_no_session() {
        let mut series = Series::flat(500, 240);
        series.candles.iter_mut().for_each(|candle| candle.trades = 1);
        let midnight = series.candles[120].open_time;
        assert_eq!(midnight.0 % Nanos::PER_DAY, 0);
        for candle in &mut series.candles[120..130] {
            *candle = Candle::quiet(candle.open_time, candle.close);
        }
        let got = series.columns::<Session>(&[0.0]);
        assert_eq!(got[0][119..121], [Some(5.0), None]);
        assert_eq!(got[2][129..131], [None, Some(5.0)]);
    }

    #[test]
    fn converged_once_a_session_began_within_sight() {
        let series = Series::flat(500, 240);
        let values = series.values::<Session>(&[0.0]);
        assert_eq!(values[0].iter().position(|value| value.converged), Some(120));
    }
}
