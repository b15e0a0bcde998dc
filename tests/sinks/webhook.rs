//! A webhook that is down, slow, refuses, asks for patience or drops connections.

use serde_json::json;

use super::hook::{Answer, Hook};
use super::*;

/// A sink of the hook, with more keys.
fn sink(hook: &Hook, more: &str) -> String {
    format!("[sinks.hook]\nkind = \"webhook\"\nurl = \"http://{}/in\"\n{more}", hook.addr)
}

fn keys(range: std::ops::Range<u64>) -> Vec<String> {
    range.map(|n| key(n).replace('币', "%E5%B8%81")).collect()
}

#[test]
fn every_alert_arrives_once_by_key_and_in_order_whatever_the_server_does() {
    let mut script = vec![Answer::Fine, Answer::Dropped, Answer::TakenAndDropped];
    script.extend([500, 502, 503].map(|status| Answer::Status(status, "")));
    script.push(Answer::Status(429, "retry-after: 1\r\n"));
    script.extend([Answer::Fine, Answer::Slow(Duration::from_millis(900)), Answer::Fine]);
    let (hook, dir) = (Hook::start(&script), tempfile::tempdir().unwrap());
    let config = config(dir.path(), &sink(&hook, "timeout = \"400ms\"\nqueue = 4\n"));
    let (teller, window) = open(&config);
    tell(&teller, 0..40);
    let status = until(&window, "all delivered", |status| status.delivered == 40);
    assert_eq!(hook.keys(), keys(0..40));
    let repeated = hook.taken().len() - 40;
    assert!(repeated >= 2, "what was dropped or too slow after it was taken: {repeated}");
    assert!(status.retried >= 7 && status.failed + status.lost + status.queued == 0, "{status:?}");
    assert!(status.queued_max >= 30, "{status:?}");
    let first = &hook.taken()[0].body;
    assert_eq!((&first["rule"], &first["symbol"]), (&json!("up"), &json!("A币USDT")));
    assert_eq!((&first["latency_us"], &first["mark"]), (&json!(1_500), &json!("complete")));
    let reasons = json!([
        { "depth": 0, "text": "close > open", "value": true },
        { "depth": 1, "text": "close", "value": 2.0 },
        { "depth": 1, "text": "open", "value": null },
    ]);
    assert_eq!(first["reasons"], reasons);
    drop(window);
    assert_eq!(teller.finish()[0].queued, 0);
}

#[test]
fn the_wait_that_a_server_asks_for_is_kept() {
    let script = [Answer::Fine, Answer::Status(429, "Retry-After: 2\r\n"), Answer::Fine];
    let (hook, dir) = (Hook::start(&script), tempfile::tempdir().unwrap());
    let (teller, window) = open(&config(dir.path(), &sink(&hook, "")));
    tell(&teller, 0..2);
    until(&window, "both delivered", |status| status.delivered == 2);
    let taken = hook.taken();
    assert!(taken[1].at - taken[0].at >= Duration::from_secs(2), "{taken:?}");
}

#[test]
fn a_server_that_is_down_delays_no_other_sink_and_gets_all_of_it_when_it_is_back() {
    let (mut hook, dir) = (Hook::start(&[]), tempfile::tempdir().unwrap());
    let file = dir.path().join("out/alerts.jsonl");
    let other = format!("[sinks.two]\nkind = \"file\"\npath = {file:?}\nrules = [\"up\"]\n");
    let no = dir.path().join("none.jsonl");
    let none = format!("[sinks.none]\nkind = \"file\"\npath = {no:?}\nrules = [\"wide\"]\n");
    let text = format!("{}{other}{none}", sink(&hook, "queue = 8\n"));
    let config = config(dir.path(), &text);
    hook.stop();
    let (teller, window) = open(&config);
    tell(&teller, 0..300);
    // The file has all of them while the webhook has none.
    let (watch, mut looked, mut shown) = (Stopwatch::start(), window.look(), 0);
    while looked.sinks[2].delivered < 300 {
        assert!(watch.elapsed() < LONG, "{:?}", looked.sinks);
        std::thread::sleep(Duration::from_millis(3));
        shown += looked.alerts.len();
        looked = window.look();
    }
    shown += looked.alerts.len();
    let names: Vec<_> = looked.sinks.iter().map(|sink| sink.name.as_str()).collect();
    assert_eq!(names, ["hook", "none", "two"]);
    assert_eq!((looked.sinks[0].delivered, looked.sinks[0].queued), (0, 300));
    assert_eq!(looked.sinks[1], SinkStatus { name: "none".to_owned(), ..SinkStatus::default() });
    assert_eq!((shown, looked.missed, looked.dropped), (300, 0, 0));
    until(&window, "it is known to be down", |status| {
        status.trouble.as_ref().is_some_and(|why| why.contains("refused"))
    });
    let lines = std::fs::read_to_string(&file).unwrap();
    assert_eq!(lines.lines().count(), 300);
    hook.restart();
    let status = until(&window, "all delivered", |status| status.delivered == 300);
    assert_eq!((status.trouble, status.queued_max, status.lost), (None, 300, 0));
    assert_eq!(hook.keys(), keys(0..300));
}

#[test]
fn what_is_left_at_the_end_is_told_and_goes_out_at_the_next_start() {
    let (mut hook, dir) = (Hook::start(&[]), tempfile::tempdir().unwrap());
    let config = config(dir.path(), &sink(&hook, "queue = 2\n"));
    hook.stop();
    let (teller, window) = open(&config);
    tell(&teller, 0..20);
    drop(window);
    let watch = Stopwatch::start();
    let left = teller.finish().remove(0);
    assert!(watch.elapsed() < Duration::from_secs(30));
    assert_eq!((left.queued, left.delivered, left.hung), (20, 0, false));
    hook.restart();
    let (teller, window) = open(&config);
    // What an earlier session told comes again from its tapes, and one thing is news.
    let again = (10..21).map(|n| Handed { received: None, ..alert(n) }).collect();
    teller.tell(again, START, 0);
    until(&window, "all delivered", |status| status.delivered == 21);
    assert_eq!(hook.keys(), keys(0..21));
    assert_eq!(hook.taken().len(), 21);
    assert_eq!(window.look().alerts.len(), 0, "what was told earlier is not shown again");
    assert!(hook.taken()[20].body["latency_us"].is_null());
}

#[test]
fn what_a_server_refuses_for_good_is_put_aside_and_secrets_are_told_nobody() {
    let script = [Answer::Status(400, ""), Answer::Fine, Answer::Status(500, "")];
    let (hook, dir) = (Hook::start(&script), tempfile::tempdir().unwrap());
    let token = secret(dir.path(), "hush-hush\n");
    let more = format!("token_file = {token:?}\nrate = \"2/1s\"\n");
    let config = config(dir.path(), &sink(&hook, &more));
    let (teller, window) = open(&config);
    tell(&teller, 0..3);
    let status = until(&window, "two delivered", |status| status.delivered == 2);
    assert_eq!((status.failed, status.lost, status.queued), (1, 0, 0));
    assert_eq!(hook.keys(), keys(1..3));
    assert!(hook.taken().iter().all(|taken| taken.authorization == "Bearer hush-hush"));
    drop(window);
    teller.finish();
    let aside = std::fs::read_to_string(dir.path().join("alerts/hook.refused.jsonl")).unwrap();
    assert!(aside.contains(&key(0)) && aside.lines().count() == 1, "{aside}");
    for entry in std::fs::read_dir(dir.path().join("alerts")).unwrap() {
        let text = std::fs::read_to_string(entry.unwrap().path()).unwrap();
        assert!(!text.contains("hush"), "{text}");
    }
    assert!(!config.to_toml().contains("hush") && !config.for_tapes().contains("sinks.hook"));
}

#[test]
fn telegram_has_its_token_in_its_address() {
    let (hook, dir) = (Hook::start(&[]), tempfile::tempdir().unwrap());
    let addr = hook.addr;
    let token = secret(dir.path(), "12:secret");
    let text = format!(
        "[sinks.chat]\nkind = \"webhook\"\ntemplate = \"telegram\"\nchat = \"-100\"\n\
         url = \"http://{addr}\"\ntoken_file = {token:?}\n"
    );
    let (teller, window) = open(&config(dir.path(), &text));
    tell(&teller, 0..1);
    until(&window, "delivered", |status| status.delivered == 1);
    let taken = hook.taken().remove(0);
    assert_eq!((&*taken.path, &*taken.authorization), ("/bot12:secret/sendMessage", ""));
    assert_eq!(taken.body["chat_id"], "-100");
    assert!(taken.body["text"].as_str().unwrap().starts_with("enter A币USDT 1m up\n"));
}
