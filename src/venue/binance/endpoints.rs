//! Binance over REST: paths, weights and page sizes, as documented in 2026.
//!
//! * Weight is counted per IP and minute of the clock; every answer says how much is used.
//! * `fromId` is inclusive; `startTime` and `endTime` bound the open times of candles, both
//!   inclusive, and answers are ascending.
//! * USD-M keeps aggregates for 24 hours only, and single trades by id need an API key there, so
//!   they are not offered: a repair falls back to candles.
//! * Bodies of tables must fit an entry of a tape together with their request.

use systems::interval::Interval;
use systems::units::Nanos;

use super::super::endpoint::{Ask, Endpoint, RestFacts};
use super::super::{Channel, Venue};

/// Bytes of a table: 1,500 candles take some 300 KB.
const TABLE_MAX: usize = (1 << 20) - 4_096;
/// Bytes of the list of all symbols or of their statistics: some megabytes today.
const LIST_MAX: usize = 32 << 20;
/// Bytes of anything else.
const SMALL_MAX: usize = 64 << 10;

/// USD-M takes a window of less than an hour where both ends are given.
const FIRST_PRINT_WINDOW_NS: u64 = 3_599 * Nanos::PER_SECOND;

/// Intervals that the venue has itself; USD-M lacks the first.
const INTERVALS: [&str; 13] =
    ["1s", "1m", "3m", "5m", "15m", "30m", "1h", "2h", "4h", "6h", "8h", "12h", "1d"];

pub(in super::super) const fn rest(venue: Venue) -> RestFacts {
    match venue {
        Venue::BinanceSpot => RestFacts {
            base: "https://api.binance.com",
            weight_per_minute: 6_000,
            used_weight_header: "x-mbx-used-weight-1m",
            print_rows: 1_000,
            candle_rows: 1_000,
            print_history_ns: None,
        },
        Venue::BinanceUsdm => RestFacts {
            base: "https://fapi.binance.com",
            weight_per_minute: 2_400,
            used_weight_header: "x-mbx-used-weight-1m",
            print_rows: 1_000,
            // 499 rows cost 2, 1,500 cost 10.
            candle_rows: 499,
            print_history_ns: Some(Nanos::PER_DAY),
        },
    }
}

pub(in super::super) fn ask(venue: Venue, endpoint: &Endpoint<'_>) -> Option<Ask> {
    let usdm = venue == Venue::BinanceUsdm;
    let root = if usdm { "/fapi/v1" } else { "/api/v3" };
    let ask = |path: String, weight, body_max| {
        Some(Ask { path: format!("{root}/{path}"), weight, body_max })
    };
    match *endpoint {
        Endpoint::Ping => ask("ping".into(), 1, SMALL_MAX),
        Endpoint::Time => ask("time".into(), 1, SMALL_MAX),
        Endpoint::Instruments if usdm => ask("exchangeInfo".into(), 1, LIST_MAX),
        // The sets of permissions are most of the answer, and of no use here.
        Endpoint::Instruments => ask("exchangeInfo?showPermissionSets=false".into(), 20, LIST_MAX),
        Endpoint::DayStatistics => ask("ticker/24hr".into(), if usdm { 40 } else { 80 }, LIST_MAX),
        Endpoint::Prints { channel, symbol, from_id, rows } => {
            let (table, weight) = match (channel, usdm) {
                (Channel::AggregateTrades, false) => ("aggTrades", 4),
                (Channel::AggregateTrades, true) => ("aggTrades", 20),
                (Channel::Trades, false) => ("historicalTrades", 25),
                (Channel::Trades, true) => return None,
            };
            let symbol = plain(symbol)?;
            ask(format!("{table}?symbol={symbol}&fromId={from_id}&limit={rows}"), weight, TABLE_MAX)
        }
        Endpoint::FirstPrint { symbol, from } => {
            let (symbol, start) = (plain(symbol)?, from.ms());
            let end = from.plus(FIRST_PRINT_WINDOW_NS).ms();
            let query = format!("symbol={symbol}&startTime={start}&endTime={end}&limit=1");
            ask(format!("aggTrades?{query}"), if usdm { 20 } else { 4 }, TABLE_MAX)
        }
        Endpoint::LastPrint { symbol } => {
            let path = format!("aggTrades?symbol={}&limit=1", plain(symbol)?);
            ask(path, if usdm { 20 } else { 4 }, TABLE_MAX)
        }
        Endpoint::Candles { symbol, interval, from, to } => {
            let symbol = plain(symbol)?;
            let name = interval_name(venue, interval)?;
            let rows = to.0.saturating_sub(from.0).div_ceil(interval.ns());
            let (start, end) = (from.ms(), to.ms().saturating_sub(1));
            let query = format!("symbol={symbol}&interval={name}&startTime={start}&endTime={end}");
            let weight = candles_weight(venue, rows);
            ask(format!("klines?{query}&limit={rows}"), weight, TABLE_MAX)
        }
    }
}

const fn candles_weight(venue: Venue, rows: u64) -> u32 {
    match (venue, rows) {
        (Venue::BinanceSpot, _) => 2,
        (Venue::BinanceUsdm, ..100) => 1,
        (Venue::BinanceUsdm, ..500) => 2,
        (Venue::BinanceUsdm, ..=1_000) => 5,
        (Venue::BinanceUsdm, _) => 10,
    }
}

/// The venue's name of an interval; it has only some, and days that begin at midnight UTC.
fn interval_name(venue: Venue, interval: Interval) -> Option<&'static str> {
    let name = interval.to_string();
    let known = INTERVALS.into_iter().find(|known| *known == name)?;
    (venue == Venue::BinanceSpot || known != "1s").then_some(known)
}

/// A name that can stand in a query as it is.
fn plain(symbol: &str) -> Option<&str> {
    let breaks = |c: char| c.is_whitespace() || c.is_control() || "&=?#%+/\\\"".contains(c);
    (!symbol.is_empty() && !symbol.contains(breaks)).then_some(symbol)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SPOT: Venue = Venue::BinanceSpot;
    const USDM: Venue = Venue::BinanceUsdm;

    fn asked(venue: Venue, endpoint: Endpoint<'_>) -> Option<(String, u32)> {
        venue.ask(&endpoint).map(|ask| (ask.path, ask.weight))
    }

    #[test]
    fn requests_are_spelled_and_priced_as_documented() {
        use Channel::{AggregateTrades, Trades};
        let prints = |channel| Endpoint::Prints { channel, symbol: "BTCUSDT", from_id: 7, rows: 9 };
        let first =
            Endpoint::FirstPrint { symbol: "BTCUSDT", from: Nanos::from_ms(1_723_161_600_000) };
        let last = Endpoint::LastPrint { symbol: "BTCUSDT" };
        for (venue, endpoint, path, weight) in [
            (SPOT, Endpoint::Ping, "/api/v3/ping", 1),
            (USDM, Endpoint::Ping, "/fapi/v1/ping", 1),
            (SPOT, Endpoint::Time, "/api/v3/time", 1),
            (SPOT, Endpoint::Instruments, "/api/v3/exchangeInfo?showPermissionSets=false", 20),
            (USDM, Endpoint::Instruments, "/fapi/v1/exchangeInfo", 1),
            (SPOT, Endpoint::DayStatistics, "/api/v3/ticker/24hr", 80),
            (USDM, Endpoint::DayStatistics, "/fapi/v1/ticker/24hr", 40),
            (SPOT, last, "/api/v3/aggTrades?symbol=BTCUSDT&limit=1", 4),
            (USDM, last, "/fapi/v1/aggTrades?symbol=BTCUSDT&limit=1", 20),
            (SPOT, prints(AggregateTrades), "/api/v3/aggTrades?symbol=BTCUSDT&fromId=7&limit=9", 4),
            (
                USDM,
                prints(AggregateTrades),
                "/fapi/v1/aggTrades?symbol=BTCUSDT&fromId=7&limit=9",
                20,
            ),
            (SPOT, prints(Trades), "/api/v3/historicalTrades?symbol=BTCUSDT&fromId=7&limit=9", 25),
            (
                USDM,
                first,
                "/fapi/v1/aggTrades?symbol=BTCUSDT&startTime=1723161600000\
                 &endTime=1723165199000&limit=1",
                20,
            ),
        ] {
            assert_eq!(asked(venue, endpoint), Some((path.to_owned(), weight)));
        }
        assert_eq!(asked(USDM, prints(Trades)), None, "needs an API key");
    }

    #[test]
    fn candles_cost_by_how_many_are_asked_for() {
        let from = Nanos::from_ms(1_723_161_600_000);
        let interval = Interval::parse("1m").unwrap();
        for (rows, spot, usdm) in
            [(1, 2, 1), (99, 2, 1), (100, 2, 2), (499, 2, 2), (500, 2, 5), (1_000, 2, 5)]
        {
            let to = from.plus(rows * interval.ns());
            let endpoint = Endpoint::Candles { symbol: "ETHUSDT", interval, from, to };
            for (venue, weight) in [(SPOT, spot), (USDM, usdm)] {
                let (path, cost) = asked(venue, endpoint).unwrap();
                assert_eq!(cost, weight, "{rows}");
                assert!(path.ends_with(&format!("&limit={rows}")), "{path}");
            }
        }
        assert_eq!(candles_weight(USDM, 1_500), 10);
        let to = from.plus(interval.ns());
        let one = Endpoint::Candles { symbol: "ETHUSDT", interval, from, to };
        let path = "/api/v3/klines?symbol=ETHUSDT&interval=1m&startTime=1723161600000\
                    &endTime=1723161659999&limit=1";
        assert_eq!(asked(SPOT, one).unwrap().0, path);
    }

    #[test]
    fn what_the_venue_lacks_cannot_be_asked_for() {
        let from = Nanos::from_ms(1_723_161_600_000);
        let candles = |symbol, text| {
            let interval = Interval::parse(text).unwrap();
            Endpoint::Candles { symbol, interval, from, to: from.plus(interval.ns()) }
        };
        assert!(asked(SPOT, candles("X", "1s")).is_some());
        assert!(asked(SPOT, candles("X", "60m")).is_some(), "an hour under another name");
        assert_eq!(asked(USDM, candles("X", "1s")), None);
        assert_eq!(asked(SPOT, candles("X", "45m")), None);
        assert_eq!(asked(SPOT, candles("X", "1d@08:00")), None);
        assert!(asked(SPOT, candles("币安USDT", "1m")).is_some());
        for name in ["", "A&limit=1", "A B", "A#", "A\n", "A%20"] {
            assert_eq!(asked(SPOT, candles(name, "1m")), None, "{name:?}");
        }
    }

    #[test]
    fn a_page_of_candles_gives_the_most_for_its_weight() {
        for venue in Venue::ALL {
            let best = u64::from(venue.rest().candle_rows);
            let per_weight = |rows| rows as f64 / f64::from(candles_weight(venue, rows));
            for rows in 1..=if venue == SPOT { 1_000 } else { 1_500 } {
                assert!(per_weight(rows) <= per_weight(best), "{venue:?} {rows}");
            }
        }
    }
}
