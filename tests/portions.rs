//! Answers of many candles, which no pulse can take at once, and what else has to outlast the
//! pulse in which it came: halts, lost ids, the venue's word.

use crate::events::{A, MINUTE, SECOND, beat, feed, sec, venue};
use crate::support::*;
use systems::candle::{Candle, Mark};
use systems::trade::{Control, Trade, TradeKind};
use systems::units::Nanos;

fn print(id: u64, at: Nanos) -> Event {
    Event::Print(trade(0, id, at, 10_000, 1))
}

/// One print a second, an outage of `outage` s, the venue's candles of it in one answer.
fn answered_outage(outage: u64) -> Vec<Event> {
    let mut events = Vec::new();
    for k in 0..400 {
        events.extend([beat(sec(k)), print(1_000 + k, sec(k).plus(1))]);
    }
    events.push(feed(false));
    events.extend((0..outage).map(|k| beat(sec(400 + k))));
    events.push(feed(true));
    let back = 400 + outage;
    for k in 0..200 {
        // Ids of the outage are missing.
        events.extend([beat(sec(back + k)), print(1_400 + back + k, sec(back + k).plus(1))]);
        if k == 3 {
            events.extend((400..back).map(|k| venue(0, sec(k), 1)));
        }
    }
    events.push(beat(sec(back + 210)));
    events
}

#[test]
fn an_answer_of_many_candles_refuses_no_live_print() {
    for outage in [100, 200, 600] {
        let events = answered_outage(outage);
        let (_, engine) = run(&settings(&["1s"]), &symbols(1), &events, || usize::MAX);
        assert_eq!(engine.folded(A), 600, "outage {outage}: {:?}", engine.health(A));
    }
}

#[test]
fn an_answer_of_many_candles_is_no_break() {
    let mut settings = settings(&["1s"]);
    settings.lookback = vec![1];
    let events = answered_outage(600);
    let (collected, engine) = run(&settings, &symbols(1), &events, || usize::MAX);
    let row = collected.row(0, 0);
    let after: Vec<_> = row.iter().filter(|c| c.open_time >= sec(1_005)).collect();
    let gaps = after.iter().filter(|c| c.mark == Mark::Gap).count();
    assert_eq!((engine.folded(A), gaps), (600, 0), "{:?}", engine.health(A));
}

#[test]
fn the_first_prints_after_a_full_warm_up_are_taken() {
    let mut events = vec![beat(sec(600))];
    events.extend((0..600).map(|k| venue(0, sec(k), 1)));
    events.extend((601..850).map(|k| beat(sec(k))));
    for k in 850..1_050 {
        events.extend([beat(sec(k)), print(k, sec(k).plus(1))]);
    }
    let (_, engine) = run(&settings(&["1s"]), &symbols(1), &events, || usize::MAX);
    assert_eq!(engine.folded(A), 200, "{:?}", engine.health(A));
}

#[test]
fn the_first_prints_right_after_a_large_warm_up_are_taken() {
    let mut events = vec![beat(sec(1_000))];
    events.extend((0..1_000).map(|k| venue(0, sec(k), 1)));
    for k in 1_001..1_200 {
        events.extend([beat(sec(k)), print(k, sec(k).plus(1))]);
    }
    let (_, engine) = run(&settings(&["1s"]), &symbols(1), &events, || usize::MAX);
    assert_eq!(engine.folded(A), 199, "{:?}", engine.health(A));
}

/// Warm-up candles of both intervals, more of the longer than its ring holds.
#[test]
fn a_warm_up_of_many_longer_candles_stays_in_order() {
    let mut settings = settings(&["1m", "3m"]);
    settings.lookback[1] = 5;
    let now = START.plus(600 * MINUTE);
    let mut events = vec![beat(now)];
    events.extend((0..200).map(|k| venue(1, START.plus(3 * k * MINUTE), 3)));
    events.extend((500..600).map(|k| venue(0, START.plus(k * MINUTE), 1)));
    for k in 1..600 {
        let at = now.plus(k * SECOND);
        events.extend([beat(at), print(k, at.plus(1))]);
    }
    let (_, engine) = run(&settings, &symbols(1), &events, || usize::MAX);
    let row = engine.candles(A, 1);
    assert!(row.windows(2).all(|two| two[0].open_time < two[1].open_time), "{row:#?}");
}

#[test]
fn adopted_longer_candles_do_not_hold_up_the_live_ones() {
    let mut settings = settings(&["1s", "5s"]);
    settings.lookback = vec![1, 5_000];
    let mut events = Vec::new();
    let start = 40_000;
    for k in 0..400 {
        events.extend([beat(sec(start + k)), print(1_000 + k, sec(start + k).plus(1))]);
        if k == 50 {
            events.extend((0..4_000).map(|k| venue(1, sec(5 * k), 5)));
        }
    }
    events.push(beat(sec(start + 410)));
    let (collected, _) = run(&settings, &symbols(1), &events, || usize::MAX);
    let live: Vec<_> =
        collected.row(0, 1).into_iter().filter(|c| c.open_time >= sec(start)).collect();
    let trades: u32 = live.iter().map(|c| c.trades).sum();
    assert_eq!((trades, live.iter().filter(|c| c.mark == Mark::Gap).count()), (400, 0));
}

#[test]
fn a_lost_id_is_remembered_as_long_as_its_candle() {
    let mut events = vec![beat(sec(0)), print(1_000, sec(1))];
    // Minute 0 misses 1001, which is given up, and 1003, which comes late.
    events.extend([print(1_002, sec(2)), print(1_004, sec(3))]);
    let lose = |id| Event::Control(Control::Unrecoverable { symbol: A, from_id: id, to_id: id });
    events.push(lose(1_001));
    events.push(beat(sec(60)));
    for k in 0..260 {
        let (id, at) = (1_006 + 2 * k, sec(61).plus(k * 10 * Nanos::PER_MS));
        events.extend([print(id, at), lose(id - 1)]);
    }
    events.push(beat(sec(125)));
    let late = trade(0, 1_003, sec(2), 10_000, 1);
    events.push(Event::Print(Trade { kind: TradeKind::Backfilled, ..late }));
    events.extend([beat(sec(126)), beat(sec(128))]);
    let (collected, engine) = run(&settings(&["1m"]), &symbols(1), &events, || usize::MAX);
    assert_eq!(engine.unrecoverable(A), 261);
    assert_eq!(collected.row(0, 0)[0].mark, Mark::Gap, "id 1001 was never had");
}

#[test]
fn a_second_halt_does_not_make_the_first_quiet() {
    for (interval, grace, unit) in [("1s", MINUTE, SECOND), ("1m", 500 * Nanos::PER_MS, MINUTE / 2)]
    {
        let mut settings = settings(&[interval]);
        settings.grace_ns = grace;
        let halt = |halted| Event::Control(Control::Halt { symbol: A, halted });
        let at = |k: u64| START.plus(k * unit);
        let mut events =
            vec![beat(at(0)), print(1_000, at(0).plus(1)), print(1_001, at(1).plus(1))];
        for k in 2..200 {
            events.push(beat(at(k)));
            match k {
                3 | 20 => events.push(halt(true)),
                16 | 30 => events.push(halt(false)),
                _ => {}
            }
        }
        let (collected, _) = run(&settings, &symbols(1), &events, || usize::MAX);
        let halted = |c: &&Candle| at(4) <= c.open_time && c.open_time < at(15);
        let row = collected.row(0, 0);
        let made: Vec<_> = row.iter().filter(halted).map(|c| c.mark).collect();
        assert_eq!(made, [], "{interval}");
    }
}

#[test]
fn part_of_a_span_does_not_replace_the_venues_whole_candle() {
    let settings = settings(&["1m", "3m"]);
    let min = |k: u64| START.plus(k * MINUTE);
    let mut events = vec![beat(min(300))];
    events.extend((0..100).map(|k| venue(1, min(3 * k), 3)));
    events.extend([beat(min(300).plus(SECOND)), beat(min(300).plus(2 * SECOND))]);
    // History of the base interval begins inside the span of minutes 150..153.
    events.extend((152..300).map(|k| venue(0, min(k), 1)));
    events.extend([beat(min(300).plus(3 * SECOND)), beat(min(300).plus(4 * SECOND))]);
    events.push(venue(0, min(151), 1));
    events.extend((5..60).map(|k| beat(min(300).plus(k * SECOND))));
    let (collected, _) = run(&settings, &symbols(1), &events, || usize::MAX);
    let row = collected.row(0, 1);
    let candle = row.iter().find(|c| c.open_time == min(150)).unwrap();
    assert_eq!((candle.trades, candle.mark), (3, Mark::Reconciled));
}

#[test]
fn a_quiet_longer_candle_stays_reconciled() {
    let settings = settings(&["1m", "3m"]);
    let min = |k: u64| START.plus(k * MINUTE);
    let mut events = Vec::new();
    let mut id = 1_000;
    for k in 0..30 {
        events.push(beat(min(k)));
        if !(9..15).contains(&k) {
            events.push(print(id, min(k).plus(SECOND)));
            id += if k == 2 { 2 } else { 1 };
        }
        if k == 20 {
            events.push(venue(1, min(12), 0));
        }
    }
    let late = trade(0, 1_003, min(2).plus(2 * SECOND), 10_000, 1);
    events.push(Event::Print(Trade { kind: TradeKind::Backfilled, ..late }));
    events.extend([beat(min(30)), beat(min(31))]);
    let (collected, _) = run(&settings, &symbols(1), &events, || usize::MAX);
    assert_eq!(collected.row(0, 1)[4].mark, Mark::Reconciled);
}

#[test]
fn an_answer_of_many_candles_is_no_break_with_a_short_lookback() {
    for lookback in [20, 40, 100] {
        let mut settings = settings(&["1s"]);
        settings.lookback = vec![lookback];
        let events = answered_outage(1_000);
        let (collected, engine) = run(&settings, &symbols(1), &events, || usize::MAX);
        let row = collected.row(0, 0);
        let after: Vec<_> = row.iter().filter(|c| c.open_time >= sec(1_405)).collect();
        let gaps = after.iter().filter(|c| c.mark == Mark::Gap).count();
        let what = engine.health(A);
        assert_eq!((engine.folded(A), gaps), (600, 0), "lookback {lookback}: {what:?}");
    }
}

/// An answer of 1,000 candles per interval, as the venue gives them, at the default lookback.
#[test]
fn answers_of_a_thousand_candles_stay_in_order() {
    let now = START.plus(3_000 * MINUTE);
    let mut events = vec![beat(now)];
    events.extend((0..1_000).map(|k| venue(1, START.plus(3 * k * MINUTE), 3)));
    events.extend((2_000..3_000).map(|k| venue(0, START.plus(k * MINUTE), 1)));
    for k in 1..600 {
        let at = now.plus(k * SECOND);
        events.extend([beat(at), print(k, at.plus(1))]);
    }
    let (_, engine) = run(&settings(&["1m", "3m"]), &symbols(1), &events, || usize::MAX);
    let row = engine.candles(A, 1);
    assert!(row.windows(2).all(|two| two[0].open_time < two[1].open_time));
}
