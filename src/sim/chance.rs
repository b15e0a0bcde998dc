//! Chance without state: the same seed and key always give the same answer, in any order.

/// Spreads the bits of a number (the finalizer of SplitMix64).
pub(super) const fn mix(seed: u64) -> u64 {
    let mut z = seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// A number that depends on every key and on their order.
pub(super) fn hash(keys: &[u64]) -> u64 {
    keys.iter().fold(0, |hash, key| mix(hash ^ key))
}

/// A hash as a number in `[0, 1)`.
pub(super) fn unit(hash: u64) -> f64 {
    (hash >> 11) as f64 * (1.0 / 9_007_199_254_740_992.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hashes_are_even_and_depend_on_order() {
        let mean = (0..10_000).map(|n| unit(hash(&[7, n]))).sum::<f64>() / 10_000.0;
        assert!((mean - 0.5).abs() < 0.02, "{mean}");
        assert_ne!(hash(&[1, 2]), hash(&[2, 1]));
    }
}
