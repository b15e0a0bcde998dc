//! Our candles against the venue's: what is found, who wins, and that corrections reach everything.

use crate::support::*;
use systems::candle::{Candle, Mark, VenueCandle};
use systems::reconcile::Cause;
use systems::settings::{Settings, Winner};
use systems::trade::{Control, SymbolId, Trade};
use systems::units::Nanos;

const SYMBOL: SymbolId = SymbolId(0);

fn truth(seed: u64) -> (Settings, Vec<Trade>, Vec<Candle>) {
    let settings = settings(&["1m", "3m"]);
    let clean = clean_market(&mut Seed(seed), 1, 1_200, 20);
    let end = clean.last().unwrap().time;
    let candles = naive_candles(&clean, 0, settings.base(), end);
    (settings, clean, candles)
}

fn venue(candle: Candle) -> Event {
    let candle = VenueCandle { candle, ..VenueCandle::default() };
    Event::Control(Control::VenueCandle { symbol: SYMBOL, interval: 0, candle })
}

/// The prints, and two seconds after each minute the venue's candle of it as `told` has it.
fn told(
    trades: &[Trade],
    candles: &[Candle],
    told: impl Fn(usize, Candle) -> Candle,
) -> Vec<Event> {
    let minute = 60 * Nanos::PER_SECOND;
    let mut events = Vec::new();
    let mut next = 0;
    for event in with_heartbeats(trades, 5_000) {
        if let Event::Control(Control::Heartbeat(now)) = event {
            while let Some(candle) = candles.get(next)
                && candle.open_time.plus(minute + 2 * Nanos::PER_SECOND) <= now
            {
                events.push(venue(told(next, *candle)));
                next += 1;
            }
        }
        events.push(event);
    }
    let end = trades.last().unwrap().time.plus(9 * Nanos::PER_SECOND);
    events.push(Event::Control(Control::Heartbeat(end)));
    events
}

#[test]
fn identical_candles_are_proven_and_keep_their_revision() {
    let (settings, clean, candles) = truth(1);
    let (collected, engine) = run(&settings, &symbols(1), &told(&clean, &candles, |_, c| c), || 50);
    let row = &collected.row(0, 0)[..candles.len() - 1];
    assert!(row.iter().all(|c| c.mark == Mark::Reconciled && c.revision == 0), "{row:?}");
    let (counts, adopted) = engine.drift(SYMBOL, 0);
    assert_eq!(counts[Cause::Identical as usize] as usize, candles.len());
    assert_eq!(adopted, 0);
}

#[test]
fn a_difference_is_recorded_and_ours_stays_unless_the_policy_says_otherwise() {
    let (settings, clean, candles) = truth(2);
    let lie = |index, mut c: Candle| {
        c.volume.0 += i64::from(index == 4);
        c
    };
    let (collected, engine) = run(&settings, &symbols(1), &told(&clean, &candles, lie), || 50);
    let ours = collected.row(0, 0)[4];
    assert_eq!((ours.mark, ours.revision), (Mark::Disputed, 0));
    assert_eq!(ours.volume, candles[4].volume);
    assert_eq!(engine.drift(SYMBOL, 0).0[Cause::Disputed as usize], 1);

    let venue_wins = Settings { winner: Winner::Venue, ..settings };
    let (collected, _) = run(&venue_wins, &symbols(1), &told(&clean, &candles, lie), || 50);
    let ours = collected.row(0, 0)[4];
    assert_eq!((ours.mark, ours.revision), (Mark::Reconciled, 1));
    assert_eq!(ours.volume.0, candles[4].volume.0 + 1);
}

#[test]
fn a_print_across_the_edge_is_a_boundary_shift_of_both_neighbours() {
    let (settings, clean, candles) = truth(3);
    let shift = |index, mut c: Candle| {
        let by = [0, 0, 0, 7, -7].get(index).copied().unwrap_or(0);
        c.volume.0 += by;
        c.quote_volume = c.quote_volume.strict_add_signed(i128::from(by) * 10_000);
        c
    };
    for winner in [Winner::Ours, Winner::Venue] {
        let settings = Settings { winner, ..settings.clone() };
        let events = told(&clean, &candles, shift);
        let (collected, engine) = run(&settings, &symbols(1), &events, || 50);
        let (counts, _) = engine.drift(SYMBOL, 0);
        assert_eq!(counts[Cause::BoundaryShift as usize], 2);
        assert_eq!(counts[Cause::Disputed as usize], 0);
        let row = collected.row(0, 0);
        assert_eq!(row[3].volume.0, candles[3].volume.0 + 7);
        assert_eq!(row[4].volume.0, candles[4].volume.0 - 7);
    }
}

#[test]
fn what_prints_are_missing_from_is_taken_from_the_venue_and_values_follow() {
    let (settings, clean, candles) = truth(4);
    let minute = |t: &Trade| (t.time.0 - START.0) / (60 * Nanos::PER_SECOND);
    // Half of minute 3 and all of minute 9 never arrive.
    let lost = |t: &&Trade| (minute(t) == 3 && t.id.is_multiple_of(2)) || minute(t) == 9;
    let delivered: Vec<_> = clean.iter().filter(|t| !lost(t)).copied().collect();
    let (straight, _) = run(&settings, &symbols(1), &with_heartbeats(&clean, 5_000), || 50);
    let (collected, engine) =
        run(&settings, &symbols(1), &told(&delivered, &candles, |_, c| c), || 50);
    let row = collected.row(0, 0);
    for (ours, theirs) in row.iter().zip(&candles) {
        assert!(ours.same_numbers(theirs), "{ours:?} {theirs:?}");
    }
    assert_eq!(row[3].mark, Mark::Reconciled);
    let (counts, _) = engine.drift(SYMBOL, 0);
    assert!(counts[Cause::MissingIds as usize] >= 1, "{counts:?}");
    for (key, (candle, values)) in &straight.candles {
        let (ours, got) = &collected.candles[key];
        assert!(ours.same_numbers(candle), "{key:?}");
        let bits = |v: &systems::track::Value| v.number.map(f64::to_bits);
        assert!(got.iter().map(bits).eq(values.iter().map(bits)), "{key:?}");
    }
}

#[test]
fn candles_alone_make_rows_and_roll_up() {
    let (settings, _, candles) = truth(5);
    let mut events = Vec::new();
    for candle in &candles {
        events.push(venue(*candle));
        let end = candle.open_time.plus(60 * Nanos::PER_SECOND);
        events.push(Event::Control(Control::Heartbeat(end)));
    }
    let (collected, engine) = run(&settings, &symbols(1), &events, || 7);
    let row = collected.row(0, 0);
    assert_eq!(row.len(), candles.len());
    assert!(row.iter().zip(&candles).all(|(ours, theirs)| ours.same_numbers(theirs)));
    assert_eq!(collected.row(0, 1).len(), candles.len() / 3);
    assert_eq!(engine.drift(SYMBOL, 0).1 as usize, candles.len());
}
