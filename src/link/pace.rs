//! How often prints come, learned from their own history; and which silence is too long for that.

use systems::units::Nanos;

use super::limits::{
    EXPECTED_WEIGHT_NS, LONGEST_PAST_NS, LONGEST_TIMES, PACE_PAST_NS, PACE_STEP_NS, SILENCE_CHANCE,
};

/// The pace of one symbol's prints, or of all prints of a connection.
///
/// Noting a print costs a store and a comparison; prints that come close together count as one,
/// so arithmetic is done a few times a second at most.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pace {
    /// The newest print, or since when prints are waited for.
    last: Nanos,
    /// The newest print that was counted.
    counted: Nanos,
    /// Prints counted, fading.
    prints: f64,
    /// Time in which they came, in nanoseconds, fading alike.
    watched_ns: f64,
    /// The longest silence that ended by itself, fading slowly.
    longest_ns: f64,
}

impl Default for Pace {
    /// Nothing is known, and nothing is waited for.
    fn default() -> Self {
        let never = Nanos(u64::MAX);
        Self { last: never, counted: never, prints: 0.0, watched_ns: 0.0, longest_ns: 0.0 }
    }
}

impl Pace {
    /// A pace told in advance, in prints per second. History soon outweighs it.
    pub(super) fn expected(per_second: f64) -> Self {
        // Also where the rate is no number.
        if per_second.partial_cmp(&0.0) != Some(core::cmp::Ordering::Greater) {
            return Self::default();
        }
        let steps = (Nanos::PER_SECOND / PACE_STEP_NS) as f64;
        let watched_ns = EXPECTED_WEIGHT_NS as f64;
        let prints = per_second.min(steps) * watched_ns / Nanos::PER_SECOND as f64;
        Self { prints, watched_ns, ..Self::default() }
    }

    /// Waits for prints from `at` on: the time before says nothing.
    pub(super) fn resume(&mut self, at: Nanos) {
        (self.last, self.counted) = (at, at);
    }

    /// Waits for nothing: prints that come all the same are not counted, nor is the time.
    pub(super) fn pause(&mut self) {
        (self.last, self.counted) = (Nanos(u64::MAX), Nanos(u64::MAX));
    }

    /// Notes a print; true if it was counted, which happens a few times a second at most.
    #[inline]
    pub(super) fn print(&mut self, at: Nanos) -> bool {
        let silence_ns = at.0.saturating_sub(self.last.0);
        self.last = at;
        let counts = at.0.saturating_sub(self.counted.0) >= PACE_STEP_NS;
        if counts {
            self.count(at, silence_ns);
        }
        counts
    }

    #[cold]
    fn count(&mut self, at: Nanos, silence_ns: u64) {
        let passed = (at.0 - self.counted.0) as f64;
        let faded = (-passed / PACE_PAST_NS as f64).exp();
        self.prints = self.prints * faded + 1.0;
        self.watched_ns = self.watched_ns * faded + PACE_PAST_NS as f64 * (1.0 - faded);
        let longest = self.longest_ns * (-passed / LONGEST_PAST_NS as f64).exp();
        self.longest_ns = longest.max(silence_ns as f64);
        self.counted = at;
    }

    /// Since when nothing came, in nanoseconds.
    #[inline]
    pub(super) fn silence_ns(&self, at: Nanos) -> u64 {
        at.0.saturating_sub(self.last.0)
    }

    /// Whether there is anything to judge by.
    pub(super) fn known(&self) -> bool {
        self.prints > 0.0
    }

    /// The usual time between prints in nanoseconds; `None` if nothing is known.
    pub(super) fn gap_ns(&self) -> Option<u64> {
        self.known().then(|| (self.watched_ns / self.prints) as u64)
    }

    /// The silence in nanoseconds from which on it is no accident; `u64::MAX` if any may be.
    ///
    /// If `n` prints came in a time `W` at an unknown constant rate, the chance that none comes
    /// for `s` more is `(W / (W + s))^n`. So a symbol of few prints is never judged harshly, and
    /// one of many is after some twenty times its usual gap.
    pub(super) fn limit_ns(&self) -> u64 {
        if !self.known() {
            return u64::MAX;
        }
        let improbable = self.watched_ns * (SILENCE_CHANCE.powf(-1.0 / self.prints) - 1.0);
        // The cast saturates, which is what an endless patience needs.
        (improbable as u64).max((self.longest_ns as u64).saturating_mul(LONGEST_TIMES))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: u64 = Nanos::PER_SECOND;

    fn every(gap_ns: u64, for_ns: u64) -> Pace {
        let mut pace = Pace::default();
        pace.resume(Nanos(SECOND));
        for at in (0..for_ns).step_by(gap_ns as usize) {
            pace.print(Nanos(SECOND + gap_ns + at));
        }
        pace
    }

    #[test]
    fn the_limit_follows_the_usual_gap() {
        for (gap, low, high) in [(1, 20, 30), (10, 207, 300), (60, 1_300, 7_000)] {
            let pace = every(gap * SECOND, 4 * 3_600 * SECOND);
            let limit = pace.limit_ns() / SECOND;
            assert!((low..high).contains(&limit), "every {gap} s: {limit} s");
            let usual = pace.gap_ns().unwrap() as f64 / (gap * SECOND) as f64;
            assert!((usual - 1.0).abs() < 0.1, "every {gap} s: {usual} of it");
        }
    }

    #[test]
    fn little_history_makes_patient() {
        assert_eq!(Pace::default().limit_ns(), u64::MAX);
        let few = every(10 * SECOND, 30 * SECOND);
        assert!(few.limit_ns() > 3_600 * SECOND, "{}", few.limit_ns() / SECOND);
        let hourly = every(3_600 * SECOND, 48 * 3_600 * SECOND);
        assert!(hourly.limit_ns() > 7 * Nanos::PER_DAY);
    }

    #[test]
    fn a_burst_counts_as_one_print() {
        let mut bursts = Pace::default();
        bursts.resume(Nanos(SECOND));
        for minute in 1..60 {
            for n in 0..1_000 {
                bursts.print(Nanos(minute * 60 * SECOND + n * 100_000));
            }
        }
        assert!(bursts.limit_ns() > 20 * 60 * SECOND, "{}", bursts.limit_ns() / SECOND);
    }

    #[test]
    fn a_silence_that_ended_by_itself_teaches_patience_and_is_forgotten_slowly() {
        let mut pace = every(SECOND, 3_600 * SECOND);
        let before = pace.limit_ns();
        let mut at = Nanos(pace.last.0 + 100 * SECOND);
        pace.print(at);
        assert!(before < 60 * SECOND && pace.limit_ns() == 200 * SECOND);
        for _ in 0..4 * 86_400 {
            at = at.plus(SECOND);
            pace.print(at);
        }
        assert!(pace.limit_ns() < 60 * SECOND, "{}", pace.limit_ns() / SECOND);
    }

    #[test]
    fn time_that_was_not_watched_teaches_nothing() {
        let mut pace = every(SECOND, 3_600 * SECOND);
        let before = pace.limit_ns();
        let later = pace.last.plus(Nanos::PER_DAY);
        pace.pause();
        assert!(!pace.print(later.minus(SECOND)) && pace.silence_ns(later.minus(SECOND)) == 0);
        pace.resume(later);
        assert_eq!(pace.limit_ns(), before);
        pace.print(pace.last.plus(SECOND));
        assert!(pace.limit_ns().abs_diff(before) < SECOND);
    }

    #[test]
    fn a_pace_told_in_advance_is_soon_outweighed() {
        let mut pace = Pace::expected(2.0);
        assert!(pace.limit_ns() < 30 * SECOND);
        assert_eq!(Pace::expected(f64::NAN).limit_ns(), u64::MAX);
        pace.resume(Nanos(SECOND));
        for n in 1..120 {
            pace.print(Nanos(n * 60 * SECOND));
        }
        assert!(pace.limit_ns() > 10 * 60 * SECOND, "{}", pace.limit_ns() / SECOND);
    }

    #[test]
    fn instants_that_stand_still_or_go_back_are_harmless() {
        let mut pace = every(SECOND, 100 * SECOND);
        let limit = pace.limit_ns();
        for at in [Nanos(0), pace.last, Nanos(0)] {
            pace.print(at);
        }
        assert_eq!(pace.limit_ns(), limit);
    }
}
