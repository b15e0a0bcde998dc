//! Where an answer of the venue and our own candles meet: what neither has is missing, and said so.

use crate::events::*;
use crate::support::*;
use systems::candle::Mark;
use systems::dispatch::Request;
use systems::trade::Control;
use systems::units::Nanos;

fn answered(interval: u8) -> Event {
    Event::Control(Control::RequestDone { symbol: A, interval: Some(interval) })
}

fn absent(collected: &Collected, interval: u8) -> Vec<Nanos> {
    let of_interval = collected.absent.iter().filter(|key| key.1 == interval);
    of_interval.map(|key| key.2).collect()
}

/// Prints from 7:20 on, with the venue's word about minutes 0 to 3 after the first of them and
/// `then` right behind it, for ten minutes; and `later`.
fn answer_that_ends_early(
    then: impl IntoIterator<Item = Event>,
    later: impl IntoIterator<Item = Event>,
) -> Vec<Event> {
    let from = min(7).plus(20 * SECOND);
    let mut events = vec![beat(min(7)), beat(from), print(5_000, from)];
    events.extend((0..4).map(|k| venue(0, min(k), 1)));
    events.push(venue(1, min(0), 3));
    events.extend(then);
    for k in 1..600 {
        let at = from.plus(k * SECOND);
        events.extend([beat(at), print(5_000 + k, at)]);
    }
    events.extend(later);
    events
}

fn ran(events: &[Event]) -> Collected {
    run(&settings(&["1m", "3m"]), &symbols(1), events, || usize::MAX).0
}

#[test]
fn minutes_that_an_answer_does_not_reach_are_missing_and_asked_for() {
    let collected = ran(&answer_that_ends_early([0, 1].map(answered), []));
    assert_eq!(absent(&collected, 0), [4, 5, 6].map(min));
    // Of minutes 3 to 5 the base row has the first; of 6 to 8 it lacks one.
    let marks = [3, 6].map(|k| at_time(&collected.row(0, 1), min(k)).map(|candle| candle.mark));
    assert_eq!(marks, [Some(Mark::Gap); 2], "{:?}", collected.row(0, 1));
    let wanted = |request: &Request| {
        matches!(request, Request::Candles { interval: 0, from, to, .. }
            if *from <= min(4) && min(7) <= *to)
    };
    assert!(collected.requests.iter().any(wanted), "{:?}", collected.requests);
}

#[test]
fn they_can_still_be_answered() {
    let at = min(7).plus(620 * SECOND);
    let later = (4..7).map(|k| venue(0, min(k), 1)).chain([beat(at), beat(at.plus(SECOND))]);
    let collected = ran(&answer_that_ends_early([0, 1].map(answered), later));
    let marks = [(0, 4), (0, 5), (0, 6), (1, 3)]
        .map(|(interval, k)| at_time(&collected.row(0, interval), min(k)).map(|c| c.mark));
    assert_eq!(marks, [Some(Mark::Reconciled); 4]);
}

#[test]
fn between_the_pages_of_an_answer_nothing_is_called_missing() {
    let page = (4..7).map(|k| venue(0, min(k), 1));
    let at = min(7).plus(625 * SECOND);
    let later = page.chain([answered(0), answered(1), beat(at), beat(at.plus(SECOND))]);
    let collected = ran(&answer_that_ends_early([], later));
    assert!(collected.absent.is_empty(), "{:?}", collected.absent);
    let asked = |request: &Request| {
        let Request::Candles { interval: 0, from, .. } = request else { return false };
        *from < min(7)
    };
    assert!(!collected.requests.iter().any(asked), "{:?}", collected.requests);
    // An answer whose end nobody tells of is not waited for for ever.
    let from = min(7).plus(620 * SECOND);
    let later = beats(from, from.plus(10 * SECOND));
    assert_eq!(absent(&ran(&answer_that_ends_early([], later)), 0), [4, 5, 6].map(min));
}

#[test]
fn an_answer_elsewhere_does_not_hide_the_hole() {
    let from = min(7).plus(20 * SECOND);
    let mut events = vec![beat(min(7)), beat(from), print(5_000, from)];
    events.extend([print(5_001, min(8).minus(SECOND)), beat(min(8)), feed(false)]);
    events.extend(beats(min(8), min(9).plus(5 * SECOND)));
    // Minute 8 had no print; its answer comes before that of the warm-up.
    events.extend([venue(0, min(8), 1), answered(0), beat(min(9).plus(6 * SECOND))]);
    events.extend((0..4).map(|k| venue(0, min(k), 1)).chain([answered(0)]));
    events.extend(beats(min(9).plus(7 * SECOND), min(9).plus(30 * SECOND)));
    assert_eq!(absent(&ran(&events), 0), [4, 5, 6].map(min));
}

#[test]
fn a_print_from_before_our_first_candle_was_not_a_quiet_minute() {
    // The print of minute 4 has no candle to go to, but its time is known.
    let early = min(4).plus(10 * SECOND);
    let fetched = |k: u64| repaired(4_996 + k, min(6).plus((55 + k) * SECOND));
    let then = [0, 1].map(answered);
    let mut events = answer_that_ends_early(then, (1..4).map(fetched));
    events.insert(3, repaired(4_996, early));
    let end = min(7).plus(640 * SECOND);
    events.extend(beats(min(7).plus(621 * SECOND), end));
    let row = ran(&events).row(0, 0);
    let marks = [4, 5].map(|k| at_time(&row, min(k)).map(|candle| candle.mark));
    assert_eq!(marks, [None, Some(Mark::Quiet)], "{row:?}");
    assert_eq!(at_time(&row, min(6)).map(|candle| candle.trades), Some(3));
}

#[test]
fn what_ids_prove_to_be_quiet_is_not_called_missing() {
    let mut events = answer_that_ends_early([0, 1].map(answered), []);
    events.insert(3, repaired(4_999, min(4).plus(10 * SECOND)));
    let collected = ran(&events);
    assert_eq!(absent(&collected, 0), [min(4)]);
    let marks = [5, 6].map(|k| at_time(&collected.row(0, 0), min(k)).map(|candle| candle.mark));
    assert_eq!(marks, [Some(Mark::Quiet); 2]);
}

#[test]
fn a_break_of_days_between_the_warm_up_and_the_first_print_is_told() {
    let mut events = vec![beat(min(100))];
    events.extend((0..100).map(|k| venue(0, min(k), 1)).chain([answered(0)]));
    events.extend(beats(min(100), min(100).plus(9 * SECOND)));
    let late = min(100 + 1_500);
    events.extend([beat(late), print(9_000, late.plus(SECOND)), beat(late.plus(2 * SECOND))]);
    events.extend(beats(late.plus(3 * SECOND), late.plus(90 * SECOND)));
    let told = absent(&ran(&events), 0);
    assert!(told.contains(&min(100)), "{told:?}");
}
