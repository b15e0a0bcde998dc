//! The only file that asks a clock. Everything else is told the time.

use std::time::{Duration, Instant, SystemTime};

use systems::units::Nanos;

/// The present instant by the machine's clock.
pub fn now() -> Nanos {
    let since = SystemTime::UNIX_EPOCH.elapsed().unwrap_or_default();
    Nanos(since.as_nanos() as u64)
}

/// Measures how long something takes.
#[derive(Clone, Copy, Debug)]
pub struct Stopwatch(Instant);

impl Stopwatch {
    /// Starts now.
    pub fn start() -> Self {
        Self(Instant::now())
    }

    /// How long ago it was started.
    pub fn elapsed(&self) -> Duration {
        self.0.elapsed()
    }
}

/// A clock that never steps back: the machine's instant at this call, and `speed` times the time
/// passed since. Only beside a simulated venue is `speed` not 1.
///
/// What counts weight or waits must not stand still for an hour because a clock was set.
pub fn steady(speed: f64) -> impl Fn() -> Nanos + Send + Sync {
    let (begun, watch) = (now(), Stopwatch::start());
    move || begun.plus((watch.elapsed().as_nanos() as f64 * speed) as u64)
}
