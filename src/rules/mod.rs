//! Rules: conditions over columns, read, checked and compiled before anything runs.
//!
//! A condition goes through four forms, each in its file: words, expressions, a tree whose names
//! and units are known, and the flat program that the core carries out. A mistake in any says where
//! it stands, what is wrong and what to write; all that can be found at once are told at once.

use systems::catalog::Spec;
use systems::interval::Interval;
use systems::rule::{Budget, Judging, Rules, Tell};

pub mod ast;
mod book;
mod check;
mod compile;
mod fault;
mod lex;
pub mod limits;
mod parse;
mod ranked;
mod reads;
mod rehearse;
mod tree;
mod unit;
mod warm_up;

pub use book::{Book, Reason, Shown, Valued, reasons};
pub use compile::{Clause, Condition};
pub use fault::Fault;
pub use parse::parse;
pub use ranked::{CompiledTable, Place, Ranking, Table, compile_set, shown};
pub use rehearse::{AFTER, Rehearsed, beginnings, rehearse};
pub use unit::Unit;

use check::{Checker, Scope};
use reads::Reads;

/// A rule as it is configured.
#[derive(Clone, Debug, PartialEq)]
pub struct Rule {
    /// How alerts call it.
    pub name: String,
    /// On whose candles it is judged.
    pub interval: Interval,
    /// Whether on the candle that is forming, at heartbeats, instead of when candles close.
    pub forming: bool,
    /// What must hold.
    pub when: String,
    /// What ends it; without it, that `when` no longer holds.
    pub exit: Option<String>,
    /// How long `when` must have held, in nanoseconds.
    pub dwell_ns: u64,
    /// How long after an alert there is no other one for the same symbol, in nanoseconds.
    pub cool_down_ns: u64,
    /// How many alerts it may give in a stretch of time.
    pub budget: Option<Budget>,
    /// Whether only complete and converged candles count; else what is not is labelled.
    pub only_complete: bool,
    /// What of it is told.
    pub tell: Tell,
}

/// A mistake in one of several rules or tables.
#[derive(Clone, Debug, PartialEq)]
pub struct Mistake {
    /// Which rule, or which table.
    pub rule: usize,
    /// Whether it is in a table.
    pub table: bool,
    /// Which of its keys: `when` or `exit`, of a table `by` or `columns`.
    pub key: &'static str,
    /// Which of the columns; 0 elsewhere.
    pub column: usize,
    /// What is wrong.
    pub fault: Fault,
}

/// What is known of a compiled rule beside its programs.
#[derive(Clone, Debug, PartialEq)]
pub struct Compiled {
    /// The condition that must hold.
    pub when: Condition,
    /// The condition that ends it.
    pub exit: Option<Condition>,
    /// What is worth knowing before it runs, and about which condition.
    pub notes: Vec<(&'static str, Fault)>,
}

/// All rules and tables of a configuration, ready to run.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Set {
    /// What the core takes.
    pub core: Rules,
    /// Indicators that are there because a rule names them, by interval.
    pub named: Vec<Vec<Spec>>,
    /// By rule.
    pub compiled: Vec<Compiled>,
    /// By table.
    pub tables: Vec<CompiledTable>,
}

/// Checks and compiles rules over the configured intervals with their lookbacks and indicators.
///
/// # Errors
/// Every mistake in any of them.
pub fn compile_all(
    rules: &[Rule],
    intervals: &[(Interval, usize)],
    configured: &[Vec<Spec>],
    budget: Option<Budget>,
) -> Result<Set, Vec<Mistake>> {
    compile_set((rules, &[]), intervals, configured, budget)
}

/// Compiles rules; what is wrong goes to `mistakes`.
fn compile_rules(
    rules: &[Rule],
    intervals: &[(Interval, usize)],
    reads: &mut Reads,
    mistakes: &mut Vec<Mistake>,
) -> (Vec<Judging>, Vec<Compiled>) {
    let (mut compiled, mut judged) = (Vec::new(), Vec::new());
    for (index, rule) in rules.iter().enumerate() {
        let mistake = |key, fault| Mistake { rule: index, table: false, key, column: 0, fault };
        let Some(own) = intervals.iter().position(|(known, _)| *known == rule.interval) else {
            let message = format!("{} is not among the intervals", rule.interval);
            mistakes.push(mistake("interval", Fault::new(0..0, message)));
            continue;
        };
        let scope = Scope { intervals, own: own as u8, forming: rule.forming };
        let mut notes = Vec::new();
        let mut one = |key: &'static str, text: &str| match condition(scope, text, reads) {
            Ok((condition, found)) => {
                notes.extend(found.into_iter().map(|fault| (key, fault)));
                Some(condition)
            }
            Err(faults) => {
                mistakes.extend(faults.into_iter().map(|fault| mistake(key, fault)));
                None
            }
        };
        let when = one("when", &rule.when);
        let exit = rule.exit.as_deref().map(|text| one("exit", text));
        if let (Some(when), None | Some(Some(_))) = (when, &exit) {
            let exit = exit.flatten();
            judged.push(judging(rule, own as u8, &when, exit.as_ref()));
            compiled.push(Compiled { when, exit, notes });
        }
    }
    (judged, compiled)
}

/// Reads, checks and compiles one condition, and says what is worth knowing about it.
fn condition(
    scope: Scope<'_>,
    text: &str,
    reads: &mut Reads,
) -> Result<(Condition, Vec<Fault>), Vec<Fault>> {
    let expr = parse(text).map_err(|fault| vec![fault])?;
    let checked = Checker::condition(scope, &expr)?;
    let compiled = compile::compile(&checked.node, text, scope.own, scope.intervals, reads);
    let condition = compiled.map_err(|fault| vec![fault])?;
    if condition.program.reads().is_empty() {
        let message = "nothing in it is of a candle: it is the same for ever";
        return Err(vec![Fault::new(expr.span, message)]);
    }
    Ok((condition, checked.notes))
}

fn judging(rule: &Rule, interval: u8, when: &Condition, exit: Option<&Condition>) -> Judging {
    Judging {
        interval,
        forming: rule.forming,
        when: when.program.clone(),
        exit: exit.map(|exit| exit.program.clone()),
        dwell_ns: rule.dwell_ns,
        cool_down_ns: rule.cool_down_ns,
        budget: rule.budget,
        only_complete: rule.only_complete,
        tell: rule.tell,
        ranks: when.ranks || exit.is_some_and(|exit| exit.ranks),
    }
}
