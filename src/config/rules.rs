//! The sections of rules, `[rules.NAME]` each, and `[alerts]`.

use std::fmt::{self, Write};

use systems::catalog::Spec;
use systems::interval::Interval;
use systems::rule::{Budget, Tell};
use systems::units::Nanos;

use super::named::Named;
use super::print::quoted;
use super::read::{Item, Reader, Section};
use super::tables::{self, tables};
use super::{Config, OFF, amounts, nearest};
use crate::rules::limits::RULES_MAX;
use crate::rules::{Mistake, Rule, Set, compile_set};

/// Keys of one rule.
const KEYS: &[&str] =
    &["when", "exit", "interval", "on", "for", "cool_down", "budget", "only_if", "tell"];

/// Longest dwell and cool-down; a rule that waits longer than a week is none.
const WAIT_MAX_NS: u64 = 7 * Nanos::PER_DAY;

/// Bounds of a budget: alerts, and the stretch of time that they are counted in.
const COUNT_MAX: u32 = 1_000_000;
const WINDOW_NS: std::ops::RangeInclusive<u64> = Nanos::PER_SECOND..=Nanos::PER_DAY;

const ON: &[(&str, bool)] = &[("close", false), ("forming", true)];
const ONLY_IF: &[(&str, bool)] = &[("complete", true)];
const TELL: &[(&str, Tell)] = &[("both", Tell::Both), ("enter", Tell::Enter), ("exit", Tell::Exit)];

/// Reads `[alerts]`.
pub(super) fn alerts<'t>(reader: &mut Reader<'t>, section: Section<'_, 't>, config: &mut Config) {
    let read = |item: Item<'_, '_>| match item.text()? {
        OFF => Ok(None),
        text => budget(text).map(Some).map_err(|error| format!("{error}, or \"off\"")),
    };
    if let Some(budget) = reader.value(section, "budget", read) {
        config.budget = budget;
    }
    let dir = |item: Item<'_, '_>| match item.text()? {
        "" => Err("expected a folder".to_owned()),
        text => Ok(text.into()),
    };
    if let Some(dir) = reader.value(section, "dir", dir) {
        config.alerts_dir = dir;
    }
}

/// Reads `[rules.NAME]` and `[tables.NAME]`, all of them, and checks them against the rest of the
/// configuration.
pub(super) fn rules<'t>(reader: &mut Reader<'t>, document: Section<'_, 't>, config: &mut Config) {
    let lines = rule_sections(reader, document, config);
    let places = tables(reader, document, config);
    if config.rules.len() > RULES_MAX {
        reader.note(1, "rules", format!("at most {RULES_MAX} rules, not {}", config.rules.len()));
    } else if !reader.noted("intervals")
        && let Err(mistakes) = config.rule_set()
    {
        for mistake in &mistakes {
            match mistake.table {
                false => tell(reader, mistake, &config.rules, &lines),
                true => tables::tell(reader, mistake, &config.tables, &places),
            }
        }
    }
}

/// Reads every rule, and says where its conditions stand.
fn rule_sections<'t>(
    reader: &mut Reader<'t>,
    document: Section<'_, 't>,
    config: &mut Config,
) -> Vec<(usize, usize)> {
    let mut lines = Vec::new();
    Named::Rule.each(reader, document, |reader, name, section, line| {
        reader.check_keys(section, &[(section.name(), KEYS)]);
        let Some(when) = reader.item(section, "when") else {
            let message = "expected when = \"...\", the condition that is looked for".to_owned();
            return reader.note(line, section.name(), message);
        };
        let exit = reader.item(section, "exit");
        lines.push((when.line(), exit.map_or(0, |exit| exit.line())));
        let rule = rule(reader, section, name, config);
        config.rules.push(rule);
    });
    lines
}

/// Notes a mistake in a condition; that a rule's interval is none was noted where it was read.
fn tell(reader: &mut Reader<'_>, mistake: &Mistake, rules: &[Rule], lines: &[(usize, usize)]) {
    let (rule, (when, exit)) = (&rules[mistake.rule], lines[mistake.rule]);
    let (line, text) = match mistake.key {
        "when" => (when, rule.when.as_str()),
        "exit" => (exit, rule.exit.as_deref().unwrap_or_default()),
        _ => return,
    };
    let key = format!("rules.{}.{}", rule.name, mistake.key);
    // A condition that is no text was noted already.
    if !reader.noted(&key) || !text.is_empty() {
        reader.note(line, &key, mistake.fault.shown(text));
    }
}

fn rule<'t>(
    reader: &mut Reader<'t>,
    section: Section<'_, 't>,
    name: &str,
    config: &Config,
) -> Rule {
    let text = |item: Item<'_, '_>| item.text().map(str::to_owned);
    let wait = |item: Item<'_, '_>| {
        let text = item.text()?;
        amounts::duration_ns(text)
            .filter(|ns| *ns <= WAIT_MAX_NS)
            .ok_or_else(|| format!("expected a duration up to 7d such as \"30s\", not {text:?}"))
    };
    let known = |item: Item<'_, '_>| interval(item.text()?, config);
    let when = reader.value(section, "when", text).unwrap_or_default();
    let exit = reader
        .item(section, "exit")
        .map(|_| reader.value(section, "exit", text).unwrap_or_default());
    let interval = reader.value(section, "interval", known).unwrap_or(config.base());
    let forming = reader.value(section, "on", |item| item.one_of(ON)).unwrap_or(false);
    let only_complete = reader.value(section, "only_if", |item| {
        let complete = item.one_of(ONLY_IF)?;
        if forming {
            Err("a candle that is forming is never complete; leave it out".to_owned())
        } else {
            Ok(complete)
        }
    });
    Rule {
        name: name.to_owned(),
        interval,
        forming,
        when,
        exit,
        dwell_ns: reader.value(section, "for", wait).unwrap_or(0),
        cool_down_ns: reader.value(section, "cool_down", wait).unwrap_or(0),
        budget: reader.value(section, "budget", |item| budget(item.text()?)),
        only_complete: only_complete.unwrap_or(false),
        tell: reader.value(section, "tell", |item| item.one_of(TELL)).unwrap_or_default(),
    }
}

pub(super) fn interval(text: &str, config: &Config) -> Result<Interval, String> {
    let interval = Interval::parse(text).map_err(|error| format!("{text:?}: {error}"))?;
    if config.intervals.iter().any(|row| row.interval == interval) {
        return Ok(interval);
    }
    let names: Vec<String> = config.intervals.iter().map(|row| row.interval.to_string()).collect();
    let hint = nearest(text, names.iter().map(String::as_str))
        .map_or_else(String::new, |near| format!("; did you mean {near:?}?"));
    Err(format!("{text} is not among the intervals {}{hint}", names.join(", ")))
}

/// `"5/10m"`.
pub(super) fn budget(text: &str) -> Result<Budget, String> {
    let read = || {
        let (count, window) = text.split_once('/')?;
        let plain = count.bytes().all(|byte| byte.is_ascii_digit());
        let count = count.parse().ok().filter(|count| plain && (1..=COUNT_MAX).contains(count))?;
        let window_ns = amounts::duration_ns(window).filter(|ns| WINDOW_NS.contains(ns))?;
        Some(Budget { count, window_ns })
    };
    read().ok_or_else(|| {
        format!("expected so many alerts in a time from 1s to 1d such as \"5/10m\", not {text:?}")
    })
}

pub(super) fn budget_text(budget: Budget) -> String {
    format!("{}/{}", budget.count, amounts::duration_text(budget.window_ns))
}

pub(super) fn name_of<T: PartialEq>(names: &[(&'static str, T)], value: T) -> &'static str {
    names.iter().find(|(_, it)| *it == value).map_or("", |(name, _)| name)
}

impl Config {
    /// The rules and tables, compiled over the configured intervals and indicators.
    ///
    /// # Errors
    /// Every mistake in any of them. Of a configuration that was read there is none.
    pub fn rule_set(&self) -> Result<Set, Vec<Mistake>> {
        let intervals: Vec<_> =
            self.intervals.iter().map(|row| (row.interval, row.lookback)).collect();
        let indicators: Vec<Vec<Spec>> =
            self.intervals.iter().map(|row| row.indicators.clone()).collect();
        compile_set((&self.rules, &self.tables), &intervals, &indicators, self.budget)
    }

    pub(super) fn write_rules(&self, out: &mut String) -> fmt::Result {
        writeln!(out, "\n[alerts]\n# How many alerts all rules together may give, or \"off\";")?;
        writeln!(out, "# what is more is told in one message at the end of that time.")?;
        let budget = self.budget.map_or_else(|| OFF.to_owned(), budget_text);
        writeln!(out, "budget = {}", quoted(&budget))?;
        writeln!(out, "# Folder of what waits for sinks, and of what they refused.")?;
        writeln!(out, "dir = {}", quoted(&self.alerts_dir.to_string_lossy()))?;
        if self.rules.is_empty() {
            writeln!(out, "\n# What is looked for.\n# [rules.above-vwap]")?;
            writeln!(out, "# when = \"close crosses_above vwap and average(volume, 3) > 0\"")?;
            return writeln!(out, "# cool_down = \"15m\"");
        }
        self.rules.iter().try_for_each(|rule| write_rule(out, rule))
    }
}

fn write_rule(out: &mut String, rule: &Rule) -> fmt::Result {
    writeln!(out, "\n[rules.{}]\nwhen = {}", rule.name, quoted(&rule.when))?;
    if let Some(exit) = &rule.exit {
        writeln!(out, "exit = {}", quoted(exit))?;
    }
    writeln!(out, "interval = {}", quoted(&rule.interval.to_string()))?;
    writeln!(out, "on = {}", quoted(name_of(ON, rule.forming)))?;
    writeln!(out, "for = {}", quoted(&amounts::duration_text(rule.dwell_ns)))?;
    writeln!(out, "cool_down = {}", quoted(&amounts::duration_text(rule.cool_down_ns)))?;
    if let Some(budget) = rule.budget {
        writeln!(out, "budget = {}", quoted(&budget_text(budget)))?;
    }
    if rule.only_complete {
        writeln!(out, "only_if = \"complete\"")?;
    }
    writeln!(out, "tell = {}", quoted(name_of(TELL, rule.tell)))
}
