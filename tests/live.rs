//! A live session against the simulated exchange, over sockets: what it closes is the venue's
//! truth, what it misses is repaired by id, and its tape replays to the same digest.

mod boundary;
mod ending;
mod faults;
mod killed;
mod klines;
mod listing;
mod long;
mod metrics;
mod recording;
mod rules;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use systems::candle::{Candle, Mark};
use systems::trade::{Aggressor, Trade, TradeKind};
use systems::units::Nanos;
use tapescan::config::Config;
use tapescan::live::{self, Choice, Ended, Options};
use tapescan::replay::{Outputs, Plan, Speed, Summary, Tapes, replay};
use tapescan::settings::widths;
use tapescan::sim::{Exchange, Fault, Feed, SimConfig};
use tapescan::synthetic::Spec;
use tapescan::tape;
use tapescan::venue::Venue;

/// Candles of a second, so that some close within a few.
const CONFIG: &str = r#"
    intervals = ["1s", "1m"]
    lookback = 60
    indicators = ["ema(12)"]
    [rules.up]
    when = "rising(1)"
    [rules.new]
    when = "listed_for < 10s or stale(3s)"
    [tables.busiest]
    by = "volume"
    top = 3
    columns = ["close", "quiet_for"]
"#;

/// A new tape every two seconds.
pub(crate) fn config() -> Config {
    let mut config = Config::parse("here", CONFIG).unwrap();
    config.record.every_ns = 2 * Nanos::PER_SECOND;
    config
}

pub(crate) fn exchange(faults: &[&str]) -> Exchange {
    let spec = Spec { symbols: 4, rate: 200.0, duration: 86_400, ..Spec::default() };
    let faults = faults.iter().map(|text| Fault::parse(text).unwrap()).collect();
    Exchange::start(SimConfig { feed: Feed::Synthetic(spec), faults, ..SimConfig::default() })
        .unwrap()
}

pub(crate) fn options(exchange: &Exchange, seconds: u64, dir: &Path) -> Options {
    Options {
        venue: Venue::BinanceSpot,
        requests: Some(format!("http://{}", exchange.addr())),
        streams: Some(format!("ws://{}", exchange.addr())),
        choice: Choice::All,
        record: Some(dir.to_owned()),
        resume: true,
        run_for: Some(Duration::from_secs(seconds)),
        threads: 1,
        keep_candles: true,
        speed: 1.0,
    }
}

/// The program, recording an exchange for so many seconds as `scanner.toml` in `dir` says.
pub(crate) fn program(exchange: &Exchange, config: &str, dir: &Path, seconds: u64) -> Command {
    let file = dir.join("scanner.toml");
    std::fs::write(&file, config).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_tapescan"));
    command.args(["live", "--exchange", "binance", "--symbols", "top:4", "--json"]);
    command.arg("--config").arg(&file).arg("--record").arg(dir.join("tapes"));
    command.arg("--requests").arg(format!("http://{}", exchange.addr()));
    command.arg("--streams").arg(format!("ws://{}", exchange.addr()));
    command.args(["--for", &format!("{seconds}s")]);
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// Follows an exchange for so many seconds of this machine.
fn follow(exchange: &Exchange, seconds: u64, dir: &Path) -> Ended {
    live::run(&options(exchange, seconds, dir), &config(), &mut |_| {}).unwrap()
}

/// The candles of a second that a symbol's prints give.
fn truth(trades: &[Trade]) -> BTreeMap<Nanos, Candle> {
    truth_of(trades, Nanos::PER_SECOND)
}

fn truth_of(trades: &[Trade], interval_ns: u64) -> BTreeMap<Nanos, Candle> {
    let mut candles = BTreeMap::new();
    for trade in trades.iter().filter(|trade| trade.kind == TradeKind::Market) {
        let open_time = Nanos(trade.time.0 - trade.time.0 % interval_ns);
        let (open, high, low) = (trade.price, trade.price, trade.price);
        let first = Candle { open_time, open, high, low, ..Candle::default() };
        let candle: &mut Candle = candles.entry(open_time).or_insert(first);
        let quote = trade.price.0 as u128 * trade.quantity.0 as u128;
        (candle.high, candle.low) = (candle.high.max(trade.price), candle.low.min(trade.price));
        candle.close = trade.price;
        candle.volume.0 += trade.quantity.0;
        candle.quote_volume += quote;
        candle.trades += trade.count;
        if trade.aggressor == Aggressor::Buyer {
            candle.taker_buy_volume.0 += trade.quantity.0;
            candle.taker_buy_quote_volume += quote;
        }
    }
    candles
}

/// Compares every candle that is said to hold all prints with the truth; how many there were.
fn assert_true(exchange: &Exchange, ended: &Ended) -> usize {
    let mut compared = 0;
    let truths: Vec<_> =
        ended.symbols.specs().iter().map(|spec| truth(&exchange.trades(&spec.name))).collect();
    for ((symbol, interval, open_time), latest) in ended.outputs.candles().unwrap() {
        let whole = matches!(latest.candle.mark, Mark::Complete | Mark::Amended);
        if *interval == 0 && whole {
            let known = truths[usize::from(symbol.0)].get(open_time).unwrap();
            assert!(latest.candle.same_numbers(known), "{:?}\n{known:?}", latest.candle);
            compared += 1;
        }
    }
    compared
}

/// The tapes with which a session began and those that it made.
fn tapes(ended: &Ended) -> Vec<PathBuf> {
    let record = ended.record.as_ref().unwrap();
    assert!(record.failed.is_none());
    let own = record.tapes.iter().map(|taped| taped.file.clone());
    record.earlier.iter().cloned().chain(own).collect()
}

fn replayed(ended: &Ended) -> Summary {
    let files = tapes(ended);
    for file in &files {
        let verification = tape::verify(file).unwrap();
        assert!(verification.end.sealed && verification.end.damage.is_none());
    }
    let mut tapes = Tapes::open(&files).unwrap();
    let config = Config::parse("the tape", tapes.config()).unwrap();
    let mut outputs = Outputs::new(widths(&config), false);
    let plan = Plan { batch: 1_000, threads: 1, speed: Speed::Max };
    replay(&mut tapes, &config, &plan, &mut outputs, &mut tapescan::progress::Unseen).unwrap()
}

#[test]
fn without_faults_every_whole_candle_is_the_venues_and_the_tape_replays_to_the_same_bits() {
    let (exchange, dir) = (exchange(&[]), tempfile::tempdir().unwrap());
    let ended = follow(&exchange, 4, dir.path());
    let compared = assert_true(&exchange, &ended);
    let summary = &ended.summary;
    assert!(compared >= 4, "{compared} candles, {summary:?}");
    assert_eq!(summary.rejects(), []);
    assert_eq!((summary.gaps.len(), summary.unrecoverable, ended.shown.status.lost), (0, 0, 0));
    assert_eq!(summary.symbols, (4, 4));
    let again = replayed(&ended);
    assert_eq!((&again.digest, again.trades), (&summary.digest, summary.trades));
    assert!(summary.alerts > 0 && summary.moves >= 3, "{} {}", summary.alerts, summary.moves);
    assert_eq!((again.alerts, again.moves), (summary.alerts, summary.moves));
    assert_eq!((&again.tables, again.tables[0].places.len()), (&summary.tables, 3));
    assert!(tapes(&ended).len() >= 2, "{:?}", tapes(&ended));
}

#[test]
fn what_is_missed_is_repaired_by_id_and_replays_to_the_same_bits() {
    let faults = ["disconnect:at=2s", "missing:share=0.02,seed=3"];
    let (exchange, dir) = (exchange(&faults), tempfile::tempdir().unwrap());
    let ended = follow(&exchange, 7, dir.path());
    let compared = assert_true(&exchange, &ended);
    let summary = &ended.summary;
    assert!(compared >= 8, "{compared} candles, {summary:?}");
    assert!(ended.shown.status.lost >= 1 && summary.health.filled > 0, "{summary:?}");
    assert_eq!(summary.unrecoverable, 0);
    let again = replayed(&ended);
    assert_eq!((&again.digest, again.trades), (&summary.digest, summary.trades));
}
