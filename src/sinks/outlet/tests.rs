//! A sink's thread against targets that fail in every way.

use std::sync::mpsc::{Receiver, Sender, channel};

use super::*;
use systems::units::Nanos;

fn message(n: u64) -> Message {
    let (key, json) = (format!("rule/{n}"), format!("{{\"n\":{n}}}"));
    Message { key, at: Nanos(n), rule: "rule".to_owned(), json, pieces: Vec::new() }
}

fn terms(rate: Option<(usize, Duration)>, refused: Option<PathBuf>) -> Terms {
    Terms { name: "here".to_owned(), rules: Vec::new(), rate, refused }
}

/// Answers with what it is told to; well, after that.
struct Fake {
    answers: VecDeque<Result<(), Trouble>>,
    delivered: Sender<String>,
}

impl Target for Fake {
    fn deliver(&mut self, item: &Item) -> Result<(), Trouble> {
        let answer = self.answers.pop_front().unwrap_or(Ok(()));
        if answer.is_ok() {
            self.delivered.send(item.key.clone()).unwrap();
        }
        answer
    }
}

fn start(
    answers: Vec<Result<(), Trouble>>,
    terms: Terms,
    spool: Spool,
) -> (Outlet, Receiver<String>) {
    let (delivered, keys) = channel();
    let fake = Fake { answers: answers.into(), delivered };
    (Outlet::start(terms, spool, Box::new(fake)).unwrap(), keys)
}

fn ended(outlet: &Outlet) -> SinkStatus {
    let watch = Stopwatch::start();
    while !outlet.has_ended() && watch.elapsed() < Duration::from_secs(60) {
        std::thread::sleep(Duration::from_millis(2));
    }
    outlet.status()
}

fn passing(after_ms: u64) -> Result<(), Trouble> {
    Err(Trouble::Passing("busy".to_owned(), Some(Duration::from_millis(after_ms))))
}

#[test]
fn failures_are_tried_again_in_order_and_refusals_put_aside() {
    let dir = tempfile::tempdir().unwrap();
    let aside = dir.path().join("refused.jsonl");
    let refused = || Err(Trouble::Refused("no\u{7}thing for me".to_owned()));
    let answers = vec![Ok(()), passing(0), Ok(()), refused(), refused(), passing(1)];
    let (outlet, keys) = start(answers, terms(None, Some(aside.clone())), Spool::in_memory(10));
    (0..6).for_each(|n| outlet.put(&message(n), false));
    outlet.put(&message(5), false);
    outlet.close();
    let status = ended(&outlet);
    let delivered: Vec<String> = keys.try_iter().collect();
    assert_eq!(delivered, ["rule/0", "rule/1", "rule/4", "rule/5"]);
    let told = (status.delivered, status.retried, status.failed, status.queued, status.lost);
    assert_eq!(told, (4, 2, 2, 0, 0));
    assert_eq!((status.trouble, status.hung), (None, false));
    assert!((1..=6).contains(&status.queued_max), "{}", status.queued_max);
    assert_eq!(std::fs::read_to_string(aside).unwrap(), "{\"n\":2}\n{\"n\":3}\n");
}

#[test]
fn a_pause_that_a_sink_asks_for_is_kept_and_cut_short_by_the_end() {
    let watch = Stopwatch::start();
    let (outlet, keys) = start(vec![passing(600)], terms(None, None), Spool::in_memory(10));
    outlet.put(&message(1), false);
    assert_eq!(keys.recv_timeout(Duration::from_secs(60)).unwrap(), "rule/1");
    assert!(watch.elapsed() >= Duration::from_millis(600));
    drop(outlet);
    let (outlet, keys) = start(vec![passing(3_000_000)], terms(None, None), Spool::in_memory(10));
    outlet.put(&message(1), false);
    outlet.close();
    while outlet.status().trouble.is_none() {
        std::thread::sleep(Duration::from_millis(2));
    }
    outlet.cut();
    let status = ended(&outlet);
    assert_eq!((status.queued, status.delivered, status.hung), (1, 0, false));
    assert_eq!(keys.try_iter().count(), 0);
}

#[test]
fn no_more_leave_in_a_time_than_the_rate_says() {
    let window = Duration::from_millis(300);
    let watch = Stopwatch::start();
    let (outlet, keys) = start(vec![], terms(Some((2, window)), None), Spool::in_memory(10));
    (0..5).for_each(|n| outlet.put(&message(n), false));
    outlet.close();
    assert_eq!(ended(&outlet).delivered, 5);
    assert!(watch.elapsed() >= 2 * window, "two, two more, one");
    assert_eq!(keys.try_iter().count(), 5);
}

#[test]
fn what_finds_no_room_is_counted_and_what_waits_at_the_end_is_delivered_by_the_next_one() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("here.spool");
    let open = || Spool::open(&path, 1_000, 2, Nanos(0)).unwrap();
    let (outlet, _keys) = start(vec![passing(3_000_000)], terms(None, None), open());
    (1..100).for_each(|n| outlet.put(&message(n), false));
    outlet.cut();
    let status = ended(&outlet);
    assert!(status.lost > 50 && status.queued + status.lost == 99, "{status:?}");
    assert_eq!(status.queued_max, status.queued);
    drop(outlet);
    let (outlet, keys) = start(vec![], terms(None, None), open());
    outlet.close();
    assert_eq!(ended(&outlet).delivered, status.queued);
    let delivered: Vec<String> = keys.try_iter().collect();
    let all: Vec<String> = (1..=status.queued).map(|n| message(n).key).collect();
    assert_eq!(delivered, all);
}

#[test]
fn pauses_double_up_to_a_limit() {
    assert_eq!(
        (backoff(0), backoff(1), backoff(2)),
        (BACKOFF_FIRST, BACKOFF_FIRST * 2, BACKOFF_FIRST * 4)
    );
    assert_eq!((backoff(40), backoff(u32::MAX)), (BACKOFF_MAX, BACKOFF_MAX));
}

#[cfg(unix)]
#[test]
fn the_queue_of_a_sink_that_is_down_comes_back_after_its_folder_is_taken_away() {
    let dir = tempfile::tempdir().unwrap();
    let (alerts, away) = (dir.path().join("alerts"), dir.path().join("away"));
    let path = alerts.join("here.spool");
    let open = || Spool::open(&path, 1 << 20, 2, Nanos(0)).unwrap();
    let down = (0..1_000).map(|_| passing(0)).collect();
    let (outlet, _keys) = start(down, terms(None, None), open());
    (1..6).for_each(|n| outlet.put(&message(n), false));
    std::fs::rename(&alerts, away).unwrap();
    let watch = Stopwatch::start();
    while !path.exists() && watch.elapsed() < Duration::from_secs(60) {
        std::thread::sleep(Duration::from_millis(2));
    }
    outlet.cut();
    assert_eq!((ended(&outlet).queued, ended(&outlet).lost), (5, 0));
    drop(outlet);
    let (outlet, keys) = start(vec![], terms(None, None), open());
    outlet.close();
    assert_eq!(ended(&outlet).delivered, 5);
    assert_eq!(
        keys.try_iter().collect::<Vec<_>>(),
        (1..6).map(|n| message(n).key).collect::<Vec<_>>()
    );
}

#[test]
fn a_thread_that_breaks_is_noticed_and_one_that_ends_is_not() {
    let (outlet, keys) = start(Vec::new(), terms(None, None), Spool::in_memory(10));
    outlet.put(&message(0), false);
    keys.recv().unwrap();
    assert!(!outlet.has_broken());
    // Delivering panics without somebody who takes it.
    drop(keys);
    outlet.put(&message(1), false);
    assert_eq!(ended(&outlet).trouble.as_deref(), Some("its thread broke"));
    assert!(outlet.has_broken());
    let (outlet, _keys) = start(Vec::new(), terms(None, None), Spool::in_memory(10));
    outlet.close();
    assert_eq!((ended(&outlet).trouble, outlet.has_broken()), (None, false));
}
