//! Alerts as people and programs see them: names instead of numbers, reasons, and keys.

use systems::interval::Interval;
use systems::rule::Kind;
use systems::trade::SymbolId;
use systems::units::Nanos;

use super::compile::{Clause, Condition};
use super::unit::Unit;
use super::{Rule, Set};
use crate::replay::Told;
use crate::symbols::Symbols;

/// What turns alerts of the core into what is shown of them.
pub struct Book<'a> {
    rules: &'a [Rule],
    set: &'a Set,
    intervals: &'a [Interval],
}

/// An alert with everything that is shown of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Shown {
    /// The same for everything that is said about one beginning of one rule for one symbol.
    pub id: String,
    /// Different for each thing that is said, and the same whenever that is said again.
    pub key: String,
    /// What is said.
    pub kind: &'static str,
    /// The rule's name; of the digest of the budget of all, `all`.
    pub rule: String,
    /// The symbol; empty for a digest.
    pub symbol: String,
    /// The candle's interval.
    pub interval: String,
    /// The parts of the condition that decided, with their values.
    pub reasons: Vec<Reason>,
    /// Of a digest: rule, symbol and start of the candle of what was held.
    pub held: Vec<(String, String, Nanos)>,
}

/// A part of a condition and its value.
#[derive(Clone, Debug, PartialEq)]
pub struct Reason {
    /// How deep it lies.
    pub depth: usize,
    /// As it was written.
    pub text: String,
    /// Its value.
    pub value: Valued,
}

/// A value as it is shown.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Valued {
    /// True or false.
    Truth(bool),
    /// A number.
    Number(f64),
    /// Not known.
    Unknown,
}

impl std::fmt::Display for Valued {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Truth(holds) => write!(f, "{holds}"),
            Self::Number(number) => write!(f, "{number}"),
            Self::Unknown => f.write_str("not known"),
        }
    }
}

/// What is said, in a word.
fn word(kind: Kind) -> &'static str {
    match kind {
        Kind::Enter => "enter",
        Kind::Exit => "exit",
        Kind::EnterWithdrawn => "enter-withdrawn",
        Kind::ExitWithdrawn => "exit-withdrawn",
        Kind::Digest => "digest",
    }
}

impl<'a> Book<'a> {
    /// A book over the rules of a configuration, as they were compiled, and its intervals.
    pub fn new(rules: &'a [Rule], set: &'a Set, intervals: &'a [Interval]) -> Self {
        Self { rules, set, intervals }
    }

    fn name(&self, rule: Option<u16>) -> &str {
        let rule = rule.and_then(|rule| self.rules.get(usize::from(rule)));
        rule.map_or("all", |rule| rule.name.as_str())
    }

    /// What is shown of an alert.
    pub fn show(&self, told: &Told, symbols: &Symbols) -> Shown {
        let alert = &told.alert;
        let symbol = |symbol: SymbolId| symbols.spec(symbol).name.to_string();
        let kind = word(alert.kind);
        let rule = self.name(alert.rule).to_owned();
        if alert.kind == Kind::Digest {
            let held = told.held.iter().map(|held| {
                (self.name(Some(held.rule)).to_owned(), symbol(held.symbol), held.open_time)
            });
            let id = format!("{rule}/digest/{}", alert.at.ms());
            let held = held.collect();
            let (key, empty) = (id.clone(), String::new);
            return Shown {
                id,
                key,
                kind,
                rule,
                symbol: empty(),
                interval: empty(),
                reasons: Vec::new(),
                held,
            };
        }
        let symbol = symbol(alert.symbol);
        let interval = self.intervals[usize::from(alert.interval)].to_string();
        let id = format!("{rule}/{symbol}/{interval}/{}", alert.entered.ms());
        // A beginning that was taken back may come again, and then at another pulse.
        let key = format!("{id}/{kind}/{}", alert.at.ms());
        let reasons = self.reasons(told);
        Shown { id, key, kind, rule, symbol, interval, reasons, held: Vec::new() }
    }

    fn reasons(&self, told: &Told) -> Vec<Reason> {
        let compiled = told.alert.rule.and_then(|rule| self.set.compiled.get(usize::from(rule)));
        let Some(compiled) = compiled else { return Vec::new() };
        let exits = matches!(told.alert.kind, Kind::Exit | Kind::ExitWithdrawn);
        let condition: &Condition = match &compiled.exit {
            Some(exit) if exits => exit,
            _ => &compiled.when,
        };
        reasons(condition, &told.clauses)
    }
}

/// The parts of a condition with their values; NaN is not known.
pub fn reasons(condition: &Condition, values: &[f64]) -> Vec<Reason> {
    let reason = |(clause, &value): (&Clause, &f64)| Reason {
        depth: clause.depth,
        text: clause.text.clone(),
        value: match clause.unit {
            _ if value.is_nan() => Valued::Unknown,
            Unit::Truth => Valued::Truth(value == 1.0),
            _ => Valued::Number(value),
        },
    };
    condition.clauses.iter().zip(values).map(reason).collect()
}
