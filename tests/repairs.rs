//! Lost prints and their repair: what ids prove, who is asked first, how repaired markets end.

use crate::events::*;
use crate::support::*;
use systems::candle::{Mark, VenueCandle};
use systems::dispatch::Request;
use systems::limits::GAPS_MAX;
use systems::settings::Settings;
use systems::trade::{Batch, Control, Trade, TradeKind};
use systems::units::Nanos;
use tapescan::engine::Engine;

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

/// What is asked for, by ids and for candles, while every request comes back without effect.
fn asked_in_vain(settings: &Settings, trades: &[Trade]) -> (Vec<u64>, usize) {
    let mut engine = Engine::new(settings, &symbols(1), 1).unwrap();
    let mut batch = Batch::default();
    batch.control(Control::Heartbeat(START));
    trades.iter().for_each(|trade| batch.push(*trade));
    let (mut ids, mut candles) = (Vec::new(), 0);
    for k in 1..400 {
        batch.control(Control::Heartbeat(sec(k)));
        let mut requests = Vec::new();
        engine.step(&mut batch, &mut |outbox| requests.extend(outbox.requests.iter().copied()));
        for request in requests {
            let (symbol, interval) = match request {
                Request::Ids { symbol, from_id, .. } => {
                    ids.push(from_id);
                    (symbol, None)
                }
                Request::Candles { symbol, interval, .. } => {
                    candles += 1;
                    (symbol, Some(interval))
                }
            };
            batch.control(Control::RequestDone { symbol, interval });
        }
    }
    (ids, candles)
}

#[test]
fn a_gap_that_cannot_be_filled_holds_up_neither_later_gaps_nor_candles() {
    let mut settings = settings(&["1m"]);
    settings.requests_max = 1;
    let trades =
        [1_000, 1_005, 1_010, 1_015].map(|id| sold(id, START.plus((id - 1_000) * SECOND / 8)));
    let (ids, candles) = asked_in_vain(&settings, &trades);
    assert!(ids.len() > 9 && ids[..6] == [1_001, 1_006, 1_011, 1_001, 1_006, 1_011], "{ids:?}");
    assert!(candles > 0);
}

/// Outages whose prints are all fetched, single losses, and correct candles of the venue. Prints of
/// the stream follow the last outage: only they prove that it is over.
fn repaired_market(
    seed: &mut Seed,
    clean: &[Trade],
    intervals: &[systems::interval::Interval],
) -> Vec<Event> {
    let end = clean.last().unwrap().time.0;
    let mut outages = Vec::new();
    for _ in 0..6 {
        let from = START.0 + (20 + seed.below(1_060)) * SECOND + seed.below(1_000) * Nanos::PER_MS;
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
    for number in 0..24 {
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
