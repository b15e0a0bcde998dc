//! The time in which a connection and its successor run side by side.

use systems::units::Nanos;

use super::limits::{OVERLAP_MAX_NS, OVERLAP_MIN_NS};

/// No print yet; venues' ids stay far below.
const NONE: u64 = u64::MAX;

/// What both connections brought, symbol by symbol.
#[derive(Debug)]
pub(super) struct Overlap {
    /// Since when the successor has all its streams.
    since: Option<Nanos>,
    seen: Vec<Seen>,
}

#[derive(Clone, Copy, Debug)]
struct Seen {
    /// The first id over the new connection.
    first_new: u64,
    /// The last id over the old one.
    last_old: u64,
    /// Whether the old one brought any since the new one has all its streams.
    old_active: bool,
}

/// Where an overlap stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Standing {
    /// The old connection is still needed.
    Open,
    /// It can go.
    Done(Proof),
    /// It brings prints, and the successor brings none: that one must go.
    Worse,
}

/// For how many symbols both connections had the same print.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Proof {
    pub(super) proven: usize,
    pub(super) unproven: usize,
}

impl Seen {
    const NOTHING: Self = Self { first_new: NONE, last_old: NONE, old_active: false };
}

impl Overlap {
    pub(super) fn new(symbols: usize) -> Self {
        Self { since: None, seen: vec![Seen::NOTHING; symbols] }
    }

    /// The successor was lost, and another attempt begins from nothing.
    pub(super) fn restart(&mut self) {
        self.since = None;
        self.seen.fill(Seen::NOTHING);
    }

    /// Notes a print; O(1).
    #[inline]
    pub(super) fn note(&mut self, over_new: bool, slot: usize, id: u64) {
        let Some(seen) = self.seen.get_mut(slot) else { return };
        if over_new {
            if seen.first_new == NONE {
                seen.first_new = id;
            }
        } else {
            seen.last_old = id;
            seen.old_active |= self.since.is_some();
        }
    }

    /// Where it stands at `at`; `subscribed` says since when the successor has all its streams.
    pub(super) fn standing(&mut self, at: Nanos, subscribed: Option<Nanos>) -> Standing {
        self.since = self.since.or(subscribed);
        let Some(since) = self.since else { return Standing::Open };
        let proof = self.proof();
        let passed_ns = at.0.saturating_sub(since.0);
        if passed_ns >= OVERLAP_MAX_NS {
            let dumb = proof.unproven > 0 && self.seen.iter().all(|seen| seen.first_new == NONE);
            return if dumb { Standing::Worse } else { Standing::Done(proof) };
        }
        if passed_ns >= OVERLAP_MIN_NS && proof.unproven == 0 {
            return Standing::Done(proof);
        }
        Standing::Open
    }

    /// Over each connection ids only rise, so both had the same one if the old went as far as the
    /// new began. Symbols without prints need no proof.
    fn proof(&self) -> Proof {
        let mut proof = Proof::default();
        for seen in &self.seen {
            if seen.first_new == NONE && !seen.old_active {
                continue;
            }
            let same =
                seen.first_new != NONE && seen.last_old != NONE && seen.last_old >= seen.first_new;
            proof.proven += usize::from(same);
            proof.unproven += usize::from(!same);
        }
        proof
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(ms: u64) -> Nanos {
        Nanos::from_ms(1_000_000 + ms)
    }

    /// Prints in order: `o7` is id 7 over the old connection, `n7` over the new one.
    fn standing(before: &str, after: &str, ms: u64) -> Standing {
        let mut overlap = Overlap::new(1);
        let note = |overlap: &mut Overlap, prints: &str| {
            for print in prints.split_whitespace() {
                overlap.note(print.starts_with('n'), 0, print[1..].parse().unwrap());
            }
        };
        note(&mut overlap, before);
        overlap.standing(at(0), Some(at(0)));
        note(&mut overlap, after);
        overlap.standing(at(ms), Some(at(0)))
    }

    #[test]
    fn the_old_one_goes_when_both_had_the_same_print() {
        let done = |proven, unproven| Standing::Done(Proof { proven, unproven });
        for (before, after, ms, want) in [
            ("", "", 2_999, Standing::Open),
            ("", "", 3_000, done(0, 0)),
            ("o6", "", 3_000, done(0, 0)),
            ("o6", "o7", 3_000, Standing::Open),
            ("o6", "o7 n8", 3_000, Standing::Open),
            ("o6", "n8 o7", 3_000, Standing::Open),
            ("o6", "n8 o7 o8", 3_000, done(1, 0)),
            ("o6", "o7 n7", 3_000, done(1, 0)),
            ("o6", "n7 n8 n9", 3_000, Standing::Open),
            ("o6 n6", "", 3_000, done(1, 0)),
            ("o6 n7", "", 3_000, Standing::Open),
            ("o6", "n8 o7", 60_000, done(0, 1)),
            ("o6", "o7 o8 o9", 59_999, Standing::Open),
            ("o6", "o7 o8 o9", 60_000, Standing::Worse),
        ] {
            assert_eq!(standing(before, after, ms), want, "{before} | {after} at {ms}");
        }
    }

    #[test]
    fn nothing_is_done_while_the_new_one_lacks_streams() {
        let mut overlap = Overlap::new(1);
        overlap.note(true, 0, 7);
        overlap.note(false, 0, 7);
        assert_eq!(overlap.standing(at(1 << 30), None), Standing::Open);
        overlap.restart();
        overlap.note(false, 7, 1);
        assert_eq!(overlap.standing(at(0), Some(at(0))), Standing::Open);
    }
}
