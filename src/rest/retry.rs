//! What can go wrong with one request, and whether it is worth another try.

use rand_pcg::Mcg128Xsl64;
use rand_pcg::rand_core::Rng;
use systems::units::Nanos;

use super::limits::{
    HOLE_TRIES, LATE_CANDLE_TRIES, LIMITED_TRIES, NONSENSE_TRIES, PARKED_TRIES, QUICK_TRIES,
};

/// Why a request did not bring what it was sent for.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Failure {
    /// No connection, a broken one, or a body cut short.
    #[error("network: {0}")]
    Network(String),
    /// Whoever answers has a certificate that is not trusted: why, and what to do.
    #[error("{0}")]
    Untrusted(String),
    /// It took too long.
    #[error("timeout while {0}")]
    Timeout(&'static str),
    /// The body is longer than any good answer.
    #[error("an answer of more than {limit} bytes")]
    TooLarge {
        /// Bytes at which reading stopped.
        limit: usize,
    },
    /// The venue answered with another status than 200.
    #[error("status {status}{}: {excerpt}", number(.code))]
    Refused {
        /// The HTTP status.
        status: u16,
        /// The venue's error number, where it gives one.
        code: Option<i64>,
        /// The beginning of what it said, escaped.
        excerpt: String,
    },
    /// A good status, and a body that is not what was asked for.
    #[error("not what was asked for: {0}")]
    Nonsense(String),
    /// A good answer that does not have what should be there by now.
    #[error("{0} not there yet")]
    NotYet(Late),
}

fn number(code: &Option<i64>) -> String {
    code.map_or(String::new(), |code| format!(", code {code}"))
}

/// What is not there yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Late {
    /// The next id.
    #[error("the next id is")]
    Id,
    /// A candle that just ended.
    #[error("the newest candle is")]
    Candle,
}

/// What a failure means for the next try.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Class {
    /// It will pass.
    Passing,
    /// It will be there in some seconds.
    Late(Late),
    /// The venue asks for a pause, which the budget keeps.
    Limited,
    /// Nobody knows.
    Nonsense,
    /// It will be the same every time.
    Final,
}

impl Failure {
    fn class(&self) -> Class {
        match self {
            Self::Network(_) | Self::Timeout(_) => Class::Passing,
            // Neither side gets another certificate by trying again.
            Self::Untrusted(_) => Class::Final,
            Self::NotYet(what) => Class::Late(*what),
            Self::TooLarge { .. } | Self::Nonsense(_) => Class::Nonsense,
            Self::Refused { status, code, .. } => match (status, code) {
                (403 | 418 | 429, _) => Class::Limited,
                // The venue's own words for trouble on its side, whatever the status.
                (408 | 500.., _) | (_, Some(-1_000 | -1_001 | -1_006 | -1_007 | -1_008)) => {
                    Class::Passing
                }
                _ => Class::Final,
            },
        }
    }

    /// Whether it says that the venue or the way to it cannot keep up.
    pub fn is_congestion(&self) -> bool {
        matches!(self.class(), Class::Passing | Class::Limited)
    }
}

/// Failures of one page so far, by class: trouble with the network must not use up the patience
/// for an answer that is late.
#[derive(Clone, Copy, Debug, Default)]
pub struct Tries([u32; 6]);

impl Tries {
    /// Counts a failure; gives how many of its class there were.
    pub fn note(&mut self, failure: &Failure) -> u32 {
        let count = &mut self.0[match failure.class() {
            Class::Passing => 0,
            Class::Late(Late::Id) => 1,
            Class::Late(Late::Candle) => 2,
            Class::Limited => 3,
            Class::Nonsense => 4,
            Class::Final => 5,
        }];
        *count += 1;
        *count
    }
}

/// Draws the waits between tries: full jitter, so that what failed together is not tried together.
#[derive(Debug)]
pub struct Backoff {
    pcg: Mcg128Xsl64,
    /// The first wait is at most this, in nanoseconds.
    base_ns: u64,
}

/// The longest wait in quick succession, as a multiple of the first.
const CAP: u64 = 64;
/// How long a parked job waits, as a multiple of the first wait: five minutes for half a second.
const PARKED: u64 = 600;
/// How long to wait for what is late, as a multiple of the first wait.
const LATE: u64 = 4;
/// How long at most what a session cannot begin without waits, as a multiple of the first wait.
const SOON: u64 = 16;

impl Backoff {
    /// The same seed draws the same waits.
    pub fn new(seed: u64, base_ns: u64) -> Self {
        Self { pcg: Mcg128Xsl64::new(u128::from(seed)), base_ns }
    }

    /// How long to wait before the next try when `tries` of this class failed;
    /// `None` gives up.
    pub fn wait_ns(&mut self, failure: &Failure, tries: u32) -> Option<u64> {
        let base = self.base_ns;
        let exponential = |first: u64| first.saturating_mul(1 << tries.clamp(1, 16) >> 1);
        match failure.class() {
            Class::Final => None,
            Class::Limited => (tries < LIMITED_TRIES).then_some(0),
            Class::Late(what) => {
                let most = if what == Late::Id { HOLE_TRIES } else { LATE_CANDLE_TRIES };
                let wait = exponential(base * LATE);
                (tries < most).then(|| wait / 2 + self.below(wait / 2))
            }
            Class::Nonsense if tries >= NONSENSE_TRIES => None,
            Class::Passing if tries >= QUICK_TRIES + PARKED_TRIES => None,
            Class::Passing if tries >= QUICK_TRIES => {
                Some(base * PARKED / 2 + self.below(base * PARKED))
            }
            Class::Passing | Class::Nonsense => Some(self.below(exponential(base).min(base * CAP))),
        }
    }

    /// The same for what a session cannot begin without: it is never parked, since somebody waits
    /// for it.
    pub fn soon_ns(&mut self, failure: &Failure, tries: u32) -> Option<u64> {
        let soon = self.base_ns * SOON;
        self.wait_ns(failure, tries).map(|wait| match failure.class() {
            Class::Passing if tries >= QUICK_TRIES => soon / 2 + self.below(soon / 2),
            _ => wait.min(soon),
        })
    }

    /// A number from 0 to `most`.
    fn below(&mut self, most: u64) -> u64 {
        ((u128::from(self.pcg.next_u64()) * (u128::from(most) + 1)) >> 64) as u64
    }
}

/// The first wait unless told otherwise, in nanoseconds.
pub const BASE_NS: u64 = Nanos::PER_SECOND / 2;

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(status: u16, code: Option<i64>) -> Failure {
        Failure::Refused { status, code, excerpt: String::new() }
    }

    #[test]
    fn failures_are_told_apart_by_what_another_try_can_bring() {
        let passing = QUICK_TRIES + PARKED_TRIES;
        for (failure, tries) in [
            (Failure::Network("reset".into()), passing),
            (Failure::Timeout("connecting"), passing),
            (refused(500, None), passing),
            (refused(503, None), passing),
            (refused(408, Some(-1_007)), passing),
            (refused(400, Some(-1_001)), passing),
            (refused(429, Some(-1_003)), LIMITED_TRIES),
            (refused(418, None), LIMITED_TRIES),
            (refused(403, None), LIMITED_TRIES),
            (refused(400, Some(-1_121)), 1),
            (refused(400, Some(-1_100)), 1),
            (refused(404, None), 1),
            (refused(302, None), 1),
            (Failure::TooLarge { limit: 9 }, NONSENSE_TRIES),
            (Failure::Nonsense("x".into()), NONSENSE_TRIES),
            (Failure::NotYet(Late::Id), HOLE_TRIES),
            (Failure::NotYet(Late::Candle), LATE_CANDLE_TRIES),
        ] {
            let mut backoff = Backoff::new(1, BASE_NS);
            let last = (1..).find(|tries| backoff.wait_ns(&failure, *tries).is_none());
            assert_eq!(last, Some(tries), "{failure}");
        }
    }

    #[test]
    fn waits_grow_are_capped_and_differ() {
        let mut backoff = Backoff::new(7, BASE_NS);
        let failure = Failure::Timeout("reading");
        for (tries, most) in [(1, BASE_NS), (2, 2 * BASE_NS), (4, 8 * BASE_NS)] {
            let waits: Vec<u64> =
                (0..1_000).filter_map(|_| backoff.wait_ns(&failure, tries)).collect();
            let (least, largest) = (waits.iter().min().unwrap(), waits.iter().max().unwrap());
            assert!(*largest <= most && *least < most / 50 && *largest > most / 50 * 49);
        }
        let parked = backoff.wait_ns(&failure, QUICK_TRIES).unwrap();
        assert!((150 * Nanos::PER_SECOND..=450 * Nanos::PER_SECOND).contains(&parked));
    }

    #[test]
    fn what_a_session_cannot_begin_without_is_never_parked() {
        let (mut backoff, failure) = (Backoff::new(7, BASE_NS), Failure::Timeout("reading"));
        let waits: Vec<u64> = (1..).map_while(|tries| backoff.soon_ns(&failure, tries)).collect();
        assert_eq!(waits.len() as u32, QUICK_TRIES + PARKED_TRIES - 1);
        assert!(waits.iter().all(|wait| *wait <= 8 * Nanos::PER_SECOND), "{waits:?}");
        assert!(waits.iter().sum::<u64>() > 40 * Nanos::PER_SECOND, "{waits:?}");
    }

    #[test]
    fn the_same_seed_draws_the_same_waits() {
        let waits = |seed| {
            let mut backoff = Backoff::new(seed, BASE_NS);
            (1..5).map(|tries| backoff.wait_ns(&refused(500, None), tries)).collect::<Vec<_>>()
        };
        assert_eq!(waits(3), waits(3));
        assert_ne!(waits(3), waits(4));
    }

    #[test]
    fn a_failure_says_what_happened() {
        let failure = refused(400, Some(-1_121));
        assert_eq!(failure.to_string(), "status 400, code -1121: ");
        assert_eq!(Failure::NotYet(Late::Id).to_string(), "the next id is not there yet");
    }
}
