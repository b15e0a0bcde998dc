//! What is missing or unproven becomes requests: one per row and kind, so the queue cannot grow
//! beyond the rows there are, and ranges merge instead of piling up.

use core::cmp::Reverse;
use std::collections::BinaryHeap;

use bevy_ecs::prelude::*;

use crate::awake::Awake;
use crate::base::Series;
use crate::bucket::Open;
use crate::candle::{Candle, Mark};
use crate::dispatch::{Outbox, Request};
use crate::ingest::Inbox;
use crate::ledger::Gap;
use crate::ring::Ring;
use crate::row::{Absent, Dirty, Row};
use crate::settings::{Scope, Settings};
use crate::trade::SymbolId;
use crate::units::Nanos;

/// What one row would like to have fetched.
#[derive(Component, Clone, Copy, Debug, Default)]
pub struct Wants {
    /// Candles in `[from, to)`, and whether any of them is suspect.
    candles: Option<(Nanos, Nanos, bool)>,
    /// Since when they have been wanted.
    since: Nanos,
    /// Whether a request by id, or for candles, is under way.
    asked: (bool, bool),
    /// The gap that was asked for last.
    last_ids: Option<Asked>,
    /// The row's places in the queue, by id and for candles.
    places: [Option<Place>; 2],
}

/// A gap that was asked for. Gaps take turns, in rounds over those known when a round begins.
#[derive(Clone, Copy, Debug)]
struct Asked {
    /// Its last id.
    to_id: u64,
    /// The last id of the newest gap of the round.
    round_to_id: u64,
    /// When: asked for again, it stands behind others.
    at: Nanos,
}

impl Wants {
    /// A request was answered or failed: whether there was one, whose place is free again.
    pub fn done(&mut self, candles: bool) -> bool {
        let asked = if candles { &mut self.asked.1 } else { &mut self.asked.0 };
        core::mem::take(asked)
    }

    fn want_candles(&mut self, from: Nanos, to: Nanos, suspect: bool, now: Nanos) {
        let known = self.candles.unwrap_or((from, to, suspect));
        if self.candles.is_none() {
            self.since = now;
        }
        self.candles = Some((known.0.min(from), known.1.max(to), known.2 || suspect));
    }

    /// The gap to ask for: one that cannot be filled does not hold up those behind it, nor do those
    /// that open meanwhile keep it from being asked for again.
    fn next_gap<'a>(&self, open: &'a Open) -> Option<&'a Gap> {
        let gaps = open.ledger.gaps();
        let behind = self.last_ids.and_then(|asked| {
            let next = gaps.get(gaps.partition_point(|gap| gap.to_id <= asked.to_id))?;
            (next.to_id <= asked.round_to_id).then_some(next)
        });
        behind.or(gaps.first())
    }

    /// The places that the row should have in the queue now.
    fn wanted(&self, row: &Row, entity: Entity, open: Option<&Open>) -> [Option<Place>; 2] {
        let place = |class, since| (class, since, row.interval, row.symbol, entity);
        let gap = open.and_then(|open| self.next_gap(open)).filter(|_| !self.asked.0);
        let candles = self.candles.filter(|_| !self.asked.1);
        // What was passed over once has been asked for before, with no effect.
        let since = |gap: &Gap| match self.last_ids {
            Some(asked) if gap.to_id <= asked.to_id => asked.at.max(gap.before),
            _ => gap.before,
        };
        [
            gap.map(|gap| place(Class::Ids, since(gap))),
            candles.map(|(_, _, suspect)| {
                place(if suspect { Class::Suspect } else { Class::Routine }, self.since)
            }),
        ]
    }
}

/// How urgent a request is: by id before candles, suspect candles first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Class {
    Ids,
    Suspect,
    Routine,
}

/// A place in the queue, most urgent first: within a class the oldest, then by row, so that no
/// symbol waits behind another's pile. Ids whose request had no effect are as old as that request.
type Place = (Class, Nanos, u8, SymbolId, Entity);

/// What waits to be asked for: one place per row and kind. Places that a row has given up are left
/// in their heap until they come to its top, or are too many.
#[derive(Resource, Debug, Default)]
pub struct Queue {
    /// By id, and for candles.
    heaps: [BinaryHeap<Reverse<Place>>; 2],
    /// Places that rows still have, by heap.
    held: [usize; 2],
    state: QueueState,
}

/// The state of the request queue, for people to see.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct QueueState {
    /// Requests under way.
    pub under_way: usize,
    /// Requests waiting for a place, or for their gap to be old enough.
    pub waiting: usize,
    /// The most that ever waited.
    pub waiting_max: usize,
    /// Requests handed out since the start.
    pub handed_out: u64,
}

impl Queue {
    /// How it stands.
    pub fn state(&self) -> QueueState {
        self.state
    }

    /// A request that was under way was answered or failed.
    pub fn answered(&mut self) {
        self.state.under_way -= 1;
    }

    /// Gives a row the places that it should have now.
    fn enlist(&mut self, row: &Row, entity: Entity, open: Option<&Open>, wants: &mut Wants) {
        let wanted = wants.wanted(row, entity, open);
        for (kind, wanted) in wanted.into_iter().enumerate() {
            let place = &mut wants.places[kind];
            if *place != wanted {
                self.held[kind] -= usize::from(place.is_some());
                self.held[kind] += usize::from(wanted.is_some());
                self.heaps[kind].extend(wanted.map(Reverse));
                *place = wanted;
            }
        }
    }

    /// Takes the most urgent place whose time has come: a gap may still be filled by prints that
    /// are merely out of order. `holds` says whether a row still has a place.
    fn pop(&mut self, ripe_before: Nanos, holds: impl Fn(&Place, usize) -> bool) -> Option<Place> {
        // However many ids are missing, every fourth request is for candles if any waits.
        let first = if self.state.handed_out % 4 == 3 { CANDLES } else { IDS };
        for kind in [first, 1 - first] {
            let heap = &mut self.heaps[kind];
            while let Some(Reverse(place)) = heap.peek().copied() {
                let held = holds(&place, kind);
                if held && kind == IDS && place.1 > ripe_before {
                    break;
                }
                heap.pop();
                if held {
                    return Some(place);
                }
            }
        }
        None
    }

    /// Forgets places that rows have given up, where they are most of a heap.
    fn shrink(&mut self, holds: impl Fn(&Place, usize) -> bool) {
        for kind in [IDS, CANDLES] {
            if self.heaps[kind].len() > 2 * self.held[kind] + HEAP_SLACK {
                self.heaps[kind].retain(|Reverse(place)| holds(place, kind));
            }
        }
    }
}

/// Index of requests by id among the heaps, and among a row's places.
const IDS: usize = 0;
/// Index of requests for candles.
const CANDLES: usize = 1;
/// Places given up that a heap may always hold: fewer are not worth a search.
const HEAP_SLACK: usize = 64;

/// Notes candles to be checked, by the configured scope.
pub fn want(
    inbox: Res<Inbox>,
    awake: Res<Awake>,
    settings: Res<Settings>,
    mut rows: Query<(&Ring, Option<&Series>, &Dirty, &Absent, &mut Wants)>,
) {
    if settings.scope == Scope::Off {
        return;
    }
    let mut rows = rows.iter_many_mut(awake.rows());
    while let Some(row) = rows.fetch_next() {
        let Ok((ring, series, dirty, absent, mut wants)) = row else { continue };
        let interval = ring.interval().ns();
        for position in dirty.from().unwrap_or(ring.end())..ring.end() {
            let Some(candle) = ring.get(position) else { continue };
            let edges = series.and_then(|series| series.edges.get(position));
            let suspect = is_suspect(&candle, edges.is_some_and(|edges| edges.fetched));
            let proven = candle.mark == Mark::Reconciled;
            if suspect || (settings.scope == Scope::All && !proven) {
                let end = candle.open_time.plus(interval);
                wants.want_candles(candle.open_time, end, suspect, inbox.now);
            }
        }
        for &open_time in absent.fresh() {
            wants.want_candles(open_time, open_time.plus(interval), true, inbox.now);
        }
    }
}

fn is_suspect(candle: &Candle, fetched: bool) -> bool {
    match candle.mark {
        Mark::Gap | Mark::HeadPartial => true,
        Mark::Complete | Mark::Amended => fetched,
        Mark::Quiet | Mark::Reconciled | Mark::Disputed => false,
    }
}

/// Hands out the most urgent wants while there is room.
pub fn hand_out_requests(
    inbox: Res<Inbox>,
    awake: Res<Awake>,
    settings: Res<Settings>,
    mut queue: ResMut<Queue>,
    mut outbox: ResMut<Outbox>,
    mut rows: Query<(&Row, Option<&Open>, &mut Wants)>,
) {
    // The last to write into the outbox, in every pulse.
    outbox.at = inbox.now;
    if settings.scope == Scope::Off {
        return;
    }
    for &entity in awake.rows() {
        if let Ok((row, open, mut wants)) = rows.get_mut(entity) {
            queue.enlist(row, entity, open, &mut wants);
        }
    }
    let ripe_before = inbox.now.minus(settings.grace_ns);
    while queue.state.under_way < settings.requests_max {
        let holds = |place: &Place, kind: usize| {
            rows.get(place.4).is_ok_and(|(_, _, wants)| wants.places[kind] == Some(*place))
        };
        let Some(place) = queue.pop(ripe_before, holds) else { break };
        let Ok((row, open, mut wants)) = rows.get_mut(place.4) else { continue };
        outbox.requests.extend(take(place.0, row, open, &mut wants, inbox.now));
        queue.state.under_way += 1;
        queue.state.handed_out += 1;
        queue.enlist(row, place.4, open, &mut wants);
    }
    queue.shrink(|place, kind| {
        rows.get(place.4).is_ok_and(|(_, _, wants)| wants.places[kind] == Some(*place))
    });
    queue.state.waiting = queue.held.iter().sum();
    queue.state.waiting_max = queue.state.waiting_max.max(queue.state.waiting);
}

fn take(
    class: Class,
    row: &Row,
    open: Option<&Open>,
    wants: &mut Wants,
    now: Nanos,
) -> Option<Request> {
    let symbol = row.symbol;
    if class == Class::Ids {
        let gap = wants.next_gap(open?)?;
        wants.asked.0 = true;
        let newest = open?.ledger.gaps().last()?.to_id;
        let round = wants.last_ids.filter(|asked| asked.to_id < gap.to_id);
        let round_to_id = round.map_or(newest, |asked| asked.round_to_id.max(gap.to_id));
        wants.last_ids = Some(Asked { to_id: gap.to_id, round_to_id, at: now });
        return Some(Request::Ids { symbol, from_id: gap.from_id, to_id: gap.to_id });
    }
    let (from, to, _) = wants.candles.take()?;
    wants.asked.1 = true;
    Some(Request::Candles { symbol, interval: row.interval, from, to })
}
