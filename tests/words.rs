//! The venue's word about candles: when it holds, when a newer one or more prints overtake it.

use crate::events::*;
use crate::support::*;
use systems::candle::{Candle, Mark, VenueCandle};
use systems::reconcile::Cause;
use systems::trade::{Control, Trade};
use systems::units::{Nanos, Price, Quantity};

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

/// A print of this quantity.
fn of(id: u64, at: Nanos, quantity: i64) -> Event {
    Event::Print(Trade { quantity: Quantity(quantity), ..sold(id, at) })
}

/// The venue's candle of minute `k`: one print of this quantity.
fn told(k: u64, quantity: i64) -> Event {
    let (volume, quote_volume) = (Quantity(quantity), 10_000 * quantity as u128);
    let flat = Candle { trades: 1, volume, quote_volume, ..Candle::quiet(min(k), Price(10_000)) };
    let candle = VenueCandle { candle: flat, ..VenueCandle::default() };
    Event::Control(Control::VenueCandle { symbol: A, interval: 0, candle })
}

#[test]
fn a_shift_is_applied_to_both_candles_or_to_none() {
    let mut events = Vec::new();
    for k in 0..8 {
        events.extend([beat(min(k)), of(1_000 + k, min(k).plus(SECOND), 10)]);
    }
    events.extend([beat(min(7).plus(2 * SECOND)), told(5, 17), told(6, 3)]);
    // Decided, and overtaken before it is applied.
    events.extend([beat(min(7).plus(3 * SECOND)), of(1_008, min(6).plus(58 * SECOND), 1)]);
    events.extend(beats(min(7).plus(4 * SECOND), min(7).plus(10 * SECOND)));
    let (collected, engine) = run(&settings(&["1m"]), &symbols(1), &events, || usize::MAX);
    let row = collected.row(0, 0);
    let volumes = [5, 6].map(|k| at_time(&row, min(k)).unwrap().volume.0);
    assert_eq!(volumes, [10, 11]);
    let (counts, _) = engine.drift(A, 0);
    assert_eq!(counts[Cause::BoundaryShift as usize], 0);
    assert_eq!(counts.iter().sum::<u64>(), 2, "{counts:?}");
}

#[test]
fn a_shift_does_not_take_back_a_print_that_came_after_the_comparison() {
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
fn the_venues_newer_word_about_a_longer_candle_counts_where_ours_is_only_a_part() {
    let mut events = vec![beat(min(300))];
    events.extend((151..300).map(|k| venue(0, min(k), 1)));
    events.extend((0..100).map(|k| venue(1, min(3 * k), 3)));
    events.extend(beats(min(300).plus(SECOND), min(300).plus(20 * SECOND)));
    // Of minutes 90 to 93 the base row has nothing, of 150 to 153 a part, of 180 to 183 all.
    events.extend([90, 150, 180].map(|k| venue(1, min(k), 4)));
    events.extend(beats(min(300).plus(20 * SECOND), min(300).plus(40 * SECOND)));
    let (collected, _) = run(&settings(&["1m", "3m"]), &symbols(1), &events, || usize::MAX);
    let row = collected.row(0, 1);
    let known = [90, 150, 180].map(|k| at_time(&row, min(k)).map(|c| (c.trades, c.mark)));
    let (new, ours) = (Some((4, Mark::Reconciled)), Some((3, Mark::Disputed)));
    assert_eq!(known, [new, new, ours]);
}
