//! The names of columns and functions, and what was probably meant by others.

use systems::candle::Mark;
use systems::catalog::CATALOG;
use systems::rule::{Field, Marks, Time};

use super::super::unit::Unit;
use crate::config::nearest;

/// Numbers of a candle.
pub(super) const FIELDS: &[(&str, Field, Unit)] = &[
    ("open", Field::Open, Unit::Price),
    ("high", Field::High, Unit::Price),
    ("low", Field::Low, Unit::Price),
    ("close", Field::Close, Unit::Price),
    ("volume", Field::Volume, Unit::Quantity),
    ("turnover", Field::Turnover, Unit::Turnover),
    ("taker_volume", Field::TakerVolume, Unit::Quantity),
    ("trades", Field::Trades, Unit::Count),
];

/// Times, in seconds.
pub(super) const TIMES: &[(&str, Time)] =
    &[("quiet_for", Time::Quiet), ("listed_for", Time::Listed), ("session_time", Time::Session)];

/// What is known about a closed candle.
pub(super) const FLAGS: &[(&str, Marks)] = &[
    ("complete", Marks::of(&[Mark::Complete, Mark::Quiet, Mark::Amended, Mark::Reconciled])),
    ("quiet", Marks::of(&[Mark::Quiet])),
    ("gap", Marks::of(&[Mark::Gap])),
    ("partial", Marks::of(&[Mark::Gap, Mark::HeadPartial])),
    ("amended", Marks::of(&[Mark::Amended])),
    ("disputed", Marks::of(&[Mark::Disputed])),
];

/// Functions, and how each is written.
pub(super) const FUNCTIONS: &[(&str, &str)] = &[
    ("change", "change(5m) or change(session)"),
    ("to_high", "to_high(20) or to_high(session)"),
    ("to_low", "to_low(20) or to_low(session)"),
    ("highest", "highest(close, 20)"),
    ("lowest", "lowest(close, 20)"),
    ("average", "average(volume, 20)"),
    ("rising", "rising(3) or rising(rsi(14), 3)"),
    ("falling", "falling(3) or falling(rsi(14), 3)"),
    ("new_high", "new_high(20) or new_high(rsi(14), 20)"),
    ("new_low", "new_low(20) or new_low(rsi(14), 20)"),
    ("within", "within(5, close > ema(20))"),
    ("bars_since", "bars_since(close > ema(20), 50)"),
    ("between", "between(rsi(14), 40, 60)"),
    ("crosses_above", "close crosses_above ema(20)"),
    ("crosses_below", "close crosses_below ema(20)"),
    ("abs", "abs(change(5m))"),
    ("min", "min(open, close)"),
    ("max", "max(open, close)"),
    ("rank", "rank(change(1h)) <= 10"),
    ("percentile", "percentile(turnover) >= 90"),
    ("stale", "stale(5m)"),
];

/// What others call it.
const SYNONYMS: &[(&str, &str)] = &[
    ("price", "close"),
    ("last", "close"),
    ("o", "open"),
    ("h", "high"),
    ("l", "low"),
    ("c", "close"),
    ("v", "volume"),
    ("vol", "volume"),
    ("base_volume", "volume"),
    ("quote_volume", "turnover"),
    ("amount", "turnover"),
    ("count", "trades"),
    ("taker_buy_volume", "taker_volume"),
    ("day", "session"),
    ("mean", "average"),
    ("avg", "average"),
    ("cross_above", "crosses_above"),
    ("cross_below", "crosses_below"),
    ("crossover", "crosses_above"),
    ("crossunder", "crosses_below"),
    ("barssince", "bars_since"),
    ("change_percent", "change"),
    ("pct_change", "change"),
    ("stdev", "stddev"),
    ("boll", "bbands"),
    ("bb", "bbands"),
    ("relative_volume", "rvol"),
    ("age", "listed_for"),
    ("listed", "listed_for < 1d"),
    ("idle", "quiet_for"),
    ("true", "a comparison that says when"),
    ("false", "a comparison that says when"),
];

/// How a function is written.
pub(super) fn form(name: &str) -> &'static str {
    FUNCTIONS.iter().find(|(known, _)| *known == name).map_or("", |(_, form)| form)
}

/// What to say about a name that nothing has.
pub(super) fn unknown(name: &str) -> String {
    let lower = name.to_lowercase();
    if let Some((_, ours)) = SYNONYMS.iter().find(|(other, _)| *other == lower) {
        return format!("{name} is not known here; write {ours}");
    }
    if let Some(call) = column_name(&lower) {
        return format!("{name} is the name of a column in files; in rules write {call}");
    }
    let fields = FIELDS.iter().map(|(name, ..)| *name);
    let known = fields
        .chain(TIMES.iter().map(|(name, _)| *name))
        .chain(FLAGS.iter().map(|(name, _)| *name))
        .chain(FUNCTIONS.iter().map(|(name, _)| *name))
        .chain(CATALOG.iter().map(|entry| entry.name));
    match nearest(name, known) {
        Some(near) => format!("{name} is not known; did you mean {near}?"),
        None => format!(
            "{name} is not known; there are the numbers of a candle (open, high, low, close, \
             volume, turnover, taker_volume, trades), the indicators, and functions such as \
             change(5m)"
        ),
    }
}

/// `rsi_14` and `macd_12_26_9_hist` as they are written in rules.
fn column_name(name: &str) -> Option<String> {
    let entry = CATALOG
        .iter()
        .find(|entry| name.strip_prefix(entry.name).is_some_and(|rest| rest.starts_with('_')))?;
    let mut params = Vec::new();
    let mut parts = name[entry.name.len() + 1..].split('_').peekable();
    while let Some(part) = parts.next_if(|part| part.parse::<f64>().is_ok()) {
        params.push(part);
    }
    let output = parts.collect::<Vec<_>>().join("_");
    let known = output.is_empty() || entry.outputs.contains(&output.as_str());
    let params = if params.is_empty() { String::new() } else { format!("({})", params.join(",")) };
    let dot = if output.is_empty() { "" } else { "." };
    known.then(|| format!("{}{params}{dot}{output}", entry.name))
}
