//! The real program, killed while it delivers: every alert that its tapes tell of arrives, and what
//! comes twice comes under the same key.

use std::process::{Child, Command};

use serde_json::Value;
use tapescan::sim::{Exchange, Feed, SimConfig};
use tapescan::synthetic::Spec;

use super::hook::{Answer, Hook};
use super::*;
use crate::live::program;

/// Rules that have something to say about most seconds, on closed candles and on those that form.
const CONFIG: &str = "intervals = [\"1s\", \"1m\"]\nlookback = 60\nindicators = [\"ema(12)\"]\n\
    [rules.up]\nwhen = \"close > open\"\n[rules.busy]\nwhen = \"forming trades > 30\"\n\
    on = \"forming\"\n";

/// A run of so many seconds.
fn telling(exchange: &Exchange, hook: &Hook, dir: &Path, seconds: u64) -> Command {
    let (waiting, addr) = (dir.join("alerts"), hook.addr);
    let sink = "[sinks.hook]\nkind = \"webhook\"\nurl_env = \"HOOK\"\nqueue = 4\n";
    let file = format!("[sinks.file]\nkind = \"file\"\npath = {:?}\n", dir.join("alerts.jsonl"));
    let alerts = format!("[alerts]\nbudget = \"off\"\ndir = {waiting:?}\n");
    let mut command = program(exchange, &format!("{CONFIG}{alerts}{sink}{file}"), dir, seconds);
    command.env("HOOK", format!("http://{addr}/in?secret=hush-hush"));
    command
}

/// Kills a run once the hook has got more than before, and a little more.
fn kill(mut run: Child, hook: &Hook, after: Duration) {
    let (before, watch) = (hook.taken().len(), Stopwatch::start());
    while hook.taken().len() <= before && watch.elapsed() < LONG {
        std::thread::sleep(Duration::from_millis(2));
    }
    std::thread::sleep(after);
    run.kill().unwrap();
    run.wait().unwrap();
}

fn tapes(dir: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(dir.join("tapes")).unwrap();
    let mut files: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    files.retain(|file| file.extension().is_some_and(|kind| kind == "tape"));
    files.sort();
    files
}

/// What the tapes tell of.
fn replayed(dir: &Path) -> Vec<String> {
    let out = dir.join("replayed.jsonl");
    let mut command = Command::new(env!("CARGO_BIN_EXE_tapescan"));
    command.arg("replay").args(tapes(dir)).arg("--alerts").arg(&out).arg("--json");
    let output = command.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = std::fs::read_to_string(out).unwrap();
    text.lines().map(str::to_owned).collect()
}

fn key(alert: &str) -> String {
    let alert: Value = serde_json::from_str(alert).unwrap();
    alert["key"].as_str().unwrap().to_owned()
}

#[test]
fn a_kill_between_match_and_delivery_neither_loses_nor_repeats_an_alert() {
    let spec = Spec { symbols: 4, rate: 200.0, duration: 86_400, ..Spec::default() };
    let feed = Feed::Synthetic(spec);
    let exchange = Exchange::start(SimConfig { feed, ..SimConfig::default() }).unwrap();
    // Slow at times, so that kills find some on their way, and with one that is taken unanswered.
    let slow = [Answer::Fine, Answer::Slow(Duration::from_millis(250)), Answer::TakenAndDropped];
    let (hook, dir) = (Hook::start(&slow.repeat(9)), tempfile::tempdir().unwrap());
    for after in [200, 900, 400, 1_300] {
        let run = telling(&exchange, &hook, dir.path(), 60).spawn().unwrap();
        kill(run, &hook, Duration::from_millis(after));
    }
    let last = telling(&exchange, &hook, dir.path(), 5).output().unwrap();
    let log = String::from_utf8_lossy(&last.stderr).into_owned();
    assert!(last.status.success() && log.contains("resumed from"), "{log}");
    let told = replayed(dir.path());
    assert!(told.len() > 20, "{}", told.len());
    let arrived = hook.keys();
    let keys: Vec<String> = told.iter().map(|alert| key(alert)).collect();
    assert_eq!(arrived, keys, "each once, in order; {log}");
    // The file honours the key by itself.
    let text = std::fs::read_to_string(dir.path().join("alerts.jsonl")).unwrap();
    let lines: Vec<String> = text.lines().map(without_latency).collect();
    assert_eq!(lines, told);
    let out = String::from_utf8(last.stdout).unwrap();
    let summary: Value = serde_json::from_str(out.lines().last().unwrap()).unwrap();
    assert_eq!(summary["sinks"][1]["queued"], 0, "{}", summary["sinks"]);
    let mut written = vec![log, out];
    for file in tapes(dir.path()) {
        written.push(tapescan::tape::Reader::open(&file).unwrap().header().config.clone());
    }
    assert!(written.iter().all(|text| !text.contains("hush")), "a secret is told");
    assert!(written[2].contains("rules.up") && !written[2].contains("HOOK"));
}
