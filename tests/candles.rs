//! Candles against the definition, whatever happens to the prints on their way.

use crate::support::*;
use systems::candle::{Candle, Mark};
use systems::health::Reject;
use systems::settings::Settings;
use systems::trade::{Control, SymbolId, Trade, TradeKind};
use systems::units::Nanos;

const SYMBOLS: u16 = 5;

/// Marks and revisions tell a candle's story; the numbers must not depend on it.
fn numbers(candles: &[Candle]) -> Vec<Candle> {
    let plain = |candle: &Candle| Candle { mark: Mark::Complete, revision: 0, ..*candle };
    candles.iter().map(plain).collect()
}

fn assert_equal_to_naive(settings: &Settings, collected: &Collected, clean: &[Trade], end: Nanos) {
    for symbol in 0..SYMBOLS {
        for (index, interval) in settings.intervals.iter().enumerate() {
            let naive = naive_candles(clean, symbol, *interval, end);
            let ours = collected.row(symbol, index as u8);
            assert_eq!(numbers(&ours), numbers(&naive), "symbol {symbol}, {interval}");
        }
    }
}

fn last_time(trades: &[Trade]) -> Nanos {
    trades.iter().map(|t| t.time).max().unwrap()
}

#[test]
fn a_clean_session_gives_the_candles_of_the_definition() {
    let settings = settings(&["1m", "3m", "15m"]);
    let clean = clean_market(&mut Seed(1), SYMBOLS, 3_600, 20);
    let (collected, engine) = run(&settings, &symbols(5), &with_heartbeats(&clean, 0), || 64);
    assert_equal_to_naive(&settings, &collected, &clean, last_time(&clean));
    let marks: Vec<_> = collected.row(0, 0).iter().map(|c| c.mark).collect();
    assert_eq!(marks[0], Mark::HeadPartial);
    assert!(marks[1..].iter().all(|m| matches!(m, Mark::Complete | Mark::Quiet)), "{marks:?}");
    assert!(marks.contains(&Mark::Quiet));
    assert_eq!(engine.health(SymbolId(0)).unwrap().late, 0);
}

/// Every print twice, in any order inside the grace, some withheld and delivered later by id.
fn mistreated(seed: &mut Seed, clean: &[Trade]) -> Vec<Trade> {
    let mut arrivals: Vec<(u64, Trade)> = Vec::new();
    for trade in clean {
        let jitter = seed.below(400) * Nanos::PER_MS;
        if seed.one_in(50) && trade.id > 1_000 {
            let repair = trade.time.0 + (5 + seed.below(120)) * Nanos::PER_SECOND;
            arrivals.push((repair, Trade { kind: TradeKind::Backfilled, ..*trade }));
        } else {
            arrivals.push((trade.time.0 + jitter, *trade));
        }
        let again = trade.time.0 + seed.below(400) * Nanos::PER_MS;
        arrivals.push((again.max(arrivals.last().unwrap().0), *trade));
    }
    arrivals.sort_by_key(|(at, _)| *at);
    arrivals.into_iter().map(|(_, trade)| trade).collect()
}

#[test]
fn twice_out_of_order_and_repaired_ends_in_the_candles_of_the_clean_run() {
    let settings = settings(&["1m", "3m", "15m"]);
    for seed in 0..20 {
        let mut seed = Seed(seed);
        let clean = clean_market(&mut seed, SYMBOLS, 1_800, 20);
        let clean_end = last_time(&clean);
        let bad = mistreated(&mut seed, &clean);
        let (straight, _) = run(&settings, &symbols(5), &with_heartbeats(&clean, 0), || 999);
        let (collected, engine) = run(&settings, &symbols(5), &with_heartbeats(&bad, 0), || 64);
        let whole = |c: &Collected, symbol, interval| numbers(&c.row(symbol, interval));
        for symbol in 0..SYMBOLS {
            for interval in 0..3 {
                let ours = whole(&collected, symbol, interval);
                let clean = whole(&straight, symbol, interval);
                assert_eq!(ours[..clean.len()], clean[..]);
            }
            assert_eq!(engine.gaps(SymbolId(symbol)), []);
        }
        assert_equal_to_naive(&settings, &straight, &clean, clean_end);
        assert_values_equal(&collected, &straight);
        let duplicates: u64 = (0..SYMBOLS)
            .map(|s| engine.health(SymbolId(s)).unwrap().rejects[Reject::Duplicate as usize])
            .sum();
        assert_eq!(duplicates, clean.len() as u64, "each print came once too often");
    }
}

/// Contract 9: after corrections, values are those of a run that was right from the start.
fn assert_values_equal(corrected: &Collected, straight: &Collected) {
    for (key, (_, want)) in &straight.candles {
        let (_, got) = &corrected.candles[key];
        for (got, want) in got.iter().zip(want) {
            let bits = |v: &systems::track::Value| v.number.map(f64::to_bits);
            assert_eq!(bits(got), bits(want), "{key:?}");
        }
    }
}

#[test]
fn a_gap_is_marked_asked_for_and_listed_until_it_is_filled() {
    let settings = settings(&["1m"]);
    let clean = clean_market(&mut Seed(3), 1, 600, 20);
    let lost = |t: &&Trade| (3_000..3_010).contains(&t.id);
    let delivered: Vec<_> = clean.iter().filter(|t| !lost(t)).copied().collect();
    let missing: Vec<_> = clean.iter().filter(lost).copied().collect();
    let (from, to) = (missing[0].time, missing[9].time);
    let base = settings.base();

    let mut events = with_heartbeats(&delivered, 0);
    let (unfilled, engine) = run(&settings, &symbols(1), &events, || 10);
    assert_eq!(engine.gaps(SymbolId(0)).len(), 1);
    assert_eq!(engine.gaps(SymbolId(0))[0].from_id, 3_000);
    assert!(engine.queue().handed_out > 0);
    for candle in unfilled.row(0, 0) {
        let touched = base.bucket(from) <= candle.open_time && candle.open_time <= to;
        assert_eq!(candle.mark == Mark::Gap, touched, "{candle:?}");
    }

    let end = Nanos(clean.last().unwrap().time.0);
    events
        .extend(missing.iter().map(|t| Event::Print(Trade { kind: TradeKind::Backfilled, ..*t })));
    events.push(Event::Control(Control::Heartbeat(end.plus(2 * Nanos::PER_SECOND))));
    let (filled, engine) = run(&settings, &symbols(1), &events, || 10);
    assert_eq!(engine.gaps(SymbolId(0)), []);
    let naive = naive_candles(&clean, 0, base, end);
    assert_eq!(numbers(&filled.row(0, 0))[..naive.len()], numbers(&naive));
    assert!(filled.row(0, 0).iter().all(|c| c.mark != Mark::Gap));
    assert!(filled.row(0, 0).iter().any(|c| c.mark == Mark::Amended));
}

#[test]
fn quiet_gap_and_halted_minutes_are_three_different_things() {
    let settings = settings(&["1m"]);
    let minute = |m: u64| START.plus(m * 60 * Nanos::PER_SECOND);
    let at = |m: u64, id| Event::Print(trade(0, id, minute(m).plus(5_000_000_000), 100, 1));
    let beat = |m: u64| Event::Control(Control::Heartbeat(minute(m)));
    let symbol = SymbolId(0);
    let feed = |up| Event::Control(Control::Feed { symbol, up });
    let halt = |halted| Event::Control(Control::Halt { symbol, halted });
    let events = [
        beat(0),
        at(0, 1),
        beat(1),
        at(1, 2),
        beat(2),
        // Minute 2 has no print and the feed is well: quiet.
        beat(3),
        at(3, 3),
        beat(4),
        // Minutes 4 and 5 have no print and the feed is down: no candle, a gap.
        feed(false),
        beat(6),
        feed(true),
        at(6, 9),
        beat(7),
        // Minutes 7 and 8 are halted: nothing at all.
        halt(true),
        beat(9),
        halt(false),
        at(9, 10),
        beat(11),
    ];
    let (collected, engine) = run(&settings, &symbols(1), &events, || 3);
    let marks: Vec<_> = collected
        .row(0, 0)
        .iter()
        .map(|c| ((c.open_time.0 - START.0) / 60_000_000_000, c.mark))
        .collect();
    use Mark::*;
    assert_eq!(
        marks,
        [(0, Complete), (1, Complete), (2, Quiet), (3, Gap), (6, Gap), (9, Complete)]
    );
    let absent: Vec<_> =
        collected.absent.iter().map(|(.., t)| (t.0 - START.0) / 60_000_000_000).collect();
    assert_eq!(absent, [4, 5]);
    assert_eq!(engine.gaps(symbol)[0].from_id, 4);
}

#[test]
fn nothing_is_folded_twice_however_many_gaps_there_are() {
    let settings = settings(&["1m"]);
    let clean = clean_market(&mut Seed(8), 1, 300, 100);
    // Every third print is lost: far more gaps than a ledger holds. The rest comes twice.
    let delivered: Vec<_> = clean.iter().filter(|t| t.id % 3 != 1).copied().collect();
    let twice: Vec<_> = delivered.iter().flat_map(|t| [*t, *t]).collect();
    let (_, engine) = run(&settings, &symbols(1), &with_heartbeats(&twice, 5_000), || 64);
    let health = engine.health(SymbolId(0)).unwrap();
    assert_eq!(engine.folded(SymbolId(0)), delivered.len() as u64);
    assert_eq!(health.rejects[Reject::Duplicate as usize], delivered.len() as u64);
    assert!(engine.unrecoverable(SymbolId(0)) > 0);
}

#[test]
fn a_short_base_with_a_long_grace_loses_nothing() {
    let mut settings = settings(&["1s", "1m"]);
    settings.grace_ns = 30 * Nanos::PER_SECOND;
    let clean = clean_market(&mut Seed(9), 1, 120, 100);
    let delivered: Vec<_> = clean.iter().filter(|t| t.id % 50 != 7).copied().collect();
    let (collected, engine) =
        run(&settings, &symbols(1), &with_heartbeats(&delivered, 40_000), || 64);
    assert_eq!(engine.folded(SymbolId(0)), delivered.len() as u64);
    let naive = naive_candles(&delivered, 0, settings.base(), last_time(&clean));
    assert_eq!(numbers(&collected.row(0, 0))[..naive.len()], numbers(&naive));
}

#[test]
fn no_range_or_sum_is_wrapped() {
    let settings = settings(&["1m", "15m"]);
    // Eight decimals, and a price that moves by more than 32 bits of units within each interval.
    let price = |minute: u64| 5_000_000_000 + minute as i64 * 600_000_000;
    let at = |second: u64| START.plus(second * Nanos::PER_SECOND);
    let clean: Vec<_> = (0..3_600)
        .map(|second| trade(0, second + 1, at(second), price(second / 60), 1 << 40))
        .collect();
    let (collected, _) = run(&settings, &symbols(1), &with_heartbeats(&clean, 2_000), || 64);
    for (index, interval) in settings.intervals.iter().enumerate() {
        for candle in collected.row(0, index as u8) {
            let minutes = u64::from(interval.seconds() / 60);
            let first = (candle.open_time.0 - START.0) / (60 * Nanos::PER_SECOND);
            assert_eq!(candle.high.0, price(first + minutes - 1), "{candle:?}");
            assert_eq!(candle.low.0, price(first), "{candle:?}");
        }
    }
}

#[test]
fn a_print_too_large_to_add_is_counted_and_its_candle_is_a_gap() {
    let settings = settings(&["1m"]);
    let at = |second: u64| START.plus(second * Nanos::PER_SECOND);
    let huge = i64::MAX / 2;
    let mut trades: Vec<_> = (0..180).map(|s| trade(0, s + 1, at(s), 100, 5)).collect();
    trades[90].quantity.0 = huge;
    let mut late = trades.clone();
    let huge = late.remove(90);
    late.push(huge);
    for trades in [trades, late] {
        let events = with_heartbeats(&trades, 2_000);
        let (collected, engine) = run(&settings, &symbols(1), &events, || 9);
        let health = engine.health(SymbolId(0)).unwrap();
        assert_eq!(health.rejects[Reject::Overflow as usize], 1);
        let marks: Vec<_> = collected.row(0, 0).iter().map(|c| c.mark).collect();
        assert_eq!(marks, [Mark::Complete, Mark::Gap, Mark::Complete]);
    }
}

#[test]
fn a_symbol_that_is_retired_and_comes_back_has_no_candles_between_and_its_gap_is_known() {
    let settings = settings(&["1m"]);
    let at = |minute: u64, second: u64| START.plus((minute * 60 + second) * Nanos::PER_SECOND);
    let before = [(0, 5), (1, 50)].map(|(minute, second)| at(minute, second));
    let after = [(6, 10), (7, 20)].map(|(minute, second)| at(minute, second));
    let symbol = SymbolId(0);
    for missed in [0, 2] {
        let times = before.iter().zip(1..).chain(after.iter().zip(3 + missed..));
        let mut events: Vec<(Nanos, Event)> =
            times.map(|(time, id)| (*time, Event::Print(trade(0, id, *time, 100, 5)))).collect();
        let control = |minute, second, control| (at(minute, second), Event::Control(control));
        events.extend([
            control(2, 10, Control::Feed { symbol, up: false }),
            control(2, 10, Control::Halt { symbol, halted: true }),
            control(6, 5, Control::Halt { symbol, halted: false }),
            control(6, 6, Control::Feed { symbol, up: true }),
        ]);
        let beats = (0..8 * 60 + 2).map(|second| at(0, second));
        events.extend(beats.map(|beat| (beat, Event::Control(Control::Heartbeat(beat)))));
        events.sort_by_key(|(time, _)| *time);
        let events: Vec<Event> = events.into_iter().map(|(_, event)| event).collect();
        let (collected, engine) = run(&settings, &symbols(1), &events, || 7);
        let row = collected.row(0, 0);
        let minutes: Vec<u64> =
            row.iter().map(|c| (c.open_time.0 - START.0) / (60 * Nanos::PER_SECOND)).collect();
        // Nobody knew of the seconds before the halt, until the next id told.
        assert_eq!((minutes, collected.absent.len()), (vec![0, 1, 6, 7], 1));
        let sure = if missed == 0 { Mark::Complete } else { Mark::Gap };
        let marks: Vec<_> = row.iter().map(|candle| candle.mark).collect();
        assert_eq!(marks, [Mark::Complete, sure, sure, Mark::Complete]);
        assert_eq!(engine.gaps(symbol).len() as u64, missed.min(1));
    }
}
