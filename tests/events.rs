//! Short words for the events of tests about one symbol.

use crate::support::*;
use systems::candle::{Candle, Mark, VenueCandle};
use systems::trade::{Aggressor, Control, SymbolId, Trade, TradeKind};
use systems::units::{Nanos, Price, Quantity};

pub(crate) const SECOND: u64 = Nanos::PER_SECOND;
pub(crate) const MINUTE: u64 = 60 * SECOND;
pub(crate) const A: SymbolId = SymbolId(0);

/// Second `k`.
pub(crate) fn sec(k: u64) -> Nanos {
    START.plus(k * SECOND)
}

/// Minute `k`.
pub(crate) fn min(k: u64) -> Nanos {
    START.plus(k * MINUTE)
}

/// The venue's time.
pub(crate) fn beat(at: Nanos) -> Event {
    Event::Control(Control::Heartbeat(at))
}

/// A print of quantity 1 at one price, always sold.
pub(crate) fn sold(id: u64, at: Nanos) -> Trade {
    Trade { aggressor: Aggressor::Seller, ..trade(0, id, at, 10_000, 1) }
}

/// [`sold`], from the stream.
pub(crate) fn print(id: u64, at: Nanos) -> Event {
    Event::Print(sold(id, at))
}

/// [`sold`], fetched.
pub(crate) fn repaired(id: u64, at: Nanos) -> Event {
    Event::Print(Trade { kind: TradeKind::Backfilled, ..sold(id, at) })
}

/// The feed is lost or back.
pub(crate) fn feed(up: bool) -> Event {
    Event::Control(Control::Feed { symbol: A, up })
}

/// Trading is halted or resumed.
pub(crate) fn halt(halted: bool) -> Event {
    Event::Control(Control::Halt { symbol: A, halted })
}

/// The venue's candle of `interval` that opens at `at`, of prints by [`sold`].
pub(crate) fn venue(interval: u8, at: Nanos, trades: u32) -> Event {
    let flat = Candle::quiet(at, Price(10_000));
    let candle = Candle {
        trades,
        volume: Quantity(trades.into()),
        quote_volume: 10_000 * u128::from(trades),
        mark: Mark::Complete,
        ..flat
    };
    let candle = VenueCandle { candle, ..VenueCandle::default() };
    Event::Control(Control::VenueCandle { symbol: A, interval, candle })
}

/// The candle that opens at `at`.
pub(crate) fn at_time(row: &[Candle], at: Nanos) -> Option<Candle> {
    row.iter().find(|candle| candle.open_time == at).copied()
}

/// Heartbeats at each second of `[from, to)`.
pub(crate) fn beats(from: Nanos, to: Nanos) -> impl Iterator<Item = Event> {
    (0..(to.0 - from.0) / SECOND).map(move |k| beat(from.plus(k * SECOND)))
}
