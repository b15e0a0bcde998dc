//! How many events there are of each group, and counts that some carry for others.

use super::Kind;

/// Events by group: all others, and heartbeats, which are few and noted each.
pub(super) type Counts = [u32; 2];

/// The group of a kind.
pub(super) const fn group(kind: Kind) -> usize {
    matches!(kind, Kind::Heartbeat) as usize
}

/// Of the steps that move time, or of those that do not: what was not told since it was last.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Owed {
    /// Steps whose stages inside were not timed.
    pub(super) steps: u32,
    /// Events whose response was not told.
    pub(super) events: Counts,
}

/// A total in so many whole parts, the last of which has what is left over.
#[derive(Clone, Copy)]
pub(super) struct Shares {
    left: u32,
    each: u32,
    parts: usize,
}

impl Shares {
    /// Of none there are no parts.
    pub(super) fn new(total: u32, parts: usize) -> Self {
        Self { left: total, each: total / parts.max(1) as u32, parts }
    }
}

impl Iterator for Shares {
    type Item = u32;

    fn next(&mut self) -> Option<u32> {
        self.parts = self.parts.checked_sub(1)?;
        let part = if self.parts == 0 { self.left } else { self.each };
        self.left -= part;
        Some(part)
    }
}

/// Adds counts to counts.
pub(super) fn add(to: &mut Counts, more: Counts) {
    to.iter_mut().zip(more).for_each(|(to, more)| *to += more);
}
