//! One histogram: three digits, a fixed range, and a count of what was beyond it.

use hdrhistogram::{Counter, Histogram};

/// The longest time told apart, in nanoseconds: ten minutes. What is longer is counted as this,
/// and counted as clamped.
pub const HIGH_NS: u64 = 600_000_000_000;

/// Digits kept of every value.
const DIGITS: u8 = 3;

/// What one thread records during one interval.
pub type Cell = Distribution<u32>;

/// What all intervals amount to.
pub type Total = Distribution<u64>;

/// A histogram and what did not fit it.
#[derive(Clone, Debug)]
pub struct Distribution<C: Counter> {
    histogram: Histogram<C>,
    clamped: u64,
}

impl<C: Counter> Default for Distribution<C> {
    fn default() -> Self {
        let made = Histogram::new_with_bounds(1, HIGH_NS, DIGITS);
        Self { histogram: made.expect("constants that a test makes"), clamped: 0 }
    }
}

impl<C: Counter> Distribution<C> {
    /// Records a value so many times.
    #[inline]
    pub fn record(&mut self, value: u64, count: C) {
        if value > HIGH_NS {
            self.clamped += count.as_u64();
        }
        self.histogram.saturating_record_n(value.min(HIGH_NS), count);
    }

    /// The histogram.
    pub fn histogram(&self) -> &Histogram<C> {
        &self.histogram
    }

    /// Values recorded.
    pub fn count(&self) -> u64 {
        self.histogram.len()
    }

    /// Values that were beyond the range, recorded as its end.
    pub fn clamped(&self) -> u64 {
        self.clamped
    }

    /// The value at or below which this share of all values is.
    pub fn at(&self, quantile: f64) -> u64 {
        self.histogram.value_at_quantile(quantile)
    }

    /// The mean of all values.
    pub fn mean(&self) -> f64 {
        self.histogram.mean()
    }

    /// The largest value; its last digits are those of its bucket's end.
    pub fn max(&self) -> u64 {
        self.histogram.max().min(HIGH_NS)
    }

    /// Empties it, keeping its memory.
    pub fn clear(&mut self) {
        self.histogram.reset();
        self.clamped = 0;
    }
}

impl Total {
    /// Adds what was recorded elsewhere.
    pub fn add<C: Counter>(&mut self, other: &Distribution<C>) {
        for bucket in other.histogram.iter_recorded() {
            let value = bucket.value_iterated_to().min(HIGH_NS);
            self.histogram.saturating_record_n(value, bucket.count_since_last_iteration());
        }
        self.clamped += other.clamped;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_beyond_the_range_are_clamped_and_counted_never_lost() {
        let mut cell = Cell::default();
        for value in [0, 1, HIGH_NS, HIGH_NS + 1, u64::MAX] {
            cell.record(value, 1);
        }
        cell.record(u64::MAX, 3);
        assert_eq!((cell.count(), cell.clamped(), cell.max()), (8, 5, HIGH_NS));
        let mut total = Total::default();
        total.add(&cell);
        total.add(&cell);
        assert_eq!((total.count(), total.clamped(), total.max()), (16, 10, HIGH_NS));
        cell.clear();
        assert_eq!((cell.count(), cell.clamped()), (0, 0));
    }

    #[test]
    fn three_digits_hold_over_the_whole_range_and_through_a_merge() {
        let mut value = 1;
        while value < HIGH_NS {
            let (mut cell, mut total) = (Cell::default(), Total::default());
            cell.record(value, 1);
            total.add(&cell);
            for found in [cell.at(0.5), total.at(0.5)] {
                let off = found.abs_diff(value) as f64 / value as f64;
                assert!(off <= 0.001, "{value} became {found}");
            }
            assert_eq!(cell.at(0.5), total.at(0.5));
            value = value * 7 / 3 + 1;
        }
    }
}
