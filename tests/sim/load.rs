//! How much the exchange can send: a measurement, run by name.

use std::time::Duration;

use systems::units::Nanos;
use tapescan::sim::{Exchange, Feed, SimConfig};
use tapescan::synthetic::Spec;
use tapescan::venue::Venue;

use super::{Client, config, symbols};

/// Processor time of the exchange's thread so far.
fn processor_time() -> Duration {
    let tasks = std::fs::read_dir("/proc/self/task").unwrap();
    let stats = tasks.map(|task| std::fs::read_to_string(task.unwrap().path().join("stat")));
    let stat = stats.flatten().find(|stat| stat.contains("(exchange)")).unwrap();
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap().split_whitespace().collect();
    let ticks: u64 = fields[11].parse::<u64>().unwrap() + fields[12].parse::<u64>().unwrap();
    Duration::from_millis(ticks * 10)
}

#[test]
#[ignore = "a measurement of ten seconds; run it by name, with --nocapture"]
fn twenty_thousand_prints_per_second_go_to_three_connections() {
    let spec = Spec { symbols: 500, rate: 20_000.0, burst: 1.0, ..SimConfig::spec() };
    let base = config(1.0);
    let exchange =
        Exchange::start(SimConfig { feed: Feed::Synthetic(spec), start: None, ..base }).unwrap();
    let symbols = symbols(exchange.addr(), Venue::BinanceSpot);
    let names = symbols.specs().iter().map(|spec| format!("{}@trade", spec.name.to_lowercase()));
    let path = format!("/stream?streams={}", names.collect::<Vec<_>>().join("/"));
    let began = (exchange.now(), processor_time(), exchange.totals().prints);
    let received = std::thread::scope(|scope| {
        let listen = || {
            let mut client = Client::connect(exchange.addr(), &path);
            let (mut count, mut lags) = (0u64, Vec::new());
            while exchange.now().0 - began.0.0 < 10 * Nanos::PER_SECOND {
                let text = client.next().unwrap();
                count += 1;
                if count.is_multiple_of(64) {
                    let sent = Venue::BinanceSpot.decode(text.as_bytes(), &symbols).sent_at;
                    lags.push(exchange.now().0.saturating_sub(sent.unwrap().0));
                }
            }
            lags.sort_unstable();
            (count, lags[lags.len() / 2], lags[lags.len() * 99 / 100])
        };
        let threads: Vec<_> = (0..3).map(|_| scope.spawn(listen)).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect::<Vec<_>>()
    });
    let seconds = (exchange.now().0 - began.0.0) as f64 / 1e9;
    let (prints, busy) =
        (exchange.totals().prints - began.2, processor_time().saturating_sub(began.1));
    eprintln!("{prints} prints in {seconds:.1} s, exchange's thread busy for {busy:?}");
    for (count, median, late) in &received {
        eprintln!("{count} received, from sending to reading p50 {median} ns, p99 {late} ns");
    }
    assert!(received.iter().all(|(count, ..)| *count as f64 > 0.95 * prints as f64));
}
