//! Stopwatches in the engine: they change no bit, and measure only what runs.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use systems::trade::{Batch, Control};
use systems::units::Nanos;
use tapescan::config::Config;
use tapescan::digest::Digest;
use tapescan::engine::Engine;
use tapescan::latency::{Ask, Spent, Stage};
use tapescan::session::Session;
use tapescan::settings::{settings, widths};
use tapescan::symbols::Symbols;
use tapescan::synthetic::{Market, Spec};

/// A clock that passes 1 us each time it is asked, and how often that was.
fn counting() -> (Ask, Arc<AtomicU64>) {
    let asked = Arc::new(AtomicU64::new(0));
    let own = asked.clone();
    (Arc::new(move || Nanos(own.fetch_add(1, Ordering::Relaxed) * 1_000)), asked)
}

fn digest(spec: &str, threads: usize, watched: bool) -> (String, u64, u64) {
    let market = Market::new(Spec::parse(spec).unwrap());
    let header = market.header().clone();
    let told = settings(&Config::default());
    let symbols = Symbols::new(header.symbols.clone()).unwrap();
    let mut session = Session::new(symbols, told.intervals.clone(), &header.venue);
    let (ask, asked) = counting();
    let mut engine = match watched {
        true => Engine::watched(&told, &header.symbols, threads, ask).unwrap(),
        false => Engine::new(&told, &header.symbols, threads).unwrap(),
    };
    let mut digest = Digest::new(widths(&Config::default()));
    let mut batch = Batch::default();
    for entry in market {
        session.take(&entry, &mut batch);
        if batch.len() >= 20_000 {
            engine.step(&mut batch, &mut |outbox| digest.take(outbox));
        }
    }
    engine.step(&mut batch, &mut |outbox| digest.take(outbox));
    engine.finish(&mut |outbox| digest.take(outbox));
    let spent: u64 = engine.spent().ns.iter().sum();
    (digest.hex(), spent, asked.load(Ordering::Relaxed))
}

#[test]
fn an_engine_with_stopwatches_says_the_same_on_any_number_of_threads() {
    for spec in [
        "symbols=40,rate=40,seed=5,duration=20m,gaps=0.002,late=0.005,duplicates=0.01,cuts=2",
        // Enough rows that the burst schedule runs, with its own stopwatches.
        "symbols=600,rate=20000,seed=6,duration=70s,gaps=0.001,late=0.002,quiet=0",
    ] {
        let (plain, nothing, never) = digest(spec, 2, false);
        assert_eq!((nothing, never), (0, 0), "who is not watched asks no clock");
        for threads in [1, 2] {
            let (bits, spent, asked) = digest(spec, threads, true);
            assert_eq!(bits, plain, "{threads} threads");
            assert!(spent > 0 && asked > 0);
        }
    }
}

fn step(engine: &mut Engine, controls: &[Control]) -> (Spent, usize) {
    let mut batch = Batch::default();
    controls.iter().for_each(|control| batch.control(*control));
    let mut sinks = 0;
    engine.step(&mut batch, &mut |_| sinks += 1);
    (engine.spent(), sinks)
}

#[test]
fn a_stage_is_measured_only_where_it_runs() {
    let market = Market::new(Spec::parse("symbols=1,rate=10,seed=5,duration=1m").unwrap());
    let told = settings(&Config::default());
    let specs = market.header().symbols.clone();
    let (ask, asked) = counting();
    let mut engine = Engine::watched(&told, &specs, 1, ask).unwrap();
    let ran = |spent: &Spent| {
        let stages = Stage::INNER.iter().zip(spent.ran);
        stages.filter(|(_, ran)| *ran).map(|(stage, _)| stage.name()).collect::<Vec<_>>()
    };
    // Nothing at all: the schedule does not run.
    assert_eq!(ran(&step(&mut engine, &[]).0), [""; 0]);
    assert_eq!(asked.load(Ordering::Relaxed), 0);
    let minute = Nanos::from_seconds(1_723_161_600);
    let beat = |ms| Control::Heartbeat(minute.plus(ms * Nanos::PER_MS));
    // A pulse in which no row is awake has no indicators to fold.
    step(&mut engine, &[beat(0), beat(500)]);
    let (spent, sinks) = step(&mut engine, &[beat(1_600)]);
    assert_eq!(sinks, 0);
    assert_eq!(ran(&spent), ["ingest", "aggregate", "dispatch"]);
    // Each asked once, after the one before it.
    assert_eq!(spent.ns[..2], [1_000, 1_000]);
    // Prints alone are taken in, and nothing else runs.
    let mut batch = Batch::default();
    let trade = market.truth().next().unwrap();
    batch.push(trade);
    engine.step(&mut batch, &mut |_| {});
    assert_eq!(ran(&engine.spent()), ["ingest"]);
    // The end of its candle wakes the row, and somebody takes what comes out.
    let end = trade.time.0 / (60 * Nanos::PER_SECOND) * 60_000 + 61_000;
    let (spent, sinks) = step(&mut engine, &[Control::Heartbeat(Nanos::from_ms(end))]);
    assert!(sinks > 0);
    assert_eq!(ran(&spent), Stage::INNER.map(Stage::name));
    assert!(spent.ns.iter().all(|ns| *ns >= 1_000), "{spent:?}");
}
