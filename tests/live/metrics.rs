//! What Prometheus fetches of a running session.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};

use super::*;

/// What is answered to a request for this path.
fn fetch(address: SocketAddr, path: &str) -> Option<String> {
    let mut tcp = TcpStream::connect(address).ok()?;
    write!(tcp, "GET {path} HTTP/1.1\r\nHost: here\r\nConnection: close\r\n\r\n").ok()?;
    let mut text = String::new();
    tcp.read_to_string(&mut text).ok()?;
    Some(text)
}

/// The value of a line that begins with these characters.
fn value(text: &str, begins: &str) -> Option<f64> {
    let line = text.lines().find(|line| line.starts_with(begins))?;
    line.rsplit(' ').next()?.parse().ok()
}

/// A port that nobody has at present.
fn free() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap()
}

#[test]
fn a_running_session_tells_its_numbers_and_greedy_clients_do_not_stop_it() {
    let exchange = exchange(&["missing:share=0.05,seed=1"]);
    let dir = tempfile::tempdir().unwrap();
    let address = free();
    let mut config = Config { listen: Some(address), ..config() };
    config.profile.interval_ns = Nanos::PER_SECOND;
    let options = options(&exchange, 6, dir.path());
    let (ended, page, lost) = std::thread::scope(|scope| {
        let session = scope.spawn(|| live::run(&options, &config, &mut |_| {}).unwrap());
        // Whoever asks for nothing, and does not go away.
        let mut idle = Vec::new();
        let (mut page, mut lost) = (String::new(), String::new());
        while !session.is_finished() {
            idle.extend((idle.len() < 2).then(|| TcpStream::connect(address).ok()).flatten());
            let told = fetch(address, "/metrics").unwrap_or_default();
            // At the very end the histograms are taken away.
            let whole = told.contains("# EOF") && told.contains("tapescan_stage_seconds_bucket");
            if whole || page.is_empty() {
                page = told;
                lost = fetch(address, "/other").unwrap_or(lost);
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        (session.join().unwrap(), page, lost)
    });
    assert!(page.starts_with("HTTP/1.1 200") && page.contains("application/openmetrics-text"));
    assert!(lost.starts_with("HTTP/1.1 404") && lost.contains("/metrics"), "{lost}");
    let told = |begins: &str| value(&page, begins).unwrap_or_else(|| panic!("{begins}:\n{page}"));
    assert_eq!(told("tapescan_symbols "), 4.0);
    let prints = told("tapescan_prints_total ");
    assert!(prints > 0.0 && prints <= ended.summary.trades as f64, "{prints}");
    assert!(told("tapescan_filled_prints_total ") <= ended.summary.health.filled as f64);
    let closed = "tapescan_candles_total{interval=\"1s\",mark=\"complete\"} ";
    assert!(told(closed) > 0.0);
    // Buckets add up from the smallest bound on, and the last one holds all.
    let response = "{stage=\"response\",kind=\"aggregate-trade\",phase=\"calm\"";
    let labels = ["stage=\"response\"", "kind=\"aggregate-trade\"", "phase=\"calm\""];
    let buckets: Vec<f64> = page
        .lines()
        .filter(|line| line.starts_with("tapescan_stage_seconds_bucket"))
        .filter(|line| labels.iter().all(|label| line.contains(label)))
        .map(|line| line.rsplit(' ').next().unwrap().parse().unwrap())
        .collect();
    assert!(buckets.len() == 23 && buckets.is_sorted(), "{buckets:?}");
    let series = page.lines().filter(|line| line.starts_with("tapescan_stage_seconds_count"));
    let ends = page.lines().filter(|line| {
        line.starts_with("tapescan_stage_seconds_bucket") && line.contains("le=\"+Inf\"")
    });
    assert_eq!(series.count(), ends.count());
    assert_eq!(told(&format!("tapescan_stage_seconds_count{response}")), buckets[22]);
    assert_eq!(replayed(&ended).digest, ended.summary.digest);
}

#[test]
fn what_a_resumed_session_counts_begins_at_zero() {
    let (exchange, dir) = (exchange(&[]), tempfile::tempdir().unwrap());
    let before = follow(&exchange, 4, dir.path());
    let address = free();
    let config = Config { listen: Some(address), ..config() };
    let options = options(&exchange, 3, dir.path());
    let (after, first, last) = std::thread::scope(|scope| {
        let session = scope.spawn(|| live::run(&options, &config, &mut |_| {}).unwrap());
        let (mut first, mut last) = (String::new(), String::new());
        while !session.is_finished() {
            let told = fetch(address, "/metrics").filter(|told| told.contains("# EOF"));
            last = told.unwrap_or(last);
            if first.is_empty() {
                first.clone_from(&last);
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        (session.join().unwrap(), first, last)
    });
    let own = |now: u64, then: u64| (now - then) as f64;
    let all = |ended: &Ended| ended.shown.status.candles();
    assert!(before.summary.trades > 0 && after.summary.trades > before.summary.trades);
    for (name, before, after) in [
        ("tapescan_prints_total ", before.summary.trades, after.summary.trades),
        ("tapescan_candles_total{interval=\"1s\",mark=\"complete\"} ", all(&before), all(&after)),
        (
            "tapescan_requests_handed_out_total ",
            before.shown.status.requests.0,
            after.shown.status.requests.0,
        ),
    ] {
        let told = |page| value(page, name).unwrap_or_default();
        let (first, last) = (told(&first), told(&last));
        assert!(first <= last && last <= own(after, before), "{name}{first} {last}");
        assert!(last > 0.0, "{name}");
    }
}

#[test]
fn an_address_that_is_taken_is_told_before_anything_begins() {
    let exchange = exchange(&[]);
    let dir = tempfile::tempdir().unwrap();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let config = Config { listen: Some(taken.local_addr().unwrap()), ..config() };
    let error = live::run(&options(&exchange, 1, dir.path()), &config, &mut |_| {}).err().unwrap();
    let text = error.to_string();
    assert!(text.starts_with("[http] listen") && text.contains("choose another"), "{text}");
}
