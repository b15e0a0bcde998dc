//! What a venue grants a connection and asks of it, and the texts that go out over one.

use systems::interval::Interval;

use super::{Channel, Venue, binance};

/// What a venue grants a connection and asks of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LinkFacts {
    /// Scheme, host, port and route; replaced as a whole to reach another server.
    pub base: &'static str,
    /// What follows the base to open a connection that carries many streams.
    pub path: &'static str,
    /// Streams one connection may carry.
    pub streams_max: usize,
    /// Messages the venue takes within `messages_span_ns`; pings and pongs count.
    pub messages_max: usize,
    /// The span, in nanoseconds, over which messages are counted.
    pub messages_span_ns: u64,
    /// Bytes of the longest command that the venue reads.
    pub command_max: usize,
    /// Connections one address may try to open within `attempts_span_ns`.
    pub attempts_max: usize,
    /// The span, in nanoseconds, over which attempts are counted.
    pub attempts_span_ns: u64,
    /// The venue pings this often, in nanoseconds.
    pub ping_every_ns: u64,
    /// The venue closes when a ping has had no answer for so many nanoseconds.
    pub pong_within_ns: u64,
    /// The venue closes a connection of this age, in nanoseconds.
    pub lifetime_ns: u64,
}

/// What is wanted of every symbol: one stream of prints, and streams of closed candles.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Streams {
    /// Which prints.
    pub prints: Channel,
    /// Intervals whose candles the venue publishes.
    pub candles: Vec<Interval>,
}

/// What a command asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verb {
    /// Begin to send streams.
    Subscribe,
    /// Stop sending them.
    Unsubscribe,
}

impl Streams {
    /// Prints alone.
    pub const fn prints(prints: Channel) -> Self {
        Self { prints, candles: Vec::new() }
    }

    /// Streams of one symbol; its prints are number 0.
    pub fn per_symbol(&self) -> usize {
        1 + self.candles.len()
    }
}

impl Venue {
    /// What the venue grants a connection and asks of it.
    pub const fn link_facts(self) -> LinkFacts {
        match self {
            Self::BinanceSpot | Self::BinanceUsdm => binance::streams::link_facts(self),
        }
    }

    /// Whether the venue publishes candles of this interval.
    pub fn has_candles(self, interval: Interval) -> bool {
        match self {
            Self::BinanceSpot | Self::BinanceUsdm => binance::streams::has_candles(self, interval),
        }
    }

    /// The name of the stream that brings `symbol`'s candles of one interval.
    pub fn candles_of(self, interval: Interval, symbol: &str) -> String {
        match self {
            Self::BinanceSpot | Self::BinanceUsdm => binance::streams::candles_of(interval, symbol),
        }
    }

    /// The name of one of a symbol's streams, by its number within `streams`.
    pub fn stream_name(self, streams: &Streams, number: usize, symbol: &str) -> String {
        match number.checked_sub(1) {
            None => self.stream_of(streams.prints, symbol),
            Some(index) => self.candles_of(streams.candles[index], symbol),
        }
    }

    /// The text of a command over some streams. The venue's answer repeats `id`.
    pub fn command(self, verb: Verb, id: u64, names: &[String]) -> String {
        match self {
            Self::BinanceSpot | Self::BinanceUsdm => binance::streams::command(verb, id, names),
        }
    }
}
