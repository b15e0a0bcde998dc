//! What a person sees of a live session: a block of lines on a terminal, a log line elsewhere.

use std::time::Duration;

use indicatif::{HumanCount, ProgressBar, ProgressStyle};

use super::Shown;
use super::record::Recording;
use crate::clock::Stopwatch;
use crate::logging::timestamp;
use crate::rest::desk::Snapshot;

/// How often a line is logged where there is no terminal.
const LOG_EVERY: Duration = Duration::from_secs(10);

/// Shows how a session stands, on stderr.
pub struct Panel {
    bar: ProgressBar,
    watch: Stopwatch,
    logged: Duration,
    rate: Rate,
}

impl Panel {
    /// A panel that shows nothing yet.
    pub fn new() -> Self {
        let bar = ProgressBar::new_spinner();
        if let Ok(style) = ProgressStyle::with_template("{msg}") {
            bar.set_style(style);
        }
        Self { bar, watch: Stopwatch::start(), logged: Duration::ZERO, rate: Rate::default() }
    }

    /// Shows how it stands now.
    pub fn show(&mut self, shown: &Shown) {
        let elapsed = self.watch.elapsed();
        if !self.bar.is_hidden() {
            let rate = self.rate.of(shown.status.prints - shown.status.resumed, elapsed);
            self.bar.set_message(lines(shown, rate).join("\n"));
        } else if elapsed >= self.logged + LOG_EVERY {
            self.logged = elapsed;
            let rate = self.rate.of(shown.status.prints - shown.status.resumed, elapsed);
            log::info!("{}", lines(shown, rate).join("; "));
        }
    }

    /// Takes the block away.
    pub fn done(&self) {
        self.bar.finish_and_clear();
    }
}

impl Default for Panel {
    fn default() -> Self {
        Self::new()
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

fn lines(shown: &Shown, rate: f64) -> Vec<String> {
    let status = &shown.status;
    let lag = status.lag_ms.map_or_else(String::new, |(median, late)| {
        format!("  lag {median:.0} ms, {late:.0} ms at p99")
    });
    let marks = status.marks.iter().fold(Vec::new(), |mut sums: Vec<(&str, u64)>, (_, mark, n)| {
        match sums.iter_mut().find(|(name, _)| *name == mark.name()) {
            Some((_, sum)) => *sum += n,
            None => sums.push((mark.name(), *n)),
        }
        sums
    });
    let marks: Vec<_> =
        marks.iter().map(|(name, n)| format!("{} {name}", HumanCount(*n))).collect();
    let mut lines = vec![
        format!(
            "{}  links {}/{}, lost {}",
            timestamp(status.now),
            status.links.0,
            status.links.1,
            status.lost
        ),
        format!(
            "{} prints  {}/s{lag}  inbox at most {}",
            HumanCount(status.prints),
            HumanCount(rate as u64),
            status.inbox_max
        ),
        format!(
            "{} candles ({})  gaps {}",
            HumanCount(status.candles()),
            marks.join(", "),
            status.gaps
        ),
        requests(&shown.rest, status.warm_up),
    ];
    if status.recording != Recording::Off {
        lines.push(format!("recording {}", status.recording));
    }
    lines
}

fn requests(rest: &Snapshot, (warm, of): (usize, usize)) -> String {
    let waiting: usize = rest.waiting.iter().sum();
    let mut line = format!(
        "requests {} sent, {} failed, {waiting} waiting, weight {}/{}",
        rest.sent, rest.failed, rest.used, rest.allowed
    );
    if warm < of {
        let eta = rest.eta_ns / 1_000_000_000;
        line.push_str(&format!("  warm-up {warm}/{of}, {eta} s to go"));
    }
    if let Some(closed) = rest.closed {
        let what = if closed.banned { "banned" } else { "paused" };
        line.push_str(&format!("  {what} until {}", timestamp(closed.until)));
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::live::Status;
    use systems::candle::Mark;

    #[test]
    fn the_block_says_how_it_stands() {
        let marks = vec![(0, Mark::Complete, 1_000), (0, Mark::Gap, 2), (1, Mark::Complete, 234)];
        let status = Status {
            prints: 5,
            marks,
            warm_up: (1, 9),
            lag_ms: Some((2.0, 9.4)),
            ..Status::default()
        };
        let shown = Shown { status, rest: Snapshot::default() };
        let text = lines(&shown, 7.5).join("\n");
        for want in
            ["5 prints  7/s  lag 2 ms, 9 ms at p99", "1,236 candles (1,234 complete, 2 gap)", "1/9"]
        {
            assert!(text.contains(want), "{text}");
        }
    }

    #[test]
    fn a_rate_is_that_since_the_last_look() {
        let mut rate = Rate::default();
        assert_eq!(rate.of(0, Duration::ZERO), 0.0);
        assert_eq!(rate.of(100, Duration::from_secs(2)), 50.0);
        assert_eq!(rate.of(100, Duration::from_secs(3)), 0.0);
    }
}
