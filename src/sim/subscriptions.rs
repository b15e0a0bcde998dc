//! Who is subscribed to what, and the commands that change it.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::value::RawValue;

use super::intervals::{INTERVALS, KlineInterval};
use super::market::Market;
use super::text::TimeUnit;
use crate::venue::Venue;

/// Streams that one connection may have.
pub(super) const STREAMS_MAX: usize = 1_024;

/// A stream that can bring something.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Stream {
    /// `<symbol>@trade`.
    Trade(u16),
    /// `<symbol>@aggTrade`.
    Aggregate(u16),
    /// `<symbol>@kline_<interval>`, by place in the list of intervals.
    Kline(u16, u8),
    /// `!miniTicker@arr`.
    MiniTickers,
}

impl Stream {
    /// The stream of that name; `None` for one that will never bring anything.
    pub(super) fn parse(name: &str, market: &Market) -> Option<Self> {
        if name == "!miniTicker@arr" {
            return Some(Self::MiniTickers);
        }
        let (symbol, channel) = name.split_once('@')?;
        if symbol.bytes().any(|byte| byte.is_ascii_uppercase()) {
            return None;
        }
        let symbol = market.symbol(&symbol.to_uppercase())? as u16;
        match channel {
            "trade" => Some(Self::Trade(symbol)),
            "aggTrade" => Some(Self::Aggregate(symbol)),
            _ => {
                let interval = KlineInterval::parse(channel.strip_prefix("kline_")?)?;
                if interval.is_below_a_minute() && market.venue == Venue::BinanceUsdm {
                    return None;
                }
                let index = INTERVALS.iter().position(|one| one.name == interval.name)?;
                Some(Self::Kline(symbol, index as u8))
            }
        }
    }
}

/// Which part of the venue a connection reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Route {
    /// Everything that is streamed (spot), or what the market does (USD-M).
    Market,
    /// USD-M's order books, and single trades.
    Public,
    /// A route that acknowledges and stays silent: USD-M's retired ones.
    Silent,
}

impl Route {
    fn brings(self, stream: Stream) -> bool {
        match self {
            Self::Market => true,
            Self::Public => matches!(stream, Stream::Trade(_)),
            Self::Silent => false,
        }
    }
}

/// What one connection asked for.
#[derive(Clone, Debug)]
pub(super) struct Wishes {
    pub(super) route: Route,
    /// Messages say which stream they are of.
    pub(super) combined: bool,
    pub(super) unit: TimeUnit,
    /// Names as given, in order.
    pub(super) names: Vec<String>,
}

impl Wishes {
    /// Subscribes; false if that would be too many.
    pub(super) fn add(&mut self, names: &[String]) -> bool {
        let before = self.names.len();
        for name in names {
            if !self.names.contains(name) {
                self.names.push(name.clone());
            }
        }
        let fits = self.names.len() <= STREAMS_MAX;
        if !fits {
            self.names.truncate(before);
        }
        fits
    }

    fn remove(&mut self, names: &[String]) {
        self.names.retain(|name| !names.contains(name));
    }

    /// The streams that bring something.
    pub(super) fn streams(&self, market: &Market) -> Vec<Stream> {
        let streams = self.names.iter().filter_map(|name| Stream::parse(name, market));
        let mut streams: Vec<_> = streams.filter(|stream| self.route.brings(*stream)).collect();
        streams.sort_unstable();
        streams.dedup();
        streams
    }

    /// Obeys a command and gives the answer.
    pub(super) fn obey(&mut self, text: &str) -> String {
        let command: Command<'_> = match serde_json::from_str(text) {
            Ok(command) => command,
            Err(error) if error.is_data() => return refusal(2, &invalid(&error), None),
            Err(error) => return refusal(3, &format!("Invalid JSON: {error}"), None),
        };
        let id = command.id.map_or("null", RawValue::get);
        match self.carry_out(&command) {
            Ok(result) => format!("{{\"result\":{result},\"id\":{id}}}"),
            Err(message) => refusal(2, &format!("Invalid request: {message}"), Some(id)),
        }
    }

    fn carry_out(&mut self, command: &Command<'_>) -> Result<String, &'static str> {
        let streams = || {
            let params = command.params.ok_or("params must be an array of stream names")?;
            serde_json::from_str::<Vec<String>>(params.get())
                .map_err(|_| "params must be an array of stream names")
        };
        match command.method.as_str() {
            "SUBSCRIBE" if self.add(&streams()?) => {}
            "SUBSCRIBE" => return Err("too many streams, 1024 at most"),
            "UNSUBSCRIBE" => self.remove(&streams()?),
            "LIST_SUBSCRIPTIONS" => {
                return serde_json::to_string(&self.names).map_err(|_| "names are no text");
            }
            "SET_PROPERTY" => {
                let params = command.params.map_or("", RawValue::get);
                let (name, value): (String, bool) =
                    serde_json::from_str(params).map_err(|_| "property must be [name, value]")?;
                if name != "combined" {
                    return Err("unknown property");
                }
                self.combined = value;
            }
            "GET_PROPERTY" => return Ok(self.combined.to_string()),
            _ => return Err("unknown method"),
        }
        Ok("null".to_owned())
    }
}

/// `{"method":"SUBSCRIBE","params":["btcusdt@aggTrade"],"id":1}`.
#[derive(Deserialize)]
struct Command<'a> {
    method: String,
    #[serde(borrow)]
    params: Option<&'a RawValue>,
    #[serde(borrow)]
    id: Option<&'a RawValue>,
}

fn invalid(error: &serde_json::Error) -> String {
    format!("Invalid request: {error}")
}

/// How the venue says no.
pub(super) fn refusal(code: i32, message: &str, id: Option<&str>) -> String {
    let message = message.replace(['"', '\\'], "'");
    let id = id.map_or_else(String::new, |id| format!(",\"id\":{id}"));
    format!("{{\"code\":{code},\"msg\":\"{message}\"{id}}}")
}

/// The connections of every stream.
#[derive(Clone, Debug, Default)]
pub(super) struct Subscribers {
    streams: BTreeMap<Stream, Vec<u32>>,
    /// The same for the busiest kinds, by symbol.
    trades: Vec<Vec<u32>>,
    aggregates: Vec<Vec<u32>>,
}

impl Subscribers {
    /// Nobody, in a market of so many symbols.
    pub(super) fn new(symbols: usize) -> Self {
        let none = || vec![Vec::new(); symbols];
        Self { streams: BTreeMap::new(), trades: none(), aggregates: none() }
    }

    fn of_mut(&mut self, stream: Stream) -> &mut Vec<u32> {
        match stream {
            Stream::Trade(symbol) => &mut self.trades[usize::from(symbol)],
            Stream::Aggregate(symbol) => &mut self.aggregates[usize::from(symbol)],
            other => self.streams.entry(other).or_default(),
        }
    }

    /// The connections that have a stream.
    pub(super) fn of(&self, stream: Stream) -> &[u32] {
        match stream {
            Stream::Trade(symbol) => &self.trades[usize::from(symbol)],
            Stream::Aggregate(symbol) => &self.aggregates[usize::from(symbol)],
            other => self.streams.get(&other).map_or(&[], Vec::as_slice),
        }
    }

    /// A connection's streams change from `old` to `new`, both ascending.
    pub(super) fn change(&mut self, link: u32, old: &[Stream], new: &[Stream]) {
        for stream in old.iter().filter(|stream| new.binary_search(stream).is_err()) {
            self.of_mut(*stream).retain(|one| *one != link);
        }
        for stream in new.iter().filter(|stream| old.binary_search(stream).is_err()) {
            self.of_mut(*stream).push(link);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wishes() -> Wishes {
        Wishes { route: Route::Market, combined: false, unit: TimeUnit::Ms, names: vec![] }
    }

    #[test]
    fn commands_are_answered_as_the_venue_does() {
        let mut wishes = wishes();
        for (command, answer) in [
            (
                r#"{"method":"SUBSCRIBE","params":["a@trade","b@trade"],"id":1}"#,
                r#"{"result":null,"id":1}"#,
            ),
            (
                r#"{"method":"UNSUBSCRIBE","params":["a@trade"],"id":"x"}"#,
                r#"{"result":null,"id":"x"}"#,
            ),
            (r#"{"method":"LIST_SUBSCRIPTIONS","id":3}"#, r#"{"result":["b@trade"],"id":3}"#),
            (
                r#"{"method":"SET_PROPERTY","params":["combined",true],"id":null}"#,
                r#"{"result":null,"id":null}"#,
            ),
            (
                r#"{"method":"GET_PROPERTY","params":["combined"],"id":4}"#,
                r#"{"result":true,"id":4}"#,
            ),
            (
                r#"{"method":"FLY","id":5}"#,
                r#"{"code":2,"msg":"Invalid request: unknown method","id":5}"#,
            ),
        ] {
            assert_eq!(wishes.obey(command), answer, "{command}");
        }
        for (command, start) in [
            ("hello", r#"{"code":3,"msg":"Invalid JSON: "#),
            (r#"{"id":1}"#, r#"{"code":2,"msg":"Invalid request: missing field `method`"#),
            (
                r#"{"method":"SUBSCRIBE","params":7,"id":1}"#,
                r#"{"code":2,"msg":"Invalid request: "#,
            ),
        ] {
            assert!(wishes.obey(command).starts_with(start), "{}", wishes.obey(command));
        }
    }

    #[test]
    fn a_connection_has_at_most_1024_streams() {
        let mut wishes = wishes();
        let names = |range: std::ops::Range<usize>| -> Vec<String> {
            range.map(|n| format!("s{n}@trade")).collect()
        };
        assert!(wishes.add(&names(0..STREAMS_MAX)));
        assert!(wishes.add(&names(5..9)), "those are there already");
        assert!(!wishes.add(&names(STREAMS_MAX..STREAMS_MAX + 1)));
        assert_eq!(wishes.names.len(), STREAMS_MAX);
    }
}
