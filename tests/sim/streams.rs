//! What streams bring adds up to what the exchange knows.

use std::collections::BTreeMap;
use std::time::Duration;

use systems::candle::{Candle, VenueCandle};
use systems::trade::{Aggressor, Trade};
use systems::units::Nanos;
use tapescan::sim::{Exchange, KlineInterval, SimConfig};
use tapescan::symbols::Symbols;
use tapescan::venue::{Channel, Venue, What};

use super::{Client, config, get, symbols};

const MINUTE: u64 = 60 * Nanos::PER_SECOND;

/// One symbol's minutes, from prints or aggregates in order.
#[derive(Default)]
struct Minutes {
    candles: BTreeMap<Nanos, Candle>,
}

impl Minutes {
    fn fold(&mut self, trade: &Trade) {
        let open_time = Nanos(trade.time.0 - trade.time.0 % MINUTE);
        let candle = self.candles.entry(open_time).or_insert(Candle {
            open_time,
            open: trade.price,
            high: trade.price,
            low: trade.price,
            ..Candle::default()
        });
        candle.high = candle.high.max(trade.price);
        candle.low = candle.low.min(trade.price);
        candle.close = trade.price;
        candle.volume.0 += trade.quantity.0;
        let quote = trade.price.0 as u128 * trade.quantity.0 as u128;
        candle.quote_volume += quote;
        if trade.aggressor == Aggressor::Buyer {
            candle.taker_buy_volume.0 += trade.quantity.0;
            candle.taker_buy_quote_volume += quote;
        }
        candle.trades += trade.count;
    }

    /// Compares every whole minute after `from` with the truth; how many there were.
    fn assert_equal(&self, truth: &[VenueCandle], from: Nanos, until: Nanos, name: &str) -> usize {
        let whole = |open: Nanos| open >= from && open.plus(MINUTE) <= until;
        let mut compared = 0;
        for kline in truth.iter().filter(|kline| whole(kline.candle.open_time)) {
            compared += 1;
            match self.candles.get(&kline.candle.open_time) {
                Some(ours) => {
                    assert!(ours.same_numbers(&kline.candle), "{name}\n{ours:?}\n{kline:?}");
                }
                None => assert_eq!(kline.candle.trades, 0, "{name}: {kline:?}"),
            }
        }
        compared
    }
}

/// Everything that a client hears until so many minutes have closed for every symbol.
#[derive(Default)]
struct Heard {
    trades: BTreeMap<String, Minutes>,
    aggregates: BTreeMap<String, Minutes>,
    ids: BTreeMap<(String, bool), u64>,
    closed: BTreeMap<String, Vec<VenueCandle>>,
    /// Time of the first and the last message.
    from: Nanos,
    until: Nanos,
    forming: usize,
}

impl Heard {
    fn listen(client: &mut Client, venue: Venue, symbols: &Symbols, minutes: usize) -> Self {
        let mut heard = Self::default();
        while heard.closed.len() < symbols.specs().len()
            || heard.closed.values().any(|klines| klines.len() < minutes)
        {
            heard.take(&client.next().unwrap(), venue, symbols);
        }
        heard
    }

    fn take(&mut self, frame: &str, venue: Venue, symbols: &Symbols) {
        let decoded = venue.decode(frame.as_bytes(), symbols);
        if let Some(at) = decoded.sent_at {
            self.from = if self.from.0 == 0 { at } else { self.from };
            self.until = at;
        }
        match decoded.what {
            What::Trade(trade, channel) => {
                let name = symbols.spec(trade.symbol).name.to_string();
                let single = channel == Channel::Trades;
                let last = self.ids.insert((name.clone(), single), trade.id);
                assert!(last.is_none_or(|last| last + 1 == trade.id), "{name}: {last:?} {frame}");
                assert!(decoded.sent_at.unwrap() > trade.time, "{frame}");
                let minutes = if single { &mut self.trades } else { &mut self.aggregates };
                minutes.entry(name).or_default().fold(&trade);
            }
            What::Candle { symbol, interval, candle } => {
                assert_eq!(interval.seconds(), 60);
                let late = decoded.sent_at.unwrap().0 - candle.candle.open_time.0 - MINUTE;
                // The exchange naps for up to 50 ms of the machine's time, and more if it is busy.
                assert!(late >= 5 * Nanos::PER_MS, "{late}");
                let name = symbols.spec(symbol).name.to_string();
                self.closed.entry(name).or_default().push(candle);
            }
            What::Ignored(_) => self.forming += 1,
            What::Ack(_) => {}
            other => panic!("{other:?}: {frame}"),
        }
    }
}

fn streams(symbols: &Symbols, channels: &[&str]) -> String {
    let names = symbols.specs().iter().flat_map(|spec| {
        let lower = spec.name.to_lowercase();
        channels.iter().map(move |channel| format!("{lower}@{channel}"))
    });
    names.collect::<Vec<_>>().join("/")
}

fn assert_rebuilds(venue: Venue, root: &str, exact_aggregates: bool) {
    let exchange = Exchange::start(SimConfig { venue, ..config(60.0) }).unwrap();
    let symbols = symbols(exchange.addr(), venue);
    let names = streams(&symbols, &["trade", "aggTrade", "kline_1m"]);
    let mut client = Client::connect(exchange.addr(), &format!("{root}/stream?streams={names}"));
    let heard = Heard::listen(&mut client, venue, &symbols, 3);
    assert!(heard.forming > 10, "{}", heard.forming);
    let minute = KlineInterval::parse("1m").unwrap();
    let mut compared = 0;
    for spec in symbols.specs() {
        let name = &*spec.name;
        let truth = exchange.klines(name, minute);
        let (from, until) = (heard.from, heard.until);
        compared += heard.trades[name].assert_equal(&truth, from, until, name);
        if exact_aggregates {
            heard.aggregates[name].assert_equal(&truth, from, until, name);
        }
        for kline in &heard.closed[name] {
            let at = kline.candle.open_time;
            let known = truth.iter().find(|known| known.candle.open_time == at).unwrap();
            assert!(kline.candle.same_numbers(&known.candle), "{name}\n{kline:?}\n{known:?}");
            assert_eq!((kline.first_id, kline.last_id), (known.first_id, known.last_id));
        }
    }
    assert!(compared >= 2 * symbols.specs().len(), "{compared} minutes");
}

#[test]
fn the_prints_of_spot_rebuild_the_venues_candles() {
    assert_rebuilds(Venue::BinanceSpot, "", true);
}

#[test]
fn the_prints_of_usdm_rebuild_the_venues_candles() {
    // Aggregates of 100 ms bear the time of their first print, so theirs need not be exact.
    assert_rebuilds(Venue::BinanceUsdm, "/market", false);
}

#[test]
fn aggregates_cover_every_print_once_and_in_order() {
    for venue in Venue::ALL {
        let exchange = Exchange::start(SimConfig { venue, ..config(1.0) }).unwrap();
        for spec in exchange.symbols() {
            let (trades, aggregates) =
                (exchange.trades(&spec.name), exchange.aggregates(&spec.name));
            let mut parts = trades.iter();
            for (one, next) in aggregates.iter().zip(&aggregates[1..]) {
                assert_eq!(one.id + 1, next.id);
                assert_eq!(one.first_id + u64::from(one.count), next.first_id);
            }
            for whole in &aggregates {
                let covered: Vec<_> = parts.by_ref().take(whole.count as usize).collect();
                assert_eq!(covered[0].id, whole.first_id);
                let sum: i64 = covered.iter().map(|part| part.quantity.0).sum();
                assert_eq!(sum, whole.quantity.0);
                assert!(covered.iter().all(|part| part.price == whole.price));
            }
            assert!(aggregates.len() > 10);
        }
    }
}

#[test]
fn raw_and_combined_streams_and_commands_work_on_one_connection() {
    let exchange = Exchange::start(config(1.0)).unwrap();
    let symbols = symbols(exchange.addr(), Venue::BinanceSpot);
    let name = symbols.specs()[0].name.to_lowercase();
    let mut client = Client::connect(exchange.addr(), "/ws");
    assert!(client.is_silent(Duration::from_millis(100)));
    let all = streams(&symbols, &["trade"]).replace('/', "\",\"");
    client.send(&format!(r#"{{"method":"SUBSCRIBE","params":["{all}"],"id":7}}"#));
    assert_eq!(client.next().unwrap(), r#"{"result":null,"id":7}"#);
    assert!(client.next().unwrap().starts_with(r#"{"e":"trade","E":"#));
    client.send(r#"{"method":"SET_PROPERTY","params":["combined",true],"id":8}"#);
    while !client.next().unwrap().starts_with(r#"{"stream":""#) {}
    client.send(&format!(r#"{{"method":"UNSUBSCRIBE","params":["{all}"],"id":9}}"#));
    while client.next().unwrap() != r#"{"result":null,"id":9}"# {}
    // What was on its way when the command came may still come.
    assert!((0..5).any(|_| client.is_silent(Duration::from_millis(200))));
    client.send(&format!(r#"{{"method":"SUBSCRIBE","params":["{name}@kline_1m"],"id":"k"}}"#));
    client.send(r#"{"method":"LIST_SUBSCRIPTIONS","id":10}"#);
    let mut texts = vec![client.next().unwrap(), client.next().unwrap(), client.next().unwrap()];
    texts.retain(|text| !text.starts_with(r#"{"stream":"#));
    assert_eq!(texts[1], format!(r#"{{"result":["{name}@kline_1m"],"id":10}}"#));
}

#[test]
fn microseconds_and_tickers_come_on_request() {
    let exchange = Exchange::start(config(1.0)).unwrap();
    let addr = exchange.addr();
    let mut client = Client::connect(addr, "/stream?streams=!miniTicker@arr&timeUnit=MICROSECOND");
    let text = client.next().unwrap();
    let start = r#"{"stream":"!miniTicker@arr","data":[{"e":"24hrMiniTicker","E":17231615"#;
    assert!(text.starts_with(start), "{text}");
    let stamp = text.split("\"E\":").nth(1).unwrap().split(',').next().unwrap();
    assert_eq!(stamp.len(), 16);
    let day = get(addr, "/api/v3/ticker/24hr").body;
    assert_eq!(day.matches("\"quoteVolume\"").count(), 5);
}

#[test]
fn wrong_routes_of_usdm_acknowledge_and_stay_silent() {
    let exchange = Exchange::start(SimConfig { venue: Venue::BinanceUsdm, ..config(1.0) }).unwrap();
    let symbols = symbols(exchange.addr(), Venue::BinanceUsdm);
    let name = symbols.specs()[0].name.to_lowercase();
    for path in ["/ws", "/public/ws"] {
        let mut client = Client::connect(exchange.addr(), path);
        client.send(&format!(r#"{{"method":"SUBSCRIBE","params":["{name}@aggTrade"],"id":1}}"#));
        assert_eq!(client.next().unwrap(), r#"{"result":null,"id":1}"#);
        assert!(client.is_silent(Duration::from_millis(300)));
    }
}

#[test]
fn pings_must_be_answered_and_a_day_ends_a_connection() {
    // A thousand times as fast: pings every 20 ms, an answer within 60 ms, a day in 86 s.
    let fast = SimConfig { lifetime_ns: 600 * Nanos::PER_SECOND, ..config(1_000.0) };
    let exchange = Exchange::start(fast).unwrap();
    let mut silent = Client::connect(exchange.addr(), "/ws");
    std::thread::sleep(Duration::from_millis(300));
    assert!(silent.end().contains("closed with 1008"));
    let slow = SimConfig { lifetime_ns: 30 * Nanos::PER_SECOND, ..config(60.0) };
    let exchange = Exchange::start(slow).unwrap();
    let mut old = Client::connect(exchange.addr(), "/ws");
    assert!(old.end().contains("closed with 1001"));
}
