//! Stretches of venue time about which something stays known: lost ids, halts.

use crate::limits::STRETCHES_MAX;
use crate::units::Nanos;

/// A stretch of venue time, both ends included.
pub type Stretch = (Nanos, Nanos);

/// Stretches, ascending by their beginnings. Of too many the two oldest become one, with what is
/// between them: nothing is forgotten.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Stretches(Vec<Stretch>);

impl Stretches {
    /// Notes one more stretch.
    pub fn remember(&mut self, stretch: Stretch) {
        let index = self.0.partition_point(|known| known.0 <= stretch.0);
        self.0.insert(index, stretch);
        if self.0.len() > STRETCHES_MAX {
            let second = self.0.remove(1);
            self.0[0].1 = self.0[0].1.max(second.1);
        }
    }

    /// Whether any lies in, or touches, `[from, to)`.
    pub fn touches(&self, from: Nanos, to: Nanos) -> bool {
        self.0.iter().any(|&(after, before)| after < to && from <= before)
    }

    /// The first instant from `at` on that lies in none.
    pub fn end_from(&self, at: Nanos) -> Nanos {
        let inside = |at, &(from, to): &Stretch| from <= at && at <= to;
        self.0
            .iter()
            .fold(at, |at, stretch| if inside(at, stretch) { stretch.1.plus(1) } else { at })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_forgotten_and_little_is_kept() {
        let mut lost = Stretches::default();
        let stretch = |k: u64| (Nanos(10 * k), Nanos(10 * k + 3));
        let count = 3 * STRETCHES_MAX as u64;
        (0..count).rev().for_each(|k| lost.remember(stretch(k)));
        assert!((0..count).all(|k| lost.touches(stretch(k).0, stretch(k).1)));
        assert_eq!(lost.0.len(), STRETCHES_MAX);
        assert!(!lost.touches(Nanos(10 * count - 5), Nanos(10 * count)));
        assert!(!lost.touches(Nanos(10 * count), Nanos(u64::MAX)));
    }

    #[test]
    fn neighbours_cover_what_no_single_one_does() {
        let mut halts = Stretches::default();
        for (from, to) in [(30, 39), (10, 19), (20, 24), (12, 14)] {
            halts.remember((Nanos(from), Nanos(to)));
        }
        assert_eq!([9, 10, 24, 25, 30].map(|at| halts.end_from(Nanos(at)).0), [9, 25, 25, 25, 40]);
    }
}
