//! Frames through a real JSON parser: every shape, in any order of fields.

use serde::Deserialize;
use serde_json::value::RawValue;
use systems::trade::{Aggressor, Trade};
use systems::units::{Nanos, Price, Quantity};

use super::super::reject::DecodeReject;
use super::super::{Channel, Decoded, Kind, Venue, What};
use super::kline::Kline;
use super::text::{Text, checked, need, parse, present};
use super::{id_count, instant, trade_kind};
use crate::symbols::Symbols;

/// What is around the payload: `{"stream":"btcusdt@trade","data":{..}}`, and the answers to
/// commands `{"result":null,"id":1}`, `{"code":2,"msg":"Invalid request: ..","id":1}`,
/// `{"error":{"code":2,"msg":".."},"id":1}`.
#[derive(Deserialize)]
struct Envelope<'a> {
    #[serde(borrow)]
    #[allow(dead_code, reason = "must be a text where it is present; the payload says the rest")]
    stream: Option<Text<'a>>,
    #[serde(borrow)]
    data: Option<&'a RawValue>,
    #[serde(default, deserialize_with = "present")]
    result: bool,
    #[serde(borrow)]
    id: Option<&'a RawValue>,
    #[serde(borrow)]
    code: Option<&'a RawValue>,
    error: Option<Refusal>,
}

#[derive(Deserialize)]
struct Refusal {
    code: Option<i64>,
}

/// What every payload can say about itself. A spot book ticker and a partial book have no `e`.
#[derive(Deserialize)]
struct Head<'a> {
    #[serde(rename = "e", borrow)]
    event: Option<Text<'a>>,
    #[serde(rename = "E")]
    sent: Option<u64>,
    #[serde(rename = "lastUpdateId", default, deserialize_with = "present")]
    book: bool,
    #[serde(rename = "B", default, deserialize_with = "present")]
    bid_quantity: bool,
}

/// `{"e":"trade","E":1723161255343,"s":"BTCUSDT","t":3735683259,"p":"61837.63000000",
/// "q":"0.02000000","T":1723161255342,"m":true,"M":true}`; on USD-M with `"X":"MARKET"`.
#[derive(Deserialize)]
struct SingleTrade<'a> {
    #[serde(rename = "s", borrow)]
    symbol: Option<Text<'a>>,
    #[serde(rename = "t")]
    id: Option<u64>,
    #[serde(rename = "p", borrow)]
    price: Option<Text<'a>>,
    #[serde(rename = "q", borrow)]
    quantity: Option<Text<'a>>,
    #[serde(rename = "T")]
    time: Option<u64>,
    #[serde(rename = "X", borrow)]
    class: Option<Text<'a>>,
    #[serde(rename = "m")]
    buyer_is_maker: Option<bool>,
}

/// `{"e":"aggTrade","E":1633998523963,"s":"NKNUSDT","a":15683430,"p":"0.35280000",
/// "q":"58.00000000","f":19862790,"l":19862791,"T":1633998523963,"m":false,"M":true}`.
#[derive(Deserialize)]
struct AggregateTrade<'a> {
    #[serde(rename = "s", borrow)]
    symbol: Option<Text<'a>>,
    #[serde(rename = "a")]
    id: Option<u64>,
    #[serde(rename = "p", borrow)]
    price: Option<Text<'a>>,
    #[serde(rename = "q", borrow)]
    quantity: Option<Text<'a>>,
    #[serde(rename = "f")]
    first_id: Option<u64>,
    #[serde(rename = "l")]
    last_id: Option<u64>,
    #[serde(rename = "T")]
    time: Option<u64>,
    #[serde(rename = "m")]
    buyer_is_maker: Option<bool>,
}

#[derive(Deserialize)]
struct KlineEvent<'a> {
    #[serde(rename = "s", borrow)]
    symbol: Option<Text<'a>>,
    #[serde(rename = "k", borrow)]
    kline: Option<Kline<'a>>,
}

/// A payload with all texts still texts.
pub(super) enum Payload<'a> {
    /// Symbol, price, quantity: what observers need of any print.
    Print(Print<'a>),
    Kline(Text<'a>, Box<Kline<'a>>),
    Other(What),
}

/// One print with its texts still texts.
pub(super) struct Print<'a> {
    channel: Channel,
    pub(super) symbol: Text<'a>,
    pub(super) price: Text<'a>,
    pub(super) quantity: Text<'a>,
    id: u64,
    first_id: u64,
    last_id: u64,
    time: u64,
    class: Option<Text<'a>>,
    buyer_is_maker: bool,
}

/// Decodes any frame.
pub(super) fn decode(
    venue: Venue,
    frame: &[u8],
    symbols: &Symbols,
) -> Result<Decoded, DecodeReject> {
    let (sent_at, payload) = read(checked(frame)?)?;
    let what = match payload {
        Payload::Print(print) => print.trade(venue, symbols)?,
        Payload::Kline(symbol, kline) => {
            let symbol = symbols.id(symbol.as_str()).ok_or(DecodeReject::UnknownSymbol)?;
            let (interval, candle) = kline.candle(symbols.spec(symbol))?;
            What::Candle { symbol, interval, candle }
        }
        Payload::Other(what) => what,
    };
    Ok(Decoded { sent_at, what })
}

/// Takes a frame apart: when it was sent, and its payload.
pub(super) fn read(frame: &str) -> Result<(Option<Nanos>, Payload<'_>), DecodeReject> {
    // A parser that expects an object takes an array for one, field by field.
    if !frame.trim_start().starts_with('{') {
        return Err(DecodeReject::NotJson);
    }
    let envelope: Envelope<'_> = parse(frame)?;
    let payload = match envelope.data {
        Some(data) => data.get(),
        None if envelope.answers() => return Ok((None, Payload::Other(envelope.answer()))),
        None => frame,
    };
    if !payload.starts_with('{') && envelope.data.is_some() {
        // Arrays of tickers, and whatever a stream may bring next.
        return Ok((None, Payload::Other(What::Ignored(Kind::Other))));
    }
    let head: Head<'_> = parse(payload)?;
    Ok((head.sent.and_then(instant), typed(&head, payload)?))
}

fn typed<'a>(head: &Head<'_>, payload: &'a str) -> Result<Payload<'a>, DecodeReject> {
    let kind = match head.event.as_ref().map(Text::as_str) {
        Some("trade") => return single(payload),
        Some("aggTrade") => return aggregate(payload),
        Some("kline") => {
            let event: KlineEvent<'_> = parse(payload)?;
            let kline = need(event.kline)?;
            if need(kline.closed)? {
                return Ok(Payload::Kline(need(event.symbol)?, Box::new(kline)));
            }
            Kind::FormingCandle
        }
        Some("serverShutdown") => return Ok(Payload::Other(What::Shutdown)),
        Some("bookTicker") => Kind::BookTicker,
        Some("depthUpdate" | "rpiDepth") => Kind::Depth,
        Some("24hrTicker" | "24hrMiniTicker" | "1hTicker" | "4hTicker" | "1dTicker") => {
            Kind::Ticker
        }
        Some("markPriceUpdate") => Kind::MarkPrice,
        Some("forceOrder") => Kind::Liquidation,
        None if head.book => Kind::Depth,
        None if head.bid_quantity => Kind::BookTicker,
        Some(_) | None => Kind::Other,
    };
    Ok(Payload::Other(What::Ignored(kind)))
}

fn single(payload: &str) -> Result<Payload<'_>, DecodeReject> {
    let wire: SingleTrade<'_> = parse(payload)?;
    let id = need(wire.id)?;
    Ok(Payload::Print(Print {
        channel: Channel::Trades,
        symbol: need(wire.symbol)?,
        price: need(wire.price)?,
        quantity: need(wire.quantity)?,
        id,
        first_id: id,
        last_id: id,
        time: need(wire.time)?,
        class: wire.class,
        buyer_is_maker: need(wire.buyer_is_maker)?,
    }))
}

fn aggregate(payload: &str) -> Result<Payload<'_>, DecodeReject> {
    let wire: AggregateTrade<'_> = parse(payload)?;
    Ok(Payload::Print(Print {
        channel: Channel::AggregateTrades,
        symbol: need(wire.symbol)?,
        price: need(wire.price)?,
        quantity: need(wire.quantity)?,
        id: need(wire.id)?,
        first_id: need(wire.first_id)?,
        last_id: need(wire.last_id)?,
        time: need(wire.time)?,
        class: None,
        buyer_is_maker: need(wire.buyer_is_maker)?,
    }))
}

impl Print<'_> {
    fn trade(&self, venue: Venue, symbols: &Symbols) -> Result<What, DecodeReject> {
        let symbol = symbols.id(self.symbol.as_str()).ok_or(DecodeReject::UnknownSymbol)?;
        let spec = symbols.spec(symbol);
        let price = Price(spec.price.parse(self.price.as_bytes())?);
        let quantity = Quantity(spec.quantity.parse(self.quantity.as_bytes())?);
        let class = self.class.as_ref().map(Text::as_bytes);
        let trade = Trade {
            time: instant(self.time).ok_or(DecodeReject::TimeUnit)?,
            price,
            quantity,
            id: self.id,
            first_id: self.first_id,
            count: id_count(self.first_id, self.last_id).ok_or(DecodeReject::IdRange)?,
            symbol,
            aggressor: aggressor(self.buyer_is_maker),
            kind: match self.channel {
                Channel::Trades => trade_kind(venue, class, price, quantity)?,
                // Aggregates hold market trades only.
                Channel::AggregateTrades => systems::trade::TradeKind::Market,
            },
        };
        Ok(What::Trade(trade, self.channel))
    }
}

/// Who took liquidity, from what Binance says about the buyer.
pub(super) const fn aggressor(buyer_is_maker: bool) -> Aggressor {
    if buyer_is_maker { Aggressor::Seller } else { Aggressor::Buyer }
}

impl Envelope<'_> {
    /// Whether it answers a command.
    fn answers(&self) -> bool {
        self.result || self.code.is_some() || self.error.is_some()
    }

    fn answer(&self) -> What {
        let number = |raw: Option<&RawValue>| raw.and_then(|raw| raw.get().parse::<i64>().ok());
        let id = number(self.id).and_then(|id| u64::try_from(id).ok());
        let code = number(self.code).or(self.error.as_ref().and_then(|error| error.code));
        match code {
            Some(code) => What::Refused { id, code },
            None if self.error.is_some() || self.code.is_some() => What::Refused { id, code: 0 },
            None => What::Ack(id),
        }
    }
}
