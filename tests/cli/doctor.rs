//! `doctor`: what it says, its exit codes, and its estimate of memory against a session's.

use std::fs;
use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;
use tapescan::sim::{Exchange, Feed, SimConfig};
use tapescan::synthetic::Spec;

use super::{path, tapescan, text};

fn check<'a>(report: &'a Value, name: &str) -> &'a Value {
    let mut checks = report["checks"].as_array().unwrap().iter();
    checks.find(|check| check["check"] == name).unwrap()
}

#[test]
fn a_session_that_would_work_is_told_without_beginning_it() {
    let dir = tempfile::tempdir().unwrap();
    let record = dir.path().join("tapes");
    let args = ["doctor", "--exchange", "sim", "--record", path(&record)];
    let output = tapescan(&args);
    let said = text(&output.stdout);
    assert!(output.status.success(), "{said}{}", text(&output.stderr));
    for name in
        ["configuration", "venue", "connections", "warm-up", "clock", "memory", "recording", "log"]
    {
        assert!(said.contains(&format!(" {name} ")), "{name}: {said}");
    }
    assert!(said.contains("60 symbols, 1 stream each, over 1 connection"), "{said}");
    assert!(!record.exists() && fs::read_dir(dir.path()).unwrap().next().is_none());

    let output = tapescan(&[&args[..], &["--json", "--symbols", "top:7"]].concat());
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((&report["ok"], &report["problems"]), (&true.into(), &0.into()));
    assert_eq!(check(&report, "symbols")["symbols"], 7);
    assert_eq!(check(&report, "warm-up")["requests"], 21);
    assert_eq!(report["connections"][0]["names"].as_array().unwrap().len(), 7);
    assert!(check(&report, "recording")["bytes_per_day"].as_u64().unwrap() > 0);
}

#[test]
fn problems_are_exit_code_1_within_a_bounded_time_and_mistakes_are_2() {
    let begun = Instant::now();
    let nobody = ["doctor", "--exchange", "binance", "--requests", "http://127.0.0.1:1"];
    let output = tapescan(&nobody);
    let said = text(&output.stdout);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("no answer from http://127.0.0.1:1"), "{said}");
    assert!(begun.elapsed() < Duration::from_secs(40));

    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("file");
    fs::write(&file, "").unwrap();
    let sim = ["doctor", "--exchange", "sim"];
    let output = tapescan(&[&sim[..], &["--record", path(&file)]].concat());
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stdout).contains("problem  recording"), "{}", text(&output.stdout));
    let output = tapescan(&[&sim[..], &["--symbols", "NOPE"]].concat());
    assert!(text(&output.stdout).contains("NOPE does not trade"), "{}", text(&output.stdout));

    for (args, want) in [
        (["doctor", "--exchange", "simm"], "one of binance"),
        (["doctor", "--config", "missing.toml"], "missing.toml"),
        (["doctor", "--symbols", "top:0"], "N from 1 on"),
        (["doctor", "--requests", "api.example"], "https://venue.example"),
    ] {
        super::assert_usage(&args, &[want]);
    }
}

#[cfg(target_os = "linux")]
#[test]
fn the_estimate_of_memory_is_near_what_a_session_takes() {
    let spec = Spec { symbols: 120, rate: 100.0, duration: 86_400, ..Spec::default() };
    let feed = Feed::Synthetic(spec);
    let exchange = Exchange::start(SimConfig { feed, ..SimConfig::default() }).unwrap();
    let dir = tempfile::tempdir().unwrap();
    let config = dir.path().join("scanner.toml");
    let addr = exchange.addr();
    let venue = format!("[venue]\nrequests = \"http://{addr}\"\nstreams = \"ws://{addr}\"\n");
    let keys = "lookback = 400\nintervals = [\"1m\", \"5m\"]\n";
    fs::write(&config, format!("{keys}{venue}symbols = \"all\"\n")).unwrap();

    let report = super::json(&["doctor", "--json", "--config", path(&config)]);
    // The day before the exchange began was about as busy as it is.
    let rate = check(&report, "symbols")["trades_per_s"].as_f64().unwrap();
    assert!((70.0..130.0).contains(&rate), "{rate} a second");
    let estimate = check(&report, "memory")["bytes"].as_f64().unwrap();
    let live = ["live", "--json", "--for", "60s", "--config", path(&config)];
    let mut session = Command::new(env!("CARGO_BIN_EXE_tapescan"));
    let mut session = session.args(live).stdout(Stdio::piped()).spawn().unwrap();
    // Until the warm-up is there, and folded a moment later.
    for line in BufReader::new(session.stdout.take().unwrap()).lines() {
        let state: Value = serde_json::from_str(&line.unwrap()).unwrap();
        if state["warm_up"] == 240 && state["warm_up_done"] == 240 {
            break;
        }
    }
    std::thread::sleep(Duration::from_secs(3));
    let status = fs::read_to_string(format!("/proc/{}/status", session.id())).unwrap();
    let kib = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    let taken = kib.trim().strip_suffix(" kB").unwrap().parse::<f64>().unwrap() * 1024.0;
    session.kill().unwrap();
    session.wait().unwrap();
    let ratio = estimate / taken;
    assert!((0.75..1.25).contains(&ratio), "estimated {estimate}, taken {taken}: {ratio:.2}");
}
