//! How the cost of a print grows: with symbols (beside the hand-written loop), intervals,
//! indicators, lookback and threads, one at a time around the defaults. A plain program: what it
//! prints, `table.sh` reads.

use std::io::{self, Write as _};
use std::time::Duration;

use benches::inputs::{defaults, warmed};
use benches::replayed::Prints;
use systems::settings::Settings;
use tapescan::config::Config;
use tapescan::settings::settings;

// As the program allocates.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const WARM: usize = 200_000;
const TIMED: usize = 1_300_000;

/// Runs of each, in turns; the median counts.
const RUNS: usize = 5;

/// Prints per second of market time where candles close often enough to matter: every 1m candle of
/// five hundred symbols has sixty prints. Symbols are counted at that of a busy venue.
const CALM: u64 = 500;
const BUSY: u64 = 20_000;

const SYMBOLS: [usize; 6] = [20, 100, 500, 2_000, 4_000, 10_000];
const LOOKBACKS: [usize; 5] = [50, 300, 1_000, 2_000, 5_000];
const COUNTS: [usize; 6] = [0, 1, 3, 7, 13, 25];
const INTERVALS: [&str; 8] = ["1m", "3m", "5m", "15m", "30m", "1h", "2h", "4h"];

/// The seven of the defaults come first.
const INDICATORS: [&str; 25] = [
    "vwap",
    "atr(14)",
    "ema(12)",
    "ema(26)",
    "rsi(14)",
    "macd(12,26,9)",
    "bbands(20,2)",
    "adx(14)",
    "cci(20)",
    "donchian(20)",
    "keltner(20,10,2)",
    "linreg_slope(14)",
    "mfi(14)",
    "natr(14)",
    "obv",
    "rma(14)",
    "roc(10)",
    "rolling_vwap(20)",
    "rvol(5)",
    "sma(20)",
    "stddev(20)",
    "stoch(14,3,3)",
    "supertrend(10,3)",
    "taker_share(5)",
    "trade_rate(5)",
];

/// A configuration with so many of each.
fn configured(intervals: usize, indicators: usize, lookback: usize) -> Settings {
    let text = format!(
        "intervals = {:?}\nindicators = {:?}\nlookback = {lookback}\n",
        &INTERVALS[..intervals],
        &INDICATORS[..indicators]
    );
    match Config::parse("here", &text) {
        Ok(config) => settings(&config),
        Err(error) => panic!("{error}"),
    }
}

/// Medians of each column of so many runs, in nanoseconds per print.
fn medians<const N: usize>(mut run: impl FnMut() -> [Duration; N]) -> [f64; N] {
    let runs: Vec<[Duration; N]> = (0..RUNS).map(|_| run()).collect();
    core::array::from_fn(|column| {
        let mut values: Vec<Duration> = runs.iter().map(|run| run[column]).collect();
        values.sort();
        values[RUNS / 2].as_nanos() as f64 / TIMED as f64
    })
}

/// One line: what is counted, how many, and nanoseconds per print of the loop, where it can do
/// that, and of one and two threads.
fn tell(axis: &str, count: usize, [beside, one, two]: [f64; 3]) -> io::Result<()> {
    writeln!(io::stdout(), "scaling: {axis} {count} {beside:.2} {one:.2} {two:.2}")
}

fn main() -> io::Result<()> {
    // The pool belongs to the process and to whoever comes first.
    drop(warmed(&defaults(), &[], 2, &[]));
    for symbols in SYMBOLS {
        let (prints, settings) = (Prints::new(symbols, BUSY, WARM, TIMED), defaults());
        let engine = |threads| prints.engine(&settings, threads);
        tell("symbols", symbols, medians(|| [prints.hand_written(), engine(1), engine(2)]))?;
    }
    let prints = Prints::new(500, CALM, WARM, TIMED);
    let both = |axis, count, settings: &Settings| {
        let engine = |threads| prints.engine(settings, threads);
        let [one, two] = medians(|| [engine(1), engine(2)]);
        tell(axis, count, [f64::NAN, one, two])
    };
    for intervals in 1..=INTERVALS.len() {
        both("intervals", intervals, &configured(intervals, 7, 300))?;
    }
    for indicators in COUNTS {
        both("indicators", indicators, &configured(3, indicators, 300))?;
    }
    for lookback in LOOKBACKS {
        both("lookback", lookback, &configured(3, 7, lookback))?;
    }
    Ok(())
}
