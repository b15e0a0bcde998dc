//! Replay of decoded prints: the engine on one and two threads against the hand-written loop, on
//! the same prints in the same run.

use std::hint::black_box;
use std::time::{Duration, Instant};

use benches::hand_written::HandWritten;
use benches::inputs::{BATCH, batches, defaults, market, warmed};
use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use systems::trade::Batch;

/// Prints folded before the clock starts (over two minutes, so that every row has closed candles
/// and has touched its memory), and while it runs (over one minute).
const WARM: usize = 2_600_000;
const TIMED: usize = 1_300_000;
/// Prints per second of market time: a busy venue.
const RATE: u64 = 20_000;

fn replay(criterion: &mut Criterion) {
    let settings = defaults();
    // The pool belongs to the process and to whoever comes first.
    drop(warmed(&settings, &[], 2, &[]));
    for symbols in [20, 500, 4_000, 10_000] {
        let (specs, trades) = market(symbols, WARM + TIMED, RATE);
        let (warm, timed) = trades.split_at(WARM);
        let (warm_batches, timed_batches) = (batches(warm, BATCH), batches(timed, BATCH));
        let mut group = criterion.benchmark_group(format!("replay/{symbols}"));
        group.sample_size(10).warm_up_time(Duration::from_millis(1));
        group.throughput(Throughput::Elements(TIMED as u64));
        group.bench_function("hand_written", |bencher| {
            bencher.iter_custom(|iterations| {
                let mut elapsed = Duration::ZERO;
                for _ in 0..iterations {
                    let mut own = HandWritten::new(&specs);
                    own.fold(warm);
                    let begun = Instant::now();
                    black_box(own.fold(timed));
                    elapsed += begun.elapsed();
                    black_box(own.checksum());
                }
                elapsed
            });
        });
        for threads in [1, 2] {
            group.bench_function(BenchmarkId::new("engine", threads), |bencher| {
                bencher.iter_custom(|iterations| {
                    let mut elapsed = Duration::ZERO;
                    for _ in 0..iterations {
                        let mut engine = warmed(&settings, &specs, threads, &warm_batches);
                        let mut copies: Vec<Batch> = timed_batches.clone();
                        let begun = Instant::now();
                        for batch in &mut copies {
                            engine.step(batch, &mut |outbox| {
                                black_box(outbox.records.len());
                            });
                        }
                        elapsed += begun.elapsed();
                    }
                    elapsed
                });
            });
        }
        group.finish();
    }
}

criterion_group!(engine, replay);
criterion_main!(engine);
