//! Base rows: what a pulse does to them, and how their candles close.

use bevy_ecs::prelude::*;
use bevy_ecs::query::QueryData;

use crate::awake::Alarm;
use crate::bucket::{Bucket, Edges, Open};
use crate::candle::{Candle, Mark};
use crate::health::Health;
use crate::interval::Interval;
use crate::lane::Lane;
use crate::ledger::Ledger;
use crate::reconcile::Evidence;
use crate::restate::Restated;
use crate::ring::Ring;
use crate::room::Room;
use crate::row::{Absent, Dirty, Front};
use crate::stretches::Stretches;
use crate::units::Nanos;

/// What a base row keeps about its closed candles beside their numbers.
#[derive(Component, Clone, Debug)]
pub struct Series {
    /// The ends of each candle, at the candle's position in the ring.
    pub edges: Lane<Edges>,
    /// Since when trading is halted. Without prints there is no candle in a halt.
    halted: Option<Nanos>,
    /// Halts that are over.
    halts: Stretches,
    /// Open times of candles that late prints changed in this pulse; kept for its memory.
    pub(crate) amended: Vec<Nanos>,
}

impl Series {
    /// A series whose edges match a ring of `capacity`.
    pub fn new(capacity: usize) -> Self {
        let edges = Lane::new(capacity);
        Self { edges, halted: None, halts: Stretches::default(), amended: Vec::new() }
    }

    /// Trading was halted, or resumed, at the venue's time `now`.
    pub fn halt(&mut self, halted: bool, now: Nanos) {
        if halted {
            self.halted.get_or_insert(now);
        } else if let Some(since) = self.halted.take().filter(|&since| since < now) {
            self.halts.remember((since, now.minus(1)));
        }
    }

    fn halted_in(&self, from: Nanos, to: Nanos) -> bool {
        self.halted.is_some_and(|since| since < to) || self.halts.touches(from, to)
    }

    /// Until when trading is halted from `at` on; `at` itself if it is not.
    fn halted_until(&self, at: Nanos) -> Nanos {
        let until = self.halts.end_from(at);
        if self.halted.is_some_and(|since| since <= until) { Nanos(u64::MAX) } else { until }
    }

    /// Whether `[from, to)` needs no candle where it has none: each bucket of `interval` in it was
    /// halted throughout, or was halted for a part and no print of it is missing.
    pub(crate) fn rested(
        &self,
        from: Nanos,
        to: Nanos,
        interval: Interval,
        ledger: &Ledger,
    ) -> bool {
        let mut at = from;
        while at < to {
            let (end, until) = (at.plus(interval.ns()), self.halted_until(at));
            if until < end && (!self.halted_in(at, end) || ledger.incomplete(at, end)) {
                return false;
            }
            at = interval.bucket(until).max(end);
        }
        true
    }
}

/// Everything a base row carries that closing and correcting needs.
#[derive(QueryData)]
#[query_data(mutable)]
pub struct Base {
    pub(crate) health: &'static mut Health,
    pub(crate) open: &'static mut Open,
    pub(crate) series: &'static mut Series,
    pub(crate) ring: &'static mut Ring,
    pub(crate) room: &'static mut Room,
    pub(crate) dirty: &'static mut Dirty,
    pub(crate) absent: &'static mut Absent,
    pub(crate) evidence: &'static mut Evidence,
    front: &'static mut Front,
    alarm: &'static mut Alarm,
}

impl BaseItem<'_, '_> {
    /// Does all that a pulse asks of a base row.
    pub fn settle(&mut self, now: Nanos, grace_ns: u64) {
        self.room.begin(&self.ring);
        // What must not wait comes first: prints are only taken near the candle that closes next.
        self.close_due(now, grace_ns);
        self.apply_late();
        if let Some((after, before)) = self.open.ledger.take_changed() {
            self.remark(after, before);
        }
        self.apply_restatements(now);
        self.close_joint(now);
        *self.front = Front {
            until: self.open.until(),
            started: self.open.started(),
            listening: self.open.ledger.started(),
            forming: !self.open.current.is_empty(),
        };
        *self.alarm = self.next_alarm(grace_ns);
    }

    /// When time alone will close the next candle. Earlier prints of the one after it call.
    fn next_alarm(&self, grace_ns: u64) -> Alarm {
        if !self.open.ledger.started() || !self.open.started() {
            return Alarm::NEVER;
        }
        let end = self.open.current_end(self.ring.interval());
        let early = !self.open.ahead.is_empty() && self.open.ledger.contiguous();
        Alarm { due: if early { end } else { end.plus(grace_ns) }, call: false }
    }

    /// Closes every bucket whose end has passed by `grace_ns`, or whose end has passed and that
    /// can change no more: later prints are there and no id is missing.
    fn close_due(&mut self, now: Nanos, grace_ns: u64) {
        if !self.open.ledger.started() {
            return;
        }
        // What waits for its grace is not a break.
        self.leap(now.minus(grace_ns));
        while self.open.started() {
            let end = self.open.current_end(self.ring.interval());
            let surely_final = !self.open.ahead.is_empty() && self.open.ledger.contiguous();
            let due = now >= end.plus(grace_ns) || (now >= end && surely_final);
            if !due || !self.room.take(&self.ring) {
                return;
            }
            let bucket = self.open.close(self.ring.interval());
            self.close_one(&bucket);
        }
    }

    /// After a break longer than the ring, nobody knows what lies between: the open bucket ends as
    /// a gap, and the series goes on at the present without filling anything.
    fn leap(&mut self, now: Nanos) {
        let interval = self.ring.interval();
        let silence = now.0.saturating_sub(self.open.current_end(self.ring.interval()).0);
        let far = silence / interval.ns() > self.room.lookback(&self.ring);
        if !self.open.started() || !far || !self.room.take(&self.ring) {
            return;
        }
        let previous = interval.bucket(now.minus(interval.ns()));
        let (mut room, since, silent) = (true, self.open.until(), self.open.current.is_empty());
        while room && let Some(mut bucket) = self.open.take_before(previous) {
            bucket.edges.lossy = true;
            self.close_one(&bucket);
            room = self.room.take(&self.ring);
        }
        let next = self.open.ahead.first().map_or(now, |bucket| bucket.candle.open_time.min(now));
        if silent && self.ring.end() > 0 && !self.rested(since) {
            // Nothing else would tell of the break.
            self.absent.put(since, self.ring.capacity());
        }
        // Without room for all, the rest of the break is leapt over in the next pulse.
        self.open.start_at(interval.bucket(if room { next.max(previous) } else { next }));
    }

    fn close_one(&mut self, bucket: &Bucket) {
        let mut candle = bucket.candle;
        if bucket.is_empty() {
            if bucket.edges.lossy {
                // Its only prints could not be added.
                self.open.ledger.lose(candle.open_time);
            } else if self.rested(candle.open_time) {
                return;
            }
            if self.incomplete(candle.open_time) {
                self.absent.put(candle.open_time, self.ring.capacity());
                return;
            }
            let Some(previous) = self.ring.newest() else { return };
            candle = Candle::quiet(candle.open_time, previous.close);
        }
        candle.mark = self.mark_of(&candle, &bucket.edges);
        self.append(&candle, bucket.edges);
    }

    pub(crate) fn append(&mut self, candle: &Candle, edges: Edges) {
        self.dirty.numbers(self.ring.end());
        self.ring.push(candle);
        self.series.edges.push(edges);
    }

    pub(crate) fn edges_at(&self, position: u64) -> Edges {
        self.series.edges.get(position).copied().unwrap_or_default()
    }

    pub(crate) fn incomplete(&self, open_time: Nanos) -> bool {
        self.open.ledger.incomplete(open_time, open_time.plus(self.ring.interval().ns()))
    }

    /// Whether the minute that opens at `open_time` needs no candle if it has no print.
    pub(crate) fn rested(&self, open_time: Nanos) -> bool {
        let interval = self.ring.interval();
        let end = open_time.plus(interval.ns());
        self.series.rested(open_time, end, interval, &self.open.ledger)
    }

    /// What is known about a candle from the ledger and from its prints.
    pub(crate) fn mark_of(&self, candle: &Candle, edges: &Edges) -> Mark {
        let end = candle.open_time.plus(self.ring.interval().ns());
        let began = self.open.ledger.began();
        if edges.lossy || self.incomplete(candle.open_time) {
            Mark::Gap
        } else if candle.trades == 0 {
            Mark::Quiet
        } else if began.0 > 0 && candle.open_time <= began && began < end {
            Mark::HeadPartial
        } else if candle.revision > 0 {
            Mark::Amended
        } else {
            Mark::Complete
        }
    }
}
