//! Candles as Binance spells them, in a stream and in REST rows.

use serde::Deserialize;
use serde::de::IgnoredAny;
use systems::candle::{Candle, VenueCandle};
use systems::interval::Interval;
use systems::symbol::SymbolSpec;
use systems::units::{Price, Quantity};

use super::super::candle::{aligned, consistent};
use super::super::digits::quote_units;
use super::super::reject::DecodeReject;
use super::instant;
use super::text::{Text, need};

/// The `k` of a kline frame, on spot and on USD-M:
/// `{"t":1723161600000,"T":1723161659999,"s":"BTCUSDT","i":"1m","f":100,"L":200,"o":"61686.00",
/// "c":"61690.10","h":"61700.00","l":"61680.00","v":"12.345","n":101,"x":true,
/// "q":"761543.21000","V":"6.100","Q":"376300.11000","B":"0"}`; without trades `f = L = -1`.
#[derive(Deserialize)]
pub(super) struct Kline<'a> {
    #[serde(rename = "t")]
    open_time: Option<u64>,
    #[serde(rename = "i", borrow)]
    interval: Option<Text<'a>>,
    #[serde(rename = "f")]
    first_id: Option<i64>,
    #[serde(rename = "L")]
    last_id: Option<i64>,
    #[serde(rename = "o", borrow)]
    open: Option<Text<'a>>,
    #[serde(rename = "h", borrow)]
    high: Option<Text<'a>>,
    #[serde(rename = "l", borrow)]
    low: Option<Text<'a>>,
    #[serde(rename = "c", borrow)]
    close: Option<Text<'a>>,
    #[serde(rename = "v", borrow)]
    volume: Option<Text<'a>>,
    #[serde(rename = "q", borrow)]
    quote_volume: Option<Text<'a>>,
    #[serde(rename = "V", borrow)]
    taker_buy_volume: Option<Text<'a>>,
    #[serde(rename = "Q", borrow)]
    taker_buy_quote_volume: Option<Text<'a>>,
    #[serde(rename = "n")]
    trades: Option<u32>,
    #[serde(rename = "x")]
    pub(super) closed: Option<bool>,
}

/// A row of a klines answer: open time, open, high, low, close, volume, close time, quote volume,
/// trades, taker buy volume, taker buy quote volume, unused.
#[derive(Deserialize)]
pub(super) struct KlineRow<'a>(
    u64,
    #[serde(borrow)] Text<'a>,
    #[serde(borrow)] Text<'a>,
    #[serde(borrow)] Text<'a>,
    #[serde(borrow)] Text<'a>,
    #[serde(borrow)] Text<'a>,
    IgnoredAny,
    #[serde(borrow)] Text<'a>,
    u32,
    #[serde(borrow)] Text<'a>,
    #[serde(borrow)] Text<'a>,
    IgnoredAny,
);

/// The texts of one candle, wherever they came from.
pub(super) struct CandleTexts<'a> {
    open_time: u64,
    /// Open, high, low, close.
    pub(super) prices: [&'a str; 4],
    /// Volume, taker buy volume.
    pub(super) quantities: [&'a str; 2],
    /// Quote volume, taker buy quote volume.
    pub(super) quotes: [&'a str; 2],
    trades: u32,
}

impl Kline<'_> {
    /// Its texts, all of which must be there.
    pub(super) fn texts(&self) -> Result<CandleTexts<'_>, DecodeReject> {
        let text = |field| need(Option::as_ref(field)).map(Text::as_str);
        Ok(CandleTexts {
            open_time: need(self.open_time)?,
            prices: [text(&self.open)?, text(&self.high)?, text(&self.low)?, text(&self.close)?],
            quantities: [text(&self.volume)?, text(&self.taker_buy_volume)?],
            quotes: [text(&self.quote_volume)?, text(&self.taker_buy_quote_volume)?],
            trades: need(self.trades)?,
        })
    }

    /// The candle and its interval.
    pub(super) fn candle(
        &self,
        spec: &SymbolSpec,
    ) -> Result<(Interval, VenueCandle), DecodeReject> {
        let name = need(self.interval.as_ref())?.as_str();
        let (interval, candle) = self.texts()?.candle(spec, name)?;
        // Without trades the venue writes -1, which is "does not say" to us.
        let id = |id: Option<i64>| need(id).map(|id| u64::try_from(id).unwrap_or(0));
        let (first_id, last_id) = (id(self.first_id)?, id(self.last_id)?);
        Ok((interval, VenueCandle { candle, first_id, last_id }))
    }
}

impl KlineRow<'_> {
    /// Its open time as sent.
    pub(super) const fn open_time(&self) -> u64 {
        self.0
    }

    /// Its texts.
    pub(super) fn texts(&self) -> CandleTexts<'_> {
        CandleTexts {
            open_time: self.0,
            prices: [&self.1, &self.2, &self.3, &self.4].map(Text::as_str),
            quantities: [&self.5, &self.9].map(Text::as_str),
            quotes: [&self.7, &self.10].map(Text::as_str),
            trades: self.8,
        }
    }
}

impl CandleTexts<'_> {
    /// The numbers at the symbol's scales, and the interval of that name.
    pub(super) fn candle(
        &self,
        spec: &SymbolSpec,
        interval: &str,
    ) -> Result<(Interval, Candle), DecodeReject> {
        let open_time = instant(self.open_time).ok_or(DecodeReject::TimeUnit)?;
        let interval = Interval::parse(interval).map_err(|_| DecodeReject::Interval)?;
        let interval = aligned(interval, open_time).ok_or(DecodeReject::Interval)?;
        let price = |text: &str| spec.price.parse(text.as_bytes()).map(Price);
        let quantity = |text: &str| spec.quantity.parse(text.as_bytes()).map(Quantity);
        let decimals = spec.quote().decimals;
        let quote = |text: &str| quote_units(decimals, text.as_bytes());
        let candle = Candle {
            open_time,
            open: price(self.prices[0])?,
            high: price(self.prices[1])?,
            low: price(self.prices[2])?,
            close: price(self.prices[3])?,
            volume: quantity(self.quantities[0])?,
            quote_volume: quote(self.quotes[0])?,
            taker_buy_volume: quantity(self.quantities[1])?,
            taker_buy_quote_volume: quote(self.quotes[1])?,
            trades: self.trades,
            ..Candle::default()
        };
        if consistent(&candle) { Ok((interval, candle)) } else { Err(DecodeReject::Candle) }
    }
}
