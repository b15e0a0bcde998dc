//! Answers to REST requests: aggregates and trades by id, candles, and the rest by name.

use serde::Deserialize;
use serde_json::value::RawValue;
use systems::candle::VenueCandle;
use systems::trade::{SymbolId, Trade, TradeKind};
use systems::units::{Nanos, Price, Quantity};

use super::super::reject::DecodeReject;
use super::super::{Channel, Kind, What};
use super::frame::aggressor;
use super::kline::KlineRow;
use super::text::{Text, bounded, need, parse};
use super::{id_count, instant};
use crate::symbols::Symbols;

/// `{"a":26129,"p":"0.01633102","q":"4.70443515","f":27781,"l":27781,"T":1498793709153,
/// "m":true,"M":true}`. Rows that an audit of 2022 declared void have zeros and ids of -1.
#[derive(Deserialize)]
struct AggregateRow<'a> {
    #[serde(rename = "a")]
    id: Option<u64>,
    #[serde(rename = "p", borrow)]
    price: Option<Text<'a>>,
    #[serde(rename = "q", borrow)]
    quantity: Option<Text<'a>>,
    #[serde(rename = "f")]
    first_id: Option<i64>,
    #[serde(rename = "l")]
    last_id: Option<i64>,
    #[serde(rename = "T")]
    time: Option<u64>,
    #[serde(rename = "m")]
    buyer_is_maker: Option<bool>,
}

/// `{"id":28457,"price":"4.00000100","qty":"12.00000000","quoteQty":"48.000012",
/// "time":1499865549590,"isBuyerMaker":true,"isBestMatch":true}`.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct TradeRow<'a> {
    id: Option<u64>,
    #[serde(borrow)]
    price: Option<Text<'a>>,
    #[serde(borrow)]
    qty: Option<Text<'a>>,
    time: Option<u64>,
    is_buyer_maker: Option<bool>,
}

/// `{"code":-1121,"msg":"Invalid symbol."}`, instead of what was asked for.
#[derive(Deserialize)]
struct Refusal {
    code: Option<i64>,
}

/// What a request asked for, from its path and query.
pub(super) struct Asked<'a> {
    pub(super) what: Table,
    pub(super) symbol: &'a str,
    pub(super) interval: &'a str,
}

/// What an answer is a table of.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Table {
    Aggregates,
    Trades,
    Klines,
    Other(Kind),
}

impl<'a> Asked<'a> {
    /// Reads `/api/v3/klines?symbol=BTCUSDT&interval=1m`.
    pub(super) fn read(request: &'a str) -> Self {
        let (path, query) = request.split_once('?').unwrap_or((request, ""));
        let what = match path.rsplit('/').next().unwrap_or_default() {
            "aggTrades" => Table::Aggregates,
            "trades" | "historicalTrades" => Table::Trades,
            "klines" => Table::Klines,
            "depth" | "rpiDepth" => Table::Other(Kind::Depth),
            "bookTicker" => Table::Other(Kind::BookTicker),
            "24hr" | "ticker" | "price" | "avgPrice" => Table::Other(Kind::Ticker),
            "exchangeInfo" => Table::Other(Kind::Instruments),
            _ => Table::Other(Kind::Other),
        };
        let value = |key| {
            let mut pairs = query.split('&').filter_map(|pair| pair.split_once('='));
            pairs.find_map(|(name, value)| (name == key).then_some(value)).unwrap_or_default()
        };
        Self { what, symbol: value("symbol"), interval: value("interval") }
    }
}

/// Decodes one answer, giving each row with its own text; see `Decoder::answer`.
pub(in super::super) fn decode(
    request: &str,
    text: &[u8],
    at: Nanos,
    symbols: &Symbols,
    take: &mut dyn FnMut(What, &[u8]),
) {
    let asked = Asked::read(request);
    let rows = match refusal_or_rows(&asked, text) {
        Ok(rows) => rows,
        Err(what) => return take(what, text),
    };
    let Some(symbol) = symbols.id(asked.symbol) else {
        return take(What::Rejected(DecodeReject::UnknownSymbol), request.as_bytes());
    };
    for row in rows {
        let row = row.get();
        let what = match asked.what {
            Table::Aggregates => aggregate(row, symbol, symbols),
            Table::Trades => single(row, symbol, symbols),
            Table::Klines => kline(row, &asked, at, symbol, symbols),
            Table::Other(kind) => Ok(What::Ignored(kind)),
        };
        take(what.unwrap_or_else(What::Rejected), row.as_bytes());
    }
}

/// The rows of a table we use, or what to say of the whole answer.
pub(super) fn refusal_or_rows<'a>(
    asked: &Asked<'_>,
    text: &'a [u8],
) -> Result<Vec<&'a RawValue>, What> {
    let text = bounded(text).map_err(What::Rejected)?;
    if text.trim_start().starts_with('{') {
        let refusal: Refusal = parse(text).map_err(What::Rejected)?;
        if let Some(code) = refusal.code {
            return Err(What::Refused { id: None, code });
        }
    }
    if let Table::Other(kind) = asked.what {
        return Err(What::Ignored(kind));
    }
    parse(text).map_err(What::Rejected)
}

fn aggregate(row: &str, symbol: SymbolId, symbols: &Symbols) -> Result<What, DecodeReject> {
    let row: AggregateRow<'_> = parse(row)?;
    let (first, last) = (need(row.first_id)?, need(row.last_id)?);
    if first < 0 && last < 0 {
        return Err(DecodeReject::VoidRow);
    }
    let first_id = u64::try_from(first).map_err(|_| DecodeReject::IdRange)?;
    let last_id = u64::try_from(last).map_err(|_| DecodeReject::IdRange)?;
    let spec = symbols.spec(symbol);
    let trade = Trade {
        time: instant(need(row.time)?).ok_or(DecodeReject::TimeUnit)?,
        price: Price(spec.price.parse(need(row.price)?.as_bytes())?),
        quantity: Quantity(spec.quantity.parse(need(row.quantity)?.as_bytes())?),
        id: need(row.id)?,
        first_id,
        count: id_count(first_id, last_id).ok_or(DecodeReject::IdRange)?,
        symbol,
        aggressor: aggressor(need(row.buyer_is_maker)?),
        kind: TradeKind::Backfilled,
    };
    Ok(What::Trade(trade, Channel::AggregateTrades))
}

fn single(row: &str, symbol: SymbolId, symbols: &Symbols) -> Result<What, DecodeReject> {
    let row: TradeRow<'_> = parse(row)?;
    let spec = symbols.spec(symbol);
    let id = need(row.id)?;
    let price = Price(spec.price.parse(need(row.price)?.as_bytes())?);
    let quantity = Quantity(spec.quantity.parse(need(row.qty)?.as_bytes())?);
    // A row of zeros only takes an id, as `X = NA` does in the stream.
    let void = price.0 == 0 && quantity.0 == 0;
    let trade = Trade {
        time: instant(need(row.time)?).ok_or(DecodeReject::TimeUnit)?,
        price,
        quantity,
        id,
        first_id: id,
        count: 1,
        symbol,
        aggressor: aggressor(need(row.is_buyer_maker)?),
        kind: if void { TradeKind::Void } else { TradeKind::Backfilled },
    };
    Ok(What::Trade(trade, Channel::Trades))
}

fn kline(
    row: &str,
    asked: &Asked<'_>,
    at: Nanos,
    symbol: SymbolId,
    symbols: &Symbols,
) -> Result<What, DecodeReject> {
    let row: KlineRow<'_> = parse(row)?;
    let (interval, candle) = row.texts().candle(symbols.spec(symbol), asked.interval)?;
    // The last row of an answer usually is the candle that is still forming.
    if at < candle.open_time.plus(interval.ns()) {
        return Ok(What::Ignored(Kind::FormingCandle));
    }
    let candle = VenueCandle { candle, first_id: 0, last_id: 0 };
    Ok(What::Candle { symbol, interval, candle })
}
