//! Times that rules read: how long nothing traded, since when a symbol is listed, how old the
//! session is.

use systems::rule::Rules;
use systems::settings::Settings;
use systems::trade::{Batch, Control, SymbolId};
use systems::units::Nanos;
use tapescan::engine::Engine;
use tapescan::rules::Rule;

use super::alerts::{MINUTE, alerts, beat, market, print, settings, short};
use super::rule;
use crate::support::{Event, START, symbols};

fn of_prices(rule: Rule, prices: &[i64]) -> Vec<String> {
    alerts(&settings(&["1m"], &[rule], None), 1, &market(&[prices]))
}

#[test]
fn a_symbol_is_stale_after_so_long_without_a_print() {
    let prices = [100, 0, 0, 0, 101, 0];
    assert_eq!(of_prices(rule("stale(2m)"), &prices), ["2 0 Enter", "4 0 Exit"]);
    assert_eq!(of_prices(rule("quiet_for >= 180"), &prices), ["3 0 Enter", "4 0 Exit"]);
    assert_eq!(
        of_prices(rule("quiet_for == 0s"), &prices),
        ["0 0 Enter", "1 0 Exit", "4 0 Enter", "5 0 Exit"]
    );
    assert_eq!(of_prices(rule("quiet_for[1] > 2m"), &prices), ["4 0 Enter", "5 0 Exit"]);
}

#[test]
fn a_late_print_ends_a_silence_that_was_told() {
    let mut events = market(&[&[100, 0, 0]]);
    let late = systems::trade::Trade {
        id: 2,
        first_id: 2,
        time: START.plus(2 * MINUTE + 50 * Nanos::PER_SECOND),
        ..print(0, 2, 100)
    };
    events.extend([Event::Print(late), beat(3, 3)]);
    let told = alerts(&settings(&["1m"], &[rule("stale(2m)")], None), 1, &events);
    assert_eq!(told, ["2 0 Enter", "2 0 EnterWithdrawn late"]);
}

#[test]
fn at_heartbeats_a_silence_is_known_to_the_second() {
    let forming = Rule { forming: true, ..rule("forming quiet_for >= 90s") };
    let mut events = market(&[&[100]]);
    events.extend([beat(1, 58), beat(2, 29), beat(2, 31)]);
    let told = alerts(&settings(&["1m"], &[forming], None), 1, &events);
    assert_eq!(told, ["2 0 Enter provisional"]);
}

#[test]
fn a_silence_goes_on_while_a_candle_waits_for_late_prints() {
    let lasting = Rule {
        forming: true,
        dwell_ns: 60 * Nanos::PER_SECOND,
        ..rule("forming quiet_for >= 90s")
    };
    let mut events = market(&[&[100]]);
    // Some heartbeats lie right behind the end of a candle, within its grace.
    for (minute, second) in [(1, 45), (2, 0), (2, 1), (2, 45), (3, 0), (3, 1), (3, 50), (4, 0)] {
        events.push(beat(minute, second));
    }
    let told = alerts(&settings(&["1m"], &[lasting], None), 1, &events);
    assert_eq!(told, ["3 0 Enter provisional"]);
}

#[test]
fn a_session_is_as_old_as_its_candles_end() {
    // The market begins at a full day.
    let of_session = |hours: u64| {
        let plain = settings(&["1m"], &[rule("session_time <= 2m")], None);
        let session_ns = hours * 3_600 * Nanos::PER_SECOND;
        Settings { rules: Rules { session_ns, ..plain.rules.clone() }, ..plain }
    };
    let events = market(&[&[100, 100, 100, 100]]);
    let begins = START.0 % Nanos::PER_DAY / (3_600 * Nanos::PER_SECOND);
    assert_eq!(alerts(&of_session(begins), 1, &events), ["0 0 Enter", "2 0 Exit"]);
    assert_eq!(alerts(&of_session((begins + 1) % 24), 1, &events), [""; 0]);
}

#[test]
fn a_listing_is_as_old_as_it_was_looked_for() {
    let settings = settings(&["1m"], &[rule("listed_for <= 2m")], None);
    let specs = symbols(2);
    let (price, quantity) = (specs[1].price, specs[1].quantity);
    let list = Control::List { symbol: SymbolId(1), price, quantity };
    // Live the rows come with the listing; in a replay they are there from the start.
    for known in [1, 2] {
        let mut engine = Engine::new(&settings, &specs[..known], 1).unwrap();
        let (mut told, mut batch) = (Vec::new(), Batch::default());
        batch.control(Control::Heartbeat(START));
        batch.push(print(0, 0, 100));
        batch.control(list);
        for minute in 0..4 {
            batch.push(print(1, minute, 100));
            batch.push(print(0, minute + 1, 100));
            let at = START.plus((minute + 1) * MINUTE + Nanos::PER_SECOND);
            batch.control(Control::Heartbeat(at));
        }
        engine.step(&mut batch, &mut |outbox| told.extend(short(outbox)));
        assert_eq!(told, ["0 1 Enter", "2 1 Exit"], "{known}");
    }
}
