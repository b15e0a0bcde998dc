//! At most so many in any span of time: messages of a connection, attempts of a venue.

use std::collections::VecDeque;

use systems::units::Nanos;

/// Counts what happened within the last span.
#[derive(Clone, Debug)]
pub(super) struct Window {
    max: usize,
    span_ns: u64,
    /// Instants within the span, oldest first; never more than `max`.
    taken: VecDeque<Nanos>,
}

impl Window {
    /// At most `max` in any `span_ns` nanoseconds.
    pub(super) fn new(max: usize, span_ns: u64) -> Self {
        Self { max, span_ns, taken: VecDeque::with_capacity(max) }
    }

    /// How many more may happen at `at`.
    pub(super) fn room(&mut self, at: Nanos) -> usize {
        while self.taken.front().is_some_and(|first| first.plus(self.span_ns) <= at) {
            self.taken.pop_front();
        }
        self.max - self.taken.len()
    }

    /// Takes one, if there is more room than `reserve`.
    pub(super) fn take(&mut self, at: Nanos, reserve: usize) -> bool {
        let fits = self.room(at) > reserve;
        if fits {
            self.taken.push_back(at);
        }
        fits
    }

    /// The most that may happen within a span.
    pub(super) fn max(&self) -> usize {
        self.max
    }

    /// Begins anew, as on a new connection.
    pub(super) fn clear(&mut self) {
        self.taken.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_span_holds_more_than_the_limit_wherever_it_begins() {
        let mut window = Window::new(3, 1_000);
        let mut taken = Vec::new();
        for ns in (0..20_000).step_by(70) {
            if window.take(Nanos(ns), 0) {
                taken.push(ns);
            }
        }
        assert!(taken.len() >= 57, "{}", taken.len());
        for from in &taken {
            assert!(taken.iter().filter(|at| (*from..from + 1_000).contains(at)).count() <= 3);
        }
    }

    #[test]
    fn a_reserve_is_left_for_others() {
        let mut window = Window::new(2, 1_000);
        assert!(window.take(Nanos(0), 1));
        assert!(!window.take(Nanos(0), 1));
        assert!(window.take(Nanos(0), 0));
        assert!(!window.take(Nanos(999), 0) && window.take(Nanos(1_000), 1));
    }
}
