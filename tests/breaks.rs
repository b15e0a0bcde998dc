//! Breaks, outages and halts: what may be said of minutes for which prints are missing.

use crate::events::*;
use crate::support::*;
use systems::candle::Mark;
use systems::health::Reject;
use systems::trade::{Trade, TradeKind};
use systems::units::{Nanos, Quantity};

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

/// A print in each of minutes 0 to 2, then the venue's time of every second up to `until` and what
/// happens in it.
fn three_minutes_and_then(until: u64, happens: impl Fn(u64) -> Option<Event>) -> Vec<Event> {
    let minutes = (0..3).flat_map(|k| [beat(min(k)), print(1_000 + k, min(k).plus(SECOND))]);
    minutes
        .chain((180..until).flat_map(|s| [Some(beat(sec(s))), happens(s)].into_iter().flatten()))
        .collect()
}

#[test]
fn a_minute_halted_only_in_its_last_second_is_still_missing() {
    let events = three_minutes_and_then(420, |s| match s {
        190 => Some(feed(false)),
        239 => Some(halt(true)),
        350 => Some(feed(true)),
        360 => Some(halt(false)),
        361 => Some(print(1_010, sec(s))),
        _ => None,
    });
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
fn a_minute_halted_for_a_part_is_let_go_when_nothing_of_it_is_missing() {
    let events = three_minutes_and_then(500, |s| match s {
        190 => Some(feed(false)),
        200 => Some(halt(true)),
        230 => Some(halt(false)),
        250 => Some(feed(true)),
        // The next id.
        400 => Some(print(1_003, sec(s))),
        _ => None,
    });
    let (collected, engine) = run(&settings(&["1m", "3m"]), &symbols(1), &events, || usize::MAX);
    assert_eq!((engine.absent(A, 0), at_time(&collected.row(0, 0), min(3))), (&[][..], None));
    assert_eq!(at_time(&collected.row(0, 1), min(3)).unwrap().mark, Mark::Quiet);
}

#[test]
fn a_longer_candle_of_halted_minutes_is_let_go_with_the_last_of_them() {
    let events = three_minutes_and_then(500, |s| match s {
        185 => Some(feed(false)),
        200 => Some(halt(true)),
        390 => Some(halt(false)),
        400 => Some(feed(true)),
        // The next id.
        410 => Some(print(1_003, sec(s))),
        _ => None,
    });
    let (collected, engine) = run(&settings(&["1m", "3m"]), &symbols(1), &events, || usize::MAX);
    assert_eq!(collected.absent, [(0, 0, min(3)), (0, 1, min(3))], "what was said at the time");
    assert_eq!((engine.absent(A, 0), engine.absent(A, 1)), (&[][..], &[][..]));
}
