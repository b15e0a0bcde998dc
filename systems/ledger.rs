//! The continuity ledger of one symbol: which ids were seen, which are missing, since when.
//!
//! The cursor never moves past a hole: everything below `next` was seen except the ids of the
//! open gaps. A gap ends by its ids or by being given up; nothing else closes it.

use crate::limits::GAPS_MAX;
use crate::stretches::{Stretch, Stretches};
use crate::units::Nanos;

/// Ids known to be missing, and the stretch of venue time in which they must have traded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Gap {
    /// First missing id.
    pub from_id: u64,
    /// Last missing id.
    pub to_id: u64,
    /// Trade time of the last print seen before the gap.
    pub after: Nanos,
    /// Trade time of the first print seen behind the gap.
    pub before: Nanos,
}

/// What a print's id says about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Seen {
    /// The next id, or one behind a hole that is now a known gap.
    Next,
    /// An id that was missing.
    Filled,
    /// Seen before.
    Duplicate,
    /// Ids begin anew; what was known about the old ones is forgotten.
    Reset,
    /// An answer about ids of before they began anew: it says nothing about those of now.
    Stray,
}

/// A print from the stream with an old id and a trade time this much newer than any: ids began
/// anew. Repetitions on the wire are seconds old at most. What is fetched of the old ids is older
/// than the new ones by as much.
const RESET_AFTER_NS: u64 = 60 * Nanos::PER_SECOND;

/// Continuity of one symbol's ids. What a regular print touches comes first, and is little.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[repr(C)]
pub struct Ledger {
    /// The id of a print that needs no further look; 0 while there is none.
    expected: u64,
    /// The newest trade time seen.
    newest: Nanos,
    /// The id that comes next, while none is expected; 0 before the first print.
    next: u64,
    /// The lowest id seen, since ids last began anew, and its trade time.
    first: (u64, Nanos),
    /// Since when every print is seen or known to be missing: trade time of the very first one, 0
    /// if the venue had none before it.
    began: Nanos,
    /// Open gaps, ascending.
    gaps: Vec<Gap>,
    /// Since when prints may be missing because the feed is or was down; cleared by proof.
    unsure_since: Option<Nanos>,
    feed_down: bool,
    /// The stretch in which gaps opened or closed since the last pulse.
    changed: Option<Stretch>,
    /// Ids given up for good.
    unrecoverable: u64,
    /// When they traded, and prints that could not be added.
    lost: Stretches,
}

impl Ledger {
    /// Whether any print was seen.
    pub fn started(&self) -> bool {
        self.expected != 0 || self.next != 0
    }

    /// Whether a print with this id and trade time is just what should come next.
    #[inline]
    pub fn expects(&self, id: u64, time: Nanos) -> bool {
        self.expected == id && self.newest <= time && id != 0
    }

    /// Takes the print that was expected.
    #[inline]
    pub fn take_expected(&mut self, time: Nanos) {
        debug_assert!(self.newest <= time);
        (self.expected, self.newest) = (self.expected + 1, time);
    }

    /// Expects nothing while something is changed that decides what to expect.
    fn hold(&mut self) {
        if self.expected != 0 {
            self.next = core::mem::take(&mut self.expected);
        }
    }

    /// Expects the next id again, unless prints may be missing before it.
    fn release(&mut self) {
        if self.next != 0 && self.unsure_since.is_none() {
            self.expected = core::mem::take(&mut self.next);
        }
    }

    /// Takes any id. `fresh` says that the print came from the stream rather than from a repair.
    pub fn take(&mut self, id: u64, time: Nanos, fresh: bool) -> Seen {
        self.hold();
        let seen = self.take_held(id, time, fresh);
        self.release();
        seen
    }

    fn take_held(&mut self, id: u64, time: Nanos, fresh: bool) -> Seen {
        if self.next == 0 {
            (self.next, self.first, self.newest) = (id + 1, (id, time), time);
            self.began = if id <= 1 { Nanos(0) } else { time };
            return Seen::Next;
        }
        if id < self.next {
            return self.take_old(id, time, fresh);
        }
        if !fresh && time < self.newest {
            // Ids ascend with time, so this is no later print than those seen.
            return Seen::Stray;
        }
        if id > self.next {
            let gap = Gap { from_id: self.next, to_id: id - 1, after: self.newest, before: time };
            self.open_gap(gap);
        }
        self.next = id + 1;
        self.newest = self.newest.max(time);
        if fresh && !self.feed_down {
            // The ids around the outage are now either contiguous or a known gap.
            if let Some(since) = self.unsure_since.take() {
                self.note_change(since, time);
            }
        }
        Seen::Next
    }

    fn take_old(&mut self, id: u64, time: Nanos, fresh: bool) -> Seen {
        if fresh && time > self.newest.plus(RESET_AFTER_NS) {
            return self.reset(id, time);
        }
        if id < self.first.0 {
            return self.take_before_first(id, time);
        }
        let index = self.gaps.partition_point(|gap| gap.to_id < id);
        let Some(gap) = self.gaps.get(index).copied().filter(|gap| gap.from_id <= id) else {
            return Seen::Duplicate;
        };
        if !fresh && time.plus(RESET_AFTER_NS) <= gap.after {
            return Seen::Stray;
        }
        self.split(index, gap, id, time);
        Seen::Filled
    }

    /// Removes one id from a gap, leaving what is missing on either side of it.
    fn split(&mut self, index: usize, gap: Gap, id: u64, time: Nanos) {
        let time = time.clamp(gap.after, gap.before.max(gap.after));
        let left = (gap.from_id < id).then(|| Gap { to_id: id - 1, before: time, ..gap });
        let right = (id < gap.to_id).then(|| Gap { from_id: id + 1, after: time, ..gap });
        self.gaps.splice(index..=index, left.into_iter().chain(right));
        self.note_change(gap.after, gap.before);
        self.give_up_if_full();
    }

    /// Ids began anew: what is still missing of the old ones cannot be asked for any more, and
    /// nobody can tell how many there were after the last one seen.
    fn reset(&mut self, id: u64, time: Nanos) -> Seen {
        self.give_up(0, u64::MAX);
        let since = self.unsure_since.unwrap_or(self.newest);
        self.unsure_since = self.feed_down.then_some(time);
        self.lost.remember((since, time));
        self.note_change(since, time);
        (self.next, self.first, self.newest) = (id + 1, (id, time), time);
        Seen::Reset
    }

    /// An id below the first: a repair of the head.
    fn take_before_first(&mut self, id: u64, time: Nanos) -> Seen {
        if id + 1 < self.first.0 {
            let gap =
                Gap { from_id: id + 1, to_id: self.first.0 - 1, after: time, before: self.first.1 };
            self.gaps.insert(0, Gap { after: gap.after.min(gap.before), ..gap });
            self.give_up_if_full();
        }
        self.note_change(time, self.first.1);
        // Once ids began anew, the first of them says nothing about the past before.
        let first_of_all = id <= 1 && self.began == self.first.1;
        self.began = if first_of_all { Nanos(0) } else { self.began.min(time) };
        self.first = (id, time);
        Seen::Filled
    }

    fn open_gap(&mut self, gap: Gap) {
        let gap = Gap { before: gap.before.max(gap.after), ..gap };
        self.note_change(gap.after, gap.before);
        self.gaps.push(gap);
        self.give_up_if_full();
    }

    /// Gives up the oldest gap when there are too many.
    fn give_up_if_full(&mut self) {
        if self.gaps.len() > GAPS_MAX {
            let oldest = self.gaps[0];
            self.give_up(oldest.from_id, oldest.to_id);
        }
    }

    /// Prints stopped arriving (`up = false`) or arrive again, as of the venue's time `now`.
    pub fn feed(&mut self, up: bool, now: Nanos) {
        self.feed_down = !up;
        if !up && self.started() && self.unsure_since.is_none() {
            self.hold();
            let since = self.newest.min(now);
            self.unsure_since = Some(since);
            // A connection may have been dead for a while when it is found out.
            self.note_change(since, now);
        }
    }

    /// Gives up ids for good: they are no longer asked for, their candles keep their mark.
    pub fn give_up(&mut self, from_id: u64, to_id: u64) {
        for gap in core::mem::take(&mut self.gaps) {
            let (from, to) = (gap.from_id.max(from_id), gap.to_id.min(to_id));
            if from > to {
                self.gaps.push(gap);
                continue;
            }
            self.unrecoverable = self.unrecoverable.saturating_add((to - from).saturating_add(1));
            self.lost.remember((gap.after, gap.before));
            if gap.from_id < from {
                self.gaps.push(Gap { to_id: from - 1, ..gap });
            }
            if to < gap.to_id {
                self.gaps.push(Gap { from_id: to + 1, ..gap });
            }
        }
        // What is given up inside a gap leaves two.
        self.give_up_if_full();
    }

    /// A print with a good id could not be added anywhere: that it traded then stays known.
    pub fn lose(&mut self, time: Nanos) {
        if !self.lost.touches(time, time.plus(1)) {
            self.lost.remember((time, time));
        }
    }

    /// Whether prints are known or feared to be missing in `[from, to)`.
    pub fn incomplete(&self, from: Nanos, to: Nanos) -> bool {
        self.unsure_since.is_some_and(|since| since < to)
            || self.gaps.iter().any(|gap| gap.after < to && from <= gap.before)
            || self.lost.touches(from, to)
            // No id says whether there was a print before the first.
            || to <= self.began
    }

    /// Whether nothing at all is missing.
    pub fn contiguous(&self) -> bool {
        self.gaps.is_empty() && self.unsure_since.is_none()
    }

    /// Since when prints are followed: trade time of the first one, 0 if the venue had none before.
    pub fn began(&self) -> Nanos {
        self.began
    }

    /// Whether the first id was the first that the venue ever gave: nothing came before it.
    pub fn from_the_very_first(&self) -> bool {
        self.started() && self.began.0 == 0
    }

    /// Trade time of the newest print.
    pub fn newest(&self) -> Nanos {
        self.newest
    }

    /// Open gaps, ascending by id.
    pub fn gaps(&self) -> &[Gap] {
        &self.gaps
    }

    /// Ids given up for good.
    pub fn unrecoverable(&self) -> u64 {
        self.unrecoverable
    }

    /// The stretch whose continuity changed since the last call.
    pub fn take_changed(&mut self) -> Option<Stretch> {
        self.changed.take()
    }

    /// Notes a stretch to be looked at: its continuity changed, or the last look at it was not
    /// finished.
    pub fn note_change(&mut self, after: Nanos, before: Nanos) {
        let (from, to) = (after.min(before), before.max(after));
        let known = self.changed.unwrap_or((from, to));
        self.changed = Some((known.0.min(from), known.1.max(to)));
    }
}

#[cfg(test)]
mod tests;
