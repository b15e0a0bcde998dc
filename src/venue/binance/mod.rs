//! Binance, spot and USD-M futures: one wire format with small differences.
//!
//! Facts this rests on (documentation and captured data):
//!
//! * Spot trade ids and aggregate ids are contiguous per symbol, and so are the single-trade ids
//!   that aggregates cover. USD-M aggregate ids are contiguous too, but the single-trade ids they
//!   cover have holes: trades of the insurance fund, auto-deleveraging and `NA` take ids and
//!   enter no aggregate. So on USD-M a hole between aggregates' single-trade ids is no gap.
//! * USD-M aggregates merge fills of 100 ms under the time of the first one, so candles folded
//!   from them can move volume across a boundary; candles from single trades are exact.
//! * `E` is when the message was sent, `T` when the trade was matched; milliseconds unless the
//!   connection asked for microseconds. Which of them is told by the size of the number.
//! * Fields come and go (`a`, `b` left spot trades in 2024; `nq`, `st` came to USD-M), so unknown
//!   fields are accepted.

pub mod answer;
#[cfg(test)]
mod cases;
mod day;
mod endpoints;
mod fast;
mod frame;
mod instruments;
mod kline;
mod observe;
mod page;
pub(super) mod streams;
mod text;

use systems::limits::{EARLIEST_NS, LATEST_NS};
use systems::trade::TradeKind;
use systems::units::{Nanos, Price, Quantity};

use super::reject::DecodeReject;
use super::{Channel, ChannelFacts, Decoded, Venue, What};
use crate::symbols::Symbols;

pub use day::{DayStatistics, day_statistics, server_time};
pub(super) use endpoints::{ask, rest};
pub use instruments::{Instrument, InstrumentsError, instruments};
pub use observe::{Field, observe, observe_answer};
pub(super) use page::{page, refusal};

/// Decodes one frame of a combined or a raw stream.
#[inline]
pub fn decode(venue: Venue, frame: &[u8], symbols: &Symbols) -> Decoded {
    decode_fast(venue, frame, symbols).unwrap_or_else(|| decode_slow(venue, frame, symbols))
}

/// The scanner for prints alone; `None` on any deviation from the shapes it knows. What it gives
/// equals what [`decode_slow`] gives.
#[inline]
pub fn decode_fast(venue: Venue, frame: &[u8], symbols: &Symbols) -> Option<Decoded> {
    let fast::Print { sent_at, trade, channel } = fast::decode(venue, frame, symbols)?;
    Some(Decoded { sent_at: Some(sent_at), what: What::Trade(trade, channel) })
}

/// The whole decoder, with a real JSON parser: it decides wherever the scanner does not.
#[cold]
pub fn decode_slow(venue: Venue, frame: &[u8], symbols: &Symbols) -> Decoded {
    frame::decode(venue, frame, symbols).unwrap_or_else(Decoded::from)
}

pub(super) const fn facts(venue: Venue, channel: Channel) -> ChannelFacts {
    let usdm = matches!(venue, Venue::BinanceUsdm);
    match channel {
        Channel::Trades => {
            ChannelFacts { contiguous: true, single_ids_contiguous: true, exact_candles: true }
        }
        Channel::AggregateTrades => {
            ChannelFacts { contiguous: true, single_ids_contiguous: !usdm, exact_candles: !usdm }
        }
    }
}

pub(super) fn stream_of(channel: Channel, symbol: &str) -> String {
    let stream = match channel {
        Channel::Trades => "trade",
        Channel::AggregateTrades => "aggTrade",
    };
    format!("{}@{stream}", symbol.to_lowercase())
}

/// An instant as Binance spells it: milliseconds or microseconds, told apart by size.
///
/// Between 2017 and 2100 the two do not overlap; anything else is a wrong unit or garbage.
#[inline]
pub fn instant(raw: u64) -> Option<Nanos> {
    const PER_US: u64 = 1_000;
    if (EARLIEST_NS / Nanos::PER_MS..LATEST_NS / Nanos::PER_MS).contains(&raw) {
        Some(Nanos(raw * Nanos::PER_MS))
    } else if (EARLIEST_NS / PER_US..LATEST_NS / PER_US).contains(&raw) {
        Some(Nanos(raw * PER_US))
    } else {
        None
    }
}

/// The kind of a single trade: `X` as sent, absent on spot and in old captures.
///
/// USD-M marks a trade that only takes an id with `X = NA`, price 0 and quantity 0; the public
/// archive has no `X`, so there the zeros tell.
#[inline]
pub fn trade_kind(
    venue: Venue,
    class: Option<&[u8]>,
    price: Price,
    quantity: Quantity,
) -> Result<TradeKind, DecodeReject> {
    Ok(match class {
        Some(b"MARKET") => TradeKind::Market,
        Some(b"INSURANCE_FUND") => TradeKind::InsuranceFund,
        Some(b"ADL") => TradeKind::AutoDeleverage,
        Some(b"NA") => TradeKind::Void,
        // Guessing would either spoil candles or lose trades without a word.
        Some(_) => return Err(DecodeReject::TradeKind),
        None if venue == Venue::BinanceUsdm && price.0 == 0 && quantity.0 == 0 => TradeKind::Void,
        None => TradeKind::Market,
    })
}

/// How many single trades `first..=last` are.
#[inline]
pub fn id_count(first: u64, last: u64) -> Option<u32> {
    let more = last.checked_sub(first)?;
    u32::try_from(more).ok()?.checked_add(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_unit_of_an_instant_is_told_by_its_size() {
        for (raw, want) in [
            (1_723_161_255_343, Some(1_723_161_255_343_000_000)),
            (1_741_046_401_271_497, Some(1_741_046_401_271_497_000)),
            (1_483_228_800_000, Some(EARLIEST_NS)),
            (1_483_228_799_999, None),
            (4_102_444_800_000, None),
            (1_723_161_255, None),
            (1_723_161_255_343_000_000, None),
            (123_456_789, None),
            (0, None),
            (u64::MAX, None),
        ] {
            assert_eq!(instant(raw), want.map(Nanos), "{raw}");
        }
    }

    #[test]
    fn ids_count_inclusively_and_within_32_bits() {
        assert_eq!(id_count(7, 7), Some(1));
        assert_eq!(id_count(7, 9), Some(3));
        assert_eq!(id_count(9, 7), None);
        assert_eq!(id_count(0, u64::from(u32::MAX) - 1), Some(u32::MAX));
        assert_eq!(id_count(0, u64::from(u32::MAX)), None);
    }

    #[test]
    fn streams_are_named_in_lower_case() {
        let venue = Venue::BinanceSpot;
        assert_eq!(venue.stream_of(Channel::Trades, "BTCUSDT"), "btcusdt@trade");
        assert_eq!(venue.stream_of(Channel::AggregateTrades, "ETHBTC"), "ethbtc@aggTrade");
    }

    #[test]
    fn only_the_aggregate_id_tells_gaps_on_usdm() {
        let facts = Venue::BinanceUsdm.facts(Channel::AggregateTrades);
        assert!(facts.contiguous && !facts.single_ids_contiguous && !facts.exact_candles);
        assert!(Venue::BinanceSpot.facts(Channel::AggregateTrades).single_ids_contiguous);
    }
}
