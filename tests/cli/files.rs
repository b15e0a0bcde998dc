//! Which files a command takes and which it leaves: outputs, cuts, several tapes.

use systems::symbol::SymbolSpec;
use systems::units::Nanos;
use tapescan::tape::{Body, Entry, Header, Writer};

use super::*;
use crate::support::{START, trade};

#[test]
fn a_tape_is_not_written_over_by_its_own_replay() {
    let dir = tempfile::tempdir().unwrap();
    let tape = generated(dir.path(), "symbols=2,rate=5,duration=1m");
    let before = std::fs::read(&tape).unwrap();
    for option in ["--candles", "--bless"] {
        let output = tapescan(&["replay", path(&tape), option, path(&tape)]);
        assert_eq!(output.status.code(), Some(2));
        assert!(text(&output.stderr).contains("is the tape to be replayed"));
        assert_eq!(std::fs::read(&tape).unwrap(), before);
    }
}

#[test]
fn what_cannot_be_written_is_exit_code_1() {
    let dir = tempfile::tempdir().unwrap();
    let tape = generated(dir.path(), "symbols=2,rate=20,seed=1,duration=2m");
    let nowhere = dir.path().join("nowhere/x");
    let (tape, nowhere, folder) = (path(&tape), path(&nowhere), path(dir.path()));
    for args in [
        vec!["tape", "generate", "symbols=1", "--out", nowhere],
        vec!["tape", "cut", tape, "--out", nowhere],
        vec!["replay", tape, "--candles", nowhere],
        vec!["replay", tape, "--bless", nowhere],
        vec!["replay", tape, "--bless", folder],
        vec!["import", "--format", "jsonl", "--venue", "binance", tape, "--out", nowhere],
    ] {
        let output = tapescan(&args);
        assert_eq!(output.status.code(), Some(1), "{args:?}: {}", text(&output.stderr));
        let place = if args.contains(&folder) { folder } else { "nowhere" };
        assert!(text(&output.stderr).contains(place), "{args:?}");
        // Known before the work: it would have been told of first.
        assert_eq!(text(&output.stdout), "", "{args:?}");
    }
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 1, "nothing is left behind");
}

#[test]
fn a_failed_import_leaves_no_tape() {
    let dir = tempfile::tempdir().unwrap();
    let (file, tape) = (dir.path().join("a.txt"), dir.path().join("a.tape"));
    std::fs::write(&file, "hello").unwrap();
    let import = ["import", "--format", "collector", "--venue", "binance", path(&file), "--out"];
    let output = tapescan(&[&import[..], &[path(&tape)]].concat());
    assert_eq!(output.status.code(), Some(2), "{output:?}");
    assert!(!tape.exists());
}

#[test]
fn a_cut_takes_instants_in_one_unit_and_in_order() {
    let dir = tempfile::tempdir().unwrap();
    let tape = generated(dir.path(), "symbols=2,rate=20,seed=1,duration=2m");
    let (tape, out) = (path(&tape), dir.path().join("cut.tape"));
    let backwards = ["--from", "1723161600001", "--to", "2024-08-09T00:00:00Z"];
    for (args, wants) in [
        (
            &["--from", "1723075200"][..],
            &["1723075200 ms", "seconds", "1723075200000", "2024-08-08T00:00:00.000Z"][..],
        ),
        (
            &["--to", "1723075200000000000"],
            &["between 2017 and 2100", "nanoseconds", "1723075200000 "],
        ),
        (&["--to", "7"], &["7 ms since 1970 is not between 2017 and 2100\n"]),
        (&backwards, &["2024-08-09T00:00:00.001Z is not before", "nothing"]),
    ] {
        assert_usage(&[&["tape", "cut", tape, "--out", path(&out)], args].concat(), wants);
        assert!(!out.exists(), "{args:?}");
    }
    let good = ["--from", "1723161600000", "--to", "2024-08-09T00:01:00Z"];
    let output = tapescan(&[&["tape", "cut", tape, "--out", path(&out)], &good[..]].concat());
    assert!(output.status.success() && out.exists(), "{output:?}");
}

/// A tape of these symbols, with prints of them by name, id and second.
fn taped(file: &Path, symbols: &[&str], prints: &[(&str, u64, u64)]) {
    let specs = crate::support::symbols(symbols.len()).into_iter().zip(symbols);
    let specs = specs.map(|(spec, name)| SymbolSpec { name: (*name).into(), ..spec });
    let (venue, program) = ("binance".into(), "a test".into());
    let header = Header { venue, program, config: String::new(), symbols: specs.collect() };
    let mut writer = Writer::create(Vec::new(), &header, 1).unwrap();
    for (name, id, second) in prints {
        let symbol = symbols.iter().position(|known| known == name).unwrap() as u16;
        let received = START.plus(second * Nanos::PER_SECOND);
        let print = Body::Trade(trade(symbol, *id, received, 10_000 + *id as i64, 5));
        for body in [Body::Heartbeat(received), print] {
            writer.write(&Entry { received, body }).unwrap();
        }
    }
    std::fs::write(file, writer.finish().unwrap()).unwrap();
}

#[test]
fn tapes_may_list_their_symbols_in_any_order() {
    let dir = tempfile::tempdir().unwrap();
    let file = |name: &str| dir.path().join(name);
    let early = [("A", 1, 0), ("B", 71, 10), ("A", 2, 50), ("B", 72, 70)];
    let late = [("B", 73, 100), ("C", 500, 130), ("A", 3, 190), ("C", 501, 300)];
    taped(&file("1"), &["A", "B"], &early);
    taped(&file("2"), &["C", "B", "A"], &late);
    taped(&file("both"), &["A", "B", "C"], &[early, late].concat());
    let candles = |tapes: &[&str]| {
        let csv = file("candles.csv");
        let tapes: Vec<_> = tapes.iter().map(|name| file(name)).collect();
        let tapes: Vec<_> = tapes.iter().map(|tape| path(tape)).collect();
        let summary = json(&[&["replay", "--json", "--candles", path(&csv)], &tapes[..]].concat());
        (summary["digest"].to_string(), std::fs::read_to_string(csv).unwrap())
    };
    let whole = candles(&["both"]);
    assert!(whole.1.contains("\nA,1m,") && whole.1.contains("\nC,1m,"));
    assert_eq!(candles(&["2", "1"]), whole);
}
