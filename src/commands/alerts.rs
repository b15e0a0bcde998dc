//! Alerts as lines: JSON for programs, a few words for people.

use std::io::{self, Write};

use systems::interval::Interval;

use crate::config::Config;
use crate::replay::{Outputs, Said};
use crate::rules::Book;
use crate::settings::rule_set;
use crate::sinks::{as_json, in_words, move_as_json};
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
    let set = rule_set(config);
    let intervals = intervals(config);
    let book = Book::new(&config.rules, &set, &intervals);
    outputs.said().try_for_each(|said| match said {
        Said::Alert(told) => {
            writeln!(out, "{}", as_json(&told, &book.show(&told, symbols), symbols))
        }
        Said::Move(one) => {
            let table = &config.tables[usize::from(one.table)];
            writeln!(out, "{}", move_as_json(&one, table, symbols))
        }
    })
}

fn intervals(config: &Config) -> Vec<Interval> {
    config.intervals.iter().map(|row| row.interval).collect()
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
    let set = rule_set(config);
    let intervals = intervals(config);
    let book = Book::new(&config.rules, &set, &intervals);
    told[hidden..].iter().try_for_each(|told| {
        writeln!(out, "  {}", in_words(&as_json(told, &book.show(told, symbols), symbols)))
    })
}
