//! Tapes whose numbers are plausible to no one: refused, counted, and never a panic.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use crate::support::*;
use systems::candle::{Candle, VenueCandle};
use systems::catalog::CATALOG;
use systems::interval::Interval;
use systems::limits::{ID_MAX, QUOTE_MAX, VOLUME_MAX};
use systems::symbol::SymbolSpec;
use systems::trade::{Batch, SymbolId};
use systems::units::{Nanos, Price, Quantity, Scale};
use tapescan::config::Config;
use tapescan::engine::Engine;
use tapescan::session::Session;
use tapescan::settings::settings as settings_of;
use tapescan::symbols::Symbols;
use tapescan::tape::{Body, Entry, Header, Writer};

const MINUTE: u64 = 60 * Nanos::PER_SECOND;

/// A tape of our own making, with an entry a second.
fn tape(dir: &Path, symbols: Vec<SymbolSpec>, bodies: &[Body<'_>]) -> PathBuf {
    let (venue, program, config) = ("binance".into(), "a test".into(), String::new());
    let header = Header { venue, program, config, symbols };
    let mut writer = Writer::create(Vec::new(), &header, 1).unwrap();
    for (k, body) in bodies.iter().enumerate() {
        let received = START.plus(k as u64 * Nanos::PER_SECOND);
        writer.write(&Entry { received, body: *body }).unwrap();
    }
    let file = dir.join("hostile.tape");
    std::fs::write(&file, writer.finish().unwrap()).unwrap();
    file
}

fn tapescan(args: &[&str]) -> Output {
    let output = Command::new(env!("CARGO_BIN_EXE_tapescan")).args(args).output().unwrap();
    assert!(output.status.success(), "{output:?}");
    output
}

fn text(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

/// A candle that the venue could have sent, of the minute after the start.
fn fair() -> Candle {
    Candle {
        open_time: START.plus(MINUTE),
        open: Price(100),
        high: Price(120),
        low: Price(90),
        close: Price(110),
        volume: Quantity(10),
        quote_volume: 1_000,
        taker_buy_volume: Quantity(4),
        taker_buy_quote_volume: 400,
        trades: 3,
        ..Candle::default()
    }
}

fn body(candle: Candle, interval: Interval) -> Body<'static> {
    let candle = VenueCandle { candle, first_id: u64::MAX, last_id: 0 };
    Body::Candle { symbol: SymbolId(0), interval, candle }
}

/// What is wrong with a candle, in each of its fields.
fn wrongs() -> Vec<(&'static str, Candle)> {
    let fair = fair();
    let (far, most) = (QUOTE_MAX + 1, VOLUME_MAX + 1);
    vec![
        ("high below low", Candle { high: Price(80), low: Price(120), ..fair }),
        ("high below open", Candle { high: Price(99), ..fair }),
        ("low above close", Candle { low: Price(111), ..fair }),
        ("open beyond", Candle { open: Price(i64::MAX), ..fair }),
        ("open below", Candle { open: Price(i64::MIN), ..fair }),
        ("close beyond", Candle { close: Price(i64::MAX), ..fair }),
        ("low of zero", Candle { low: Price(0), ..fair }),
        ("low below zero", Candle { low: Price(i64::MIN), ..fair }),
        ("between two minutes", Candle { open_time: START.plus(MINUTE + 1), ..fair }),
        ("of the past", Candle { open_time: Nanos(0), ..fair }),
        ("at the end of time", Candle { open_time: Nanos(u64::MAX / MINUTE * MINUTE), ..fair }),
        ("volume below zero", Candle { volume: Quantity(-1), ..fair }),
        ("volume too large", Candle { volume: Quantity(most), ..fair }),
        ("takers below zero", Candle { taker_buy_volume: Quantity(-1), ..fair }),
        ("more takers than trades", Candle { taker_buy_volume: Quantity(11), ..fair }),
        ("quote too large", Candle { quote_volume: far, ..fair }),
        ("quote beyond all", Candle { quote_volume: u128::MAX, ..fair }),
        ("more quote of takers", Candle { taker_buy_quote_volume: 1_001, ..fair }),
        ("quote of takers beyond all", Candle { taker_buy_quote_volume: u128::MAX, ..fair }),
    ]
}

#[test]
fn candles_on_a_tape_that_cannot_be_are_refused_and_counted() {
    let minutes = ["1m", "3m"].map(|text| Interval::parse(text).unwrap());
    let symbols = Symbols::new(symbols(1)).unwrap();
    let mut session = Session::new(symbols, minutes.to_vec(), "binance");
    let mut batch = Batch::default();
    let mut taken = |candle, interval| {
        let before = session.skipped().wrong_candle;
        let entry = Entry { received: START, body: body(candle, interval) };
        batch.controls.clear();
        assert!(session.take(&entry, &mut batch).is_none());
        let taken = batch.controls.len();
        assert_eq!(session.skipped().wrong_candle, before + u64::from(taken == 0));
        taken == 1
    };
    for (what, candle) in wrongs() {
        assert!(!taken(candle, minutes[0]), "{what}");
    }
    let fair = fair();
    assert!(taken(fair, minutes[0]));
    let largest = Candle { volume: Quantity(VOLUME_MAX), quote_volume: QUOTE_MAX, ..fair };
    assert!(taken(largest, minutes[0]));
    // Three minutes may hold three times as much, and begin every third minute.
    let open_time = minutes[1].bucket(START);
    let larger =
        Candle { open_time, volume: Quantity(3 * VOLUME_MAX), quote_volume: 3 * QUOTE_MAX, ..fair };
    assert!(taken(larger, minutes[1]));
    assert!(!taken(Candle { quote_volume: 3 * QUOTE_MAX + 1, ..larger }, minutes[1]));
    assert!(!taken(Candle { open_time: open_time.plus(MINUTE), ..larger }, minutes[1]));
}

/// Numbers at and around the edges of what their field holds.
fn extreme(seed: &mut Seed) -> i64 {
    let edges = [i64::MIN, i64::MAX, VOLUME_MAX, 1 << 32, 100, 1, 0, -1];
    edges[seed.below(edges.len() as u64) as usize].wrapping_add(seed.below(3) as i64)
}

fn extreme_candle(seed: &mut Seed, minute: u64) -> Candle {
    let quotes = [0, 1_000, QUOTE_MAX, 1 << 127, u128::MAX - 2];
    let quote = |seed: &mut Seed| quotes[seed.below(5) as usize] + u128::from(seed.below(2));
    let mut candle = fair();
    candle.open_time = START.plus(minute * MINUTE);
    for _ in 0..=seed.below(3) {
        match seed.below(10) {
            0 => candle.open = Price(extreme(seed)),
            1 => candle.high = Price(extreme(seed)),
            2 => candle.low = Price(extreme(seed)),
            3 => candle.close = Price(extreme(seed)),
            4 => candle.volume = Quantity(extreme(seed)),
            5 => candle.taker_buy_volume = Quantity(extreme(seed)),
            6 => candle.quote_volume = quote(seed),
            7 => candle.taker_buy_quote_volume = quote(seed),
            8 => candle.trades = [0, 1, u32::MAX][seed.below(3) as usize],
            _ => candle.open_time = Nanos(extreme(seed) as u64),
        }
    }
    candle
}

/// All indicators on three intervals, and the venue's candles taken over.
fn everything() -> Config {
    let name = |name: &str| match name {
        "anchored_vwap" => "\"anchored_vwap(1700000000)\"".to_owned(),
        name => format!("{name:?}"),
    };
    let names: Vec<_> = CATALOG.iter().map(|entry| name(entry.name)).collect();
    let toml = format!(
        "intervals = [\"1m\", \"3m\", \"15m\"]\nlookback = 60\nindicators = [{}]\n\
         [reconcile]\nscope = \"all\"\nwinner = \"venue\"\n",
        names.join(", ")
    );
    Config::parse("a test", &toml).unwrap()
}

#[test]
fn no_candle_of_any_numbers_makes_the_engine_panic() {
    let settings = settings_of(&everything());
    let mut refused = 0;
    for round in 0..20 {
        let mut seed = Seed(round);
        let symbols = Symbols::new(symbols(1)).unwrap();
        let mut engine = Engine::new(&settings, symbols.specs(), 1).unwrap();
        let mut session = Session::new(symbols, settings.intervals.clone(), "binance");
        let mut batch = Batch::default();
        for minute in 0..200 {
            let now = START.plus(minute * MINUTE + 10 * Nanos::PER_SECOND);
            let print = trade(0, minute + 1, now, 100, 10);
            let mut bodies = vec![Body::Heartbeat(now)];
            // Prints come and stop, so that candles are taken over and compared.
            bodies.extend((minute % 60 > 30).then_some(Body::Trade(print)));
            for _ in 0..4 {
                let back = seed.below(9).min(minute);
                let candle = extreme_candle(&mut seed, minute - back);
                let interval = settings.intervals[seed.below(3) as usize];
                bodies.push(body(candle, interval));
            }
            for body in bodies {
                session.take(&Entry { received: now, body }, &mut batch);
            }
            engine.step(&mut batch, &mut |_| {});
        }
        engine.finish(&mut |_| {});
        refused += session.skipped().wrong_candle;
    }
    assert!((4_000..16_000).contains(&refused), "{refused} of 16,000");
}

#[test]
fn the_summary_says_how_many_candles_were_refused() {
    let dir = tempfile::tempdir().unwrap();
    let minute = Interval::parse("1m").unwrap();
    let mut bodies = vec![Body::Heartbeat(START)];
    let wrong: Vec<_> = wrongs().into_iter().map(|(_, candle)| body(candle, minute)).collect();
    bodies.extend(&wrong);
    let file = tape(dir.path(), symbols(1), &bodies);
    let said = text(&tapescan(&["replay", "--json", file.to_str().unwrap()]));
    let summary: serde_json::Value = serde_json::from_str(&said).unwrap();
    assert_eq!(summary["rejects"], serde_json::json!({ "wrong_candle": wrong.len() }));
}

#[test]
fn sums_of_ids_end_at_the_largest_number() {
    let dir = tempfile::tempdir().unwrap();
    let spec = |k| SymbolSpec {
        name: format!("S{k}").into(),
        price: Scale::exact(2),
        quantity: Scale::exact(3),
    };
    let mut bodies = vec![Body::Heartbeat(START)];
    for symbol in 0..6 {
        bodies.extend([1, ID_MAX].map(|id| Body::Trade(trade(symbol, id, START, 100, 1))));
    }
    let most = "18,446,744,073,709,551,615 ids ";
    let file = tape(dir.path(), (0..6).map(spec).collect(), &bodies);
    let said = text(&tapescan(&["replay", file.to_str().unwrap()]));
    assert!(said.contains(&format!("{most}are missing in 6 gaps")), "{said}");
    let given_up = |k| Body::Unrecoverable { symbol: SymbolId(k), from_id: 0, to_id: u64::MAX };
    bodies.extend((0..6).map(given_up));
    let file = tape(dir.path(), (0..6).map(spec).collect(), &bodies);
    let said = text(&tapescan(&["replay", file.to_str().unwrap()]));
    assert!(said.contains(&format!("{most}were given up")), "{said}");
}
