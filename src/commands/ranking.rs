//! Ranked tables: how they stand, for people and programs, and who came, went or moved.

use std::io::{self, Write};

use serde_json::{Map, Value, json};

use super::table::table;
use crate::config::Config;
use crate::logging::timestamp;
use crate::rules::{CompiledTable, Place, Ranking, Table, shown};
use crate::settings::rule_set;

fn number(value: f64) -> Value {
    if value.is_nan() { Value::Null } else { json!(value) }
}

/// The tables as they stand.
pub(super) fn as_json(rankings: &[Ranking], config: &Config) -> Value {
    let place = |table: &Table, (place, at): (&Place, usize)| {
        let columns = table.columns.iter().zip(&place.columns);
        let columns: Map<_, _> =
            columns.map(|(text, value)| (text.clone(), number(*value))).collect();
        json!({
            "place": at,
            "symbol": place.symbol,
            "value": number(place.score),
            "columns": columns,
        })
    };
    let one = |(table, ranking): (&Table, &Ranking)| {
        let places = ranking.places.iter().zip(1..).map(|at| place(table, at));
        json!({
            "table": table.name,
            "by": table.by,
            "interval": table.interval.to_string(),
            "open_time": (ranking.open_time.0 > 0).then(|| timestamp(ranking.open_time)),
            "places": places.collect::<Vec<_>>(),
        })
    };
    config.tables.iter().zip(rankings).map(one).collect()
}

/// The tables for people.
pub(super) fn print(out: &mut dyn Write, rankings: &[Ranking], config: &Config) -> io::Result<()> {
    if rankings.iter().all(|ranking| ranking.places.is_empty()) {
        return Ok(());
    }
    let set = rule_set(config);
    for ((configured, compiled), ranking) in config.tables.iter().zip(&set.tables).zip(rankings) {
        let since = timestamp(ranking.open_time);
        writeln!(out, "\n{}, {} of {since}", configured.name, configured.interval)?;
        table(out, "  ", &rows(configured, compiled, ranking))?;
    }
    Ok(())
}

fn rows(table: &Table, compiled: &CompiledTable, ranking: &Ranking) -> Vec<Vec<String>> {
    let heads = [String::new(), "symbol".to_owned(), table.by.clone()];
    let heads = heads.into_iter().chain(table.columns.iter().cloned()).collect();
    let row = |(place, at): (&Place, usize)| {
        let first = [at.to_string(), place.symbol.to_string(), shown(place.score, compiled.unit)];
        let rest = place.columns.iter().zip(&compiled.columns);
        first.into_iter().chain(rest.map(|(value, unit)| shown(*value, *unit))).collect()
    };
    std::iter::once(heads).chain(ranking.places.iter().zip(1..).map(row)).collect()
}
