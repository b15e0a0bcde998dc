//! When what is measured, and for how many it stands.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use systems::interval::Interval;

use super::*;

const BASE: Interval = match Interval::new(60) {
    Some(base) => base,
    None => unreachable!(),
};

/// A meter whose clock passes 100 ns each time it is asked, and how often that was.
fn meter(every: u32) -> (Meter, Arc<AtomicU64>) {
    let asked = Arc::new(AtomicU64::new(1));
    let own = asked.clone();
    let now = move || Nanos(own.fetch_add(1, Ordering::Relaxed) * 100);
    (Meter::new(Arc::new(now), Boundary::of(BASE, 0), every, 200), asked)
}

fn counts(meter: &mut Meter) -> Vec<(Stage, Kind, u64)> {
    let sheet = meter.turn(Sheet::default());
    let cells = sheet.cells();
    cells.map(|((stage, kind, _), cell)| (stage, kind, cell.count())).collect()
}

fn step(meter: &mut Meter, kinds: &[Kind]) -> bool {
    step_at(Nanos::from_seconds(30), meter, kinds)
}

/// A step whose heartbeats, if there are any, say that it is so late in the market.
fn step_at(at: Nanos, meter: &mut Meter, kinds: &[Kind]) -> bool {
    meter.drained();
    for kind in kinds {
        meter.begin();
        match kind {
            Kind::Heartbeat => meter.beat(at, Nanos(1), Nanos(1)),
            kind => meter.decoded(|| *kind, Nanos(1), Nanos(1)),
        }
    }
    let timed = meter.entered();
    let spent = Spent { ns: [7; 6], ran: [true, false, false, false, false, false] };
    meter.stepped(|| (spent, at));
    timed
}

#[test]
fn one_small_step_in_so_many_is_timed_and_counts_for_the_others() {
    let (mut meter, asked) = meter(4);
    let timed = (0..16).filter(|_| step(&mut meter, &[Kind::Trade])).count();
    assert_eq!(timed, 4);
    assert!(!step(&mut meter, &[]), "nothing to measure");
    // The last three wait for the next one that is timed.
    let inner = [Stage::Inbox, Stage::Decode, Stage::Gather, Stage::Ingest, Stage::Service];
    let mut found = counts(&mut meter);
    found.retain(|(_, kind, _)| *kind == Kind::Trade);
    let own = inner.into_iter().chain([Stage::Response]);
    assert_eq!(found, own.map(|stage| (stage, Kind::Trade, 13)).collect::<Vec<_>>());
    // Of four steps where an event begins and is decoded, where it enters and where it ends.
    assert_eq!(asked.load(Ordering::Relaxed) - 1, 4 * 4);
}

#[test]
fn steps_that_close_candles_are_always_timed_and_others_that_move_time_now_and_then() {
    let (mut meter, _) = meter(1_000);
    assert!(step(&mut meter, &[Kind::Trade]), "the first");
    assert!(!step(&mut meter, &[Kind::Trade]));
    let timed = |meter: &mut Meter, seconds: std::ops::Range<u64>| {
        let at = seconds.map(Nanos::from_seconds);
        at.filter(|at| step_at(*at, meter, &[Kind::Trade, Kind::Heartbeat])).collect::<Vec<_>>()
    };
    let each: Vec<_> = (10..27).step_by(BEATS as usize).map(Nanos::from_seconds).collect();
    assert_eq!(timed(&mut meter, 10..27), each);
    counts(&mut meter);
    assert_eq!(timed(&mut meter, 58..62), [60].map(Nanos::from_seconds));
    let found = counts(&mut meter);
    let one = |stage, kind| found.iter().find(|it| (it.0, it.1) == (stage, kind)).unwrap().2;
    assert_eq!(one(Stage::Response, Kind::Trade), 1);
    assert_eq!(one(Stage::Ingest, Kind::Heartbeat), 1);
    // One in so many stands for the others.
    timed(&mut meter, 70..86);
    let found = counts(&mut meter);
    let one = |stage, kind| found.iter().find(|it| (it.0, it.1) == (stage, kind)).unwrap().2;
    assert_eq!(one(Stage::Response, Kind::Trade), 16);
    assert_eq!(one(Stage::Ingest, Kind::Heartbeat), 16);
    assert_eq!(one(Stage::StepLength, Kind::All), 16);
}

#[test]
fn the_response_of_steps_that_are_not_small_stands_for_each_of_their_events() {
    let (mut meter, asked) = meter(1_000);
    step(&mut meter, &[Kind::Trade]);
    counts(&mut meter);
    let begun = asked.load(Ordering::Relaxed);
    const MANY: usize = THIN as usize;
    let mut kinds = vec![Kind::Trade; MANY + 11];
    kinds[MANY] = Kind::Candle;
    assert!(!step(&mut meter, &kinds));
    assert_eq!(asked.load(Ordering::Relaxed) - begun, 1, "at the end");
    let response = |kind, count| (Stage::Response, kind, count);
    let half = (u64::from(THIN) + 11) / 2;
    let both = [response(Kind::Trade, half), response(Kind::Candle, half + 1)];
    assert_eq!(counts(&mut meter), both);
    // Of a timed step the first few stand for the rest, and for the events before.
    step_at(Nanos::from_seconds(120), &mut meter, &[Kind::Heartbeat]);
    counts(&mut meter);
    assert!(step(&mut meter, &[Kind::Trade; MANY + 30]));
    let (all, own) = (2 * u64::from(THIN) + 41, u64::from(THIN) + 30);
    let stages = [Stage::Inbox, Stage::Decode, Stage::Gather, Stage::Service];
    let mut expected: Vec<_> = stages.map(|stage| (stage, Kind::Trade, all)).into();
    expected.insert(3, (Stage::Ingest, Kind::Trade, 2 * own));
    expected.push((Stage::Response, Kind::Trade, own));
    expected.extend([Stage::StepLength, Stage::StepSize].map(|stage| (stage, Kind::All, 2)));
    assert_eq!(counts(&mut meter), expected);
    // A step of fewer does not tell it.
    step(&mut meter, &[Kind::Trade; MANY - 1]);
    assert_eq!(counts(&mut meter), []);
}

#[test]
fn spans_are_the_machines_whatever_the_speed_of_the_clock() {
    let (meter, _) = meter(1);
    let mut meter = meter.at_speed(20.0);
    meter.decoded(|| Kind::Trade, Nanos(0), Nanos(0));
    meter.entered();
    meter.stepped(|| (Spent { ns: [2_000; 6], ran: [true; 6] }, Nanos(0)));
    let sheet = meter.turn(Sheet::default());
    let at = |stage| {
        let cell = sheet.cells().find(|((own, ..), _)| *own == stage);
        cell.map(|(_, cell)| cell.max())
    };
    assert_eq!((at(Stage::Ingest), at(Stage::Response)), (Some(100), Some(15)));
}

#[test]
fn indicators_are_updated_when_their_stage_is_over_and_closes_count_from_their_heartbeat() {
    let (mut meter, _) = meter(1);
    let minute = Nanos::from_seconds(60);
    meter.drained();
    meter.begin();
    meter.decoded(|| Kind::Trade, Nanos(1), Nanos(50));
    meter.beat(minute.plus(700), Nanos(1), Nanos(60));
    // The fourth look at the clock.
    meter.entered();
    // The fifth.
    meter.closed(minute, minute.plus(700), 3);
    let spent = Spent { ns: [1_000, 200, 300, 9_000, 9_000, 9_000], ran: [true; 6] };
    meter.stepped(|| (spent, minute));
    let sheet = meter.turn(Sheet::default());
    let at = |stage, kind| {
        let cell = sheet.cells().find(|((own, of, _), _)| (*own, *of) == (stage, kind));
        cell.map(|(_, cell)| (cell.max(), cell.count()))
    };
    assert_eq!(at(Stage::Updated, Kind::Trade), Some((400 + 1_500 - 50, 1)));
    assert_eq!(at(Stage::Closing, Kind::All), Some((500 - 60, 3)));
    assert_eq!(at(Stage::CloseDelay, Kind::All), Some((700 + 500 - 60, 3)));
}
