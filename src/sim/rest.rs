//! Requests: which endpoint, what it weighs, what it answers, and what goes wrong with it.

use std::net::IpAddr;

use systems::units::Nanos;

use super::answers::Asking;
use super::damage::lie;
use super::faults::Fault;
use super::hub::Hub;
use super::info::exchange_info;
use super::kinds::Kind;
use super::query::{Query, Refusal, refuse};
use super::text::TimeUnit;
use super::weights::Verdict;
use crate::venue::Venue;

/// A request as it came.
#[derive(Clone, Debug)]
pub(super) struct Request {
    pub(super) ip: IpAddr,
    pub(super) path: String,
    pub(super) query: Query,
    pub(super) unit: TimeUnit,
    /// It brought an API key, whatever is in it.
    pub(super) has_key: bool,
}

/// An answer as it goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) body: String,
    pub(super) json: bool,
    /// The weight used in this minute.
    pub(super) used: u32,
    /// For how many ns to be quiet.
    pub(super) retry_ns: Option<u64>,
    /// The answer goes so many ns later.
    pub(super) later_ns: u64,
}

impl Answer {
    fn new(status: u16, body: String, used: u32) -> Self {
        Self { status, body, json: true, used, retry_ns: None, later_ns: 0 }
    }
}

/// What can be asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Endpoint {
    Ping,
    Time,
    Info,
    Klines,
    Aggregates,
    Trades,
    HistoricalTrades,
    DayTickers,
    Prices,
}

impl Endpoint {
    fn parse(venue: Venue, path: &str) -> Option<Self> {
        let name = match venue {
            // Versions 1 and 3 differ in nothing that is simulated.
            Venue::BinanceSpot => {
                path.strip_prefix("/api/v3/").or_else(|| path.strip_prefix("/api/v1/"))
            }
            Venue::BinanceUsdm => {
                path.strip_prefix("/fapi/v1/").or_else(|| path.strip_prefix("/fapi/v2/"))
            }
        };
        Some(match name? {
            "ping" => Self::Ping,
            "time" => Self::Time,
            "exchangeInfo" => Self::Info,
            "klines" => Self::Klines,
            "uiKlines" if venue == Venue::BinanceSpot => Self::Klines,
            "aggTrades" => Self::Aggregates,
            "trades" => Self::Trades,
            "historicalTrades" => Self::HistoricalTrades,
            "ticker/24hr" => Self::DayTickers,
            "ticker/price" => Self::Prices,
            _ => return None,
        })
    }

    /// What it weighs, as documented.
    fn weight(self, venue: Venue, query: &Query) -> u32 {
        let one = query.get("symbol").is_some();
        let some = query.list("symbols").map(|names| names.len());
        let limit = query.number("limit").ok().flatten().unwrap_or(500);
        match (venue, self) {
            (_, Self::Ping | Self::Time) => 1,
            (Venue::BinanceSpot, Self::Info) => 20,
            (Venue::BinanceSpot, Self::Klines) => 2,
            (Venue::BinanceSpot, Self::Aggregates) => 4,
            (Venue::BinanceSpot, Self::Trades | Self::HistoricalTrades) => 25,
            (Venue::BinanceSpot, Self::DayTickers) => match some {
                _ if one => 2,
                Some(0..=20) => 2,
                Some(21..=100) => 40,
                _ => 80,
            },
            (Venue::BinanceSpot, Self::Prices) => {
                if one {
                    2
                } else {
                    4
                }
            }
            (Venue::BinanceUsdm, Self::Info) => 1,
            (Venue::BinanceUsdm, Self::Klines) => match limit {
                0..=99 => 1,
                100..=499 => 2,
                500..=1_000 => 5,
                _ => 10,
            },
            (Venue::BinanceUsdm, Self::Aggregates | Self::HistoricalTrades) => 20,
            (Venue::BinanceUsdm, Self::Trades) => 5,
            (Venue::BinanceUsdm, Self::DayTickers) => {
                if one {
                    1
                } else {
                    40
                }
            }
            (Venue::BinanceUsdm, Self::Prices) => {
                if one {
                    1
                } else {
                    2
                }
            }
        }
    }
}

/// Answers a request that comes at `now`; answers know nothing younger than `lag_ns`. `key`
/// numbers requests, and decides whom faults hit.
pub(super) fn answer(
    hub: &mut Hub,
    request: &Request,
    now: Nanos,
    lag_ns: u64,
    key: u64,
) -> Answer {
    let venue = hub.market.venue;
    let Some(endpoint) = Endpoint::parse(venue, &request.path) else {
        let used = hub.weights.used(request.ip, now);
        return Answer { json: false, ..Answer::new(404, html("404 Not Found"), used) };
    };
    let weight = endpoint.weight(venue, &request.query);
    hub.totals.requests += 1;
    let used = match hub.weights.spend(request.ip, weight, now) {
        Verdict::Go(used) => used,
        refused => {
            hub.totals.refused += 1;
            return limited(hub, refused, now);
        }
    };
    let path = request.path.clone();
    let at_path = move |fault: &Fault| fault.path.as_deref().is_none_or(|end| path.ends_with(end));
    let hit = |hub: &Hub, kind| hub.schedule.hit_if(kind, now, key, &at_path).cloned();
    let mut answer = match hit(hub, Kind::RestError) {
        Some(fault) => failing(fault.status, used),
        None => {
            let known = now.minus(lag_ns).plus(u64::from(lag_ns == 0));
            let query = &request.query;
            let body =
                body(endpoint, request, Asking { hub, query, unit: request.unit, now, known });
            match body {
                Ok(body) => Answer::new(200, body, used),
                Err(Refusal { code, message }) => {
                    let status = if code == -2014 { 401 } else { 400 };
                    Answer::new(status, format!("{{\"code\":{code},\"msg\":\"{message}\"}}"), used)
                }
            }
        }
    };
    if hit(hub, Kind::RestLie).is_some() {
        answer.body = lie(&answer.body);
    }
    if hit(hub, Kind::RestCut).is_some() {
        // Symbols may be anything but ASCII, so the middle is looked for.
        let half = answer.body.len() / 2;
        let cut = (0..=half).rev().find(|at| answer.body.is_char_boundary(*at)).unwrap_or(0);
        answer.body.truncate(cut);
    }
    answer.later_ns = hit(hub, Kind::RestDelay).map_or(0, |fault| fault.by_ns);
    answer
}

fn body(endpoint: Endpoint, request: &Request, asking: Asking<'_>) -> Result<String, Refusal> {
    let now = asking.now;
    match endpoint {
        Endpoint::Ping => Ok("{}".to_owned()),
        Endpoint::Time => Ok(format!("{{\"serverTime\":{}}}", request.unit.of(now))),
        Endpoint::Info => info(&asking),
        Endpoint::Klines => asking.klines(),
        Endpoint::Aggregates => asking.aggregates(),
        Endpoint::Trades => asking.trades(false),
        Endpoint::HistoricalTrades if asking.hub.market.venue == Venue::BinanceUsdm => {
            if !request.has_key {
                return Err(refuse(-2014, "API-key format invalid."));
            }
            asking.trades(true)
        }
        Endpoint::HistoricalTrades => asking.trades(true),
        Endpoint::DayTickers => asking.tickers(false),
        Endpoint::Prices => asking.tickers(true),
    }
}

/// `exchangeInfo` of everything, or of the symbols asked for.
fn info(asking: &Asking<'_>) -> Result<String, Refusal> {
    let (market, now) = (&asking.hub.market, asking.now);
    let only: Option<Vec<&str>> = match asking.query.get("symbol") {
        Some(name) => Some(vec![name]),
        None => asking.query.list("symbols"),
    };
    let listed = |name: &&str| {
        market.symbol(name).is_some_and(|symbol| market.listings[symbol].is_listed(now))
    };
    if only.as_ref().is_some_and(|names| !names.iter().all(listed)) {
        return Err(refuse(-1121, "Invalid symbol."));
    }
    let wanted = market.listings.iter().filter(|listing| {
        let named = |names: &Vec<&str>| names.contains(&&*listing.spec.name);
        listing.is_listed(now) && only.as_ref().is_none_or(named)
    });
    Ok(exchange_info(market.venue, asking.hub.weights.limits(), now, wanted))
}

/// 429 or 418, with the venue's words.
fn limited(hub: &Hub, verdict: Verdict, now: Nanos) -> Answer {
    let most = hub.weights.limits().weight;
    let advice = "Please use WebSocket Streams for live updates to avoid";
    let (status, used, retry_ns, message) = match verdict {
        Verdict::Banned(until) => {
            let text = format!(
                "Way too much request weight used; IP banned until {}. {advice} bans.",
                until.ms()
            );
            (418, 0, until.0.saturating_sub(now.0), text)
        }
        Verdict::TooMany(used, retry_ns) => {
            let text = format!(
                "Too much request weight used; current limit is {most} request weight per 1 \
                 MINUTE. {advice} polling the API."
            );
            (429, used, retry_ns, text)
        }
        Verdict::Go(used) => (200, used, 0, String::new()),
    };
    let body = format!("{{\"code\":-1003,\"msg\":\"{message}\"}}");
    Answer { retry_ns: Some(retry_ns), ..Answer::new(status, body, used) }
}

/// A failure that the venue never meant: JSON for limits, a page of a proxy for the rest.
fn failing(status: u16, used: u32) -> Answer {
    let retry_ns = matches!(status, 418 | 429).then_some(5 * Nanos::PER_SECOND);
    let (body, json) = match status {
        418 | 429 => ("{\"code\":-1003,\"msg\":\"Too many requests.\"}".to_owned(), true),
        _ => (html(&format!("{status} Server Error")), false),
    };
    Answer { json, retry_ns, ..Answer::new(status, body, used) }
}

fn html(title: &str) -> String {
    format!("<html><head><title>{title}</title></head><body><h1>{title}</h1></body></html>\n")
}
