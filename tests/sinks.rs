//! Alerts at sinks that are down, slow, refuse or are killed: each arrives once by its key, in
//! order, and nothing else waits for it.

mod hook;
mod killed;
mod mistakes;
mod names;
mod nats;
mod session;
mod webhook;

use std::path::{Path, PathBuf};
use std::time::Duration;

use systems::candle::Candle;
use systems::rule::{Alert, Kind};
use systems::symbol::SymbolSpec;
use systems::trade::SymbolId;
use systems::units::{Nanos, Scale};
use tapescan::clock::Stopwatch;
use tapescan::config::Config;
use tapescan::replay::{Said, Told};
use tapescan::sinks::{Handed, SinkStatus, Sinks, Teller, Window};
use tapescan::symbols::Symbols;

use crate::support::START;

/// Longer than anything takes on a machine that is not stalled for good.
const LONG: Duration = Duration::from_secs(60);

/// A rule, and what waits in `dir`.
fn config(dir: &Path, sinks: &str) -> Config {
    let dir = dir.join("alerts");
    let rules = "[rules.up]\nwhen = \"close > open\"\n[rules.wide]\nwhen = \"high > low\"\n";
    let text = format!("[alerts]\ndir = {dir:?}\n{rules}{sinks}");
    Config::parse("here", &text).unwrap()
}

/// Sinks at work, for alerts of one symbol.
fn open(config: &Config) -> (Teller, Window) {
    start(config, |_| true)
}

/// The same once `on_tape` says so.
fn start(config: &Config, on_tape: impl Fn(u64) -> bool + Send + 'static) -> (Teller, Window) {
    let symbols = Symbols::new(vec![spec("A币USDT")]).unwrap();
    let sinks = Sinks::open(config, START).unwrap();
    sinks.start(config, &symbols, Box::new(on_tape)).unwrap()
}

fn spec(name: &str) -> SymbolSpec {
    let scale = Scale::exact(2);
    SymbolSpec { name: name.into(), price: scale, quantity: scale }
}

/// The alert of the nth second.
fn alert(n: u64) -> Handed {
    let at = START.plus(n * Nanos::PER_SECOND);
    let alert = Alert {
        kind: Kind::Enter,
        rule: Some(0),
        symbol: SymbolId(0),
        interval: 0,
        candle: Candle { open_time: at, ..Candle::default() },
        entered: at,
        at,
        late: false,
        provisional: false,
        converged: true,
        clauses: (0, 3),
        held: (0, 0),
        count: 0,
    };
    let told = Told { alert, clauses: vec![1.0, 2.0, f64::NAN], held: Vec::new() };
    Handed { said: Said::Alert(told), received: Some(at) }
}

fn key(n: u64) -> String {
    let at = START.plus(n * Nanos::PER_SECOND).ms();
    format!("up/A币USDT/1m/{at}/enter/{at}")
}

fn tell(teller: &Teller, range: std::ops::Range<u64>) {
    for n in range {
        // A millisecond and a half after its event.
        let handed = alert(n);
        let at = handed.received.unwrap().plus(1_500_000);
        teller.tell(vec![handed], at, 0);
    }
}

/// Waits until a sink stands as it should.
fn until(window: &Window, what: &str, stands: impl Fn(&SinkStatus) -> bool) -> SinkStatus {
    let watch = Stopwatch::start();
    loop {
        let status = window.look().sinks.remove(0);
        if stands(&status) {
            return status;
        }
        assert!(watch.elapsed() < LONG, "{what}: {status:?}");
        std::thread::sleep(Duration::from_millis(3));
    }
}

/// A file in `dir` that nobody else can read.
fn secret(dir: &Path, text: &str) -> PathBuf {
    let file = dir.join("secret");
    std::fs::write(&file, text).unwrap();
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        std::fs::set_permissions(&file, PermissionsExt::from_mode(0o600)).unwrap();
    }
    file
}

/// An alert's text without the one number that a replay does not know.
fn without_latency(alert: &str) -> String {
    let Some((before, after)) = alert.split_once("\"latency_us\":") else { panic!("{alert}") };
    let (_, after) = after.split_once(',').unwrap();
    format!("{before}{after}")
}
