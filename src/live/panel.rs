//! What a person sees of a live session: a block of lines on a terminal, a log line elsewhere.

mod rows;

use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};
use systems::units::Nanos;

use super::Shown;
use crate::clock::{self, Stopwatch};
use crate::terminal;
use rows::Row;

/// How often a line is logged where there is no terminal.
const LOG_EVERY: Duration = Duration::from_secs(10);

/// Columns left free at the right: what a terminal echoes, such as ^C, must not break a line.
const MARGIN: usize = 3;

/// Shows how a session stands, on stderr.
pub struct Panel {
    bar: ProgressBar,
    watch: Stopwatch,
    logged: Duration,
    rate: Rate,
    /// What the session is: its venue, and how long it is to last.
    venue: String,
    run_for: Option<Duration>,
    /// Widths of the lines that are drawn, and of the terminal when they were.
    drawn: (Vec<usize>, usize),
}

/// Everything that is shown.
struct View<'a> {
    venue: &'a str,
    shown: &'a Shown,
    rate: f64,
    elapsed: Duration,
    run_for: Option<Duration>,
    /// Our time.
    now: Nanos,
}

impl Panel {
    /// A panel that shows nothing yet.
    pub fn new(venue: &str, run_for: Option<Duration>) -> Self {
        let bar = terminal::draw(ProgressBar::new_spinner());
        if let Ok(style) = ProgressStyle::with_template("{msg}") {
            bar.set_style(style);
        }
        let (watch, logged, rate) = (Stopwatch::start(), Duration::ZERO, Rate::default());
        Self { bar, watch, logged, rate, venue: venue.to_owned(), run_for, drawn: (vec![], 0) }
    }

    /// Shows how it stands now.
    pub fn show(&mut self, shown: &Shown) {
        let elapsed = self.watch.elapsed();
        let drawn = !self.bar.is_hidden();
        if !drawn && elapsed < self.logged + LOG_EVERY {
            return;
        }
        let rate = self.rate.of(shown.status.prints, elapsed);
        let (venue, run_for, now) = (&*self.venue, self.run_for, clock::now());
        let rows = rows::rows(&View { venue, shown, rate, elapsed, run_for, now });
        if drawn {
            self.draw(&rows);
        } else {
            self.logged = elapsed;
            let texts: Vec<String> = rows.iter().skip(1).map(Row::plain).collect();
            log::info!("{}", texts.join("; "));
        }
    }

    fn draw(&mut self, rows: &[Row]) {
        let (height, width) = terminal::size();
        let (lines, known) = &self.drawn;
        if width < *known {
            let broken = lines.iter().map(|line| line.div_ceil(width.max(1)).saturating_sub(1));
            terminal::clear_above(broken.sum());
        }
        let fits = rows.iter().take(height.saturating_sub(1).max(1));
        let (texts, widths) = fits.map(|row| row.fitted(width.saturating_sub(MARGIN))).unzip();
        let texts: Vec<String> = texts;
        self.drawn = (widths, width);
        self.bar.set_message(texts.join("\n"));
    }

    /// Takes the block away.
    pub fn done(&self) {
        self.bar.finish_and_clear();
    }
}

/// Prints per second between two looks.
#[derive(Clone, Copy, Debug, Default)]
pub struct Rate {
    before: (u64, Duration),
}

impl Rate {
    /// The rate since the last call, of a count that has come to `count` at `elapsed`.
    pub fn of(&mut self, count: u64, elapsed: Duration) -> f64 {
        let (counted, at) = std::mem::replace(&mut self.before, (count, elapsed));
        let seconds = elapsed.saturating_sub(at).as_secs_f64();
        if seconds > 0.0 { count.saturating_sub(counted) as f64 / seconds } else { 0.0 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_is_that_since_the_last_look() {
        let mut rate = Rate::default();
        assert_eq!(rate.of(0, Duration::ZERO), 0.0);
        assert_eq!(rate.of(100, Duration::from_secs(2)), 50.0);
        assert_eq!(rate.of(100, Duration::from_secs(3)), 0.0);
    }
}
