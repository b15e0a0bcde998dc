//! What the venue knows of one symbol: its prints, its aggregates, its minutes.

use std::collections::VecDeque;

use systems::candle::{Candle, VenueCandle};
use systems::trade::{Aggressor, Trade, TradeKind};
use systems::units::{Nanos, Price};

/// Stands where a candle has no trades, or none with an id.
pub(super) const NO_ID: u64 = u64::MAX;

/// Prints that a symbol may always have room for.
const KEPT_ROOM: usize = 1_024;

/// One symbol's share of the truth.
#[derive(Clone, Debug)]
pub(super) struct Record {
    /// Prints that are still kept, oldest first.
    pub(super) trades: VecDeque<Trade>,
    /// Aggregates of them that are complete, oldest first.
    pub(super) aggregates: VecDeque<Trade>,
    /// The aggregate that the next print may still join.
    pub(super) open_aggregate: Option<Trade>,
    next_aggregate: u64,
    /// Since when it is listed.
    pub(super) listed: Nanos,
    /// Minutes that have ended, oldest first, without holes.
    pub(super) minutes: VecDeque<VenueCandle>,
    /// The minute that has not ended.
    pub(super) forming: VenueCandle,
    /// Price of the last print.
    pub(super) close: Price,
}

impl Record {
    /// A symbol whose first minute begins at `begins`, at the price before it.
    pub(super) fn new(begins: Nanos, close: Price) -> Self {
        Self {
            trades: VecDeque::new(),
            aggregates: VecDeque::new(),
            open_aggregate: None,
            next_aggregate: 0,
            listed: Nanos(0),
            minutes: VecDeque::new(),
            forming: quiet(begins, close),
            close,
        }
    }

    /// Takes the next print; `merge_ns` is how long after its first print an aggregate takes
    /// others. An aggregate that this print ends goes to `ended`.
    pub(super) fn push(&mut self, trade: Trade, merge_ns: u64, ended: &mut Vec<Trade>) {
        if self.trades.is_empty() && self.next_aggregate == 0 {
            // Aggregates are fewer than prints; on average a third.
            self.next_aggregate = trade.id - trade.id / 3;
        }
        self.trades.push_back(trade);
        if trade.kind != TradeKind::Market {
            return;
        }
        fold(&mut self.forming, &trade);
        self.close = trade.price;
        if let Some(open) = &mut self.open_aggregate {
            if joins(open, &trade, merge_ns) {
                open.quantity.0 += trade.quantity.0;
                open.count = (trade.id - open.first_id + 1) as u32;
                return;
            }
            ended.extend(self.end_aggregate());
        }
        let id = self.next_aggregate;
        self.next_aggregate += 1;
        self.open_aggregate = Some(Trade { id, ..trade });
    }

    /// Ends the open aggregate, which takes no more prints.
    pub(super) fn end_aggregate(&mut self) -> Option<Trade> {
        let ended = self.open_aggregate.take()?;
        self.aggregates.push_back(ended);
        Some(ended)
    }

    /// Ends the forming minute; the next begins at `next`.
    pub(super) fn end_minute(&mut self, next: Nanos, keep: usize) {
        let ended = std::mem::replace(&mut self.forming, quiet(next, self.close));
        self.minutes.push_back(ended);
        while self.minutes.len() > keep {
            self.minutes.pop_front();
        }
    }

    /// Forgets the oldest print, and the aggregates that it leaves incomplete.
    pub(super) fn forget_oldest(&mut self) {
        let Some(gone) = self.trades.pop_front() else { return };
        while self.aggregates.front().is_some_and(|oldest| oldest.first_id <= gone.id) {
            self.aggregates.pop_front();
        }
        // A symbol that was busy once must not keep the room for it.
        for kept in [&mut self.trades, &mut self.aggregates] {
            if kept.capacity() > 4 * kept.len() + KEPT_ROOM {
                kept.shrink_to(2 * kept.len());
            }
        }
    }
}

/// A minute or longer bucket without trades so far.
pub(super) fn quiet(open_time: Nanos, close: Price) -> VenueCandle {
    let candle = Candle::quiet(open_time, close);
    VenueCandle { candle, first_id: NO_ID, last_id: NO_ID }
}

/// Adds a print, which is not older than those before it.
pub(super) fn fold(into: &mut VenueCandle, trade: &Trade) {
    let candle = &mut into.candle;
    if candle.trades == 0 {
        (candle.open, candle.high, candle.low) = (trade.price, trade.price, trade.price);
        into.first_id = trade.first_id;
    }
    into.last_id = trade.id;
    candle.high = candle.high.max(trade.price);
    candle.low = candle.low.min(trade.price);
    candle.close = trade.price;
    candle.volume.0 = candle.volume.0.saturating_add(trade.quantity.0);
    let quote = trade.price.0 as u128 * trade.quantity.0 as u128;
    candle.quote_volume += quote;
    if trade.aggressor == Aggressor::Buyer {
        candle.taker_buy_volume.0 += trade.quantity.0;
        candle.taker_buy_quote_volume += quote;
    }
    candle.trades += trade.count;
    candle.mark = Default::default();
}

/// Adds a later candle of a shorter interval.
pub(super) fn extend(into: &mut VenueCandle, later: &VenueCandle) {
    if later.first_id != NO_ID {
        if into.first_id == NO_ID {
            into.first_id = later.first_id;
        }
        into.last_id = later.last_id;
    }
    if later.candle.trades > 0 {
        into.candle.mark = Default::default();
    }
    into.candle.extend(&later.candle);
}

/// Whether a print belongs to the aggregate before it: the same price and side, the next id, and
/// not too late.
fn joins(open: &Trade, trade: &Trade, merge_ns: u64) -> bool {
    open.price == trade.price
        && open.aggressor == trade.aggressor
        && trade.time.0 < open.time.0 + merge_ns
        && trade.id == open.first_id + u64::from(open.count)
}
