//! What is on its way to the recorder, and in which order it gets there.
//!
//! Most prints keep their order on their connection, so each connection is a queue and only the
//! heads of queues are compared. What comes out of order waits in a heap of its own.

use std::cmp::{Ordering, Reverse};
use std::collections::binary_heap::PeekMut;
use std::collections::{BinaryHeap, VecDeque};

use systems::trade::{SymbolId, Trade};
use systems::units::Nanos;

use crate::tape::entry::{Body, Entry};

/// The kinds of entries that a market makes; a third of the size of [`Body`].
#[derive(Clone, Copy, Debug)]
pub(super) enum What {
    Trade(Trade),
    Heartbeat(Nanos),
    Link { link: u16, up: bool, reason: &'static str },
    Feed { symbol: SymbolId, up: bool },
    Halt(SymbolId),
    Unrecoverable { symbol: SymbolId, from_id: u64, to_id: u64 },
}

impl From<What> for Body<'static> {
    fn from(what: What) -> Self {
        match what {
            What::Trade(trade) => Self::Trade(trade),
            What::Heartbeat(at) => Self::Heartbeat(at),
            What::Link { link, up, reason } => Self::Link { link, up, reason },
            What::Feed { symbol, up } => Self::Feed { symbol, up },
            What::Halt(symbol) => Self::Halt { symbol, halted: true },
            What::Unrecoverable { symbol, from_id, to_id } => {
                Self::Unrecoverable { symbol, from_id, to_id }
            }
        }
    }
}

/// Something on its way; what was sent first arrives first among equals.
#[derive(Clone, Copy, Debug)]
struct Pending {
    at: u64,
    order: u64,
    what: What,
}

impl Pending {
    fn key(&self) -> (u64, u64) {
        (self.at, self.order)
    }
}

impl PartialEq for Pending {
    fn eq(&self, other: &Self) -> bool {
        self.key() == other.key()
    }
}

impl Eq for Pending {}

impl PartialOrd for Pending {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Pending {
    fn cmp(&self, other: &Self) -> Ordering {
        self.key().cmp(&other.key())
    }
}

/// Everything sent and not yet received.
#[derive(Clone, Debug)]
pub(super) struct Wire {
    lanes: Vec<VecDeque<Pending>>,
    /// Key and lane of the head of every lane that is not empty.
    heads: BinaryHeap<Reverse<((u64, u64), usize)>>,
    strays: BinaryHeap<Reverse<Pending>>,
    order: u64,
    /// The latest arrival so far.
    last: u64,
}

impl Wire {
    /// A wire with one lane per connection.
    pub(super) fn new(lanes: usize) -> Self {
        Self {
            lanes: vec![VecDeque::new(); lanes],
            heads: BinaryHeap::new(),
            strays: BinaryHeap::new(),
            order: 0,
            last: 0,
        }
    }

    /// Sends something that arrives at `at`, whatever else is on its way.
    pub(super) fn send(&mut self, at: u64, what: What) {
        let pending = self.stamp(at, what);
        self.strays.push(Reverse(pending));
    }

    /// Sends something that arrives after everything sent in this lane; `at` never decreases.
    pub(super) fn send_in(&mut self, lane: usize, at: u64, what: What) {
        let pending = self.stamp(at, what);
        debug_assert!(self.lanes[lane].back().is_none_or(|last| last.at <= at));
        if self.lanes[lane].is_empty() {
            self.heads.push(Reverse((pending.key(), lane)));
        }
        self.lanes[lane].push_back(pending);
    }

    fn stamp(&mut self, at: u64, what: What) -> Pending {
        self.order += 1;
        self.last = self.last.max(at);
        Pending { at, order: self.order, what }
    }

    /// The latest arrival of all that was ever sent.
    pub(super) fn last(&self) -> u64 {
        self.last
    }

    /// Whether everything has been received.
    pub(super) fn is_empty(&self) -> bool {
        self.heads.is_empty() && self.strays.is_empty()
    }

    /// The next to arrive, if it arrives at `frontier` or before.
    pub(super) fn receive(&mut self, frontier: u64) -> Option<Entry<'static>> {
        let head = self.heads.peek().map(|Reverse((key, _))| *key);
        let stray = self.strays.peek().map(|Reverse(pending)| pending.key());
        let from_lane = match (head, stray) {
            (Some(head), Some(stray)) => head < stray,
            (head, _) => head.is_some(),
        };
        let (at, _) = if from_lane { head? } else { stray? };
        if at > frontier {
            return None;
        }
        let what = if from_lane { self.take_head()? } else { self.strays.pop()?.0.what };
        Some(Entry { received: Nanos(at), body: what.into() })
    }

    fn take_head(&mut self) -> Option<What> {
        let mut head = self.heads.peek_mut()?;
        let lane = &mut self.lanes[head.0.1];
        let what = lane.pop_front()?.what;
        match lane.front() {
            Some(next) => head.0.0 = next.key(),
            None => _ = PeekMut::pop(head),
        }
        Some(what)
    }
}
