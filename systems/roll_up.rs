//! Longer intervals: folded from the closed candles of the base row, never from prints again.

use bevy_ecs::prelude::*;
use bevy_ecs::query::QueryData;

use crate::awake::Awake;
use crate::base::Series;
use crate::bucket::Open;
use crate::candle::{Candle, Mark};
use crate::each_row;
use crate::ingest::Inbox;
use crate::interval::Interval;
use crate::reconcile::Evidence;
use crate::restate::{Restated, Restatement};
use crate::ring::Ring;
use crate::room::Room;
use crate::row::{Absent, Dirty, Front};
use crate::units::Nanos;

/// Ties a row of a longer interval to the base row of its symbol.
#[derive(Component, Clone, Copy, Debug)]
pub struct RollUp {
    /// The base row.
    pub base: Entity,
    /// From where corrections of the base row are still to be followed, for want of room.
    behind: Option<Nanos>,
}

impl RollUp {
    /// Ties a row to the base row `base`.
    pub fn onto(base: Entity) -> Self {
        Self { base, behind: None }
    }
}

/// What folding needs to see of the base row.
#[derive(QueryData)]
pub struct BaseView {
    ring: &'static Ring,
    dirty: &'static Dirty,
    absent: &'static Absent,
    series: &'static Series,
    open: &'static Open,
}

/// What folding changes on the longer row.
#[derive(QueryData)]
#[query_data(mutable)]
pub struct Longer {
    link: &'static mut RollUp,
    ring: &'static mut Ring,
    room: &'static mut Room,
    dirty: &'static mut Dirty,
    absent: &'static mut Absent,
    evidence: &'static mut Evidence,
    front: &'static mut Front,
}

/// Closes and corrects the candles of longer intervals after their base rows were settled.
pub fn roll_up(
    inbox: Res<Inbox>,
    awake: Res<Awake>,
    bases: Query<BaseView, With<Series>>,
    mut rows: Query<Longer, Without<Series>>,
) {
    each_row!(inbox, awake, rows, |mut row: LongerItem<'_, '_>| {
        if let Ok(base) = bases.get(row.link.base) {
            row.follow(&base, inbox.now);
        }
    });
}

impl LongerItem<'_, '_> {
    fn follow(&mut self, base: &BaseViewItem<'_, '_>, now: Nanos) {
        self.room.begin(&self.ring);
        let listening = self.front.listening;
        // History goes before what follows it; later, nothing holds up what closes.
        if !listening {
            self.apply_restatements(now);
        }
        if base.open.started() {
            self.follow_started(base);
        }
        if listening {
            self.apply_restatements(now);
            self.close_joint(base, now);
        }
    }

    fn follow_started(&mut self, base: &BaseViewItem<'_, '_>) {
        if !self.front.listening {
            let began = base.ring.get(base.ring.start()).map_or(base.open.until(), |c| c.open_time);
            let until = self.front.until.max(self.ring.interval().bucket(began));
            *self.front = Front { until, started: true, listening: true, forming: false };
        }
        let corrected = base.dirty.from().map(|from| from.max(base.ring.start()));
        let corrected = corrected.filter(|&from| from < base.dirty.clean_end);
        let corrected = corrected.and_then(|from| base.ring.get(from)).map(|c| c.open_time);
        if let Some(from) = self.link.behind.take().into_iter().chain(corrected).min() {
            self.correct_from(self.ring.interval().bucket(from), base);
        }
        let length = self.ring.interval().ns();
        while self.front.until.plus(length) <= base.open.until() && self.room.take(&self.ring) {
            self.close(self.front.until, base);
            self.front.until = self.next_span(base);
        }
    }

    /// The span to close next: behind a break, the first one that has anything.
    fn next_span(&self, base: &BaseViewItem<'_, '_>) -> Nanos {
        let next = self.front.until.plus(self.ring.interval().ns());
        if base.open.until() <= next {
            return next;
        }
        let closed = base.ring.get(base.ring.lower_bound(next)).map(|candle| candle.open_time);
        let absent = base.absent.first_from(next);
        let anything = closed.into_iter().chain(absent).min().unwrap_or(base.open.until());
        self.ring.interval().bucket(anything)
    }

    fn close(&mut self, open_time: Nanos, base: &BaseViewItem<'_, '_>) {
        let length = self.ring.interval().ns();
        match fold_span(base, open_time, length) {
            Some((candle, _)) => {
                self.dirty.numbers(self.ring.end());
                self.ring.push(&candle);
            }
            None if !base.rested(open_time, open_time.plus(length)) => {
                self.absent.put(open_time, self.ring.capacity());
            }
            None => {}
        }
    }

    /// Folds again what covers corrected base candles.
    fn correct_from(&mut self, mut open_time: Nanos, base: &BaseViewItem<'_, '_>) {
        let length = self.ring.interval().ns();
        while open_time < self.front.until {
            match fold_span(base, open_time, length) {
                Some((candle, true)) if !self.correct(&candle) => {
                    let behind = self.link.behind.map_or(open_time, |known| known.min(open_time));
                    self.link.behind = Some(behind);
                    return;
                }
                None if base.rested(open_time, open_time.plus(length)) => {
                    self.absent.forget(open_time);
                }
                // Of what the base row holds only the end, nothing new can be said.
                _ => {}
            }
            open_time = open_time.plus(length);
        }
    }

    /// Fills from the base row what an answer of the venue lacks up to our own candles, and notes
    /// the rest as missing.
    fn close_joint(&mut self, base: &BaseViewItem<'_, '_>, now: Nanos) {
        let Some((from, next)) = self.take_joint(now) else { return };
        self.correct_from(from, base);
        let length = self.ring.interval().ns();
        let mut open_time = from;
        while open_time < next {
            if self.ring.find(open_time).is_err() && !base.rested(open_time, open_time.plus(length))
            {
                self.absent.put(open_time, self.ring.capacity());
            }
            open_time = open_time.plus(length);
        }
    }

    /// Takes over a candle folded again, or says that there is no room for one more.
    fn correct(&mut self, folded: &Candle) -> bool {
        let found = self.ring.find(folded.open_time);
        let (Ok(position) | Err(position)) = found;
        if !self.room.correctable(position) || (found.is_err() && position == self.ring.start()) {
            self.evidence.too_old += 1;
        } else if found.is_ok() {
            self.correct_at(position, folded);
        } else if self.room.take(&self.ring) {
            self.insert(position, &Candle { revision: 1, ..*folded });
        } else {
            return false;
        }
        true
    }

    fn correct_at(&mut self, position: u64, folded: &Candle) {
        let Some(ours) = self.ring.get(position) else { return };
        let partial = folded.mark.is_partial();
        let mark = match ours.mark {
            // What the venue gave whole is more than the part that the base row has of it.
            Mark::Reconciled if partial => return,
            // What the venue said of these numbers stands while they do.
            said @ (Mark::Disputed | Mark::Reconciled) if !partial && ours.same_numbers(folded) => {
                said
            }
            _ => folded.mark,
        };
        if !ours.same_numbers(folded) {
            let revision = ours.revision.saturating_add(1);
            self.ring.set(position, &Candle { revision, mark, ..*folded });
            self.dirty.numbers(position);
        } else if ours.mark != mark {
            self.ring.set_mark(position, mark);
            self.dirty.mark(position);
        }
    }

    fn insert(&mut self, position: u64, candle: &Candle) {
        let touched = self.absent.replaced_by(candle);
        self.ring.insert(position, candle, touched);
        self.dirty.numbers(position);
        self.dirty.inserted(position);
    }
}

/// The venue's candles of longer intervals confirm ours, give history from before we listened, and
/// stand for those of which the base row has only a part. Other numbers they never replace: those
/// follow from the base interval.
impl Restated for LongerItem<'_, '_> {
    fn evidence(&mut self) -> &mut Evidence {
        &mut self.evidence
    }

    fn ring(&self) -> &Ring {
        &self.ring
    }

    fn until(&self) -> Nanos {
        self.front.until
    }

    fn awaits(&self, open_time: Nanos) -> bool {
        self.front.listening && open_time >= self.front.until
    }

    fn restate(&mut self, restatement: &Restatement) -> bool {
        let open_time = restatement.open_time();
        let found = self.ring.find(open_time);
        let (Ok(position) | Err(position)) = found;
        let same =
            |ours: Candle| !restatement.take_over || ours.same_numbers(&restatement.venue.candle);
        if found.is_ok() && self.ring.get(position).is_some_and(same) {
            self.ring.set_mark(position, restatement.mark());
            self.dirty.mark(position);
        } else if !self.room.correctable(position) {
            self.evidence.too_old += 1;
        } else if let Some(ours) = self.ring.get(position).filter(|_| found.is_ok()) {
            self.ring.set(position, &restatement.taken(Some(&ours)));
            self.dirty.numbers(position);
        } else if !self.room.take(&self.ring) {
            return false;
        } else if position == self.ring.end() && !self.front.listening {
            self.dirty.numbers(position);
            self.ring.push(&restatement.taken(None));
            self.front.until = open_time.plus(self.ring.interval().ns());
            self.front.started = true;
        } else {
            self.insert(position, &restatement.taken(None));
        }
        true
    }
}

impl BaseViewItem<'_, '_> {
    /// Whether nothing is missing from the base candles of a longer one; `None` where they have
    /// left the ring.
    pub(crate) fn has_whole(&self, open_time: Nanos, longer: Interval) -> Option<bool> {
        match fold_span(self, open_time, longer.ns()) {
            Some((candle, whole)) => whole.then_some(!candle.mark.is_partial()),
            None => {
                let start = self.ring.start();
                let held = start == 0 || self.ring.lower_bound(open_time) > start;
                held.then_some(false)
            }
        }
    }

    /// Whether the base row lacks nothing where it has no candles in `[from, to)`.
    fn rested(&self, from: Nanos, to: Nanos) -> bool {
        self.series.rested(from, to, self.ring.interval(), &self.open.ledger)
    }
}

/// Folds the base candles in `[open_time, open_time + length)` and says whether the base row still
/// holds all of them; `None` if it holds none.
fn fold_span(base: &BaseViewItem<'_, '_>, open_time: Nanos, length: u64) -> Option<(Candle, bool)> {
    let end = open_time.plus(length);
    let mut position = base.ring.lower_bound(open_time);
    let whole = position == 0 || position > base.ring.start();
    let first = base.ring.get(position).filter(|candle| candle.open_time < end)?;
    // Before the first candle of all nobody listened; anywhere else, what is not there is missing.
    let headless = position == 0 && !base.open.ledger.from_the_very_first();
    let head = headless && open_time < first.open_time;
    let mut missing = position > 0 && !base.rested(open_time, first.open_time);
    let mut candle = Candle { open_time, revision: 0, ..first };
    let mut marks = Marks::default();
    marks.note(first.mark);
    let step = base.ring.interval().ns();
    let mut until = first.open_time.plus(step);
    position += 1;
    while let Some(next) = base.ring.get(position).filter(|next| next.open_time < end) {
        missing = missing || !base.rested(until, next.open_time);
        until = next.open_time.plus(step);
        candle.extend(&next);
        marks.note(next.mark);
        position += 1;
    }
    candle.mark = if !whole || missing || !base.rested(until, end) {
        Mark::Gap
    } else if head && marks.merged() != Mark::Gap {
        Mark::HeadPartial
    } else {
        marks.merged()
    };
    Some((candle, whole))
}

/// The marks of the candles that make one longer candle.
#[derive(Default)]
struct Marks {
    /// Bit `k` is set if the mark with discriminant `k` occurred.
    seen: u8,
}

impl Marks {
    fn note(&mut self, mark: Mark) {
        self.seen |= 1 << mark as u8;
    }

    /// The worst that is known of any part; good marks only if they hold for every part.
    fn merged(&self) -> Mark {
        for mark in [Mark::Gap, Mark::HeadPartial, Mark::Disputed, Mark::Amended] {
            if self.seen & 1 << mark as u8 != 0 {
                return mark;
            }
        }
        for mark in [Mark::Quiet, Mark::Reconciled] {
            if self.seen == 1 << mark as u8 {
                return mark;
            }
        }
        Mark::Complete
    }
}
