//! A profile as one object: for scripts, for `profile compare`, and for the report.

use serde_json::{Map, Value, json};

use super::Made;
use crate::latency::{Key, PERCENTILES, Point, Stage, Total, Unit};
use crate::logging::timestamp;
use crate::profile::{Drain, Run};

/// Everything; the names are relied on by scripts.
pub(super) fn object(made: &Made<'_>) -> Value {
    let Made { args, bench, plan, runs, totals, clock_ns } = made;
    let each = |of: &dyn Fn(&Run) -> Value| runs.iter().map(of).collect::<Vec<_>>();
    let config = &bench.config;
    let cells = totals.iter().map(|(key, total)| cell(made, *key, total));
    json!({
        "tool": format!("tapescan {}", env!("CARGO_PKG_VERSION")),
        "tapes": args.run.tapes.iter().map(|tape| tape.display().to_string()).collect::<Vec<_>>(),
        "path": plan.path.name(),
        "rate": plan.rate.to_string(),
        "open_loop": plan.rate != crate::profile::Rate::Max,
        "threads": plan.threads,
        "repeats": runs.len(),
        "symbols": bench.load.symbols().specs().len(),
        "base_interval": config.base().to_string(),
        "rows": bench.load.symbols().specs().len() * config.intervals.len(),
        "indicators": config.intervals.iter().map(|per| per.indicators.len()).sum::<usize>(),
        "entries": bench.load.entries().len(),
        "warm_up_entries": plan.warm_up,
        "rendered": bench.load.rendered,
        "not_rendered": bench.load.as_they_are,
        "clock_ns": clock_ns,
        "prints": each(&|run| json!(run.prints)),
        "prints_per_s": each(&|run| json!(run.prints_per_s())),
        "elapsed_s": each(&|run| json!(run.elapsed_ns as f64 / 1e9)),
        "steps": each(&|run| json!(run.steps)),
        "inbox_max": each(&|run| json!(run.kept.totals.inbox_max())),
        "drains": each(&|run| run.drain.as_ref().map_or(Value::Null, drain)),
        "candles": runs.last().map(|run| run.candles),
        "digest": runs.last().map(|run| run.digest.as_str()),
        "resident_bytes": each(&|run| json!(run.used.resident)),
        "resident_max_bytes": each(&|run| json!(run.used.resident_max)),
        "switches": each(&|run| json!(run.used.switches)),
        "log_failed": runs.iter().find_map(|run| run.kept.log_failed.as_deref()),
        "stages": Stage::ALL.iter().filter_map(|stage| whole(runs, *stage)).collect::<Vec<_>>(),
        "cells": cells.collect::<Vec<_>>(),
        "points": each(&|run| run.kept.points.iter().map(point).collect()),
    })
}

/// A stage as a whole, over all kinds and phases: events and their mean, run by run.
fn whole(runs: &[Run], stage: Stage) -> Option<Value> {
    let totals = runs.iter().map(|run| run.kept.totals.merged(|key| key.0 == stage));
    let totals: Vec<Total> = totals.flatten().collect();
    (!totals.is_empty()).then(|| {
        json!({
            "stage": stage.name(),
            "count": totals.iter().map(Total::count).collect::<Vec<_>>(),
            "mean": totals.iter().map(Total::mean).collect::<Vec<_>>(),
        })
    })
}

fn cell(made: &Made<'_>, key: Key, total: &Total) -> Value {
    let (stage, kind, phase) = key;
    let of_runs = |quantile: f64| -> Vec<u64> {
        let runs = made.runs.iter().filter_map(|run| run.kept.totals.get(key));
        runs.map(|total| total.at(quantile)).collect()
    };
    let percentiles = PERCENTILES.map(|(name, quantile)| (name, total.at(quantile)));
    let repeats = PERCENTILES.map(|(name, quantile)| (name, of_runs(quantile)));
    let object = |pairs: [(&str, Value); PERCENTILES.len()]| {
        pairs.map(|(name, value)| (name.to_owned(), value)).into_iter().collect::<Map<_, _>>()
    };
    json!({
        "stage": stage.name(),
        "kind": kind.name(),
        "phase": phase.name(),
        "unit": match stage.unit() { Unit::Nanos => "ns", Unit::Events => "events" },
        "count": total.count(),
        "clamped": total.clamped(),
        "max": total.max(),
        "percentiles": object(percentiles.map(|(name, value)| (name, json!(value)))),
        "repeats": object(repeats.map(|(name, values)| (name, json!(values)))),
        "curve": made.totals.curve(key),
    })
}

fn point(point: &Point) -> Value {
    json!({
        "at_s": point.at.0 as f64 / 1e9,
        "length_s": point.length_ns as f64 / 1e9,
        "market": timestamp(point.market),
        "boundary": point.boundary,
        "prints": point.prints,
        "p50": point.response[0],
        "p99": point.response[1],
        "max": point.response[2],
        "inbox_max": point.inbox,
    })
}

fn drain(drain: &Drain) -> Value {
    let (from, to) = drain.surge.span;
    json!({
        "from_s": from as f64 / 1e9,
        "to_s": to as f64 / 1e9,
        "entries": drain.surge.entries,
        "calm_ns": drain.calm_ns,
        "worst_ns": drain.worst_ns,
        "drained_ns": drain.drained_ns,
    })
}
