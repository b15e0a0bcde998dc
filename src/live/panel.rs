//! What a person sees of a live session: a block of lines on a terminal, a log line elsewhere.

mod alerts;
mod rows;
mod tables;

use std::collections::VecDeque;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};
use systems::units::Nanos;

use super::Shown;
use crate::clock::{self, Stopwatch};
use crate::config::Config;
use crate::terminal;
use alerts::Last;
use rows::Row;

/// How often a line is logged where there is no terminal.
const LOG_EVERY: Duration = Duration::from_secs(10);

/// Looks over which the rate of prints is taken: three seconds.
const LOOKS: usize = 13;

/// Columns left free at the right, so that no terminal begins a new line by itself.
const MARGIN: usize = 1;

/// Shows how a session stands, on stderr.
pub struct Panel {
    bar: ProgressBar,
    watch: Stopwatch,
    logged: Duration,
    /// Prints at the last looks, over which their rate is taken: an engine that is busy tells how
    /// it stands in fits and starts.
    looks: VecDeque<(u64, Duration)>,
    last: Last,
    /// What the session is: its venue, and how long it is to last.
    venue: String,
    run_for: Option<Duration>,
    heads: Vec<tables::Head>,
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
    pub fn new(config: &Config, run_for: Option<Duration>) -> Self {
        let bar = terminal::draw(ProgressBar::new_spinner());
        if let Ok(style) = ProgressStyle::with_template("{msg}") {
            bar.set_style(style);
        }
        let (watch, logged, looks) = (Stopwatch::start(), Duration::ZERO, VecDeque::new());
        let (venue, heads) = (config.venue.clone(), tables::heads(config));
        let (last, drawn) = (Last::default(), (vec![], 0));
        Self { bar, watch, logged, looks, last, venue, run_for, heads, drawn }
    }

    /// Whether it is drawn, or only logged.
    pub fn is_drawn(&self) -> bool {
        !self.bar.is_hidden()
    }

    /// Shows how it stands now.
    pub fn show(&mut self, shown: &Shown) {
        let elapsed = self.watch.elapsed();
        let rate = self.smooth_rate(shown.status.own_prints(), elapsed);
        let drawn = self.is_drawn();
        self.last.take(shown);
        if !drawn && elapsed < self.logged + LOG_EVERY {
            return;
        }
        let (venue, run_for, now) = (&*self.venue, self.run_for, clock::now());
        let mut rows = rows::rows(&View { venue, shown, rate, elapsed, run_for, now });
        rows.extend(alerts::sinks(shown));
        if drawn {
            rows.extend(tables::rows(&self.heads, &shown.status.tables));
            rows.extend(self.last.rows(shown));
            self.draw(&rows);
        } else {
            self.logged = elapsed;
            let texts: Vec<String> = rows.iter().skip(1).map(Row::plain).collect();
            log::info!("{}", texts.join("; "));
        }
    }

    /// Prints per second over the last looks.
    fn smooth_rate(&mut self, prints: u64, elapsed: Duration) -> f64 {
        self.looks.push_back((prints, elapsed));
        if self.looks.len() > LOOKS {
            self.looks.pop_front();
        }
        let before = self.looks.front().copied().unwrap_or_default();
        Rate { before }.of(prints, elapsed)
    }

    fn draw(&mut self, rows: &[Row]) {
        let (height, width) = terminal::size();
        let (lines, known) = &self.drawn;
        if width < *known {
            let broken = lines.iter().map(|line| line.div_ceil(width.max(1)).saturating_sub(1));
            terminal::clear_above(broken.sum());
        }
        // One row is the empty one, and one belongs to the log above.
        let fits = rows.iter().take(height.saturating_sub(2).max(1));
        let (texts, mut widths): (Vec<String>, Vec<usize>) =
            fits.map(|row| row.fitted(width.saturating_sub(MARGIN))).unzip();
        // The last line is filled up with spaces.
        widths.pop();
        widths.push(width);
        self.drawn = (widths, width);
        // An empty line sets it apart from the log, and is what stays behind when the terminal
        // itself writes a ^C below the block.
        self.bar.set_message(format!("\n{}", texts.join("\n")));
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
