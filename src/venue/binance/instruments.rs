//! exchangeInfo: what the venue lists, and at which scales it trades.

use serde::Deserialize;
use systems::symbol::SymbolSpec;
use systems::units::{Nanos, Scale};

use super::super::Venue;
use super::super::digits::Precision;
use super::text::Text;

/// One listed symbol.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Instrument {
    /// Name and scales.
    pub spec: SymbolSpec,
    /// What its prices are in, such as `USDT`.
    pub quote_asset: Box<str>,
    /// The venue takes orders for it now.
    pub trading: bool,
    /// Since when it is listed, if the venue says so.
    pub listed_at: Option<Nanos>,
}

/// Why a text is no list of instruments.
#[derive(Debug, thiserror::Error)]
pub enum InstrumentsError {
    /// Not the JSON of exchangeInfo.
    #[error("not an exchangeInfo answer: {0}; save the body of GET exchangeInfo as it is")]
    Json(#[from] serde_json::Error),
    /// Scales that we cannot hold or not read.
    #[error("symbol {symbol}: {field} is not a plain decimal of at most 18 digits")]
    Scale {
        /// Which symbol.
        symbol: Box<str>,
        /// `tickSize` or `stepSize`.
        field: &'static str,
    },
}

#[derive(Deserialize)]
struct ExchangeInfo<'a> {
    #[serde(borrow)]
    symbols: Vec<Listed<'a>>,
}

/// `{"symbol":"ETHBTC","status":"TRADING","baseAssetPrecision":8,"quotePrecision":8,"filters":[
/// {"filterType":"PRICE_FILTER","tickSize":"0.00000100"},{"filterType":"LOT_SIZE","stepSize":
/// "0.00010000"}]}`; on USD-M also `"pricePrecision":2,"quantityPrecision":3`.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Listed<'a> {
    #[serde(borrow)]
    symbol: Text<'a>,
    #[serde(borrow)]
    status: Option<Text<'a>>,
    #[serde(borrow)]
    quote_asset: Option<Text<'a>>,
    base_asset_precision: Option<u8>,
    quote_precision: Option<u8>,
    /// In milliseconds; spot does not have it.
    onboard_date: Option<u64>,
    price_precision: Option<u8>,
    quantity_precision: Option<u8>,
    #[serde(borrow, default)]
    filters: Vec<Filter<'a>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Filter<'a> {
    #[serde(borrow)]
    filter_type: Text<'a>,
    #[serde(borrow)]
    tick_size: Option<Text<'a>>,
    #[serde(borrow)]
    step_size: Option<Text<'a>>,
}

/// Reads the answer of `GET /api/v3/exchangeInfo` or `GET /fapi/v1/exchangeInfo`.
///
/// Decimals are those of the tick and step sizes. Spot writes every number with as many digits as
/// it writes the sizes with; USD-M writes as many as its precisions say.
///
/// # Errors
/// Another JSON, or sizes that cannot be read.
pub fn instruments(venue: Venue, text: &str) -> Result<Vec<Instrument>, InstrumentsError> {
    let info: ExchangeInfo<'_> = serde_json::from_str(text)?;
    info.symbols.iter().map(|listed| listed.instrument(venue)).collect()
}

impl Listed<'_> {
    fn instrument(&self, venue: Venue) -> Result<Instrument, InstrumentsError> {
        let (tick, step) = (self.size("PRICE_FILTER"), self.size("LOT_SIZE"));
        let (price, quantity) = match venue {
            Venue::BinanceSpot => (self.quote_precision, self.base_asset_precision),
            Venue::BinanceUsdm => (self.price_precision, self.quantity_precision),
        };
        let error = |field| InstrumentsError::Scale { symbol: self.symbol.as_str().into(), field };
        let spec = SymbolSpec {
            name: self.symbol.as_str().into(),
            price: scale(venue, tick, price).ok_or_else(|| error("tickSize"))?,
            quantity: scale(venue, step, quantity).ok_or_else(|| error("stepSize"))?,
        };
        let text = |field: &Option<Text<'_>>| field.as_ref().map(|text| text.as_str().into());
        Ok(Instrument {
            spec,
            quote_asset: text(&self.quote_asset).unwrap_or_default(),
            trading: self.status.as_ref().is_some_and(|status| status.as_str() == "TRADING"),
            listed_at: self.onboard_date.and_then(|ms| ms.checked_mul(Nanos::PER_MS).map(Nanos)),
        })
    }

    fn size(&self, filter: &str) -> Option<&str> {
        let filter = self.filters.iter().find(|one| one.filter_type.as_str() == filter)?;
        filter.tick_size.as_ref().or(filter.step_size.as_ref()).map(Text::as_str)
    }
}

/// The scale of a size; a missing or zero size means that only the precision is known.
fn scale(venue: Venue, size: Option<&str>, precision: Option<u8>) -> Option<Scale> {
    let zero = |text: &&str| text.bytes().all(|byte| matches!(byte, b'0' | b'.'));
    let scale = match size.filter(|text| !zero(text)) {
        None => Scale::exact(precision.unwrap_or(8)),
        Some(text) => {
            let digits = Precision::of(text.as_bytes())?;
            let width = match venue {
                Venue::BinanceSpot => digits.written,
                Venue::BinanceUsdm => precision.unwrap_or(digits.significant),
            };
            Scale { decimals: digits.significant, width: width.max(digits.significant) }
        }
    };
    (scale.decimals <= Scale::MAX_DECIMALS).then_some(scale)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_give_decimals_and_the_venue_gives_the_width() {
        let spot = r#"{"timezone":"UTC","symbols":[{"symbol":"BTCUSDT","status":"TRADING",
            "quoteAsset":"USDT","baseAssetPrecision":8,"quotePrecision":8,"filters":[
            {"filterType":"PRICE_FILTER","minPrice":"0.01000000","tickSize":"0.01000000"},
            {"filterType":"LOT_SIZE","stepSize":"0.00001000"},{"filterType":"ICEBERG_PARTS"}]},
            {"symbol":"NEWUSDT","status":"BREAK","quotePrecision":6,"filters":[]}]}"#;
        let listed = instruments(Venue::BinanceSpot, spot).unwrap();
        assert_eq!(listed[0].spec.price, Scale { decimals: 2, width: 8 });
        assert_eq!(listed[0].spec.quantity, Scale { decimals: 5, width: 8 });
        assert_eq!((&*listed[0].quote_asset, listed[0].trading), ("USDT", true));
        assert_eq!(listed[1].spec.price, Scale::exact(6));
        assert_eq!((listed[1].spec.quantity, listed[1].trading), (Scale::exact(8), false));

        let usdm = r#"{"symbols":[{"symbol":"SUSHIUSDT","status":"TRADING","pricePrecision":4,
            "onboardDate":1598252400000,
            "quantityPrecision":0,"filters":[{"tickSize":"0.0010","filterType":"PRICE_FILTER"},
            {"stepSize":"1","filterType":"LOT_SIZE"},
            {"stepSize":"5","filterType":"MARKET_LOT_SIZE"}]}]}"#;
        let listed = instruments(Venue::BinanceUsdm, usdm).unwrap();
        assert_eq!(listed[0].spec.price, Scale { decimals: 3, width: 4 });
        assert_eq!(listed[0].spec.quantity, Scale::exact(0));
        assert_eq!(listed[0].listed_at, Some(Nanos::from_ms(1_598_252_400_000)));
    }

    #[test]
    fn what_is_no_list_is_refused_with_the_place() {
        let error = instruments(Venue::BinanceSpot, "[]").unwrap_err();
        assert!(matches!(error, InstrumentsError::Json(_)));
        let wild = r#"{"symbols":[{"symbol":"X","filters":[
            {"filterType":"PRICE_FILTER","tickSize":"1e-8"}]}]}"#;
        let error = instruments(Venue::BinanceSpot, wild).unwrap_err();
        assert_eq!(
            error.to_string(),
            "symbol X: tickSize is not a plain decimal of at most 18 digits"
        );
    }
}
