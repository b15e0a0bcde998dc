//! The same tape gives the same bits, however events are cut into steps and on however many
//! threads.

use crate::support::*;
use proptest::prelude::*;
use systems::trade::{Batch, Control, SymbolId, Trade, TradeKind};
use systems::units::Nanos;
use tapescan::session::Session;
use tapescan::symbols::Symbols;
use tapescan::synthetic::{Market, Spec};

/// A market with every kind of trouble, as events.
fn troubled(spec: &str) -> (Vec<systems::symbol::SymbolSpec>, Vec<Event>) {
    let market = Market::new(Spec::parse(spec).unwrap());
    let header = market.header().clone();
    let symbols = Symbols::new(header.symbols.clone()).unwrap();
    let intervals = settings(&["1m", "3m", "15m"]).intervals;
    let mut session = Session::new(symbols, intervals, &header.venue);
    let mut events = Vec::new();
    let mut batch = Batch::default();
    for entry in market {
        session.take(&entry, &mut batch);
        events.extend(batch.controls.drain(..).map(|(_, control)| Event::Control(control)));
        events.extend(batch.trades.drain(..).map(Event::Print));
    }
    (header.symbols, events)
}

const TROUBLE: &str = "symbols=40,rate=40,seed=5,duration=20m,gaps=0.002,late=0.005,reorder=0.01,\
                       duplicates=0.01,cuts=2,listings=3,delistings=2";

#[test]
fn batches_of_any_size_compute_the_same() {
    let settings = settings(&["1m", "3m", "15m"]);
    let (symbols, events) = troubled(TROUBLE);
    let (whole, _) = run(&settings, &symbols, &events, || usize::MAX);
    assert!(whole.candles.len() > 1_000);
    for size in [1, 7, 64, 4_096] {
        let (cut, _) = run(&settings, &symbols, &events, || size);
        assert_eq!(cut.digest.hex(), whole.digest.hex(), "batches of {size}");
    }
}

#[test]
fn many_threads_compute_what_one_computes() {
    let settings = settings(&["1m", "3m", "15m"]);
    // Enough prints and rows in a step that the burst schedule really runs.
    let (symbols, events) = troubled(
        "symbols=600,rate=20000,seed=6,duration=130s,gaps=0.001,late=0.002,duplicates=0.002,quiet=0",
    );
    let mut digests = Vec::new();
    for threads in [1, 2] {
        let (collected, engine) = run_on(threads, &settings, &symbols, &events, || usize::MAX);
        assert_eq!(engine.bursts() > 0, threads > 1);
        digests.push(collected.digest.hex());
    }
    assert_eq!(digests[0], digests[1]);
}

/// The same events for an engine that begins with `known` symbols: others are listed when an event
/// first names them, or one of a higher number.
fn listed_late(symbols: &[systems::symbol::SymbolSpec], known: u16, all: &[Event]) -> Vec<Event> {
    let (mut known, mut events) = (known, Vec::new());
    for event in all {
        let named = match event {
            Event::Print(trade) => trade.symbol,
            Event::Control(
                Control::Feed { symbol, .. }
                | Control::Halt { symbol, .. }
                | Control::VenueCandle { symbol, .. }
                | Control::Unrecoverable { symbol, .. }
                | Control::RequestDone { symbol, .. },
            ) => *symbol,
            Event::Control(_) => SymbolId(0),
        };
        while known <= named.0 {
            let (spec, symbol) = (&symbols[usize::from(known)], SymbolId(known));
            let (price, quantity) = (spec.price, spec.quantity);
            events.push(Event::Control(Control::List { symbol, price, quantity }));
            known += 1;
        }
        events.push(*event);
    }
    events
}

#[test]
fn symbols_listed_while_it_runs_compute_what_they_do_when_there_from_the_start() {
    let settings = settings(&["1m", "3m", "15m"]);
    let (symbols, events) = troubled(TROUBLE);
    let (whole, _) = run(&settings, &symbols, &events, || usize::MAX);
    let late = listed_late(&symbols, 5, &events);
    for size in [1, 7, 4_096, usize::MAX] {
        let (listed, engine) = run(&settings, &symbols[..5], &late, || size);
        assert_eq!(listed.digest.hex(), whole.digest.hex(), "batches of {size}");
        let strays = engine.strays();
        assert_eq!((strays.unknown_symbol, strays.bad_controls), (0, 0));
    }
    // Listed though they are there: as on tapes whose headers have them.
    let (again, _) = run(&settings, &symbols, &late, || 64);
    assert_eq!(again.digest.hex(), whole.digest.hex());
}

#[test]
fn symbols_listed_while_it_runs_compute_the_same_on_many_threads() {
    let settings = settings(&["1m", "3m", "15m"]);
    let (symbols, events) = troubled("symbols=600,rate=20000,seed=6,duration=70s,quiet=0");
    let late = listed_late(&symbols, 500, &events);
    let mut digests = Vec::new();
    for threads in [1, 2] {
        let (collected, engine) = run_on(threads, &settings, &symbols[..500], &late, || usize::MAX);
        assert_eq!(engine.bursts() > 0, threads > 1);
        digests.push(collected.digest.hex());
    }
    let (whole, _) = run_on(2, &settings, &symbols, &events, || 10_000);
    assert_eq!(digests, [whole.digest.hex(), whole.digest.hex()]);
}

#[test]
fn a_number_out_of_turn_is_not_listed() {
    let (settings, symbols) = (settings(&["1m"]), symbols(1));
    let (price, quantity) = (symbols[0].price, symbols[0].quantity);
    let list = |symbol| Event::Control(Control::List { symbol, price, quantity });
    let (_, engine) = run(&settings, &symbols, &[list(SymbolId(2)), list(SymbolId(1))], || 9);
    assert_eq!(engine.strays().bad_controls, 1);
    assert!(engine.health(SymbolId(1)).is_some() && engine.health(SymbolId(2)).is_none());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn any_cut_computes_the_same(seed: u64, cuts: u64, longest in 1u64..300) {
        let settings = settings(&["1m", "3m"]);
        let symbols = symbols(3);
        let events = noisy(&mut Seed(seed));
        let (whole, _) = run(&settings, &symbols, &events, || usize::MAX);
        let mut random = Seed(cuts);
        let (cut, _) = run(&settings, &symbols, &events, || 1 + random.below(longest) as usize);
        prop_assert_eq!(cut.digest.hex(), whole.digest.hex());
        for (key, latest) in &whole.candles {
            prop_assert_eq!(&cut.candles[key], latest);
        }
    }
}

/// A few minutes of three symbols: prints late, twice, missing, repaired, void and absurd, feeds
/// that fail, halts, ids given up, and candles of the venue, true ones and others.
fn noisy(seed: &mut Seed) -> Vec<Event> {
    let clean = clean_market(seed, 3, 420, 10);
    let mut prints: Vec<(u64, Event)> = Vec::new();
    for trade in &clean {
        let at = trade.time.0;
        let fate = seed.below(100);
        let later = at + seed.below(90_000) * Nanos::PER_MS;
        match fate {
            0 => {}
            1 => {
                prints.push((later, Event::Print(Trade { kind: TradeKind::Backfilled, ..*trade })))
            }
            2 => prints.push((later, Event::Print(*trade))),
            3 => prints.push((at, Event::Print(Trade { kind: TradeKind::Void, ..*trade }))),
            4 => prints.push((at, Event::Print(Trade { time: Nanos(1), ..*trade }))),
            5 => prints.extend([(at, Event::Print(*trade)), (later, Event::Print(*trade))]),
            _ => prints.push((at, Event::Print(*trade))),
        }
    }
    let symbol = |seed: &mut Seed| SymbolId(seed.below(3) as u16);
    for _ in 0..12 {
        let at = START.0 + seed.below(420_000) * Nanos::PER_MS;
        let (feed, halted, given_up) = (symbol(seed), symbol(seed), symbol(seed));
        let until = at + seed.below(60_000) * Nanos::PER_MS;
        let from_id = 1_000 + seed.below(1_000);
        let controls = [
            (at, Control::Feed { symbol: feed, up: false }),
            (until, Control::Feed { symbol: feed, up: true }),
            (at, Control::Halt { symbol: halted, halted: true }),
            (until, Control::Halt { symbol: halted, halted: false }),
            (until, Control::Unrecoverable { symbol: given_up, from_id, to_id: from_id + 5 }),
            (until, Control::RequestDone { symbol: feed, interval: None }),
            (until, Control::RequestDone { symbol: halted, interval: Some(0) }),
        ];
        prints.extend(controls.map(|(at, control)| (at, Event::Control(control))));
    }
    prints.extend(venue_candles(seed, &clean));
    prints.sort_by_key(|(at, _)| *at);
    let mut events = Vec::new();
    let mut beat = 0;
    for (at, event) in prints {
        if at / (100 * Nanos::PER_MS) > beat {
            beat = at / (100 * Nanos::PER_MS);
            events.push(Event::Control(Control::Heartbeat(Nanos(beat * 100 * Nanos::PER_MS))));
        }
        events.push(event);
    }
    events
}

fn venue_candles(seed: &mut Seed, clean: &[Trade]) -> Vec<(u64, Event)> {
    let intervals = settings(&["1m", "3m"]).intervals;
    let mut candles = Vec::new();
    let end = START.plus(420 * Nanos::PER_SECOND);
    for symbol in 0..3 {
        for (index, interval) in intervals.iter().enumerate() {
            for candle in naive_candles(clean, symbol, *interval, end) {
                let mut venue = systems::candle::VenueCandle { candle, ..Default::default() };
                match seed.below(6) {
                    0 => continue,
                    1 => venue.candle.volume.0 += 1,
                    2 => venue.candle.trades += 1,
                    _ => {}
                }
                let at = candle.open_time.0 + interval.ns() + seed.below(5_000) * Nanos::PER_MS;
                let control = Control::VenueCandle {
                    symbol: SymbolId(symbol),
                    interval: index as u8,
                    candle: venue,
                };
                candles.push((at, Event::Control(control)));
            }
        }
    }
    candles
}
