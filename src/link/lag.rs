//! Whether a connection keeps up: how late its frames are, window by window.

use systems::units::Nanos;

use super::limits::{LAG_MAX_NS, LAG_WINDOW_NS};
use super::offset::VenueClock;

/// How late frames are, by the least of each window.
#[derive(Clone, Copy, Debug)]
pub(super) struct Lag {
    since: Nanos,
    /// Receive instant minus the venue's stamp.
    least_ns: i64,
    /// The last window's, in the venue's time.
    known_ns: Option<i64>,
    late_windows: u32,
}

impl Lag {
    pub(super) fn new(since: Nanos) -> Self {
        Self { since, least_ns: i64::MAX, known_ns: None, late_windows: 0 }
    }

    /// Lets time pass; at the end of a window it is judged.
    pub(super) fn tick(&mut self, at: Nanos, clock: &mut VenueClock) {
        if at.0.saturating_sub(self.since.0) < LAG_WINDOW_NS {
            return;
        }
        if self.least_ns != i64::MAX {
            clock.frames(self.least_ns, at);
            let lag = clock.offset(at).map(|offset| self.least_ns.saturating_add(offset.ns));
            let late = lag.is_some_and(|lag| lag > LAG_MAX_NS);
            self.late_windows = if late { self.late_windows + 1 } else { 0 };
            self.known_ns = lag;
        }
        (self.since, self.least_ns) = (at, i64::MAX);
    }
    /// Notes a frame.
    #[inline]
    pub(super) fn note(&mut self, at: Nanos, sent: Nanos) {
        self.least_ns = self.least_ns.min(at.0 as i64 - sent.0 as i64);
    }

    /// The least lateness of the last window, in nanoseconds of the venue's time.
    pub(super) fn ns(&self) -> Option<i64> {
        self.known_ns
    }

    /// Windows in a row in which every frame was too late.
    pub(super) fn late_windows(&self) -> u32 {
        self.late_windows
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: u64 = Nanos::PER_MS;

    #[test]
    fn a_connection_that_falls_behind_is_told_from_one_late_frame() {
        let start = Nanos::from_ms(1_700_000_000_000);
        let (mut lag, mut clock) = (Lag::new(start), VenueClock::default());
        clock.answer(start, start, start);
        let mut late = Vec::new();
        for ms in (0..120_000).step_by(50) {
            let at = start.plus(ms * MS);
            // For a minute one frame in a hundred is very late, then all fall behind by a fifth.
            let behind = match ms {
                0..60_000 if ms % 5_000 == 0 => 9_000,
                0..60_000 => 20,
                _ => 20 + (ms - 60_000) / 5,
            };
            lag.note(at, at.minus(behind * MS));
            lag.tick(at, &mut clock);
            late.push(lag.late_windows());
        }
        assert!(late[..1_200].iter().all(|windows| *windows == 0));
        assert!((5..=7).contains(late.last().unwrap()), "{:?}", late.last());
        let known = lag.ns().unwrap();
        assert!((10_000..12_100).contains(&(known / MS as i64)), "{known}");
    }

    #[test]
    fn windows_without_frames_judge_nothing() {
        let (mut lag, mut clock) = (Lag::new(Nanos(0)), VenueClock::default());
        lag.tick(Nanos(1 << 50), &mut clock);
        assert_eq!((lag.ns(), lag.late_windows()), (None, 0));
        assert_eq!(clock.offset(Nanos(1 << 50)), None);
    }
}
