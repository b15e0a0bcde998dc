//! Queues in files: what is taken is delivered once, whatever happens in between.

use std::fs;

use super::*;

const BUDGET: u64 = 1 << 30;

fn message(at: u64) -> Message {
    let (key, json) = (format!("rule/{at}"), format!("{{\"at\":{at},\"text\":\"\\\"\"}}"));
    Message { key, at: Nanos(at), rule: "rule".to_owned(), json, pieces: Vec::new() }
}

fn open(dir: &Path, room: usize) -> Spool {
    Spool::open(&dir.join("sink.spool"), BUDGET, room, Nanos(100)).unwrap()
}

/// Takes out up to `count`, in order.
fn take(spool: &mut Spool, count: usize) -> Vec<String> {
    let mut keys = Vec::new();
    while keys.len() < count {
        let Some(item) = spool.first().unwrap() else { break };
        assert!(item.json.starts_with("{\"at\":"), "{}", item.json);
        keys.push(item.key.clone());
        spool.done().unwrap();
    }
    keys
}

fn keys(range: std::ops::Range<u64>) -> Vec<String> {
    range.map(|at| message(at).key).collect()
}

#[test]
fn what_waits_survives_in_order_and_what_was_delivered_does_not_come_back() {
    let dir = tempfile::tempdir().unwrap();
    let mut spool = open(dir.path(), 3);
    for at in 200..210 {
        assert_eq!(spool.put(&message(at), false), Put::Queued);
    }
    assert_eq!((spool.pending(), spool.waiting.len()), (10, 3));
    assert_eq!(take(&mut spool, 4), keys(200..204));
    drop(spool);
    let mut spool = open(dir.path(), 3);
    assert_eq!((spool.pending(), spool.waiting.len()), (6, 0));
    assert_eq!(spool.put(&message(205), false), Put::Known);
    assert_eq!(spool.put(&message(210), false), Put::Queued);
    assert_eq!(take(&mut spool, 99), keys(204..211));
    assert_eq!(take(&mut spool, 1), [""; 0]);
}

#[test]
fn of_what_an_earlier_session_told_only_the_news_is_taken() {
    let dir = tempfile::tempdir().unwrap();
    let mut spool = open(dir.path(), 3);
    // From before the file was begun: nobody wanted it then.
    assert_eq!(spool.put(&message(99), true), Put::Known);
    assert_eq!(spool.put(&message(150), false), Put::Queued);
    let twin = Message { key: "twin".to_owned(), ..message(150) };
    assert_eq!(spool.put(&message(140), true), Put::Known);
    assert_eq!(spool.put(&message(150), true), Put::Known);
    assert_eq!(spool.put(&twin, true), Put::Queued);
    assert_eq!(spool.put(&message(160), true), Put::Queued);
    // A simulated exchange may begin earlier than the last one ended.
    assert_eq!(spool.put(&message(10), false), Put::Queued);
}

#[test]
fn of_one_instant_nothing_comes_twice_however_much_it_is() {
    let dir = tempfile::tempdir().unwrap();
    let named = |n: usize| Message { key: format!("rule/{n}"), ..message(200) };
    let many = 0..RECENT + 100;
    let mut spool = open(dir.path(), RECENT * 2);
    assert!(many.clone().all(|n| spool.put(&named(n), false) == Put::Queued));
    assert_eq!(take(&mut spool, RECENT * 2).len(), many.len());
    drop(spool);
    let mut spool = open(dir.path(), RECENT * 2);
    assert!(many.clone().all(|n| spool.put(&named(n), true) == Put::Known));
}

#[test]
fn a_torn_line_is_cut_off_and_what_comes_after_it_stands() {
    let dir = tempfile::tempdir().unwrap();
    let mut spool = open(dir.path(), 3);
    spool.put(&message(200), false);
    spool.put(&message(201), false);
    drop(spool);
    let path = dir.path().join("sink.spool");
    let text = fs::read(&path).unwrap();
    for cut in 1..20 {
        fs::write(&path, &text[..text.len() - cut]).unwrap();
        let mut spool = open(dir.path(), 3);
        assert_eq!(spool.put(&message(201), false), Put::Queued, "{cut}");
        assert_eq!(take(&mut spool, 9), keys(200..202), "{cut}");
        drop(spool);
        assert_eq!(open(dir.path(), 3).pending(), 0, "{cut}");
    }
}

#[test]
fn the_file_is_written_anew_and_stays_small() {
    let dir = tempfile::tempdir().unwrap();
    let mut spool = open(dir.path(), 8);
    let path = dir.path().join("sink.spool");
    let (mut taken, mut most) = (Vec::new(), 0);
    let long = "x".repeat(4_000);
    for at in 200..1_200 {
        let json = format!("{{\"at\":{at},\"text\":{long:?}}}");
        spool.put(&Message { json, ..message(at) }, false);
        // Always some behind, more of them than are in memory.
        if at >= 220 {
            taken.extend(take(&mut spool, 1));
        }
        most = most.max(path.metadata().unwrap().len());
    }
    assert!(most > DONE_MAX && most < 2 * DONE_MAX, "{most}");
    drop(spool);
    let mut spool = open(dir.path(), 8);
    assert_eq!(spool.pending(), 20);
    assert_eq!(spool.put(&message(1_150), false), Put::Known, "keys survive, too");
    taken.extend(take(&mut spool, 99));
    assert_eq!(taken, keys(200..1_200));
}

#[test]
fn at_a_limit_what_is_new_is_refused_and_one_session_alone_has_the_file() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("small.spool");
    let mut spool = Spool::open(&path, 300, 2, Nanos(1)).unwrap();
    let put: Vec<Put> = (200..212).map(|at| spool.put(&message(at), false)).collect();
    let queued = put.iter().filter(|put| **put == Put::Queued).count();
    assert!((3..8).contains(&queued) && put.last() == Some(&Put::Full), "{put:?}");
    let busy = Spool::open(&path, 300, 2, Nanos(1)).unwrap_err();
    assert!(busy.to_string().contains("has it: end that session"), "{busy}");
    assert_eq!(take(&mut spool, 99).len(), queued);
    assert_eq!(spool.put(&message(300), false), Put::Queued, "there is room again");
    let mut spool = Spool::in_memory(2);
    let put: Vec<Put> = (200..204).map(|at| spool.put(&message(at), false)).collect();
    assert_eq!(put, [Put::Queued, Put::Queued, Put::Full, Put::Full]);
    assert_eq!(take(&mut spool, 9), keys(200..202));
}

/// Puts a letter into the line of an alert so that it is none any more.
fn damage(path: &Path, at: u64) {
    let text = fs::read_to_string(path).unwrap();
    let key = message(at).key;
    assert!(text.contains(&key));
    fs::write(path, text.replace(&format!("{at},{key:?}"), &format!("x{at},{key:?}"))).unwrap();
}

#[test]
fn what_waits_beside_damaged_lines_survives_that_the_file_is_written_anew() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("sink.spool");
    let mut spool = open(dir.path(), 3);
    (200..210).for_each(|at| assert_eq!(spool.put(&message(at), false), Put::Queued));
    drop(spool);
    for at in [203, 206, 209] {
        damage(&path, at);
    }
    let left = [keys(200..203), keys(204..206), keys(207..209)].concat();
    for taken in 0..left.len() {
        // Whatever of it is in memory.
        for look in [false, true] {
            let mut spool = open(dir.path(), 3);
            assert_eq!(spool.pending(), (left.len() - taken) as u64);
            if look {
                spool.first().unwrap();
            }
            spool.renew().unwrap();
            assert_eq!(spool.pending(), (left.len() - taken) as u64);
        }
        assert_eq!(take(&mut open(dir.path(), 3), 1), left[taken..=taken]);
    }
    let mut spool = open(dir.path(), 3);
    assert_eq!((take(&mut spool, 1).len(), spool.pending()), (0, 0));
    assert_eq!(spool.put(&message(210), false), Put::Queued, "numbers go on");
    assert_eq!(take(&mut open_again(spool, dir.path()), 9), keys(210..211));
}

/// The next session's.
fn open_again(spool: Spool, dir: &Path) -> Spool {
    drop(spool);
    open(dir, 3)
}

#[test]
fn what_is_damaged_while_it_waits_is_counted_no_longer() {
    let dir = tempfile::tempdir().unwrap();
    let mut spool = open(dir.path(), 2);
    (200..206).for_each(|at| assert_eq!(spool.put(&message(at), false), Put::Queued));
    damage_in_place(dir.path(), 204);
    assert_eq!(take(&mut spool, 9), [keys(200..204), keys(205..206)].concat());
    assert_eq!(spool.pending(), 0);
}

/// The same without another file in its place.
fn damage_in_place(dir: &Path, at: u64) {
    use std::io::{Seek, SeekFrom, Write};
    let path = dir.join("sink.spool");
    let text = fs::read_to_string(&path).unwrap();
    let place = text.find(&message(at).key).unwrap();
    let mut file = fs::OpenOptions::new().write(true).open(path).unwrap();
    file.seek(SeekFrom::Start(place as u64)).unwrap();
    file.write_all(b"\"").unwrap();
}

#[cfg(unix)]
#[test]
fn a_queue_whose_file_or_folder_is_taken_away_is_made_anew_with_all_that_waits() {
    type Away = fn(&Path);
    let away: [Away; 4] = [
        |dir| fs::remove_dir_all(dir).unwrap(),
        |dir| fs::remove_file(dir.join("sink.spool")).unwrap(),
        |dir| fs::rename(dir, tempfile::tempdir_in(dir.parent().unwrap()).unwrap().keep()).unwrap(),
        // Of what is not in memory, the file alone knew.
        |dir| fs::File::create(dir.join("sink.spool")).map(drop).unwrap(),
    ];
    for (case, away) in away.iter().enumerate() {
        let dir = tempfile::tempdir().unwrap();
        let dir = dir.path().join("alerts");
        let room = if case == 3 { 20 } else { 3 };
        let mut spool = open(&dir, room);
        (200..210).for_each(|at| assert_eq!(spool.put(&message(at), false), Put::Queued));
        assert_eq!(take(&mut spool, 2), keys(200..202));
        away(&dir);
        assert_eq!(spool.put(&message(210), false), Put::Queued);
        spool.sync().unwrap();
        assert_eq!(take(&mut spool, 2), keys(202..204));
        away(&dir);
        spool.sync().unwrap();
        let mut spool = open_again(spool, &dir);
        assert_eq!(spool.pending(), 7, "{case}");
        assert_eq!(spool.put(&message(201), false), Put::Known, "{case}");
        assert_eq!(take(&mut spool, 99), keys(204..211), "{case}");
    }
}

#[cfg(unix)]
#[test]
fn nothing_that_another_session_queued_is_overwritten() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path().join("alerts");
    let mut spool = open(&dir, 3);
    assert_eq!(spool.put(&message(200), false), Put::Queued);
    fs::rename(&dir, dir.with_extension("old")).unwrap();
    let mut other = open(&dir, 3);
    assert_eq!(other.put(&message(300), false), Put::Queued);
    assert!(spool.sync().unwrap_err().to_string().contains("has it: end that session"));
    drop(other);
    assert!(spool.sync().unwrap_err().to_string().contains("move that one away"));
    assert_eq!(take(&mut open(&dir, 3), 9), keys(300..301));
    // Meanwhile nothing is lost, and once there is room it is durable again.
    (201..209).for_each(|at| assert_eq!(spool.put(&message(at), false), Put::Queued));
    fs::remove_file(dir.join("sink.spool")).unwrap();
    spool.sync().unwrap();
    assert_eq!(take(&mut open_again(spool, &dir), 99), keys(200..209));
}
