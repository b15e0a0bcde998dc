//! Corrections: once everything that was lost has come, what stands of what was told is what a run
//! would have told that had everything from the start.

use std::collections::BTreeSet;

use systems::trade::{Trade, TradeKind};
use systems::units::Nanos;
use tapescan::rules::Rule;

use super::alerts::{MINUTE, alerts, settings};
use super::rule;
use crate::support::{Seed, clean_market, with_heartbeats};

/// What was told and not taken back: minute, symbol and kind.
fn standing(told: &[String]) -> BTreeSet<String> {
    let mut standing = BTreeSet::new();
    for one in told {
        let words: Vec<&str> = one.split(' ').collect();
        let (place, kind) = (words[..2].join(" "), words[2]);
        match kind.strip_suffix("Withdrawn") {
            Some(kind) => {
                assert!(standing.remove(&format!("{place} {kind}")), "{one} was not told")
            }
            None => assert!(standing.insert(format!("{place} {kind}")), "{one} was told twice"),
        }
    }
    standing
}

/// The same prints, some of them withheld and delivered seconds to minutes later.
fn withheld(seed: &mut Seed, clean: &[Trade]) -> Vec<Trade> {
    let (mut given, mut late) = (Vec::new(), Vec::new());
    let end = clean.last().map_or(Nanos(0), |last| last.time).minus(5 * MINUTE);
    for trade in clean {
        // The first of a symbol, and what could not come before the end, come in time.
        let lost = seed.one_in(60) && trade.id > 1_003 && trade.time < end;
        if lost { late.push(*trade) } else { given.push(*trade) }
    }
    for trade in late {
        let after = Nanos::PER_SECOND * (1 + seed.below(200));
        let at = given.partition_point(|other| other.time < trade.time.plus(after));
        given.insert(at, Trade { kind: TradeKind::Backfilled, ..trade });
    }
    given
}

#[test]
fn what_stands_is_what_a_run_without_losses_tells() {
    let rules = [
        rule("close crosses_above sma(5)"),
        rule("rising(2) and volume > average(volume, 5)"),
        Rule { exit: Some("close < lowest(low[1], 4)".to_owned()), ..rule("new_high(4)") },
        Rule { dwell_ns: MINUTE, ..rule("close > sma(3)@3m and change(5m) > 0") },
        Rule { cool_down_ns: 4 * MINUTE, ..rule("rising(1)") },
        Rule { only_complete: true, ..rule("taker_share(2) > 0.6") },
        rule("rank(change(3m)) <= 2"),
        rule("percentile(average(volume, 3)) > 70 and within(3, rank(close / open) <= 2)"),
    ];
    let (mut withdrawn, mut late) = (0, 0);
    for (index, rule) in rules.into_iter().enumerate() {
        let settings = settings(&["1m", "3m"], std::slice::from_ref(&rule), None);
        for case in 0..3 {
            let mut seed = Seed(100 + case);
            let clean = clean_market(&mut seed, 4, 2_400, 25);
            let bad = withheld(&mut seed, &clean);
            let want = alerts(&settings, 4, &with_heartbeats(&clean, 400_000));
            let got = alerts(&settings, 4, &with_heartbeats(&bad, 400_000));
            assert!(want.iter().all(|told| !told.contains("late")), "{index}: {want:?}");
            assert_eq!(standing(&got), standing(&want), "rule {index}, seed {case}: {rule:?}");
            withdrawn += got.iter().filter(|told| told.contains("Withdrawn")).count();
            late += got.iter().filter(|told| told.ends_with(" late")).count();
        }
    }
    eprintln!("{withdrawn} withdrawn, {late} late");
    assert!(withdrawn > 20 && late > 20, "{withdrawn} {late}");
}
