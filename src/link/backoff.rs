//! How long to wait before dialling again: longer each time, and never as long as the neighbour.

use rand_pcg::Mcg128Xsl64;
use rand_pcg::rand_core::Rng;

use super::limits::{BACKOFF_BASE_NS, BACKOFF_MAX_NS};

/// A seeded source of jitter.
#[derive(Clone, Debug)]
pub(super) struct Jitter(Mcg128Xsl64);

impl Jitter {
    /// The same seed gives the same numbers.
    pub(super) fn new(seed: u64) -> Self {
        // A generator of this kind needs an odd state, which it makes itself; the constant only
        // keeps small seeds apart.
        Self(Mcg128Xsl64::new(u128::from(seed) << 64 | 0x9e37_79b9_7f4a_7c15))
    }

    /// A number below `bound`, or 0 if that is 0.
    pub(super) fn below(&mut self, bound: u64) -> u64 {
        ((u128::from(self.0.next_u64()) * u128::from(bound)) >> 64) as u64
    }
}

/// Counts failures and tells the wait after each (exponential, with full jitter).
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Backoff {
    failures: u32,
}

impl Backoff {
    /// The wait in nanoseconds after one more failure.
    pub(super) fn wait_ns(&mut self, jitter: &mut Jitter) -> u64 {
        let doubled = BACKOFF_BASE_NS.saturating_mul(1 << self.failures.min(32));
        self.failures = self.failures.saturating_add(1);
        jitter.below(doubled.min(BACKOFF_MAX_NS))
    }

    /// Failures since the last time all was well.
    pub(super) fn failures(&self) -> u32 {
        self.failures
    }

    /// All is well.
    pub(super) fn reset(&mut self) {
        self.failures = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_the_longest_and_are_spread_over_all_of_it() {
        let mut jitter = Jitter::new(1);
        let mut sums = [0.0; 12];
        for _ in 0..2_000 {
            let mut backoff = Backoff::default();
            for (n, sum) in sums.iter_mut().enumerate() {
                let wait = backoff.wait_ns(&mut jitter);
                let most = (BACKOFF_BASE_NS << n).min(BACKOFF_MAX_NS);
                assert!(wait < most);
                *sum += wait as f64 / most as f64;
            }
        }
        for sum in sums {
            assert!((sum / 2_000.0 - 0.5).abs() < 0.05, "{sum}");
        }
    }

    #[test]
    fn any_number_of_failures_has_a_wait() {
        let (mut jitter, mut backoff) = (Jitter::new(2), Backoff { failures: u32::MAX - 1 });
        for _ in 0..3 {
            assert!(backoff.wait_ns(&mut jitter) < BACKOFF_MAX_NS);
        }
        assert_eq!(backoff.failures(), u32::MAX);
    }

    #[test]
    fn neighbouring_seeds_do_not_wait_alike() {
        let waits: Vec<u64> = (0..8).map(|seed| Jitter::new(seed).below(1 << 40)).collect();
        for (n, wait) in waits.iter().enumerate() {
            assert!(waits[..n].iter().all(|other| wait.abs_diff(*other) > 1 << 30), "{waits:?}");
        }
    }
}
