//! What is missing or unproven becomes requests: one per row and kind, so the queue cannot grow
//! beyond the rows there are, and ranges merge instead of piling up.

use bevy_ecs::prelude::*;

use crate::candle::{Candle, Mark};
use crate::dispatch::{Outbox, Request};
use crate::ingest::Inbox;
use crate::ledger::Ledger;
use crate::ring::Ring;
use crate::row::{Absent, Activity, Dirty, Row};
use crate::settings::{Scope, Settings};
use crate::units::Nanos;

/// What one row would like to have fetched.
#[derive(Component, Clone, Copy, Debug, Default)]
pub struct Wants {
    /// Candles in `[from, to)`, and whether any of them is suspect.
    candles: Option<(Nanos, Nanos, bool)>,
    /// Since when each kind has been wanted.
    since: Nanos,
    /// Whether a request by id, or for candles, is under way.
    asked: (bool, bool),
}

impl Wants {
    /// A request was answered or failed: its place is free again.
    pub fn done(&mut self, candles: bool) {
        if candles { self.asked.1 = false } else { self.asked.0 = false }
    }

    fn want_candles(&mut self, from: Nanos, to: Nanos, suspect: bool, now: Nanos) {
        let known = self.candles.unwrap_or((from, to, suspect));
        if self.candles.is_none() {
            self.since = now;
        }
        self.candles = Some((known.0.min(from), known.1.max(to), known.2 || suspect));
    }
}

/// The state of the request queue, for people to see.
#[derive(Resource, Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Queue {
    /// Requests under way.
    pub under_way: usize,
    /// Requests waiting for a place.
    pub waiting: usize,
    /// The most that ever waited.
    pub waiting_max: usize,
    /// Requests handed out since the start.
    pub handed_out: u64,
}

/// Notes candles to be checked, by the configured scope.
pub fn want(
    inbox: Res<Inbox>,
    settings: Res<Settings>,
    mut rows: Query<(&Ring, &Dirty, &Absent, &mut Wants)>,
) {
    if settings.scope == Scope::Off {
        return;
    }
    for (ring, dirty, absent, mut wants) in &mut rows {
        let interval = ring.interval().ns();
        for position in dirty.from().unwrap_or(ring.end())..ring.end() {
            let Some(candle) = ring.get(position) else { continue };
            let suspect = is_suspect(&candle);
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

fn is_suspect(candle: &Candle) -> bool {
    matches!(candle.mark, Mark::Gap | Mark::HeadPartial)
}

/// Hands out the most urgent wants while there is room: by id before candles, suspect first, then
/// the oldest, then by row, so that no symbol waits behind another's pile.
pub fn hand_out_requests(
    inbox: Res<Inbox>,
    settings: Res<Settings>,
    activity: Res<Activity>,
    mut queue: ResMut<Queue>,
    mut outbox: ResMut<Outbox>,
    mut rows: Query<(Entity, &Row, Option<&Ledger>, &mut Wants)>,
) {
    if settings.scope == Scope::Off {
        return;
    }
    let (mut waiting, mut under_way) = (Vec::new(), 0);
    for (entity, row, ledger, wants) in &rows {
        under_way += usize::from(wants.asked.0) + usize::from(wants.asked.1);
        let old = |before: Nanos| before.plus(settings.grace_ns) <= inbox.now;
        let gap = ledger.and_then(|ledger| ledger.gaps().first());
        if gap.is_some_and(|gap| !old(gap.before)) {
            // It ripens by time alone.
            activity.note_for_next();
        }
        let gap = gap.filter(|gap| old(gap.before));
        if let Some(gap) = gap.filter(|_| !wants.asked.0) {
            waiting.push((0u8, gap.before, row.interval, row.symbol, entity));
        }
        if let Some((_, _, suspect)) = wants.candles.filter(|_| !wants.asked.1) {
            let class = if suspect { 1 } else { 2 };
            waiting.push((class, wants.since, row.interval, row.symbol, entity));
        }
    }
    // What finds no room waits for an answer, which stirs the row again.
    waiting.sort_unstable();
    let room = settings.requests_max.saturating_sub(under_way).min(waiting.len());
    for &(class, _, _, _, entity) in &waiting[..room] {
        let Ok((_, row, ledger, mut wants)) = rows.get_mut(entity) else { continue };
        outbox.requests.extend(take(class, row, ledger, &mut wants));
    }
    queue.under_way = under_way + room;
    queue.waiting = waiting.len() - room;
    queue.waiting_max = queue.waiting_max.max(queue.waiting);
    queue.handed_out += room as u64;
}

fn take(class: u8, row: &Row, ledger: Option<&Ledger>, wants: &mut Wants) -> Option<Request> {
    let symbol = row.symbol;
    if class == 0 {
        let gap = ledger?.gaps().first()?;
        wants.asked.0 = true;
        return Some(Request::Ids { symbol, from_id: gap.from_id, to_id: gap.to_id });
    }
    let (from, to, _) = wants.candles.take()?;
    wants.asked.1 = true;
    Some(Request::Candles { symbol, interval: row.interval, from, to })
}
