//! Tables: the first symbols by a number, as they are configured, compiled and shown.

use systems::catalog::Spec;
use systems::interval::Interval;
use systems::rule::{Budget, Moves, Rules, Table as Core};
use systems::units::Nanos;

use super::check::{Checker, Scope};
use super::compile::{Condition, compile};
use super::fault::Fault;
use super::parse::parse;
use super::reads::Reads;
use super::unit::Unit;
use super::{Mistake, Rule, Set, compile_rules};

/// A table as it is configured.
#[derive(Clone, Debug, PartialEq)]
pub struct Table {
    /// How it is called.
    pub name: String,
    /// Whose candles are compared.
    pub interval: Interval,
    /// What symbols are ranked by.
    pub by: String,
    /// Whether the lowest comes first.
    pub ascending: bool,
    /// How many symbols it has.
    pub top: usize,
    /// What of it is told.
    pub tell: Moves,
    /// What is shown beside it.
    pub columns: Vec<String>,
}

/// What is known of a compiled table beside its programs.
#[derive(Clone, Debug, PartialEq)]
pub struct CompiledTable {
    /// What kind of number symbols are ranked by.
    pub unit: Unit,
    /// Steps that one look at one symbol may take.
    pub steps: u64,
    /// What kind of value each column has.
    pub columns: Vec<Unit>,
    /// What is worth knowing before it runs, and about which key.
    pub notes: Vec<(&'static str, Fault)>,
}

/// A table as it stands.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Ranking {
    /// Start of the candles that are compared; 0 before the first.
    pub open_time: Nanos,
    /// The first symbols, in order.
    pub places: Vec<Place>,
}

/// One line of a table.
#[derive(Clone, Debug, PartialEq)]
pub struct Place {
    /// The symbol.
    pub symbol: Box<str>,
    /// What it is ranked by.
    pub score: f64,
    /// What is shown beside it; NaN is not known.
    pub columns: Vec<f64>,
}

/// Checks and compiles rules and tables over the configured intervals with their lookbacks and
/// indicators.
///
/// # Errors
/// Every mistake in any of them.
pub fn compile_set(
    (rules, tables): (&[Rule], &[Table]),
    intervals: &[(Interval, usize)],
    configured: &[Vec<Spec>],
    budget: Option<Budget>,
) -> Result<Set, Vec<Mistake>> {
    let mut reads = Reads::new(configured);
    let mut mistakes = Vec::new();
    let (judged, compiled) = compile_rules(rules, intervals, &mut reads, &mut mistakes);
    let (mut cores, mut shown) = (Vec::new(), Vec::new());
    for (index, table) in tables.iter().enumerate() {
        let own = intervals.iter().position(|(known, _)| *known == table.interval);
        let Some(own) = own else {
            let fault = Fault::new(0..0, format!("{} is not among the intervals", table.interval));
            mistakes.push(Mistake { rule: index, table: true, key: "interval", column: 0, fault });
            continue;
        };
        let scope = Scope { intervals, own: own as u8, forming: false };
        if let Some((core, table)) = one(index, table, scope, &mut reads, &mut mistakes) {
            cores.push(core);
            shown.push(table);
        }
    }
    if !mistakes.is_empty() {
        return Err(mistakes);
    }
    let named = reads.named();
    let (columns, depth, scores) = reads.finish();
    let tables = cores;
    let core = Rules { columns, depth, scores, session_ns: 0, judged, tables, budget };
    Ok(Set { core, named, compiled, tables: shown })
}

/// Compiles one table; what is wrong goes to `mistakes`.
fn one(
    index: usize,
    table: &Table,
    scope: Scope<'_>,
    reads: &mut Reads,
    mistakes: &mut Vec<Mistake>,
) -> Option<(Core, CompiledTable)> {
    let mut notes = Vec::new();
    let mut read = |key: &'static str, column: usize, text: &str| {
        let (condition, unit, found) = value(scope, text, key == "by", reads)
            .map_err(|faults| {
                let mistake = |fault| Mistake { rule: index, table: true, key, column, fault };
                mistakes.extend(faults.into_iter().map(mistake));
            })
            .ok()?;
        notes.extend(found.into_iter().map(|fault| (key, fault)));
        Some((condition, unit))
    };
    let by = read("by", 0, &table.by);
    let columns = table.columns.iter().enumerate();
    let columns: Vec<_> = columns.map(|(at, text)| read("columns", at, text)).collect();
    let (by, unit) = by?;
    let columns = columns.into_iter().collect::<Option<Vec<_>>>()?;
    let steps = columns.iter().fold(by.steps, |sum, (column, _)| sum + column.steps);
    let (columns, units) = columns.into_iter().map(|(column, unit)| (column.program, unit)).unzip();
    let core = Core {
        interval: scope.own,
        by: by.program,
        ascending: table.ascending,
        top: table.top,
        tell: table.tell,
        columns,
    };
    Some((core, CompiledTable { unit, steps, columns: units, notes }))
}

/// Reads, checks and compiles an expression that gives a number, or a truth if `number` is not set.
fn value(
    scope: Scope<'_>,
    text: &str,
    number: bool,
    reads: &mut Reads,
) -> Result<(Condition, Unit, Vec<Fault>), Vec<Fault>> {
    let expr = parse(text).map_err(|fault| vec![fault])?;
    let checked = Checker::value(scope, &expr, number)?;
    let compiled = compile(&checked.node, text, scope.own, scope.intervals, reads);
    let condition = compiled.map_err(|fault| vec![fault])?;
    if condition.program.reads().is_empty() {
        let message = "nothing in it is of a candle: it is the same for every symbol";
        return Err(vec![Fault::new(expr.span, message)]);
    }
    Ok((condition, checked.node.unit, checked.notes))
}

/// A value as a table shows it.
pub fn shown(value: f64, unit: Unit) -> String {
    match unit {
        _ if value.is_nan() => "-".to_owned(),
        Unit::Truth => if value == 1.0 { "yes" } else { "no" }.to_owned(),
        Unit::Percent => format!("{value:+.2}%"),
        _ => {
            // Five digits say enough beside others, and large numbers are whole.
            let digits = value.abs().max(1e-12).log10().floor() as i32 + 1;
            let decimals = (5 - digits).clamp(0, 10) as usize;
            let text = format!("{value:.decimals$}");
            match text.contains('.') {
                true => text.trim_end_matches('0').trim_end_matches('.').to_owned(),
                false => text,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_shown_short() {
        for (value, unit, want) in [
            (f64::NAN, Unit::Price, "-"),
            (1.0, Unit::Truth, "yes"),
            (-1.234, Unit::Percent, "-1.23%"),
            (60_123.456, Unit::Price, "60123"),
            (1.5, Unit::Ratio, "1.5"),
            (0.000_012_345_6, Unit::Price, "0.000012346"),
            (0.0, Unit::Quantity, "0"),
            (-12.346, Unit::Price, "-12.346"),
        ] {
            assert_eq!(shown(value, unit), want);
        }
    }
}
