//! An alert as it leaves the program: one JSON object, or some words.

use serde_json::{Value, json};
use systems::rule::{Kind, Move};
use systems::units::Nanos;

use crate::logging::timestamp;
use crate::replay::Told;
use crate::rules::{Shown, Table, Valued};
use crate::symbols::Symbols;

/// An alert that is to be delivered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// The same whenever the same thing is said again, and different for everything else.
    pub key: String,
    /// The venue's time of the pulse that told it.
    pub at: Nanos,
    /// The rule's name, or the table's.
    pub rule: String,
    /// All of it, as one line of JSON.
    pub json: String,
    /// What a person needs of it: when, what, and the numbers of its reasons.
    pub pieces: Vec<String>,
}

impl Message {
    /// A message of an alert. `latency_ns` is how long it took from the receive instant of the
    /// event that led to it; `None` where nobody was waiting for it.
    pub(super) fn of(told: &Told, shown: Shown, symbols: &Symbols, latency: Option<u64>) -> Self {
        let value = as_json(told, &shown, symbols);
        Self::new((shown.key, shown.rule), told.alert.at, value, latency)
    }

    /// A message of a move in a table.
    pub(super) fn of_move(
        one: &Move,
        table: &Table,
        symbols: &Symbols,
        latency: Option<u64>,
    ) -> Self {
        let value = move_as_json(one, table, symbols);
        Self::new((text(&value, "key").to_owned(), table.name.clone()), one.at, value, latency)
    }

    fn new(
        (key, rule): (String, String),
        at: Nanos,
        mut value: Value,
        latency: Option<u64>,
    ) -> Self {
        value["latency_us"] = json!(latency.map(|ns| ns / 1_000));
        Self { key, at, rule, json: value.to_string(), pieces: in_pieces(&value) }
    }

    /// The same in a line.
    pub fn line(&self) -> String {
        joined(&self.pieces)
    }
}

/// An alert as an object; what it says follows from the tape alone.
pub fn as_json(told: &Told, shown: &Shown, symbols: &Symbols) -> Value {
    let alert = &told.alert;
    let mut value = json!({
        "key": shown.key,
        "id": shown.id,
        "kind": shown.kind,
        "rule": shown.rule,
        "at": timestamp(alert.at),
    });
    if alert.kind == Kind::Digest {
        let held = shown.held.iter().map(|(rule, symbol, opened)| {
            json!({ "rule": rule, "symbol": symbol, "open_time": timestamp(*opened) })
        });
        value["count"] = json!(alert.count);
        value["held"] = held.collect();
        return value;
    }
    let reasons = shown.reasons.iter().map(|reason| {
        let value = match reason.value {
            Valued::Truth(holds) => json!(holds),
            Valued::Number(number) => json!(number),
            Valued::Unknown => Value::Null,
        };
        json!({ "depth": reason.depth, "text": reason.text, "value": value })
    });
    let price = symbols.spec(alert.symbol).price;
    value["symbol"] = json!(shown.symbol);
    value["interval"] = json!(shown.interval);
    value["open_time"] = json!(timestamp(alert.candle.open_time));
    value["entered"] = json!(timestamp(alert.entered));
    value["close"] = json!(price.format(alert.candle.close.0.into()).to_string());
    value["mark"] = json!(alert.candle.mark.name());
    value["revision"] = json!(alert.candle.revision);
    value["late"] = json!(alert.late);
    value["provisional"] = json!(alert.provisional);
    value["converged"] = json!(alert.converged);
    value["reasons"] = reasons.collect();
    value
}

/// A move in a table as an object.
pub fn move_as_json(one: &Move, table: &Table, symbols: &Symbols) -> Value {
    let symbol = &symbols.spec(one.symbol).name;
    let id = format!("{}/{symbol}/{}", table.name, table.interval);
    let (place, kind) = match (one.from, one.to) {
        (None, to) => (to, "rank-enter"),
        (from, None) => (from, "rank-leave"),
        (_, to) => (to, "rank-change"),
    };
    json!({
        "key": format!("{id}/{kind}/{}/{}", place.unwrap_or(0), one.at.ms()),
        "id": id,
        "kind": kind,
        "table": table.name,
        "at": timestamp(one.at),
        "symbol": symbol,
        "interval": table.interval.to_string(),
        "open_time": timestamp(one.open_time),
        "from": one.from,
        "to": one.to,
        "value": if one.score.is_nan() { Value::Null } else { json!(one.score) },
        "late": one.late,
    })
}

/// An alert, as [`as_json`] gives it, in a line with the numbers of its reasons.
pub fn in_words(alert: &Value) -> String {
    joined(&in_pieces(alert))
}

fn joined(pieces: &[String]) -> String {
    let (head, numbers) = pieces.split_at(pieces.len().min(2));
    format!("{}  {}", head.join("  "), numbers.join(", ")).trim_end().to_owned()
}

/// When, what, and the numbers of its reasons.
fn in_pieces(alert: &Value) -> Vec<String> {
    let text = |key| text(alert, key);
    let (at, rule) = (text("at").to_owned(), text("rule"));
    if let Some(count) = alert["count"].as_u64() {
        return vec![at, format!("{rule}: {count} more were held by its budget")];
    }
    let labels = labels(alert, " ");
    let (kind, symbol, interval) = (text("kind"), text("symbol"), text("interval"));
    if let Some(table) = alert["table"].as_str() {
        let what = format!("{kind} {symbol} {interval} {table}{labels}");
        return vec![at, what, places(alert), shown(&alert["value"])];
    }
    let mut pieces = vec![at, format!("{kind} {symbol} {interval} {rule}{labels}")];
    for (_, text, value) in reasons(alert).filter(|(.., value)| !value.is_boolean()) {
        let number = format!("{text} {}", shown(value));
        // What stands in a condition twice is said once.
        if !pieces.contains(&number) {
            pieces.push(number);
        }
    }
    pieces
}

fn text<'a>(alert: &'a Value, key: &str) -> &'a str {
    alert[key].as_str().unwrap_or_default()
}

/// What is to be said of it beside what it says, each behind `sign`.
fn labels(alert: &Value, sign: &str) -> String {
    let labels = ["late", "provisional"].into_iter().filter(|label| alert[label] == true);
    labels.map(|label| format!("{sign}{label}")).collect()
}

/// Where a symbol was in a table, and where it is.
fn places(one: &Value) -> String {
    match (one["from"].as_u64(), one["to"].as_u64()) {
        (Some(from), Some(to)) => format!("{from} to {to}"),
        (None, Some(to)) => format!("now {to}"),
        (from, None) => format!("was {}", from.unwrap_or(0)),
    }
}

/// The same in several lines, with all that it carries.
pub(super) fn in_full(alert: &Value) -> String {
    let text = |key| text(alert, key);
    let (at, rule, key) = (text("at"), text("rule"), text("key"));
    if alert["table"].is_string() {
        return format!("{}\n{key}", in_words(alert));
    }
    let mut full = match alert["count"].as_u64() {
        Some(count) => format!("{rule}: {count} more were held by its budget\n{at}"),
        None => {
            let (kind, symbol, interval) = (text("kind"), text("symbol"), text("interval"));
            let (close, mark, revision) = (text("close"), text("mark"), &alert["revision"]);
            let converged = if alert["converged"] == true { "converged" } else { "not converged" };
            let labels = labels(alert, ", ");
            format!(
                "{kind} {symbol} {interval} {rule}\n\
                 {at}, close {close}, {mark}, revision {revision}, {converged}{labels}"
            )
        }
    };
    for (depth, text, value) in reasons(alert) {
        full.push_str(&format!("\n{}{text}: {}", "  ".repeat(depth), shown(value)));
    }
    if let Some(latency) = alert["latency_us"].as_u64() {
        full.push_str(&format!("\nafter {} ms", latency as f64 / 1e3));
    }
    format!("{full}\n{key}")
}

/// Depth, text and value of each part of the condition.
fn reasons(alert: &Value) -> impl Iterator<Item = (usize, &str, &Value)> {
    alert["reasons"].as_array().into_iter().flatten().map(|reason| {
        let depth = reason["depth"].as_u64().unwrap_or_default() as usize;
        (depth, reason["text"].as_str().unwrap_or_default(), &reason["value"])
    })
}

fn shown(value: &Value) -> String {
    match value {
        Value::Null => "not known".to_owned(),
        // As our own numbers are written, without an exponent.
        Value::Number(number) => number.as_f64().unwrap_or_default().to_string(),
        other => other.to_string(),
    }
}
