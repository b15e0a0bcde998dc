//! Percentiles for tables, and distributions as text for the plotters of HdrHistogram (`.hgrm`).

use std::io::{self, Write};

use super::cell::Total;

/// What tables show, as shares of one; the maximum comes after them.
pub const PERCENTILES: [(&str, f64); 5] =
    [("p50", 0.5), ("p90", 0.9), ("p99", 0.99), ("p99.9", 0.999), ("p99.99", 0.9999)];

/// Lines per halving of the distance to 100 %, as the other tools write.
const TICKS: u32 = 5;

/// Writes a distribution, values divided by `divisor`.
///
/// # Errors
/// Whatever `out` says.
pub fn write_hgrm(out: &mut dyn Write, total: &Total, divisor: f64) -> io::Result<()> {
    writeln!(out, "{:>12} {:>14} {:>10} {:>14}\n", "Value", "Percentile", "TotalCount", TAIL)?;
    let histogram = total.histogram();
    let mut below = 0;
    for point in histogram.iter_quantiles(TICKS) {
        below += point.count_since_last_iteration();
        let quantile = point.quantile_iterated_to();
        let value = point.value_iterated_to().min(total.max()) as f64 / divisor;
        write!(out, "{value:>12.3} {quantile:>2.12} {below:>10}")?;
        if quantile < 1.0 {
            writeln!(out, " {:>14.2}", 1.0 / (1.0 - quantile))?;
        } else {
            writeln!(out)?;
        }
    }
    let (mean, deviation) = (histogram.mean() / divisor, histogram.stdev() / divisor);
    writeln!(out, "#[Mean    = {mean:>12.3}, StdDeviation   = {deviation:>12.3}]")?;
    let (max, count) = (total.max() as f64 / divisor, total.count());
    writeln!(out, "#[Max     = {max:>12.3}, Total count    = {count:>12}]")?;
    let buckets = histogram.buckets();
    writeln!(out, "#[Buckets = {buckets:>12}, SubBuckets     = {:>12}]", 2_048)
}

const TAIL: &str = "1/(1-Percentile)";

/// The points of a percentile plot: share of one below, and value.
pub(super) fn curve(total: &Total) -> Vec<(f64, u64)> {
    let points = total.histogram().iter_quantiles(TICKS);
    let points = points
        .map(|point| (point.quantile_iterated_to(), point.value_iterated_to().min(total.max())));
    points.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_distribution_is_written_as_the_plotters_read_it() {
        let mut total = Total::default();
        (1..=1_000u64).for_each(|us| total.record(us * 1_000, 1));
        let mut text = Vec::new();
        write_hgrm(&mut text, &total, 1_000.0).unwrap();
        let text = String::from_utf8(text).unwrap();
        let rows: Vec<Vec<f64>> = text
            .lines()
            .skip(2)
            .take_while(|line| !line.starts_with('#'))
            .map(|line| line.split_whitespace().map(|cell| cell.parse().unwrap()).collect())
            .collect();
        assert!(rows.len() > 20 && rows.windows(2).all(|two| two[0][..3] <= two[1][..3]));
        for row in &rows {
            // Of the numbers 1 to 1000, a share of q is at or below 1000 q.
            assert!((row[0] - row[1] * 1_000.0).abs() <= row[0] * 0.002 + 1.0, "{row:?}");
            assert!((row[2] - row[0]).abs() <= row[0] * 0.001 + 1.0, "{row:?}");
        }
        let last = rows.last().unwrap();
        assert_eq!((last.len(), last[1], last[2]), (3, 1.0, 1_000.0));
        assert!(text.contains("Total count    =         1000]"), "{text}");
    }
}
