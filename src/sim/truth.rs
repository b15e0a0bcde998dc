//! Everything the venue matched: every print, aggregate and candle, whatever became of them on
//! their way to anybody.

use std::collections::VecDeque;

use systems::candle::VenueCandle;
use systems::trade::{Trade, TradeKind};
use systems::units::{Nanos, Price};

use super::intervals::KlineInterval;
use super::past::{Opening, Past};
use super::record::{NO_ID, Record, extend, fold, quiet};

const MINUTE_NS: u64 = 60 * Nanos::PER_SECOND;

/// Ended minutes kept per symbol: two days, at some hundred bytes each.
const MINUTES_KEPT: usize = 2_880;

/// The truth of a market, from the time before trading until now.
///
/// Candles from before trading come from a seeded walk and have no prints behind them; see
/// `past.rs`. All others follow from the prints.
#[derive(Clone, Debug)]
pub struct Truth {
    records: Vec<Record>,
    /// The symbol of every kept print, oldest first, so that the oldest of all is known.
    order: VecDeque<u16>,
    keep: usize,
    past: Past,
    /// The first minute that anything is known of.
    since: Nanos,
    /// The first minute that has prints.
    begins: Nanos,
    /// Start of the minute that has not ended.
    minute: Nanos,
    /// How long an aggregate takes prints after its first.
    merge_ns: u64,
    /// Symbols whose aggregate may be open.
    unended: Vec<u16>,
}

impl Truth {
    /// The truth before the first print. `begins` is a whole minute; at most `keep` prints are
    /// kept, over all symbols.
    pub(super) fn new(
        seed: u64,
        (since, begins): (Nanos, Nanos),
        openings: Vec<Opening>,
        keep: usize,
        merge_ns: u64,
    ) -> Self {
        let symbols = openings.len();
        let past = Past::new(seed, begins, openings);
        let before = |symbol| past.minute(symbol, begins.minus(MINUTE_NS)).candle.close;
        let records = (0..symbols).map(|symbol| Record::new(begins, before(symbol))).collect();
        let (order, unended) = (VecDeque::new(), Vec::new());
        Self { records, order, keep, past, since, begins, minute: begins, merge_ns, unended }
    }

    /// Takes the next print; aggregates that it ends go to `ended`.
    pub(super) fn push(&mut self, trade: Trade, ended: &mut Vec<Trade>) {
        self.end_minutes(trade.time);
        let symbol = trade.symbol.0;
        let record = &mut self.records[usize::from(symbol)];
        let was_open = record.open_aggregate.is_some();
        record.push(trade, self.merge_ns, ended);
        if !was_open && record.open_aggregate.is_some() {
            self.unended.push(symbol);
        }
        self.order.push_back(symbol);
        if self.order.len() > self.keep
            && let Some(symbol) = self.order.pop_front()
        {
            self.records[usize::from(symbol)].forget_oldest();
        }
    }

    /// Time passes to `now`: minutes end, and so do aggregates that no print can join any more.
    pub(super) fn pass(&mut self, now: Nanos, ended: &mut Vec<Trade>) {
        self.end_minutes(now);
        let (records, merge_ns) = (&mut self.records, self.merge_ns);
        self.unended.retain(|&symbol| {
            let record = &mut records[usize::from(symbol)];
            let open = record.open_aggregate.map(|open| open.time.0 + merge_ns);
            if open.is_some_and(|until| until <= now.0) {
                ended.extend(record.end_aggregate());
            }
            record.open_aggregate.is_some()
        });
    }

    fn end_minutes(&mut self, now: Nanos) {
        while now.0 >= self.minute.0 + MINUTE_NS {
            self.minute = self.minute.plus(MINUTE_NS);
            for record in &mut self.records {
                record.end_minute(self.minute, MINUTES_KEPT);
            }
        }
    }

    /// The kept prints of a symbol, oldest first.
    pub fn trades(&self, symbol: usize) -> &VecDeque<Trade> {
        &self.records[symbol].trades
    }

    /// The kept aggregates of a symbol that are complete, oldest first.
    pub fn aggregates(&self, symbol: usize) -> &VecDeque<Trade> {
        &self.records[symbol].aggregates
    }

    /// Start of the minute that has not ended.
    pub fn minute(&self) -> Nanos {
        self.minute
    }

    /// Start of the first minute that has prints.
    pub fn begins(&self) -> Nanos {
        self.begins
    }

    /// Start of the first minute that a symbol has a candle for.
    pub(super) fn since(&self, symbol: usize) -> Nanos {
        let record = &self.records[symbol];
        let kept = match record.minutes.front() {
            Some(oldest) if oldest.candle.open_time > self.begins => oldest.candle.open_time,
            _ => self.since,
        };
        kept.max(Nanos(record.listed.0 - record.listed.0 % MINUTE_NS))
    }

    /// A symbol has no candles from before it is listed.
    pub(super) fn list(&mut self, symbol: usize, at: Nanos) {
        self.records[symbol].listed = at;
    }

    /// The candle of the bucket that holds `at`, from all prints before `until`.
    ///
    /// A bucket without trades is flat at the close before it. What a bucket holds from before
    /// everything known is left out.
    pub fn candle(
        &self,
        symbol: usize,
        interval: &KlineInterval,
        at: Nanos,
        until: Nanos,
    ) -> VenueCandle {
        let (open, end) = interval.bucket(at);
        if interval.is_below_a_minute() {
            let before = self.close_before(symbol, open);
            return self.folded(symbol, open, end.min(until), before);
        }
        let mut minute = open.max(self.since(symbol));
        let mut candle = self.minute_until(symbol, minute, until);
        while minute.0 + MINUTE_NS < end.min(until).0 {
            minute = minute.plus(MINUTE_NS);
            extend(&mut candle, &self.minute_until(symbol, minute, until));
        }
        candle.candle.open_time = open;
        candle
    }

    /// The candles that have closed since trading began, oldest first; ids are 0 where a candle
    /// has none.
    pub fn closed(&self, symbol: usize, interval: &KlineInterval) -> Vec<VenueCandle> {
        let mut at = interval.bucket(self.begins.minus(1)).1.max(self.since(symbol));
        let mut closed = Vec::new();
        loop {
            let end = interval.bucket(at).1;
            if end > self.minute {
                return closed;
            }
            let mut kline = self.candle(symbol, interval, at, end);
            for id in [&mut kline.first_id, &mut kline.last_id] {
                *id = if *id == NO_ID { 0 } else { *id };
            }
            closed.push(kline);
            at = end;
        }
    }

    /// One minute, from the prints before `until`.
    pub(super) fn minute_until(&self, symbol: usize, open: Nanos, until: Nanos) -> VenueCandle {
        let record = &self.records[symbol];
        if open < self.begins {
            return self.past.minute(symbol, open);
        }
        // Prints are never newer than the present, so what has ended or has just been asked for
        // needs no second look at them.
        if open.0 + MINUTE_NS <= until.0 || record.trades.back().is_none_or(|t| t.time < until) {
            return self.known_minute(symbol, open);
        }
        self.folded(symbol, open, until, self.known_minute(symbol, open.minus(1)).candle.close)
    }

    /// A minute without the prints of its last millisecond.
    pub(super) fn minute_without_last(&self, symbol: usize, open: Nanos) -> VenueCandle {
        let trades = &self.records[symbol].trades;
        let end = trades.partition_point(|trade| trade.time.0 < open.0 + MINUTE_NS);
        let last = end.checked_sub(1).and_then(|last| trades.get(last));
        match last.filter(|last| last.time >= open) {
            Some(last) => {
                let before = self.close_before(symbol, open);
                self.folded(symbol, open, last.time, before)
            }
            None => self.known_minute(symbol, open),
        }
    }

    /// A minute as far as it is known; the price before it if it has not begun.
    fn known_minute(&self, symbol: usize, at: Nanos) -> VenueCandle {
        let record = &self.records[symbol];
        let open = Nanos(at.0 - at.0 % MINUTE_NS);
        if open < self.begins {
            return self.past.minute(symbol, open);
        }
        let first = record.minutes.front().unwrap_or(&record.forming).candle.open_time;
        let index = open.0.saturating_sub(first.0) / MINUTE_NS;
        match record.minutes.get(index as usize) {
            Some(minute) => *minute,
            None if open == self.minute => record.forming,
            None => quiet(open, record.close),
        }
    }

    /// Price of the last kept print before `at`.
    fn close_before(&self, symbol: usize, at: Nanos) -> Price {
        let trades = &self.records[symbol].trades;
        let index = trades.partition_point(|trade| trade.time < at);
        match index.checked_sub(1).and_then(|index| trades.get(index)) {
            Some(trade) => trade.price,
            None => self.known_minute(symbol, at.minus(MINUTE_NS)).candle.close,
        }
    }

    fn folded(&self, symbol: usize, open: Nanos, until: Nanos, before: Price) -> VenueCandle {
        let trades = &self.records[symbol].trades;
        let first = trades.partition_point(|trade| trade.time < open);
        let mut candle = quiet(open, before);
        for trade in trades.range(first..).take_while(|trade| trade.time < until) {
            if trade.kind == TradeKind::Market {
                fold(&mut candle, trade);
            }
        }
        candle
    }
}
