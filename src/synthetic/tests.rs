//! The market keeps its promises: equal seeds, rates, conservation, order.

use std::collections::{BTreeMap, BTreeSet};

use systems::trade::{SymbolId, Trade, TradeKind};
use systems::units::Nanos;

use super::{Market, Spec};
use crate::tape::entry::{Body, Entry};

fn market(text: &str) -> Market {
    Market::new(Spec::parse(text).unwrap())
}

fn entries(text: &str) -> Vec<Entry<'static>> {
    market(text).collect()
}

fn trades<'a>(entries: &'a [Entry<'static>]) -> impl Iterator<Item = (Nanos, Trade)> + 'a {
    entries.iter().filter_map(|entry| match entry.body {
        Body::Trade(trade) => Some((entry.received, trade)),
        _ => None,
    })
}

const FAULTY: &str = "symbols=40,rate=500,duration=10m,gaps=0.02,late=0.01,reorder=0.01,\
                      duplicates=0.01,cuts=3,links=3,listings=4,delistings=4,seed=9";

#[test]
fn equal_specs_give_equal_entries_and_other_seeds_others() {
    assert_eq!(entries(FAULTY), entries(FAULTY));
    let other = FAULTY.replace("seed=9", "seed=10");
    assert_ne!(entries(FAULTY), entries(&other));
}

#[test]
fn a_market_is_pinned_across_machines() {
    let mut digest = 0u64;
    for (received, trade) in trades(&entries("symbols=20,rate=200,duration=2m,late=0.01")) {
        for word in [received.0, trade.id, trade.price.0 as u64, trade.quantity.0 as u64] {
            digest = (digest ^ word).wrapping_mul(0x100_0000_01b3).rotate_left(23);
        }
    }
    assert_eq!(
        digest, 13_910_034_570_014_949_348,
        "the generator changed: say so in the changelog"
    );
}

#[test]
fn faults_do_not_change_the_truth() {
    let calm: Vec<Trade> = market("symbols=40,rate=500,duration=1m").truth().collect();
    let faulty = market("symbols=40,rate=500,duration=1m,gaps=0.1,late=0.1,cuts=2");
    assert_eq!(calm, faulty.truth().collect::<Vec<_>>());
}

#[test]
fn the_truth_has_contiguous_ids_in_time_order_and_sane_numbers() {
    let spec = Spec::parse(FAULTY).unwrap();
    let mut next: BTreeMap<SymbolId, u64> = BTreeMap::new();
    let mut before = spec.begins();
    let mut born = 0;
    for trade in Market::new(spec.clone()).truth() {
        assert!(trade.time >= before && trade.time < spec.ends() && trade.time.0 % 1_000_000 == 0);
        before = trade.time;
        let expected = next.entry(trade.symbol).or_insert(trade.id);
        born += u32::from(trade.id == 0);
        assert_eq!((trade.id, trade.first_id, trade.count), (*expected, *expected, 1));
        *expected += 1;
        assert!(trade.price.0 > 0 && trade.quantity.0 > 0);
    }
    assert_eq!(next.len(), 40, "every symbol trades in ten minutes");
    assert_eq!(born, 4, "listings begin with id 0");
}

#[test]
fn every_print_is_delivered_backfilled_or_lost_and_repeats_are_counted() {
    for backfill in ["yes", "no", "refused"] {
        let mut market = market(&format!("{FAULTY},backfill={backfill}"));
        let truth: BTreeSet<_> = market.truth().map(|t| (t.symbol, t.id)).collect();
        let entries: Vec<_> = market.by_ref().collect();
        let counts = market.counts();
        let (mut arrived, mut repeats, mut fetched) = (BTreeSet::new(), 0, 0);
        for (_, trade) in trades(&entries) {
            repeats += u64::from(!arrived.insert((trade.symbol, trade.id)));
            fetched += u64::from(trade.kind == TradeKind::Backfilled);
        }
        let mut refused = 0;
        for entry in &entries {
            if let Body::Unrecoverable { symbol, from_id, to_id } = entry.body {
                for id in from_id..=to_id {
                    assert!(!arrived.contains(&(symbol, id)) && truth.contains(&(symbol, id)));
                    refused += 1;
                }
            }
        }
        assert!(arrived.is_subset(&truth));
        assert_eq!(counts.prints, truth.len() as u64);
        assert_eq!(counts.delivered + counts.backfilled, arrived.len() as u64);
        assert_eq!(counts.lost, (truth.len() - arrived.len()) as u64);
        assert_eq!((counts.duplicates, counts.backfilled), (repeats, fetched));
        assert_eq!(refused, if backfill == "refused" { counts.lost } else { 0 });
        assert_eq!(counts.lost == 0, backfill == "yes");
    }
}

#[test]
fn entries_arrive_in_order_and_never_before_they_happened() {
    let entries = entries(FAULTY);
    assert!(entries.is_sorted_by_key(|entry| entry.received));
    assert!(trades(&entries).all(|(received, trade)| trade.time < received));
    let beats: Vec<Nanos> = entries
        .iter()
        .filter_map(|entry| match entry.body {
            Body::Heartbeat(at) => Some(at),
            _ => None,
        })
        .collect();
    assert!(beats.windows(2).all(|pair| pair[1].0 - pair[0].0 == 100_000_000));
    let spec = Spec::parse(FAULTY).unwrap();
    assert_eq!(beats[0], spec.begins());
    let last = entries.last().unwrap();
    assert!(beats.last().unwrap().0 > spec.ends().0 && matches!(last.body, Body::Heartbeat(_)));
    let ups = entries.iter().take_while(|entry| matches!(entry.body, Body::Link { up: true, .. }));
    assert_eq!(ups.count(), 3, "links come up before anything else");
}

#[test]
fn rates_are_hit_within_tolerance() {
    let mut market = market(
        "symbols=50,rate=2000,duration=10m,burst=1,gaps=0.02,late=0.01,reorder=0.03,\
         duplicates=0.005",
    );
    let mut received = 0u64;
    for entry in market.by_ref() {
        received += u64::from(matches!(entry.body, Body::Trade(_)));
    }
    let counts = market.counts();
    let share = |count: u64| count as f64 / counts.prints as f64;
    let near = |got: f64, want: f64| assert!((got / want - 1.0).abs() < 0.05, "{got} for {want}");
    near(counts.prints as f64 / 600.0, 2_000.0);
    near(share(counts.backfilled), 0.02);
    near(share(counts.late), 0.01 * 0.98);
    near(share(counts.reordered), 0.03 * 0.98);
    near(share(counts.duplicates), 0.005 * 0.98);
    assert_eq!(received, counts.delivered + counts.backfilled + counts.duplicates);
}

#[test]
fn nothing_arrives_on_a_link_that_is_cut() {
    let entries = entries(FAULTY);
    let mut down = BTreeSet::new();
    let mut feeds_down = BTreeSet::new();
    let mut cuts = 0;
    for entry in &entries {
        match entry.body {
            Body::Link { link, up: false, .. } => {
                cuts += 1;
                assert!(down.insert(link));
            }
            Body::Link { link, up: true, .. } => _ = down.remove(&link),
            Body::Feed { symbol, up: false } => assert!(feeds_down.insert(symbol)),
            Body::Feed { symbol, up: true } => assert!(feeds_down.remove(&symbol)),
            Body::Trade(trade) if trade.kind == TradeKind::Market => {
                assert!(!down.contains(&(trade.symbol.0 % 3)));
                assert!(!feeds_down.contains(&trade.symbol));
            }
            _ => {}
        }
    }
    assert_eq!((cuts, down.len(), feeds_down.len()), (3, 0, 0));
}

#[test]
fn delisted_symbols_halt_and_are_not_matched_again() {
    let market = market(FAULTY);
    let truth = market.truth();
    let halts: BTreeMap<SymbolId, Nanos> = market
        .filter_map(|entry| match entry.body {
            Body::Halt { symbol, halted: true } => Some((symbol, entry.received)),
            _ => None,
        })
        .collect();
    assert_eq!(halts.len(), 4);
    for trade in truth {
        assert!(halts.get(&trade.symbol).is_none_or(|halt| trade.time < *halt));
    }
}

#[test]
fn activity_is_skewed_bursts_at_the_minute_and_pauses_for_minutes() {
    let mut per_symbol = [0u32; 100];
    let mut per_second = [0u32; 60];
    let mut per_minute: BTreeMap<(SymbolId, u64), u32> = BTreeMap::new();
    for trade in market("symbols=100,rate=2000,duration=10m,boundary=4,burst=1").truth() {
        per_symbol[usize::from(trade.symbol.0)] += 1;
        per_second[(trade.time.seconds() % 60) as usize] += 1;
        *per_minute.entry((trade.symbol, trade.time.seconds() / 60)).or_default() += 1;
    }
    per_symbol.sort_unstable();
    let total: u32 = per_symbol.iter().sum();
    let top_ten: u32 = per_symbol[90..].iter().sum();
    assert!(f64::from(top_ten) / f64::from(total) > 0.35, "{top_ten} of {total}");
    let calm = f64::from(per_second[1..].iter().sum::<u32>()) / 59.0;
    assert!((f64::from(per_second[0]) / calm - 4.0).abs() < 0.3, "{per_second:?}");
    let silent = 100 * 10 - per_minute.len();
    assert!((3..100).contains(&silent), "{silent} silent minutes of 1000");
}

#[test]
fn volatility_clusters() {
    let mut closes: BTreeMap<u64, f64> = BTreeMap::new();
    for trade in market("symbols=1,rate=50,duration=1h,quiet=0").truth() {
        closes.insert(trade.time.seconds(), trade.price.0 as f64);
    }
    let closes: Vec<f64> = closes.into_values().collect();
    let moves: Vec<f64> = closes.windows(2).map(|pair| (pair[1] / pair[0] - 1.0).abs()).collect();
    let mean = moves.iter().sum::<f64>() / moves.len() as f64;
    let at_lag = |lag: usize| -> f64 {
        let pairs = moves.iter().zip(&moves[lag..]);
        pairs.map(|(one, other)| (one - mean) * (other - mean)).sum::<f64>()
    };
    assert!(at_lag(1) / at_lag(0) > 0.05, "{}", at_lag(1) / at_lag(0));
    assert!(at_lag(5) / at_lag(0) > 0.02, "{}", at_lag(5) / at_lag(0));
}

/// A surge is that many prints, of everybody, and nothing outside of it.
#[test]
fn a_surge_multiplies_the_rate_and_keeps_the_shares() {
    let calm = "symbols=20,rate=500,duration=90s,seed=4,burst=1,boundary=1,quiet=0";
    let surging = format!("{calm},surge=10x@30s+20s");
    let counted = |text: &str, symbol: Option<u16>| {
        let mut found = [0u32; 90];
        let market = market(text);
        let begun = Spec::parse(text).unwrap().start;
        for trade in market.truth().filter(|trade| symbol.is_none_or(|it| trade.symbol.0 == it)) {
            found[(trade.time.seconds() - begun) as usize] += 1;
        }
        found
    };
    let sum = |of: &[u32]| f64::from(of.iter().sum::<u32>());
    let all = counted(&surging, None);
    let rate = sum(&all[..30]) / 30.0;
    assert!((450.0..550.0).contains(&rate), "{rate}");
    let (surge, after) = (sum(&all[30..50]) / 20.0 / rate, sum(&all[50..]) / 40.0 / rate);
    assert!((9.5..10.5).contains(&surge) && (0.9..1.1).contains(&after), "{surge} {after}");
    // The busiest has about the share of the surge that it has of the same market without one.
    let busiest = (0..20).max_by_key(|it| counted(calm, Some(*it)).iter().sum::<u32>());
    let share =
        |text: &str| sum(&counted(text, busiest)[30..50]) / sum(&counted(text, None)[30..50]);
    let ratio = share(&surging) / share(calm);
    assert!((0.5..2.0).contains(&ratio), "{ratio}");
}
