//! How a live session stands, for people and programs to see.

use hdrhistogram::Histogram;
use systems::candle::Mark;
use systems::health::Health;
use systems::interval::Interval;
use systems::reconcile::Cause;
use systems::trade::SymbolId;
use systems::units::Nanos;

use super::record::Recording;
use crate::engine::Engine;
use crate::latency::Point;
use crate::replay::rejects;
use crate::rules::Ranking;
use crate::session::Session;

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
    /// Prints seen so far.
    pub prints: u64,
    /// Those among them that came from the tapes of earlier sessions.
    pub resumed: u64,
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
    /// What a look at every symbol tells, as of the last whole second.
    pub counted: Counted,
}

/// What a look at every symbol tells.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counted {
    /// Prints and messages that were not used, by cause.
    pub rejects: Vec<(&'static str, u64)>,
    /// Prints folded into closed candles.
    pub late: u64,
    /// Missing prints that came.
    pub filled: u64,
    /// Ids given up.
    pub unrecoverable: u64,
    /// Stretches without a candle because prints are missing, over all intervals.
    pub absent: u64,
    /// Comparisons with the venue's candles, by cause.
    pub drift: [u64; Cause::ALL.len()],
    /// Candles taken over where we had none.
    pub adopted: u64,
}

impl Counted {
    /// Counts.
    pub(super) fn of(engine: &Engine, session: &Session) -> Self {
        let (mut counted, mut health) = (Self::default(), Health::default());
        for id in (0..session.symbols().specs().len() as u16).map(SymbolId) {
            engine.health(id).into_iter().for_each(|own| health.add(own));
            let given_up = engine.unrecoverable(id);
            counted.unrecoverable = counted.unrecoverable.saturating_add(given_up);
            for interval in 0..engine.intervals() as u8 {
                counted.absent += engine.absent(id, interval).len() as u64;
                let (found, adopted) = engine.drift(id, interval);
                counted.drift.iter_mut().zip(found).for_each(|(sum, count)| *sum += count);
                counted.adopted += adopted;
            }
        }
        (counted.late, counted.filled) = (health.late, health.filled);
        counted.rejects = rejects(&health, &engine.strays(), &session.skipped());
        let frames = session.decoded().into_iter().flat_map(|counts| counts.rejects());
        let frames = frames.filter(|(_, count, _)| *count > 0);
        counted.rejects.extend(frames.map(|(cause, count, _)| (cause.name(), count)));
        counted
    }
}

impl Status {
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
