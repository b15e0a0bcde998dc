//! Progress of long work, on a terminal only: how far, how fast, how long still.

use std::time::Duration;

use indicatif::{HumanCount, ProgressBar, ProgressStyle};
use systems::units::Nanos;

use crate::clock::Stopwatch;
use crate::logging::timestamp;
use crate::replay::Watch;
use crate::terminal;

/// A bar on stderr; nothing at all where stderr is no terminal.
pub struct Progress {
    bar: ProgressBar,
    watch: Stopwatch,
}

impl Progress {
    /// A bar over `bytes` bytes of tape.
    pub fn over(bytes: u64) -> Self {
        let bar = terminal::draw(ProgressBar::new(bytes));
        let template = "{bar:30} {percent:>3} %  {msg}  {eta} to go";
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style);
        }
        bar.enable_steady_tick(Duration::from_millis(200));
        Self { bar, watch: Stopwatch::start() }
    }

    /// Takes the bar away.
    pub fn done(&self) -> Duration {
        self.bar.finish_and_clear();
        self.watch.elapsed()
    }
}

impl Watch for Progress {
    fn progress(&mut self, bytes: u64, prints: u64, now: Nanos) {
        let seconds = self.watch.elapsed().as_secs_f64().max(1e-9);
        let rate = HumanCount((prints as f64 / seconds) as u64);
        self.bar.set_position(bytes);
        self.bar.set_message(format!(
            "{} trades  {rate}/s  market time {}",
            HumanCount(prints),
            timestamp(now)
        ));
    }
}

/// Progress that nobody sees.
pub struct Unseen;

impl Watch for Unseen {
    fn progress(&mut self, _bytes: u64, _prints: u64, _now: Nanos) {}
}
