//! Alerts as lines: JSON for programs, a few words for people.

use std::io::{self, Write};

use serde_json::{Value, json};
use systems::interval::Interval;
use systems::rule::Kind;

use super::ranking;
use super::table::count;
use crate::config::Config;
use crate::logging::timestamp;
use crate::replay::{Outputs, Told};
use crate::rules::{Book, Shown, Valued};
use crate::settings::rule_set;
use crate::symbols::Symbols;

/// Alerts shown; the file has all of them.
const SHOWN: usize = 20;

/// Writes every alert and every move in a table that was kept as one JSON object a line, in the
/// order of time; of one pulse the alerts come first.
pub(super) fn write_lines(
    out: &mut dyn Write,
    outputs: &Outputs,
    symbols: &Symbols,
    config: &Config,
) -> io::Result<()> {
    let mut moves = outputs.moved().iter().peekable();
    each(outputs.told(), symbols, config, |told, shown| {
        while let Some(one) = moves.next_if(|one| one.at < told.alert.at) {
            writeln!(out, "{}", ranking::line(one, symbols, config))?;
        }
        writeln!(out, "{}", as_json(told, &shown, symbols))
    })?;
    moves.try_for_each(|one| writeln!(out, "{}", ranking::line(one, symbols, config)))
}

fn each(
    told: &[Told],
    symbols: &Symbols,
    config: &Config,
    mut visit: impl FnMut(&Told, Shown) -> io::Result<()>,
) -> io::Result<()> {
    if told.is_empty() {
        return Ok(());
    }
    let set = rule_set(config);
    let intervals: Vec<Interval> = config.intervals.iter().map(|row| row.interval).collect();
    let book = Book::new(&config.rules, &set, &intervals);
    told.iter().try_for_each(|told| visit(told, book.show(told, symbols)))
}

fn as_json(told: &Told, shown: &Shown, symbols: &Symbols) -> Value {
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

/// Prints the newest alerts for people.
pub(super) fn print(
    out: &mut dyn Write,
    outputs: &Outputs,
    symbols: &Symbols,
    config: &Config,
) -> io::Result<()> {
    let told = outputs.told();
    if told.is_empty() {
        return Ok(());
    }
    let hidden = told.len().saturating_sub(SHOWN);
    if hidden > 0 {
        writeln!(out, "  the last {SHOWN}; --alerts writes all of them")?;
    }
    each(&told[hidden..], symbols, config, |told, shown| print_one(out, told, &shown))
}

fn print_one(out: &mut dyn Write, told: &Told, shown: &Shown) -> io::Result<()> {
    let (alert, at) = (&told.alert, timestamp(told.alert.at));
    if alert.kind == Kind::Digest {
        let held = count(alert.count);
        return writeln!(out, "  {at}  {}: {held} more were held by its budget", shown.rule);
    }
    let labels = [(alert.late, " late"), (alert.provisional, " provisional")];
    let labels: String = labels.iter().filter(|(set, _)| *set).map(|(_, label)| *label).collect();
    let numbers = shown.reasons.iter().filter(|reason| !matches!(reason.value, Valued::Truth(_)));
    let numbers: Vec<_> =
        numbers.map(|reason| format!("{} {}", reason.text, reason.value)).collect();
    writeln!(
        out,
        "  {at}  {} {} {} {}{labels}  {}",
        shown.kind,
        shown.symbol,
        shown.interval,
        shown.rule,
        numbers.join(", ")
    )
}
