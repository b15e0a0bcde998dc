//! Open buckets: candles that still take prints, folded commutatively so that arrival order
//! cannot matter.

use bevy_ecs::component::Component;

use crate::candle::Candle;
use crate::health::Reject;
use crate::interval::Interval;
use crate::limits::{FUTURE_MAX_NS, PULSE_NS, QUOTE_MAX, TRADES_MAX, VOLUME_MAX};
use crate::trade::{Aggressor, Trade};
use crate::units::{Nanos, Price};

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
        let mut run = Run::default();
        run.add(trade);
        if !self.has_room(&run) {
            self.edges.lossy = true;
            return Err(Reject::Overflow);
        }
        self.fold_run(trade, trade, &run);
        Ok(())
    }

    /// Whether the sums of a run can be added without exceeding a limit.
    #[inline]
    pub fn has_room(&self, run: &Run) -> bool {
        let candle = &self.candle;
        let volume = i128::from(candle.volume.0) + run.volume;
        let trades = u64::from(candle.trades) + run.trades;
        volume <= i128::from(VOLUME_MAX)
            && trades <= u64::from(TRADES_MAX)
            && candle.quote_volume + run.quote_volume <= QUOTE_MAX
    }

    /// Folds a run for which there is room. `first` and `last` are its prints with the smallest
    /// and the largest (trade time, id).
    #[inline]
    pub fn fold_run(&mut self, first: &Trade, last: &Trade, run: &Run) {
        let (candle, edges) = (&mut self.candle, &mut self.edges);
        let (first_key, last_key) = ((first.time, first.id), (last.time, last.id));
        if candle.trades == 0 {
            (candle.high, candle.low) = (run.high, run.low);
            (candle.open, candle.close) = (first.price, last.price);
            (edges.first, edges.last) = (first_key, last_key);
            (edges.first_id, edges.last_id) = (run.first_id, run.last_id);
        } else {
            (candle.high, candle.low) = (candle.high.max(run.high), candle.low.min(run.low));
            if last_key >= edges.last {
                (candle.close, edges.last) = (last.price, last_key);
            }
            if first_key <= edges.first {
                (candle.open, edges.first) = (first.price, first_key);
            }
            edges.first_id = edges.first_id.min(run.first_id);
            edges.last_id = edges.last_id.max(run.last_id);
        }
        candle.volume.0 += run.volume as i64;
        candle.quote_volume += run.quote_volume;
        candle.taker_buy_volume.0 += run.taker_buy_volume as i64;
        candle.taker_buy_quote_volume += run.taker_buy_quote_volume;
        candle.trades += run.trades as u32;
    }
}

/// What some prints add up to, whatever their order. Cannot overflow in one step.
#[derive(Clone, Copy, Debug)]
pub struct Run {
    high: Price,
    low: Price,
    volume: i128,
    quote_volume: u128,
    taker_buy_volume: i128,
    taker_buy_quote_volume: u128,
    trades: u64,
    first_id: u64,
    last_id: u64,
}

impl Default for Run {
    fn default() -> Self {
        Self {
            high: Price(i64::MIN),
            low: Price(i64::MAX),
            volume: 0,
            quote_volume: 0,
            taker_buy_volume: 0,
            taker_buy_quote_volume: 0,
            trades: 0,
            first_id: u64::MAX,
            last_id: 0,
        }
    }
}

impl Run {
    /// Adds a print with positive price and quantity.
    #[inline]
    pub fn add(&mut self, trade: &Trade) {
        let (price, quantity) = (trade.price, trade.quantity.0);
        let quote = u128::from(price.0 as u64) * u128::from(quantity as u64);
        self.high = self.high.max(price);
        self.low = self.low.min(price);
        self.volume += i128::from(quantity);
        self.quote_volume += quote;
        // Sides alternate at random: adding zero costs less than guessing wrong.
        let bought = u64::from(trade.aggressor == Aggressor::Buyer).wrapping_neg();
        self.taker_buy_volume += i128::from(quantity & bought as i64);
        let mask = u128::from(bought) | u128::from(bought) << 64;
        self.taker_buy_quote_volume += quote & mask;
        self.trades += u64::from(trade.count);
        self.first_id = self.first_id.min(trade.first_id);
        self.last_id = self.last_id.max(trade.first_id + u64::from(trade.count) - 1);
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
    /// The farthest that an open bucket can lie behind the current one: grace, clock tolerance and
    /// the distance of pulses. Beyond, heartbeats must have failed.
    reach_ns: u64,
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
    pub fn new(interval: Interval, grace_ns: u64) -> Self {
        let reach_ns = grace_ns + FUTURE_MAX_NS + 2 * PULSE_NS + interval.ns();
        let ahead = Vec::with_capacity(4);
        let (current, late) = (Bucket::default(), Vec::new());
        Self { current, ahead, late, interval, reach_ns, started: false }
    }

    /// Whether a trade time lies so far ahead that no bucket could be open for it.
    pub fn out_of_reach(&self, time: Nanos) -> bool {
        self.started && time > self.current_end().plus(self.reach_ns)
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

    /// Whether a print belongs to the bucket that closes next.
    #[inline]
    pub fn is_current(&self, time: Nanos) -> bool {
        // Before the start the open time is the epoch, which no believable print is near.
        time.0.wrapping_sub(self.current.candle.open_time.0) < self.interval.ns()
    }

    /// Puts a print where it belongs.
    pub fn place(&mut self, trade: &Trade) -> Placed {
        let open_time = self.interval.bucket(trade.time);
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
