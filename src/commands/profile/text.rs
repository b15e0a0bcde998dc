//! A profile for people.

use std::io::{self, Write};

use super::Made;
use crate::commands::table::{count, size, table};
use crate::latency::{Key, PERCENTILES, Phase, Total, Unit};
use crate::profile::{Drain, Path, Rate};

pub(super) fn print(out: &mut dyn Write, made: &Made<'_>) -> io::Result<()> {
    head(out, made)?;
    for phase in Phase::ALL {
        let rows = rows(made, phase);
        if rows.len() > 1 {
            let what = match phase {
                Phase::Calm => "calm".to_owned(),
                Phase::Boundary => {
                    format!("within a second and the grace of the end of a {} candle", base(made))
                }
            };
            writeln!(out, "\n{what}")?;
            table(out, "  ", &rows)?;
        }
    }
    foot(out, made)
}

fn base(made: &Made<'_>) -> String {
    made.bench.config.base().to_string()
}

fn head(out: &mut dyn Write, made: &Made<'_>) -> io::Result<()> {
    let Made { bench, plan, runs, .. } = made;
    let load = &bench.load;
    writeln!(
        out,
        "{} entries of {} symbols, {} prints of them written as frames of {}",
        count(load.entries().len() as u64),
        count(load.symbols().specs().len() as u64),
        count(load.rendered),
        load.venue().name()
    )?;
    if load.as_they_are > 0 {
        let n = count(load.as_they_are);
        writeln!(out, "{n} prints have no frame (fetched, or odd): folded without decoding")?;
    }
    let path = match plan.path {
        Path::Loopback => "over a WebSocket on loopback, the live socket and inbox",
        Path::InProcess => "in process",
    };
    let rate = match plan.rate {
        Rate::Max => "flat out (closed loop: response counts from sending)".to_owned(),
        Rate::Recorded => "open loop, at the recorded pace".to_owned(),
        Rate::Fixed(rate) => format!("open loop, {} frames/s", count(rate as u64)),
    };
    writeln!(out, "{path}; {rate}; the first {} entries are warm-up", count(plan.warm_up as u64))?;
    let mut rows = vec![
        ["run", "trades/s", "steps", "seconds", "inbox", "RSS", "peak", "waits", "preempted"]
            .map(str::to_owned)
            .to_vec(),
    ];
    for (number, run) in runs.iter().enumerate() {
        let of = |value: Option<u64>, text: &dyn Fn(u64) -> String| {
            value.map_or_else(|| "?".to_owned(), text)
        };
        rows.push(vec![
            (number + 1).to_string(),
            count(run.prints_per_s() as u64),
            count(run.steps),
            format!("{:.2}", run.elapsed_ns as f64 / 1e9),
            of(run.kept.totals.inbox_max(), &count),
            of(run.used.resident, &size),
            of(run.used.resident_max, &size),
            of(run.used.switches.map(|(asked, _)| asked), &count),
            of(run.used.switches.map(|(_, not)| not), &count),
        ]);
    }
    writeln!(out)?;
    table(out, "  ", &rows)?;
    let mut drains = (1..).zip(runs).filter_map(|(number, run)| Some((number, run.drain?)));
    drains.try_for_each(|(number, it)| drain(out, number, &it))
}

fn drain(out: &mut dyn Write, run: usize, it: &Drain) -> io::Result<()> {
    let (from, to) = it.surge.span;
    write!(
        out,
        "\nrun {run}: a surge of {} entries/s for {}; entries wait {} at most, and ",
        count(it.surge.rate() as u64),
        time(to - from),
        time(it.worst_ns)
    )?;
    match it.drained_ns {
        Some(ns) => writeln!(out, "{} after it no longer than {}", time(ns), time(it.calm_ns)),
        None => writeln!(out, "too long up to the end"),
    }
}

fn rows(made: &Made<'_>, phase: Phase) -> Vec<Vec<String>> {
    let mut head = vec!["stage".to_owned(), "count".to_owned()];
    head.extend(PERCENTILES.map(|(name, _)| name.to_owned()));
    head.extend(["max".to_owned(), "p99 of runs".to_owned()]);
    let cells = made.totals.iter().filter(|((_, _, own), _)| *own == phase);
    let rows = cells.map(|(key, total)| row(made, *key, total));
    core::iter::once(head).chain(rows).collect()
}

fn row(made: &Made<'_>, key: Key, total: &Total) -> Vec<String> {
    let (stage, kind, _) = key;
    let text = |value: u64| match stage.unit() {
        Unit::Nanos => time(value),
        Unit::Events => count(value),
    };
    let mut row = vec![format!("{} {}", stage.name(), kind.name()), count(total.count())];
    row.extend(PERCENTILES.map(|(_, quantile)| text(total.at(quantile))));
    let clamped = if total.clamped() > 0 { "+" } else { "" };
    row.push(format!("{}{clamped}", text(total.max())));
    let runs = made.runs.iter().filter_map(|run| run.kept.totals.get(key));
    let of_runs: Vec<u64> = runs.map(|total| total.at(0.99)).collect();
    let (least, most) = (of_runs.iter().min(), of_runs.iter().max());
    row.push(match (least, most) {
        (Some(least), Some(most)) if of_runs.len() > 1 => {
            format!("{}..{}", text(*least), text(*most))
        }
        _ => String::new(),
    });
    row
}

fn foot(out: &mut dyn Write, made: &Made<'_>) -> io::Result<()> {
    writeln!(
        out,
        "\nstages inside a step are the step's, for every event in it; asking the clock takes {}",
        time(made.clock_ns)
    )?;
    for run in &made.runs {
        if let Some(why) = &run.kept.log_failed {
            writeln!(out, "an interval log ended early: {why}")?;
        }
    }
    if let Some(run) = made.runs.last() {
        writeln!(out, "digest {}", run.digest)?;
    }
    writeln!(out, "report {}", made.args.out.join("report.html").display())
}

/// A time in three digits and a unit.
pub(in crate::commands) fn time(ns: u64) -> String {
    let (value, unit) = match ns {
        0..1_000 => return format!("{ns}ns"),
        1_000..1_000_000 => (ns as f64 / 1e3, "us"),
        1_000_000..1_000_000_000 => (ns as f64 / 1e6, "ms"),
        _ => (ns as f64 / 1e9, "s"),
    };
    let digits = if value < 10.0 { 2 } else { usize::from(value < 100.0) };
    format!("{value:.digits$}{unit}")
}

#[cfg(test)]
mod tests {
    use super::time;

    #[test]
    fn times_have_three_digits() {
        let told = [0, 999, 1_000, 12_345, 999_900, 1_500_000, 59_000_000_000].map(time);
        assert_eq!(told, ["0ns", "999ns", "1.00us", "12.3us", "1000us", "1.50ms", "59.0s"]);
    }
}
