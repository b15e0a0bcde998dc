//! Exact sums over the last candles: what every windowed average is made of.
//!
//! Sums are integers and become floats once, at the end. So they depend on nothing but the candles
//! in the window: they neither drift nor cancel, and a state that was rolled back is bit-equal to
//! one that never went wrong. The candle that leaves is read back through [`Past`].

use crate::candle::Candle;
use crate::indicator::Past;

/// The last `period` candles, counted until there are as many.
#[derive(Clone, Copy, Debug)]
pub struct Window {
    period: u32,
    seen: u32,
}

impl Window {
    /// A window of `period` candles.
    pub fn new(period: f64) -> Self {
        Self { period: period as u32, seen: 0 }
    }

    /// Takes in the candle after `past`; gives `number` of the one that leaves, if the window was
    /// full.
    #[inline]
    pub fn slide<T>(&mut self, past: &Past<'_>, number: impl Fn(&Candle) -> T) -> Option<T> {
        if self.is_full() {
            let leaving = past.read(self.period as usize, number);
            debug_assert!(leaving.is_some(), "the ring reaches back over every window");
            return leaving;
        }
        self.seen += 1;
        None
    }

    /// Whether `period` candles were seen.
    #[inline]
    pub fn is_full(&self) -> bool {
        self.seen == self.period
    }

    /// How many candles fill it.
    #[inline]
    pub fn period(&self) -> u32 {
        self.period
    }
}

/// Sum of one number of each candle in a window.
///
/// Numbers are below 2^107 (`limits::QUOTE_MAX` over a day of seconds) and periods below 2^13, so
/// sums stay inside 127 bits.
#[derive(Clone, Copy, Debug)]
pub struct Sum {
    window: Window,
    total: i128,
}

impl Sum {
    /// A sum over `period` candles.
    pub fn new(period: f64) -> Self {
        Self { window: Window::new(period), total: 0 }
    }

    /// Takes in `candle`, which comes after `past`; the total once the window is full.
    #[inline]
    pub fn update(
        &mut self,
        candle: &Candle,
        past: &Past<'_>,
        number: impl Fn(&Candle) -> i128,
    ) -> Option<i128> {
        let leaving = self.window.slide(past, &number).unwrap_or(0);
        self.total += number(candle) - leaving;
        self.window.is_full().then_some(self.total)
    }

    /// The window it is taken over.
    pub fn window(&self) -> &Window {
        &self.window
    }
}

/// Sum and sum of squares of the closes in a window, in price units.
///
/// From them, mean and population variance follow without a difference of large floats:
/// `n^2 * variance = n * sum(x^2) - sum(x)^2`, which is an exact integer.
///
/// The squares are kept modulo 2^128. That loses nothing as long as the *result* is below 2^128,
/// which holds while the closes of one window span less than `2^65 / n` units: 1.8e18 for n = 20,
/// 7.3e15 for n = 5,000 (`limits::PERIOD_MAX`; one candle spans at most 4.3e9).
#[derive(Clone, Copy, Debug)]
pub struct Moments {
    window: Window,
    sum: i128,
    squares: u128,
}

impl Moments {
    /// Moments over `period` candles.
    pub fn new(period: f64) -> Self {
        Self { window: Window::new(period), sum: 0, squares: 0 }
    }

    /// Takes in `candle`, which comes after `past`; the moments once the window is full.
    #[inline]
    pub fn update(&mut self, candle: &Candle, past: &Past<'_>) -> Option<&Self> {
        let entering = candle.close.0;
        let leaving = self.window.slide(past, |leaving| leaving.close.0).unwrap_or(0);
        self.sum += i128::from(entering) - i128::from(leaving);
        self.squares = self.squares.wrapping_add(square(entering)).wrapping_sub(square(leaving));
        self.window.is_full().then_some(self)
    }

    /// The window they are taken over.
    pub fn window(&self) -> &Window {
        &self.window
    }

    /// `n * mean` in price units.
    #[inline]
    pub fn sum(&self) -> f64 {
        nearest(self.sum as u128)
    }

    /// `n * (close - mean)` in price units.
    #[inline]
    pub fn excess(&self, close: i64) -> f64 {
        to_f64(i128::from(close) * i128::from(self.window.period) - self.sum)
    }

    /// `n * standard deviation` in price units, of the population.
    #[inline]
    pub fn spread(&self) -> f64 {
        let sum = self.sum as u128;
        let n = u128::from(self.window.period);
        nearest(n.wrapping_mul(self.squares).wrapping_sub(sum.wrapping_mul(sum))).sqrt()
    }
}

/// Sum and linearly weighted sum of the closes in a window, in price units.
///
/// The oldest close has weight 0, the newest n - 1. Below 2^63 * 2^26 for all prices and periods.
#[derive(Clone, Copy, Debug)]
pub struct Weighted {
    window: Window,
    sum: i128,
    weighted: i128,
}

impl Weighted {
    /// Weighted sums over `period` candles.
    pub fn new(period: f64) -> Self {
        Self { window: Window::new(period), sum: 0, weighted: 0 }
    }

    /// Takes in `candle`, which comes after `past`; the sums once the window is full.
    #[inline]
    pub fn update(&mut self, candle: &Candle, past: &Past<'_>) -> Option<&Self> {
        if let Some(leaving) = self.window.slide(past, |leaving| leaving.close.0) {
            // It had weight 0; each of the others moves down by one.
            self.sum -= i128::from(leaving);
            self.weighted -= self.sum;
        }
        let close = i128::from(candle.close.0);
        self.sum += close;
        self.weighted += close * i128::from(self.window.seen - 1);
        self.window.is_full().then_some(self)
    }

    /// The window they are taken over.
    pub fn window(&self) -> &Window {
        &self.window
    }

    /// Sum of `(i + 1) * close`, i = 0 for the oldest.
    pub fn rising(&self) -> i128 {
        self.weighted + self.sum
    }

    /// Sum of `(2 i - (n - 1)) * close`: each close weighted by its distance from the middle.
    pub fn centred(&self) -> i128 {
        2 * self.weighted - i128::from(self.window.period - 1) * self.sum
    }
}

/// The members that indicators have in common which are one window, `Self(sums)`, over `period`
/// candles, and say one number about it.
#[macro_export]
macro_rules! over_one_window {
    ($sums:ident) => {
        const OUTPUTS: &'static [&'static str] = &[""];

        fn new(params: &[f64], _units: $crate::indicator::Units) -> Self {
            Self($sums::new(params[0]))
        }

        fn reach(params: &[f64]) -> usize {
            params[0] as usize
        }

        fn converged(&self) -> bool {
            self.0.window().is_full()
        }

        $crate::saved_by_copy!();
    };
}

#[inline]
fn square(number: i64) -> u128 {
    let magnitude = u128::from(number.unsigned_abs());
    magnitude * magnitude
}

/// Three typical prices: high + low + close in price units.
#[inline]
pub fn thrice_typical(candle: &Candle) -> i128 {
    i128::from(candle.high.0) + i128::from(candle.low.0) + i128::from(candle.close.0)
}

/// The nearest float. Nearly all sums fit 63 bits, where the machine converts by itself.
#[inline]
pub fn to_f64(number: i128) -> f64 {
    match i64::try_from(number) {
        Ok(small) => small as f64,
        Err(_) if number < 0 => -from_128_bits(number.unsigned_abs()),
        Err(_) => from_128_bits(number.unsigned_abs()),
    }
}

/// The nearest float to a number that is never negative.
///
/// The machine's conversion keeps half of the register that it writes, and so waits for whatever
/// used it before: the root or the division of the last candle. Two halves, placed in floats of a
/// known exponent, wait for nothing; only their sum is rounded.
#[inline]
pub fn nearest(number: u128) -> f64 {
    const TWO_POW_52: u64 = 0x4330_0000_0000_0000;
    const TWO_POW_84: u64 = 0x4530_0000_0000_0000;
    const BOTH: f64 = f64::from_bits(TWO_POW_84) + f64::from_bits(TWO_POW_52);
    let Ok(number) = u64::try_from(number) else { return from_128_bits(number) };
    let high = f64::from_bits(TWO_POW_84 | number >> 32);
    let low = f64::from_bits(TWO_POW_52 | number & 0xffff_ffff);
    (high - BOTH) + low
}

/// Kept out of line: inlined, the compiler does this slow conversion every time and then picks.
#[cold]
#[inline(never)]
fn from_128_bits(number: u128) -> f64 {
    number as f64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::indicators::testing::{Random, Series, minute};
    use crate::ring::Ring;

    /// Folds the closes and checks the exact sums against whole windows at each step.
    #[track_caller]
    fn check(closes: &[i64], period: usize) {
        let series = Series::of_closes(closes);
        let mut ring = Ring::new(period + 1, minute());
        let mut moments = Moments::new(period as f64);
        let mut weighted = Weighted::new(period as f64);
        for (end, candle) in (1..).zip(&series.candles) {
            let past = Past::before(&ring, ring.end());
            let ready = moments.update(candle, &past).is_some();
            assert_eq!(weighted.update(candle, &past).is_some(), ready);
            assert_eq!(ready, end >= period, "candle {end}");
            ring.push(candle);
            let Some(start) = end.checked_sub(period) else { continue };
            let window = &closes[start..end];
            let sum: i128 = window.iter().map(|&x| i128::from(x)).sum();
            assert_eq!(moments.sum, sum);
            let n = period as i128;
            // Half of the sum of the squared differences of all pairs: no squares of prices.
            let pairs: f64 = window
                .iter()
                .flat_map(|a| window.iter().map(move |b| ((a - b) as f64).powi(2)))
                .sum();
            let want = (pairs / 2.0).sqrt();
            assert!((moments.spread() - want).abs() <= 1e-12 * want, "{} {want}", moments.spread());
            let rising: i128 = (1..).zip(window).map(|(i, &x)| i * i128::from(x)).sum();
            assert_eq!(weighted.rising(), rising);
            let centred: i128 =
                (0..).zip(window).map(|(i, &x)| (2 * i - (n - 1)) * i128::from(x)).sum();
            assert_eq!(weighted.centred(), centred);
        }
    }

    #[test]
    fn sums_are_those_of_the_whole_window_at_any_price() {
        let mut random = Random(1);
        for base in [1_000, 1_000_000_000_000, 100_000_000_000_000_000, i64::MAX - 2_000] {
            let closes: Vec<i64> = (0..120).map(|_| base + random.step(999)).collect();
            for period in [1, 2, 3, 20, 60] {
                check(&closes, period);
            }
        }
    }

    #[test]
    fn a_leap_over_almost_all_prices_leaves_nothing_behind() {
        let mut closes = vec![1; 20];
        closes.extend([1_000_000_000_000_000_000, 2, 3]);
        closes.extend([7; 40]);
        check(&closes, 20);
    }

    #[test]
    fn the_longest_window_holds_the_stated_span() {
        let period = crate::limits::PERIOD_MAX;
        let (low, high) = (100_000_000_000_000_000, 107_300_000_000_000_000);
        let closes: Vec<i64> =
            (0..period).map(|i| if i.is_multiple_of(2) { low } else { high }).collect();
        let series = Series::of_closes(&closes);
        let mut ring = Ring::new(period, minute());
        let mut moments = Moments::new(period as f64);
        for candle in &series.candles {
            moments.update(candle, &Past::before(&ring, ring.end()));
            ring.push(candle);
        }
        let deviation = moments.spread() / period as f64;
        assert!((deviation / 3_650_000_000_000_000.0 - 1.0).abs() < 1e-15);
    }

    #[test]
    fn large_numbers_convert_as_small_ones_do() {
        for number in [0, -1, i128::from(i64::MAX), i128::from(i64::MIN) - 1, 1 << 80, -(1 << 80)] {
            assert_eq!(to_f64(number), number as f64);
        }
        let mut random = Random(2);
        for bits in 0..128 {
            for _ in 0..100 {
                let random = u128::from(random.next()) << 64 | u128::from(random.next());
                let number = (random | 1 << 127) >> bits;
                for number in [number, number & !0xffff_ffff, 1 << bits, (1 << bits) - 1] {
                    assert_eq!(nearest(number), number as f64, "{number}");
                }
            }
        }
    }
}
