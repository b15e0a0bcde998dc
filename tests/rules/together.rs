//! Rules that are judged together, many symbols abreast, say what each says that is alone.

use std::collections::BTreeMap;

use systems::dispatch::Outbox;
use systems::settings::Settings;
use tapescan::rules::Rule;

use super::alerts::{MINUTE, settings};
use super::{drive, rule};
use crate::support::{Seed, clean_market, with_heartbeats};

/// More than fit into one word of bits, alike in most of what they read.
fn many() -> Vec<Rule> {
    let mut rules = Vec::new();
    for n in 2..16u64 {
        rules.push(rule(&format!("close crosses_above sma({n})")));
        rules.push(rule(&format!("volume > average(volume, {n})[1] and not gap")));
        rules.push(rule(&format!("within({n}, rising(2)) and close < highest(high, {n})[1]")));
        let when = format!("bars_since(new_high(3), {n}) > 2");
        rules.push(Rule { cool_down_ns: n * MINUTE, ..rule(&when) });
        let exit = Some(format!("close < lowest(low, {n})[1]"));
        rules.push(Rule { exit, ..rule("new_high(4)") });
        let when = format!("close > sma({n})@3m and change(5m) > 0");
        rules.push(Rule { dwell_ns: n / 4 * MINUTE, only_complete: n % 2 == 0, ..rule(&when) });
    }
    // Too large to be written out among others.
    rules.push(rule("highest(average(close, 60), 60) > close"));
    rules.push(rule("rank(change(3m)) <= 2"));
    let name = |(index, rule): (usize, Rule)| Rule { name: format!("r{index}"), ..rule };
    rules.into_iter().enumerate().map(name).collect()
}

/// The market with some prints that come many prints late, after the end of their minute.
fn with_late_prints(symbols: u16) -> Vec<crate::support::Event> {
    let mut trades = clean_market(&mut Seed(17), symbols, 12_000, 15);
    for from in (100..trades.len() - 400).step_by(97) {
        let late = trades.remove(from);
        trades.insert(from + 150, late);
    }
    with_heartbeats(&trades, 400_000)
}

/// Corrections reach as far back as short rings hold everything, and take nothing from what closes.
#[test]
fn what_closes_beside_a_correction_is_judged_however_little_is_kept() {
    let rules = [
        rule("close > sma(3)"),
        rule("volume > 1.5 * average(volume, 4)[1]"),
        rule("rising(2) and not gap"),
    ];
    let events = with_late_prints(5);
    let run = |lookback: usize| {
        let plain = settings(&["1m"], &rules, None);
        let settings = Settings { lookback: vec![lookback], ..plain };
        drive(&settings, 5, &events, (1, usize::MAX), by_rule).0
    };
    let told = run(300);
    assert!(told.len() > 500 && told.iter().any(|told| told.contains("true")), "{}", told.len());
    for lookback in [20, 30, 100] {
        assert_eq!(run(lookback), told, "lookback {lookback}");
    }
}

/// What each rule said, in the order in which it did.
fn by_rule(outbox: &Outbox) -> Vec<String> {
    let alerts = outbox.alerts.iter();
    let one = alerts.filter_map(|alert| {
        let at = alert.candle.open_time.0 / MINUTE;
        let (symbol, kind, late) = (alert.symbol.0, alert.kind, alert.late);
        Some(format!("{} {at} {symbol} {kind:?} {late} {}", alert.rule?, alert.provisional))
    });
    one.collect()
}

#[test]
fn company_changes_nothing() {
    let mut seed = Seed(41);
    let clean = clean_market(&mut seed, 5, 4_000, 25);
    let late = clean.iter().enumerate().filter(|(index, _)| index % 50 != 7);
    let events = with_heartbeats(&late.map(|(_, trade)| *trade).collect::<Vec<_>>(), 400_000);
    let rules = many();
    let run = |rules: &[Rule]| {
        let settings = settings(&["1m", "3m"], rules, None);
        drive(&settings, 5, &events, (1, usize::MAX), by_rule).0
    };
    let mut together: BTreeMap<usize, Vec<String>> = BTreeMap::new();
    for told in run(&rules) {
        let (index, rest) = told.split_once(' ').unwrap();
        together.entry(index.parse().unwrap()).or_default().push(rest.to_owned());
    }
    let (mut said, mut silent) = (0, 0);
    for (index, rule) in rules.iter().enumerate() {
        let alone = run(std::slice::from_ref(rule));
        let alone: Vec<_> = alone.iter().map(|told| &told["0 ".len()..]).collect();
        let together = together.remove(&index).unwrap_or_default();
        assert_eq!(together, alone, "{}: {rule:?}", rule.name);
        said += together.len();
        silent += usize::from(together.is_empty());
    }
    assert!(said > 1_000 && silent < rules.len() / 3, "{said} said, {silent} silent");
}
