//! The exchange's own time: where it began, and how fast it passes.

use std::time::Duration;

use systems::units::Nanos;

use crate::clock::Stopwatch;

/// The venue's time. Every limit of the venue (minutes of weights, pings, the cut after a day) is
/// counted in it, so a faster clock makes all of them come sooner.
#[derive(Clone, Copy, Debug)]
pub(super) struct VenueClock {
    start: Nanos,
    speed: f64,
    watch: Stopwatch,
}

impl VenueClock {
    /// A clock that shows `start` now and runs `speed` times as fast as the machine's.
    pub(super) fn new(start: Nanos, speed: f64) -> Self {
        Self { start, speed, watch: Stopwatch::start() }
    }

    /// The venue's time now.
    pub(super) fn now(&self) -> Nanos {
        let passed = self.watch.elapsed().as_nanos() as f64 * self.speed;
        self.start.plus(passed as u64)
    }

    /// How long this machine waits while the venue's clock moves by `ns`.
    pub(super) fn wall(&self, ns: u64) -> Duration {
        Duration::from_nanos((ns as f64 / self.speed) as u64)
    }
}
