//! How candles differed from the venue's, for people and for programs.

use std::io::{self, Write};

use serde_json::{Map, Value, json};
use systems::reconcile::Cause;
use systems::units::Nanos;

use super::table::{count, table};
use crate::config::Config;
use crate::logging::timestamp;
use crate::replay::{DriftReport, Example};

/// Days that are printed; the JSON has all that are kept.
const DAYS_SHOWN: usize = 7;

/// The report for people: nothing if nothing differed.
pub(super) fn print(out: &mut dyn Write, report: &DriftReport, config: &Config) -> io::Result<()> {
    if report.days.is_empty() {
        return Ok(());
    }
    writeln!(out, "\ndifferences by day and cause")?;
    let skipped = report.days.len().saturating_sub(DAYS_SHOWN);
    let rows = report.days.iter().skip(skipped).map(|day| {
        let causes = Cause::ALL.iter().map(|cause| (cause, day.causes[*cause as usize]));
        let causes = causes.filter(|(_, n)| *n > 0);
        let causes = causes.map(|(cause, n)| format!("{} {}", count(n), words(*cause)));
        let causes = causes.collect::<Vec<_>>().join(", ");
        vec![date(day.begins), format!("{causes}; {} taken over", count(day.taken_over))]
    });
    table(out, "  ", &rows.collect::<Vec<_>>())?;
    if skipped > 0 {
        writeln!(out, "  ... --json lists {} days before", count(skipped as u64))?;
    }
    let worst = report.worst.iter().map(|(name, n)| format!("{name} {}", count(*n)));
    let worst = worst.collect::<Vec<_>>().join(", ");
    writeln!(out, "  of {} symbols, most of {worst}", count(report.symbols as u64))?;
    for example in &report.examples {
        writeln!(out, "  first {}: {}", words(example.cause), in_words(example, config))?;
    }
    Ok(())
}

fn in_words(example: &Example, config: &Config) -> String {
    let numbers = example
        .numbers
        .iter()
        .map(|(name, ours, venue)| format!("{name} {ours}, the venue's {venue}"));
    format!(
        "{} {} {} ({}): {}{}",
        example.symbol,
        interval(example, config),
        timestamp(example.open_time),
        example.mark.name(),
        numbers.collect::<Vec<_>>().join("; "),
        if example.taken_over { "; taken over" } else { "" }
    )
}

fn interval(example: &Example, config: &Config) -> String {
    config.intervals[usize::from(example.interval)].interval.to_string()
}

fn words(cause: Cause) -> String {
    cause.name().replace('_', " ")
}

fn date(at: Nanos) -> String {
    timestamp(at).split('T').next().unwrap_or_default().to_owned()
}

/// The report for programs.
pub(super) fn as_json(report: &DriftReport, config: &Config) -> Value {
    let days = report.days.iter().map(|day| {
        let causes: Map<String, Value> = Cause::ALL
            .iter()
            .filter(|cause| **cause != Cause::Identical)
            .map(|cause| (cause.name().to_owned(), json!(day.causes[*cause as usize])))
            .collect();
        json!({ "day": date(day.begins), "causes": causes, "taken_over": day.taken_over })
    });
    let worst = report.worst.iter().map(|(name, n)| json!({ "symbol": name, "differences": n }));
    let examples = report.examples.iter().map(|example| {
        let numbers = example
            .numbers
            .iter()
            .map(|(name, ours, venue)| json!({ "number": name, "ours": ours, "venue": venue }));
        json!({
            "symbol": example.symbol,
            "interval": interval(example, config),
            "open_time": timestamp(example.open_time),
            "cause": example.cause.name(),
            "mark": example.mark.name(),
            "taken_over": example.taken_over,
            "numbers": numbers.collect::<Vec<_>>(),
        })
    });
    json!({
        "days": days.collect::<Vec<_>>(),
        "symbols": report.symbols,
        "worst": worst.collect::<Vec<_>>(),
        "examples": examples.collect::<Vec<_>>(),
    })
}
