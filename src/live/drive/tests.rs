//! A drive without sockets, worker or recorder: what goes in, and what comes out where.

use std::sync::Arc;

use systems::candle::Mark;
use systems::symbol::SymbolSpec;
use systems::units::Scale;

use super::*;
use crate::config::{Config, Universe};
use crate::latency::{Boundary, Meter, Recorder};
use crate::link::{Plan, Why};
use crate::live::event::Socket;
use crate::live::outline;
use crate::rest::arrival::End;
use crate::rest::arrival::{Arrival, News};
use crate::settings::settings;
use crate::symbols::Symbols;
use crate::venue::Channel;
use crate::venue::Venue;
use crate::venue::binance::Instrument;

/// Keeps everything; has room for so many jobs.
#[derive(Default)]
struct Fake {
    commands: Vec<Command>,
    jobs: Vec<Job>,
    room: usize,
    entries: Vec<Recorded>,
    told: Vec<Handed>,
}

impl Ports for Fake {
    fn command(&mut self, command: Command) {
        self.commands.push(command);
    }

    fn job(&mut self, job: Job) -> Option<Job> {
        if self.jobs.len() == self.room {
            return Some(job);
        }
        self.jobs.push(job);
        None
    }

    fn record(&mut self, entry: Recorded) {
        self.entries.push(entry);
    }

    fn tell(&mut self, alerts: Vec<Handed>) {
        self.told.extend(alerts);
    }
}

const START: Nanos = Nanos::from_seconds(1_723_161_600);

fn drive(room: usize) -> Drive<Fake> {
    drive_of("intervals = [\"1s\"]", room)
}

fn drive_of(config: &str, room: usize) -> Drive<Fake> {
    let config = Config::parse("here", config).unwrap();
    let told = settings(&config);
    let scale = Scale::exact(2);
    let spec = SymbolSpec { name: "AUSDT".into(), price: scale, quantity: scale };
    let symbols = Symbols::new(vec![spec]).unwrap();
    let venue = Venue::BinanceSpot;
    let streams = outline::streams(venue, &config);
    let published = streams.candles.clone();
    let plan = Plan::new(venue, streams, &symbols, &[SymbolId(0)], &[]).unwrap();
    let mut fleet = Fleet::new(&plan, Some("ws://here"), 1);
    fleet.server_time(START, START, START);
    let engine = Engine::new(&told, symbols.specs(), 1).unwrap();
    let session = Session::new(symbols, told.intervals.clone(), venue.name());
    let outputs = Outputs::new(vec![10], false);
    let (intervals, candles) = (told.intervals, Priority::Suspect);
    let streamed = Streamed::new(&published, &intervals);
    let (jobs, earlier) = (Vec::new(), CaughtUp::default());
    let listing = Listing {
        venue,
        grows: true,
        universe: Universe::default(),
        days: Vec::new(),
        every_ns: 600 * Nanos::PER_SECOND,
        trading: 1,
        retired: vec![false],
        lookback: vec![(intervals[0], 60)],
        asked: Nanos(0),
        under_way: false,
    };
    let boundary = Boundary::of(intervals[0], 0);
    let meter = Meter::new(Arc::new(|| START), boundary, 1, 16);
    let latency = Recorder::start(meter, Nanos::PER_SECOND, None).unwrap();
    let parts = Parts {
        fleet,
        listing,
        session,
        engine,
        outputs,
        intervals,
        candles,
        streamed,
        jobs,
        latency,
        exposed: false,
        earlier,
    };
    Drive::new(parts, Fake { room, ..Fake::default() })
}

fn frame(id: u64, at: Nanos) -> String {
    let ms = at.ms();
    format!(
        "{{\"stream\":\"ausdt@aggTrade\",\"data\":{{\"e\":\"aggTrade\",\"E\":{ms},\"s\":\"AUSDT\",\
         \"a\":{id},\"p\":\"5.00\",\"q\":\"1.00\",\"f\":{id},\"l\":{id},\"T\":{ms},\
         \"m\":true,\"M\":true}}}}"
    )
}

#[test]
fn the_first_print_asks_for_its_head_and_a_full_worker_is_asked_again() {
    let mut drive = drive(0);
    drive.start(START);
    let [Command::Dial(socket, url)] = &drive.ports.commands[..] else { panic!() };
    assert_eq!(url, "ws://here/stream");
    let socket = *socket;
    drive.take(Event::Connected(socket, START));
    assert!(matches!(&drive.ports.commands[1], Command::Send(to, _) if *to == socket));
    let at = START.plus(300 * Nanos::PER_MS);
    for id in [70, 71] {
        drive.take(Event::Frame(socket, at, frame(id, at).into()));
    }
    drive.step();
    assert_eq!((drive.status.prints, drive.ports.jobs.len()), (2, 0));
    assert_eq!(drive.not_asked(), 1);
    drive.ports.room = 9;
    drive.step();
    let [Job { wanted: Wanted::Head { from, first_id, .. }, .. }] = &drive.ports.jobs[..] else {
        panic!("{:?}", drive.ports.jobs)
    };
    assert_eq!((*from, *first_id), (START, 70));
}

#[test]
fn a_late_word_of_an_old_socket_is_not_the_new_ones() {
    let mut drive = drive(9);
    drive.start(START);
    let old = drive.socket(0);
    drive.take(Event::Closed(old, START, Why::Unreachable));
    let mut at = START;
    while drive.socket(0) == old {
        at = at.plus(100 * Nanos::PER_MS);
        drive.take(Event::Tick { at, full: false });
    }
    drive.take(Event::Frame(old, at, frame(1, at).into()));
    drive.take(Event::Connected(old, at));
    drive.step();
    assert_eq!(drive.status.prints, 0);
    assert!(!drive.ports.commands.iter().any(|one| matches!(one, Command::Send(..))));
}

#[test]
fn entries_keep_their_order_and_ends_of_requests_are_among_them() {
    let mut drive = drive(9);
    drive.start(START);
    let (later, earlier) = (START.plus(200), START.plus(100));
    drive.take(Event::Tick { at: later, full: false });
    let (symbol, name) = (SymbolId(0), "AUSDT".into());
    let channel = Channel::AggregateTrades;
    let wanted = Wanted::Ids { symbol, name, channel, from_id: 1, to_id: 2 };
    let job = Job { priority: Priority::Backfill, wanted };
    let news = News::Ended { job, end: End::Complete { missing: 0 } };
    drive.take(Event::Arrival(Arrival { received: earlier, news }));
    let entries: Vec<_> = drive.ports.entries.iter().map(Recorded::entry).collect();
    let received: Vec<_> = entries.iter().map(|entry| entry.received).collect();
    assert_eq!(received, [START, later, later]);
    assert_eq!(entries[0].body, Body::Feed { symbol, up: false });
    assert!(matches!(entries[1].body, Body::Heartbeat(_)));
    assert_eq!(entries[2].body, Body::Done { symbol, interval: None });
}

#[test]
fn the_list_is_asked_for_now_and_then_and_one_question_is_under_way_at_most() {
    let mut drive = drive(9);
    drive.start(START);
    let mut asked = Vec::new();
    for minute in 1..40 {
        drive.take(Event::Tick { at: START.plus(minute * 60 * Nanos::PER_SECOND), full: false });
        drive.step();
        let jobs = std::mem::take(&mut drive.ports.jobs);
        if let Some(job) = jobs.into_iter().find(|job| job.wanted == Wanted::Instruments) {
            asked.push((minute, job));
        }
        if minute == 25 {
            let (received, job) = (START, asked[0].1.clone());
            let news = News::Ended { job, end: End::Complete { missing: 0 } };
            drive.take(Event::Arrival(Arrival { received, news }));
        }
    }
    assert_eq!(asked.iter().map(|(minute, _)| *minute).collect::<Vec<_>>(), [10, 26]);
}

fn instrument(name: &str, decimals: u8, trading: bool) -> Instrument {
    let scale = Scale::exact(decimals);
    let spec = SymbolSpec { name: name.into(), price: scale, quantity: scale };
    Instrument { spec, quote_asset: "USDT".into(), trading, listed_at: None }
}

/// What the last look at the list put on the tape.
fn entries_of(drive: &mut Drive<Fake>, listed: Vec<Instrument>) -> Vec<Body<'static>> {
    drive.ports.entries.clear();
    drive.take(Event::Instruments(START, listed));
    drive.step();
    let entries = drive.ports.entries.iter();
    entries
        .map(|entry| match &entry.body {
            Kept::Plain(body) => *body,
            Kept::Listed(symbol, _) => Body::Listed { symbol: *symbol },
            other => panic!("{other:?}"),
        })
        .collect()
}

#[test]
fn what_is_new_joins_what_is_gone_is_retired_and_comes_back_under_its_number() {
    let mut drive = drive(99);
    drive.start(START);
    let socket = drive.socket(0);
    drive.take(Event::Connected(socket, START));
    let [a, b, c, d] = [0, 1, 2, 3].map(SymbolId);
    let list = |a, b| vec![instrument("AUSDT", 2, a), instrument("BUSDT", 2, b)];
    let (feed, halt) =
        (|symbol, up| Body::Feed { symbol, up }, |symbol, halted| Body::Halt { symbol, halted });
    assert_eq!(entries_of(&mut drive, list(true, false)), [], "nothing changed");
    let new = |c, d| vec![instrument("CUSDT", c, true), instrument("DUSDT", 2, d)];
    let entries = entries_of(&mut drive, [list(true, true), new(3, true)].concat());
    let listed = |symbol| [Body::Listed { symbol }, feed(symbol, false)];
    assert_eq!(entries, [listed(b), listed(c), listed(d)].concat());
    let Kept::Listed(_, anew) = &drive.ports.entries[0].body else { panic!() };
    assert_eq!(
        anew.iter().map(|spec| &*spec.name).collect::<Vec<_>>(),
        ["BUSDT", "CUSDT", "DUSDT"]
    );
    let warm = |job: &&Job| job.priority == Priority::WarmUp;
    assert_eq!(drive.ports.jobs.iter().filter(warm).count(), 3);
    assert!(drive.parts.engine.health(c).is_some());
    // All of a halted venue's symbols stay.
    assert_eq!(entries_of(&mut drive, list(false, false)), []);
    // One that is not on the list at all is as gone as one that does not trade.
    let less = [list(false, true), vec![instrument("DUSDT", 2, true)]].concat();
    let entries = entries_of(&mut drive, less);
    assert_eq!(entries, [feed(a, false), halt(a, true), feed(c, false), halt(c, true)]);
    let status = drive.status(0);
    assert_eq!((status.symbols, status.listed, status.retired), (2, 3, 2));
    let other = [list(true, true), new(4, true)].concat();
    assert_eq!(entries_of(&mut drive, other), [halt(a, false)], "other decimals stay away");
    assert_eq!(drive.status(0).retired, 1);
}

#[test]
fn symbols_that_were_named_are_followed_and_no_others() {
    let mut drive = drive(9);
    drive.parts.listing.grows = false;
    drive.start(START);
    let list = vec![instrument("AUSDT", 2, true), instrument("BUSDT", 2, true)];
    assert_eq!(entries_of(&mut drive, list), []);
    assert_eq!(drive.status(0).symbols, 1);
}

/// The closing message of the second that opens at `open`, with so many prints of 1.00 at 5.00.
fn kline(open: Nanos, id: u64, prints: u64, closed: bool) -> String {
    let (from, to, sent) = (open.ms(), open.ms() + 999, open.ms() + 1_100);
    let last = id + prints - 1;
    format!(
        "{{\"e\":\"kline\",\"E\":{sent},\"s\":\"AUSDT\",\"k\":{{\"t\":{from},\"T\":{to},\
         \"s\":\"AUSDT\",\"i\":\"1s\",\"f\":{id},\"L\":{last},\"o\":\"5.00\",\"c\":\"5.00\",\
         \"h\":\"5.00\",\"l\":\"5.00\",\"v\":\"{prints}.00\",\"n\":{prints},\"x\":{closed},\
         \"q\":\"{}.0000\",\"V\":\"0.00\",\"Q\":\"0.0000\",\"B\":\"0\"}}}}",
        5 * prints
    )
}

/// Answers all commands as the venue does; how many there were.
fn acknowledge(drive: &mut Drive<Fake>, socket: Socket, at: Nanos) -> usize {
    let mut answers = 0;
    for command in std::mem::take(&mut drive.ports.commands) {
        if let Command::Send(_, text) = command {
            let id = text.rsplit("\"id\":").next().unwrap().trim_end_matches('}');
            let answer = format!("{{\"result\":null,\"id\":{id}}}");
            drive.take(Event::Frame(socket, at, answer.into()));
            answers += 1;
        }
    }
    answers
}

const PUBLISHED: &str = "intervals = [\"1s\"]\n[reconcile]\nscope = \"all\"\nstream = \"base\"\n";

#[test]
fn a_head_is_not_fetched_once_the_venues_own_candle_stands() {
    for published in [true, false] {
        let mut drive = drive_of(PUBLISHED, 0);
        drive.start(START);
        let socket = drive.socket(0);
        drive.take(Event::Connected(socket, START));
        for tick in 0..40u64 {
            let at = START.plus(tick * 100 * Nanos::PER_MS);
            acknowledge(&mut drive, socket, at);
            match tick {
                3 | 13 | 23 | 33 => {
                    drive.take(Event::Frame(socket, at, frame(70 + tick / 10, at).into()));
                }
                15 if published => {
                    drive.take(Event::Frame(socket, at, kline(START, 69, 2, true).into()));
                }
                _ => {}
            }
            drive.take(Event::Tick { at, full: false });
            drive.step();
        }
        assert!(drive.not_asked() > 0 && drive.ports.jobs.is_empty());
        drive.ports.room = 99;
        drive.step();
        let heads = drive.ports.jobs.iter().filter(|job| matches!(job.wanted, Wanted::Head { .. }));
        assert_eq!((heads.count(), drive.status.spared), if published { (0, 1) } else { (1, 0) });
    }
}

#[test]
fn candles_that_the_venue_publishes_are_asked_for_only_where_that_is_not_enough() {
    let mut drive = drive_of(PUBLISHED, 99);
    drive.start(START);
    let socket = drive.socket(0);
    drive.take(Event::Connected(socket, START));
    let second = |n: u64| START.plus(n * Nanos::PER_SECOND);
    let (mut asked, mut frames) = (Vec::new(), 0);
    for tick in 0..300u64 {
        let at = START.plus(tick * 100 * Nanos::PER_MS);
        let n = tick / 10;
        let mut hear = |text: String| {
            frames += 1;
            drive.take(Event::Frame(socket, at, text.into()));
        };
        match tick % 10 {
            3 => hear(frame(70 + n, at)),
            4 => hear(kline(second(n), 70 + n, 1, false)),
            // The first candle, of which only the end was seen, has two prints at the venue.
            5 if n == 1 => hear(kline(START, 69, 2, true)),
            // One does not come, one is wrong.
            5 if n == 4 => {}
            5 if n == 6 => hear(kline(second(n - 1), 70 + n - 1, 2, true)),
            5 if n > 0 => hear(kline(second(n - 1), 70 + n - 1, 1, true)),
            _ => {}
        }
        frames += acknowledge(&mut drive, socket, at);
        drive.take(Event::Tick { at, full: false });
        drive.step();
        for job in std::mem::take(&mut drive.ports.jobs) {
            if let Wanted::Candles { from, to, .. } = job.wanted {
                asked.push((from, to));
            }
            let end = End::Complete { missing: 0 };
            drive.take(Event::Arrival(Arrival { received: at, news: News::Ended { job, end } }));
        }
    }
    // The first is the venue's word alone until its answer says the same.
    let doubtful = |(from, to): &(Nanos, Nanos)| {
        (second(3) <= *from && *to <= second(6)) || (*from, *to) == (START, second(1))
    };
    assert!(asked.contains(&(second(3), second(6))) && asked[0].0 == START, "{asked:?}");
    assert!(asked.iter().all(doubtful), "{asked:?}");
    assert!(drive.status.spared >= 2, "{}", drive.status.spared);
    let forming = drive.ports.entries.iter().filter(
        |entry| matches!(&entry.body, Kept::Frame(_, text) if text.contains("\"x\":false")),
    );
    assert_eq!(forming.count(), 0);
    let kept = drive.ports.entries.iter().filter(|one| matches!(one.body, Kept::Frame(..)));
    assert_eq!(kept.count(), frames - 30);
    let marks: Vec<Mark> =
        drive.parts.engine.candles(SymbolId(0), 0).iter().map(|one| one.mark).collect();
    assert_eq!(
        marks[..7],
        [Mark::Reconciled; 3]
            .into_iter()
            .chain([Mark::Complete, Mark::Reconciled, Mark::Disputed, Mark::Reconciled])
            .collect::<Vec<_>>()
    );
}
