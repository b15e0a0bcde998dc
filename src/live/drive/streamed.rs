//! Requests for candles that the venue publishes, too: each waits until the venue's own must have
//! come over its stream and been compared, and then asks for what is not proven.

use std::collections::BTreeMap;
use std::ops::Range;

use systems::dispatch::Request;
use systems::interval::Interval;
use systems::trade::SymbolId;
use systems::units::Nanos;

use crate::live::limits::STREAM_NS;

/// What waits for the venue's streams.
#[derive(Clone, Debug, Default)]
pub struct Streamed {
    /// By interval: whether the venue publishes its candles to us.
    intervals: Vec<bool>,
    /// By when it is due, and whose it is. The core asks for one thing per row and kind at a time,
    /// so this is bounded by the rows.
    held: BTreeMap<(Nanos, SymbolId, u8), Range<Nanos>>,
}

impl Streamed {
    /// Nothing waits yet; candles of `published` come over streams, `intervals` are all.
    pub fn new(published: &[Interval], intervals: &[Interval]) -> Self {
        let intervals = intervals.iter().map(|one| published.contains(one)).collect();
        Self { intervals, held: BTreeMap::new() }
    }

    /// Holds a request back if what it asks for may yet come over a stream.
    pub(super) fn hold(&mut self, request: &Request) -> bool {
        let Request::Candles { symbol, interval, from, to } = *request else { return false };
        let published = self.intervals.get(usize::from(interval)) == Some(&true);
        if published {
            self.held.insert((to.plus(STREAM_NS), symbol, interval), from..to);
        }
        published
    }

    /// The next request that has waited long enough.
    pub(super) fn due(&mut self, now: Nanos) -> Option<(SymbolId, u8, Range<Nanos>)> {
        let first = self.held.first_entry().filter(|first| first.key().0 <= now)?;
        let ((_, symbol, interval), wanted) = first.remove_entry();
        Some((symbol, interval, wanted))
    }
}
