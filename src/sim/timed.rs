//! Streams that the clock drives: candles as they form and close, and the tickers of a second.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};

use systems::candle::VenueCandle;
use systems::units::Nanos;

use super::chance::hash;
use super::intervals::{INTERVALS, KlineInterval};
use super::market::Market;
use super::record::{extend, quiet};
use crate::venue::Venue;

/// Forming candles are pushed this often: 1 s for seconds, 2 s for others, and 250 ms on USD-M.
const PUSH_NS: u64 = 2 * Nanos::PER_SECOND;
const PUSH_SECONDS_NS: u64 = Nanos::PER_SECOND;
const PUSH_USDM_NS: u64 = 250 * Nanos::PER_MS;

/// The closing message of a busy symbol comes this long after the end, up to the second.
const CLOSING_NS: (u64, u64) = (5 * Nanos::PER_MS, 800 * Nanos::PER_MS);

/// That of a symbol without trades in its last two seconds comes this late.
const CLOSING_QUIET_NS: u64 = 2_004 * Nanos::PER_MS;

/// A candle to be sent.
#[derive(Clone, Copy, Debug)]
pub(super) struct Push {
    pub(super) symbol: u16,
    /// Place in the list of intervals.
    pub(super) interval: u8,
    pub(super) kline: VenueCandle,
    pub(super) end: Nanos,
    pub(super) closed: bool,
}

/// One stream of candles that somebody has.
#[derive(Clone, Debug)]
struct Roll {
    /// The bucket that is reported.
    open: Nanos,
    end: Nanos,
    /// Its minutes that have ended, folded up to the minute that begins at `through`.
    folded: Option<VenueCandle>,
    through: Nanos,
    /// When its closing message is sent; known once it has ended.
    closing: Option<Nanos>,
    /// What was sent last.
    sent: VenueCandle,
}

/// All streams of candles that somebody has.
#[derive(Clone, Debug, Default)]
pub(super) struct Timed {
    rolls: BTreeMap<(u16, u8), Roll>,
    due: BinaryHeap<Reverse<(Nanos, u16, u8)>>,
}

impl Timed {
    /// Somebody has this stream from `now` on.
    pub(super) fn start(&mut self, symbol: u16, interval: u8, now: Nanos) {
        let key = (symbol, interval);
        self.rolls.entry(key).or_insert_with(|| {
            let (open, end) = INTERVALS[usize::from(interval)].bucket(now);
            self.due.push(Reverse((now, symbol, interval)));
            let sent = quiet(Nanos(0), Default::default());
            Roll { open, end, folded: None, through: open, closing: None, sent }
        });
    }

    /// When the next candle is due.
    pub(super) fn next_due(&self) -> Option<Nanos> {
        self.due.peek().map(|Reverse((at, ..))| *at)
    }

    /// What is due at `now`. Streams that nobody `has` any more end here.
    pub(super) fn advance(
        &mut self,
        now: Nanos,
        market: &Market,
        has: impl Fn(u16, u8) -> bool,
        out: &mut Vec<Push>,
    ) {
        while let Some(Reverse((at, symbol, interval))) = self.due.peek().copied()
            && at <= now
        {
            self.due.pop();
            if !has(symbol, interval) {
                self.rolls.remove(&(symbol, interval));
                continue;
            }
            let Some(roll) = self.rolls.get_mut(&(symbol, interval)) else { continue };
            let next = roll.advance(now, market, symbol, interval, out);
            self.due.push(Reverse((next.max(now.plus(1)), symbol, interval)));
        }
    }
}

impl Roll {
    /// Sends what is due and says when to come again.
    fn advance(
        &mut self,
        now: Nanos,
        market: &Market,
        symbol: u16,
        interval: u8,
        out: &mut Vec<Push>,
    ) -> Nanos {
        let length = &INTERVALS[usize::from(interval)];
        let listing = &market.listings[usize::from(symbol)];
        if !listing.is_trading(now) {
            // A halted symbol has no candles; the stream begins anew if it trades again.
            (self.open, self.end) = length.bucket(now);
            (self.folded, self.through, self.closing) = (None, self.open, None);
            return now.plus(Nanos::PER_SECOND);
        }
        if now >= self.end && self.closing.is_none() {
            self.closing = Some(self.end.plus(closing_lag(market, symbol, self.end)));
        }
        if let Some(closing) = self.closing {
            if now < closing {
                return closing;
            }
            let kline = self.kline(market, symbol, length);
            out.push(Push { symbol, interval, kline, end: self.end, closed: true });
            (self.open, self.end) = length.bucket(self.end);
            (self.folded, self.through, self.closing) = (None, self.open, None);
        }
        if now < self.end {
            let kline = self.kline(market, symbol, length);
            if kline != self.sent {
                self.sent = kline;
                out.push(Push { symbol, interval, kline, end: self.end, closed: false });
            }
        }
        self.next_push(now, market.venue, symbol, length)
    }

    /// The bucket's candle so far.
    fn kline(&mut self, market: &Market, symbol: u16, length: &KlineInterval) -> VenueCandle {
        let symbol = usize::from(symbol);
        let truth = &market.truth;
        if length.is_below_a_minute() {
            return truth.candle(symbol, length, self.open, self.end);
        }
        // Minutes that have ended are folded once, however long the bucket is.
        let minute = KlineInterval::minute();
        let mut at = self.through.max(truth.since(symbol));
        while at < truth.minute().min(self.end) {
            let ended = truth.minute_until(symbol, at, self.end);
            match &mut self.folded {
                Some(folded) => extend(folded, &ended),
                none => *none = Some(ended),
            }
            at = minute.bucket(at).1;
        }
        self.through = at;
        let mut kline = self.folded;
        if at < self.end {
            let forming = truth.minute_until(symbol, at, self.end);
            match &mut kline {
                Some(kline) => extend(kline, &forming),
                none => *none = Some(forming),
            }
        }
        let mut kline = kline.unwrap_or_else(|| truth.minute_until(symbol, self.open, self.end));
        kline.candle.open_time = self.open;
        kline
    }

    /// When to push next: at the symbol's own beat, and never past the bucket's end.
    fn next_push(&self, now: Nanos, venue: Venue, symbol: u16, length: &KlineInterval) -> Nanos {
        let every = match venue {
            Venue::BinanceUsdm => PUSH_USDM_NS,
            Venue::BinanceSpot if length.is_below_a_minute() => PUSH_SECONDS_NS,
            Venue::BinanceSpot => PUSH_NS,
        };
        let phase = hash(&[symbol.into()]) % every;
        let since = (now.0 + every - phase) % every;
        now.plus(every - since).min(self.end)
    }
}

/// How long after its end a candle's closing message comes.
fn closing_lag(market: &Market, symbol: u16, end: Nanos) -> u64 {
    let last = market.truth.trades(usize::from(symbol)).back();
    if last.is_none_or(|trade| trade.time.plus(PUSH_NS) < end) {
        return CLOSING_QUIET_NS;
    }
    CLOSING_NS.0 + hash(&[symbol.into(), end.0]) % (CLOSING_NS.1 - CLOSING_NS.0)
}
