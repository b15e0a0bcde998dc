//! What measuring costs a live session: the same frames through two sessions that differ in nothing
//! else, in turns, by the median of the ratios of their times. Which of the two is made first
//! alternates.
//!
//! What it prints, `table.sh` reads: events in a step, nanoseconds per event, and in percent by how
//! much the measured session was slower: the median of the turns, and where their middle half ends.
//!
//! Left out is what a live session does beside: sockets, the inbox and waking up for it, links, the
//! recorder. So the share told here is larger than that of a session.

use std::io::{self, Write as _};
use std::sync::Arc;
use std::time::{Duration, Instant};

use benches::inputs::{defaults, early, market};
use benches::live_steps::{Event, Live, frames};
use systems::settings::Settings;
use systems::symbol::SymbolSpec;
use tapescan::clock;
use tapescan::latency::Ask;

// As the program allocates.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const SYMBOLS: usize = 200;
const WARM: usize = 100_000;
const TIMED: usize = 400_000;

/// Runs of both, and events that each folds before it is the other's turn: noise of the machine
/// that lasts longer falls on both.
const RUNS: usize = 16;
const TURN: usize = 8_192;

fn run(live: &mut Live, events: &[Event], size: usize, clock: &Ask) -> Duration {
    let begun = Instant::now();
    for some in events.chunks(size) {
        // A socket stamps what it reads, measured or not.
        let received = clock();
        live.step(some, received);
    }
    begun.elapsed()
}

/// One that does not measure itself and one that does. Where the memory of a session lies makes up
/// to two percent, and whichever is made second is better off: each comes first as often.
fn sessions(
    settings: &Settings,
    specs: &[SymbolSpec],
    warm: &[Event],
    clock: &Ask,
    size: usize,
    measured_first: bool,
) -> [Live; 2] {
    let made = |measured: bool| {
        let mut live = Live::new(settings, specs, measured.then(|| clock.clone()));
        run(&mut live, warm, size, clock);
        live
    };
    let (first, second) = (made(measured_first), made(!measured_first));
    if measured_first { [second, first] } else { [first, second] }
}

/// The middle, and the middle half's ends.
fn quartiles(mut values: Vec<f64>) -> [f64; 3] {
    values.sort_by(f64::total_cmp);
    [values.len() / 2, values.len() / 4, values.len() * 3 / 4].map(|place| values[place])
}

fn main() -> io::Result<()> {
    let settings = defaults();
    let (specs, trades) = market(SYMBOLS, WARM + TIMED, 20_000);
    let (warm, timed) = trades.split_at(WARM);
    let warm = frames(&specs, &[&early(SYMBOLS, &trades), warm].concat());
    let timed = frames(&specs, timed);
    let clock: Ask = Arc::new(clock::steady(1.0));
    for size in [1, 4, 16, 64, 256, 1_024] {
        let (mut ratios, mut per_event) = (Vec::new(), Vec::new());
        for made in 0..RUNS {
            let measured_first = made % 2 == 0;
            let [mut plain, mut measured] =
                sessions(&settings, &specs, &warm, &clock, size, measured_first);
            let time = |live: &mut Live, some| run(live, some, size, &clock).as_nanos() as f64;
            for (turn, some) in timed.chunks(TURN).enumerate() {
                // Whoever comes second finds warm caches.
                let (a, b) = if turn % 2 == 0 {
                    let a = time(&mut plain, some);
                    (a, time(&mut measured, some))
                } else {
                    let b = time(&mut measured, some);
                    (time(&mut plain, some), b)
                };
                ratios.push((b / a - 1.0) * 100.0);
                per_event.push(a / some.len() as f64);
            }
            assert!(measured.sheet().cells().count() > 10, "it did measure");
        }
        let [median, low, high] = quartiles(ratios);
        let [per_event, ..] = quartiles(per_event);
        writeln!(
            io::stdout(),
            "recording: {size} {per_event:.0} {median:+.2} {low:+.2} {high:+.2}"
        )?;
    }
    Ok(())
}
