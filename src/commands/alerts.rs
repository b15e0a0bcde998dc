//! Alerts as lines: JSON for programs, a few words for people.

use std::io::{self, Write};

use systems::interval::Interval;

use crate::config::Config;
use crate::replay::{Outputs, Told};
use crate::rules::{Book, Shown};
use crate::settings::rule_set;
use crate::sinks::{as_json, in_words};
use crate::symbols::Symbols;

/// Alerts shown; the file has all of them.
const SHOWN: usize = 20;

/// Writes every alert that was kept as one JSON object a line.
pub(super) fn write_lines(
    out: &mut dyn Write,
    outputs: &Outputs,
    symbols: &Symbols,
    config: &Config,
) -> io::Result<()> {
    each(outputs.told(), symbols, config, |told, shown| {
        writeln!(out, "{}", as_json(told, &shown, symbols))
    })
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
    each(&told[hidden..], symbols, config, |told, shown| {
        writeln!(out, "  {}", in_words(&as_json(told, &shown, symbols)))
    })
}
