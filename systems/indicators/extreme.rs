//! Highest and lowest price of the last candles, at amortised constant cost.

use crate::candle::Candle;
use crate::indicator::Past;
use crate::units::Price;

/// The values of a window that are or may yet become its largest: oldest first, ever smaller.
///
/// A value is dropped when a later one is as large, so each is pushed once and dropped once
/// (Daniel Lemire, Streaming Maximum-Minimum Filter, 2006). Allocated once for the whole period.
#[derive(Clone, Debug)]
struct Peaks {
    /// Ring of (position, value).
    entries: Box<[(u64, i64)]>,
    head: usize,
    len: usize,
}

impl Peaks {
    fn new(period: usize) -> Self {
        Self { entries: vec![(0, 0); period].into_boxed_slice(), head: 0, len: 0 }
    }

    /// The largest value of the window that would end with `value` at `position`.
    #[inline]
    fn with(&self, position: u64, value: i64) -> i64 {
        // Positions differ, so at most one entry leaves: the second is inside if the first is not.
        let largest = (0..self.len.min(2)).map(|index| self.get(index));
        let mut inside = largest.filter(|&(at, _)| self.holds(at, position));
        inside.next().map_or(value, |(_, largest)| largest.max(value))
    }

    #[inline]
    fn push(&mut self, position: u64, value: i64) {
        if self.len > 0 && !self.holds(self.get(0).0, position) {
            self.head = self.slot(1);
            self.len -= 1;
        }
        while self.len > 0 && self.get(self.len - 1).1 <= value {
            self.len -= 1;
        }
        self.entries[self.slot(self.len)] = (position, value);
        self.len += 1;
    }

    /// Whether the window that ends at `position` still holds the candle `at`.
    fn holds(&self, at: u64, position: u64) -> bool {
        position - at < self.entries.len() as u64
    }

    fn get(&self, index: usize) -> (u64, i64) {
        self.entries[self.slot(index)]
    }

    fn slot(&self, index: usize) -> usize {
        let slot = self.head + index;
        if slot < self.entries.len() { slot } else { slot - self.entries.len() }
    }
}

/// Highest high and lowest low of the last `period` candles.
///
/// 32 bytes per candle of the period. It is a function of the candles in the window, so nothing
/// needs saving: rolling back reads the window again, at the cost of its period.
#[derive(Clone, Debug)]
pub struct Range {
    highs: Peaks,
    /// Lows, negated.
    lows: Peaks,
    seen: usize,
}

impl Range {
    /// A range over `period` candles.
    pub fn new(period: usize) -> Self {
        Self { highs: Peaks::new(period), lows: Peaks::new(period), seen: 0 }
    }

    /// Highest and lowest price of the window that would end with `candle` at `position`; `None`
    /// if that would not fill it.
    #[inline]
    pub fn with(&self, position: u64, candle: &Candle) -> Option<(Price, Price)> {
        (self.seen + 1 >= self.period()).then(|| {
            let highest = self.highs.with(position, candle.high.0);
            let lowest = -self.lows.with(position, -candle.low.0);
            (Price(highest), Price(lowest))
        })
    }

    /// Takes in the candle at `position`, which is one more than the last.
    #[inline]
    pub fn push(&mut self, position: u64, candle: &Candle) {
        self.highs.push(position, candle.high.0);
        self.lows.push(position, -candle.low.0);
        self.seen = self.period().min(self.seen + 1);
    }

    /// Becomes what it was when the newest candle of `past` had just been pushed.
    pub fn restore(&mut self, past: &Past<'_>) {
        self.clear();
        for (position, candle) in past.last(self.period()) {
            self.push(position, &candle);
        }
    }

    /// Forgets all candles.
    pub fn clear(&mut self) {
        self.highs.len = 0;
        self.lows.len = 0;
        self.seen = 0;
    }

    /// Whether `period` candles were seen.
    pub fn is_full(&self) -> bool {
        self.seen == self.period()
    }

    /// How many candles fill it.
    pub fn period(&self) -> usize {
        self.highs.entries.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::indicators::testing::{Random, Series, minute};
    use crate::ring::Ring;

    /// Pushes all candles and compares with the whole window each time, rolling back at random.
    #[track_caller]
    fn check(candles: &[Candle], period: usize) {
        let mut random = Random(9);
        let mut ring = Ring::new(candles.len(), minute());
        let mut range = Range::new(period);
        for (position, candle) in candles.iter().enumerate() {
            if random.below(3) == 0 {
                range.restore(&Past::before(&ring, ring.end()));
            }
            let window = &candles[(position + 1).saturating_sub(period)..=position];
            let high = window.iter().map(|candle| candle.high).max().unwrap();
            let low = window.iter().map(|candle| candle.low).min().unwrap();
            let want = (window.len() == period).then_some((high, low));
            assert_eq!(range.with(position as u64, candle), want, "candle {position}");
            range.push(position as u64, candle);
            assert_eq!(range.is_full(), want.is_some());
            ring.push(candle);
        }
    }

    #[test]
    fn extremes_are_those_of_the_whole_window() {
        for series in Series::all_kinds(3, 1_000) {
            for period in [1, 2, 3, 14, 200] {
                check(&series.candles, period);
            }
        }
    }

    #[test]
    fn rising_falling_and_flat_series_are_worst_cases_and_right() {
        let rising: Vec<i64> = (1..=200).collect();
        let falling: Vec<i64> = (1..=200).rev().collect();
        for closes in [rising, falling, vec![5; 200]] {
            check(&Series::of_closes(&closes).candles, 20);
        }
    }
}
