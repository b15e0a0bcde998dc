//! Rolling statistics of a day, in streams and answers.
//!
//! The day begins with the hour that began 24 hours before this one, so it holds 24 to 25 hours;
//! the venue's window moves more smoothly.

use std::collections::VecDeque;

use systems::candle::VenueCandle;
use systems::units::Nanos;

use super::intervals::KlineInterval;
use super::listing::Listing;
use super::market::Market;
use super::numbers::{push_decimal, push_u64};
use super::record::extend;
use super::text::TimeUnit;
use super::truth::Truth;

const HOUR_NS: u64 = 3_600 * Nanos::PER_SECOND;

/// Whole hours of a day.
const HOURS: usize = 24;

/// The days of all symbols, worked out when somebody asks.
#[derive(Clone, Debug)]
pub(super) struct Days {
    days: Vec<Day>,
}

#[derive(Clone, Debug, Default)]
struct Day {
    /// Hours that have ended.
    hours: VecDeque<VenueCandle>,
    /// The running hour's minutes that have ended.
    folded: Option<VenueCandle>,
    /// The next minute to fold.
    through: Nanos,
}

impl Days {
    /// For so many symbols.
    pub(super) fn new(symbols: usize) -> Self {
        Self { days: vec![Day::default(); symbols] }
    }

    /// The day of a symbol as of now.
    pub(super) fn of(&mut self, symbol: usize, truth: &Truth) -> VenueCandle {
        self.days[symbol].as_of(symbol, truth)
    }
}

impl Day {
    fn as_of(&mut self, symbol: usize, truth: &Truth) -> VenueCandle {
        let (minute, ever) = (KlineInterval::minute(), Nanos(u64::MAX));
        let now = truth.minute();
        let from = Nanos(now.0 - now.0 % HOUR_NS).minus(HOURS as u64 * HOUR_NS);
        let mut at = self.through.max(from).max(truth.since(symbol));
        while at < now {
            let ended = truth.minute_until(symbol, at, ever);
            match &mut self.folded {
                Some(folded) => extend(folded, &ended),
                none => *none = Some(ended),
            }
            at = minute.bucket(at).1;
            if at.0.is_multiple_of(HOUR_NS) {
                self.hours.extend(self.folded.take());
            }
        }
        self.through = at;
        self.hours.retain(|hour| hour.candle.open_time >= from);
        let parts = self.hours.iter().chain(&self.folded);
        let forming = truth.minute_until(symbol, now, ever);
        let mut day: Option<VenueCandle> = None;
        for part in parts.chain([&forming]) {
            match &mut day {
                Some(day) => extend(day, part),
                none => *none = Some(*part),
            }
        }
        day.unwrap_or(forming)
    }
}

/// Appends `"name":"<decimal>"` fields of a day.
fn statistics(text: &mut String, listing: &Listing, day: &VenueCandle, names: [&str; 6]) {
    let (spec, candle) = (&listing.spec, &day.candle);
    let values = [
        (spec.price, candle.open.0 as u128),
        (spec.price, candle.high.0 as u128),
        (spec.price, candle.low.0 as u128),
        (spec.price, candle.close.0 as u128),
        (spec.quantity, candle.volume.0 as u128),
        (spec.quote(), candle.quote_volume),
    ];
    for (name, (scale, value)) in names.into_iter().zip(values) {
        text.push_str(",\"");
        text.push_str(name);
        text.push_str("\":\"");
        push_decimal(text, scale, value);
        text.push('"');
    }
}

/// The symbols that traded since then, each with its day.
pub(super) fn active(market: &Market, days: &mut Days, since: Nanos) -> Vec<(u16, VenueCandle)> {
    let traded = |symbol: &usize| {
        market.truth.trades(*symbol).back().is_some_and(|trade| trade.time >= since)
    };
    let symbols = (0..market.listings.len()).filter(traded);
    symbols.map(|symbol| (symbol as u16, days.of(symbol, &market.truth))).collect()
}

/// The payload of `!miniTicker@arr`.
pub(super) fn mini_tickers(
    text: &mut String,
    unit: TimeUnit,
    now: Nanos,
    market: &Market,
    days: &[(u16, VenueCandle)],
) {
    for (index, (symbol, day)) in days.iter().enumerate() {
        let listing = &market.listings[usize::from(*symbol)];
        text.push_str(if index == 0 { "[" } else { "," });
        text.push_str("{\"e\":\"24hrMiniTicker\",\"E\":");
        push_u64(text, unit.of(now));
        text.push_str(",\"s\":\"");
        text.push_str(&listing.spec.name);
        text.push('"');
        statistics(text, listing, day, ["o", "h", "l", "c", "v", "q"]);
        text.push('}');
    }
    text.push(']');
}

/// An object of `ticker/24hr`. There is no order book, so it has no best prices.
pub(super) fn day_ticker(
    text: &mut String,
    unit: TimeUnit,
    now: Nanos,
    listing: &Listing,
    day: &VenueCandle,
) {
    let (spec, candle) = (&listing.spec, &day.candle);
    text.push_str("{\"symbol\":\"");
    text.push_str(&spec.name);
    let change = candle.close.0 - candle.open.0;
    let percent = change as f64 / candle.open.0.max(1) as f64 * 100.0;
    text.push_str(&format!(
        "\",\"priceChange\":\"{}\",\"priceChangePercent\":\"{percent:.3}\"",
        spec.price.format(change.into())
    ));
    let names = ["openPrice", "highPrice", "lowPrice", "lastPrice", "volume", "quoteVolume"];
    statistics(text, listing, day, names);
    for (name, value) in [
        (",\"openTime\":", unit.of(candle.open_time)),
        (",\"closeTime\":", unit.of(now)),
        (",\"count\":", candle.trades.into()),
    ] {
        text.push_str(name);
        push_u64(text, value);
    }
    text.push('}');
}
