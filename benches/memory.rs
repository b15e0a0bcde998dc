//! Resident memory of 2,000 symbols at the default configuration, every ring full, and the size
//! of one closed candle. A plain program: what it prints, `table.sh` reads.

use std::fs;
use std::io::{self, Write};

use benches::inputs::{candles, defaults, warmed};
use systems::interval::Interval;
use systems::ring::Ring;
use systems::symbol::SymbolSpec;
use systems::trade::{Aggressor, Batch, Control, SymbolId, Trade, TradeKind};
use systems::units::{Nanos, Price, Quantity, Scale};

// As the program allocates.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const SYMBOLS: u16 = 2_000;
/// From one minute that is played to the next: a break that no ring spans, so that each ends the
/// candles of all intervals, and the rings fill without the minutes in between.
const STRIDE: u64 = 5 * Nanos::PER_DAY;
const START: u64 = 1_723_161_600 * Nanos::PER_SECOND;
const PAGE: u64 = 4_096;
const MB: f64 = 1e6;

/// Bytes of this process that lie in memory.
fn resident() -> io::Result<u64> {
    let statm = fs::read_to_string("/proc/self/statm")?;
    let pages = statm.split(' ').nth(1).and_then(|field| field.parse::<u64>().ok());
    pages.map(|pages| pages * PAGE).ok_or_else(|| io::Error::other("statm has another form"))
}

/// What one closed candle takes in a ring, measured.
fn candle_bytes() -> io::Result<f64> {
    const COUNT: usize = 1 << 20;
    let closed = candles(COUNT);
    let Some(minute) = Interval::new(60) else { return Err(io::Error::other("no minute")) };
    let before = resident()?;
    let mut ring = Ring::new(COUNT, minute);
    closed.iter().for_each(|candle| ring.push(candle));
    let grown = resident()?.saturating_sub(before);
    Ok(grown as f64 / ring.end() as f64)
}

/// The heartbeat that begins a minute and closes what was open before, and one print per symbol.
fn minute(number: u64, batch: &mut Batch) {
    let begin = START + number * STRIDE;
    batch.control(Control::Heartbeat(Nanos(begin)));
    for symbol in 0..SYMBOLS {
        let step = (number * 31 + u64::from(symbol) * 17) % 201;
        batch.push(Trade {
            time: Nanos(begin + (1 + step) * 20 * Nanos::PER_MS),
            price: Price(1_000_000 + 100 * step as i64),
            quantity: Quantity(1 + step as i64),
            id: number + 1,
            first_id: number + 1,
            count: 1,
            symbol: SymbolId(symbol),
            aggressor: Aggressor::Buyer,
            kind: TradeKind::Market,
        });
    }
}

fn main() -> io::Result<()> {
    // Run by `cargo test`, or with a filter for other benchmarks: nothing to do.
    let mut arguments = std::env::args().skip(1);
    let filtered = std::env::args().skip(1).any(|word| !word.starts_with('-') && word != "memory");
    if filtered || !arguments.any(|word| word == "--bench") {
        return Ok(());
    }
    let settings = defaults();
    let named = |index| SymbolSpec {
        name: format!("COIN{index}USDT").into(),
        price: Scale::exact(2),
        quantity: Scale::exact(3),
    };
    let symbols: Vec<SymbolSpec> = (0..SYMBOLS).map(named).collect();
    let empty = resident()?;
    let mut engine = warmed(&settings, &symbols, 1, &[]);
    let intervals = 0..settings.intervals.len();
    let longest = intervals.clone().map(|interval| settings.ring_capacity(interval)).max();
    let mut batch = Batch::default();
    for number in 0..=longest.unwrap_or(0) as u64 {
        minute(number, &mut batch);
        engine.step(&mut batch, &mut |_| {});
    }
    let filled = resident()?;
    for interval in intervals {
        let held = engine.candles(SymbolId(SYMBOLS - 1), interval as u8).len();
        assert_eq!(held, settings.ring_capacity(interval), "candles held of interval {interval}");
    }
    // While there is no freed memory that it could take, and after what it frees could be taken.
    let candle_bytes = candle_bytes()?;
    drop(engine);
    let mut out = io::stdout().lock();
    writeln!(out, "memory: resident_mb {:.1}", filled as f64 / MB)?;
    writeln!(out, "memory: engine_mb {:.1}", filled.saturating_sub(empty) as f64 / MB)?;
    writeln!(out, "memory: candle_bytes {candle_bytes:.1}")
}
