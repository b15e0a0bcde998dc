//! Test support: series of candles, folding them, TA-Lib's values, and comparing columns.
//!
//! The oracles in the indicators' tests are written against these plain floats and know nothing
//! of the states they check.

use crate::candle::Candle;
use crate::catalog;
use crate::indicator::{Indicator, Units};
use crate::interval::Interval;
use crate::ring::Ring;
use crate::track::Value;
use crate::units::{Nanos, Price, Quantity, Scale};

/// A column: one value or none per candle.
pub(crate) type Column = Vec<Option<f64>>;

/// Largest difference that counts as equal, as a fraction of the wanted value.
pub(crate) const TOLERANCE: f64 = 1e-9;

/// Candles of one symbol and what their integers mean.
#[derive(Clone, Debug)]
pub(crate) struct Series {
    pub(crate) candles: Vec<Candle>,
    pub(crate) units: Units,
}

/// Splitmix64: the one source of chance in the core's tests.
#[derive(Clone, Debug)]
pub(crate) struct Random(pub(crate) u64);

impl Random {
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number in `0..below`.
    pub(crate) fn below(&mut self, below: u64) -> u64 {
        self.next() % below
    }

    /// A number in `-reach..=reach`.
    pub(crate) fn step(&mut self, reach: i64) -> i64 {
        self.below(2 * reach as u64 + 1) as i64 - reach
    }
}

impl Series {
    /// The committed candles of `fixtures/candles.csv`.
    pub(crate) fn fixture() -> Self {
        let (price, quantity) = (Scale::exact(2), Scale::exact(3));
        let candle = |line: &str| {
            let cells: Vec<&str> = line.split(',').collect();
            let at = |cell: usize, scale: Scale| scale.parse(cells[cell].as_bytes()).unwrap();
            Candle {
                open_time: Nanos::from_ms(cells[0].parse().unwrap()),
                open: Price(at(1, price)),
                high: Price(at(2, price)),
                low: Price(at(3, price)),
                close: Price(at(4, price)),
                volume: Quantity(at(5, quantity)),
                quote_volume: at(6, Scale::exact(5)) as u128,
                ..Candle::default()
            }
        };
        let candles = include_str!("fixtures/candles.csv").lines().skip(1).map(candle).collect();
        Self { candles, units: Units::new(price, quantity, 60) }
    }

    /// A seeded walk of `n` one-minute candles around ordinary prices, with quiet stretches.
    pub(crate) fn random(seed: u64, n: usize) -> Self {
        Self::walk(seed, n, Scale::exact(2), 5_000_000, 2_000)
    }

    /// The same shape at prices of about 10^12 units, where float errors would be largest.
    pub(crate) fn huge(seed: u64, n: usize) -> Self {
        Self::walk(seed, n, Scale::exact(2), 1_000_000_000_000, 100_000_000)
    }

    /// The same shape at prices of a few units of 10^-12, where every step is a jump.
    pub(crate) fn tiny(seed: u64, n: usize) -> Self {
        Self::walk(seed, n, Scale::exact(12), 12, 2)
    }

    /// The ordinary, the huge and the tiny series.
    pub(crate) fn all_kinds(seed: u64, n: usize) -> [Self; 3] {
        [Self::random(seed, n), Self::huge(seed, n), Self::tiny(seed, n)]
    }

    /// `n` one-minute candles that stay at one price, each with volume.
    pub(crate) fn flat(price: i64, n: usize) -> Self {
        Self::of_closes(&vec![price; n])
    }

    /// One-minute candles without range at the given closes, 1 unit traded in each.
    pub(crate) fn of_closes(closes: &[i64]) -> Self {
        let candle = |(minute, &close): (usize, &i64)| Candle {
            volume: Quantity(1),
            quote_volume: close as u128,
            ..Candle::quiet(minute_after_start(minute), Price(close))
        };
        let candles = closes.iter().enumerate().map(candle).collect();
        Self { candles, units: Units::new(Scale::exact(2), Scale::exact(0), 60) }
    }

    /// The ordinary series with counts of trades and taker-buy volumes of all sizes.
    pub(crate) fn random_with_takers(seed: u64, n: usize) -> Self {
        let mut series = Self::random(seed, n);
        let mut random = Random(!seed);
        for candle in series.candles.iter_mut().filter(|candle| candle.volume.0 > 0) {
            candle.trades = 1 + random.below(10_000) as u32;
            candle.taker_buy_volume.0 = random.below(1 + candle.volume.0 as u64) as i64;
        }
        series
    }

    /// The same series with each price changed by `change`.
    pub(crate) fn with_prices(&self, change: impl Fn(i64) -> i64) -> Self {
        let mut series = self.clone();
        for Candle { open, high, low, close, .. } in &mut series.candles {
            for price in [open, high, low, close] {
                price.0 = change(price.0);
            }
        }
        series
    }

    fn walk(seed: u64, n: usize, scale: Scale, start: i64, pace: i64) -> Self {
        let mut random = Random(seed);
        let mut close = start;
        let mut quiet = 0;
        let mut candle = |minute| {
            let open_time = minute_after_start(minute);
            if quiet == 0 && random.below(40) == 0 {
                quiet = 1 + random.below(30);
            }
            if quiet > 0 {
                quiet -= 1;
                return Candle::quiet(open_time, Price(close));
            }
            let mut built = Candle { open_time, low: Price(i64::MAX), ..Candle::default() };
            for print in 0..4 {
                let price = (close + random.step(pace)).max(1);
                let size = 1 + random.below(1_000_000) as i64;
                built.open = if print == 0 { Price(price) } else { built.open };
                built.high = built.high.max(Price(price));
                built.low = built.low.min(Price(price));
                built.volume.0 += size;
                built.quote_volume += price as u128 * size as u128;
                if random.below(2) == 0 {
                    built.taker_buy_volume.0 += size;
                    built.taker_buy_quote_volume += price as u128 * size as u128;
                }
                built.trades += 1 + random.below(1_000) as u32;
                close = price;
            }
            Candle { close: Price(close), ..built }
        };
        let candles = (0..n).map(&mut candle).collect();
        Self { candles, units: Units::new(scale, Scale::exact(3), 60) }
    }

    /// What `I` says to the whole series: a column per output, in the order of `OUTPUTS`.
    pub(crate) fn columns<I: Indicator>(&self, params: &[f64]) -> Vec<Column> {
        let numbers = |values: Vec<Value>| values.iter().map(|value| value.number).collect();
        self.values::<I>(params).into_iter().map(numbers).collect()
    }

    /// The same with convergence.
    pub(crate) fn values<I: Indicator>(&self, params: &[f64]) -> Vec<Vec<Value>> {
        let mut ring = Ring::new(self.candles.len(), minute());
        self.candles.iter().for_each(|candle| ring.push(candle));
        catalog::over::<I>(&ring, params, self.units)
    }

    pub(crate) fn highs(&self) -> Vec<f64> {
        self.candles.iter().map(|candle| candle.high.0 as f64 / self.units.price).collect()
    }

    pub(crate) fn lows(&self) -> Vec<f64> {
        self.candles.iter().map(|candle| candle.low.0 as f64 / self.units.price).collect()
    }

    pub(crate) fn closes(&self) -> Vec<f64> {
        self.candles.iter().map(|candle| candle.close.0 as f64 / self.units.price).collect()
    }

    pub(crate) fn volumes(&self) -> Vec<f64> {
        self.candles.iter().map(|candle| candle.volume.0 as f64 / self.units.quantity).collect()
    }
}

/// The interval of every series here.
pub(crate) fn minute() -> Interval {
    Interval::new(60).unwrap()
}

/// Two hours before a UTC midnight, so that long series change their session.
fn minute_after_start(minute: usize) -> Nanos {
    Nanos::from_seconds(1_767_477_600 + 60 * minute as u64)
}

/// A column of what `oracle` says to the rows of each whole window of `period` rows.
pub(crate) fn over_windows(
    rows: usize,
    period: usize,
    oracle: impl Fn(core::ops::Range<usize>) -> Option<f64>,
) -> Column {
    (1..=rows).map(|end| oracle(end.checked_sub(period)?..end)).collect()
}

/// A column of `fixtures/talib.csv`: what TA-Lib says to [`Series::fixture`].
pub(crate) fn talib(name: &str) -> Column {
    let mut lines = include_str!("fixtures/talib.csv").lines();
    let header = lines.next().unwrap();
    let cell = header.split(',').position(|column| column == name).unwrap();
    let number = |text: &str| (!text.is_empty()).then(|| text.parse().unwrap());
    lines.map(|line| number(line.split(',').nth(cell).unwrap())).collect()
}

/// An exponential average by its weights written out: the oracle for everything that smooths.
///
/// Seeded by the mean of the first `period` inputs, which then count as one input `age` ago.
pub(crate) fn smoothed(inputs: &[f64], period: usize, alpha: f64) -> Column {
    let decay = |age: usize| (1.0 - alpha).powi(age as i32);
    let at = |row: usize| {
        let age = (row + 1).checked_sub(period)?;
        let seed = inputs[..period].iter().sum::<f64>() / period as f64;
        let later = inputs[period..=row].iter().rev().enumerate();
        Some(seed * decay(age) + later.map(|(age, input)| alpha * decay(age) * input).sum::<f64>())
    };
    (0..inputs.len()).map(at).collect()
}

/// A column that starts `rows` later.
pub(crate) fn delayed(column: &[Option<f64>], rows: usize) -> Column {
    core::iter::repeat_n(None, rows).chain(column.iter().copied()).collect()
}

/// True ranges from the second candle on.
pub(crate) fn true_ranges(series: &Series) -> Vec<f64> {
    let (highs, lows, closes) = (series.highs(), series.lows(), series.closes());
    let range = |i: usize| highs[i].max(closes[i - 1]) - lows[i].min(closes[i - 1]);
    (1..closes.len()).map(range).collect()
}

/// Asserts that two columns are ready at the same candles and close to each other there.
///
/// Differences are measured against the wanted value, or against `scale` where that is larger:
/// a difference of two prices near 100 cannot be exact to more than `100 * f64::EPSILON`, however
/// small it is.
#[track_caller]
pub(crate) fn assert_close(got: &[Option<f64>], want: &[Option<f64>], scale: f64) {
    assert_eq!(got.len(), want.len(), "columns have as many rows");
    for (row, pair) in got.iter().zip(want).enumerate() {
        match pair {
            (None, None) => {}
            (Some(got), Some(want)) if is_close(*got, *want, scale) => {}
            (got, want) => panic!("row {row}: got {got:?}, want {want:?}"),
        }
    }
}

fn is_close(got: f64, want: f64, scale: f64) -> bool {
    (got - want).abs() <= TOLERANCE * want.abs().max(scale)
}

/// Asserts that a column of an indicator is TA-Lib's, over the fixture.
#[track_caller]
pub(crate) fn assert_talib<I: Indicator>(params: &[f64], columns: &[&str], scale: f64) {
    let got = Series::fixture().columns::<I>(params);
    assert_eq!(got.len(), columns.len(), "one TA-Lib column per output");
    for (got, name) in got.iter().zip(columns) {
        assert_close(got, &talib(name), scale);
    }
}

mod tests {
    use super::*;

    #[test]
    fn the_fixture_has_a_reference_for_each_candle() {
        let series = Series::fixture();
        assert_eq!(series.candles.len(), 400);
        assert_eq!(talib("sma_20").len(), 400);
        assert_eq!(talib("sma_20").iter().flatten().count(), 381);
    }

    #[test]
    fn close_columns_are_equal_enough() {
        assert_close(&[None, Some(1.0)], &[None, Some(1.0 + 9e-10)], 0.0);
        assert_close(&[Some(1e-9)], &[Some(0.0)], 1.0);
    }

    #[test]
    #[should_panic(expected = "row 1: got Some(100.0), want Some(1.0)")]
    fn a_larger_value_is_not_close() {
        assert_close(&[Some(1.0), Some(100.0)], &[Some(1.0), Some(1.0)], 0.0);
    }

    #[test]
    #[should_panic(expected = "row 0: got Some(1.0), want Some(100.0)")]
    fn a_smaller_value_is_not_close() {
        assert_close(&[Some(1.0)], &[Some(100.0)], 0.0);
    }

    #[test]
    #[should_panic(expected = "row 0: got Some(1.0), want None")]
    fn ready_too_early_is_not_close() {
        assert_close(&[Some(1.0)], &[None], 0.0);
    }

    #[test]
    #[should_panic(expected = "row 0: got None, want Some(1.0)")]
    fn ready_too_late_is_not_close() {
        assert_close(&[None], &[Some(1.0)], 0.0);
    }

    #[test]
    #[should_panic(expected = "row 0")]
    fn nan_is_not_close_to_itself() {
        assert_close(&[Some(f64::NAN)], &[Some(f64::NAN)], 1.0);
    }

    #[test]
    #[should_panic(expected = "columns have as many rows")]
    fn a_shorter_column_is_not_close() {
        assert_close(&[Some(1.0)], &[Some(1.0), Some(2.0)], 0.0);
    }

    #[test]
    fn walks_hold_the_promises_of_a_candle() {
        for Series { candles, .. } in Series::all_kinds(7, 2_000) {
            assert!(candles.iter().any(|candle| candle.volume.0 == 0));
            for Candle { open, high, low, close, volume, quote_volume, .. } in candles {
                assert!(low <= open && open <= high && low <= close && close <= high);
                assert!(low.0 > 0 && volume.0 >= 0);
                assert!(quote_volume >= low.0 as u128 * volume.0 as u128);
                assert!(quote_volume <= high.0 as u128 * volume.0 as u128);
            }
        }
    }
}
