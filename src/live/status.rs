//! How a live session stands, for people and programs to see.

use std::sync::Arc;

use hdrhistogram::Histogram;
use systems::candle::Mark;
use systems::interval::Interval;
use systems::units::Nanos;

use super::record::Recording;
use crate::latency::Point;
use crate::replay::Tally;
use crate::rules::Ranking;

/// How a live session stands.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Status {
    /// The venue's time as of the last heartbeat.
    pub now: Nanos,
    /// Symbols that trade and are followed.
    pub symbols: usize,
    /// Those that the venue listed since the start.
    pub listed: usize,
    /// Those that do not trade any more, at present.
    pub retired: usize,
    /// Connections that bring their symbols, and those planned.
    pub links: (usize, usize),
    /// Connections lost so far, those covered by a successor aside.
    pub lost: u64,
    /// Connections that could not be made so far.
    pub dials_failed: u64,
    /// Prints seen so far.
    pub prints: u64,
    /// How it stood after the tapes of earlier sessions, before anything of its own had come.
    pub begun: Option<Arc<Status>>,
    /// How late prints were, by the venue's time, since the status before: the median and the
    /// 99th percentile in milliseconds; `None` without any.
    pub lag_ms: Option<(f64, f64)>,
    /// The most events found waiting in the inbox since the status before.
    pub inbox: usize,
    /// How prints fared with us in the last interval of `[profile]`.
    pub latency: Point,
    /// The most events that were ever found waiting in the inbox.
    pub inbox_max: usize,
    /// The configured intervals, the base first.
    pub intervals: Vec<Interval>,
    /// The tables as they stand, by number.
    pub tables: Vec<Ranking>,
    /// Candles closed so far, by interval index and mark.
    pub marks: Vec<(u8, Mark, u64)>,
    /// Alerts told so far, those of the tapes of earlier sessions among them.
    pub alerts: u64,
    /// Open gaps over all symbols.
    pub gaps: usize,
    /// Requests for candles that a stream made needless.
    pub spared: u64,
    /// Requests of the core handed out, and waiting.
    pub requests: (u64, usize),
    /// Jobs of the warm-up that ended, and all of them.
    pub warm_up: (usize, usize),
    /// How the recording stands.
    pub recording: Recording,
    /// What a look at every symbol told within the last second, if anybody may fetch it.
    pub tally: Tally,
}

impl Status {
    /// Prints of this session, those from the tapes of earlier ones aside.
    pub fn own_prints(&self) -> u64 {
        self.prints - self.begun.as_ref().map_or(0, |begun| begun.prints)
    }

    /// Candles closed so far.
    pub fn candles(&self) -> u64 {
        self.marks.iter().map(|(.., count)| count).sum()
    }
}

/// How late prints are.
#[derive(Debug)]
pub(super) struct Lags(Option<Histogram<u64>>);

/// The longest lag that is told apart, in microseconds: a minute.
const LAG_MAX_US: u64 = 60_000_000;

impl Lags {
    pub(super) fn new() -> Self {
        // Two digits suffice; these bounds are always accepted.
        Self(Histogram::new_with_bounds(1, LAG_MAX_US, 2).ok())
    }

    /// Notes a print that traded at `traded` and is here at `here`, both by the venue's time.
    pub(super) fn note(&mut self, traded: Nanos, here: Nanos) {
        if let Some(lags) = &mut self.0 {
            lags.saturating_record(here.0.saturating_sub(traded.0) / 1_000);
        }
    }

    /// Median and 99th percentile in milliseconds since the last call.
    pub(super) fn take(&mut self) -> Option<(f64, f64)> {
        let lags = self.0.as_mut().filter(|lags| !lags.is_empty())?;
        let ms = |quantile| lags.value_at_quantile(quantile) as f64 / 1e3;
        let both = (ms(0.5), ms(0.99));
        lags.reset();
        Some(both)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lags_are_of_the_prints_since_the_last_look() {
        let mut lags = Lags::new();
        assert_eq!(lags.take(), None);
        for ms in 1..=100 {
            lags.note(Nanos(0), Nanos::from_ms(ms));
        }
        // A print from the future is not late, and an hour is the most there is.
        lags.note(Nanos::from_ms(5), Nanos(0));
        lags.note(Nanos(0), Nanos::from_seconds(3_600));
        let (median, late) = lags.take().unwrap();
        assert!((median - 50.0).abs() < 1.0 && (late - 100.0).abs() < 1.5, "{median} {late}");
        assert_eq!(lags.take(), None);
    }
}
