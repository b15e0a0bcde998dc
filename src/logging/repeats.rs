//! The same again and again: after so many records of one place in the program, only how many.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use log::{Level, Log, Metadata, Record};
use systems::units::Nanos;

/// Records of one place that are written within [`SPAN_NS`]; further ones are counted.
const MOST: u32 = 20;

/// For how long records of one place are counted together, in nanoseconds.
const SPAN_NS: u64 = 10 * Nanos::PER_SECOND;

/// Places that are remembered; those beyond are not limited. A program has fewer.
const PLACES: usize = 4_096;

/// Target, line and level: what is written there has the same words and other names.
type Place = (String, u32, Level);

/// Holds back what repeats itself.
pub(super) struct Repeats {
    inner: Box<dyn Log>,
    now: fn() -> Nanos,
    places: Mutex<HashMap<Place, Count>>,
}

struct Count {
    since: Nanos,
    written: u32,
    held: u64,
    last: String,
}

impl Repeats {
    pub(super) fn new(inner: Box<dyn Log>, now: fn() -> Nanos) -> Self {
        Self { inner, now, places: Mutex::default() }
    }

    fn log_at(&self, record: &Record<'_>, at: Nanos) {
        // Whoever asks for the finest levels wants all of them.
        if record.level() > Level::Info {
            return self.inner.log(record);
        }
        if !self.inner.enabled(record.metadata()) {
            return;
        }
        let place = (record.target().to_owned(), record.line().unwrap_or(0), record.level());
        let mut places = self.places.lock().unwrap_or_else(PoisonError::into_inner);
        if places.len() >= PLACES && !places.contains_key(&place) {
            return self.inner.log(record);
        }
        let fresh = || Count { since: at, written: 0, held: 0, last: String::new() };
        let count = places.entry(place.clone()).or_insert_with(fresh);
        if count.is_over(at) {
            self.tell(&place, &std::mem::replace(count, fresh()));
        }
        if count.written < MOST {
            count.written += 1;
            drop(places);
            return self.inner.log(record);
        }
        count.held += 1;
        count.last = record.args().to_string();
    }

    /// Tells what was held back, as far as its time is over or all of it.
    fn tell_held(&self, at: Nanos, all: bool) {
        let mut places = self.places.lock().unwrap_or_else(PoisonError::into_inner);
        let mut over: Vec<_> = places.extract_if(|_, count| all || count.is_over(at)).collect();
        over.sort_by_key(|(_, count)| count.since);
        over.iter().for_each(|(place, count)| self.tell(place, count));
    }

    fn tell(&self, (target, line, level): &Place, count: &Count) {
        if count.held == 0 {
            return;
        }
        let (held, last) = (count.held, &count.last);
        self.inner.log(
            &Record::builder()
                .target(target)
                .line(Some(*line))
                .level(*level)
                .args(format_args!("repeated {held} times, the last time: {last}"))
                .build(),
        );
    }

    /// Tells everything that was held back.
    pub(super) fn finish(&self) {
        self.tell_held((self.now)(), true);
        self.inner.flush();
    }
}

impl Count {
    /// A clock that was set back must not hold anything back for long.
    fn is_over(&self, at: Nanos) -> bool {
        at.0.abs_diff(self.since.0) >= SPAN_NS
    }
}

impl Log for Repeats {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        self.inner.enabled(metadata)
    }

    fn log(&self, record: &Record<'_>) {
        self.log_at(record, (self.now)());
    }

    fn flush(&self) {
        self.tell_held((self.now)(), false);
        self.inner.flush();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;

    #[derive(Clone, Default)]
    struct Kept(Arc<Mutex<Vec<String>>>);

    impl Log for Kept {
        fn enabled(&self, metadata: &Metadata<'_>) -> bool {
            metadata.target() != "off"
        }

        fn log(&self, record: &Record<'_>) {
            self.0.lock().unwrap().push(record.args().to_string());
        }

        fn flush(&self) {}
    }

    fn put(repeats: &Repeats, target: &str, line: u32, level: Level, n: u64, at: Nanos) {
        let mut record = Record::builder();
        record.target(target).line(Some(line)).level(level);
        repeats.log_at(&record.args(format_args!("stream {n} was refused")).build(), at);
    }

    #[test]
    fn a_flood_from_one_place_becomes_a_number_and_others_are_heard() {
        let kept = Kept::default();
        let repeats = Repeats::new(Box::new(kept.clone()), || Nanos(0));
        let take = || std::mem::take(&mut *kept.0.lock().unwrap());
        let start = Nanos::from_seconds(1_723_161_600);
        (0..2_000).for_each(|n| put(&repeats, "here", 7, Level::Warn, n, start));
        assert_eq!(take().len(), 20);
        put(&repeats, "here", 8, Level::Warn, 1, start);
        put(&repeats, "off", 7, Level::Warn, 1, start);
        assert_eq!(take(), ["stream 1 was refused"]);
        repeats.tell_held(start.plus(SPAN_NS - 1), false);
        assert_eq!(take(), Vec::<String>::new());
        repeats.tell_held(start.plus(SPAN_NS), false);
        assert_eq!(take(), ["repeated 1980 times, the last time: stream 1999 was refused"]);
        repeats.tell_held(start.plus(SPAN_NS), true);
        assert_eq!(take(), Vec::<String>::new(), "each is told once");
        (0..30).for_each(|n| put(&repeats, "here", 7, Level::Warn, n, start));
        put(&repeats, "here", 7, Level::Warn, 30, start.plus(SPAN_NS));
        let told = take();
        assert_eq!(told.len(), 22);
        assert_eq!(told[20], "repeated 10 times, the last time: stream 29 was refused");
        (0..99).for_each(|n| put(&repeats, "here", 7, Level::Debug, n, start));
        assert_eq!(take().len(), 99, "the finest levels are for looking closely");
    }
}
