//! Attacks on the core: what a hostile or unlucky feed does to marks, limits and fairness.

use crate::support::*;
use systems::candle::{Candle, Mark, VenueCandle};
use systems::dispatch::Request;
use systems::health::Reject;
use systems::limits::GAPS_MAX;
use systems::trade::{Aggressor, Batch, Control, SymbolId, Trade, TradeKind};
use systems::units::{Nanos, Price, Quantity};
use tapescan::engine::Engine;

const SECOND: u64 = Nanos::PER_SECOND;
const MINUTE: u64 = 60 * SECOND;
const A: SymbolId = SymbolId(0);

fn sec(k: u64) -> Nanos {
    START.plus(k * SECOND)
}

fn min(k: u64) -> Nanos {
    START.plus(k * MINUTE)
}

fn beat(at: Nanos) -> Event {
    Event::Control(Control::Heartbeat(at))
}

fn sold(id: u64, at: Nanos) -> Trade {
    Trade { aggressor: Aggressor::Seller, ..trade(0, id, at, 10_000, 1) }
}

fn print(id: u64, at: Nanos) -> Event {
    Event::Print(sold(id, at))
}

fn repaired(id: u64, at: Nanos) -> Event {
    Event::Print(Trade { kind: TradeKind::Backfilled, ..sold(id, at) })
}

fn feed(up: bool) -> Event {
    Event::Control(Control::Feed { symbol: A, up })
}

fn halt(halted: bool) -> Event {
    Event::Control(Control::Halt { symbol: A, halted })
}

/// The venue's candle of `interval` that opens at `at`, of prints by [`sold`].
fn venue(interval: u8, at: Nanos, trades: u32) -> Event {
    let flat = Candle::quiet(at, Price(10_000));
    let candle = Candle {
        trades,
        volume: Quantity(trades.into()),
        quote_volume: 10_000 * u128::from(trades),
        mark: Mark::Complete,
        ..flat
    };
    let candle = VenueCandle { candle, ..VenueCandle::default() };
    Event::Control(Control::VenueCandle { symbol: A, interval, candle })
}

fn at_time(row: &[Candle], at: Nanos) -> Option<Candle> {
    row.iter().find(|candle| candle.open_time == at).copied()
}

/// Heartbeats at each second of `[from, to)`.
fn beats(from: Nanos, to: Nanos) -> impl Iterator<Item = Event> {
    (0..(to.0 - from.0) / SECOND).map(move |k| beat(from.plus(k * SECOND)))
}

#[test]
fn ids_given_up_one_by_one_keep_to_the_limit_of_gaps() {
    let mut events = vec![beat(sec(0)), print(1_000, sec(0)), print(10_000, sec(1))];
    for k in 0..2 * GAPS_MAX as u64 {
        let id = 1_002 + 2 * k;
        events.push(Event::Control(Control::Unrecoverable { symbol: A, from_id: id, to_id: id }));
    }
    events.push(beat(sec(3)));
    let (_, engine) = run(&settings(&["1m"]), &symbols(1), &events, || usize::MAX);
    assert!(engine.gaps(A).len() <= GAPS_MAX, "{} gaps", engine.gaps(A).len());
}

/// Minutes 3 to 5 are an outage; id 1003 of minute 4 is fetched later, with this quantity.
fn outage_with_one_print(quantity: i64) -> Vec<Event> {
    let mut events = Vec::new();
    for k in 0..3 {
        events.extend([beat(min(k)), print(1_000 + k, min(k).plus(SECOND))]);
    }
    events.extend([beat(min(3)), feed(false)]);
    events.extend(beats(min(3), min(6)));
    events.push(feed(true));
    for k in 6..9 {
        events.extend([beat(min(k)), print(1_004 + k - 6, min(k).plus(SECOND))]);
    }
    let missing = Trade { quantity: Quantity(quantity), ..sold(1_003, min(4).plus(SECOND)) };
    events.push(Event::Print(Trade { kind: TradeKind::Backfilled, ..missing }));
    events.extend(beats(min(8).plus(2 * SECOND), min(9).plus(5 * SECOND)));
    events
}

#[test]
fn a_fetched_print_too_large_to_add_does_not_make_its_minute_quiet() {
    let events = outage_with_one_print(i64::MAX / 2);
    let (collected, engine) = run(&settings(&["1m"]), &symbols(1), &events, || usize::MAX);
    assert_eq!(engine.health(A).unwrap().rejects[Reject::Overflow as usize], 1);
    let candle = at_time(&collected.row(0, 0), min(4));
    assert!(candle.is_none_or(|candle| candle.mark == Mark::Gap), "{candle:?}");
}

#[test]
fn a_minute_whose_only_print_is_too_large_has_no_candle() {
    let mut events = Vec::new();
    for k in 0..6 {
        let quantity = if k == 2 { i64::MAX / 2 } else { 1 };
        let print = Trade { quantity: Quantity(quantity), ..sold(1_000 + k, min(k).plus(SECOND)) };
        events.extend([beat(min(k)), Event::Print(print)]);
    }
    let (collected, _) = run(&settings(&["1m"]), &symbols(1), &events, || usize::MAX);
    assert_eq!(at_time(&collected.row(0, 0), min(2)), None, "its numbers are invented");
    assert_eq!(collected.absent, [(0, 0, min(2))]);
}

#[test]
fn minutes_between_the_warm_up_and_the_first_print_are_not_called_quiet() {
    let mut events = vec![beat(min(100))];
    events.extend((0..100).map(|k| venue(0, min(k), 1)));
    events.extend(beats(min(100).plus(SECOND), min(103).plus(20 * SECOND)));
    for k in 0..300 {
        let at = min(103).plus((20 + k) * SECOND);
        events.extend([beat(at), print(5_000 + k, at)]);
    }
    let (collected, _) = run(&settings(&["1m"]), &symbols(1), &events, || usize::MAX);
    let row = collected.row(0, 0);
    let marks: Vec<_> = (100..104).map(|k| at_time(&row, min(k)).map(|c| c.mark)).collect();
    assert_eq!(marks[3], Some(Mark::HeadPartial), "nobody knows what came before it");
    assert!(
        !marks.contains(&Some(Mark::Quiet)),
        "so nobody knows that these were quiet: {marks:?}"
    );
}

#[test]
fn a_part_of_a_gap_does_not_replace_the_venues_whole_candle() {
    let mut events = Vec::new();
    for k in 0..10 {
        events.extend([beat(min(k)), print(1_000 + k, min(k).plus(SECOND))]);
    }
    events.extend([beat(min(10)), feed(false)]);
    events.extend(beats(min(10), min(24)));
    events.push(feed(true));
    for k in 24..34 {
        events.extend([beat(min(k)), print(1_000 + k, min(k).plus(SECOND))]);
        match k {
            26 => events.push(venue(1, min(12), 3)),
            28 => events.push(repaired(1_013, min(13).plus(SECOND))),
            _ => {}
        }
    }
    let (collected, _) = run(&settings(&["1m", "3m"]), &symbols(1), &events, || usize::MAX);
    let candle = at_time(&collected.row(0, 1), min(12)).unwrap();
    assert_eq!((candle.trades, candle.mark), (3, Mark::Reconciled));
}

#[test]
fn a_proven_longer_candle_stays_proven_when_another_is_corrected() {
    let mut events = Vec::new();
    // One id is missing between minutes 1 and 2, one between minutes 3 and 4.
    for k in 0..20 {
        let id = 1_000 + k + u64::from(k >= 2) + u64::from(k >= 4);
        events.extend([beat(min(k)), print(id, min(k).plus(SECOND))]);
        match k {
            10 => events.push(venue(1, min(3), 3)),
            14 => events.push(repaired(1_002, min(1).plus(2 * SECOND))),
            _ => {}
        }
        events.extend([2, 3, 4].map(|s| beat(min(k).plus(s * SECOND))));
    }
    let (collected, engine) = run(&settings(&["1m", "3m"]), &symbols(1), &events, || usize::MAX);
    assert_eq!(engine.drift(A, 1).0[0], 1, "identical");
    let candle = at_time(&collected.row(0, 1), min(3)).unwrap();
    assert_eq!((candle.trades, candle.mark), (3, Mark::Reconciled));
}

/// Minute 5 closes with one print; the rest of its story is `more`, told around second 6:02.
fn told_of_minute_5(before: Vec<Event>, after: Vec<Event>) -> Vec<Event> {
    let mut events = Vec::new();
    for k in 0..6 {
        events.extend([beat(min(k)), print(1_000 + k, min(k).plus(SECOND))]);
    }
    events.push(beat(min(6).plus(SECOND)));
    events.extend(before);
    events.push(beat(min(6).plus(2 * SECOND)));
    events.extend(after);
    events.extend(beats(min(6).plus(3 * SECOND), min(6).plus(10 * SECOND)));
    for k in 0..5 {
        let at = min(6 + k).plus(10 * SECOND);
        events.extend([beat(at), print(1_007 + k, at)]);
    }
    events
}

#[test]
fn a_late_print_that_settles_a_difference_ends_the_dispute() {
    let late = print(1_006, min(5).plus(58 * SECOND));
    let events = told_of_minute_5(vec![venue(0, min(5), 2)], vec![late]);
    let (collected, _) = run(&settings(&["1m"]), &symbols(1), &events, || usize::MAX);
    let candle = at_time(&collected.row(0, 0), min(5)).unwrap();
    assert_eq!(candle.trades, 2);
    assert_ne!(candle.mark, Mark::Disputed, "ours is the venue's");
}

#[test]
fn the_venues_newer_word_is_not_replaced_by_its_older_one() {
    let late = print(1_006, min(5).plus(58 * SECOND));
    let events = told_of_minute_5(vec![venue(0, min(5), 1)], vec![late, venue(0, min(5), 2)]);
    let (collected, _) = run(&settings(&["1m"]), &symbols(1), &events, || usize::MAX);
    let candle = at_time(&collected.row(0, 0), min(5)).unwrap();
    assert_eq!((candle.trades, candle.mark), (2, Mark::Reconciled));
}

#[test]
fn a_minute_halted_only_in_its_last_second_is_still_missing() {
    let mut events = Vec::new();
    for k in 0..3 {
        events.extend([beat(min(k)), print(1_000 + k, min(k).plus(SECOND))]);
    }
    for s in 180..420 {
        events.push(beat(sec(s)));
        match s {
            190 => events.push(feed(false)),
            239 => events.push(halt(true)),
            350 => events.push(feed(true)),
            360 => events.push(halt(false)),
            361 => events.push(print(1_010, sec(s))),
            _ => {}
        }
    }
    let (collected, engine) = run(&settings(&["1m", "3m"]), &symbols(1), &events, || usize::MAX);
    assert_eq!(engine.gaps(A).len(), 1);
    assert!(at_time(&collected.row(0, 0), min(3)).is_none());
    assert!(collected.absent.contains(&(0, 0, min(3))), "{:?}", collected.absent);
    assert!(collected.absent.contains(&(0, 1, min(3))), "{:?}", collected.absent);
}

#[test]
fn a_longer_candle_behind_a_break_is_not_complete_without_its_first_minutes() {
    let mut events = Vec::new();
    for k in 0..20 {
        events.extend([beat(min(k)), print(1_000 + k, min(k).plus(SECOND))]);
    }
    let day = START.plus(3 * Nanos::PER_DAY);
    let at = |k: u64| day.plus(k * MINUTE);
    events.extend([feed(false), beat(at(7).plus(30 * SECOND)), feed(true)]);
    for k in 7..35 {
        events.extend([beat(at(k).plus(40 * SECOND)), print(9_000 + k, at(k).plus(40 * SECOND))]);
        if k == 9 {
            events.push(venue(0, at(7), 1));
        }
    }
    let (collected, engine) = run(&settings(&["1m", "15m"]), &symbols(1), &events, || usize::MAX);
    assert_eq!(engine.gaps(A).len(), 1, "ids of minutes 0 to 6 are known to be missing");
    let candle = at_time(&collected.row(0, 1), day).unwrap();
    assert!(matches!(candle.mark, Mark::Gap | Mark::HeadPartial), "{candle:?}");
}

#[test]
fn a_repair_that_has_no_effect_does_not_starve_other_symbols() {
    let mut settings = settings(&["1m"]);
    settings.requests_max = 1;
    let mut engine = Engine::new(&settings, &symbols(2), 1).unwrap();
    let mut batch = Batch::default();
    batch.control(Control::Heartbeat(START));
    for symbol in 0..2 {
        let at = START.plus(u64::from(symbol) * SECOND);
        batch.push(trade(symbol, 1_000, at, 10_000, 1));
        batch.push(trade(symbol, 1_005, at, 10_000, 1));
    }
    let mut asked = Vec::new();
    for k in 1..50 {
        batch.control(Control::Heartbeat(sec(k)));
        let mut answered = Vec::new();
        engine.step(&mut batch, &mut |outbox| answered.extend(outbox.requests.iter().copied()));
        for request in answered {
            if let Request::Ids { symbol, .. } = request {
                asked.push(symbol.0);
                batch.control(Control::RequestDone { symbol, interval: None });
            }
        }
    }
    assert!(asked.contains(&1), "asked for {asked:?}");
}

#[test]
fn a_candle_that_is_told_twice_is_adopted_once() {
    let mut events = Vec::new();
    for k in 0..400 {
        events.extend([beat(sec(k)), print(1_000 + k, sec(k).plus(1))]);
    }
    events.push(feed(false));
    events.extend((400..500).map(|k| beat(sec(k))));
    events.push(feed(true));
    for k in 500..600 {
        events.extend([beat(sec(k)), print(1_000 + k, sec(k).plus(1))]);
        if (503..523).contains(&k) {
            events.extend((400..500).map(|k| venue(0, sec(k), 1)));
        }
    }
    let (_, engine) = run(&settings(&["1s"]), &symbols(1), &events, || usize::MAX);
    assert!(engine.drift(A, 0).1 <= 100, "{:?}", engine.drift(A, 0));
}

#[test]
fn an_answer_about_old_ids_takes_no_place_of_new_ones() {
    let mut events = vec![beat(sec(0))];
    for (k, id) in (100..=106).chain([108]).enumerate() {
        events.extend([beat(sec(k as u64)), print(id, sec(k as u64))]);
    }
    events.extend(beats(sec(8), sec(100)));
    // Ids begin anew while the request for 107 is under way.
    for (k, id) in (95..=120).enumerate() {
        let at = sec(100 + 2 * k as u64);
        events.extend([beat(at), print(id, at)]);
        if k == 2 {
            events.push(repaired(107, sec(6)));
        }
    }
    events.extend(beats(sec(152), sec(250)));
    let (collected, engine) = run(&settings(&["1m"]), &symbols(1), &events, || usize::MAX);
    assert_eq!(engine.health(A).unwrap().resets, 1);
    // New ids 105 to 120.
    let candle = at_time(&collected.row(0, 0), min(2)).unwrap();
    assert_eq!((candle.trades, candle.mark), (16, Mark::Complete), "{:?}", engine.health(A));
}

#[test]
fn an_absent_minute_is_not_forgotten_while_its_longer_candle_is_held() {
    let mut settings = settings(&["1m", "3m"]);
    settings.lookback = vec![1, 1];
    let mut events = Vec::new();
    let regular =
        |k: u64| [beat(min(k)), print(1_000 + k + u64::from(k >= 1), min(k).plus(SECOND))];
    // Ids 1001 (minute 1) and 1005 (minute 4) are missing.
    (0..4).for_each(|k| events.extend(regular(k)));
    events.extend([beat(min(3).plus(30 * SECOND)), feed(false), beat(min(4)), beat(min(5))]);
    events.extend([beat(min(5).plus(SECOND)), feed(true)]);
    for k in 5..11 {
        events.extend(regular(k));
        if k == 7 {
            events.extend([venue(0, min(3), 1), venue(0, min(5), 1)]);
        }
    }
    events.extend([beat(min(11)), feed(false)]);
    events.extend((12..212).map(|k| beat(min(k))));
    events.push(feed(true));
    (212..216).for_each(|k| events.extend(regular(k)));
    events.push(repaired(1_001, min(1).plus(SECOND)));
    events.extend(beats(min(216), min(217)));
    let (collected, engine) = run(&settings, &symbols(1), &events, || usize::MAX);
    assert_eq!(engine.gaps(A)[0].from_id, 1_005, "a print of minute 4 is still missing");
    let candle = at_time(&collected.row(0, 1), min(3)).unwrap();
    assert_eq!((candle.trades, candle.mark), (2, Mark::Gap));
}

/// The longer candle around the beginning of the warm-up, by which answer comes first.
fn around_the_warm_up(longer_first: bool) -> Candle {
    let base = || (151..300).map(|k| venue(0, min(k), 1));
    let longer = || (0..100).map(|k| venue(1, min(3 * k), 3));
    let mut events = vec![beat(min(300))];
    if longer_first {
        events.extend(longer())
    } else {
        events.extend(base())
    }
    events.extend(beats(min(300).plus(SECOND), min(300).plus(20 * SECOND)));
    if longer_first {
        events.extend(base())
    } else {
        events.extend(longer())
    }
    events.extend(beats(min(300).plus(20 * SECOND), min(301)));
    let (collected, _) = run(&settings(&["1m", "3m"]), &symbols(1), &events, || usize::MAX);
    at_time(&collected.row(0, 1), min(150)).unwrap()
}

#[test]
fn which_answer_comes_first_does_not_decide_what_is_known() {
    let candles = [true, false].map(around_the_warm_up).map(|c| (c.trades, c.mark));
    assert_eq!(candles, [(3, Mark::Reconciled); 2]);
}

#[test]
fn a_shift_does_not_take_back_a_print_that_came_after_the_comparison() {
    let of =
        |id, at, quantity| Event::Print(Trade { quantity: Quantity(quantity), ..sold(id, at) });
    let told = |k: u64, volume: i64| {
        let Event::Control(Control::VenueCandle { symbol, interval, mut candle }) =
            venue(0, min(k), 1)
        else {
            unreachable!()
        };
        candle.candle.volume = Quantity(volume);
        candle.candle.quote_volume = 10_000 * volume as u128;
        Event::Control(Control::VenueCandle { symbol, interval, candle })
    };
    let mut events = Vec::new();
    for k in 0..6 {
        events.extend([beat(min(k)), of(1_000 + k, min(k).plus(SECOND), 10)]);
    }
    events.extend([beat(min(6).plus(SECOND)), told(5, 17)]);
    events.extend(beats(min(6).plus(2 * SECOND), min(6).plus(10 * SECOND)));
    events.push(of(1_006, min(5).plus(58 * SECOND), 1));
    events.extend(beats(min(6).plus(10 * SECOND), min(6).plus(30 * SECOND)));
    events.push(of(1_007, min(6).plus(30 * SECOND), 10));
    events.extend(beats(min(6).plus(31 * SECOND), min(7).plus(2 * SECOND)));
    events.push(told(6, 3));
    events.extend(beats(min(7).plus(2 * SECOND), min(7).plus(10 * SECOND)));
    let (collected, engine) = run(&settings(&["1m"]), &symbols(1), &events, || usize::MAX);
    let candle = at_time(&collected.row(0, 0), min(5)).unwrap();
    assert_eq!((engine.folded(A), candle.trades), (8, 2), "{candle:?} {:?}", engine.drift(A, 0));
}

#[test]
fn the_venues_second_word_replaces_its_first_where_we_have_none() {
    let mut events = Vec::new();
    for k in 0..3 {
        events.extend([beat(min(k)), print(1_000 + k, min(k).plus(SECOND))]);
    }
    events.extend([beat(min(3)), feed(false)]);
    events.extend(beats(min(3), min(6)));
    events.push(feed(true));
    for k in 6..14 {
        events.extend([beat(min(k)), print(1_004 + k, min(k).plus(SECOND))]);
        match k {
            7 => events.push(venue(0, min(4), 1)),
            10 => events.push(venue(0, min(4), 2)),
            _ => {}
        }
    }
    let (collected, _) = run(&settings(&["1m"]), &symbols(1), &events, || usize::MAX);
    let candle = at_time(&collected.row(0, 0), min(4)).unwrap();
    assert_eq!((candle.trades, candle.mark), (2, Mark::Reconciled));
}

/// Outages whose prints are all fetched, single losses, and correct candles of the venue.
fn repaired_market(
    seed: &mut Seed,
    clean: &[Trade],
    intervals: &[systems::interval::Interval],
) -> Vec<Event> {
    let end = clean.last().unwrap().time.0;
    let mut outages = Vec::new();
    for _ in 0..6 {
        let from = START.0 + (20 + seed.below(1_100)) * SECOND + seed.below(1_000) * Nanos::PER_MS;
        outages.push((from, from + seed.below(40_000) * Nanos::PER_MS));
    }
    outages.sort_unstable();
    outages.dedup_by(|b, a| b.0 <= a.1 + SECOND);
    let mut timed: Vec<(u64, Event)> = Vec::new();
    for trade in clean {
        let at = trade.time.0;
        let out = outages.iter().find(|(from, to)| (*from..*to).contains(&at));
        let fetched = Event::Print(Trade { kind: TradeKind::Backfilled, ..*trade });
        match out {
            Some((_, to)) => timed.push((to + seed.below(60_000) * Nanos::PER_MS, fetched)),
            None if seed.one_in(60) && trade.id > 1_000 => {
                timed.push((at + seed.below(60_000) * Nanos::PER_MS, fetched));
            }
            None if seed.one_in(60) => {
                timed.push((at + seed.below(3_000) * Nanos::PER_MS, Event::Print(*trade)));
            }
            None => timed.push((at, Event::Print(*trade))),
        }
    }
    for (from, to) in outages {
        timed.extend([(from, feed(false)), (to, feed(true))]);
    }
    for (index, interval) in intervals.iter().enumerate() {
        for candle in naive_candles(clean, 0, *interval, Nanos(end)) {
            if seed.one_in(2) {
                continue;
            }
            let candle = VenueCandle { candle, ..VenueCandle::default() };
            let control = Control::VenueCandle { symbol: A, interval: index as u8, candle };
            let at = candle.candle.open_time.0 + interval.ns() + seed.below(20_000) * Nanos::PER_MS;
            timed.push((at, Event::Control(control)));
        }
    }
    timed.sort_by_key(|(at, _)| *at);
    let step = 100 * Nanos::PER_MS;
    let (mut events, mut beaten) = (Vec::new(), 0);
    for (at, event) in timed {
        if at / step > beaten {
            beaten = at / step;
            events.push(beat(Nanos(beaten * step)));
        }
        events.push(event);
    }
    events.extend(beats(Nanos(beaten * step), Nanos(beaten * step).plus(5 * SECOND)));
    events
}

fn repaired_in_the_end(list: &[&str]) {
    let mut wrong = Vec::new();
    for number in 0..12 {
        let mut seed = Seed(number);
        let settings = settings(list);
        let clean = clean_market(&mut seed, 1, 1_200, 3);
        let events = repaired_market(&mut seed, &clean, &settings.intervals);
        let end = clean.last().unwrap().time;
        let (straight, _) = run(&settings, &symbols(1), &with_heartbeats(&clean, 0), || 99);
        let (collected, engine) = run(&settings, &symbols(1), &events, || 64);
        assert_eq!(engine.gaps(A), []);
        for (index, interval) in settings.intervals.iter().enumerate() {
            let row = collected.row(0, index as u8);
            for want in naive_candles(&clean, 0, *interval, end) {
                match at_time(&row, want.open_time) {
                    Some(ours) if !ours.same_numbers(&want) => {
                        wrong.push(format!("{number} {interval} numbers {ours:?} {want:?}"));
                    }
                    Some(ours) if matches!(ours.mark, Mark::Gap | Mark::Disputed) => {
                        wrong.push(format!("{number} {interval} mark {ours:?}"));
                    }
                    None => wrong.push(format!("{number} {interval} none {want:?}")),
                    _ => {}
                }
            }
        }
        let bits = |v: &systems::track::Value| v.number.map(f64::to_bits);
        for (key, (candle, values)) in &straight.candles {
            let Some((ours, got)) = collected.candles.get(key) else { continue };
            if ours.same_numbers(candle) && !got.iter().map(bits).eq(values.iter().map(bits)) {
                wrong.push(format!("{number} values {key:?}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{} wrong: {:#?}", wrong.len(), &wrong[..wrong.len().min(12)]);
}

#[test]
fn seconds_that_are_repaired_end_as_the_definition_says() {
    repaired_in_the_end(&["1s", "1m", "15m"]);
}

#[test]
fn minutes_that_are_repaired_end_as_the_definition_says() {
    repaired_in_the_end(&["1m", "3m", "15m"]);
}
