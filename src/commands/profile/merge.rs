//! Profiles of one run each as one of many. Their histograms are gone by then: percentiles and
//! curves are those in the middle, while counts add up and maxima stay maxima.

use serde_json::{Map, Value, json};

use crate::latency::PERCENTILES;

/// What has one value per run.
const PER_RUN: [&str; 10] = [
    "prints",
    "prints_per_s",
    "elapsed_s",
    "steps",
    "inbox_max",
    "drains",
    "resident_bytes",
    "resident_max_bytes",
    "switches",
    "points",
];

/// The runs of one program, in their order, as one profile.
pub(super) fn merged(runs: &[Value]) -> Value {
    let mut object = runs.last().cloned().unwrap_or_default();
    object["repeats"] = Value::from(runs.len());
    for name in PER_RUN {
        object[name] = runs.iter().flat_map(|run| list(&run[name])).cloned().collect();
    }
    let failed = runs.iter().map(|run| &run["log_failed"]).find(|failed| !failed.is_null());
    object["log_failed"] = failed.cloned().unwrap_or_default();
    object["stages"] = list(&object["stages"]).iter().filter_map(|it| stage(runs, it)).collect();
    object["cells"] = list(&object["cells"]).iter().filter_map(|it| cell(runs, it)).collect();
    object
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

/// A thing in every run that has these names in common with `one`; `None` if a run lacks it, since
/// then nothing says which of the others is whose neighbour.
fn everywhere<'a>(
    runs: &'a [Value],
    list_name: &str,
    one: &Value,
    names: &[&str],
) -> Option<Vec<&'a Value>> {
    let alike = |other: &&Value| names.iter().all(|name| other[*name] == one[*name]);
    runs.iter().map(|run| list(&run[list_name]).iter().find(alike)).collect()
}

fn stage(runs: &[Value], one: &Value) -> Option<Value> {
    let all = everywhere(runs, "stages", one, &["stage"])?;
    let mut object = one.clone();
    for name in ["count", "mean"] {
        object[name] = all.iter().flat_map(|it| list(&it[name])).cloned().collect();
    }
    Some(object)
}

fn cell(runs: &[Value], one: &Value) -> Option<Value> {
    let all = everywhere(runs, "cells", one, &["stage", "kind", "phase"])?;
    let each = |name: &str| all.iter().filter_map(|it| it[name].as_u64()).collect::<Vec<_>>();
    let mut object = one.clone();
    object["count"] = each("count").iter().sum::<u64>().into();
    object["clamped"] = each("clamped").iter().sum::<u64>().into();
    object["max"] = json!(each("max").iter().max());
    let (mut percentiles, mut repeats) = (Map::new(), Map::new());
    for (name, _) in PERCENTILES {
        let mut of_runs: Vec<_> =
            all.iter().filter_map(|it| it["percentiles"][name].as_u64()).collect();
        repeats.insert(name.to_owned(), json!(of_runs));
        of_runs.sort_unstable();
        percentiles.insert(name.to_owned(), json!(of_runs.get(of_runs.len() / 2)));
    }
    let mut by_tail = all.clone();
    by_tail.sort_by_key(|it| it["percentiles"]["p99"].as_u64());
    object["curve"] = by_tail[by_tail.len() / 2]["curve"].clone();
    object["percentiles"] = Value::Object(percentiles);
    object["repeats"] = Value::Object(repeats);
    Some(object)
}
