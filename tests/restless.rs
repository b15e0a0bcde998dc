//! Restless markets: everything that can happen to a feed, at random and together. Whatever it is,
//! sparing rows that nothing happened to may not show, nor where batches are cut, and every print
//! counted as folded is in a candle.
use crate::support::*;
use proptest::prelude::*;
use systems::candle::{Candle, Mark, VenueCandle};
use systems::catalog::CATALOG;
use systems::interval::Interval;
use systems::pulse::{Beat, Clock};
use systems::settings::{IndicatorSetting, Scope, Settings, Winner};
use systems::trade::{Batch, Control, SymbolId, Trade, TradeKind};
use systems::units::{Nanos, Price, Quantity};
use tapescan::engine::Engine;

const S: u64 = Nanos::PER_SECOND;

/// How long a market lasts.
const SECONDS: u64 = 420;

fn any_settings(seed: &mut Seed) -> Settings {
    let lists: [&[&str]; 4] = [&["1m", "3m"], &["1s", "5s", "15s"], &["5s", "15s"], &["1m", "15m"]];
    let list = lists[seed.below(4) as usize];
    let intervals: Vec<_> = list.iter().map(|t| Interval::parse(t).unwrap()).collect();
    let mut indicators = Vec::new();
    for interval in 0..intervals.len() as u8 {
        for (name, params) in [("sma", &[3.0][..]), ("ema", &[4.0][..]), ("donchian", &[5.0][..])] {
            let entry = CATALOG.iter().find(|e| e.name == name).unwrap();
            indicators.push(IndicatorSetting { interval, entry, params: params.to_vec() });
        }
    }
    Settings {
        lookback: (0..intervals.len()).map(|_| [20, 60, 300][seed.below(3) as usize]).collect(),
        intervals,
        indicators,
        grace_ns: [0, 500 * Nanos::PER_MS, 3 * S, 60 * S][seed.below(4) as usize],
        winner: if seed.one_in(2) { Winner::Ours } else { Winner::Venue },
        scope: [Scope::Off, Scope::Suspect, Scope::All][seed.below(3) as usize],
        requests_max: [1, 3, 1_024][seed.below(3) as usize],
        rules: systems::rule::Rules::default(),
    }
}

/// Restless events.
fn restless(
    seed: &mut Seed,
    settings: &Settings,
    symbols: u16,
    venue: bool,
    jump: bool,
) -> Vec<Event> {
    let seconds = SECONDS;
    let busy = 1 + seed.clone_below(20);
    let clean = clean_market(seed, symbols, seconds, busy);
    let mut timed: Vec<(u64, Event)> = Vec::new();
    for trade in &clean {
        let at = trade.time.0;
        let later = at + seed.below(150_000) * Nanos::PER_MS;
        match seed.below(60) {
            0 => {}
            1 => timed.push((later, Event::Print(Trade { kind: TradeKind::Backfilled, ..*trade }))),
            2 => timed.push((later, Event::Print(*trade))),
            3 => timed.push((at, Event::Print(Trade { kind: TradeKind::Void, ..*trade }))),
            4 => timed.push((at, Event::Print(Trade { time: Nanos(1), ..*trade }))),
            5 => timed.extend([(at, Event::Print(*trade)), (later, Event::Print(*trade))]),
            6 => timed.push((at, Event::Print(Trade { time: trade.time.plus(3 * S), ..*trade }))),
            7 => timed.push((
                at,
                Event::Print(Trade { quantity: Quantity(i64::MAX / 90_000), ..*trade }),
            )),
            8 => timed.push((
                at,
                Event::Print(Trade { time: trade.time.minus(seed.below(100) * S), ..*trade }),
            )),
            _ => timed.push((at, Event::Print(*trade))),
        }
    }
    let sym = |seed: &mut Seed| SymbolId(seed.below(u64::from(symbols)) as u16);
    for _ in 0..20 {
        let at = START.0 + seed.below(seconds * 1_000) * Nanos::PER_MS;
        let until = at + seed.below(90_000) * Nanos::PER_MS;
        let (a, b, c, d, e) = (sym(seed), sym(seed), sym(seed), sym(seed), sym(seed));
        let from_id = 1_000 + seed.below(1_500);
        let interval = seed.below(settings.intervals.len() as u64) as u8;
        let controls = [
            (at, Control::Feed { symbol: a, up: false }),
            (until, Control::Feed { symbol: a, up: true }),
            (at, Control::Halt { symbol: b, halted: true }),
            (until, Control::Halt { symbol: b, halted: false }),
            (until, Control::Unrecoverable { symbol: c, from_id, to_id: from_id + seed.below(9) }),
            (until, Control::RequestDone { symbol: d, interval: None }),
            (until, Control::RequestDone { symbol: e, interval: Some(interval) }),
        ];
        let n = 1 + seed.below(7) as usize;
        timed.extend(controls.into_iter().take(n).map(|(at, c)| (at, Event::Control(c))));
    }
    if venue {
        timed.extend(venue_candles(seed, settings, symbols, &clean));
    }
    timed.sort_by_key(|(at, _)| *at);
    with_time(seed, timed, jump)
}

/// Most of the venue's candles, some of them wrong, each up to nine seconds after its end.
fn venue_candles(
    seed: &mut Seed,
    settings: &Settings,
    symbols: u16,
    clean: &[Trade],
) -> Vec<(u64, Event)> {
    let mut timed = Vec::new();
    for symbol in 0..symbols {
        for (index, interval) in settings.intervals.iter().enumerate() {
            for candle in naive_candles(clean, symbol, *interval, START.plus(SECONDS * S)) {
                let mut told = VenueCandle { candle, ..Default::default() };
                match seed.below(8) {
                    0..3 => continue,
                    3 => told.candle.volume.0 += 1,
                    4 => told.candle.trades += 1,
                    _ => {}
                }
                let at = candle.open_time.0 + interval.ns() + seed.below(9_000) * Nanos::PER_MS;
                let (symbol, interval) = (SymbolId(symbol), index as u8);
                let control = Control::VenueCandle { symbol, interval, candle: told };
                timed.push((at, Event::Control(control)));
            }
        }
    }
    timed
}

/// Heartbeats among the events, silences, jumps of time, and ids that begin anew.
fn with_time(seed: &mut Seed, timed: Vec<(u64, Event)>, jump: bool) -> Vec<Event> {
    let mut events = Vec::new();
    let (mut beat, mut silent_until) = (0, 0);
    let step = 100 * Nanos::PER_MS;
    let mut added = 0;
    let mut ids = 0;
    for (at, mut event) in timed {
        if seed.one_in(400) {
            silent_until = at + seed.below(100) * S;
        }
        if jump && seed.one_in(700) {
            added += 3 * 86_400 * S;
        }
        if seed.one_in(900) {
            ids += 1;
        }
        let at = at + added;
        if at / step > beat && at >= silent_until + added.min(silent_until * added.min(1)) {
            beat = at / step;
            events.push(Event::Control(Control::Heartbeat(Nanos(beat * step))));
        }
        match &mut event {
            Event::Print(trade) if trade.time.0 > 1 => {
                trade.time.0 += added;
                if ids % 2 == 1 {
                    trade.id -= 990;
                    trade.first_id -= 990;
                }
            }
            Event::Control(Control::VenueCandle { candle, .. }) => {
                candle.candle.open_time.0 += added / (60 * S) * (60 * S)
            }
            _ => {}
        }
        events.push(event);
    }
    events.push(Event::Control(Control::Heartbeat(Nanos(beat * step + 200 * S))));
    events
}

/// A number that does not move the seed on.
trait CloneBelow {
    fn clone_below(&mut self, n: u64) -> u64;
}
impl CloneBelow for Seed {
    fn clone_below(&mut self, n: u64) -> u64 {
        let mut s = Seed(self.0);
        s.below(n)
    }
}

fn run_awake(settings: &Settings, count: usize, events: &[Event]) -> (Collected, Engine) {
    drop(Engine::new(settings, &[], 2).unwrap());
    let mut engine = Engine::new(settings, &symbols(count), 1).unwrap();
    let mut collected = Collected::new(settings);
    let mut batch = Batch::default();
    let mut clock = Clock::new(settings.base(), settings.grace_ns);
    for event in events {
        match event {
            Event::Print(trade) => batch.push(*trade),
            Event::Control(Control::Heartbeat(to)) => {
                while let Beat::Pulse(at) = clock.beat(*to) {
                    batch.control(Control::Heartbeat(at));
                    engine.call_all();
                    engine.step(&mut batch, &mut |outbox| collected.take(outbox));
                }
                batch.control(Control::Heartbeat(*to));
            }
            Event::Control(control) => batch.control(*control),
        }
    }
    engine.step(&mut batch, &mut |outbox| collected.take(outbox));
    engine.call_all();
    engine.finish(&mut |outbox| collected.take(outbox));
    (collected, engine)
}

proptest! {
    #![proptest_config(ProptestConfig {
        failure_persistence: None,
        ..ProptestConfig::with_cases(40)
    })]

    #[test]
    fn rows_that_nothing_happened_to_may_sleep(seed: u64, venue: bool, jump: bool) {
        let mut s = Seed(seed);
        let settings = any_settings(&mut s);
        let n = 1 + s.below(4) as u16;
        let events = restless(&mut s, &settings, n, venue, jump);
        let (normal, _) = run(&settings, &symbols(n.into()), &events, || usize::MAX);
        let (awake, _) = run_awake(&settings, n.into(), &events);
        prop_assert_eq!(normal.digest.hex(), awake.digest.hex());
    }

    #[test]
    fn cuts_do_not_show(seed: u64, venue: bool, jump: bool) {
        let mut s = Seed(seed);
        let settings = any_settings(&mut s);
        let n = 1 + s.below(4) as u16;
        let events = restless(&mut s, &settings, n, venue, jump);
        let (normal, _) = run(&settings, &symbols(n.into()), &events, || usize::MAX);
        let (cut, _) = run(&settings, &symbols(n.into()), &events, || 1 + s.below(50) as usize);
        prop_assert_eq!(normal.digest.hex(), cut.digest.hex());
    }

    #[test]
    fn every_folded_print_is_in_a_candle(seed: u64, jump: bool) {
        let mut s = Seed(seed);
        let settings = any_settings(&mut s);
        let n = 1 + s.below(4) as u16;
        let events = restless(&mut s, &settings, n, false, jump);
        let (collected, engine) = run(&settings, &symbols(n.into()), &events, || usize::MAX);
        for symbol in 0..n {
            let closed: u64 = collected.row(symbol, 0).iter().map(|c| u64::from(c.trades)).sum();
            let open = engine.forming(SymbolId(symbol)).map_or(0, |c| u64::from(c.trades));
            prop_assert_eq!(engine.folded(SymbolId(symbol)), closed + open, "symbol {}", symbol);
        }
    }
}

fn hb(at: Nanos) -> Event {
    Event::Control(Control::Heartbeat(at))
}

#[test]
fn a_candle_adopted_behind_a_print_leaves_no_print_stuck() {
    // Klines up to minute 5 adopted; then minute 9 decided; then a backfilled print of minute 7.
    let settings = settings(&["1m"]);
    let minute = 60 * S;
    let venue = |k: u64| {
        let candle = Candle { trades: 1, ..Candle::quiet(START.plus(k * minute), Price(10_000)) };
        Event::Control(Control::VenueCandle {
            symbol: SymbolId(0),
            interval: 0,
            candle: VenueCandle { candle, ..Default::default() },
        })
    };
    let now = START.plus(10 * minute);
    let mut events = vec![
        hb(now),
        venue(5),
        hb(now.plus(S)),
        hb(now.plus(2 * S)),
        venue(9),
        hb(now.plus(3 * S)),
    ];
    let first = trade(0, 1_000, START.plus(7 * minute + S), 10_000, 1);
    events.push(Event::Print(Trade { kind: TradeKind::Backfilled, ..first }));
    events.push(hb(now.plus(4 * S)));
    for (id, ms) in (1_001..).zip((5_000..400_000).step_by(100)) {
        let at = now.plus(ms * Nanos::PER_MS);
        events.push(Event::Print(trade(0, id, at, 10_000, 1)));
        events.push(hb(at.minus(50 * Nanos::PER_MS)));
    }
    let (collected, engine) = run(&settings, &symbols(1), &events, || usize::MAX);
    let row = collected.row(0, 0);
    let closed: u64 =
        row.iter().filter(|c| c.mark != Mark::Reconciled).map(|c| u64::from(c.trades)).sum();
    let open = engine.forming(SymbolId(0)).map_or(0, |c| u64::from(c.trades));
    assert_eq!(engine.folded(SymbolId(0)), closed + open);
}

#[test]
fn first_prints_may_be_hours_old() {
    // An illiquid symbol: its first prints are hours old, two minutes apart, in one pulse.
    let settings = settings(&["1m"]);
    let minute = 60 * S;
    let now = START.plus(1_000 * minute);
    let mut events = vec![hb(now)];
    events.push(Event::Print(trade(0, 1_000, START.plus(S), 10_000, 1)));
    events.push(Event::Print(trade(0, 1_001, START.plus(S + minute + 1), 10_000, 1)));
    events.push(hb(now.plus(4 * S)));
    for (id, ms) in (1_002..).zip((5_000..400_000).step_by(100)) {
        let at = now.plus(ms * Nanos::PER_MS);
        events.push(Event::Print(trade(0, id, at, 10_000, 1)));
        events.push(hb(at.minus(50 * Nanos::PER_MS)));
    }
    let (collected, engine) = run(&settings, &symbols(1), &events, || usize::MAX);
    let row = collected.row(0, 0);
    let closed: u64 = row.iter().map(|c| u64::from(c.trades)).sum();
    let open = engine.forming(SymbolId(0)).map_or(0, |c| u64::from(c.trades));
    assert_eq!(engine.folded(SymbolId(0)), closed + open);
}

#[test]
fn ids_given_up_are_counted_up_to_the_largest_number() {
    let settings = settings(&["1m"]);
    let mut events = vec![hb(START)];
    for k in 0..6u64 {
        let at = START.plus(k * 70 * S);
        events.push(hb(at));
        events.push(Event::Print(trade(0, 1, at, 10_000, 1)));
        events.push(Event::Print(trade(0, 1 << 62, at, 10_000, 1)));
    }
    events.push(hb(START.plus(500 * S)));
    let (_, engine) = run(&settings, &symbols(1), &events, || usize::MAX);
    assert_eq!(engine.unrecoverable(SymbolId(0)), u64::MAX);
}

#[test]
fn a_repair_that_failed_proves_nothing_about_an_outage() {
    let settings = settings(&["1m"]);
    let mut events = vec![hb(START)];
    let p = |id, ms: u64| Event::Print(trade(0, id, START.plus(ms * Nanos::PER_MS), 10_000, 1));
    events.extend([p(10, 1_000), p(13, 2_000), hb(START.plus(5 * S))]);
    events.push(Event::Control(Control::Feed { symbol: SymbolId(0), up: false }));
    events.push(Event::Control(Control::Feed { symbol: SymbolId(0), up: true }));
    // The request for 11..12 failed.
    events.push(Event::Control(Control::RequestDone { symbol: SymbolId(0), interval: None }));
    events.push(Event::Control(Control::Unrecoverable {
        symbol: SymbolId(0),
        from_id: 11,
        to_id: 12,
    }));
    events.push(hb(START.plus(200 * S)));
    let (quiet, _) = run(&settings, &symbols(1), &events, || usize::MAX);
    assert!(
        quiet.row(0, 0).iter().all(|c| c.mark != Mark::Quiet),
        "nobody knows that these were quiet"
    );
}
