//! Binance's connections: routes, limits, names of streams, commands.
//!
//! Facts this rests on:
//!
//! * USD-M moved to routes in 2026: `/market` carries trades and candles. The old roots are gone,
//!   and a stream asked for on a wrong route is acknowledged and then never sent.
//! * An answer to a command is `{"result":null,"id":1}`, or carries a `code`. A stream of a symbol
//!   that does not exist is acknowledged all the same.
//! * A command of more than 4,096 bytes, its frame's header included, is not answered at all.
//! * USD-M allows 1,024 streams; others report trouble above 200, so that is taken as its limit.
//!   Its limit of connection attempts is not documented and taken to be that of spot.

use systems::interval::Interval;
use systems::units::Nanos;

use super::super::Venue;
use super::super::link::{LinkFacts, Verb};

const SECOND: u64 = Nanos::PER_SECOND;

pub(in crate::venue) const fn link_facts(venue: Venue) -> LinkFacts {
    let spot = LinkFacts {
        base: "wss://stream.binance.com:9443",
        path: "/stream",
        streams_max: 1_024,
        messages_max: 5,
        messages_span_ns: SECOND,
        // A masked client frame of this size has a header of eight bytes.
        command_max: 4_096 - 8,
        attempts_max: 300,
        attempts_span_ns: 300 * SECOND,
        ping_every_ns: 20 * SECOND,
        pong_within_ns: 60 * SECOND,
        lifetime_ns: Nanos::PER_DAY,
    };
    match venue {
        Venue::BinanceSpot => spot,
        Venue::BinanceUsdm => LinkFacts {
            base: "wss://fstream.binance.com/market",
            streams_max: 200,
            messages_max: 10,
            ping_every_ns: 180 * SECOND,
            pong_within_ns: 600 * SECOND,
            ..spot
        },
    }
}

/// Intervals of candles in seconds; those longer than a day are not ours.
const CANDLES: [u32; 13] =
    [1, 60, 180, 300, 900, 1_800, 3_600, 7_200, 14_400, 21_600, 28_800, 43_200, 86_400];

pub(in crate::venue) fn has_candles(venue: Venue, interval: Interval) -> bool {
    // Candles of a second exist on spot alone, and anchors other than midnight UTC on none.
    let shortest = if venue == Venue::BinanceSpot { 1 } else { 60 };
    let plain = Interval::new(interval.seconds()) == Some(interval);
    plain && interval.seconds() >= shortest && CANDLES.contains(&interval.seconds())
}

pub(in crate::venue) fn candles_of(interval: Interval, symbol: &str) -> String {
    format!("{}@kline_{interval}", symbol.to_lowercase())
}

pub(in crate::venue) fn command(verb: Verb, id: u64, names: &[String]) -> String {
    let method = match verb {
        Verb::Subscribe => "SUBSCRIBE",
        Verb::Unsubscribe => "UNSUBSCRIBE",
    };
    serde_json::json!({ "method": method, "params": names, "id": id }).to_string()
}

#[cfg(test)]
mod tests {
    use super::super::super::link::Streams;
    use super::super::super::{Channel, What};
    use super::*;
    use crate::symbols::Symbols;

    #[test]
    fn streams_and_commands_are_spelled_as_the_venue_wants_them() {
        let venue = Venue::BinanceSpot;
        let candles = vec![Interval::parse("1m").unwrap(), Interval::parse("4h").unwrap()];
        let streams = Streams { prints: Channel::AggregateTrades, candles };
        let names: Vec<String> =
            (0..streams.per_symbol()).map(|n| venue.stream_name(&streams, n, "BTCUSDT")).collect();
        assert_eq!(names, ["btcusdt@aggTrade", "btcusdt@kline_1m", "btcusdt@kline_4h"]);
        assert_eq!(
            venue.command(Verb::Subscribe, 7, &names[..2]),
            r#"{"id":7,"method":"SUBSCRIBE","params":["btcusdt@aggTrade","btcusdt@kline_1m"]}"#
        );
        let odd = venue.command(Verb::Unsubscribe, 8, &["币安\"@trade".to_owned()]);
        assert_eq!(odd, r#"{"id":8,"method":"UNSUBSCRIBE","params":["币安\"@trade"]}"#);
    }

    #[test]
    fn answers_to_commands_are_told_apart_by_their_number() {
        let read =
            |text: &str| Venue::BinanceUsdm.decode(text.as_bytes(), &Symbols::default()).what;
        assert_eq!(read(r#"{"result":null,"id":7}"#), What::Ack(Some(7)));
        let refused = read(r#"{"error":{"code":2,"msg":"Invalid request"},"id":8}"#);
        assert_eq!(refused, What::Refused { id: Some(8), code: 2 });
        let notice = r#"{"stream":"!serverShutdown","data":{"e":"serverShutdown","E":1}}"#;
        assert_eq!(read(notice), What::Shutdown);
    }

    #[test]
    fn candles_exist_at_the_venues_intervals_only() {
        for (text, spot, usdm) in [
            ("1s", true, false),
            ("1m", true, true),
            ("2m", false, false),
            ("45m", false, false),
            ("1d", true, true),
            ("1d@08:00", false, false),
        ] {
            let interval = Interval::parse(text).unwrap();
            assert_eq!(Venue::BinanceSpot.has_candles(interval), spot, "{text}");
            assert_eq!(Venue::BinanceUsdm.has_candles(interval), usdm, "{text}");
        }
    }
}
