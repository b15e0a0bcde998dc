//! Times that rules read: how long nothing traded, since when a symbol is listed, how old the
//! session is. All of them by the venue's time.

use super::lanes::Lanes;
use super::{Rules, Source, Time};
use crate::indicator::Bar;
use crate::ring::Ring;
use crate::units::Nanos;

/// The times of one candle, in seconds; NaN is not known.
#[derive(Clone, Copy, Debug)]
pub(super) struct Times {
    quiet: f64,
    listed: f64,
    session: f64,
}

fn seconds(ns: u64) -> f64 {
    ns as f64 / Nanos::PER_SECOND as f64
}

/// How long ago the session began that `open_time` is in, in nanoseconds.
fn into_session(rules: &Rules, open_time: Nanos) -> u64 {
    (open_time.0 + Nanos::PER_DAY - rules.session_ns % Nanos::PER_DAY) % Nanos::PER_DAY
}

fn since_listed(lanes: &Lanes, end: Nanos) -> f64 {
    lanes.listed.map_or(f64::NAN, |listed| seconds(end.0.saturating_sub(listed.0)))
}

/// Whether anything asks for it: only then is it looked for.
fn reads_quiet(sources: &[Source]) -> bool {
    sources.contains(&Source::Time(Time::Quiet))
}

impl Times {
    /// Those of the closed candle at `position`.
    pub(super) fn closed(
        (rules, sources): (&Rules, &[Source]),
        (ring, lanes): (&Ring, &Lanes),
        position: u64,
        bar: &Bar,
    ) -> Self {
        let (open_time, length) = (bar.candle.open_time, ring.interval().ns());
        let quiet = match bar.candle.trades {
            0 if reads_quiet(sources) => quiet_until(ring, open_time, position) + seconds(length),
            _ => 0.0,
        };
        let session = seconds(into_session(rules, open_time) + length);
        Self { quiet, listed: since_listed(lanes, open_time.plus(length)), session }
    }

    /// Those of the candle that is forming, as of `now`: where it begins, and whether it has any
    /// print.
    pub(super) fn forming(
        (rules, sources): (&Rules, &[Source]),
        (ring, lanes): (&Ring, &Lanes),
        (begun, traded): (Nanos, bool),
        now: Nanos,
    ) -> Self {
        let quiet = match traded {
            false if reads_quiet(sources) => {
                quiet_until(ring, begun, ring.end()) + seconds(now.0.saturating_sub(begun.0))
            }
            _ => 0.0,
        };
        let session = seconds(into_session(rules, now));
        Self { quiet, listed: since_listed(lanes, now), session }
    }

    /// One of them, if it is known.
    pub(super) fn get(&self, time: Time) -> Option<f64> {
        let value = match time {
            Time::Quiet => self.quiet,
            Time::Listed => self.listed,
            Time::Session => self.session,
        };
        (!value.is_nan()).then_some(value)
    }
}

/// How long nothing had traded at `open_time`, where the candle at `position` begins: at least so
/// long, where no trade is kept any more. NaN if prints may be missing since.
fn quiet_until(ring: &Ring, open_time: Nanos, position: u64) -> f64 {
    let (mut at, mut end) = (position, open_time);
    while let Some(before) = at.checked_sub(1).filter(|before| *before >= ring.start()) {
        let read = ring.read(before, |candle| (candle.open_time, candle.trades));
        match read.filter(|(opened, _)| opened.plus(ring.interval().ns()) == end) {
            Some((_, 1..)) => break,
            Some((opened, 0)) => (at, end) = (before, opened),
            None => return f64::NAN,
        }
    }
    seconds(open_time.0 - end.0)
}
