//! Seeded numbers that are the same on every machine.
//!
//! The generator is PCG; everything made from its bits uses integers and `+ - * /` and `sqrt`
//! alone, which IEEE 754 defines to the last bit. Library functions such as `ln` and `exp` differ
//! between platforms, so the exponential distribution comes from a table built at compile time.

use rand_pcg::Mcg128Xsl64;
use rand_pcg::rand_core::Rng;

/// A seeded source of numbers.
#[derive(Clone, Debug)]
pub(super) struct Random {
    pcg: Mcg128Xsl64,
}

/// A probability in the form that is cheapest to test.
#[derive(Clone, Copy, Debug)]
pub(super) struct Chance(u64);

impl Chance {
    /// Hits with probability `p`; 0 and below never, 1 and above (nearly) always.
    pub(super) fn new(p: f64) -> Self {
        // The cast saturates, which is what a probability of one needs.
        Self((p * 18_446_744_073_709_551_616.0) as u64)
    }
}

impl Random {
    /// The numbers of `seed`; streams of one seed are independent of each other.
    pub(super) fn new(seed: u64, stream: u64) -> Self {
        let high = mix(seed ^ mix(stream));
        let low = mix(high ^ seed);
        Self { pcg: Mcg128Xsl64::new(u128::from(high) << 64 | u128::from(low)) }
    }

    /// 64 random bits.
    #[inline]
    pub(super) fn bits(&mut self) -> u64 {
        self.pcg.next_u64()
    }

    /// A whole number from 0 to `n - 1`; the bias of at most `n / 2^32` does not matter here.
    #[inline]
    pub(super) fn below(&mut self, n: u32) -> u32 {
        (((self.bits() >> 32) * u64::from(n)) >> 32) as u32
    }

    /// A number in `[0, 1)`.
    #[inline]
    pub(super) fn unit(&mut self) -> f64 {
        (self.bits() >> 11) as f64 * (1.0 / 9_007_199_254_740_992.0)
    }

    /// Whether something of this probability happens now.
    #[inline]
    pub(super) fn hits(&mut self, chance: Chance) -> bool {
        self.bits() < chance.0
    }

    /// Exponentially distributed with mean 1.
    ///
    /// Leading zeros of random bits are geometric and give the whole multiples of `ln 2`; the
    /// bits after them give the place within, by interpolation in a table.
    #[inline]
    pub(super) fn exponential(&mut self) -> f64 {
        let bits = self.bits() | 1;
        let zeros = bits.leading_zeros();
        let mantissa = bits << zeros;
        let index = (mantissa >> 53) as usize & (CELLS - 1);
        let within = f64::from((mantissa >> 21) as u32) * (1.0 / 4_294_967_296.0);
        let (from, to) = (MINUS_LN[index], MINUS_LN[index + 1]);
        f64::from(zeros) * LN_2 + from + within * (to - from)
    }

    /// Bell-shaped with mean 0 and variance 1, within 3.5: the sum of four uniform numbers.
    #[inline]
    pub(super) fn bell(&mut self) -> f64 {
        let bits = self.bits();
        let sum = (bits & 0xffff) + (bits >> 16 & 0xffff) + (bits >> 32 & 0xffff) + (bits >> 48);
        const SQRT_3: f64 = 1.732_050_807_568_877_2;
        (sum as f64 * (1.0 / 65_536.0) - 2.0) * SQRT_3
    }
}

/// Spreads the bits of a seed (the finalizer of SplitMix64), so that seeds 1 and 2 differ in all.
fn mix(seed: u64) -> u64 {
    let mut z = seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

const LN_2: f64 = core::f64::consts::LN_2;
const CELLS: usize = 1_024;

/// `-ln(m)` for m from 1/2 to 1 in equal steps.
static MINUS_LN: [f64; CELLS + 1] = minus_ln();

const fn minus_ln() -> [f64; CELLS + 1] {
    let mut table = [0.0; CELLS + 1];
    let mut index = 0;
    while index <= CELLS {
        let m = 0.5 + index as f64 / (2 * CELLS) as f64;
        // ln m = 2 artanh z with z = (m - 1) / (m + 1), which is at most 1/3 in size.
        let z = (m - 1.0) / (m + 1.0);
        let (mut sum, mut power, mut odd) = (0.0, z, 1);
        while odd < 31 {
            sum += power / odd as f64;
            power *= z * z;
            odd += 2;
        }
        table[index] = -2.0 * sum;
        index += 1;
    }
    table
}

/// Draws indices in proportion to weights in O(1) (Walker's alias method).
#[derive(Clone, Debug, Default)]
pub(super) struct Alias {
    /// Per index: below this (of 2^32) it stands for itself, else for its alias.
    keep: Vec<(u32, u32)>,
    scaled: Vec<f64>,
    small: Vec<u32>,
    large: Vec<u32>,
}

impl Alias {
    /// Takes new weights, reusing the memory; `total` is their sum and above zero.
    pub(super) fn rebuild(&mut self, weights: impl ExactSizeIterator<Item = f64>, total: f64) {
        let factor = weights.len() as f64 / total;
        self.scaled.clear();
        self.scaled.extend(weights.map(|weight| weight * factor));
        self.keep.clear();
        self.keep.extend((0..self.scaled.len()).map(|index| (u32::MAX, index as u32)));
        self.small.clear();
        self.large.clear();
        for (index, &weight) in self.scaled.iter().enumerate() {
            let side = if weight < 1.0 { &mut self.small } else { &mut self.large };
            side.push(index as u32);
        }
        while let (Some(&small), Some(&large)) = (self.small.last(), self.large.last()) {
            self.small.pop();
            let weight = self.scaled[small as usize];
            self.keep[small as usize] = ((weight * 4_294_967_296.0) as u32, large);
            let rest = &mut self.scaled[large as usize];
            *rest -= 1.0 - weight;
            if *rest < 1.0 {
                self.large.pop();
                self.small.push(large);
            }
        }
        // What is left in `small` is 1 but for rounding, unless it weighs nothing at all.
        for &small in &self.small {
            if self.scaled[small as usize] <= 0.0 {
                self.keep[small as usize].0 = 0;
            }
        }
    }

    /// An index, as often as its weight says.
    #[inline]
    pub(super) fn draw(&self, random: &mut Random) -> usize {
        let bits = random.bits();
        let index = (((bits >> 32) * self.keep.len() as u64) >> 32) as usize;
        let (keep, alias) = self.keep[index];
        if (bits as u32) < keep { index } else { alias as usize }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn moments(mut draw: impl FnMut() -> f64) -> (f64, f64) {
        let n = 200_000;
        let (mut sum, mut squares) = (0.0, 0.0);
        for _ in 0..n {
            let x = draw();
            sum += x;
            squares += x * x;
        }
        let mean = sum / f64::from(n);
        (mean, squares / f64::from(n) - mean * mean)
    }

    #[test]
    fn distributions_have_the_moments_they_promise() {
        let mut random = Random::new(1, 0);
        for ((mean, variance), (want_mean, want_variance)) in [
            (moments(|| random.unit()), (0.5, 1.0 / 12.0)),
            (moments(|| random.exponential()), (1.0, 1.0)),
            (moments(|| random.bell()), (0.0, 1.0)),
            (moments(|| f64::from(random.below(10))), (4.5, 8.25)),
        ] {
            assert!((mean - want_mean).abs() < 0.02, "mean {mean} for {want_mean}");
            assert!((variance - want_variance).abs() < 0.03 * want_variance.max(1.0), "{variance}");
        }
    }

    #[test]
    fn the_table_is_the_logarithm() {
        for (index, value) in MINUS_LN.iter().enumerate() {
            let m = 0.5 + index as f64 / 2_048.0;
            assert!((value + m.ln()).abs() < 1e-14, "at {m}");
        }
    }

    #[test]
    fn an_alias_table_draws_by_weight_and_never_draws_nothing() {
        let weights = [0.0, 5.0, 1.0, 0.0, 3.0, 1.0];
        let mut alias = Alias::default();
        alias.rebuild(weights.into_iter(), 10.0);
        let mut random = Random::new(7, 0);
        let mut seen = [0u32; 6];
        for _ in 0..100_000 {
            seen[alias.draw(&mut random)] += 1;
        }
        for (seen, weight) in seen.into_iter().zip(weights) {
            assert!((f64::from(seen) - weight * 10_000.0).abs() < 600.0, "{seen} for {weight}");
            assert_eq!(seen == 0, weight == 0.0);
        }
    }

    #[test]
    fn a_seed_is_pinned_across_machines() {
        let mut random = Random::new(42, 1);
        let exponential = random.exponential().to_bits();
        let bell = random.bell().to_bits();
        assert_eq!((random.bits(), exponential, bell), PINNED);
    }

    /// Written down once; another value on another machine means that tapes differ there.
    const PINNED: (u64, u64, u64) =
        (3_195_117_894_860_111_699, 4_597_313_532_914_424_057, 4_593_789_071_162_380_075);
}
