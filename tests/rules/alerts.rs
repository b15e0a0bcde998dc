//! From matches to alerts, on hand-made candles: one print a minute makes one candle each.

use systems::dispatch::Outbox;
use systems::interval::Interval;
use systems::rule::{Budget, Kind, Tell};
use systems::settings::Settings;
use systems::trade::{Control, SymbolId, Trade, TradeKind};
use systems::units::Nanos;
use tapescan::rules::{Rule, compile_all};

use super::{drive, rule, told};
use crate::support::{Event, START, trade};

pub(crate) const MINUTE: u64 = 60 * Nanos::PER_SECOND;

/// Settings with these rules, and the indicators that they name.
pub(crate) fn settings(intervals: &[&str], rules: &[Rule], budget: Option<Budget>) -> Settings {
    let plain = crate::support::settings(intervals);
    let rows: Vec<(Interval, usize)> =
        plain.intervals.iter().copied().zip(plain.lookback.iter().copied()).collect();
    let none = vec![Vec::new(); rows.len()];
    let set = compile_all(rules, &rows, &none, budget).unwrap();
    told(plain, set)
}

/// One alert in short: minute of its candle, symbol, what it says, and its labels.
pub(crate) fn short(outbox: &Outbox) -> Vec<String> {
    let one = |alert: &systems::rule::Alert| {
        if alert.kind == Kind::Digest {
            let held = outbox.held_by(alert);
            let names: Vec<_> = held.iter().map(|held| held.symbol.0.to_string()).collect();
            return format!("digest of {} ({})", alert.count, names.join(" "));
        }
        let minute = (alert.candle.open_time.0 - START.0) / MINUTE;
        let late = if alert.late { " late" } else { "" };
        let provisional = if alert.provisional { " provisional" } else { "" };
        format!("{minute} {} {:?}{late}{provisional}", alert.symbol.0, alert.kind)
    };
    outbox.alerts.iter().map(one).collect()
}

/// Runs events and gives all alerts in short.
pub(crate) fn alerts(settings: &Settings, count: usize, events: &[Event]) -> Vec<String> {
    run_in(settings, count, events, 1, usize::MAX)
}

fn run_in(
    settings: &Settings,
    count: usize,
    events: &[Event],
    threads: usize,
    cut: usize,
) -> Vec<String> {
    drive(settings, count, events, (threads, cut), short).0
}

/// One print of one unit in a minute of a symbol, with the id that its minute has.
pub(crate) fn print(symbol: u16, minute: u64, price: i64) -> Trade {
    trade(symbol, 1 + minute, START.plus(minute * MINUTE + 5 * Nanos::PER_SECOND), price, 1_000)
}

pub(crate) fn beat(minute: u64, seconds: u64) -> Event {
    let at = START.plus(minute * MINUTE + seconds * Nanos::PER_SECOND);
    Event::Control(Control::Heartbeat(at))
}

/// One price a minute for each symbol (0 is no print), and a heartbeat after each minute.
pub(crate) fn market(prices: &[&[i64]]) -> Vec<Event> {
    let mut events = vec![beat(0, 0)];
    let mut ids = vec![0; prices.len()];
    for minute in 0..prices[0].len() {
        for (symbol, prices) in prices.iter().enumerate() {
            if prices[minute] > 0 {
                ids[symbol] += 1;
                let (id, first_id) = (ids[symbol], ids[symbol]);
                let print = print(symbol as u16, minute as u64, prices[minute]);
                events.push(Event::Print(Trade { id, first_id, ..print }));
            }
        }
        events.push(beat(minute as u64 + 1, 1));
    }
    events
}

/// The first print has id 1: nothing came before it, so no candle is partial.
fn of_prices(rule: Rule, prices: &[i64]) -> Vec<String> {
    alerts(&settings(&["1m"], &[rule], None), 1, &market(&[prices]))
}

#[test]
fn a_rule_tells_when_it_begins_to_hold_and_when_it_ends() {
    let prices = [90, 101, 102, 99, 98, 103, 100];
    assert_eq!(
        of_prices(rule("close > 1"), &prices),
        ["1 0 Enter", "3 0 Exit", "5 0 Enter", "6 0 Exit"]
    );
    let told = |tell| of_prices(Rule { tell, ..rule("close > 1") }, &prices);
    assert_eq!(told(Tell::Enter), ["1 0 Enter", "5 0 Enter"]);
    assert_eq!(told(Tell::Exit), ["3 0 Exit", "6 0 Exit"]);
}

#[test]
fn hysteresis_dwell_and_cool_down() {
    let exit = |text: &str| Some(text.to_owned());
    let minutes = |n| n * MINUTE;
    let base = rule("close > 1");
    for (name, rule, prices, want) in [
        (
            "it holds until its own end",
            Rule { exit: exit("close < 0.95"), ..base.clone() },
            &[101, 99, 101, 96, 94, 94, 101][..],
            &["0 0 Enter", "4 0 Exit", "6 0 Enter"][..],
        ),
        (
            "a dwell of two minutes takes three closes",
            Rule { dwell_ns: minutes(2), ..base.clone() },
            &[101, 102, 99, 101, 102, 103, 104, 99],
            &["5 0 Enter", "7 0 Exit"],
        ),
        (
            "within the cool-down neither beginning nor end is told",
            Rule { cool_down_ns: minutes(4), ..base.clone() },
            &[101, 99, 101, 99, 101, 99, 101, 99],
            &["0 0 Enter", "1 0 Exit", "4 0 Enter", "5 0 Exit"],
        ),
        (
            "not known is neither true nor false",
            Rule { when: "close > sma(3)".to_owned(), ..base.clone() },
            &[100, 101, 102, 103, 90],
            &["2 0 Enter", "4 0 Exit"],
        ),
        (
            "nor is the opposite of what is not known",
            Rule { when: "not close > sma(3)".to_owned(), ..base.clone() },
            &[100, 99, 98, 97],
            &["2 0 Enter"],
        ),
        (
            "a quiet minute is a candle like any other",
            Rule { when: "quiet".to_owned(), ..base.clone() },
            &[100, 0, 101, 102],
            &["1 0 Enter", "2 0 Exit"],
        ),
    ] {
        assert_eq!(of_prices(rule, prices), want, "{name}");
    }
}

#[test]
fn what_a_budget_holds_back_is_told_in_a_digest() {
    let low = [90; 12];
    let mut high = low;
    high[2] = 101;
    let prices: Vec<&[i64]> = vec![&high, &high, &high, &high, &low];
    let five = |count| Some(Budget { count, window_ns: 5 * MINUTE });
    let limited = Rule { budget: five(2), tell: Tell::Enter, ..rule("close > 1") };
    let events = market(&prices);
    let own = settings(&["1m"], std::slice::from_ref(&limited), None);
    // The first stretch of five minutes ends at 5, and the pulse after it tells.
    let want = ["2 0 Enter", "2 1 Enter", "digest of 2 (2 3)"];
    assert_eq!(alerts(&own, 5, &events), want);
    let all = settings(&["1m"], &[Rule { budget: None, ..limited.clone() }], five(3));
    let want = ["2 0 Enter", "2 1 Enter", "2 2 Enter", "digest of 1 (3)"];
    assert_eq!(alerts(&all, 5, &events), want);
    // At the end of the run nothing is left over.
    let cut = market(&prices.iter().map(|prices| &prices[..4]).collect::<Vec<_>>());
    assert_eq!(alerts(&own, 5, &cut).last().unwrap(), "digest of 2 (2 3)");
}

/// A late print is an id that was missing: the candle is a gap until it comes.
fn with_late(prices: &[i64], minute: u64, price: i64, after: u64) -> Vec<Event> {
    let mut next = 0;
    let mut events = vec![beat(0, 0)];
    let mut missing = None;
    for (at, &close) in prices.iter().enumerate() {
        let at = at as u64;
        next += 1;
        events.push(Event::Print(Trade { id: next, first_id: next, ..print(0, at, close) }));
        if at == minute {
            // It trades after the other of its minute, so that it makes the close.
            next += 1;
            let time = START.plus(at * MINUTE + 30 * Nanos::PER_SECOND);
            missing = Some(trade(0, next, time, price, 1_000));
        }
        events.push(beat(at + 1, 1));
        if at == after
            && let Some(late) = missing.take()
        {
            events.push(Event::Print(Trade { kind: TradeKind::Backfilled, ..late }));
            events.push(beat(at + 1, 3));
        }
    }
    events
}

#[test]
fn a_correction_withdraws_what_would_not_have_been_said_and_tells_the_rest_late() {
    let plain = settings(&["1m"], &[rule("close > 1")], None);
    // Minute 2 closes at 1.01, and with the late print at 0.99.
    let events = with_late(&[90, 90, 101, 90, 90, 90, 90], 2, 99, 4);
    assert_eq!(
        alerts(&plain, 1, &events),
        ["2 0 Enter", "3 0 Exit provisional", "3 0 ExitWithdrawn late", "2 0 EnterWithdrawn late"],
        "minute 2 closed before the next print showed that an id is missing"
    );
    let events = with_late(&[90, 90, 90, 90, 90, 90, 90], 2, 105, 4);
    assert_eq!(alerts(&plain, 1, &events), ["2 0 Enter late", "3 0 Exit late"]);
    // An end that comes later than was said.
    let events = with_late(&[90, 101, 90, 90, 90], 2, 105, 3);
    assert_eq!(
        alerts(&plain, 1, &events),
        ["1 0 Enter", "2 0 Exit", "2 0 ExitWithdrawn late", "3 0 Exit late"]
    );
    let complete = Rule { only_complete: true, ..rule("close > 1") };
    let complete = settings(&["1m"], &[complete], None);
    let events = with_late(&[90, 90, 101, 90, 90, 90, 90], 2, 103, 4);
    assert_eq!(
        alerts(&complete, 1, &events),
        ["2 0 Enter", "2 0 EnterWithdrawn late provisional", "2 0 Enter late", "3 0 Exit late"],
        "a gap is not known to hold until it is complete"
    );
}

#[test]
fn what_is_withdrawn_while_it_waits_for_a_digest_is_in_none() {
    let hour = Some(Budget { count: 1, window_ns: 60 * MINUTE });
    let settings = settings(&["1m"], &[Rule { budget: hour, ..rule("close > 1") }], None);
    let events = with_late(&[101, 90, 101, 90, 90, 90], 2, 103, 4);
    let want = ["0 0 Enter", "1 0 Exit", "digest of 1 (0)"];
    assert_eq!(alerts(&settings, 1, &events), want, "it stands, and so it is told at the end");
    let events = with_late(&[101, 90, 101, 90, 90, 90], 2, 99, 4);
    assert_eq!(alerts(&settings, 1, &events), ["0 0 Enter", "1 0 Exit"]);
}

#[test]
fn a_stretch_without_candles_interrupts_a_dwell() {
    let settings = settings(&["1m"], &[Rule { dwell_ns: 3 * MINUTE, ..rule("close > 1") }], None);
    let symbol = SymbolId(0);
    let feed = |up| Event::Control(Control::Feed { symbol, up });
    let at = |minute, id| Event::Print(Trade { id, first_id: id, ..print(0, minute, 101) });
    let mut events = vec![beat(0, 0), at(0, 1), beat(1, 1), at(1, 2), beat(2, 1), feed(false)];
    events.extend([beat(4, 0), feed(true)]);
    // Ids are missing, so minutes 2 and 3 have no candle.
    for (minute, id) in [(4, 9), (5, 10), (6, 11), (7, 12)] {
        events.extend([at(minute, id), beat(minute + 1, 1)]);
    }
    assert_eq!(alerts(&settings, 1, &events), ["7 0 Enter"], "three minutes after minute 4");
}

#[test]
fn ranks_are_among_all_symbols_at_one_candle() {
    let rules = [rule("rank(change(1m)) <= 1"), rule("percentile(change(1m)) >= 100")];
    for rule in rules {
        let settings = settings(&["1m"], &[rule], None);
        let prices: [&[i64]; 3] =
            [&[100, 110, 111, 112], &[100, 101, 130, 131], &[100, 100, 100, 150]];
        assert_eq!(
            alerts(&settings, 3, &market(&prices)),
            ["1 0 Enter", "2 0 Exit", "2 1 Enter", "3 1 Exit", "3 2 Enter"]
        );
    }
}

#[test]
fn a_longer_interval_is_looked_at_as_it_was_then() {
    // Candles of 3m close at 103, 99 and 105; one-minute candles see the last one closed.
    let settings = settings(&["1m", "3m"], &[rule("close@3m > 1")], None);
    let prices = [100, 100, 103, 100, 100, 99, 100, 100, 105, 100];
    assert_eq!(alerts(&settings, 1, &market(&[&prices])), ["2 0 Enter", "5 0 Exit", "8 0 Enter"]);
}

#[test]
fn alerts_are_the_same_on_any_threads_and_cut_into_any_steps() {
    let rules = [
        rule("close crosses_above sma(5)"),
        Rule { cool_down_ns: 5 * MINUTE, ..rule("rank(change(3m)) <= 3 and rising(2)") },
        Rule {
            dwell_ns: MINUTE,
            budget: Some(Budget { count: 4, window_ns: 600_000_000_000 }),
            ..rule("close > sma(3)@3m")
        },
    ];
    let settings = settings(&["1m", "3m"], &rules, Some(Budget { count: 20, window_ns: MINUTE }));
    let mut seed = crate::support::Seed(5);
    let clean = crate::support::clean_market(&mut seed, 9, 1_200, 60);
    let late: Vec<Trade> = clean.iter().filter(|trade| trade.id % 97 == 3).copied().collect();
    let mut given: Vec<Trade> = clean.iter().filter(|t| t.id % 97 != 3).copied().collect();
    for trade in late {
        let at = given.partition_point(|t| t.time < trade.time.plus(90 * Nanos::PER_SECOND));
        given.insert(at, Trade { kind: TradeKind::Backfilled, ..trade });
    }
    let events = crate::support::with_heartbeats(&given, 70_000);
    let want = run_in(&settings, 9, &events, 1, usize::MAX);
    assert!(want.len() > 50, "{}", want.len());
    for kind in ["Enter", "Exit", "Withdrawn", "late", "digest"] {
        assert!(want.iter().any(|alert| alert.contains(kind)), "no {kind} in {want:?}");
    }
    for (threads, cut) in [(1, 1), (1, 7), (1, 64), (2, 4_096), (2, 64)] {
        assert_eq!(run_in(&settings, 9, &events, threads, cut), want, "{threads} {cut}");
    }
}

#[test]
fn what_was_there_before_the_first_print_is_history() {
    // Candles of the venue from before: they are judged, and nobody is told of them.
    let plain = settings(&["1m"], &[rule("close > 1")], None);
    let candle = |minute: u64, close: i64| {
        use systems::candle::{Candle, VenueCandle};
        use systems::units::{Price, Quantity};
        let price = Price(close);
        let candle = Candle {
            open_time: START.plus(minute * MINUTE),
            open: price,
            high: price,
            low: price,
            close: price,
            volume: Quantity(1_000),
            quote_volume: 1_000 * close as u128,
            trades: 1,
            ..Candle::default()
        };
        let candle = VenueCandle { candle, first_id: 0, last_id: 0 };
        Event::Control(Control::VenueCandle { symbol: SymbolId(0), interval: 0, candle })
    };
    let mut events = vec![beat(3, 0), candle(0, 90), candle(1, 101), candle(2, 102), beat(3, 2)];
    for (minute, price) in [(3, 103), (4, 90), (5, 104)] {
        events.push(Event::Print(print(0, minute, price)));
        events.push(beat(minute + 1, 1));
    }
    assert_eq!(alerts(&plain, 1, &events), ["5 0 Enter"], "neither its beginning nor its end");
}

#[test]
fn rules_on_forming_candles_are_judged_at_heartbeats() {
    let when = "forming close > 1 and forming close > closed close";
    let watching = |rule: Rule, events: &[Event]| {
        alerts(&settings(&["1m", "3m"], &[Rule { forming: true, ..rule }], None), 1, events)
    };
    let price = |id: u64, seconds: u64, price: i64| {
        let time = START.plus(seconds * Nanos::PER_SECOND);
        Event::Print(trade(0, id, time, price, 1_000))
    };
    let events = [
        beat(0, 0),
        price(1, 5, 90),
        beat(1, 1),
        price(2, 65, 99),
        beat(1, 6),
        price(3, 70, 101),
        beat(1, 11),
        beat(1, 20),
        price(4, 81, 95),
        beat(1, 22),
        price(5, 86, 102),
        beat(1, 31),
        beat(1, 41),
    ];
    assert_eq!(
        watching(rule(when), &events),
        ["1 0 Enter provisional", "1 0 Exit provisional", "1 0 Enter provisional"]
    );
    let dwelling = Rule { dwell_ns: 10 * Nanos::PER_SECOND, ..rule(when) };
    assert_eq!(watching(dwelling, &events), ["1 0 Enter provisional"]);
    let longer = rule("forming (high - low)@3m > 0.115 and forming sma(2) > 0");
    assert_eq!(watching(longer, &events), ["1 0 Enter provisional"], "from 0.90 to 1.02");
}
