//! The real binary: exit codes, digests over threads and batches, and what a user's mistakes say.

mod doctor;
mod files;
mod rules;
mod tls;

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;

fn tapescan(args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_tapescan")).args(args).output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn json(args: &[&str]) -> Value {
    let output = tapescan(args);
    assert!(output.status.success(), "{args:?}: {}", text(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

fn path(path: &Path) -> &str {
    path.to_str().unwrap()
}

fn generated(dir: &Path, spec: &str) -> PathBuf {
    let tape = dir.join("market.tape");
    let output = tapescan(&["tape", "generate", spec, "--out", path(&tape)]);
    assert!(output.status.success(), "{}", text(&output.stderr));
    tape
}

/// One digest for every combination, in separate processes because the pool is the process's.
fn assert_one_digest(tapes: &[&str]) {
    let mut digests = Vec::new();
    for threads in ["1", "2", "4"] {
        for batch in ["1", "7", "64", "4096", "max"] {
            let options = ["replay", "--json", "--threads", threads, "--batch", batch];
            let summary = json(&[&options[..], tapes].concat());
            digests.push(summary["digest"].as_str().unwrap().to_owned());
        }
    }
    digests.dedup();
    assert_eq!(digests.len(), 1, "{digests:?}");
}

#[test]
fn a_troubled_market_has_one_digest_on_any_threads_and_batches() {
    let dir = tempfile::tempdir().unwrap();
    let tape = generated(
        dir.path(),
        "symbols=500,rate=3000,seed=3,duration=130s,gaps=0.001,late=0.002,duplicates=0.002",
    );
    assert_one_digest(&[path(&tape)]);
}

#[test]
fn the_spot_session_across_midnight_has_one_digest_on_any_threads_and_batches() {
    let raw = Path::new("../shared/data/market/binance_ws_sessions_20240808/raw");
    if !raw.exists() {
        eprintln!("skipped: no recorded sessions beside the project");
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let tape = dir.path().join("spot.tape");
    let files = ["spot_btcusdt_20240808.txt.gz", "spot_btcusdt_20240809.txt.gz"];
    let files = files.map(|file| raw.join(file));
    let output = tapescan(&[
        "import",
        "--format",
        "collector",
        "--venue",
        "binance",
        path(&files[1]),
        path(&files[0]),
        "--out",
        path(&tape),
    ]);
    assert!(output.status.success(), "{}", text(&output.stderr));
    assert_one_digest(&[path(&tape)]);
}

/// The official minutes that the tape covers whole, and how many of them are identical.
fn audited(args: &[&str], klines: &Path) -> (u64, u64, Value) {
    let dir = tempfile::tempdir().unwrap();
    let tape = dir.path().join("x.tape");
    let output = tapescan(&[args, &["--out", path(&tape)]].concat());
    assert!(output.status.success(), "{}", text(&output.stderr));
    let audit = json(&["audit", path(&tape), "--klines", path(klines), "--json"]);
    let replay = json(&["replay", path(&tape), "--json"]);
    let whole = audit["whole"].as_u64().unwrap();
    (whole, audit["causes"]["identical"].as_u64().unwrap(), replay)
}

#[test]
fn recorded_minutes_equal_the_official_ones() {
    let market = Path::new("../shared/data/market");
    if !market.exists() {
        eprintln!("skipped: no official candles beside the project");
        return;
    }
    let sessions = market.join("binance_ws_sessions_20240808");
    let raw = sessions.join("raw/usdm_btcusdt_20240808.txt.gz");
    let klines = sessions.join("klines_usdm/BTCUSDT-1m-20240808T2350-20240809T0005.csv");
    let import = ["import", "--format", "collector", "--venue", "binance-usdm", path(&raw)];
    let (whole, identical, _) = audited(&import, &klines);
    assert_eq!((whole, identical), (5, 5));

    let recorded = market.join("binance_recorded_trxusdt_20250304");
    let trades = recorded.join("TRXUSDT-trades-2025-03-04-usdm.csv");
    let klines = recorded.join("TRXUSDT-usdm-1m-20250304T0000.csv");
    let import = ["import", "--format", "binance-csv", "--venue", "binance-usdm", path(&trades)];
    let (whole, identical, replay) = audited(&import, &klines);
    assert_eq!((whole, identical), (16, 16));
    assert_eq!(replay["rejects"]["void"], 1, "the record of price zero is counted");
    assert_eq!(replay["folded"], 9_999, "and touches nothing");
}

#[test]
fn the_bundled_tape_gives_what_it_gave() {
    let output = tapescan(&["replay", "replays/market.tape", "--verify", "replays/market.golden"]);
    assert!(output.status.success(), "{}", text(&output.stderr));
}

#[test]
fn verification_that_differs_is_exit_code_3_and_names_the_minute() {
    let dir = tempfile::tempdir().unwrap();
    let golden = dir.path().join("golden");
    let tape = generated(dir.path(), "symbols=3,rate=30,seed=1,duration=5m");
    assert!(tapescan(&["replay", path(&tape), "--bless", path(&golden)]).status.success());
    assert!(tapescan(&["replay", path(&tape), "--verify", path(&golden)]).status.success());
    let config = dir.path().join("other.toml");
    std::fs::write(&config, "intervals = [\"1m\"]\nindicators = [\"sma(3)\"]\n").unwrap();
    let other = ["--config", path(&config)];
    let args = ["replay", path(&tape), "--verify", path(&golden)];
    let output = tapescan(&[&args[..], &other].concat());
    assert_eq!(output.status.code(), Some(3));
    assert!(text(&output.stderr).contains("first in the minute 2024-08-09T00:"), "{output:?}");
    let output = tapescan(&["tape", "bisect", path(&golden), path(&tape), other[0], other[1]]);
    assert_eq!(output.status.code(), Some(3), "{output:?}");
}

#[test]
fn candles_are_written_with_one_column_per_value() {
    let dir = tempfile::tempdir().unwrap();
    let tape = generated(dir.path(), "symbols=2,rate=20,seed=1,duration=40m");
    let csv = dir.path().join("candles.csv");
    assert!(tapescan(&["replay", path(&tape), "--candles", path(&csv)]).status.success());
    let csv = std::fs::read_to_string(csv).unwrap();
    let header = csv.lines().next().unwrap();
    assert!(header.starts_with("symbol,interval,open_time_ms,open,high,low,close,volume,"));
    for column in ["revision,mark", "vwap", "ema_12", "ema_26", "rsi_14", "macd_12_26_9_hist"] {
        assert!(header.contains(column), "{column}");
    }
    let columns = header.split(',').count();
    assert!(csv.lines().all(|line| line.split(',').count() == columns));
    let rows: Vec<_> = csv.lines().skip(1).collect();
    assert!(rows.len() > 2 * 39);
    assert!(rows.iter().any(|row| !row.contains(",,")), "some row has every value");
}

/// A user's mistake: exit code 2, and words that help.
fn assert_usage(args: &[&str], wants: &[&str]) {
    let output = tapescan(args);
    let said = text(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{args:?}: {said}");
    assert!(wants.iter().all(|want| said.contains(want)), "{args:?}: {said}");
}

#[test]
fn mistakes_are_exit_code_2_and_say_what_to_do() {
    let dir = tempfile::tempdir().unwrap();
    let tape = generated(dir.path(), "symbols=2,rate=20,seed=1,duration=2m");
    let bad = dir.path().join("bad.toml");
    std::fs::write(&bad, "intervals = [\"1m\"]\nlookbak = 3\nindicators = [\"ema(0)\"]\n").unwrap();
    let no_tape = dir.path().join("no.tape");
    std::fs::write(&no_tape, "hello").unwrap();
    let tape = path(&tape);
    let copy = dir.path().join("copy.tape");
    std::fs::copy(tape, &copy).unwrap();
    let import = |venue, file, out| {
        vec!["import", "--format", "collector", "--venue", venue, file, "--out", out]
    };
    for (args, wants) in [
        (
            vec!["replay", tape, "--config", path(&bad)],
            vec!["bad.toml:2", "lookback", "bad.toml:3"],
        ),
        (vec!["replay", path(&no_tape)], vec!["no.tape"]),
        (vec!["replay", "missing.tape"], vec!["missing.tape"]),
        (vec!["replay", tape, "--verify", "missing.golden"], vec!["missing.golden"]),
        (vec!["replay", tape, "--verify", path(&bad)], vec!["bad.toml is no golden", "--bless"]),
        (vec!["replay", tape, "--verify", tape], vec!["market.tape is a tape", "--bless"]),
        (vec!["replay", tape, "--candles", "x.csv", "--bless", "x.csv"], vec!["x.csv is to hold"]),
        (vec!["replay", tape, "--config", "x.toml", "--bless", "x.toml"], vec!["x.toml is read"]),
        (vec!["audit", "missing.tape", "--klines", "x.csv"], vec!["missing.tape"]),
        (vec!["config", path(&bad)], vec!["bad.toml:2", "lookback", "bad.toml:3"]),
        (vec!["config", "missing.toml"], vec!["missing.toml"]),
        (vec!["tape", "info", path(&no_tape)], vec!["no.tape"]),
        (vec!["tape", "verify", "missing.tape"], vec!["missing.tape"]),
        (vec!["tape", "bisect", tape, "missing.tape"], vec!["missing.tape"]),
        (vec!["tape", "bisect", tape, path(&no_tape)], vec!["no.tape"]),
        (vec!["tape", "cut", "missing.tape", "--out", "x"], vec!["missing.tape"]),
        (vec!["tape", "cut", tape, "--out", tape], vec!["exists", "another name"]),
        (vec!["tape", "generate", "symbols=3"], vec!["--out"]),
        (import("binance", "missing.csv", "x"), vec!["missing.csv"]),
        (import("binance", path(&no_tape), "x"), vec!["no.tape", "--format"]),
        (import("binance", path(&bad), tape), vec!["exists", "another name"]),
        (import("nyse", path(&bad), "x"), vec!["binance-usdm"]),
        (vec!["replay", tape, "--speed", "fast"], vec!["10x"]),
        (vec!["replay", tape, "--speed", "1e-300x"], vec!["from 0.001x to 1000000x"]),
        (vec!["replay", tape, "--speed", "NaNx"], vec!["from 0.001x to 1000000x"]),
        (vec!["replay", tape, "--batch", "0"], vec!["max"]),
        (vec!["replay", tape, tape], vec!["is given twice"]),
        (vec!["replay", tape, path(&copy)], vec!["tape cut"]),
        (vec!["tape", "generate", "symbls=3", "--out", "x"], vec!["symbols"]),
        (vec!["tape", "generate", "symbols=3", "--out", tape], vec!["exists"]),
        (vec!["tape", "cut", tape, "--out", "x", "--from", "noon"], vec!["2024-08-09T00:00:00Z"]),
        (vec!["tape", "cut", tape, "--out", "x", "--symbols", "NONE"], vec!["NONE"]),
        (vec!["--log-level", "loud", "replay", tape], vec!["loud"]),
    ] {
        assert_usage(&args, &wants);
    }
}

#[test]
fn help_and_defaults_need_no_file() {
    let help = tapescan(&["tape", "generate", "help"]);
    assert!(help.status.success() && text(&help.stdout).contains("symbols"), "{help:?}");
    let defaults = tapescan(&["config"]);
    assert!(defaults.status.success());
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("all.toml");
    std::fs::write(&file, &defaults.stdout).unwrap();
    let again = tapescan(&["config", path(&file)]);
    assert_eq!(text(&again.stdout), text(&defaults.stdout));
}

#[test]
fn repeated_ids_are_counted_and_no_fault_of_a_tape() {
    let dir = tempfile::tempdir().unwrap();
    let tape = generated(dir.path(), "symbols=3,rate=50,seed=1,duration=60s,duplicates=0.05");
    let found = json(&["tape", "verify", path(&tape), "--json"]);
    assert!(found["repeated_ids"].as_u64().unwrap() > 0);
    assert_eq!((&found["missing_ids"], &found["problems"]), (&0.into(), &0.into()));
}

#[test]
fn candles_are_counted_once_each_wherever_they_come_from() {
    let dir = tempfile::tempdir().unwrap();
    let tape = generated(
        dir.path(),
        "symbols=20,rate=20,seed=3,duration=30m,gaps=0.05,late=0.05,duplicates=0.02",
    );
    let csv = dir.path().join("candles.csv");
    let summary = json(&["replay", path(&tape), "--json", "--candles", path(&csv)]);
    let csv = std::fs::read_to_string(csv).unwrap();
    let rows = csv.lines().skip(1).filter(|row| !row.split(',').nth(3).unwrap().is_empty());
    let rows = rows.count() as u64;
    assert_eq!(summary["candles"].as_u64().unwrap(), rows);
    let marks = summary["marks"].as_array().unwrap();
    assert_eq!(marks.iter().map(|mark| mark["candles"].as_u64().unwrap()).sum::<u64>(), rows);
    assert!(marks.iter().any(|mark| mark["interval"] == "1m"));
}

#[test]
fn tapes_recorded_apart_replay_as_one_session() {
    let raw = Path::new("../shared/data/market/binance_ws_sessions_20240808/raw");
    if !raw.exists() {
        eprintln!("skipped: no recorded sessions beside the project");
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let files = ["spot_btcusdt_20240808.txt.gz", "spot_btcusdt_20240809.txt.gz"];
    let files = files.map(|file| raw.join(file));
    let import = |names: &[&Path], out: &str| {
        let tape = dir.path().join(out);
        let mut args = vec!["import", "--format", "collector", "--venue", "binance", "--out"];
        args.push(path(&tape));
        args.extend(names.iter().map(|name| path(name)));
        let output = tapescan(&args);
        assert!(output.status.success(), "{}", text(&output.stderr));
        tape
    };
    let together = import(&[&files[0], &files[1]], "together.tape");
    let apart = [import(&[&files[0]], "first.tape"), import(&[&files[1]], "second.tape")];
    let whole = json(&["replay", "--json", path(&together)]);
    let parts = json(&["replay", "--json", path(&apart[1]), path(&apart[0])]);
    assert_eq!(whole["rejects"], serde_json::json!({}));
    assert_eq!((&parts["rejects"], &parts["digest"]), (&whole["rejects"], &whole["digest"]));
}
