//! The real program, killed while it records: at most a second is lost, the next run goes on from
//! there, and no hole remains.

use std::collections::BTreeSet;
use std::process::{Child, Command};
use tapescan::clock::Stopwatch;

use serde_json::Value;

use super::*;

/// A run of so many seconds, with a new tape at every whole multiple of `every`.
fn recording(exchange: &Exchange, dir: &Path, seconds: u64, every: &str) -> Command {
    let logs = dir.join("logs");
    let more = format!("[record]\nevery = {every:?}\n[log]\ndir = {logs:?}\n");
    program(exchange, &format!("{CONFIG}{more}"), dir, seconds)
}

fn files(dir: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(dir.join("tapes"));
    let files = entries.into_iter().flatten().map(|entry| entry.unwrap().path());
    let mut files: Vec<_> =
        files.filter(|file| file.extension().is_some_and(|kind| kind == "tape")).collect();
    files.sort();
    files
}

/// The time of the newest print of any symbol.
fn newest(exchange: &Exchange) -> Nanos {
    let names = exchange.symbols();
    names.iter().flat_map(|spec| exchange.trades(&spec.name).last().map(|t| t.time)).max().unwrap()
}

/// Kills a run that has been recording for a while, and says how much of the exchange's time its
/// tapes lack at their end.
fn kill(mut run: Child, exchange: &Exchange, dir: &Path, after: Duration) -> Duration {
    let known = files(dir).len();
    let watch = Stopwatch::start();
    while files(dir).len() == known && watch.elapsed() < Duration::from_secs(30) {
        std::thread::sleep(Duration::from_millis(5));
    }
    std::thread::sleep(after);
    run.kill().unwrap();
    let killed = newest(exchange);
    run.wait().unwrap();
    let made = files(dir).split_off(known);
    let last = tape::verify(made.last().unwrap()).unwrap();
    assert!(!last.end.sealed, "a killed recorder seals nothing");
    let on_tape = made.iter().filter_map(|file| tape::info(file).unwrap().venue_time).next_back();
    // With nothing on them, everything since they were begun.
    on_tape.map_or(after, |span| Duration::from_nanos(killed.0.saturating_sub(span.last.0)))
}

/// Ends a run in order; its summary.
fn ended(run: Child) -> (Value, String) {
    let output = run.wait_with_output().unwrap();
    let (out, log) = (output.stdout, String::from_utf8_lossy(&output.stderr).into_owned());
    assert!(output.status.success(), "{log}");
    let out = String::from_utf8(out).unwrap();
    (serde_json::from_str(out.lines().last().unwrap()).unwrap(), log)
}

/// Replays all tapes and compares every candle of a second, from the first run's first whole one to
/// the last, with the exchange's own prints; how many there were.
fn compare(exchange: &Exchange, dir: &Path, digest: &str) -> usize {
    let files = files(dir);
    let mut tapes = Tapes::open(&files).unwrap();
    let config = Config::parse("the tape", tapes.config()).unwrap();
    let mut outputs = Outputs::new(widths(&config), true);
    let plan = Plan { batch: 1_000, threads: 1, speed: Speed::Max };
    let unseen = &mut tapescan::progress::Unseen;
    let summary = replay(&mut tapes, &config, &plan, &mut outputs, unseen).unwrap();
    assert_eq!(summary.digest, digest, "all tapes together give what the last run printed");
    assert_eq!((summary.gaps.len(), summary.unrecoverable), (0, 0), "{summary:?}");
    let begun = files.iter().find_map(|file| tape::info(file).unwrap().venue_time).unwrap().first;
    let first = Nanos((begun.0 / Nanos::PER_SECOND + 2) * Nanos::PER_SECOND);
    let mut compared = 0;
    for (index, spec) in tapes.symbols().specs().iter().enumerate() {
        let known = truth(&exchange.trades(&spec.name));
        let mut next = first;
        for ((symbol, interval, open_time), latest) in outputs.candles().unwrap() {
            if (usize::from(symbol.0), *interval) != (index, 0) || *open_time < first {
                continue;
            }
            assert!(!latest.absent && latest.candle.mark != Mark::Gap, "{latest:?}");
            assert_eq!(*open_time, next, "{}: a second without a candle", spec.name);
            next = next.plus(Nanos::PER_SECOND);
            match known.get(open_time) {
                Some(known) => {
                    assert!(latest.candle.same_numbers(known), "{latest:?}\n{known:?}");
                    compared += 1;
                }
                None => assert_eq!(latest.candle.trades, 0, "{latest:?}"),
            }
        }
        // The last candle may still be open, or within its grace.
        let end = next.plus(2 * Nanos::PER_SECOND);
        assert!(end > summary.ended_at, "{}: {next:?}, {:?}", spec.name, summary.ended_at);
    }
    compared
}

/// Kills `kills` runs and ends one; how much each tape lacked, and the candles compared.
fn kill_and_go_on(kills: u64, seed: u64) -> (Vec<Duration>, usize) {
    let (exchange, dir) = (exchange(&[]), tempfile::tempdir().unwrap());
    let mut chance = seed;
    let mut lacked = Vec::new();
    for _ in 0..kills {
        chance = chance.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        let after = Duration::from_millis(300 + (chance >> 33) % 2_700);
        let run = recording(&exchange, dir.path(), 60, "3s").spawn().unwrap();
        lacked.push(kill(run, &exchange, dir.path(), after));
    }
    let last = recording(&exchange, dir.path(), 6, "3s").spawn().unwrap();
    let (summary, log) = ended(last);
    assert!(log.contains("resumed from") && log.contains("stopped hard"), "{log}");
    // Every run had its say in the file, the last one what it said on stderr.
    let in_file = std::fs::read_to_string(dir.path().join("logs/tapescan.log")).unwrap();
    assert!(in_file.matches("live::io: 4 symbols").count() as u64 > kills, "{in_file}");
    assert!(in_file.ends_with(&log), "{in_file}\n{log}");
    let on_tape: BTreeSet<String> =
        files(dir.path()).iter().map(|file| file.display().to_string()).collect();
    let told = summary["tapes"].as_array().unwrap();
    let told: BTreeSet<String> = told.iter().map(|t| t.as_str().unwrap().to_owned()).collect();
    assert!(told.is_subset(&on_tape), "{told:?}");
    let compared = compare(&exchange, dir.path(), summary["digest"].as_str().unwrap());
    (lacked, compared)
}

#[test]
fn a_killed_run_loses_less_than_a_second_and_the_next_one_leaves_no_hole() {
    let (lacked, compared) = kill_and_go_on(3, 11);
    assert!(compared >= 4 * 4, "{compared} candles");
    // Half a second is gathered; more only where a busy machine holds up the write.
    assert!(lacked.iter().all(|lack| *lack < Duration::from_secs(3)), "{lacked:?}");
    assert!(lacked.iter().any(|lack| *lack < Duration::from_secs(1)), "{lacked:?}");
}

/// `cargo test --locked --test all live::killed -- --ignored --nocapture`: ten
/// exchanges, ten kills at each, in some minutes.
#[test]
#[ignore = "takes some minutes"]
fn a_hundred_killed_runs_leave_no_hole() {
    let (mut all, mut candles) = (Vec::new(), 0);
    for seed in 0..10 {
        let (lacked, compared) = kill_and_go_on(10, seed);
        eprintln!("seed {seed}: {compared} candles, tapes lacked {lacked:?}");
        all.extend(lacked);
        candles += compared;
    }
    all.sort();
    let (median, late) = (all[all.len() / 2], all[all.len() * 19 / 20]);
    let (kills, most) = (all.len(), all[all.len() - 1]);
    eprintln!(
        "{kills} kills, {candles} candles; lacked {median:?}, p95 {late:?}, at most {most:?}"
    );
    assert!(late < Duration::from_secs(1), "{all:?}");
}

/// A disk that is full, as far as a process can tell: files may have so many blocks.
#[cfg(unix)]
#[test]
fn a_full_disk_ends_the_recording_and_the_summary_still_comes() {
    let (exchange, dir) = (exchange(&[]), tempfile::tempdir().unwrap());
    let live = recording(&exchange, dir.path(), 6, "1h");
    let mut limited = Command::new("sh");
    // A write beyond the limit is an error, not a signal. Blocks are of 512 bytes or of 1,024.
    limited.args(["-c", "trap '' XFSZ; ulimit -f 40; exec \"$@\"", "sh"]);
    limited.arg(live.get_program()).args(live.get_args());
    let output = limited.output().unwrap();
    let log = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(1), "{log}");
    assert!(log.contains("recording failed: ") && log.contains("goes on unrecorded"), "{log}");
    assert!(log.lines().last().unwrap().starts_with("error: recording failed: "), "{log}");
    let out = String::from_utf8(output.stdout).unwrap();
    let lines: Vec<Value> = out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let summary = lines.last().unwrap();
    assert!(summary["digest"].is_string() && summary["recording_failed"].is_string(), "{summary}");
    let states: Vec<_> = lines.iter().filter_map(|line| line["recording"].as_str()).collect();
    assert!(states[states.len() - 1].starts_with("failed: "), "{states:?}");
    let read: Vec<_> = files(dir.path()).iter().map(|file| tape::verify(file).unwrap()).collect();
    assert!(!read.is_empty() && read.iter().all(|found| found.counts.total() > 0), "{read:?}");
}
