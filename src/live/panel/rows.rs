//! The lines of the panel: a name, and pieces of which as many are shown as fit.

use std::time::Duration;

use console::{Style, measure_text_width};
use indicatif::HumanCount;
use systems::units::Nanos;

use super::View;
use crate::live::Status;
use crate::live::limits::INBOX;
use crate::live::record::Recording;
use crate::logging::timestamp;
use crate::rest::desk::Snapshot;

/// Columns of the names.
const NAME: usize = 10;
/// Columns of a bar.
const BAR: usize = 20;
const BAR_BEGINS: char = '[';

/// How a piece is to be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tone {
    Plain,
    /// Worth a look.
    Notice,
    /// Something is wrong.
    Alarm,
    /// Not what one looks for first.
    Dim,
}

/// One line.
pub(super) struct Row {
    name: String,
    /// In order of importance.
    pieces: Vec<(String, Tone)>,
}

impl Row {
    pub(super) fn new(name: &str) -> Self {
        Self { name: name.to_owned(), pieces: Vec::new() }
    }

    /// A line whose name may be too long: a space stays behind what is left of it.
    pub(super) fn called(name: &str) -> Self {
        Self::new(&name.chars().take(NAME - 1).collect::<String>())
    }

    pub(super) fn with(mut self, text: impl Into<String>, tone: Tone) -> Self {
        self.pieces.push((text.into(), tone));
        self
    }

    pub(super) fn with_if(self, condition: bool, text: impl Into<String>, tone: Tone) -> Self {
        if condition { self.with(text, tone) } else { self }
    }

    /// Without colours and bars, for a log.
    pub(super) fn plain(&self) -> String {
        let texts = self.pieces.iter().map(|(text, _)| text.as_str());
        let texts: Vec<&str> = texts.filter(|text| !text.starts_with(BAR_BEGINS)).collect();
        format!("{}: {}", self.name, texts.join(", "))
    }

    /// As many pieces as fit into `width` columns, and how many columns they take.
    pub(super) fn fitted(&self, width: usize) -> (String, usize) {
        let alarm = self.pieces.iter().any(|(_, tone)| *tone == Tone::Alarm);
        let name: String = format!("{:<NAME$}", self.name).chars().take(width).collect();
        let mut taken = measure_text_width(&name);
        let mut line =
            style(if alarm { Tone::Alarm } else { Tone::Dim }).apply_to(name).to_string();
        for (text, tone) in &self.pieces {
            let gap = if taken > NAME { 2 } else { 0 };
            let columns = measure_text_width(text);
            if taken + gap + columns > width {
                break;
            }
            line.push_str(&" ".repeat(gap));
            line.push_str(&style(*tone).apply_to(text).to_string());
            taken += gap + columns;
        }
        (line, taken)
    }
}

fn style(tone: Tone) -> Style {
    let style = Style::new().for_stderr();
    match tone {
        Tone::Plain => style,
        Tone::Notice => style.yellow(),
        Tone::Alarm => style.red().bold(),
        Tone::Dim => style.dim(),
    }
}

/// Something that is wrong or worth a look when it is not zero.
fn unless_zero(count: u64, tone: Tone) -> Tone {
    if count > 0 { tone } else { Tone::Dim }
}

/// All lines, the most important first.
pub(super) fn rows(view: &View<'_>) -> Vec<Row> {
    let (status, rest) = (&view.shown.status, &view.shown.rest);
    let (up, all) = status.links;
    let of = view.run_for.map_or_else(String::new, |time| format!(" of {}", span(time)));
    let lag = Row::new("lag");
    let lag = match status.lag_ms {
        Some((median, late)) => {
            let tone = |ms: f64| if ms > 1_000.0 { Tone::Notice } else { Tone::Plain };
            lag.with(format!("{median:.0} ms median"), tone(median))
                .with(format!("{late:.0} ms at p99"), tone(late))
        }
        None => lag.with("no trades", Tone::Notice),
    };
    let gaps = status.gaps as u64;
    let inbox = status.inbox_max;
    let full = if inbox > INBOX / 2 { Tone::Notice } else { Tone::Plain };
    let mut rows = vec![
        Row::new("tapescan")
            .with(view.venue, Tone::Plain)
            .with(at(status.now), Tone::Plain)
            .with(format!("up {}{of}", span(view.elapsed)), Tone::Dim),
        Row::new("links")
            .with(format!("{up} of {all} up"), if up < all { Tone::Alarm } else { Tone::Plain })
            .with(
                format!("{} lost so far", HumanCount(status.lost)),
                unless_zero(status.lost, Tone::Notice),
            )
            .with_if(
                status.dials_failed > 0,
                format!("{} not made", HumanCount(status.dials_failed)),
                Tone::Notice,
            ),
        symbols(status),
        Row::new("trades")
            .with(format!("{}/s", HumanCount(view.rate as u64)), Tone::Plain)
            .with(format!("{} so far", HumanCount(status.prints)), Tone::Dim),
        lag,
        response(status),
        Row::new("inbox").with(
            format!("at most {} of {}", HumanCount(inbox as u64), HumanCount(INBOX as u64)),
            full,
        ),
        candles(view),
        Row::new("gaps").with(
            if gaps == 0 { "none open".to_owned() } else { format!("{} open", HumanCount(gaps)) },
            unless_zero(gaps, Tone::Notice),
        ),
        requests(rest),
        weight(rest),
    ];
    rows.extend(warm_up(rest, status.warm_up, view.elapsed));
    if status.recording != Recording::Off {
        let failed = matches!(status.recording, Recording::Failed(_));
        let tone = if failed { Tone::Alarm } else { Tone::Plain };
        rows.push(Row::new("recording").with(status.recording.to_string(), tone));
    }
    if let Some(closed) = rest.closed.filter(|closed| view.now < closed.until) {
        let left = Duration::from_nanos(closed.until.0 - view.now.0);
        let text = format!("no requests for {}, until {}", span(left), at(closed.until));
        // Where a short terminal cuts, this must not be missing.
        rows.insert(
            1,
            Row::new(if closed.banned { "BANNED" } else { "paused" }).with(text, Tone::Alarm),
        );
    }
    rows
}

/// How long prints took from the socket to the end of their step, in the last whole interval.
fn response(status: &Status) -> Row {
    let point = &status.latency;
    let row = Row::new("response");
    if point.prints == 0 {
        return row.with("not measured yet", Tone::Dim);
    }
    let [median, late, max] = point.response.map(|ns| ns as f64 / 1e6);
    row.with(format!("{median:.3} ms median"), Tone::Plain)
        .with(format!("{late:.3} ms at p99"), Tone::Plain)
        .with(format!("{max:.3} ms at most"), Tone::Dim)
}

fn symbols(status: &Status) -> Row {
    let count = |n: usize| HumanCount(n as u64);
    Row::new("symbols")
        .with(format!("{} followed", count(status.symbols)), Tone::Plain)
        .with_if(status.listed > 0, format!("{} listed since", count(status.listed)), Tone::Plain)
        .with_if(status.retired > 0, format!("{} retired", count(status.retired)), Tone::Notice)
}

fn candles(view: &View<'_>) -> Row {
    let status = &view.shown.status;
    let marks = status.marks.iter().fold(Vec::new(), |mut sums: Vec<(&str, u64)>, (_, mark, n)| {
        match sums.iter_mut().find(|(name, _)| *name == mark.name()) {
            Some((_, sum)) => *sum += n,
            None => sums.push((mark.name(), *n)),
        }
        sums
    });
    let all = format!("{} closed", HumanCount(status.candles()));
    marks.iter().fold(Row::new("candles").with(all, Tone::Plain), |row, (name, n)| {
        row.with(format!("{} {name}", HumanCount(*n)), Tone::Dim)
    })
}

fn weight(rest: &Snapshot) -> Row {
    let (used, allowed) = (rest.used.into(), rest.allowed.into());
    let text = format!("{} of {} a minute", HumanCount(used), HumanCount(allowed));
    Row::new("weight").with(bar(used, allowed), Tone::Plain).with(text, Tone::Plain)
}

fn requests(rest: &Snapshot) -> Row {
    let waiting: usize = rest.waiting.iter().sum();
    let oldest = Duration::from_nanos(rest.oldest_ns);
    let failed = if rest.failed > 0 { rest.last_failure.clone() } else { None };
    Row::new("requests")
        .with(format!("{} waiting", HumanCount(waiting as u64)), Tone::Plain)
        .with_if(waiting > 0, format!("oldest {}", span(oldest)), Tone::Plain)
        .with(format!("{} sent", HumanCount(rest.sent)), Tone::Dim)
        .with(format!("{} failed", HumanCount(rest.failed)), unless_zero(rest.failed, Tone::Notice))
        .with_if(failed.is_some(), failed.unwrap_or_default(), Tone::Dim)
}

fn warm_up(rest: &Snapshot, (done, of): (usize, usize), elapsed: Duration) -> Option<Row> {
    let row = Row::new("warm-up")
        .with(bar(done as u64, of as u64), Tone::Plain)
        .with(format!("{done} of {of}"), Tone::Plain);
    // As fast as so far, but not faster than the weight allows.
    let left = of.saturating_sub(done) as f64;
    let by_pace = elapsed.as_secs_f64() * left / done.max(1) as f64;
    let by_weight = Duration::from_nanos(rest.warm_up_ns).as_secs_f64();
    let left = Duration::from_secs_f64(by_pace.max(by_weight).min(1e6).ceil());
    (done < of).then(|| row.with_if(done > 0, format!("about {} to go", span(left)), Tone::Plain))
}

fn bar(part: u64, whole: u64) -> String {
    let filled = (part * BAR as u64).checked_div(whole).unwrap_or(0).min(BAR as u64) as usize;
    format!("{BAR_BEGINS}{}{}]", "#".repeat(filled), ".".repeat(BAR - filled))
}

/// `1 h 5 min`, `4 min 10 s`, `3 s`.
fn span(time: Duration) -> String {
    let seconds = time.as_secs();
    match seconds {
        0..60 => format!("{seconds} s"),
        60..3_600 => format!("{} min {} s", seconds / 60, seconds % 60),
        _ => format!("{} h {} min", seconds / 3_600, seconds / 60 % 60),
    }
}

/// To the second, as a person reads it.
fn at(instant: Nanos) -> String {
    let text = timestamp(instant);
    let (date, time) = (text.get(..10).unwrap_or_default(), text.get(11..19).unwrap_or_default());
    format!("{date} {time} UTC")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::latency::Point;
    use crate::live::Shown;
    use crate::rest::budget::Closed;
    use crate::sinks::Telling;
    use systems::candle::Mark;

    fn shown() -> Shown {
        let marks = vec![(0, Mark::Complete, 1_000), (0, Mark::Gap, 2), (1, Mark::Complete, 234)];
        let lag_ms = Some((2.0, 9.4));
        let links = (1, 2);
        let status = Status { symbols: 1_200, listed: 3, retired: 1, ..Status::default() };
        let status = Status { prints: 5, marks, warm_up: (1, 9), lag_ms, links, ..status };
        let latency =
            Point { prints: 9, response: [31_000, 2_400_000, 50_000_000], ..Point::default() };
        let status = Status { latency, ..status };
        let until = Nanos::from_seconds(1_723_161_600 + 130);
        let closed = Some(Closed { until, banned: true });
        let rest = Snapshot { closed, used: 50, allowed: 100, ..Snapshot::default() };
        Shown { status, rest, told: Telling::default() }
    }

    fn texts(width: usize) -> Vec<(String, usize)> {
        let (elapsed, now) = (Duration::from_secs(3_700), Nanos::from_seconds(1_723_161_600));
        let view = View { venue: "sim", shown: &shown(), rate: 7.5, elapsed, run_for: None, now };
        let plain =
            |(text, width): (String, usize)| (console::strip_ansi_codes(&text).into_owned(), width);
        rows(&view).iter().map(|row| plain(row.fitted(width))).collect()
    }

    #[test]
    fn the_block_says_how_it_stands() {
        let lines: Vec<String> = texts(77).into_iter().map(|(text, _)| text).collect();
        let text = lines.join("\n");
        for want in [
            "up 1 h 1 min",
            "BANNED    no requests for 2 min 10 s, until 2024-08-09 00:02:10 UTC",
            "links     1 of 2 up",
            "symbols   1,200 followed  3 listed since  1 retired",
            "trades    7/s  5 so far",
            "lag       2 ms median  9 ms at p99",
            "candles   1,236 closed  1,234 complete  2 gap",
            "response  0.031 ms median  2.400 ms at p99  50.000 ms at most",
            "weight    [##########..........]  50 of 100 a minute",
            "warm-up   [##..................]  1 of 9  about 8 h 13 min to go",
        ] {
            assert!(text.contains(want), "{want}: {text}");
        }
    }

    #[test]
    fn no_line_is_wider_than_there_is_room() {
        for width in 0..120 {
            for (text, taken) in texts(width) {
                assert!(text.chars().count() == taken && taken <= width, "{width}: {text:?}");
            }
        }
    }
}
