//! Instructions that the hot kernels take, counted by valgrind: the same on a busy machine and on a
//! quiet one. More than five percent above `instructions.txt` fails; what is meant to change is
//! written there anew with `TAPESCAN_BLESS=1`.
//!
//! Counts are of the test profile, debug assertions among them, since a release build for this
//! alone would take longer than all tests. Every kernel runs for two lengths, and the difference
//! counts, so what setting up takes is in none. Counts of another compiler or architecture are told
//! and not judged.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::hint::black_box;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::sync::Arc;

use benches::frames::{padded, write_frame};
use benches::inputs::{batches, candles, defaults, early, market, warmed};
use benches::live_steps::{Live, frames};
use benches::tracks::SevenRow;
use systems::units::Nanos;
use tapescan::latency::Ask;
use tapescan::symbols::Symbols;
use tapescan::venue::Venue;

/// More than so much above the known count fails, and as much below asks for a new one.
const TOLERANCE: f64 = 0.05;

/// A name, what is counted, the two lengths, and the kernel at such a length.
type Kernel = (&'static str, &'static str, [usize; 2], fn(usize));

const KERNELS: [Kernel; 5] = [
    ("decode", "trade message", [200, 2_200], decode),
    ("fold", "print", [2_000, 12_000], fold),
    ("close", "print, with the end of a minute every 360", [4_000, 12_000], close),
    ("seven indicators", "candle", [100, 1_100], seven),
    ("live step, measured", "frame", [2_000, 8_000], live),
];

fn decode(count: usize) {
    let (specs, trades) = market(20, 2_500, 1_000);
    let specs = padded(&specs);
    let symbols = Symbols::new(specs.clone()).expect("names are unique");
    let mut text = Vec::new();
    let messages: Vec<Vec<u8>> = trades
        .iter()
        .map(|trade| {
            write_frame(&mut text, &specs, trade);
            text.clone()
        })
        .collect();
    for message in &messages[..count] {
        black_box(Venue::BinanceSpot.decode(message, &symbols));
    }
}

/// Steps of 256 prints; `rate` says how many come in a second of the market's time.
fn steps(count: usize, rate: u64) {
    const SYMBOLS: usize = 20;
    let (specs, trades) = market(SYMBOLS, 16_000, rate);
    let (warm, timed) = trades.split_at(2_000);
    let warm = [&early(SYMBOLS, &trades), warm].concat();
    let mut engine = warmed(&defaults(), &specs, 1, &batches(&warm, 256));
    for batch in &mut batches(&timed[..count], 256) {
        engine.step(batch, &mut |outbox| {
            black_box(outbox.records.len());
        });
    }
}

fn fold(count: usize) {
    steps(count, 20_000);
}

fn close(count: usize) {
    steps(count, 6);
}

fn seven(count: usize) {
    let (mut row, candles) = (SevenRow::new(&defaults()), candles(1_200));
    for candle in &candles[..count] {
        row.push(candle);
    }
    black_box(row.back(1));
}

fn live(count: usize) {
    const SYMBOLS: usize = 20;
    let (specs, trades) = market(SYMBOLS, 10_000, 20_000);
    let events = frames(&specs, &trades);
    // A clock that costs nothing and never stands still.
    let tick = std::sync::atomic::AtomicU64::new(0);
    let ask: Ask =
        Arc::new(move || Nanos(tick.fetch_add(100, std::sync::atomic::Ordering::Relaxed)));
    let mut live = Live::new(&defaults(), &specs, Some(ask));
    live.step(&frames(&specs, &early(SYMBOLS, &trades)), Nanos(0));
    for (step, some) in events[..count].chunks(64).enumerate() {
        live.step(some, Nanos(step as u64));
    }
}

/// Instructions of a whole run of a kernel at a length.
fn count(name: &str, length: usize) -> Result<u64, String> {
    let program = std::env::current_exe().map_err(|error| error.to_string())?;
    let out = Command::new("valgrind")
        .args(["--tool=callgrind", "--callgrind-out-file=/dev/null"])
        .arg(program)
        .args(["--kernel", name, &length.to_string()])
        .output()
        .map_err(|error| format!("valgrind: {error}"))?;
    let text = String::from_utf8_lossy(&out.stderr);
    let collected = text.lines().find_map(|line| line.split("Collected :").nth(1));
    let collected = collected.and_then(|number| number.trim().parse().ok());
    collected.filter(|_| out.status.success()).ok_or_else(|| format!("{name}: {text}"))
}

/// What counts depend on beside the code. Processors of one architecture differ by less than two
/// percent (an EPYC and a Xeon did), by the ways that libraries choose for them.
fn setting() -> String {
    let compiler = Command::new("rustc").arg("--version").output();
    let compiler = compiler.map(|out| String::from_utf8_lossy(&out.stdout).trim().to_owned());
    format!("{}, {}", compiler.unwrap_or_default(), std::env::consts::ARCH)
}

fn known(file: &Path) -> (String, BTreeMap<String, f64>) {
    let text = std::fs::read_to_string(file).unwrap_or_default();
    let mut lines = text.lines();
    let setting = lines.next().unwrap_or_default().trim_start_matches("# ").to_owned();
    let counts = lines.filter_map(|line| {
        let (name, rest) = line.split_once(':')?;
        Some((name.to_owned(), rest.trim().split(' ').next()?.parse().ok()?))
    });
    (setting, counts.collect())
}

fn judge() -> Result<(), String> {
    let file = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("instructions.txt");
    let (known_setting, known) = known(&file);
    let setting = setting();
    let (mut text, mut faults) = (format!("# {setting}\n"), String::new());
    for (name, unit, [short, long], _) in KERNELS {
        let instructions = count(name, long)? - count(name, short)?;
        let each = instructions as f64 / (long - short) as f64;
        writeln!(text, "{name}: {each:.1} instructions a {unit}").map_err(|e| e.to_string())?;
        let before = known.get(name).copied().unwrap_or(f64::NAN);
        let change = each / before - 1.0;
        eprintln!("{name}: {each:.1} instructions a {unit}, {:+.1} %", change * 100.0);
        if change.is_nan() || change.abs() > TOLERANCE {
            faults += &format!("{name}: {before:.1} became {each:.1} instructions a {unit}\n");
        }
    }
    if std::env::var_os("TAPESCAN_BLESS").is_some() {
        return std::fs::write(&file, text).map_err(|error| error.to_string());
    }
    if setting != known_setting {
        eprintln!("NOT JUDGED: known counts are of {known_setting}, these of {setting}");
        return Ok(());
    }
    match faults.is_empty() {
        true => Ok(()),
        false => Err(format!("{faults}if that is meant, TAPESCAN_BLESS=1 writes it down")),
    }
}

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    if let [flag, name, length] = &args[..]
        && flag == "--kernel"
    {
        let kernel = KERNELS.iter().find(|kernel| kernel.0 == name);
        let (Some(kernel), Ok(length)) = (kernel, length.parse()) else {
            return ExitCode::FAILURE;
        };
        (kernel.3)(length);
        return ExitCode::SUCCESS;
    }
    if Command::new("valgrind").arg("--version").output().is_err() {
        eprintln!("SKIPPED: valgrind counts instructions, and is not installed");
        return ExitCode::SUCCESS;
    }
    match judge() {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            eprintln!("{why}");
            ExitCode::FAILURE
        }
    }
}
