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
