//! `tapescan rules`.

use std::io::Write;

use serde_json::{Value, json};
use systems::rule::Tell;

use super::Failure;
use super::table::{count, table};
use crate::cli::RulesCommand;
use rehearsal::Rehearsal;

mod diff;
mod rehearsal;
mod universe;

use crate::config::Config;
use crate::rules::{Compiled, CompiledTable, Rule, Set, Table};
use crate::settings::rule_set;

/// Events per step; cannot be seen in the results.
const BATCH: usize = 16_384;

/// Has every rule tell when it begins: a rehearsal counts beginnings, also of a rule that tells its
/// ends alone.
fn tell_beginnings(config: &mut Config) {
    for rule in config.rules.iter_mut().filter(|rule| rule.tell == Tell::Exit) {
        rule.tell = Tell::Both;
    }
}

pub(super) fn run(command: RulesCommand, out: &mut dyn Write) -> Result<(), Failure> {
    match command {
        RulesCommand::Check { file, json } => {
            let config = Config::read(&file)?;
            let set = rule_set(&config);
            if json {
                writeln!(out, "{}", as_json(&config, &set))?;
            } else {
                print(out, &config, &set)?;
            }
            Ok(())
        }
        RulesCommand::Diff { old, new, tapes, json } => diff::run((&old, &new), &tapes, json, out),
        RulesCommand::Universe { session, json } => universe::run(&session, json, out),
        RulesCommand::Test { tapes, config, threads, json } => {
            let run = Rehearsal::run(&tapes, config.as_deref(), usize::from(threads))?;
            if json {
                writeln!(out, "{}", run.as_json())?;
            } else {
                run.print(out)?;
            }
            Ok(())
        }
    }
}

/// Steps of one evaluation of both conditions.
fn steps(compiled: &Compiled) -> u64 {
    compiled.when.steps + compiled.exit.as_ref().map_or(0, |exit| exit.steps)
}

fn on(rule: &Rule) -> &'static str {
    if rule.forming { "forming" } else { "close" }
}

/// How many candles back rules read, by interval.
fn history<'a>(config: &'a Config, set: &'a Set) -> impl Iterator<Item = (String, usize)> + 'a {
    let rows = config.intervals.iter().zip(&set.core.depth);
    rows.filter_map(|(row, depth)| depth.map(|depth| (row.interval.to_string(), depth + 1)))
}

/// Indicators that only rules name, by interval.
fn named<'a>(config: &'a Config, set: &'a Set) -> impl Iterator<Item = (String, String)> + 'a {
    let rows = config.intervals.iter().zip(&set.named).filter(|(_, named)| !named.is_empty());
    rows.map(|(row, named)| {
        let texts: Vec<_> = named.iter().map(|spec| spec.text()).collect();
        (row.interval.to_string(), texts.join(", "))
    })
}

fn as_json(config: &Config, set: &Set) -> Value {
    let rule = |(rule, compiled): (&Rule, &Compiled)| {
        let notes = compiled.notes.iter().map(|(key, note)| format!("{key}: {}", note.message));
        json!({
            "name": rule.name,
            "interval": rule.interval.to_string(),
            "on": on(rule),
            "steps": steps(compiled),
            "notes": notes.collect::<Vec<_>>(),
        })
    };
    let ranked = |(table, compiled): (&Table, &CompiledTable)| {
        let notes = compiled.notes.iter().map(|(key, note)| format!("{key}: {}", note.message));
        json!({
            "name": table.name,
            "interval": table.interval.to_string(),
            "top": table.top,
            "steps": compiled.steps,
            "notes": notes.collect::<Vec<_>>(),
        })
    };
    let candles: serde_json::Map<_, _> =
        history(config, set).map(|(interval, candles)| (interval, json!(candles))).collect();
    let indicators: serde_json::Map<_, _> =
        named(config, set).map(|(interval, texts)| (interval, json!(texts))).collect();
    json!({
        "rules": config.rules.iter().zip(&set.compiled).map(rule).collect::<Vec<_>>(),
        "tables": config.tables.iter().zip(&set.tables).map(ranked).collect::<Vec<_>>(),
        "candles": candles,
        "indicators": indicators,
    })
}

fn print(out: &mut dyn Write, config: &Config, set: &Set) -> Result<(), Failure> {
    let rules = config.rules.len() as u64;
    writeln!(out, "{} rule{}", count(rules), if rules == 1 { "" } else { "s" })?;
    let row = |(rule, compiled): (&Rule, &Compiled)| {
        let steps = format!("up to {} steps", count(steps(compiled)));
        vec![rule.name.clone(), format!("{} {}", rule.interval, on(rule)), steps]
    };
    table(out, "  ", &config.rules.iter().zip(&set.compiled).map(row).collect::<Vec<_>>())?;
    if !config.tables.is_empty() {
        let tables = config.tables.len() as u64;
        writeln!(out, "{} table{}", count(tables), if tables == 1 { "" } else { "s" })?;
    }
    let row = |(table, compiled): (&Table, &CompiledTable)| {
        let steps = format!("up to {} steps", count(compiled.steps));
        vec![table.name.clone(), format!("{} top {}", table.interval, table.top), steps]
    };
    table(out, "  ", &config.tables.iter().zip(&set.tables).map(row).collect::<Vec<_>>())?;
    for (interval, candles) in history(config, set) {
        writeln!(out, "{interval}: {candles} candle{} read", if candles == 1 { "" } else { "s" })?;
    }
    for (interval, texts) in named(config, set) {
        writeln!(out, "{interval}: set up for rules: {texts}")?;
    }
    for (rule, compiled) in config.rules.iter().zip(&set.compiled) {
        for (key, note) in &compiled.notes {
            let text =
                if *key == "when" { &rule.when } else { rule.exit.as_ref().unwrap_or(&rule.when) };
            writeln!(out, "note: rules.{}.{key}: {}", rule.name, note.shown(text))?;
        }
    }
    for (table, compiled) in config.tables.iter().zip(&set.tables) {
        for (key, note) in &compiled.notes {
            writeln!(out, "note: tables.{}.{key}: {}", table.name, note.message)?;
        }
    }
    Ok(())
}
