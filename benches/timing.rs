//! How long and how often to measure: short, so that all benchmarks together take minutes.

use std::time::Duration;

use criterion::measurement::WallTime;
use criterion::{BenchmarkGroup, Criterion, SamplingMode};

/// A group for code that takes up to a millisecond.
pub fn quick(criterion: &mut Criterion, name: impl Into<String>) -> BenchmarkGroup<'_, WallTime> {
    let mut group = criterion.benchmark_group(name);
    group.sample_size(20).nresamples(2_000);
    group.warm_up_time(Duration::from_millis(60)).measurement_time(Duration::from_millis(250));
    group
}

/// A group for code that takes a good part of a second and warms itself up.
pub fn slow(criterion: &mut Criterion, name: impl Into<String>) -> BenchmarkGroup<'_, WallTime> {
    let mut group = criterion.benchmark_group(name);
    group.sample_size(10).nresamples(2_000).sampling_mode(SamplingMode::Flat);
    group.warm_up_time(Duration::from_millis(1)).measurement_time(Duration::from_millis(1));
    group
}
