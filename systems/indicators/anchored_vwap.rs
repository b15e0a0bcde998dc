//! Volume-weighted average price since a chosen instant.

use crate::indicator::{Bar, Indicator, Param, Past, Units};
use crate::indicators::session_vwap::VolumeWeighted;
use crate::limits::{EARLIEST_NS, LATEST_NS};
use crate::saved_by_copy;
use crate::units::Nanos;

/// `anchored_vwap(epoch_seconds)`: volume-weighted average price of all candles that open at the
/// anchor or later, exact to the prints, and `upper` and `lower` one volume-weighted deviation of
/// candle prices away (see [`VolumeWeighted`]). Not in TA-Lib.
///
/// Converged means that the anchor is within what was seen.
#[derive(Clone, Copy, Debug)]
pub struct AnchoredVwap {
    anchor: Nanos,
    /// Whether the first candle opened at the anchor or before; `None` before the first candle.
    whole: Option<bool>,
    since: VolumeWeighted,
}

impl Indicator for AnchoredVwap {
    const NAME: &'static str = "anchored_vwap";
    const PARAMS: &'static [Param] = &[Param {
        name: "epoch_seconds",
        min: (EARLIEST_NS / Nanos::PER_SECOND) as f64,
        max: (LATEST_NS / Nanos::PER_SECOND) as f64,
        whole: true,
        default: None,
    }];
    const OUTPUTS: &'static [&'static str] = &["", "upper", "lower"];

    fn new(params: &[f64], _units: Units) -> Self {
        let anchor = Nanos::from_seconds(params[0] as u64);
        Self { anchor, whole: None, since: VolumeWeighted::default() }
    }

    fn update(&mut self, bar: &Bar, _past: &Past<'_>, out: &mut [Option<f64>]) {
        let open_time = bar.candle.open_time;
        self.whole.get_or_insert(open_time <= self.anchor);
        if open_time >= self.anchor {
            self.since.add(&bar.candle, &bar.units);
        }
        self.since.write(out);
    }

    fn converged(&self) -> bool {
        self.whole == Some(true)
    }

    saved_by_copy!();
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::indicators::session_vwap::SessionVwap;
    use crate::indicators::testing::Series;

    #[test]
    fn from_an_anchor_on_it_is_a_session_that_began_there() {
        let series = Series::random(24, 1_000);
        let anchor = series.candles[300].open_time;
        let values = series.values::<AnchoredVwap>(&[anchor.seconds() as f64]);
        let later = Series { candles: series.candles[300..].to_vec(), ..series };
        let offset = (anchor.0 % Nanos::PER_DAY) / (60 * Nanos::PER_SECOND);
        let session = later.values::<SessionVwap>(&[offset as f64]);
        for (got, want) in values.iter().zip(&session) {
            assert!(got[..300].iter().all(|value| value.number.is_none() && value.converged));
            assert_eq!(got[300..], want[..]);
        }
    }

    #[test]
    fn an_anchor_before_the_first_candle_never_converges() {
        let series = Series::flat(500, 100);
        let first = series.candles[0].open_time.seconds() as f64;
        for (anchor, converged) in [(first - 1.0, false), (first, true), (first + 1.0, true)] {
            let values = series.values::<AnchoredVwap>(&[anchor]);
            assert!(values[0].iter().all(|value| value.converged == converged), "{anchor}");
        }
    }

    #[test]
    fn a_candle_that_straddles_the_anchor_is_left_out() {
        let series = Series::of_closes(&[100, 900]);
        let anchor = series.candles[0].open_time.seconds() as f64 + 1.0;
        let got = series.columns::<AnchoredVwap>(&[anchor]);
        assert_eq!(got[0], [None, Some(9.0)]);
    }
}
