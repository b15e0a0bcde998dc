//! Faults end to end: a client sees what a spec says.

use std::collections::BTreeMap;
use std::time::Duration;

use systems::units::Nanos;
use tapescan::sim::{Exchange, KlineInterval, SimConfig, StartError};
use tapescan::symbols::Symbols;
use tapescan::venue::reject::DecodeReject;
use tapescan::venue::{Venue, What};

use super::{Client, config, get, symbols, with_faults};

const SPOT: Venue = Venue::BinanceSpot;

/// A connection with the trades of all symbols.
fn trades(exchange: &Exchange, symbols: &Symbols) -> Client {
    let names = symbols.specs().iter().map(|spec| format!("{}@trade", spec.name.to_lowercase()));
    let names = names.collect::<Vec<_>>().join("/");
    Client::connect(exchange.addr(), &format!("/stream?streams={names}"))
}

/// What a client decodes in so many messages: ids by symbol, and rejects.
fn listen(
    client: &mut Client,
    symbols: &Symbols,
    messages: usize,
) -> (BTreeMap<u16, Vec<u64>>, BTreeMap<String, usize>) {
    let (mut ids, mut rejects): (BTreeMap<u16, Vec<u64>>, BTreeMap<String, usize>) =
        Default::default();
    for _ in 0..messages {
        match SPOT.decode(client.next().unwrap().as_bytes(), symbols).what {
            What::Trade(trade, _) => ids.entry(trade.symbol.0).or_default().push(trade.id),
            What::Rejected(cause) => *rejects.entry(format!("{cause:?}")).or_default() += 1,
            other => panic!("{other:?}"),
        }
    }
    (ids, rejects)
}

#[test]
fn connections_end_as_the_fault_says() {
    for (fault, end) in [
        ("disconnect:at=500ms,every=1s", "closed with 1001"),
        ("disconnect:at=500ms,every=1s,code=1012", "closed with 1012"),
        ("disconnect:at=500ms,every=1s,code=0", "without closing handshake"),
        ("cut-frame:at=500ms,every=1s", "without closing handshake"),
        ("reset:at=500ms,every=1s", "reset by peer"),
        ("shutdown:at=200ms,every=1s,by=300ms", "closed with 1012"),
    ] {
        let exchange = with_faults(1.0, &[fault]);
        let symbols = symbols(exchange.addr(), SPOT);
        let mut client = trades(&exchange, &symbols);
        let ended = client.end();
        assert!(ended.to_lowercase().contains(end), "{fault}: {ended}");
    }
}

#[test]
fn a_notice_comes_before_a_shutdown() {
    let exchange = with_faults(1.0, &["shutdown:at=300ms,every=1s,by=300ms"]);
    let mut client = Client::connect(exchange.addr(), "/ws");
    let notice = client.next().unwrap();
    assert_eq!(SPOT.decode(notice.as_bytes(), &Symbols::default()).what, What::Shutdown);
}

#[test]
fn connections_fall_silent_and_come_back() {
    for fault in ["half-open:every=4s,for=2s", "pings-only:every=4s,for=2s"] {
        let exchange = with_faults(1.0, &[fault]);
        let symbols = symbols(exchange.addr(), SPOT);
        let mut client = trades(&exchange, &symbols);
        // Forty prints a second fill a second of calm; how many fit between two silences is open.
        assert!((0..400).any(|_| client.is_silent(Duration::from_secs(1))), "{fault}");
        client.next().unwrap();
    }
}

#[test]
fn prints_are_lost_repeated_and_disordered_as_often_as_told() {
    let faults = ["missing:share=0.1,seed=5", "duplicate:share=0.1", "reorder:share=0.1,by=2s"];
    let exchange = with_faults(10.0, &faults);
    let symbols = symbols(exchange.addr(), SPOT);
    let (ids, rejects) = listen(&mut trades(&exchange, &symbols), &symbols, 1_000);
    assert!(rejects.is_empty());
    let (mut missing, mut twice, mut behind, mut all) = (0, 0, 0, 0);
    for ids in ids.values() {
        let mut sorted = ids.clone();
        sorted.sort_unstable();
        twice += sorted.windows(2).filter(|pair| pair[0] == pair[1]).count();
        missing += sorted.windows(2).map(|pair| (pair[1] - pair[0]).max(1) - 1).sum::<u64>();
        behind += ids.windows(2).filter(|pair| pair[1] < pair[0]).count();
        all += ids.len();
    }
    let near = |count: usize| (40..180).contains(&count);
    assert!(near(missing as usize) && near(twice) && near(behind), "{missing} {twice} {behind}");
    assert_eq!(all, 1_000);
}

#[test]
fn spoiled_messages_are_refused_by_cause() {
    for (fault, cause) in [
        ("invalid-json:share=0.5", DecodeReject::NotJson),
        ("unknown-symbol:share=0.5", DecodeReject::UnknownSymbol),
    ] {
        let exchange = with_faults(10.0, &[fault]);
        let symbols = symbols(exchange.addr(), SPOT);
        let (_, rejects) = listen(&mut trades(&exchange, &symbols), &symbols, 200);
        let count = rejects.get(&format!("{cause:?}")).copied().unwrap_or(0);
        assert!((50..150).contains(&count), "{fault}: {rejects:?}");
        assert_eq!(rejects.len(), 1);
    }
    let exchange = with_faults(10.0, &["wrong-types:share=0.5"]);
    let symbols = symbols(exchange.addr(), SPOT);
    let (_, rejects) = listen(&mut trades(&exchange, &symbols), &symbols, 200);
    assert!((50..150).contains(&rejects.values().sum::<usize>()), "{rejects:?}");
}

#[test]
fn the_last_message_is_repeated_and_a_huge_one_is_sent() {
    let exchange = with_faults(
        1.0,
        &["repeat-last:at=1s,every=3s,count=3", "oversized:at=2s,every=3s,bytes=300000"],
    );
    let symbols = symbols(exchange.addr(), SPOT);
    let mut client = trades(&exchange, &symbols);
    let (mut last, mut repeats, mut huge) = (String::new(), 0, 0);
    while repeats < 3 || huge == 0 {
        let text = client.next().unwrap();
        repeats += usize::from(text == last);
        huge += usize::from(text.len() == 300_000);
        last = text;
    }
    assert_eq!(repeats % 3, 0);
}

#[test]
fn a_slow_connection_falls_behind() {
    let exchange = with_faults(1.0, &["slow:to=0.5"]);
    let symbols = symbols(exchange.addr(), SPOT);
    let mut client = trades(&exchange, &symbols);
    let lag =
        |text: &str, now: Nanos| now.0 - SPOT.decode(text.as_bytes(), &symbols).sent_at.unwrap().0;
    let mut last = 0;
    for _ in 0..60 {
        let text = client.next().unwrap();
        last = lag(&text, exchange.now());
    }
    // Sixty messages at half of 40 per second take three seconds, and their newest is 1.5 s old.
    assert!(last > 500 * Nanos::PER_MS, "{last}");
}

#[test]
fn one_symbol_falls_silent_and_others_do_not() {
    let free = Exchange::start(config(1.0)).unwrap();
    let name = free.symbols()[0].name.clone();
    let exchange = with_faults(10.0, &[&format!("silent-symbol:symbol={name}")]);
    let symbols = symbols(exchange.addr(), SPOT);
    let (ids, _) = listen(&mut trades(&exchange, &symbols), &symbols, 300);
    // Which of the others trade in these seconds is up to the market.
    assert!(!ids.contains_key(&0) && ids.len() >= 2, "{:?}", ids.keys());
    assert!(!exchange.trades(&name).is_empty(), "it trades all the same");
}

#[test]
fn commands_are_refused_or_not_answered() {
    let subscribe = r#"{"method":"SUBSCRIBE","params":["x@trade"],"id":1}"#;
    let exchange = with_faults(1.0, &["refuse-subscription"]);
    let mut client = Client::connect(exchange.addr(), "/ws");
    client.send(subscribe);
    assert_eq!(client.next().unwrap(), r#"{"code":2,"msg":"Invalid request: refused"}"#);
    let exchange = with_faults(1.0, &["lost-ack"]);
    let mut client = Client::connect(exchange.addr(), "/ws");
    client.send(subscribe);
    assert!(client.is_silent(Duration::from_millis(300)));
    let exchange = with_faults(1.0, &["refuse-upgrade:status=503"]);
    assert_eq!(Client::attempt(exchange.addr(), "/ws").err(), Some(503));
}

#[test]
fn requests_fail_lie_stop_short_and_wait() {
    let time = "/api/v3/time";
    for (status, json) in [(500, false), (503, false), (429, true), (418, true)] {
        let exchange = with_faults(1.0, &[&format!("rest-error:status={status}")]);
        let answer = get(exchange.addr(), time);
        assert_eq!((answer.status, answer.body.starts_with('{')), (status, json));
    }
    let exchange = with_faults(1.0, &["rest-cut:path=time"]);
    assert!(get(exchange.addr(), time).body.starts_with("{\"server"));
    assert!(!get(exchange.addr(), time).body.ends_with('}'));
    assert_eq!(get(exchange.addr(), "/api/v3/ping").body, "{}");
    let exchange = with_faults(1.0, &["rest-delay:by=400ms"]);
    let before = exchange.now();
    get(exchange.addr(), time);
    assert!(exchange.now().0 - before.0 >= 400 * Nanos::PER_MS);
}

#[test]
fn answers_lie_about_candles_and_candles_are_revised() {
    let name = Exchange::start(config(1.0)).unwrap().symbols()[0].name.clone();
    let minute = KlineInterval::parse("1m").unwrap();
    for (fault, later) in [("rest-lie", false), ("revise:by=40s", true)] {
        // From 23:58:30 on, twenty times as fast: at 23:59:10 the minute before has ended.
        let exchange = with_faults(20.0, &[fault]);
        let row = |exchange: &Exchange, open: Nanos| {
            let range = format!("startTime={}&limit=1", open.ms());
            let path = format!("/api/v3/klines?symbol={name}&interval=1m&{range}");
            get(exchange.addr(), &path).body
        };
        let wait = |until: u64| {
            while exchange.now().seconds() < until {
                std::thread::sleep(Duration::from_millis(20));
            }
        };
        let open = Nanos::from_seconds(1_723_161_480);
        wait(open.seconds() + 65);
        let before = row(&exchange, open);
        let known = exchange.klines(&name, minute);
        let truth = known.iter().find(|one| one.candle.open_time == open).unwrap().candle;
        let spec = &exchange.symbols()[0];
        let volume = format!("\"{}\"", spec.quantity.format(truth.volume.0.into()));
        assert!(truth.trades > 0 && !before.contains(&volume), "{fault}: {before} {truth:?}");
        wait(open.seconds() + 105);
        assert_eq!(row(&exchange, open).contains(&volume), later, "{fault}");
    }
}

#[test]
fn symbols_are_listed_and_delisted() {
    let names: Vec<_> =
        Exchange::start(config(1.0)).unwrap().symbols().iter().map(|s| s.name.clone()).collect();
    let (new, old) = (&names[0], &names[1]);
    let faults = [format!("list:symbol={new},at=100s"), format!("delist:symbol={old},at=100s")];
    let exchange = with_faults(20.0, &[&faults[0], &faults[1]]);
    let info = |exchange: &Exchange| get(exchange.addr(), "/api/v3/exchangeInfo").body;
    let before = info(&exchange);
    assert!(!before.contains(&**new) && before.matches("\"TRADING\"").count() == 4);
    let end = super::START.plus(100 * Nanos::PER_SECOND);
    while exchange.trades(new).is_empty() {
        std::thread::sleep(Duration::from_millis(20));
    }
    let after = info(&exchange);
    assert!(after.contains(&**new));
    assert_eq!(after.matches("\"TRADING\"").count(), 4);
    assert_eq!(after.matches("\"BREAK\"").count(), 1);
    let trades = exchange.trades(new);
    assert_eq!(trades[0].id, 0, "a listing begins with id 0");
    assert!(trades[0].time >= end && exchange.trades(old).iter().all(|trade| trade.time < end));
}

#[test]
fn a_fault_of_a_symbol_that_there_is_not_is_refused() {
    let faults = vec![tapescan::sim::Fault::parse("delist:symbol=NOSUCH,at=1s").unwrap()];
    let error = Exchange::start(SimConfig { faults, ..config(1.0) }).err();
    assert!(matches!(error, Some(StartError::Symbol { symbol, .. }) if symbol == "NOSUCH"));
}
