//! Stamps that are plausible and absurd: they move no clock, whichever format brings them.

use systems::limits::FUTURE_MAX_NS;

use super::*;

const START_MS: u64 = 1_723_161_600_000;
const MINUTE: u64 = 60_000;
/// 2090-01-01.
const FAR_MS: u64 = 3_786_912_000_000;

/// Archive rows with ids from 1 on, stamped at these milliseconds.
fn rows(stamps: &[u64]) -> String {
    let row = |(id, at): (usize, &u64)| format!("{},1.5,2,3,{at},true,true\n", id + 1);
    stamps.iter().enumerate().map(row).collect()
}

/// Imports files of rows, one symbol each: entries, report, and the instants of all heartbeats.
fn archives(files: &[&str]) -> (Tape, Report, Vec<u64>) {
    let folder = Files::new();
    let names = ["AUSDT-trades-1.csv", "BUSDT-trades-1.csv"];
    let files = files.iter().zip(names).map(|(text, name)| folder.put(name, text)).collect();
    with_beats(spot(Format::BinanceCsv, files))
}

fn with_beats((tape, report): (Tape, Report)) -> (Tape, Report, Vec<u64>) {
    let beat = |(_, kept): &(u64, Kept)| match kept {
        Kept::Beat(ms) => Some(*ms),
        _ => None,
    };
    let beats = tape.entries.iter().filter_map(beat).collect();
    (tape, report, beats)
}

#[test]
fn a_single_row_of_an_archive_far_ahead_of_its_neighbours_sets_no_clock() {
    let minutes: Vec<u64> = (0..6).map(|k| START_MS + k * MINUTE).collect();
    let quiet = rows(&minutes);
    for place in 0..6 {
        let mut stamps = minutes.clone();
        stamps[place] = FAR_MS;
        let (tape, report, beats) = archives(&[&rows(&stamps), &quiet]);
        assert_eq!(beats, minutes, "row {place}");
        assert_eq!((report.astray, report.trades, report.backwards), (1, 12, 0), "row {place}");
        assert!(tape.trades().iter().any(|trade| trade.time.ms() == FAR_MS), "it is on the tape");
        assert!(matches!(tape.entries[1].1, Kept::Beat(_)), "a clock before the first print");
        assert_eq!(report.venue_time.unwrap().ms(), minutes[5]);
    }
}

#[test]
fn silences_and_rows_far_behind_are_no_such_thing() {
    let far = FUTURE_MAX_NS / 1_000_000 + 1;
    for (stamps, beats) in [
        // A silence of a month, and of hours before the last row.
        (vec![0, 100, 30 * 86_400_000, 30 * 86_400_000 + 100], 4),
        (vec![0, 100, 20 * 3_600_000], 3),
        (vec![0], 1),
        (vec![0, far, far + 100], 3),
        // The third is behind: it is not the second that is ahead.
        (vec![10 * far, 20 * far, 0, 21 * far], 3),
    ] {
        let stamps: Vec<u64> = stamps.iter().map(|ms| START_MS + ms).collect();
        let (_, report, found) = archives(&[&rows(&stamps)]);
        assert_eq!((report.astray, found.len()), (0, beats), "{stamps:?}");
    }
}

#[test]
fn a_fault_behind_a_silence_is_named_by_its_own_line() {
    let text = rows(&[START_MS, START_MS + MINUTE]) + "\n3,1.5,x,3,1723161900000,true,true\n";
    let folder = Files::new();
    let file = folder.put("AUSDT-trades-1.csv", text);
    let wanted = import(Format::BinanceCsv, Venue::BinanceSpot, vec![file]);
    let error = import::run(&wanted, &mut Tape::default()).unwrap_err();
    assert!(matches!(error, ImportError::Line { line: 4, .. }), "{error}");
}

/// A collector's lines, one a second, with these stamps of the exchange.
fn frames(stamps: &[u64]) -> String {
    let line = |(k, at): (usize, &u64)| {
        let received = (START_MS + k as u64 * 1_000) * 1_000_000;
        let id = k + 1;
        format!(
            "{received} {{\"stream\":\"a@trade\",\"data\":{{\"e\":\"trade\",\"E\":{at},\
             \"s\":\"AUSDT\",\"t\":{id},\"p\":\"1.5\",\"q\":\"2\",\"T\":{at},\"m\":true,\
             \"M\":true}}}}\n"
        )
    };
    stamps.iter().enumerate().map(line).collect()
}

#[test]
fn a_frame_far_ahead_of_its_receive_instant_sets_no_clock() {
    let seconds: Vec<u64> = (0..6).map(|k| START_MS + k * 1_000).collect();
    for (places, stamp) in [
        (vec![0], FAR_MS),
        (vec![3], FAR_MS),
        (vec![5], FAR_MS),
        (vec![2, 3], FAR_MS),
        (vec![2], START_MS + 12_000),
    ] {
        let mut stamps = seconds.clone();
        places.iter().for_each(|&place| stamps[place] = stamp);
        let folder = Files::new();
        let file = folder.put("frames.txt", frames(&stamps));
        let (_, report, beats) = with_beats(spot(Format::Collector, vec![file]));
        assert!(beats.is_sorted() && *beats.last().unwrap() <= seconds[5], "{places:?} {beats:?}");
        assert_eq!(beats[0], seconds[0], "a clock before the first print");
        assert_eq!((report.astray, report.trades), (places.len() as u64, 6), "{places:?}");
    }
}

#[test]
fn a_recorder_whose_clock_is_slow_is_believed_from_its_second_message_on() {
    let stamps: Vec<u64> = (0..6).map(|k| START_MS + 3_600_000 + k * 1_000).collect();
    let folder = Files::new();
    let file = folder.put("frames.txt", frames(&stamps));
    let (_, report, beats) = with_beats(spot(Format::Collector, vec![file]));
    assert_eq!((report.astray, beats.last()), (1, Some(&stamps[5])));
    assert_eq!(beats.len(), 6);
}

/// What `replay --json` says of an import.
fn replayed(format: &str, name: &str, text: &str) -> serde_json::Value {
    let folder = Files::new();
    let (file, tape) = (folder.put(name, text), folder.0.path().join("x.tape"));
    let run = |args: &[&str]| {
        let output =
            std::process::Command::new(env!("CARGO_BIN_EXE_tapescan")).args(args).output().unwrap();
        assert!(output.status.success(), "{output:?}");
        output
    };
    let (file, tape) = (file.to_str().unwrap(), tape.to_str().unwrap());
    let import = ["import", "--venue", "binance", "--format", format, file, "--out", tape];
    let said = String::from_utf8(run(&import).stderr).unwrap();
    assert!(said.contains(&format!("{name}, line 4: stamped 2090-01-01")), "{said}");
    serde_json::from_slice(&run(&["replay", "--json", tape]).stdout).unwrap()
}

#[test]
fn the_engine_refuses_the_record_itself_and_the_session_goes_on() {
    let mut stamps: Vec<u64> = (0..200).map(|k| START_MS + k * 1_000).collect();
    stamps[3] = FAR_MS;
    for (format, name, text) in [
        ("binance-csv", "AUSDT-trades-1.csv", rows(&stamps)),
        ("collector", "frames.txt", frames(&stamps)),
    ] {
        let summary = replayed(format, name, &text);
        assert_eq!(summary["rejects"], serde_json::json!({ "future": 1 }), "{format}");
        assert_eq!((&summary["trades"], &summary["folded"]), (&200.into(), &199.into()));
        assert_eq!(summary["ended_at"], "2024-08-09T00:03:19.000Z", "{format}");
        assert_eq!(summary["gaps"][0]["from_id"], 4, "{format}");
    }
}
