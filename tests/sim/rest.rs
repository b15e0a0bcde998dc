//! Answers to requests: the truth, what they weigh, and what happens to those who ask too much.

use std::net::TcpStream;
use std::time::Duration;

use systems::candle::Candle;
use systems::trade::Trade;
use systems::units::Nanos;
use tapescan::sim::{Exchange, INTERVALS, KlineInterval, SimConfig, documented};
use tapescan::symbols::Symbols;
use tapescan::venue::{Decoder, Venue, What};

use super::{Answer, Client, config, get, symbols};

/// What our own decoder reads in an answer.
fn decoded(path: &str, answer: &Answer, at: Nanos, symbols: &Symbols) -> (Vec<Candle>, Vec<Trade>) {
    let (mut candles, mut trades) = (Vec::new(), Vec::new());
    let mut decoder = Decoder::new(Venue::BinanceSpot);
    decoder.answer(path, answer.body.as_bytes(), at, symbols, &mut |what| match what {
        What::Candle { candle, .. } => candles.push(candle.candle),
        What::Trade(trade, _) => trades.push(trade),
        What::Ignored(_) => {}
        other => panic!("{other:?}: {}", answer.body),
    });
    (candles, trades)
}

#[test]
fn klines_equal_the_truth_at_every_interval() {
    let exchange = Exchange::start(config(300.0)).unwrap();
    std::thread::sleep(Duration::from_millis(2_500));
    let symbols = symbols(exchange.addr(), Venue::BinanceSpot);
    let at = exchange.now();
    for spec in symbols.specs() {
        let mut compared = 0;
        for interval in INTERVALS.iter().filter(|one| !["3d", "1w", "1M"].contains(&one.name)) {
            let truth = exchange.klines(&spec.name, interval);
            let path = format!("/api/v3/klines?symbol={}&interval={}", spec.name, interval.name);
            let (candles, _) = decoded(&path, &get(exchange.addr(), &path), at, &symbols);
            for known in &truth {
                let open = known.candle.open_time;
                if let Some(ours) = candles.iter().find(|ours| ours.open_time == open) {
                    assert!(ours.same_numbers(&known.candle), "{ours:?}\n{known:?}");
                    compared += 1;
                }
            }
        }
        assert!(compared > 20, "{compared}");
    }
}

#[test]
fn klines_come_from_before_trading_and_by_range() {
    let exchange = Exchange::start(config(1.0)).unwrap();
    let symbols = symbols(exchange.addr(), Venue::BinanceSpot);
    let (name, at) = (&symbols.specs()[0].name, exchange.now());
    let open_times = |query: &str| -> Vec<u64> {
        let path = format!("/api/v3/klines?symbol={name}&{query}");
        let answer = get(exchange.addr(), &path);
        assert_eq!(answer.status, 200, "{}", answer.body);
        let (candles, _) = decoded(&path, &answer, Nanos(u64::MAX), &symbols);
        candles.iter().map(|candle| candle.open_time.seconds()).collect()
    };
    let times = open_times("interval=15m&limit=40");
    assert_eq!(times.len(), 40);
    assert!(times.windows(2).all(|pair| pair[1] - pair[0] == 900));
    let minute = at.seconds() - at.seconds() % 60;
    assert_eq!(open_times("interval=1m&limit=2"), [minute - 60, minute]);
    let (from, to) = (minute - 600, minute - 481);
    let range = format!("interval=1m&startTime={from}000&endTime={to}000");
    assert_eq!(open_times(&range), [from, from + 60]);
    assert_eq!(open_times(&format!("interval=1m&startTime={from}000&limit=1")), [from]);
    let before = open_times(&format!("interval=1m&endTime={to}000&limit=3"));
    assert_eq!(before, [from - 60, from, from + 60]);
    for bad in ["interval=7m", "interval=1m&limit=1001", "interval=1m&startTime=x"] {
        let answer = get(exchange.addr(), &format!("/api/v3/klines?symbol={name}&{bad}"));
        assert_eq!(answer.status, 400, "{bad}");
    }
    let unknown = get(exchange.addr(), "/api/v3/klines?symbol=NOSUCH&interval=1m");
    assert_eq!(unknown.body, r#"{"code":-1121,"msg":"Invalid symbol."}"#);
}

#[test]
fn trades_and_aggregates_come_by_id() {
    let exchange = Exchange::start(config(1.0)).unwrap();
    let (addr, at) = (exchange.addr(), exchange.now());
    let symbols = symbols(addr, Venue::BinanceSpot);
    let name = &*symbols.specs()[0].name;
    let (trades, aggregates) = (exchange.trades(name), exchange.aggregates(name));
    for (table, known) in [("historicalTrades", &trades), ("aggTrades", &aggregates)] {
        let from = known[5].id;
        let path = format!("/api/v3/{table}?symbol={name}&fromId={from}&limit=7");
        let (_, rows) = decoded(&path, &get(addr, &path), at, &symbols);
        let ids: Vec<u64> = rows.iter().map(|row| row.id).collect();
        assert_eq!(ids, (from..from + 7).collect::<Vec<_>>());
        let same = |(row, known): (&Trade, &Trade)| {
            (row.price, row.quantity, row.time) == (known.price, known.quantity, known.time)
        };
        assert!(rows.iter().zip(&known[5..]).all(same));
    }
    let time = aggregates[5].time;
    let path = format!("/api/v3/aggTrades?symbol={name}&startTime={}&limit=3", time.ms());
    let (_, rows) = decoded(&path, &get(addr, &path), at, &symbols);
    assert!(rows.len() == 3 && rows[0].time == time);
}

#[test]
fn weights_are_counted_refused_and_banned() {
    let limits = tapescan::sim::Limits { weight: 50, ..documented(Venue::BinanceSpot) };
    let exchange = Exchange::start(SimConfig { limits: Some(limits), ..config(1.0) }).unwrap();
    let addr = exchange.addr();
    let info = get(addr, "/api/v3/exchangeInfo");
    assert_eq!((info.status, info.header("X-MBX-USED-WEIGHT-1M")), (200, Some("20")));
    assert!(info.body.contains(r#""interval":"MINUTE","intervalNum":1,"limit":50}"#));
    assert_eq!(get(addr, "/api/v3/ping").header("X-MBX-USED-WEIGHT-1M"), Some("21"));
    assert_eq!(get(addr, "/api/v3/exchangeInfo").status, 200);
    let refused = get(addr, "/api/v3/exchangeInfo");
    assert_eq!((refused.status, refused.header("X-MBX-USED-WEIGHT-1M")), (429, Some("61")));
    let retry: u64 = refused.header("Retry-After").unwrap().parse().unwrap();
    assert!((1..=60).contains(&retry) && refused.body.starts_with(r#"{"code":-1003,"#));
    let statuses: Vec<u16> = (0..12).map(|_| get(addr, "/api/v3/ping").status).collect();
    assert_eq!(statuses, [vec![429; 9], vec![418; 3]].concat());
    let banned = get(addr, "/api/v3/ping");
    let retry: u64 = banned.header("Retry-After").unwrap().parse().unwrap();
    assert!((60..=120).contains(&retry), "{retry}");
    assert_eq!(Client::attempt(addr, "/ws").err(), Some(429), "a ban is a ban");
}

#[test]
fn messages_and_connections_have_limits() {
    let limits = tapescan::sim::Limits { connections: 3, ..documented(Venue::BinanceSpot) };
    let exchange = Exchange::start(SimConfig { limits: Some(limits), ..config(1.0) }).unwrap();
    let addr = exchange.addr();
    let mut talker = Client::connect(addr, "/ws");
    (0..11).for_each(|id| talker.send(&format!(r#"{{"method":"LIST_SUBSCRIPTIONS","id":{id}}}"#)));
    assert!(talker.end().contains("closed with 1008"));
    let many = (0..1_024).map(|n| format!("s{n}@trade")).collect::<Vec<_>>();
    let mut full = Client::connect(addr, &format!("/stream?streams={}", many.join("/")));
    full.send(r#"{"method":"SUBSCRIBE","params":["one@trade"],"id":1}"#);
    assert!(full.next().unwrap().starts_with(r#"{"code":2,"msg":"Invalid request: too many"#));
    drop(Client::connect(addr, "/ws"));
    assert_eq!(Client::attempt(addr, "/ws").err(), Some(429));
}

#[test]
fn what_is_not_there_is_not_found_and_keep_alive_works() {
    let exchange = Exchange::start(config(1.0)).unwrap();
    assert_eq!(get(exchange.addr(), "/api/v3/depth?symbol=X").status, 404);
    assert_eq!(Client::attempt(exchange.addr(), "/nowhere").err(), Some(404));
    let tcp = TcpStream::connect(exchange.addr()).unwrap();
    let answer = super::get_from(tcp, "/api/v3/time");
    let stamp: u64 = answer.body[14..27].parse().unwrap();
    assert!(stamp.abs_diff(exchange.now().ms()) < 5_000);
    assert!(KlineInterval::parse("1m").is_some());
}
