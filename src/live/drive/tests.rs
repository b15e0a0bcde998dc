//! A drive without sockets, worker or recorder: what goes in, and what comes out where.

use systems::symbol::SymbolSpec;
use systems::units::Scale;

use super::*;
use crate::config::Config;
use crate::rest::arrival::End;
use crate::settings::settings;
use crate::symbols::Symbols;
use crate::venue::Venue;
use crate::venue::link::Streams;

/// Keeps everything; has room for so many jobs.
#[derive(Default)]
struct Fake {
    commands: Vec<Command>,
    jobs: Vec<Job>,
    room: usize,
    entries: Vec<Recorded>,
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
}

const START: Nanos = Nanos::from_seconds(1_723_161_600);

fn drive(room: usize) -> Drive<Fake> {
    let config = Config::parse("here", "intervals = [\"1s\"]").unwrap();
    let told = settings(&config);
    let scale = Scale::exact(2);
    let spec = SymbolSpec { name: "AUSDT".into(), price: scale, quantity: scale };
    let symbols = Symbols::new(vec![spec]).unwrap();
    let streams = Streams::prints(Channel::AggregateTrades);
    let venue = Venue::BinanceSpot;
    let plan = Plan::new(venue, streams, &symbols, &[SymbolId(0)], &[]).unwrap();
    let mut fleet = Fleet::new(&plan, Some("ws://here"), 1);
    fleet.server_time(START, START, START);
    let engine = Engine::new(&told, symbols.specs(), 1).unwrap();
    let session = Session::new(symbols, told.intervals.clone(), venue.name());
    let outputs = Outputs::new(vec![10], false);
    let (intervals, candles) = (told.intervals, Priority::Suspect);
    let (jobs, earlier) = (Vec::new(), CaughtUp::default());
    let parts = Parts { plan, fleet, session, engine, outputs, intervals, candles, jobs, earlier };
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
    assert_eq!((drive.status.prints, drive.ports.jobs.len(), drive.waiting.len()), (2, 0, 1));
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
