//! What measuring costs a live session: the same frames through two sessions that differ in nothing
//! else, in turns, by the median of the ratios of their times.
//!
//! Left out is what a live session does beside: sockets, the inbox and waking up for it, links, the
//! recorder. So the share told here is larger than that of a session.

use std::sync::Arc;
use std::time::{Duration, Instant};

use benches::inputs::{defaults, early, market};
use benches::live_steps::{Event, Live, frames};
use systems::settings::Settings;
use systems::symbol::SymbolSpec;
use tapescan::clock;
use tapescan::latency::Ask;

const SYMBOLS: usize = 200;
const WARM: usize = 100_000;
const TIMED: usize = 400_000;

/// Turns of both.
const PAIRS: usize = 15;

fn run(live: &mut Live, events: &[Event], size: usize, clock: &Ask) -> Duration {
    let begun = Instant::now();
    for some in events.chunks(size) {
        // A socket stamps what it reads, measured or not.
        let received = clock();
        live.step(some, received);
    }
    begun.elapsed()
}

fn sessions(
    settings: &Settings,
    specs: &[SymbolSpec],
    warm: &[Event],
    clock: &Ask,
    size: usize,
) -> [Live; 2] {
    [None, Some(clock.clone())].map(|ask| {
        let mut live = Live::new(settings, specs, ask);
        run(&mut live, warm, size, clock);
        live
    })
}

fn main() {
    let settings = defaults();
    let (specs, trades) = market(SYMBOLS, WARM + TIMED, 20_000);
    let (warm, timed) = trades.split_at(WARM);
    let warm = frames(&specs, &[&early(SYMBOLS, &trades), warm].concat());
    let timed = frames(&specs, timed);
    let clock: Ask = Arc::new(clock::steady(1.0));
    for size in [1, 4, 16, 64, 256, 1_024] {
        let mut ratios = Vec::new();
        let mut per_event = Vec::new();
        for pair in 0..PAIRS {
            let [mut plain, mut measured] = sessions(&settings, &specs, &warm, &clock, size);
            let time = |live: &mut Live| run(live, &timed, size, &clock).as_nanos() as f64;
            // Whoever comes second finds warm caches.
            let (a, b) = match pair % 2 {
                0 => {
                    let a = time(&mut plain);
                    (a, time(&mut measured))
                }
                _ => {
                    let b = time(&mut measured);
                    (time(&mut plain), b)
                }
            };
            assert!(measured.sheet().cells().count() > 10, "it did measure");
            ratios.push(b / a);
            per_event.push(a / timed.len() as f64);
        }
        ratios.sort_by(f64::total_cmp);
        per_event.sort_by(f64::total_cmp);
        let (least, median, most) = (ratios[0], ratios[PAIRS / 2], ratios[PAIRS - 1]);
        eprintln!(
            "{size:>5} events a step: {:.0} ns per event, measured {:+.2} % ({:+.2} to {:+.2} %)",
            per_event[PAIRS / 2],
            (median - 1.0) * 100.0,
            (least - 1.0) * 100.0,
            (most - 1.0) * 100.0
        );
    }
}
