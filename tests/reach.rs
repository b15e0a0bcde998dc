//! Where the reach of an open bucket, of a pulse and of the session's clock ends.

use crate::events::{A, MINUTE, SECOND, beat, min};
use crate::support::*;
use systems::candle::{Candle, Mark, VenueCandle};
use systems::reconcile::Cause;
use systems::trade::{Batch, Control, Trade, TradeKind};
use systems::units::{Nanos, Price, Quantity};
use tapescan::session::Session;
use tapescan::symbols::Symbols;
use tapescan::tape::{Body, Entry};

fn print(id: u64, at: Nanos) -> Event {
    Event::Print(trade(0, id, at, 10_000, 1))
}

/// The venue's candle of minute `k`, with one print at `price`.
fn told(k: u64, price: i64) -> Candle {
    let quote_volume = price as u128;
    let flat = Candle::quiet(min(k), Price(price));
    Candle { trades: 1, volume: Quantity(1), quote_volume, mark: Mark::Complete, ..flat }
}

fn venue(candle: Candle) -> Event {
    let candle = VenueCandle { candle, ..VenueCandle::default() };
    Event::Control(Control::VenueCandle { symbol: A, interval: 0, candle })
}

#[test]
fn the_first_print_may_come_long_after_the_warm_up() {
    let mut events = vec![beat(min(100))];
    events.extend((0..100).map(|k| venue(told(k, 10_000))));
    events.extend((1..200).map(|s| beat(min(100).plus(s * SECOND))));
    for s in 200..500 {
        let at = min(100).plus(s * SECOND);
        events.extend([beat(at), print(s, at)]);
    }
    let (_, engine) = run(&settings(&["1m"]), &symbols(1), &events, || usize::MAX);
    assert_eq!(engine.folded(A), 300, "{:?}", engine.health(A));
}

#[test]
fn a_warm_up_rolls_up_where_few_longer_candles_are_kept() {
    let mut settings = settings(&["1m", "3m"]);
    settings.lookback[1] = 5;
    let mut events = vec![beat(min(300))];
    events.extend((0..300).map(|k| venue(told(k, 10_000))));
    events.extend((1..60).map(|s| beat(min(300).plus(s * SECOND))));
    let (collected, _) = run(&settings, &symbols(1), &events, || usize::MAX);
    assert_eq!((collected.row(0, 0).len(), collected.row(0, 1).len()), (300, 100));
}

#[test]
fn a_grace_longer_than_the_lookback_is_no_break() {
    let mut settings = settings(&["1s"]);
    (settings.lookback, settings.grace_ns) = (vec![20], MINUTE);
    let mut events = Vec::new();
    for s in 0..300 {
        let at = START.plus(s * SECOND);
        // One id is missing, so that candles wait for their grace.
        events.extend([beat(at), print(1_000 + s + u64::from(s > 5), at.plus(1))]);
    }
    events.push(beat(START.plus(400 * SECOND)));
    let (collected, _) = run(&settings, &symbols(1), &events, || usize::MAX);
    let row = collected.row(0, 0);
    // And as many quiet ones as the last heartbeat is past the grace.
    assert_eq!(row.len(), 340);
    assert!(row.iter().filter(|candle| candle.mark == Mark::Gap).count() <= 2);
}

#[test]
fn what_changed_since_it_was_compared_is_not_called_reconciled() {
    let settings = settings(&["1m"]);
    let mut events = Vec::new();
    for k in 0..200 {
        let at = min(k).plus(SECOND);
        events.extend([beat(at), Event::Print(trade(0, 3 * (k + 1), at, 10_000, 1))]);
        // All ids are accounted for.
        let void = |id| Trade { kind: TradeKind::Void, ..trade(0, id, at, 10_000, 1) };
        events.extend([1, 2].map(|more| Event::Print(void(3 * (k + 1) + more))));
    }
    let end = min(200);
    events.push(beat(end.plus(SECOND)));
    let told = |k| Candle { taker_buy_volume: Quantity(0), ..told(k, 10_000) };
    events.extend((0..200).map(|k| venue(told(k))));
    events.push(beat(end.plus(2 * SECOND)));
    events.push(print(603, min(190).plus(2 * SECOND)));
    events.extend((3..20).map(|s| beat(end.plus(s * SECOND))));
    let (collected, engine) = run(&settings, &symbols(1), &events, || usize::MAX);
    let (counts, _) = engine.drift(A, 0);
    assert_eq!(counts[Cause::Identical as usize], 199, "each counts once, as it was last found");
    assert_eq!(counts[Cause::ExtraIds as usize], 1);
    let late = collected.row(0, 0)[190];
    assert_eq!((late.trades, late.mark), (2, Mark::Disputed), "compared again");
}

#[test]
fn answers_behind_a_break_are_not_taken_for_forming_candles() {
    let symbols = Symbols::new(symbols(1)).unwrap();
    let mut session = Session::new(symbols, settings(&["1m"]).intervals, "binance");
    let mut batch = Batch::default();
    let later = START.plus(3 * Nanos::PER_DAY);
    let open = later.minus(5 * MINUTE).ms();
    let text = format!(
        r#"[[{open},"1.00","1.00","1.00","1.00","1.000",{},"1.00000",1,"0.000","0.00000","0"]]"#,
        open + 59_999
    );
    let request = "/api/v3/klines?symbol=SYM0USDT&interval=1m";
    for body in [
        Body::Heartbeat(START),
        Body::Heartbeat(later),
        Body::Heartbeat(later.plus(SECOND)),
        Body::Answer { request, text: text.as_bytes() },
    ] {
        let _ = session.take(&Entry { received: START, body }, &mut batch);
    }
    let candles = batch.controls.iter().filter(|(_, c)| matches!(c, Control::VenueCandle { .. }));
    assert_eq!(candles.count(), 1);
}

/// One print a minute at price 100, an outage, and it turns out that nothing was traded in it.
fn night(outage: u64, seed: u64) -> Vec<Event> {
    let mut events = Vec::new();
    let mut id = 1_000;
    let mut minutes = |from: u64, to: u64, events: &mut Vec<Event>| {
        for k in from..to {
            let at = min(k).plus(SECOND);
            events.extend([beat(at), print(id, at)]);
            id += 1;
        }
    };
    minutes(0, 400, &mut events);
    let feed = |up| Event::Control(Control::Feed { symbol: A, up });
    events.extend([beat(min(400).plus(seed)), feed(false)]);
    events.extend((0..outage).map(|k| beat(min(400 + k).plus(2 * SECOND))));
    events.push(feed(true));
    minutes(400 + outage, 500 + outage, &mut events);
    events
}

#[test]
fn a_long_outage_that_turns_out_quiet_keeps_every_average_and_every_print() {
    for outage in [100, 331, 340, 358, 1_000] {
        let settings = settings(&["1m", "3m", "15m"]);
        let events = night(outage, SECOND);
        let (collected, engine) = run(&settings, &symbols(1), &events, || usize::MAX);
        for ((_, interval, at), (candle, values)) in &collected.candles {
            let numbers = values.iter().filter_map(|value| value.number);
            assert!(
                numbers.clone().all(|number| (number - 100.0).abs() < 1e-9),
                "outage of {outage}: {interval} {at:?} {candle:?} {values:?}"
            );
        }
        for interval in 1..3u8 {
            let length = settings.intervals[usize::from(interval)].ns();
            for longer in collected.row(0, interval) {
                let inside = longer.open_time..longer.open_time.plus(length);
                let parts =
                    collected.row(0, 0).into_iter().filter(|c| inside.contains(&c.open_time));
                let trades: u32 = parts.map(|candle| candle.trades).sum();
                assert_eq!(longer.trades, trades, "outage of {outage}: {longer:?}");
            }
        }
        assert_eq!(engine.folded(A), 500);
    }
}

#[test]
fn the_oldest_candle_is_restated_while_others_are_put_in() {
    let mut settings = settings(&["1m"]);
    settings.scope = systems::settings::Scope::All;
    let mut events = night(331, SECOND);
    let now = min(832);
    for k in 50..480 {
        events.push(venue(told(k, 10_000)));
    }
    events.extend((0..60).map(|s| beat(now.plus(s * SECOND))));
    let (collected, _) = run(&settings, &symbols(1), &events, || usize::MAX);
    for (key, (candle, values)) in &collected.candles {
        let numbers = values.iter().filter_map(|value| value.number);
        assert!(
            numbers.clone().all(|number| (number - 100.0).abs() < 1e-9),
            "{key:?} {candle:?} {values:?}"
        );
    }
}

#[test]
fn a_print_that_comes_too_late_to_be_added_leaves_its_candle_a_gap() {
    let mut settings = settings(&["1m"]);
    settings.lookback = vec![20];
    let mut events = Vec::new();
    for k in 0..200 {
        let at = min(k).plus(SECOND);
        // One id of minute 100 is missing.
        events.extend([beat(at), print(1_000 + k + u64::from(k > 100), at)]);
    }
    let late = trade(0, 1_101, min(100).plus(2 * SECOND), 10_000, 1);
    events.push(Event::Print(Trade { kind: TradeKind::Backfilled, ..late }));
    events.extend((0..5).map(|s| beat(min(200).plus(s * SECOND))));
    let (collected, engine) = run(&settings, &symbols(1), &events, || usize::MAX);
    assert!(engine.gaps(A).is_empty());
    assert_eq!(collected.row(0, 0)[100].mark, Mark::Gap);
}
