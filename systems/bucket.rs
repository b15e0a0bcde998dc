//! Open buckets: candles that still take prints, folded commutatively so that arrival order
//! cannot matter.

use bevy_ecs::component::Component;

use crate::candle::Candle;
use crate::health::Reject;
use crate::limits::{CANDLE_RANGE_MAX, OPEN_BUCKETS_MAX, QUOTE_BITS};
use crate::trade::{Aggressor, Trade};
use crate::units::{Interval, Nanos, Quantity};

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
    /// [`Reject::Range`] or [`Reject::Overflow`] if the sums or distances would not fit; nothing
    /// is changed then.
    #[inline]
    pub fn fold(&mut self, trade: &Trade) -> Result<(), Reject> {
        let candle = &mut self.candle;
        let (price, quantity) = (trade.price, trade.quantity.0);
        let key = (trade.time, trade.id);
        if candle.trades == 0 {
            (candle.open, candle.high, candle.low, candle.close) = (price, price, price, price);
            self.edges = Edges {
                first: key,
                last: key,
                first_id: trade.first_id,
                last_id: trade.first_id,
                sealed: false,
            };
        }
        let (high, low) = (candle.high.max(price), candle.low.min(price));
        if high.0.abs_diff(low.0) > CANDLE_RANGE_MAX {
            return Err(Reject::Range);
        }
        let quote = u128::from(price.0 as u64) * u128::from(quantity as u64);
        let quote_volume = candle.quote_volume + quote;
        let (volume, too_much) = candle.volume.0.overflowing_add(quantity);
        let (trades, too_many) = candle.trades.overflowing_add(trade.count);
        if too_much || too_many || quote_volume >> QUOTE_BITS != 0 {
            return Err(Reject::Overflow);
        }
        (candle.high, candle.low) = (high, low);
        candle.volume = Quantity(volume);
        candle.quote_volume = quote_volume;
        candle.trades = trades;
        if trade.aggressor == Aggressor::Buyer {
            candle.taker_buy_volume.0 += quantity;
            candle.taker_buy_quote_volume += quote;
        }
        self.fold_edges(trade, key);
        Ok(())
    }

    #[inline]
    fn fold_edges(&mut self, trade: &Trade, key: (Nanos, u64)) {
        let edges = &mut self.edges;
        if key >= edges.last {
            (self.candle.close, edges.last) = (trade.price, key);
        }
        if key <= edges.first {
            (self.candle.open, edges.first) = (trade.price, key);
        }
        edges.first_id = edges.first_id.min(trade.first_id);
        edges.last_id = edges.last_id.max(trade.first_id + u64::from(trade.count) - 1);
    }
}

/// The buckets of one symbol's base interval that still take prints.
#[derive(Component, Clone, Debug)]
pub struct Open {
    /// The bucket that closes next. Everything before its open time is closed.
    pub current: Bucket,
    /// Buckets behind it that have prints already, ascending.
    pub ahead: Vec<Bucket>,
    /// Prints that belong to closed candles, until the next pulse.
    pub late: Vec<Trade>,
    interval: Interval,
    started: bool,
}

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
    /// No bucket is open before the first print.
    pub fn new(interval: Interval) -> Self {
        let ahead = Vec::with_capacity(OPEN_BUCKETS_MAX);
        Self { current: Bucket::default(), ahead, late: Vec::new(), interval, started: false }
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
    pub fn current_end(&self) -> Nanos {
        self.until().plus(self.interval.ns())
    }

    /// Begins the series, or moves its front, to the bucket that opens at `open_time`.
    pub fn start_at(&mut self, open_time: Nanos) {
        self.started = true;
        self.current = self.take_ahead(open_time).unwrap_or_else(|| Bucket::empty(open_time));
    }

    /// Closes the current bucket: returns it and opens the next.
    pub fn close(&mut self) -> Bucket {
        let closed = self.current;
        self.start_at(self.current_end());
        closed
    }

    /// Puts a print where it belongs.
    #[inline]
    pub fn place(&mut self, trade: &Trade) -> Placed {
        let into = trade.time.0.wrapping_sub(self.current.candle.open_time.0);
        if self.started && into < self.interval.ns() {
            return match self.current.fold(trade) {
                Ok(()) => Placed::Folded,
                Err(cause) => Placed::Rejected(cause),
            };
        }
        self.place_elsewhere(trade)
    }

    fn place_elsewhere(&mut self, trade: &Trade) -> Placed {
        let open_time = self.interval.bucket(trade.time);
        if !self.started {
            self.start_at(open_time);
        } else if open_time < self.until() {
            self.late.push(*trade);
            return Placed::Late;
        }
        let bucket = match self.bucket_for(open_time) {
            Some(bucket) => bucket,
            None => return Placed::Rejected(Reject::Future),
        };
        match bucket.fold(trade) {
            Ok(()) => Placed::Folded,
            Err(cause) => Placed::Rejected(cause),
        }
    }

    fn bucket_for(&mut self, open_time: Nanos) -> Option<&mut Bucket> {
        if open_time == self.until() {
            return Some(&mut self.current);
        }
        let index = self.ahead.partition_point(|bucket| bucket.candle.open_time < open_time);
        if self.ahead.get(index).is_none_or(|bucket| bucket.candle.open_time != open_time) {
            if self.ahead.len() + 1 >= OPEN_BUCKETS_MAX {
                return None;
            }
            self.ahead.insert(index, Bucket::empty(open_time));
        }
        self.ahead.get_mut(index)
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
