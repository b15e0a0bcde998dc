//! Which ids of a symbol are there, which are missing, which came twice.

/// Ranges of missing ids that all symbols together may have open, so that memory stays bounded.
/// A gap beyond is reported at once and cannot be closed any more.
const RANGES_MAX: usize = 1 << 16;

/// What an id is to those seen before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Seen {
    /// The next one, the first one, one that was missing, or one before the first.
    Fine,
    /// Ids are missing before it.
    After(u64, u64),
    /// It was there before.
    Repeated,
}

/// The ids of one symbol.
#[derive(Clone, Debug, Default)]
pub(super) struct Ids {
    /// First id and the one after the last.
    bounds: Option<(u64, u64)>,
    /// Missing ranges between, ascending, both ends included.
    missing: Vec<(u64, u64)>,
}

impl Ids {
    /// Takes note of an id. `open` counts the missing ranges of all symbols.
    pub(super) fn see(&mut self, id: u64, open: &mut usize) -> Seen {
        let after = id.saturating_add(1);
        let Some((first, next)) = self.bounds else {
            self.bounds = Some((id, after));
            return Seen::Fine;
        };
        if id < first {
            return Seen::Fine;
        }
        if id < next {
            return if self.remove(id, id, open) > 0 { Seen::Fine } else { Seen::Repeated };
        }
        self.bounds = Some((first, after));
        if id == next {
            return Seen::Fine;
        }
        if *open < RANGES_MAX {
            self.missing.push((next, id - 1));
            *open += 1;
            return Seen::Fine;
        }
        Seen::After(next, id - 1)
    }

    /// Stops missing a range of ids; returns how many of them were missing.
    pub(super) fn remove(&mut self, from_id: u64, to_id: u64, open: &mut usize) -> u64 {
        let begin = self.missing.partition_point(|range| range.1 < from_id);
        let end = self.missing.partition_point(|range| range.0 <= to_id);
        if end <= begin {
            return 0;
        }
        let (left, right) = (self.missing[begin], self.missing[end - 1]);
        let found: u64 = self.missing[begin..end]
            .iter()
            .map(|range| range.1.min(to_id) - range.0.max(from_id) + 1)
            .fold(0, u64::saturating_add);
        let before = (left.0 < from_id).then(|| (left.0, from_id - 1));
        let behind = (to_id < right.1).then(|| (to_id + 1, right.1));
        let kept = self.missing.len();
        self.missing.splice(begin..end, before.into_iter().chain(behind));
        *open = *open + self.missing.len() - kept;
        found
    }

    /// Ranges that stayed missing, ascending.
    pub(super) fn missing(&self) -> &[(u64, u64)] {
        &self.missing
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    #[test]
    fn gaps_open_and_close() {
        let (mut ids, mut open) = (Ids::default(), 0);
        for id in [10, 11, 15, 13, 20] {
            assert_eq!(ids.see(id, &mut open), Seen::Fine);
        }
        assert_eq!(ids.missing(), [(12, 12), (14, 14), (16, 19)]);
        assert_eq!(open, 3);
        assert_eq!(ids.see(13, &mut open), Seen::Repeated);
        assert_eq!(ids.see(9, &mut open), Seen::Fine, "before the first");
        assert_eq!(ids.remove(14, 17, &mut open), 3);
        assert_eq!((ids.missing(), open), ([(12, 12), (18, 19)].as_slice(), 2));
    }

    #[test]
    fn gaps_beyond_the_limit_are_reported_at_once() {
        let (mut ids, mut open) = (Ids::default(), RANGES_MAX - 1);
        ids.see(1, &mut open);
        assert_eq!(ids.see(3, &mut open), Seen::Fine);
        assert_eq!(ids.see(7, &mut open), Seen::After(4, 6));
        assert_eq!(ids.see(8, &mut open), Seen::Fine);
    }

    proptest! {
        #[test]
        fn as_a_plain_set_says(
            seen in proptest::collection::vec(0u64..60, 1..60),
            given_up in proptest::collection::vec((0u64..60, 0u64..9), 0..5),
        ) {
            let (mut ids, mut open) = (Ids::default(), 0);
            seen.iter().for_each(|&id| { ids.see(id, &mut open); });
            given_up.iter().for_each(|&(from, count)| { ids.remove(from, from + count, &mut open); });
            let (first, last) = (seen[0], *seen.iter().max().unwrap());
            let mut want: BTreeSet<u64> = (first..=last.max(first)).collect();
            seen.iter().for_each(|id| { want.remove(id); });
            given_up.iter().for_each(|&(from, count)| want.retain(|id| !(from..=from + count).contains(id)));
            let got: BTreeSet<u64> = ids.missing().iter().flat_map(|&(from, to)| from..=to).collect();
            prop_assert_eq!(got, want);
            prop_assert_eq!(open, ids.missing().len());
        }
    }
}
