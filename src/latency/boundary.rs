//! Ends of candles, which are told apart from calm times.

use systems::interval::Interval;
use systems::units::Nanos;

use super::stage::Phase;

/// Candles that end are work of their own: what a step does right after an end is told apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Boundary {
    base_ns: u64,
    span_ns: u64,
    grace_ns: u64,
}

impl Boundary {
    /// Intervals shorter than this end all the time.
    const SHORTEST_NS: u64 = 10 * Nanos::PER_SECOND;

    /// After the ends of `base`, for the grace and a second on top.
    pub fn of(base: Interval, grace_ns: u64) -> Self {
        let base_ns = base.ns();
        let whole = base_ns >= Self::SHORTEST_NS.max(2 * grace_ns);
        let span_ns = if whole { grace_ns + Nanos::PER_SECOND } else { 0 };
        Self { base_ns, span_ns, grace_ns }
    }

    /// How many stretches of the shortest candles have passed, with their grace, at an instant of
    /// the market's time.
    pub fn passed(&self, now: Nanos) -> u64 {
        now.0.saturating_sub(self.grace_ns) / self.base_ns
    }

    /// The phase at an instant of the market's time.
    pub fn phase(&self, now: Nanos) -> Phase {
        if now.0 % self.base_ns < self.span_ns { Phase::Boundary } else { Phase::Calm }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ends_of_candles_are_told_apart_unless_they_are_all_the_time() {
        let base = Interval::new(60).unwrap();
        let minute = Boundary::of(base, 500 * Nanos::PER_MS);
        for (ms, phase) in [(0, Phase::Boundary), (1_499, Phase::Boundary), (1_500, Phase::Calm)] {
            assert_eq!(minute.phase(Nanos::from_ms(120_000 + ms)), phase, "{ms}");
        }
        let second = Interval::new(1).unwrap();
        assert_eq!(Boundary::of(second, 0).phase(Nanos(0)), Phase::Calm);
    }
}
