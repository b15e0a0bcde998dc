//! The recorder without a session: a disk that takes nothing, a folder that is full, one that is
//! taken away.

use std::path::Path;

use super::shelf::{PROGRAM, PROGRAM_SIM};
use super::*;
use crate::config::Config;
use crate::tape::{Reader, info};

const START: Nanos = Nanos::from_seconds(1_723_161_600);

fn told(budget: Option<u64>, max_age_s: Option<u64>) -> crate::config::Record {
    let max_age_ns = max_age_s.map(|age| age * Nanos::PER_SECOND);
    crate::config::Record { budget, max_age_ns, ..Config::default().record }
}

fn header(program: &str) -> Header {
    let (venue, program, config) = ("binance".to_owned(), program.to_owned(), String::new());
    Header { venue, program, config, symbols: Vec::new() }
}

/// Answers of a kilobyte that does not compress much, ten a second from `start` on.
fn answers(start: Nanos) -> impl Iterator<Item = Recorded> {
    let mut seed = 1u64;
    (0..).map(move |tenth: u64| {
        let text = std::iter::repeat_with(|| {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            (seed >> 56) as u8
        });
        let body = Kept::Answer("here".to_owned(), text.take(1_024).collect());
        Recorded { received: start.plus(tenth * 100 * Nanos::PER_MS), body }
    })
}

fn record(dir: &Path, told: &crate::config::Record, every_s: u64, count: usize) -> Record {
    let shelf = Shelf::open(dir, "binance", told).unwrap();
    let every_ns = every_s * Nanos::PER_SECOND;
    let mut recorder = Recorder::start(shelf, header(PROGRAM), every_ns, START).unwrap();
    answers(START).take(count).for_each(|answer| recorder.put(answer));
    recorder.finish()
}

fn names(dir: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(dir).unwrap();
    let mut names: Vec<_> =
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn a_new_tape_begins_at_every_full_stretch_of_receive_time_and_none_overlap() {
    let dir = tempfile::tempdir().unwrap();
    let record = record(dir.path(), &told(None, None), 60, 1_500);
    assert!(record.failed.is_none());
    let minute = |n: u64| START.plus(n * 60 * Nanos::PER_SECOND);
    let spans: Vec<_> = record.tapes.iter().map(|taped| info(&taped.file).unwrap()).collect();
    for (n, info) in spans.iter().enumerate() {
        let span = info.received.unwrap();
        assert!(info.end.sealed && span.first == minute(n as u64), "{n}: {info:?}");
        assert!(span.last < minute(n as u64 + 1));
    }
    let entries: Vec<_> = record.tapes.iter().map(|taped| taped.entries).collect();
    assert_eq!(entries, [600, 600, 300]);
    assert_eq!(names(dir.path())[0], "binance-2024-08-09T00-00-00.000Z.tape");
}

#[test]
fn the_oldest_tapes_of_its_own_go_and_nothing_else() {
    let dir = tempfile::tempdir().unwrap();
    let make = |name: &str, program: &str| {
        let file = std::fs::File::create_new(dir.path().join(name)).unwrap();
        let writer = crate::tape::Writer::create(file, &header(program), 1).unwrap();
        writer.finish().unwrap();
    };
    // An import under a name that a recorder would give, one of another venue, and another file.
    make("binance-2024-08-08T00-00-00.000Z.tape", "tapescan 0.1.0");
    make("binance-usdm-2024-08-08T00-00-00.000Z.tape", PROGRAM);
    std::fs::write(dir.path().join("binance-2024.tape"), [0; 100_000]).unwrap();
    make("binance-2024-08-08T00-00-01.000Z.tape", PROGRAM_SIM);
    let record = record(dir.path(), &told(Some(100 << 10), None), 3_600, 1_000);
    assert!(record.failed.is_none());
    let names = names(dir.path());
    let others = ["binance-2024-08-08T00-00-00.000Z.tape", "binance-2024.tape"];
    assert!(others.iter().all(|name| names.iter().any(|known| known == name)), "{names:?}");
    assert!(names.iter().any(|name| name.starts_with("binance-usdm")), "{names:?}");
    assert!(!names.iter().any(|name| name.contains("08-08T00-00-01")), "{names:?}");
    let left = record.tapes.iter().filter_map(|taped| taped.file.metadata().ok());
    let sizes: Vec<_> = left.map(|metadata| metadata.len()).collect();
    assert!(record.tapes.len() > 20 && sizes.len() >= 2, "{sizes:?}");
    assert!(sizes.iter().sum::<u64>() <= 100 << 10, "{sizes:?}");
}

#[test]
fn tapes_go_when_they_are_too_old() {
    let dir = tempfile::tempdir().unwrap();
    let record = record(dir.path(), &told(None, Some(90)), 60, 2_500);
    let left: Vec<_> = record.tapes.iter().map(|taped| taped.file.exists()).collect();
    assert_eq!(left, [false, false, false, true, true]);
}

#[test]
fn a_folder_that_is_being_recorded_to_is_refused_until_its_recorder_is_gone() {
    let dir = tempfile::tempdir().unwrap();
    let open = || Shelf::open(dir.path(), "binance", &told(None, None));
    let every_ns = 60 * Nanos::PER_SECOND;
    let recorder = Recorder::start(open().unwrap(), header(PROGRAM), every_ns, START).unwrap();
    assert!(matches!(open(), Err(RecordError::Busy(_))));
    assert!(Shelf::open(dir.path(), "binance-usdm", &told(None, None)).is_ok());
    drop(recorder.finish());
    assert_eq!(open().unwrap().tapes().count(), 1);
}

#[test]
fn a_folder_that_is_taken_away_ends_the_recording_and_says_so() {
    let dir = tempfile::tempdir().unwrap();
    let inner = dir.path().join("tapes");
    let shelf = Shelf::open(&inner, "binance", &told(None, None)).unwrap();
    let mut recorder = Recorder::start(shelf, header(PROGRAM), u64::MAX, START).unwrap();
    let mut answers = answers(START);
    answers.by_ref().take(20).for_each(|answer| recorder.put(answer));
    std::fs::remove_dir_all(&inner).unwrap();
    for answer in answers.take(2_000) {
        recorder.put(answer);
        std::thread::sleep(std::time::Duration::from_micros(100));
    }
    let Recording::Failed(why) = recorder.recording() else { panic!() };
    assert!(why.contains("was removed while"), "{why}");
    assert!(matches!(recorder.finish().failed, Some(RecordError::Gone(_))));
}

#[test]
fn what_was_flushed_can_be_read_while_the_tape_is_being_written() {
    let dir = tempfile::tempdir().unwrap();
    let shelf = Shelf::open(dir.path(), "binance", &told(None, None)).unwrap();
    let mut recorder = Recorder::start(shelf, header(PROGRAM), u64::MAX, START).unwrap();
    answers(START).take(100).for_each(|answer| recorder.put(answer));
    // The last half second may still be missing; with nothing to tell the time, not for long.
    std::thread::sleep(super::super::limits::FLUSH * 3);
    let file = dir.path().join(&names(dir.path())[0]);
    let mut reader = Reader::open(&file).unwrap();
    let mut entries = 0;
    while let Some(block) = reader.next_block().unwrap() {
        entries += block.entries().count();
    }
    assert_eq!((entries, reader.end().unwrap().sealed), (100, false));
    assert!(recorder.finish().failed.is_none());
}

#[test]
fn a_disk_that_takes_nothing_ends_the_recording_and_not_the_session() {
    let (stand, watch) = (Stand::default(), Stopwatch::start());
    let (stop, stopped) = sync_channel::<()>(0);
    let mut recorder = Recorder::over(stand, move |entries| {
        // Stuck in a write, until the test ends.
        let _ = stopped.recv();
        let _ = entries.recv();
        Record::default()
    })
    .unwrap();
    let answer = || Recorded { received: START, body: Kept::Answer(String::new(), Vec::new()) };
    (0..RECORDER + 2).for_each(|_| recorder.put(answer()));
    let waited = watch.elapsed();
    assert!(waited >= RECORDER_WAIT && waited < RECORDER_WAIT * 2, "{waited:?}");
    assert!(matches!(recorder.recording(), Recording::Failed(why) if why.contains("slower")));
    (0..RECORDER).for_each(|_| recorder.put(answer()));
    assert!(watch.elapsed() < RECORDER_WAIT * 2, "nobody waits twice");
    drop(stop);
    assert!(matches!(recorder.finish().failed, Some(RecordError::Slow)));
}

#[test]
fn a_session_that_breaks_leaves_a_sealed_tape() {
    let dir = tempfile::tempdir().unwrap();
    let shelf = Shelf::open(dir.path(), "binance", &told(None, None)).unwrap();
    let every_ns = 3_600 * Nanos::PER_SECOND;
    let broken = std::thread::spawn(move || {
        let mut recorder = Recorder::start(shelf, header(PROGRAM), every_ns, START).unwrap();
        answers(START).take(20).for_each(|answer| recorder.put(answer));
        panic!("as it should");
    });
    assert!(broken.join().is_err());
    let [name] = &names(dir.path())[..] else { panic!("{:?}", names(dir.path())) };
    let found = info(dir.path().join(name)).unwrap();
    assert!(found.end.sealed, "{:?}", found.end);
    assert_eq!(found.counts.answers, 20);
}
