//! Where two runs part: the first minute whose digests differ.

/// The first minute in which two runs differ, `None` if they are equal.
///
/// Each run is its minutes, ascending, with a digest of what it computed in that minute. A minute
/// that only one of them has is a difference too.
pub fn bisect<M: Copy + Ord, D: PartialEq>(a: &[(M, D)], b: &[(M, D)]) -> Option<M> {
    let parted = a.iter().zip(b).find(|(a, b)| a != b);
    if let Some(((a, _), (b, _))) = parted {
        return Some(*a.min(b));
    }
    let longer = if a.len() < b.len() { b } else { a };
    longer.get(a.len().min(b.len())).map(|(minute, _)| *minute)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_difference_is_found() {
        let run = [(1, "a"), (2, "b"), (4, "c")];
        for (other, want) in [
            (vec![(1, "a"), (2, "b"), (4, "c")], None),
            (vec![(1, "a"), (2, "x"), (4, "y")], Some(2)),
            (vec![(1, "a"), (4, "c")], Some(2)),
            (vec![(1, "a"), (2, "b"), (3, "z"), (4, "c")], Some(3)),
            (vec![(1, "a"), (2, "b")], Some(4)),
            (vec![], Some(1)),
            (vec![(0, "z")], Some(0)),
        ] {
            assert_eq!(bisect(&run, &other), want, "{other:?}");
            assert_eq!(bisect(&other, &run), want, "{other:?}");
        }
        assert_eq!(bisect::<u64, u64>(&[], &[]), None);
    }
}
