//! What is asked for at start beside the symbols: the venue's clock, and yesterday's activity.

use serde::Deserialize;
use systems::units::Nanos;

use super::text::Text;

/// Activity of one symbol in the last 24 hours.
#[derive(Clone, Debug, PartialEq)]
pub struct DayStatistics {
    /// The symbol's name.
    pub symbol: Box<str>,
    /// What was traded, in the quote asset: good enough for an order by size, and for nothing else.
    pub quote_volume: f64,
    /// Single trades.
    pub trades: u64,
    /// The highest price; 0 if nothing traded.
    pub high: f64,
    /// The lowest price; 0 if nothing traded.
    pub low: f64,
}

impl DayStatistics {
    /// The highest price above the lowest, in percent; 0 if nothing traded.
    pub fn spread_percent(&self) -> f64 {
        if self.low > 0.0 { (self.high / self.low - 1.0) * 100.0 } else { 0.0 }
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Day<'a> {
    #[serde(borrow)]
    symbol: Text<'a>,
    #[serde(borrow)]
    quote_volume: Text<'a>,
    #[serde(borrow)]
    high_price: Option<Text<'a>>,
    #[serde(borrow)]
    low_price: Option<Text<'a>>,
    /// -1 for a symbol that did not trade.
    count: i64,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Time {
    server_time: u64,
}

/// Reads the answer of `GET ticker/24hr` for all symbols.
///
/// # Errors
/// Another JSON.
pub fn day_statistics(text: &str) -> Result<Vec<DayStatistics>, serde_json::Error> {
    let days: Vec<Day<'_>> = serde_json::from_str(text)?;
    let number = |text: &Text<'_>| text.as_str().parse().unwrap_or(0.0);
    let price = |text: &Option<Text<'_>>| text.as_ref().map_or(0.0, number);
    let read = |day: Day<'_>| DayStatistics {
        symbol: day.symbol.as_str().into(),
        quote_volume: number(&day.quote_volume),
        trades: u64::try_from(day.count).unwrap_or(0),
        high: price(&day.high_price),
        low: price(&day.low_price),
    };
    Ok(days.into_iter().map(read).collect())
}

/// Reads the answer of `GET time`; `None` for anything else.
pub fn server_time(text: &[u8]) -> Option<Nanos> {
    let time: Time = serde_json::from_slice(text).ok()?;
    time.server_time.checked_mul(Nanos::PER_MS).map(Nanos)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_and_the_time_are_read_and_nothing_else_is() {
        let text = r#"[{"symbol":"BTCUSDT","highPrice":"1.5","lowPrice":"1.2",
            "quoteVolume":"15.30","count":76},
            {"symbol":"DEADUSDT","quoteVolume":"0","count":-1}]"#;
        let days = day_statistics(text).unwrap();
        assert_eq!((days[0].quote_volume, days[0].trades), (15.3, 76));
        assert!((days[0].spread_percent() - 25.0).abs() < 1e-9 && days[1].spread_percent() == 0.0);
        assert_eq!((&*days[1].symbol, days[1].trades), ("DEADUSDT", 0));
        assert!(day_statistics(r#"{"code":-1003}"#).is_err());
        let time = server_time(br#"{"serverTime":1723161600000}"#);
        assert_eq!(time, Some(Nanos::from_seconds(1_723_161_600)));
        for other in [&br#"{"code":-1}"#[..], b"[]", br#"{"serverTime":99999999999999999}"#] {
            assert_eq!(server_time(other), None);
        }
    }
}
