//! `tapescan profile compare`: two profiles beside each other.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use serde_json::{Map, Value, json};

use super::Failure;
use super::text::time;
use crate::commands::output::NewFile;
use crate::commands::table::table;
use crate::latency::report;
use crate::profile::{Difference, Row, Side, Verdict, compare};

/// Percentiles that are compared. Beyond them, a few events decide.
const COMPARED: [&str; 2] = ["p50", "p99"];

/// Fewer events have no 99th percentile worth comparing.
const COUNT: u64 = 1_000;

/// Facts in which both profiles must agree to be comparable.
const SAME: [&str; 6] = ["path", "rate", "threads", "symbols", "entries", "indicators"];

pub(super) fn run(
    (a, b): (&Path, &Path),
    html: Option<&Path>,
    json: bool,
    out: &mut dyn Write,
) -> Result<(), Failure> {
    let (first, second) = (read(a)?, read(b)?);
    let differences = compare(&side(&first), &side(&second));
    let unlike = SAME.iter().filter(|name| first[**name] != second[**name]);
    let unlike: Vec<_> = unlike.copied().collect();
    if let Some(html) = html {
        let mut object = first.clone();
        object["differences"] = differences.iter().map(value).collect();
        let page = report::page(&object.to_string(), Some(&second.to_string()));
        NewFile::create(html)?.write(|out| out.write_all(page.as_bytes()))?;
    }
    if json {
        let rows: Vec<_> = differences.iter().map(value).collect();
        writeln!(out, "{}", json!({ "differences": rows, "unlike": unlike }))?;
        return Ok(());
    }
    for name in unlike {
        writeln!(out, "unlike in {name}: {} and {}", first[name], second[name])?;
    }
    print(out, &differences)
}

fn print(out: &mut dyn Write, differences: &[Difference]) -> Result<(), Failure> {
    let head = ["stage", "", "first", "second", "ratio", "spread of first", "of second", ""];
    let mut rows = vec![head.map(str::to_owned).to_vec()];
    for it in differences {
        let [a, b] = it.sides;
        let unit = |value: u64| match it.cell[0].as_str() {
            "step-size" => value.to_string(),
            _ => time(value),
        };
        let spread = |side: [u64; 3]| format!("{}..{}", unit(side[0]), unit(side[2]));
        rows.push(vec![
            it.cell.join(" "),
            it.percentile.clone(),
            unit(a[1]),
            unit(b[1]),
            format!("{:.2}", it.ratio()),
            spread(a),
            spread(b),
            it.verdict.name().to_owned(),
        ]);
    }
    table(out, "", &rows)?;
    let count = |verdict| differences.iter().filter(|it| it.verdict == verdict).count();
    writeln!(
        out,
        "\n{} slower, {} faster, {} within the spread of their repeats, {} with too few repeats",
        count(Verdict::Slower),
        count(Verdict::Faster),
        count(Verdict::Same),
        count(Verdict::Unknown)
    )?;
    Ok(())
}

fn value(it: &Difference) -> Value {
    json!({
        "stage": it.cell[0],
        "kind": it.cell[1],
        "phase": it.cell[2],
        "percentile": it.percentile,
        "first": it.sides[0],
        "second": it.sides[1],
        "ratio": it.ratio(),
        "verdict": it.verdict.name(),
    })
}

/// Reads a profile: its folder, or the file in it.
fn read(path: &Path) -> Result<Value, Failure> {
    let file: PathBuf = if path.is_dir() { path.join("profile.json") } else { path.to_owned() };
    let text = fs::read_to_string(&file).map_err(Failure::reading(&file))?;
    let wrong = |why: &str| Failure::Usage(format!("{}: {why}", file.display()));
    let object: Value = serde_json::from_str(&text).map_err(|error| wrong(&error.to_string()))?;
    match object["cells"].as_array() {
        Some(_) => Ok(object),
        None => Err(wrong("this is not what `tapescan profile --out` writes")),
    }
}

fn side(profile: &Value) -> Side {
    let cells = profile["cells"].as_array().into_iter().flatten();
    let enough = cells.filter(|cell| cell["count"].as_u64() >= Some(COUNT));
    enough.flat_map(rows).collect()
}

fn rows(cell: &Value) -> Vec<Row> {
    let name = |key: &str| cell[key].as_str().unwrap_or_default().to_owned();
    let none = Map::new();
    let repeats = cell["repeats"].as_object().unwrap_or(&none);
    let row = |percentile: &str| {
        let values = repeats.get(percentile)?.as_array()?;
        Some(Row {
            cell: [name("stage"), name("kind"), name("phase")],
            percentile: percentile.to_owned(),
            values: values.iter().filter_map(Value::as_u64).collect(),
        })
    };
    COMPARED.iter().filter_map(|percentile| row(percentile)).collect()
}
