//! `live` over TLS: with the exchange's own CA it runs, without it it says what to do.

use std::path::Path;

use serde_json::Value;
use tapescan::sim::{Exchange, Feed, SimConfig};
use tapescan::synthetic::Spec;

use super::{path, tapescan, text};

fn exchange(pem: &Path) -> Exchange {
    let spec = Spec { symbols: 3, rate: 100.0, duration: 86_400, ..Spec::default() };
    let feed = Feed::Synthetic(spec);
    let exchange = Exchange::start(SimConfig { feed, tls: true, ..SimConfig::default() }).unwrap();
    std::fs::write(pem, exchange.certificate().unwrap().1).unwrap();
    exchange
}

/// The arguments of a session at `exchange`.
fn at(exchange: &Exchange) -> Vec<String> {
    let addr = exchange.addr();
    let (requests, streams) = (format!("https://{addr}"), format!("wss://{addr}"));
    let args = ["--symbols", "all", "--requests", &requests, "--streams", &streams];
    args.map(str::to_owned).into()
}

#[test]
fn a_private_ca_is_trusted_by_requests_and_streams() {
    let dir = tempfile::tempdir().unwrap();
    let pem = dir.path().join("ca.pem");
    let exchange = exchange(&pem);
    let args = at(&exchange);
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    let live = ["live", "--json", "--for", "3s"];
    let output = tapescan(&[&live[..], &args, &["--ca", path(&pem)]].concat());
    assert!(output.status.success(), "{}", text(&output.stderr));
    let said = text(&output.stdout);
    let summary: Value = serde_json::from_str(said.lines().last().unwrap()).unwrap();
    assert_eq!(summary["links_lost"], 0);
    assert!(summary["trades"].as_u64().unwrap() > 0, "{said}");

    // The same from a file.
    let config = dir.path().join("scanner.toml");
    std::fs::write(&config, format!("[rest]\nca = {:?}\n", path(&pem))).unwrap();
    let file = ["doctor", "--config", path(&config)];
    let output = tapescan(&[&file[..], &args].concat());
    assert!(output.status.success(), "{}{}", text(&output.stdout), text(&output.stderr));
}

#[test]
fn without_the_ca_nothing_is_sent_and_the_error_says_what_to_do() {
    let dir = tempfile::tempdir().unwrap();
    let pem = dir.path().join("ca.pem");
    let exchange = exchange(&pem);
    let args = at(&exchange);
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    let output = tapescan(&[&["live", "--for", "3s"], &args[..]].concat());
    let said = text(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("--ca") && said.contains("ca in [rest]"), "{said}");
    assert_eq!(exchange.totals().requests, 0);

    let gone = tapescan(&[&["live", "--ca", "gone.pem"], &args[..]].concat());
    let said = text(&gone.stderr);
    assert_eq!(gone.status.code(), Some(1), "{said}");
    assert!(said.contains("gone.pem"), "{said}");
}
