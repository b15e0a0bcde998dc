//! Every fault of a venue played through the desk in a table, without a network or a clock.

use super::*;
use crate::rest::retry::{BASE_NS, Late};
use crate::venue::Channel;
use systems::interval::Interval;
use systems::trade::SymbolId;

const NOW: Nanos = Nanos::from_seconds(1_723_161_600);
const SECOND: u64 = Nanos::PER_SECOND;
const SYMBOL: SymbolId = SymbolId(3);

fn desk() -> Desk {
    Desk::new(Venue::BinanceSpot, Budget::new(6_000, 60), Backoff::new(1, BASE_NS))
}

fn ids(from_id: u64, to_id: u64) -> Job {
    let channel = Channel::AggregateTrades;
    let wanted = Wanted::Ids { symbol: SYMBOL, name: "BTCUSDT".into(), channel, from_id, to_id };
    Job { priority: Priority::Backfill, wanted }
}

fn candles(from_minute: u64, to_minute: u64) -> Job {
    let minute = |n: u64| NOW.minus(86_400 * SECOND).plus(n * 60 * SECOND);
    let (interval, name) = (Interval::parse("1m").unwrap(), "BTCUSDT".into());
    let (from, to) = (minute(from_minute), minute(to_minute));
    let wanted = Wanted::Candles { symbol: SYMBOL, name, interval, from, to };
    Job { priority: Priority::Suspect, wanted }
}

fn reply(status: u16, body: &str) -> Result<Reply, Failure> {
    Ok(Reply { status, used_weight: None, retry_after_s: None, body: body.into() })
}

fn rows(ids: impl IntoIterator<Item = u64>) -> Result<Reply, Failure> {
    let row = |id| {
        format!(
            r#"{{"a":{id},"p":"1","q":"1","f":{id},"l":{id},"T":1723161000000,"m":true,"M":true}}"#
        )
    };
    let rows: Vec<String> = ids.into_iter().map(row).collect();
    reply(200, &format!("[{}]", rows.join(",")))
}

/// Runs the desk until it is idle, waiting as it says; gives requests, arrivals, and the end.
fn play(
    desk: &mut Desk,
    mut answer: impl FnMut(&str, usize) -> Result<Reply, Failure>,
) -> (Vec<String>, Vec<News>, Nanos) {
    let (mut now, mut requests, mut news) = (NOW, Vec::new(), Vec::new());
    loop {
        match desk.next(now) {
            Next::Idle => break,
            Next::At(then) => {
                assert!(then > now);
                now = then;
            }
            Next::Send(sending) => {
                requests.push(sending.request.clone());
                let result = answer(&sending.request, requests.len());
                now = now.plus(20 * Nanos::PER_MS);
                desk.take(sending, result, now);
            }
        }
        while let Some(arrival) = desk.next_arrival() {
            news.push(arrival.news);
        }
        assert!(requests.len() < 1_000, "it never ends");
    }
    assert!(desk.queue.is_empty() && desk.in_flight == 0);
    (requests, news, now)
}

fn lost(news: &[News]) -> Vec<(u64, u64, Reason)> {
    let lost = news.iter().filter_map(|news| match news {
        News::Unrecoverable { from_id, to_id, reason, .. } => {
            Some((*from_id, *to_id, reason.clone()))
        }
        _ => None,
    });
    lost.collect()
}

fn answers(news: &[News]) -> usize {
    news.iter().filter(|news| matches!(news, News::Answer { .. })).count()
}

fn end(news: &[News]) -> &End {
    let Some(News::Ended { end, .. }) = news.last() else { panic!("{news:?}") };
    end
}

#[test]
fn a_gap_is_fetched_page_by_page() {
    let mut desk = desk();
    desk.accept(ids(10, 1_209), NOW);
    let (requests, news, _) = play(&mut desk, |_, n| match n {
        1 => rows(10..1_010),
        _ => rows(1_010..1_210),
    });
    let path = "/api/v3/aggTrades?symbol=BTCUSDT";
    let first = format!("{path}&fromId=10&limit=1000");
    assert_eq!(requests, [first, format!("{path}&fromId=1010&limit=200")]);
    assert_eq!((answers(&news), lost(&news).len()), (2, 0));
    assert_eq!(*end(&news), End::Complete { missing: 0 });
}

#[test]
fn a_passing_failure_loses_nothing_and_a_lasting_one_is_given_up_after_an_hour() {
    for failure in [Failure::Network("reset".into()), Failure::Timeout("waiting for an answer")] {
        let mut desk = desk();
        desk.accept(ids(1, 5), NOW);
        let fail = |n| if n < 9 { Err(failure.clone()) } else { rows(1..6) };
        let (_, news, _) = play(&mut desk, |_, n| fail(n));
        assert_eq!((answers(&news), lost(&news).len()), (1, 0));
    }
    let mut desk = desk();
    desk.accept(ids(1, 5), NOW);
    let (requests, news, now) = play(&mut desk, |_, _| reply(503, "<html>\u{1b}[31m"));
    assert_eq!(requests.len(), 17);
    let minutes = (now.0 - NOW.0) / (60 * SECOND);
    assert!((30..90).contains(&minutes), "{minutes} minutes");
    let [(1, 5, Reason::Failed(failure))] = &lost(&news)[..] else { panic!("{news:?}") };
    assert_eq!(failure.to_string(), r"status 503: <html>\u{1b}[31m");
    assert!(matches!(end(&news), End::GivenUp(Reason::Failed(_))));
    assert_eq!(desk.snapshot(now).given_up, 1);
}

#[test]
fn what_will_never_work_is_tried_once() {
    for (status, body) in
        [(400, r#"{"code":-1121,"msg":"Invalid symbol."}"#), (404, ""), (302, "moved")]
    {
        let mut desk = desk();
        desk.accept(candles(0, 5), NOW);
        let (requests, news, _) = play(&mut desk, |_, _| reply(status, body));
        assert_eq!((requests.len(), answers(&news)), (1, 0), "{status}");
        assert!(matches!(end(&news), End::GivenUp(Reason::Failed(_))));
    }
}

#[test]
fn nothing_of_a_wrong_answer_is_handed_on() {
    let open = NOW.minus(86_400 * SECOND).ms();
    let row = |open: u64| format!(r#"[{open},"1","1","1","1","1",1,"1",1,"1","1","0"]"#);
    for body in [
        "<html>".to_owned(),
        "{}".to_owned(),
        format!("[{},[{open}]]", row(open)),
        format!("[{},{}", row(open), row(open + 60_000)),
        format!("[{},{}]", row(open), row(open + 120_000)),
        format!("[{}]", row(open - 60_000)),
    ] {
        let mut desk = desk();
        desk.accept(candles(0, 2), NOW);
        let (requests, news, _) = play(&mut desk, |_, _| reply(200, &body));
        assert_eq!((requests.len(), answers(&news)), (5, 0), "{body}");
        assert!(matches!(end(&news), End::GivenUp(Reason::Failed(Failure::Nonsense(_)))));
    }
    let mut desk = desk();
    desk.accept(candles(0, 2), NOW);
    let body = format!("[{},{}]", row(open + 60_000), row(open));
    let (_, news, _) = play(&mut desk, |_, _| reply(200, &body));
    assert_eq!((answers(&news), end(&news)), (1, &End::Complete { missing: 0 }), "unsorted");
}

#[test]
fn a_pause_is_kept_by_every_job_and_then_all_goes_on() {
    for (status, seconds, pause) in [(429, Some(7), 7), (429, None, 60), (418, Some(600), 600)] {
        let mut desk = desk();
        desk.accept(ids(1, 5), NOW);
        desk.accept(candles(0, 5), NOW);
        let Next::Send(first) = desk.next(NOW) else { panic!() };
        let limited =
            Reply { status, used_weight: Some(6_001), retry_after_s: seconds, body: vec![] };
        desk.take(first, Ok(limited), NOW);
        let closed = desk.snapshot(NOW).closed.unwrap();
        assert_eq!(closed, Closed { until: NOW.plus(pause * SECOND), banned: status == 418 });
        let Next::At(then) = desk.next(NOW) else { panic!() };
        assert_eq!(then, closed.until);
        assert!(matches!(desk.next(Nanos(then.0 - 1)), Next::At(_)));
        // The figure in the header lasts a minute, the pause may end before.
        let free = then.max(NOW.plus(60 * SECOND));
        assert!(matches!(desk.next(free), Next::Send(_)), "{status} {seconds:?}");
    }
}

#[test]
fn a_ban_without_an_end_in_the_header_takes_it_from_the_text() {
    let mut desk = desk();
    desk.accept(ids(1, 5), NOW);
    let Next::Send(first) = desk.next(NOW) else { panic!() };
    let until = NOW.plus(1_000 * SECOND);
    let body = format!(r#"{{"code":-1003,"msg":"IP banned until {}. Wait."}}"#, until.ms());
    desk.take(first, reply(418, &body), NOW);
    assert_eq!(desk.snapshot(NOW).closed, Some(Closed { until, banned: true }));
    assert_eq!(desk.snapshot(NOW).eta_ns, 1_000 * SECOND);
}

#[test]
fn a_venue_that_does_not_advance_ends_with_a_reason() {
    for (answer, what) in
        [(rows([]), "nothing"), (rows([1, 2]), "older ids"), (rows([50, 51]), "ids behind the gap")]
    {
        let mut desk = desk();
        desk.accept(ids(10, 14), NOW);
        let (requests, news, now) = play(&mut desk, |_, _| answer.clone());
        assert_eq!((requests.len(), answers(&news)), (3, 0), "{what}");
        assert_eq!(lost(&news), [(10, 14, Reason::NotListed)], "{what}");
        let given_up = End::GivenUp(Reason::Failed(Failure::NotYet(Late::Id)));
        assert_eq!(*end(&news), given_up, "{what}");
        assert!(now.0 - NOW.0 > 2 * SECOND, "a venue may be some seconds late");
    }
}

#[test]
fn trouble_of_one_kind_does_not_use_up_the_patience_for_another() {
    let mut desk = desk();
    desk.accept(ids(10, 14), NOW);
    let (_, news, _) = play(&mut desk, |_, n| match n {
        1..=3 => Err(Failure::Timeout("waiting for an answer")),
        4 | 5 => rows([]),
        _ => rows(10..15),
    });
    assert_eq!((answers(&news), lost(&news).len()), (1, 0));
}

#[test]
fn ids_that_stay_missing_after_they_were_fetched_are_given_up() {
    let mut desk = desk();
    let mut starts = Vec::new();
    let last = loop {
        desk.accept(ids(10, 14), NOW);
        let (requests, news, now) = play(&mut desk, |_, _| rows(10..15));
        if requests.is_empty() {
            break desk_news(news, &mut desk);
        }
        starts.push((now.0 - NOW.0) / SECOND);
    };
    assert_eq!(starts, [0, 6, 12, 24], "each time later");
    assert_eq!(lost(&last), [(10, 14, Reason::NotUsable)]);
}

/// What was told without a request.
fn desk_news(mut news: Vec<News>, desk: &mut Desk) -> Vec<News> {
    while let Some(arrival) = desk.next_arrival() {
        news.push(arrival.news);
    }
    news
}

#[test]
fn what_the_venue_does_not_offer_is_told_at_once() {
    let budget = Budget::new(2_400, 60);
    let mut desk = Desk::new(Venue::BinanceUsdm, budget, Backoff::new(1, BASE_NS));
    let Wanted::Ids { symbol, name, from_id, to_id, .. } = ids(1, 5).wanted else { panic!() };
    let wanted = Wanted::Ids { symbol, name, from_id, to_id, channel: Channel::Trades };
    desk.accept(Job { priority: Priority::Backfill, wanted }, NOW);
    let news = desk_news(vec![], &mut desk);
    assert_eq!(lost(&news), [(1, 5, Reason::NotOffered)]);
    assert_eq!(*end(&news), End::GivenUp(Reason::NotOffered));
    desk.accept(ids(6, 5), NOW);
    let news = desk_news(vec![], &mut desk);
    assert_eq!(*end(&news), End::GivenUp(Reason::Empty));
}

#[test]
fn the_head_is_looked_up_by_time_and_fetched_by_id() {
    let head = |channel, first_id| {
        let (name, from) = ("BTCUSDT".into(), NOW);
        let wanted = Wanted::Head { symbol: SYMBOL, name, channel, from, first_id };
        Job { priority: Priority::Backfill, wanted }
    };
    let mut desk = desk();
    desk.accept(head(Channel::AggregateTrades, 108), NOW);
    let (requests, news, _) = play(&mut desk, |_, n| match n {
        1 => rows([100]),
        _ => rows(100..108),
    });
    assert!(requests[0].contains("startTime=1723161600000&"), "{requests:?}");
    assert!(requests[1].ends_with("fromId=100&limit=8"), "{requests:?}");
    assert_eq!(answers(&news), 1, "the look-up itself is not handed on");
    desk.accept(head(Channel::AggregateTrades, 100), NOW);
    let (requests, news, _) = play(&mut desk, |_, _| rows([100]));
    assert_eq!((requests.len(), answers(&news)), (1, 0), "nothing is missing");
    desk.accept(head(Channel::Trades, 108), NOW);
    let single = r#"[{"id":100,"price":"1","qty":"1","time":1723161000000,"isBuyerMaker":true}]"#;
    let (requests, ..) = play(&mut desk, |_, n| match n {
        1 => rows([100]),
        2 => reply(200, single),
        _ => reply(400, "{}"),
    });
    assert!(requests[1].starts_with("/api/v3/historicalTrades?"), "{requests:?}");
}

#[test]
fn few_requests_are_under_way_and_fewer_when_the_venue_is_in_trouble() {
    let mut desk = desk();
    for n in 0..40 {
        desk.accept(candles(n * 20, n * 20 + 5), NOW);
    }
    let send_all = |desk: &mut Desk| {
        let mut sendings = Vec::new();
        while let Next::Send(sending) = desk.next(NOW) {
            sendings.push(sending);
        }
        sendings
    };
    let first = send_all(&mut desk);
    assert_eq!(first.len(), 4);
    for sending in first {
        desk.take(sending, reply(503, ""), NOW);
    }
    let then = send_all(&mut desk);
    assert_eq!(then.len(), 1);
    assert_eq!(desk.snapshot(NOW).waiting, [0, 0, 39, 0, 0, 0]);
    assert_eq!(desk.into_jobs().len(), 39);
}

#[test]
fn a_storm_of_gaps_stays_within_the_share() {
    let mut desk = desk();
    for symbol in 0..2_000 {
        let Wanted::Ids { name, channel, .. } = ids(1, 5).wanted else { panic!() };
        let wanted =
            Wanted::Ids { symbol: SymbolId(symbol), name, channel, from_id: 1, to_id: 1_500 };
        desk.accept(Job { priority: Priority::Backfill, wanted }, NOW);
    }
    let mut now = NOW;
    let (mut sent, mut first_page) = (0u32, Vec::new());
    while !desk.queue.is_empty() {
        match desk.next(now) {
            Next::Idle => panic!("stuck"),
            Next::At(then) => now = then,
            Next::Send(sending) => {
                sent += 1;
                assert!(desk.budget.used(now) <= 3_600 * 95 / 100);
                let begun = sending.request.ends_with("fromId=1&limit=1000");
                first_page.push(begun);
                let page = if begun { rows(1..1_001) } else { rows(1_001..1_501) };
                desk.take(sending, page, now.plus(5 * Nanos::PER_MS));
                desk.out.clear();
            }
        }
    }
    assert_eq!(sent, 4_000);
    assert!(first_page[..2_000].iter().all(|first| *first), "one page each, then the second");
    // 16,000 of weight at 3,420 a minute: 4 full minutes and the rest of a fifth.
    assert_eq!((now.0 - NOW.0) / (60 * SECOND), 4);
}
