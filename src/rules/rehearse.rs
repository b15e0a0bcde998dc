//! Rehearsal: what each rule would have told on a tape, and what happened after.

use std::collections::BTreeSet;

use systems::rule::Kind;
use systems::trade::SymbolId;
use systems::units::Nanos;

use crate::replay::{Candles, Told};

/// How long after an alert prices are looked at.
pub const AFTER: [(&str, u64); 3] = [
    ("5m", 300 * Nanos::PER_SECOND),
    ("15m", 900 * Nanos::PER_SECOND),
    ("1h", 3_600 * Nanos::PER_SECOND),
];

/// What one rule told.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Rehearsed {
    /// Beginnings that stand, told or held by a budget.
    pub entered: u64,
    /// Ends.
    pub exited: u64,
    /// Withdrawals, of beginnings and of ends.
    pub withdrawn: u64,
    /// Beginnings and ends that came late.
    pub late: u64,
    /// Beginnings that were labelled provisional.
    pub provisional: u64,
    /// Beginnings within the cool-down.
    pub cooled: u64,
    /// Beginnings that a budget held for a digest.
    pub held: u64,
    /// Symbols with a beginning.
    pub symbols: usize,
    /// By [`AFTER`]: the median change of the close in percent, over the beginnings for which it is
    /// known.
    pub after: [Option<f64>; AFTER.len()],
    /// The median of the best and of the worst price within the longest of them, in percent.
    pub best_and_worst: Option<(f64, f64)>,
}

/// What `rules` rules told on a tape, whose closed candles of the shortest interval say what
/// happened after. `cooled` has the beginnings within the cool-down, by rule.
pub fn rehearse(rules: usize, told: &[Told], candles: &Candles, cooled: &[u64]) -> Vec<Rehearsed> {
    let rehearse = |index: usize| {
        let own = told.iter().filter(|told| told.alert.rule == Some(index as u16));
        let cooled = cooled.get(index).copied().unwrap_or(0);
        let mut one = Rehearsed { cooled, ..Rehearsed::default() };
        // A beginning that was withdrawn did not happen.
        let mut entered: Vec<&Told> = Vec::new();
        for told in own {
            let alert = &told.alert;
            one.late += u64::from(alert.late && matches!(alert.kind, Kind::Enter | Kind::Exit));
            match alert.kind {
                Kind::Enter => entered.push(told),
                Kind::Exit => one.exited += 1,
                Kind::EnterWithdrawn => {
                    one.withdrawn += 1;
                    let same = |it: &&Told| {
                        it.alert.symbol == alert.symbol && it.alert.entered == alert.entered
                    };
                    if let Some(at) = entered.iter().rposition(same) {
                        entered.remove(at);
                    }
                }
                Kind::ExitWithdrawn => one.withdrawn += 1,
                Kind::Digest => one.held += alert.count,
            }
        }
        let shared = told.iter().filter(|told| told.alert.rule.is_none());
        let shared = shared.flat_map(|told| &told.held);
        one.held += shared.filter(|held| usize::from(held.rule) == index).count() as u64;
        one.entered = entered.len() as u64 + one.held;
        one.provisional = entered.iter().filter(|told| told.alert.provisional).count() as u64;
        one.symbols = entered.iter().map(|told| told.alert.symbol).collect::<BTreeSet<_>>().len();
        let after = |(_, ns): (&str, u64)| {
            median(entered.iter().filter_map(|told| change_after(told, candles, ns)))
        };
        one.after = AFTER.map(after);
        let ranges: Vec<_> = entered.iter().filter_map(|told| range_after(told, candles)).collect();
        let best = median(ranges.iter().map(|(best, _)| *best));
        one.best_and_worst = best.zip(median(ranges.iter().map(|(_, worst)| *worst)));
        one
    };
    (0..rules).map(rehearse).collect()
}

/// By rule, every beginning that stands: of which symbol, and when. What a budget held is among
/// them, as far as its digests name it.
pub fn beginnings(rules: usize, told: &[Told]) -> Vec<BTreeSet<(SymbolId, Nanos)>> {
    let mut all = vec![BTreeSet::new(); rules];
    for Told { alert, held, .. } in told {
        for held in held {
            all[usize::from(held.rule)].insert((held.symbol, held.open_time));
        }
        let Some(own) = alert.rule.and_then(|rule| all.get_mut(usize::from(rule))) else {
            continue;
        };
        match alert.kind {
            Kind::Enter => drop(own.insert((alert.symbol, alert.entered))),
            Kind::EnterWithdrawn => drop(own.remove(&(alert.symbol, alert.entered))),
            Kind::Exit | Kind::ExitWithdrawn | Kind::Digest => {}
        }
    }
    all
}

/// When an alert was known, and the price then.
fn known(told: &Told) -> Option<(Nanos, f64)> {
    let close = told.alert.candle.close.0;
    (close > 0).then_some((told.alert.at, close as f64))
}

/// The change from an alert's price to the last close known `ns` after it; not known where the tape
/// ends before.
fn change_after(told: &Told, candles: &Candles, ns: u64) -> Option<f64> {
    let (at, price) = known(told)?;
    let symbol = told.alert.symbol;
    let own = (symbol, 0, Nanos(0))..(symbol, 0, Nanos(u64::MAX));
    let until = at.plus(ns);
    // The tape goes on that long if a candle opens then or later.
    candles.range((symbol, 0, until)..(symbol, 0, Nanos(u64::MAX))).next()?;
    let before = candles.range(own.start..(symbol, 0, until));
    let last = before.rev().map(|(_, latest)| latest).find(|latest| !latest.absent)?;
    Some((last.candle.close.0 as f64 / price - 1.0) * 100.0)
}

/// The highest and the lowest price within the longest time after an alert, as changes.
fn range_after(told: &Told, candles: &Candles) -> Option<(f64, f64)> {
    let (at, price) = known(told)?;
    let (symbol, until) = (told.alert.symbol, at.plus(AFTER[AFTER.len() - 1].1));
    let later = candles.range((symbol, 0, at)..(symbol, 0, until));
    let traded = later.map(|(_, latest)| latest).filter(|latest| !latest.absent);
    let range = traded.fold(None, |range: Option<(i64, i64)>, latest| {
        let (high, low) = (latest.candle.high.0, latest.candle.low.0);
        Some(range.map_or((high, low), |(best, worst)| (best.max(high), worst.min(low))))
    });
    let percent = |value: i64| (value as f64 / price - 1.0) * 100.0;
    range.map(|(best, worst)| (percent(best), percent(worst)))
}

fn median(values: impl Iterator<Item = f64>) -> Option<f64> {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    values.get(values.len().checked_sub(1)? / 2).copied()
}
