//! The highest rate at which a bound holds.

/// One rate that was tried.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Tried {
    /// Frames a second.
    pub rate: f64,
    /// What the percentile was, in nanoseconds.
    pub ns: u64,
    /// Whether the bound held.
    pub holds: bool,
}

/// The answer is this near.
const NEAR: f64 = 1.05;

/// Rates tried at most.
const TRIES: usize = 14;

/// Below this nobody asks.
const LOWEST: f64 = 100.0;

/// Looks for the highest rate up to `most` whose percentile, which `measure` tells, is at most
/// `bound_ns`. Gives all that was tried, in order; the answer is the highest that holds.
///
/// # Errors
/// Whatever `measure` says.
pub fn highest<E>(
    most: f64,
    bound_ns: u64,
    measure: &mut dyn FnMut(f64) -> Result<u64, E>,
) -> Result<Vec<Tried>, E> {
    let mut tried = Vec::new();
    let mut at = |rate: f64, tried: &mut Vec<Tried>| {
        let ns = measure(rate)?;
        tried.push(Tried { rate, ns, holds: ns <= bound_ns });
        Ok(ns <= bound_ns)
    };
    let (mut good, mut bad) = (None, most * NEAR);
    while tried.len() < TRIES {
        let next = match good {
            None => (bad / 2.0).max(LOWEST),
            Some(good) => f64::sqrt(good * bad),
        };
        match (at(next, &mut tried)?, good) {
            (true, _) => good = Some(next),
            (false, None) if next <= LOWEST => break,
            (false, _) => bad = next,
        }
        if good.is_some_and(|good| bad / good < NEAR) {
            break;
        }
    }
    Ok(tried)
}

/// The answer of a search, if there is any.
pub fn best(tried: &[Tried]) -> Option<Tried> {
    let holding = tried.iter().filter(|tried| tried.holds);
    holding.copied().max_by(|a, b| a.rate.total_cmp(&b.rate))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Waiting grows as a queue's does: without bound towards the rate that is served.
    fn queue(served: f64) -> impl FnMut(f64) -> Result<u64, ()> {
        move |rate| {
            Ok(if rate < served { (20_000.0 / (1.0 - rate / served)) as u64 } else { u64::MAX })
        }
    }

    #[test]
    fn the_highest_rate_is_found_from_any_first_guess() {
        // 20 us / (1 - load) <= 200 us up to nine tenths of what is served.
        for most in [95_000.0, 100_000.0, 1e6, 1e7] {
            let tried = highest(most, 200_000, &mut queue(100_000.0)).unwrap();
            let best = best(&tried).unwrap();
            assert!((85_000.0..=90_000.0).contains(&best.rate), "{most}: {tried:?}");
            assert!(tried.len() <= TRIES);
        }
    }

    #[test]
    fn what_never_holds_has_no_answer_and_errors_end_the_search() {
        let tried = highest(1_000.0, 10, &mut queue(100_000.0)).unwrap();
        assert_eq!(best(&tried), None);
        assert_eq!(highest(1_000.0, 10, &mut |_| Err("no")), Err("no"));
    }
}
