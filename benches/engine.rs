//! Replay of decoded prints: the engine on one and two threads against the hand-written loop, on
//! the same prints in the same run.

use std::time::Duration;

use benches::inputs::{defaults, warmed};
use benches::replayed::Prints;
use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};

// As the program allocates.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Prints folded before the clock starts, beside some quiet minutes before them, and while it runs:
/// over one minute, so every row closes a candle.
const WARM: usize = 400_000;
const TIMED: usize = 1_300_000;

/// Symbols, and prints per second of market time: a busy venue, and one that is flat out.
const MARKETS: [(usize, u64); 5] =
    [(20, 20_000), (500, 20_000), (4_000, 20_000), (10_000, 20_000), (10_000, 100_000)];

fn replay(criterion: &mut Criterion) {
    let settings = defaults();
    // The pool belongs to the process and to whoever comes first.
    drop(warmed(&settings, &[], 2, &[]));
    for (symbols, rate) in MARKETS {
        let prints = Prints::new(symbols, rate, WARM, TIMED);
        let mut group = criterion.benchmark_group(format!("replay/{symbols}/{rate}"));
        group.sample_size(10).warm_up_time(Duration::from_millis(1));
        group.throughput(Throughput::Elements(TIMED as u64));
        group.bench_function("hand_written", |bencher| {
            bencher.iter_custom(|iterations| (0..iterations).map(|_| prints.hand_written()).sum());
        });
        for threads in [1, 2] {
            group.bench_function(BenchmarkId::new("engine", threads), |bencher| {
                let run = |_| prints.engine(&settings, threads);
                bencher.iter_custom(|iterations| (0..iterations).map(run).sum());
            });
        }
        group.finish();
    }
}

criterion_group!(engine, replay);
criterion_main!(engine);
