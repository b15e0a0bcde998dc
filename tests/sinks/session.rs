//! Alerts of a live session without any configuration, and what they cost it.

use std::process::Command;

use serde_json::Value;

use super::without_latency;

/// Twenty times as fast as the machine's clock: minutes of the exchange's in seconds.
#[test]
fn without_a_configuration_there_are_rules_and_their_alerts_have_reasons() {
    let dir = tempfile::tempdir().unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_tapescan"));
    command.args(["live", "--exchange", "sim", "--for", "8s", "--speed", "20", "--json"]);
    let output = command.arg("--record").arg(dir.path()).output().unwrap();
    let log = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{log}");
    let out = String::from_utf8(output.stdout).unwrap();
    let lines: Vec<Value> = out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let alerts: Vec<&Value> =
        lines.iter().map(|line| &line["alert"]).filter(|alert| alert.is_object()).collect();
    assert!(!alerts.is_empty(), "{log}");
    let reasons = alerts[0]["reasons"].as_array().unwrap();
    assert!(reasons.len() > 1 && alerts[0]["latency_us"].is_u64(), "{}", alerts[0]);
    let summary = lines.last().unwrap();
    assert_eq!(summary["alerts"].as_u64().unwrap(), alerts.len() as u64);
    assert!(summary["sinks"].as_array().unwrap().is_empty());
    let replay = dir.path().join("replayed.jsonl");
    let tapes = summary["tapes"].as_array().unwrap().iter().map(|tape| tape.as_str().unwrap());
    let mut command = Command::new(env!("CARGO_BIN_EXE_tapescan"));
    command.arg("replay").args(tapes).arg("--alerts").arg(&replay);
    assert!(command.output().unwrap().status.success());
    let replayed = std::fs::read_to_string(replay).unwrap();
    // Moves in tables go to sinks; whoever looks sees the tables themselves.
    let replayed: Vec<String> = replayed
        .lines()
        .filter(|line| !line.contains("\"kind\":\"rank-"))
        .map(str::to_owned)
        .collect();
    let texts = out.lines().filter_map(|line| line.strip_prefix("{\"alert\":")?.strip_suffix('}'));
    let texts: Vec<String> =
        texts.filter(|line| line.starts_with('{')).map(without_latency).collect();
    assert_eq!((texts.len(), texts), (alerts.len(), replayed));
}

#[test]
fn people_get_alerts_as_lines_where_there_is_no_terminal() {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tapescan"));
    command.args(["live", "--exchange", "sim", "--for", "8s", "--speed", "20"]);
    let output = command.output().unwrap();
    let out = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{out}");
    let line = out.lines().next().unwrap();
    assert!(line.contains("USDT 1m ") && line.contains("  enter "), "{out}");
}

#[test]
fn of_a_terminal_nothing_is_said_to_wait() {
    let dir = tempfile::tempdir().unwrap();
    let (file, alerts) = (dir.path().join("my.toml"), dir.path().join("alerts"));
    let sinks = format!(
        "[alerts]\ndir = {alerts:?}\n[sinks.desk]\nkind = \"terminal\"\n\
         [sinks.file]\nkind = \"file\"\npath = {:?}\n",
        dir.path().join("alerts.jsonl")
    );
    std::fs::write(&file, sinks).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_tapescan"));
    command.args(["live", "--exchange", "sim", "--for", "1s", "--config"]).arg(file);
    let out = String::from_utf8(command.output().unwrap().stdout).unwrap();
    assert!(
        out.contains("\nsink desk: 0 delivered, 0 retried, 0 refused, 0 lost, at most"),
        "{out}"
    );
    assert!(out.contains("0 lost, 0 wait for the next start, at most"), "{out}");
}
