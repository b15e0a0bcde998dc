//! Restating a closed candle of one row: the ring, and all seven indicators from there on.

use std::hint::black_box;

use benches::inputs::{candles, defaults};
use benches::timing::quick;
use benches::tracks::SevenRow;
use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use systems::units::Price;

// As the program allocates.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn depths(criterion: &mut Criterion) {
    let settings = defaults();
    let mut row = SevenRow::new(&settings);
    for candle in candles(3 * settings.ring_capacity(0) + 5) {
        row.push(&candle);
    }
    let mut group = quick(criterion, "restate");
    for depth in [1, 32, 300] {
        let mut candle = row.back(depth);
        let high = candle.high;
        group.bench_function(BenchmarkId::new("ours", depth), |bencher| {
            bencher.iter(|| {
                // A late print above the high, and taken back again.
                candle.high = Price(high.0 + i64::from(candle.high == high));
                row.restate(depth, black_box(&candle));
                black_box(&row);
            });
        });
    }
    group.finish();
}

criterion_group!(restate, depths);
criterion_main!(restate);
