//! `tapescan profile compare`: two profiles beside each other.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::Failure;
use super::text::time;
use crate::commands::output::NewFile;
use crate::commands::table::table;
use crate::latency::{Stage, report};
use crate::profile::{Difference, Made, Row, Side, Verdict, compare};

/// Percentiles that are compared. Beyond them, a few events decide.
const COMPARED: [&str; 2] = ["p50", "p99"];

/// Runs of fewer events have no 99th percentile worth comparing.
const COUNT: u64 = 1_000;

/// Facts in which both profiles must agree to be comparable.
const SAME: [&str; 9] = [
    "path",
    "rate",
    "threads",
    "symbols",
    "entries",
    "warm_up_entries",
    "indicators",
    "candles",
    "digest",
];

pub(super) fn run(
    (a, b): (&Path, &Path),
    html: Option<&Path>,
    json: bool,
    out: &mut dyn Write,
) -> Result<(), Failure> {
    tell((&read(a)?, &read(b)?), html, json, out)
}

/// Compares two profiles, and says what differs.
pub(super) fn tell(
    (first, second): (&Value, &Value),
    html: Option<&Path>,
    json: bool,
    out: &mut dyn Write,
) -> Result<(), Failure> {
    let made = made(first, second);
    let differences = compare(&side(first), &side(second), made);
    let unlike = SAME.iter().filter(|name| first[**name] != second[**name]);
    let unlike: Vec<_> = unlike.copied().collect();
    let rows: Vec<_> = differences.iter().map(value).collect();
    if let Some(html) = html {
        let mut object = first.clone();
        object["differences"] = rows.iter().cloned().collect();
        let page = report::page(&object.to_string(), Some(&second.to_string()));
        NewFile::create(html)?.write(|out| out.write_all(page.as_bytes()))?;
    }
    if json {
        let object =
            json!({ "differences": rows, "unlike": unlike, "in_turns": made == Made::InTurns });
        writeln!(out, "{object}")?;
        return Ok(());
    }
    for name in unlike {
        writeln!(out, "unlike in {name}: {} and {}", first[name], second[name])?;
    }
    print(out, &differences, made)
}

/// Sides of one `profile --beside` bear the same mark.
fn made(first: &Value, second: &Value) -> Made {
    match (first["turns"].as_str(), second["turns"].as_str()) {
        (Some(one), Some(other)) if one == other => Made::InTurns,
        _ => Made::Apart,
    }
}

fn print(out: &mut dyn Write, differences: &[Difference], made: Made) -> Result<(), Failure> {
    let spread = match made {
        Made::Apart => ["spread of first", "of second"],
        Made::InTurns => ["slower in", "faster in"],
    };
    let head = ["stage", "", "first", "second", "ratio", spread[0], spread[1], ""];
    let mut rows = vec![head.map(str::to_owned).to_vec()];
    rows.extend(differences.iter().map(row));
    table(out, "", &rows)?;
    let count = |verdict| differences.iter().filter(|it| it.verdict == verdict).count();
    let same = match made {
        Made::Apart => "within the spread of their repeats",
        Made::InTurns => "no farther apart than chance allows",
    };
    writeln!(
        out,
        "\n{} slower, {} faster, {} {same}, {} with too few repeats",
        count(Verdict::Slower),
        count(Verdict::Faster),
        count(Verdict::Same),
        count(Verdict::Unknown)
    )?;
    Ok(())
}

fn row(it: &Difference) -> Vec<String> {
    let [a, b] = it.sides;
    let unit = |value: f64| match it.cell[0].as_str() {
        stage if stage.ends_with("-size") => format!("{value:.0}"),
        _ => time(value.round() as u64),
    };
    let spread = match it.pairs {
        Some([slower, faster, all]) => [slower, faster].map(|n| format!("{n} of {all}")),
        None => [a, b].map(|side| format!("{}..{}", unit(side[0]), unit(side[2]))),
    };
    let mut row = vec![it.cell.join(" ").trim_end().to_owned(), it.measure.clone()];
    row.extend([unit(a[1]), unit(b[1]), format!("{:.2}", it.ratio)]);
    row.extend(spread);
    row.push(it.verdict.name().to_owned());
    row
}

fn value(it: &Difference) -> Value {
    json!({
        "stage": it.cell[0],
        "kind": it.cell[1],
        "phase": it.cell[2],
        "measure": it.measure,
        "first": it.sides[0],
        "second": it.sides[1],
        "ratio": it.ratio,
        "pairs": it.pairs,
        "verdict": it.verdict.name(),
    })
}

/// Reads a profile: its folder, or the file in it.
fn read(path: &Path) -> Result<Value, Failure> {
    let file: PathBuf = if path.is_dir() { path.join("profile.json") } else { path.to_owned() };
    let text = fs::read_to_string(&file).map_err(Failure::reading(&file))?;
    let wrong = |why: &str| Failure::Usage(format!("{}: {why}", file.display()));
    let object: Value = serde_json::from_str(&text).map_err(|error| wrong(&error.to_string()))?;
    match is_profile(&object) {
        true => Ok(object),
        false => Err(wrong("this is not what `tapescan profile --out` writes")),
    }
}

/// Whether it is what a profile writes.
pub(super) fn is_profile(object: &Value) -> bool {
    let objects = |name: &str| {
        object.get(name).and_then(Value::as_array).map(|list| list.iter().all(Value::is_object))
    };
    objects("cells") == Some(true) && objects("stages") != Some(false)
}

/// Stages as wholes, then percentiles of their cells.
fn side(profile: &Value) -> Side {
    let of = |name: &str| profile[name].as_array().into_iter().flatten();
    let work = Stage::ALL.into_iter().filter(Stage::is_work).map(Stage::name);
    let work: Vec<_> = work.collect();
    let whole = |stage: &Value| {
        let is_work = stage["stage"].as_str().is_some_and(|name| work.contains(&name));
        Row { is_work, ..row_of(stage, "mean", &stage["mean"]) }
    };
    let wholes = of("stages").map(whole);
    // A profile of many runs has the events of all of them.
    let runs =
        if profile["turns"].is_null() { 1 } else { profile["repeats"].as_u64().unwrap_or(1) };
    let enough = of("cells").filter(|cell| cell["count"].as_u64() >= Some(COUNT * runs));
    let row = |cell, percentile| row_of(cell, percentile, &cell["repeats"][percentile]);
    let parts = enough.flat_map(|cell| COMPARED.map(|percentile| row(cell, percentile)));
    wholes.chain(parts).collect()
}

fn row_of(of: &Value, measure: &str, values: &Value) -> Row {
    let name = |key: &str| of[key].as_str().unwrap_or_default().to_owned();
    let values = values.as_array().into_iter().flatten().filter_map(Value::as_f64).collect();
    let cell = [name("stage"), name("kind"), name("phase")];
    Row { cell, measure: measure.to_owned(), values, is_work: false }
}
