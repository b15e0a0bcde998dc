//! Ids that are asked for again after they were fetched: their answers cannot be used.

use std::collections::BTreeMap;

use systems::trade::SymbolId;

use super::limits::REPEATS_MAX;

/// The last range fetched in full per symbol, and how often ids of it were asked for again.
#[derive(Debug, Default)]
pub(super) struct Repeats(BTreeMap<u16, (u64, u64, u32)>);

/// What a wanted range is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Repeat {
    /// Not fetched before.
    No,
    /// Fetched before; so many times it was asked for again.
    Times(u32),
    /// Once too often; ids up to this one are not worth another try.
    TooOften(u64),
}

impl Repeats {
    /// Notes that ids are wanted from `from_id` on.
    pub(super) fn want(&mut self, symbol: SymbolId, from_id: u64) -> Repeat {
        match self.0.get_mut(&symbol.0) {
            Some((from, to, times)) if (*from..=*to).contains(&from_id) => {
                *times += 1;
                if *times > REPEATS_MAX { Repeat::TooOften(*to) } else { Repeat::Times(*times) }
            }
            _ => Repeat::No,
        }
    }

    /// Notes that all of a range was fetched.
    pub(super) fn fetched(&mut self, symbol: SymbolId, from_id: u64, to_id: u64) {
        let known = self.0.entry(symbol.0).or_insert((from_id, to_id, 0));
        if !(known.0..=known.1).contains(&from_id) {
            *known = (from_id, to_id, 0);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_is_fetched_a_few_times_and_then_given_up() {
        let mut repeats = Repeats::default();
        let (one, two) = (SymbolId(1), SymbolId(2));
        assert_eq!(repeats.want(one, 5), Repeat::No);
        repeats.fetched(one, 5, 9);
        assert_eq!(repeats.want(two, 5), Repeat::No);
        for times in 1..=REPEATS_MAX {
            assert_eq!(repeats.want(one, 7), Repeat::Times(times));
            repeats.fetched(one, 7, 9);
        }
        assert_eq!(repeats.want(one, 7), Repeat::TooOften(9));
        assert_eq!(repeats.want(one, 10), Repeat::No);
        repeats.fetched(one, 10, 12);
        assert_eq!(repeats.want(one, 11), Repeat::Times(1));
    }
}
