//! Base rows: closing candles, and changing closed ones when prints or the venue say so.

use bevy_ecs::prelude::*;
use bevy_ecs::query::QueryData;

use crate::awake::Alarm;
use crate::bucket::{Bucket, Edges, Open, reopen};
use crate::candle::{Candle, Mark};
use crate::health::{Health, Reject};
use crate::lane::Lane;
use crate::reconcile::{Evidence, Restatement};
use crate::ring::Ring;
use crate::row::{Absent, Dirty, Front};
use crate::trade::Trade;
use crate::units::Nanos;

/// What a base row keeps about its closed candles beside their numbers.
#[derive(Component, Clone, Debug)]
pub struct Series {
    /// The ends of each candle, at the candle's position in the ring.
    pub edges: Lane<Edges>,
    /// The last stretch in which trading was halted: without prints there is no candle in it.
    halt: Option<(Nanos, Nanos)>,
    /// Positions at the old end of the ring that corrections may not touch, because indicators
    /// and longer intervals could no longer be folded again from there.
    pub margin: u64,
    /// Open times of candles that late prints changed in this pulse; kept for its memory.
    amended: Vec<Nanos>,
}

impl Series {
    /// A series whose edges match a ring of `capacity`.
    pub fn new(capacity: usize, margin: usize) -> Self {
        let edges = Lane::new(capacity);
        Self { edges, halt: None, margin: margin as u64, amended: Vec::new() }
    }

    /// Trading was halted, or resumed, at the venue's time `now`.
    pub fn halt(&mut self, halted: bool, now: Nanos) {
        self.halt = match (halted, self.halt) {
            (true, Some((since, Nanos(u64::MAX)))) => Some((since, Nanos(u64::MAX))),
            (true, _) => Some((now, Nanos(u64::MAX))),
            (false, halt) => halt.map(|(since, until)| (since, until.min(now))),
        };
    }

    fn halted_in(&self, from: Nanos, to: Nanos) -> bool {
        self.halt.is_some_and(|(since, until)| since < to && from < until)
    }
}

/// Everything a base row carries that closing and correcting needs.
#[derive(QueryData)]
#[query_data(mutable)]
pub struct Base {
    health: &'static mut Health,
    open: &'static mut Open,
    series: &'static mut Series,
    ring: &'static mut Ring,
    dirty: &'static mut Dirty,
    absent: &'static mut Absent,
    evidence: &'static mut Evidence,
    front: &'static mut Front,
    alarm: &'static mut Alarm,
}

impl BaseItem<'_, '_> {
    /// Does all that a pulse asks of a base row.
    pub fn settle(&mut self, now: Nanos, grace_ns: u64) {
        self.apply_restatements();
        self.close_due(now, grace_ns);
        if !self.open.late.is_empty() {
            self.apply_late();
        }
        if let Some((after, before)) = self.open.ledger.take_changed() {
            self.remark(after, before);
        }
        self.dirty.forget_before(self.ring.start());
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
            if now < end || (now < end.plus(grace_ns) && !surely_final) {
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
        let kept = self.ring.capacity() as u64 - self.series.margin;
        if !self.open.started() || silence / interval.ns() <= kept {
            return;
        }
        let before = interval.bucket(now.minus(interval.ns()));
        while let Some(mut bucket) = self.open.take_before(before) {
            bucket.edges.lossy = true;
            self.close_one(&bucket);
        }
        let next = self.open.ahead.first().map_or(now, |bucket| bucket.candle.open_time.min(now));
        self.open.start_at(interval.bucket(next.max(now.minus(interval.ns()))));
    }

    fn close_one(&mut self, bucket: &Bucket) {
        let mut candle = bucket.candle;
        if bucket.is_empty() {
            let end = candle.open_time.plus(self.ring.interval().ns());
            if self.series.halted_in(candle.open_time, end) {
                return;
            }
            if self.incomplete(candle.open_time) {
                self.absent.push(candle.open_time, self.ring.capacity());
                return;
            }
            let Some(previous) = self.ring.newest() else { return };
            candle = Candle::quiet(candle.open_time, previous.close);
        }
        candle.mark = self.mark_of(&candle, &bucket.edges);
        self.append(&candle, bucket.edges);
    }

    fn append(&mut self, candle: &Candle, edges: Edges) {
        self.dirty.numbers(self.ring.end());
        self.ring.push(candle);
        self.series.edges.push(edges);
    }

    fn edges_at(&self, position: u64) -> Edges {
        self.series.edges.get(position).copied().unwrap_or_default()
    }

    fn incomplete(&self, open_time: Nanos) -> bool {
        self.open.ledger.incomplete(open_time, open_time.plus(self.ring.interval().ns()))
    }

    /// What is known about a candle from the ledger and from its prints.
    fn mark_of(&self, candle: &Candle, edges: &Edges) -> Mark {
        let end = candle.open_time.plus(self.ring.interval().ns());
        let first = self.open.ledger.first_time();
        if edges.lossy || self.incomplete(candle.open_time) {
            Mark::Gap
        } else if candle.trades == 0 {
            Mark::Quiet
        } else if candle.open_time <= first
            && first < end
            && !self.open.ledger.from_the_very_first()
        {
            Mark::HeadPartial
        } else if candle.revision > 0 {
            Mark::Amended
        } else {
            Mark::Complete
        }
    }

    /// Whether a candle at `position` can be changed with everything that follows from it.
    fn correctable(&self, position: u64) -> bool {
        self.ring.start() == 0 || position >= self.ring.start() + self.series.margin
    }

    /// Folds prints that came after their candle had closed.
    fn apply_late(&mut self) {
        for index in 0..self.open.late.len() {
            let trade = self.open.late[index];
            match self.amend(&trade) {
                Ok(()) => {
                    self.open.folded += 1;
                    self.health.late += 1;
                }
                Err(cause) => self.health.reject(cause),
            }
        }
        self.open.late.clear();
        let mut amended = core::mem::take(&mut self.series.amended);
        for open_time in amended.drain(..) {
            self.revise(open_time);
        }
        self.series.amended = amended;
    }

    fn amend(&mut self, trade: &Trade) -> Result<(), Reject> {
        let open_time = self.ring.interval().bucket(trade.time);
        let found = self.ring.find(open_time);
        let (Ok(position) | Err(position)) = found;
        if found.is_err() && position == self.ring.start() {
            return Err(Reject::BeforeStart);
        }
        if !self.correctable(position) {
            return Err(Reject::TooOld);
        }
        let mut bucket = Bucket::empty(open_time);
        if found.is_ok() {
            let candle = self.ring.get(position).unwrap_or(bucket.candle);
            let edges = self.edges_at(position);
            if edges.sealed {
                return Err(Reject::Sealed);
            }
            bucket = reopen(candle, edges);
        }
        if let Err(cause) = bucket.fold(trade) {
            self.mark_lossy(open_time);
            return Err(cause);
        }
        if found.is_ok() {
            self.replace(position, &bucket.candle, bucket.edges);
        } else {
            self.insert(position, &bucket.candle, bucket.edges);
        }
        if !self.series.amended.contains(&open_time) {
            self.series.amended.push(open_time);
        }
        Ok(())
    }

    /// A print could not be added to a closed candle: it is not complete whatever the ids say.
    fn mark_lossy(&mut self, open_time: Nanos) {
        if let Ok(position) = self.ring.find(open_time)
            && let Some(edges) = self.series.edges.get_mut(position)
        {
            edges.lossy = true;
            self.ring.set_mark(position, Mark::Gap);
            self.dirty.mark(position);
        }
    }

    /// One more revision of a candle whose numbers changed in this pulse.
    fn revise(&mut self, open_time: Nanos) {
        let Ok(position) = self.ring.find(open_time) else { return };
        let Some(mut candle) = self.ring.get(position) else { return };
        candle.revision = candle.revision.saturating_add(1);
        candle.mark = self.mark_of(&candle, &self.edges_at(position));
        self.ring.set(position, &candle);
        self.flatten_after(position, &candle);
    }

    fn replace(&mut self, position: u64, candle: &Candle, edges: Edges) {
        self.ring.set(position, candle);
        if let Some(known) = self.series.edges.get_mut(position) {
            *known = edges;
        }
        self.dirty.numbers(position);
    }

    fn insert(&mut self, position: u64, candle: &Candle, edges: Edges) {
        self.absent.remove(candle.open_time);
        self.ring.insert(position, candle);
        self.series.edges.insert(position, edges);
        self.dirty.numbers(position);
        self.dirty.inserted(position);
    }

    /// Quiet candles are flat at the close before them: moves them when that close moved.
    fn flatten_after(&mut self, position: u64, candle: &Candle) {
        let mut next = position + 1;
        while let Some(quiet) = self.ring.get(next).filter(|quiet| quiet.trades == 0) {
            let edges = self.edges_at(next);
            if edges.sealed || quiet.close == candle.close {
                return;
            }
            let revision = quiet.revision.saturating_add(1);
            let mut flat = Candle { revision, ..Candle::quiet(quiet.open_time, candle.close) };
            flat.mark = self.mark_of(&flat, &edges);
            self.ring.set(next, &flat);
            next += 1;
        }
    }

    /// Marks anew what lies in a stretch whose continuity changed, and gives minutes that turned
    /// out to be quiet their candle.
    fn remark(&mut self, after: Nanos, before: Nanos) {
        let interval = self.ring.interval();
        let mut position = self.ring.lower_bound(interval.bucket(after));
        while let Some(candle) = self.ring.get(position).filter(|c| c.open_time <= before) {
            let ours = !matches!(candle.mark, Mark::Reconciled | Mark::Disputed);
            let mark = self.mark_of(&candle, &self.edges_at(position));
            if ours && mark != candle.mark {
                self.ring.set_mark(position, mark);
                self.dirty.mark(position);
            }
            position += 1;
        }
        let mut index = 0;
        while let Some(open_time) = self.absent.get(index) {
            let inside = interval.bucket(after) <= open_time && open_time <= before;
            if !inside || self.incomplete(open_time) || !self.fill_quiet(open_time) {
                index += 1;
            }
        }
    }

    /// Puts a quiet candle where none was while ids were missing.
    fn fill_quiet(&mut self, open_time: Nanos) -> bool {
        let Err(position) = self.ring.find(open_time) else { return false };
        let previous = position.checked_sub(1).and_then(|previous| self.ring.get(previous));
        let Some(previous) = previous.filter(|_| self.correctable(position)) else { return false };
        let quiet = Candle { revision: 1, ..Candle::quiet(open_time, previous.close) };
        self.insert(position, &quiet, Edges::default());
        true
    }

    /// Applies what reconcile decided after the last pulse.
    fn apply_restatements(&mut self) {
        let mut decided = core::mem::take(&mut self.evidence.decided);
        // The rest waits for the next pulse: what one pulse adds must still be in the ring when
        // indicators fold it.
        let now = decided.len().min(self.series.margin as usize);
        for restatement in decided.drain(..now) {
            self.restate(&restatement);
        }
        self.evidence.decided = decided;
    }

    fn restate(&mut self, restatement: &Restatement) {
        let candle = restatement.candle;
        match self.ring.find(candle.open_time) {
            Ok(position) if self.correctable(position) => self.restate_at(position, restatement),
            Ok(_) => self.evidence.too_old += 1,
            Err(position) if candle.open_time < self.open.until() => {
                let room = self.ring.end() < self.ring.capacity() as u64;
                let in_front = position == self.ring.start();
                if self.correctable(position) && (!in_front || room) {
                    self.insert(position, &candle, sealed(Edges::default()));
                    self.flatten_after(position, &candle);
                } else {
                    self.evidence.too_old += 1;
                }
            }
            Err(_) if self.open.is_empty_until(candle.open_time) => {
                self.append(&candle, sealed(Edges::default()));
                self.open.start_at(candle.open_time.plus(self.ring.interval().ns()));
            }
            // Prints arrived for it meanwhile: compare again once it is closed.
            Err(_) => self.evidence.put_back(restatement),
        }
    }

    fn restate_at(&mut self, position: u64, restatement: &Restatement) {
        let Some(ours) = self.ring.get(position) else { return };
        let theirs = restatement.candle;
        let same = ours.same_numbers(&theirs);
        if !restatement.take_numbers && theirs.mark == Mark::Reconciled && !same {
            // It changed since it was compared.
            return self.evidence.put_back(restatement);
        }
        if !restatement.take_numbers || same {
            if ours.mark != theirs.mark {
                self.ring.set_mark(position, theirs.mark);
                self.dirty.mark(position);
            }
            return;
        }
        let revision = ours.revision.saturating_add(1);
        let edges = self.edges_at(position);
        self.replace(position, &Candle { revision, ..theirs }, sealed(edges));
        self.flatten_after(position, &theirs);
    }
}

fn sealed(edges: Edges) -> Edges {
    Edges { sealed: true, ..edges }
}
