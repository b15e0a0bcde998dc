//! Pages of the venue's candles: one request covers many, and only closed ones.

use systems::interval::Interval;
use systems::units::Nanos;

use super::limits::{LATE_CANDLE_NS, LATE_CANDLE_TRIES};
use super::plan::Step;
use super::retry::{Failure, Late};

/// Candles that open in `[next, to)` are still to come.
#[derive(Debug)]
pub(super) struct CandlePages {
    interval: Interval,
    next: Nanos,
    to: Nanos,
    rows_max: u32,
    /// Answers in a row without the newest candle.
    late: u32,
    missing: u64,
}

impl CandlePages {
    /// The whole candles of `[from, to)`; `None` if there is none.
    pub(super) fn new(interval: Interval, from: Nanos, to: Nanos, rows_max: u32) -> Option<Self> {
        let (next, to) = (interval.bucket(from), interval.bucket(to));
        (next < to).then_some(Self { interval, next, to, rows_max, late: 0, missing: 0 })
    }

    /// Open time of the first and end of the last candle of the next request.
    pub(super) fn next(&self) -> (Nanos, Nanos) {
        let most = u64::from(self.rows_max) * self.interval.ns();
        (self.next, self.to.min(self.next.plus(most)))
    }

    pub(super) fn requests(&self) -> u64 {
        let most = u64::from(self.rows_max) * self.interval.ns();
        (self.to.0 - self.next.0).div_ceil(most)
    }

    pub(super) fn missing(&self) -> u64 {
        self.missing
    }

    pub(super) fn take(&mut self, open_times: &[Nanos], now: Nanos) -> Step {
        let (from, to) = self.next();
        let asked = |at: &&Nanos| (from..to).contains(*at) && self.interval.bucket(**at) == **at;
        if let Some(odd) = open_times.iter().find(|at| !asked(at)) {
            let text = format!("a candle at {} ms, outside of what was asked", odd.ms());
            return Step::Again(Failure::Nonsense(text));
        }
        let mut distinct = open_times.to_vec();
        distinct.sort_unstable();
        distinct.dedup();
        let newest = to.minus(self.interval.ns());
        let fresh = to == self.to && now < to.plus(LATE_CANDLE_NS);
        if distinct.last() != Some(&newest) && fresh && self.late + 1 < LATE_CANDLE_TRIES {
            self.late += 1;
            return Step::Again(Failure::NotYet(Late::Candle));
        }
        self.missing += (to.0 - from.0) / self.interval.ns() - distinct.len() as u64;
        if to == self.to {
            return Step::Done;
        }
        self.next = to;
        Step::More
    }

    /// Widens the range if the other touches what is still to come.
    pub(super) fn merge(&mut self, from: Nanos, to: Nanos) -> bool {
        let (from, to) = (self.interval.bucket(from), self.interval.bucket(to));
        let touches = from <= self.to && to >= self.next;
        if touches {
            (self.next, self.to) = (self.next.min(from), self.to.max(to));
        }
        touches
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: u64 = 60 * Nanos::PER_SECOND;

    fn minute(n: u64) -> Nanos {
        Nanos::from_seconds(1_723_161_600).plus(n * MINUTE)
    }

    fn pages(from: u64, to: u64) -> CandlePages {
        let interval = Interval::parse("1m").unwrap();
        CandlePages::new(interval, minute(from), minute(to), 10).unwrap()
    }

    fn minutes(from: u64, to: u64) -> Vec<Nanos> {
        (from..to).map(minute).collect()
    }

    #[test]
    fn one_request_covers_a_page_and_pages_follow_each_other() {
        let (mut pages, now) = (pages(0, 25), minute(100));
        assert_eq!((pages.next(), pages.requests()), ((minute(0), minute(10)), 3));
        assert_eq!(pages.take(&minutes(0, 10), now), Step::More);
        assert_eq!(pages.take(&minutes(10, 20), now), Step::More);
        assert_eq!((pages.next(), pages.requests()), ((minute(20), minute(25)), 1));
        assert_eq!(pages.take(&minutes(20, 25), now), Step::Done);
        assert_eq!(pages.missing(), 0);
    }

    #[test]
    fn candles_that_were_not_asked_for_spoil_the_answer() {
        for odd in [minute(7), minute(4), minute(5).plus(1)] {
            let mut pages = pages(5, 7);
            let step = pages.take(&[minute(5), odd, minute(6)], minute(100));
            assert!(matches!(step, Step::Again(Failure::Nonsense(_))), "{odd:?}");
            assert_eq!(pages.next(), (minute(5), minute(7)));
        }
    }

    #[test]
    fn unsorted_repeated_and_missing_candles_are_counted_once() {
        let mut pages = pages(0, 5);
        let page = [minute(4), minute(1), minute(1), minute(2)];
        assert_eq!(pages.take(&page, minute(100)), Step::Done);
        assert_eq!(pages.missing(), 2);
    }

    #[test]
    fn the_newest_candle_is_waited_for_and_an_old_one_is_not() {
        let mut fresh = pages(0, 5);
        let soon = minute(5).plus(4 * Nanos::PER_SECOND);
        let not_yet = Step::Again(Failure::NotYet(Late::Candle));
        assert_eq!(fresh.take(&minutes(0, 4), soon), not_yet);
        assert_eq!(fresh.take(&minutes(0, 4), soon), not_yet);
        assert_eq!(fresh.take(&minutes(0, 4), soon), Step::Done);
        assert_eq!(fresh.missing(), 1);
        let mut old = pages(0, 5);
        assert_eq!(old.take(&minutes(0, 4), minute(6)), Step::Done);
        assert_eq!(old.missing(), 1);
    }

    #[test]
    fn ranges_that_touch_become_one_and_parts_of_candles_are_none() {
        let mut wide = pages(5, 7);
        assert!(wide.merge(minute(7), minute(9)) && wide.merge(minute(4), minute(6)));
        assert_eq!(wide.next(), (minute(4), minute(9)));
        assert!(!wide.merge(minute(10), minute(11)));
        let interval = Interval::parse("1m").unwrap();
        let forming = CandlePages::new(interval, minute(3), minute(3).plus(MINUTE - 1), 10);
        assert!(forming.is_none());
    }
}
