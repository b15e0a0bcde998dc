//! How the cost of a print grows: with symbols (beside the hand-written loop), intervals,
//! indicators, lookback and threads, one at a time around the defaults. A plain program: what it
//! prints, `table.sh` reads.

use std::fmt::Write as _;
use std::hint::black_box;
use std::io::{self, Write as _};
use std::time::Instant;

use benches::hand_written::HandWritten;
use benches::inputs::{BATCH, batches, early, market, warmed};
use systems::settings::Settings;
use systems::symbol::SymbolSpec;
use systems::trade::Batch;
use tapescan::config::Config;
use tapescan::settings::settings;

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

/// The prints that are folded before the clock starts, and while it runs.
struct Prints {
    specs: Vec<SymbolSpec>,
    warm: Vec<Batch>,
    timed: Vec<Batch>,
}

impl Prints {
    fn new(symbols: usize, rate: u64) -> Self {
        let (specs, trades) = market(symbols, WARM + TIMED, rate);
        let (warm, timed) = trades.split_at(WARM);
        let warm = [&early(symbols, &trades), warm].concat();
        Self { specs, warm: batches(&warm, BATCH), timed: batches(timed, BATCH) }
    }

    /// Nanoseconds per print of the engine.
    fn engine(&self, settings: &Settings, threads: usize) -> f64 {
        let mut engine = warmed(settings, &self.specs, threads, &self.warm);
        let mut timed = self.timed.clone();
        let begun = Instant::now();
        for batch in &mut timed {
            engine.step(batch, &mut |outbox| {
                black_box(outbox.records.len());
            });
        }
        begun.elapsed().as_nanos() as f64 / TIMED as f64
    }

    /// The same of the loop, which knows the defaults alone.
    fn hand_written(&self) -> f64 {
        let mut own = HandWritten::new(&self.specs);
        self.warm.iter().for_each(|batch| {
            own.fold(&batch.trades);
        });
        let timed = self.timed.clone();
        let begun = Instant::now();
        for batch in &timed {
            black_box(own.fold(&batch.trades));
        }
        let elapsed = begun.elapsed().as_nanos() as f64 / TIMED as f64;
        black_box(own.checksum());
        elapsed
    }
}

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

/// The three intervals of the defaults.
fn defaults() -> Settings {
    let text = format!("indicators = {:?}\n", &INDICATORS[..7]);
    match Config::parse("here", &text) {
        Ok(config) => settings(&config),
        Err(error) => panic!("{error}"),
    }
}

/// Medians of each column of so many runs.
fn medians<const N: usize>(mut run: impl FnMut() -> [f64; N]) -> [f64; N] {
    let runs: Vec<[f64; N]> = (0..RUNS).map(|_| run()).collect();
    core::array::from_fn(|column| {
        let mut values: Vec<f64> = runs.iter().map(|run| run[column]).collect();
        values.sort_by(f64::total_cmp);
        values[RUNS / 2]
    })
}

/// One line: what is counted, how many, and nanoseconds per print of the loop and of one and two
/// threads.
fn tell(axis: &str, count: usize, beside: Option<f64>, ours: [f64; 2]) -> io::Result<()> {
    let mut line = format!("scaling: {axis} {count}");
    for value in [beside.unwrap_or(f64::NAN), ours[0], ours[1]] {
        _ = write!(line, " {value:.2}");
    }
    writeln!(io::stdout(), "{line}")
}

fn main() -> io::Result<()> {
    // The pool belongs to the process and to whoever comes first.
    drop(warmed(&defaults(), &[], 2, &[]));
    for symbols in SYMBOLS {
        let (prints, settings) = (Prints::new(symbols, BUSY), defaults());
        let [beside, one, two] = medians(|| {
            [prints.hand_written(), prints.engine(&settings, 1), prints.engine(&settings, 2)]
        });
        tell("symbols", symbols, Some(beside), [one, two])?;
    }
    let prints = Prints::new(500, CALM);
    let both =
        |settings: &Settings| medians(|| [prints.engine(settings, 1), prints.engine(settings, 2)]);
    for intervals in 1..=INTERVALS.len() {
        tell("intervals", intervals, None, both(&configured(intervals, 7, 300)))?;
    }
    for indicators in COUNTS {
        tell("indicators", indicators, None, both(&configured(3, indicators, 300)))?;
    }
    for lookback in LOOKBACKS {
        tell("lookback", lookback, None, both(&configured(3, 7, lookback)))?;
    }
    Ok(())
}
