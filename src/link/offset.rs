//! How far the venue's clock is ahead of ours, and how well we know that.
//!
//! Everything is an interval that must hold the true offset. An answer with the venue's time,
//! asked for at `sent` and here at `received`, was stamped in between: the offset is at least
//! `stamp - received` and at most `stamp - sent`. Any frame was sent before it was here, which
//! gives another least. Intervals are intersected, and widen as clocks drift.

use systems::units::Nanos;

use super::limits::{CONTRADICTIONS_MAX, DELAY_ASSUMED_NS, DRIFT_PPM};

/// Venues stamp in milliseconds, cut off: the true instant is up to this later.
const STAMP_NS: i64 = Nanos::PER_MS as i64;

/// The venue's clock as seen from ours.
#[derive(Clone, Copy, Debug, Default)]
pub struct VenueClock {
    /// The offset is at least this; `None` until anything was heard.
    least: Option<i64>,
    /// It is at most this; `None` until an answer has told.
    most: Option<i64>,
    /// What it is taken to be: the middle of the bounds when they narrowed last. Frames hold one
    /// bound while the other drifts, and the middle would drift with it until the next answer.
    likely: Option<i64>,
    /// When the bounds were right.
    as_of: Nanos,
    contradictions: u32,
    steps: u32,
}

/// What is known about the offset.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Offset {
    /// Venue's clock minus ours, in nanoseconds.
    pub ns: i64,
    /// The truth is within so many nanoseconds of it.
    pub uncertainty_ns: u64,
    /// Whether an answer has told, or the longest way of a frame is an assumption.
    pub measured: bool,
}

impl VenueClock {
    /// An answer that holds the venue's time: asked for at `sent`, here at `received`.
    pub fn answer(&mut self, sent: Nanos, stamp: Nanos, received: Nanos) {
        if received < sent {
            return;
        }
        self.widen(received);
        let least = difference(stamp, received);
        let most = difference(stamp, sent) + STAMP_NS;
        let joined = (
            self.least.map_or(least, |known| known.max(least)),
            self.most.map_or(most, |known| known.min(most)),
        );
        self.contradictions = 0;
        // Only a clock that was set makes two right intervals miss each other.
        let agree = joined.0 <= joined.1;
        self.steps += u32::from(!agree);
        let (least, most) = if agree { joined } else { (least, most) };
        (self.least, self.most) = (Some(least), Some(most));
        self.likely = Some(middle(least, most));
    }

    /// The least lateness, receive instant minus stamp, among the frames of a window that ends
    /// at `at`.
    pub fn frames(&mut self, least_late_ns: i64, at: Nanos) {
        self.widen(at);
        let least = least_late_ns.saturating_neg();
        match self.most {
            Some(most) if least > most => {
                self.contradictions += 1;
                if self.contradictions >= CONTRADICTIONS_MAX {
                    (self.least, self.most, self.likely) = (Some(least), None, None);
                    self.contradictions = 0;
                    self.steps += 1;
                }
            }
            _ => {
                self.contradictions = 0;
                let least = self.least.map_or(least, |known| known.max(least));
                self.least = Some(least);
                if self.likely.is_some_and(|likely| likely < least) {
                    self.likely = self.most.map(|most| middle(least, most));
                }
            }
        }
    }

    /// What is known at `at`; `None` before anything was heard.
    pub fn offset(&self, at: Nanos) -> Option<Offset> {
        let mut now = *self;
        now.widen(at);
        let least = now.least?;
        let most = now.most.unwrap_or(least.saturating_add(DELAY_ASSUMED_NS));
        let likely = now.likely.filter(|likely| (least..=most).contains(likely));
        let ns = likely.unwrap_or(middle(least, most));
        let uncertainty_ns = most.abs_diff(ns).max(ns.abs_diff(least));
        Some(Offset { ns, uncertainty_ns, measured: now.most.is_some() })
    }

    /// The venue's time at our instant `at`, as well as it is known.
    pub fn venue_time(&self, at: Nanos) -> Option<Nanos> {
        self.offset(at).map(|offset| Nanos(at.0.saturating_add_signed(offset.ns)))
    }

    /// How often one of the two clocks was set.
    pub fn steps(&self) -> u32 {
        self.steps
    }

    fn widen(&mut self, at: Nanos) {
        let passed = at.0.saturating_sub(self.as_of.0).min(i64::MAX as u64);
        self.as_of = self.as_of.max(at);
        let drift = (passed / 1_000_000 * DRIFT_PPM) as i64;
        self.least = self.least.map(|least| least.saturating_sub(drift));
        self.most = self.most.map(|most| most.saturating_add(drift));
    }
}

fn middle(least: i64, most: i64) -> i64 {
    least.saturating_add(most.saturating_sub(least) / 2)
}

fn difference(venue: Nanos, ours: Nanos) -> i64 {
    // Instants before 2262 fit; a difference of two does.
    venue.0 as i64 - ours.0 as i64
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: i64 = 1_000_000;

    fn at(ms: i64) -> Nanos {
        Nanos::from_ms(1_700_000_000_000u64.saturating_add_signed(ms))
    }

    fn holds(clock: &VenueClock, now: Nanos, truth_ms: i64) -> Offset {
        let offset = clock.offset(now).unwrap();
        let off = offset.ns.abs_diff(truth_ms * MS);
        assert!(off <= offset.uncertainty_ns, "{offset:?} for {truth_ms} ms");
        offset
    }

    #[test]
    fn an_answer_bounds_the_offset_by_its_round_trip() {
        for truth in [-2_000, -1, 0, 3, 2_000] {
            for (out, back) in [(10, 10), (1, 90), (90, 1), (0, 0)] {
                let mut clock = VenueClock::default();
                clock.answer(at(0), at(out + truth), at(out + back));
                let offset = holds(&clock, at(out + back), truth);
                assert!(offset.measured);
                assert!(offset.uncertainty_ns <= ((out + back + 2) / 2 * MS) as u64);
            }
        }
    }

    #[test]
    fn answers_and_frames_narrow_it_and_time_widens_it() {
        let mut clock = VenueClock::default();
        clock.answer(at(0), at(100 + 50), at(200));
        let one = clock.offset(at(200)).unwrap();
        clock.answer(at(1_000), at(1_010 + 50), at(1_100));
        let two = holds(&clock, at(1_100), 50);
        assert!(two.uncertainty_ns < one.uncertainty_ns);
        clock.frames(5 * MS - 50 * MS, at(2_000));
        let three = holds(&clock, at(2_000), 50);
        assert!(three.uncertainty_ns < two.uncertainty_ns);
        let later = holds(&clock, at(3_600_000), 50);
        assert!(later.uncertainty_ns > three.uncertainty_ns + 300 * MS as u64);
    }

    #[test]
    fn what_it_is_taken_to_be_stands_still_between_answers() {
        let mut clock = VenueClock::default();
        clock.answer(at(0), at(52), at(2));
        let first = clock.offset(at(2)).unwrap().ns;
        for second in 1..60 {
            // Frames arrive a millisecond after they were sent.
            clock.frames((1 - 50) * MS, at(second * 1_000));
            assert_eq!(holds(&clock, at(second * 1_000), 50).ns, first, "after {second} s");
        }
    }

    #[test]
    fn frames_alone_give_an_assumption_that_says_so() {
        let mut clock = VenueClock::default();
        assert_eq!(clock.offset(at(0)), None);
        // Ours is 1,270 ms behind: frames are here before they were sent.
        clock.frames((40 - 1_270) * MS, at(0));
        clock.frames((90 - 1_270) * MS, at(5_000));
        let offset = holds(&clock, at(5_000), 1_270);
        assert!(!offset.measured && offset.uncertainty_ns <= 251 * MS as u64);
        let venue = clock.venue_time(at(5_000)).unwrap();
        assert!(venue.0.abs_diff(at(6_270).0) <= offset.uncertainty_ns);
    }

    #[test]
    fn a_clock_that_was_set_is_noticed_and_a_wrong_stamp_is_not_believed() {
        let mut clock = VenueClock::default();
        clock.answer(at(0), at(10), at(20));
        clock.frames(-60_000 * MS, at(5_000));
        clock.frames(10 * MS, at(10_000));
        holds(&clock, at(10_000), 0);
        assert_eq!(clock.steps(), 0);
        for n in 0..i64::from(CONTRADICTIONS_MAX) {
            clock.frames((20 - 60_000) * MS, at(15_000 + n * 5_000));
        }
        assert_eq!(clock.steps(), 1);
        assert!(!holds(&clock, at(25_000), 60_000).measured);
        clock.answer(at(30_000), at(30_010), at(30_020));
        holds(&clock, at(30_020), 0);
        assert_eq!(clock.steps(), 2);
    }

    #[test]
    fn extreme_stamps_do_not_overflow() {
        let mut clock = VenueClock::default();
        clock.answer(at(10), at(0), at(5));
        assert_eq!(clock.offset(at(10)), None, "an answer before its question");
        clock.frames(i64::MAX, at(0));
        clock.frames(i64::MIN + 1, at(1));
        assert!(clock.offset(Nanos(u64::MAX)).is_some());
    }
}
