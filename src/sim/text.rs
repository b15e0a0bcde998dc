//! What the venue sends, as text: prints, aggregates and candles, in streams and in answers.

use systems::candle::{Candle, VenueCandle};
use systems::trade::{Aggressor, Trade, TradeKind};
use systems::units::Nanos;

use super::listing::Listing;
use super::numbers::{push_decimal, push_u64};
use super::record::NO_ID;
use crate::venue::Venue;

/// The unit of instants.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum TimeUnit {
    /// Milliseconds, as is usual.
    #[default]
    Ms,
    /// Microseconds, where the client asked for them.
    Us,
}

impl TimeUnit {
    /// An instant in this unit.
    pub(super) fn of(self, at: Nanos) -> u64 {
        match self {
            Self::Ms => at.ms(),
            Self::Us => at.0 / 1_000,
        }
    }
}

/// Writes the texts of one venue in one unit of time.
#[derive(Clone, Copy, Debug)]
pub(super) struct Wording {
    pub(super) venue: Venue,
    pub(super) unit: TimeUnit,
}

impl Wording {
    fn is_spot(self) -> bool {
        self.venue == Venue::BinanceSpot
    }

    fn instant(self, text: &mut String, name: &str, at: Nanos) {
        field(text, name, self.unit.of(at));
    }

    fn head(self, text: &mut String, event: &str, now: Nanos) {
        text.push_str("{\"e\":\"");
        text.push_str(event);
        text.push('"');
        self.instant(text, ",\"E\":", now);
    }

    /// The payload of `<symbol>@trade`.
    pub(super) fn trade(self, text: &mut String, now: Nanos, listing: &Listing, trade: &Trade) {
        self.head(text, "trade", now);
        if !self.is_spot() {
            self.instant(text, ",\"T\":", trade.time);
        }
        symbol(text, listing);
        field(text, ",\"t\":", trade.id);
        price_and_quantity(text, listing, trade);
        if self.is_spot() {
            self.instant(text, ",\"T\":", trade.time);
        } else {
            text.push_str(",\"X\":\"");
            text.push_str(class(trade.kind));
            text.push('"');
        }
        self.maker(text, trade);
        text.push('}');
    }

    /// The payload of `<symbol>@aggTrade`.
    pub(super) fn aggregate(self, text: &mut String, now: Nanos, listing: &Listing, trade: &Trade) {
        self.head(text, "aggTrade", now);
        symbol(text, listing);
        field(text, ",\"a\":", trade.id);
        price_and_quantity(text, listing, trade);
        self.covers(text, trade);
        text.push('}');
    }

    /// A row of `aggTrades`.
    pub(super) fn aggregate_row(self, text: &mut String, listing: &Listing, trade: &Trade) {
        field(text, "{\"a\":", trade.id);
        price_and_quantity(text, listing, trade);
        self.covers(text, trade);
        text.push('}');
    }

    fn covers(self, text: &mut String, trade: &Trade) {
        field(text, ",\"f\":", trade.first_id);
        field(text, ",\"l\":", trade.first_id + u64::from(trade.count) - 1);
        self.instant(text, ",\"T\":", trade.time);
        self.maker(text, trade);
    }

    fn maker(self, text: &mut String, trade: &Trade) {
        let buyer_is_maker = trade.aggressor == Aggressor::Seller;
        text.push_str(if buyer_is_maker { ",\"m\":true" } else { ",\"m\":false" });
        if self.is_spot() {
            text.push_str(",\"M\":true");
        }
    }

    /// A row of `trades`.
    pub(super) fn trade_row(self, text: &mut String, listing: &Listing, trade: &Trade) {
        let spec = &listing.spec;
        field(text, "{\"id\":", trade.id);
        text.push_str(",\"price\":\"");
        push_decimal(text, spec.price, trade.price.0 as u128);
        text.push_str("\",\"qty\":\"");
        push_decimal(text, spec.quantity, trade.quantity.0 as u128);
        text.push_str("\",\"quoteQty\":\"");
        push_decimal(text, spec.quote(), trade.price.0 as u128 * trade.quantity.0 as u128);
        text.push('"');
        self.instant(text, ",\"time\":", trade.time);
        let buyer_is_maker = trade.aggressor == Aggressor::Seller;
        text.push_str(",\"isBuyerMaker\":");
        text.push_str(if buyer_is_maker { "true" } else { "false" });
        text.push_str(if self.is_spot() { ",\"isBestMatch\":true}" } else { "}" });
    }

    /// The payload of `<symbol>@kline_<interval>`.
    pub(super) fn kline(
        self,
        text: &mut String,
        now: Nanos,
        listing: &Listing,
        interval: (&str, Nanos),
        kline: &VenueCandle,
        closed: bool,
    ) {
        let (name, end) = interval;
        let (spec, candle) = (&listing.spec, &kline.candle);
        self.head(text, "kline", now);
        symbol(text, listing);
        self.instant(text, ",\"k\":{\"t\":", candle.open_time);
        self.instant(text, ",\"T\":", last_instant(end, self.unit));
        text.push_str(",\"s\":\"");
        text.push_str(&spec.name);
        text.push_str("\",\"i\":\"");
        text.push_str(name);
        text.push('"');
        id(text, ",\"f\":", kline.first_id);
        id(text, ",\"L\":", kline.last_id);
        for (name, price) in [
            (",\"o\":\"", candle.open),
            (",\"c\":\"", candle.close),
            (",\"h\":\"", candle.high),
            (",\"l\":\"", candle.low),
        ] {
            text.push_str(name);
            push_decimal(text, spec.price, price.0 as u128);
            text.push('"');
        }
        text.push_str(",\"v\":\"");
        push_decimal(text, spec.quantity, candle.volume.0 as u128);
        field(text, "\",\"n\":", candle.trades.into());
        text.push_str(if closed { ",\"x\":true,\"q\":\"" } else { ",\"x\":false,\"q\":\"" });
        push_decimal(text, spec.quote(), candle.quote_volume);
        text.push_str("\",\"V\":\"");
        push_decimal(text, spec.quantity, candle.taker_buy_volume.0 as u128);
        text.push_str("\",\"Q\":\"");
        push_decimal(text, spec.quote(), candle.taker_buy_quote_volume);
        text.push_str("\",\"B\":\"0\"}}");
    }

    /// A row of `klines`.
    pub(super) fn kline_row(
        self,
        text: &mut String,
        listing: &Listing,
        candle: &Candle,
        end: Nanos,
    ) {
        let spec = &listing.spec;
        field(text, "[", self.unit.of(candle.open_time));
        for price in [candle.open, candle.high, candle.low, candle.close] {
            text.push_str(",\"");
            push_decimal(text, spec.price, price.0 as u128);
            text.push('"');
        }
        text.push_str(",\"");
        push_decimal(text, spec.quantity, candle.volume.0 as u128);
        field(text, "\",", self.unit.of(last_instant(end, self.unit)));
        text.push_str(",\"");
        push_decimal(text, spec.quote(), candle.quote_volume);
        field(text, "\",", candle.trades.into());
        text.push_str(",\"");
        push_decimal(text, spec.quantity, candle.taker_buy_volume.0 as u128);
        text.push_str("\",\"");
        push_decimal(text, spec.quote(), candle.taker_buy_quote_volume);
        text.push_str("\",\"0\"]");
    }
}

/// The last instant of a bucket that ends at `end`, which the venue calls its close time.
fn last_instant(end: Nanos, unit: TimeUnit) -> Nanos {
    match unit {
        TimeUnit::Ms => end.minus(Nanos::PER_MS),
        TimeUnit::Us => end.minus(1_000),
    }
}

fn symbol(text: &mut String, listing: &Listing) {
    text.push_str(",\"s\":\"");
    text.push_str(&listing.spec.name);
    text.push('"');
}

fn field(text: &mut String, name: &str, value: u64) {
    text.push_str(name);
    push_u64(text, value);
}

fn id(text: &mut String, name: &str, id: u64) {
    match id {
        NO_ID => {
            text.push_str(name);
            text.push_str("-1");
        }
        id => field(text, name, id),
    }
}

fn price_and_quantity(text: &mut String, listing: &Listing, trade: &Trade) {
    text.push_str(",\"p\":\"");
    push_decimal(text, listing.spec.price, trade.price.0 as u128);
    text.push_str("\",\"q\":\"");
    push_decimal(text, listing.spec.quantity, trade.quantity.0 as u128);
    text.push('"');
}

/// What USD-M calls the kinds of prints.
fn class(kind: TradeKind) -> &'static str {
    match kind {
        TradeKind::InsuranceFund => "INSURANCE_FUND",
        TradeKind::AutoDeleverage => "ADL",
        TradeKind::Void => "NA",
        TradeKind::Market | TradeKind::Backfilled | TradeKind::Block => "MARKET",
    }
}
