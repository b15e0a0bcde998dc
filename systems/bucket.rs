//! Open buckets: candles that still take prints, folded commutatively so that arrival order
//! cannot matter.

use bevy_ecs::component::Component;

use crate::candle::Candle;
use crate::health::Reject;
use crate::interval::Interval;
use crate::ledger::Ledger;
use crate::limits::{FUTURE_MAX_NS, PULSE_NS, QUOTE_MAX, TRADES_MAX, VOLUME_MAX};
use crate::trade::{Aggressor, SymbolId, Trade, TradeKind};
use crate::units::Nanos;

/// The prints at the two ends of a candle: what a later print needs to know to take their place,
/// and what the venue's candle is identified by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Edges {
    /// (trade time, id) of the print that made the open.
    pub first: (Nanos, u64),
    /// (trade time, id) of the print that made the close.
    pub last: (Nanos, u64),
    /// Lowest single-trade id.
    pub first_id: u64,
    /// Highest single-trade id.
    pub last_id: u64,
    /// The numbers are the venue's: its prints are in there already.
    pub sealed: bool,
    /// A print with a good id could not be added: the candle is not complete whatever the ids say.
    pub lossy: bool,
    /// Holds prints that were asked for. One answer of the venue's is checked by another one.
    pub fetched: bool,
}

/// A candle under construction. Without prints its numbers mean nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Bucket {
    /// What was folded so far; `open_time` is always valid.
    pub candle: Candle,
    /// Its two ends.
    pub edges: Edges,
}

impl Bucket {
    /// A bucket that waits for its first print.
    pub fn empty(open_time: Nanos) -> Self {
        Self { candle: Candle { open_time, ..Candle::default() }, edges: Edges::default() }
    }

    /// Whether no print was folded yet.
    pub fn is_empty(&self) -> bool {
        self.candle.trades == 0
    }

    /// Folds one print that belongs here. The result does not depend on the order of prints.
    ///
    /// # Errors
    /// [`Reject::Overflow`] if a sum would exceed its limit; the numbers do not change then, but
    /// the candle is marked as lossy.
    pub fn fold(&mut self, trade: &Trade) -> Result<(), Reject> {
        let Self { candle, edges } = *self;
        self.edges.fetched |= trade.kind == TradeKind::Backfilled;
        if !self.append(trade) {
            self.edges.lossy = true;
            return Err(Reject::Overflow);
        }
        if candle.trades > 0 {
            // Appended as if it were the last: undo that where it is not.
            let key = (trade.time, trade.id);
            if key < edges.last {
                (self.candle.close, self.edges.last) = (candle.close, edges.last);
            }
            if key < edges.first {
                (self.candle.open, self.edges.first) = (trade.price, key);
            }
            self.edges.first_id = edges.first_id.min(trade.first_id);
            self.edges.last_id = self.edges.last_id.max(edges.last_id);
        }
        Ok(())
    }

    /// Folds one print that belongs here and comes after all others by (trade time, id) and by
    /// single-trade ids. Price, quantity and count must be positive.
    ///
    /// Changes nothing and says so if a sum would exceed its limit.
    #[inline]
    pub fn append(&mut self, trade: &Trade) -> bool {
        let (candle, edges) = (&mut self.candle, &mut self.edges);
        let (price, quantity) = (trade.price, trade.quantity.0 as u64);
        let quote = u128::from(price.0 as u64) * u128::from(quantity);
        // None of these can wrap: a sum within its limit leaves room for any print.
        let volume = candle.volume.0 as u64 + quantity;
        let quote_volume = candle.quote_volume + quote;
        let trades = u64::from(candle.trades) + u64::from(trade.count);
        if volume > VOLUME_MAX as u64 || quote_volume > QUOTE_MAX || trades > u64::from(TRADES_MAX)
        {
            return false;
        }
        let key = (trade.time, trade.id);
        if candle.trades == 0 {
            (candle.open, candle.high, candle.low) = (price, price, price);
            (edges.first, edges.first_id) = (key, trade.first_id);
        }
        candle.high = candle.high.max(price);
        candle.low = candle.low.min(price);
        candle.close = price;
        candle.volume.0 = volume as i64;
        candle.quote_volume = quote_volume;
        candle.trades = trades as u32;
        // Sides alternate at random: adding zero costs less than guessing wrong.
        let bought = u64::from(trade.aggressor == Aggressor::Buyer).wrapping_neg();
        candle.taker_buy_volume.0 += (quantity & bought) as i64;
        candle.taker_buy_quote_volume += quote & (u128::from(bought) | u128::from(bought) << 64);
        edges.last = key;
        edges.last_id = trade.first_id + u64::from(trade.count) - 1;
        true
    }
}

/// What prints of one symbol touch: the buckets of the base interval that still take them, and the
/// ledger of their ids. What a regular print touches comes first and fills three cache lines.
#[derive(Component, Clone, Debug, Default)]
#[repr(C, align(64))]
pub struct Open {
    /// The bucket that closes next. Everything before its open time is closed.
    pub current: Bucket,
    /// Prints folded, those that came late included.
    pub folded: u64,
    /// Continuity of the ids.
    pub ledger: Ledger,
    /// Buckets behind the current one that have prints already, ascending.
    pub ahead: Vec<Bucket>,
    /// Prints that belong to closed candles, until the next pulse.
    pub late: Vec<Trade>,
    /// The farthest that a bucket can lie behind the current one before time is known: grace, clock
    /// tolerance and the distance of pulses.
    reach_ns: u64,
    started: bool,
    /// Whose they are. `Row` says it too, but is not among what the intake of prints touches.
    pub symbol: SymbolId,
}

const _: () = assert!(core::mem::offset_of!(Open, ledger) + 2 * size_of::<u64>() <= 3 * 64);

/// Where a print went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Placed {
    /// Into an open bucket.
    Folded,
    /// It belongs to a closed candle and waits for the next pulse.
    Late,
    /// Nowhere.
    Rejected(Reject),
}

impl Open {
    /// No bucket of `symbol` is open before its first print.
    pub fn new(symbol: SymbolId, base: Interval, grace_ns: u64) -> Self {
        let reach_ns = grace_ns + FUTURE_MAX_NS + 2 * PULSE_NS + base.ns();
        Self { symbol, reach_ns, ahead: Vec::with_capacity(4), ..Self::default() }
    }

    /// Whether a trade time lies so far ahead that no bucket could be open for it.
    pub fn out_of_reach(&self, time: Nanos, base: Interval) -> bool {
        // Before the first print, however long after a warm-up, nothing is known of its pace.
        self.ledger.started() && self.started && time > self.current_end(base).plus(self.reach_ns)
    }

    /// Whether the series has begun.
    pub fn started(&self) -> bool {
        self.started
    }

    /// Everything before this is closed.
    pub fn until(&self) -> Nanos {
        self.current.candle.open_time
    }

    /// End of the bucket that closes next.
    pub fn current_end(&self, base: Interval) -> Nanos {
        self.until().plus(base.ns())
    }

    /// Begins the series, or moves its front, to the bucket that opens at `open_time`.
    pub fn start_at(&mut self, open_time: Nanos) {
        self.started = true;
        self.current = self.take_ahead(open_time).unwrap_or_else(|| Bucket::empty(open_time));
    }

    /// Closes the current bucket: returns it and opens the next.
    pub fn close(&mut self, base: Interval) -> Bucket {
        let closed = self.current;
        self.start_at(self.current_end(base));
        closed
    }

    /// Puts a print where it belongs.
    pub fn place(&mut self, trade: &Trade, base: Interval) -> Placed {
        let open_time = base.bucket(trade.time);
        if !self.started {
            self.start_at(open_time);
        } else if open_time < self.until() {
            self.late.push(*trade);
            return Placed::Late;
        }
        match self.bucket_for(open_time).fold(trade) {
            Ok(()) => Placed::Folded,
            Err(cause) => Placed::Rejected(cause),
        }
    }

    /// Whether no bucket that opens at `open_time` or before has prints.
    pub fn is_empty_until(&self, open_time: Nanos) -> bool {
        let ahead = self.ahead.first().map_or(Nanos(u64::MAX), |bucket| bucket.candle.open_time);
        self.current.is_empty() && open_time < ahead
    }

    /// Takes out the earliest bucket that has prints and opens before `open_time`. For breaks:
    /// [`Open::start_at`] must follow.
    pub fn take_before(&mut self, open_time: Nanos) -> Option<Bucket> {
        if !self.current.is_empty() {
            return Some(core::mem::take(&mut self.current));
        }
        let first = self.ahead.first()?.candle.open_time;
        (first < open_time).then(|| self.ahead.remove(0))
    }

    fn bucket_for(&mut self, open_time: Nanos) -> &mut Bucket {
        if open_time == self.until() {
            return &mut self.current;
        }
        let index = self.ahead.partition_point(|bucket| bucket.candle.open_time < open_time);
        if self.ahead.get(index).is_none_or(|bucket| bucket.candle.open_time != open_time) {
            self.ahead.insert(index, Bucket::empty(open_time));
        }
        &mut self.ahead[index]
    }

    fn take_ahead(&mut self, open_time: Nanos) -> Option<Bucket> {
        let first = self.ahead.first()?.candle.open_time;
        (first == open_time).then(|| self.ahead.remove(0))
    }
}

/// A bucket around a closed candle, so that a late print can be folded into it.
pub fn reopen(candle: Candle, edges: Edges) -> Bucket {
    let numbers = if candle.trades == 0 {
        Candle { open_time: candle.open_time, ..Candle::default() }
    } else {
        candle
    };
    Bucket { candle: Candle { revision: candle.revision, mark: candle.mark, ..numbers }, edges }
}
