//! Longer intervals: folded from the closed candles of the base row, never from prints again.

use bevy_ecs::prelude::*;
use bevy_ecs::query::QueryData;

use crate::awake::Awake;
use crate::base::Series;
use crate::bucket::Open;
use crate::candle::{Candle, Mark};
use crate::each_row;
use crate::ingest::Inbox;
use crate::reconcile::{Evidence, Restatement};
use crate::ring::Ring;
use crate::row::{Absent, Dirty, Front};
use crate::units::Nanos;

/// Ties a row of a longer interval to the base row of its symbol.
#[derive(Component, Clone, Copy, Debug)]
pub struct RollUp {
    /// The base row.
    pub base: Entity,
    /// See [`Series::margin`].
    pub margin: u64,
}

/// What folding needs to see of the base row.
#[derive(QueryData)]
pub struct BaseView {
    ring: &'static Ring,
    dirty: &'static Dirty,
    absent: &'static Absent,
    open: &'static Open,
}

/// What folding changes on the longer row.
#[derive(QueryData)]
#[query_data(mutable)]
pub struct Longer {
    link: &'static RollUp,
    ring: &'static mut Ring,
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
            row.follow(&base);
        }
    });
}

impl LongerItem<'_, '_> {
    fn follow(&mut self, base: &BaseViewItem<'_, '_>) {
        self.apply_restatements();
        if !base.open.started() {
            return;
        }
        if !self.front.listening {
            let began = base.ring.get(base.ring.start()).map_or(base.open.until(), |c| c.open_time);
            let until = self.front.until.max(self.ring.interval().bucket(began));
            *self.front = Front { until, started: true, listening: true, forming: false };
        }
        if let Some(from) = base.dirty.from().filter(|&from| from < base.dirty.clean_end)
            && let Some(corrected) = base.ring.get(from)
        {
            self.correct_from(self.ring.interval().bucket(corrected.open_time), base);
        }
        let length = self.ring.interval().ns();
        let behind = base.open.until().0.saturating_sub(self.front.until.0) / length;
        if behind > self.ring.capacity() as u64 {
            // The base series leapt over a break; there is nothing to fold in between.
            self.close(self.front.until, base);
            self.front.until = self.ring.interval().bucket(base.open.until());
        }
        while self.front.until.plus(length) <= base.open.until() {
            self.close(self.front.until, base);
            self.front.until = self.front.until.plus(length);
        }
        self.dirty.forget_before(self.ring.start());
    }

    fn close(&mut self, open_time: Nanos, base: &BaseViewItem<'_, '_>) {
        match fold_span(base, open_time, self.ring.interval().ns()) {
            Some(candle) => {
                self.dirty.numbers(self.ring.end());
                self.ring.push(&candle);
            }
            None if base.absent.any_in(open_time, open_time.plus(self.ring.interval().ns())) => {
                self.absent.push(open_time, self.ring.capacity());
            }
            None => {}
        }
    }

    /// Folds again what covers corrected base candles.
    fn correct_from(&mut self, mut open_time: Nanos, base: &BaseViewItem<'_, '_>) {
        let length = self.ring.interval().ns();
        while open_time < self.front.until {
            if let Some(candle) = fold_span(base, open_time, length) {
                self.correct(&candle);
            }
            open_time = open_time.plus(length);
        }
    }

    fn correct(&mut self, folded: &Candle) {
        match self.ring.find(folded.open_time) {
            Ok(position) if self.correctable(position) => {
                let Some(ours) = self.ring.get(position) else { return };
                let mark = match (ours.mark, folded.mark) {
                    // What the venue said of these numbers stands while they do.
                    (
                        said @ (Mark::Disputed | Mark::Reconciled),
                        Mark::Complete | Mark::Amended | Mark::Reconciled,
                    ) if ours.same_numbers(folded) => said,
                    (_, mark) => mark,
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
            Err(position) if self.correctable(position) && position > self.ring.start() => {
                self.insert(position, &Candle { revision: 1, ..*folded });
            }
            Ok(_) | Err(_) => self.evidence.too_old += 1,
        }
    }

    fn insert(&mut self, position: u64, candle: &Candle) {
        self.absent.remove(candle.open_time);
        self.ring.insert(position, candle);
        self.dirty.numbers(position);
        self.dirty.inserted(position);
    }

    fn correctable(&self, position: u64) -> bool {
        self.ring.start() == 0 || position >= self.ring.start() + self.link.margin
    }

    /// The venue's candles of longer intervals confirm ours, or give history from before we
    /// listened. They never replace numbers: those follow from the base interval.
    fn apply_restatements(&mut self) {
        let mut decided = core::mem::take(&mut self.evidence.decided);
        let now = decided.len().min(self.link.margin as usize);
        for Restatement { candle, .. } in decided.drain(..now) {
            let room = self.ring.end() < self.ring.capacity() as u64;
            match self.ring.find(candle.open_time) {
                Ok(position) => {
                    // What is known to be partial here is not in dispute.
                    let ours = self.ring.get(position).unwrap_or_default();
                    let partial = matches!(ours.mark, Mark::Gap | Mark::HeadPartial);
                    let proven = candle.mark == Mark::Reconciled;
                    if proven && !ours.same_numbers(&candle) {
                        // It changed since it was compared.
                        self.evidence.put_back(&Restatement { candle, take_numbers: false });
                    } else if !partial || proven {
                        self.ring.set_mark(position, candle.mark);
                        self.dirty.mark(position);
                    }
                }
                Err(position) if position == self.ring.end() && !self.front.listening => {
                    let end = candle.open_time.plus(self.ring.interval().ns());
                    self.dirty.numbers(position);
                    self.ring.push(&candle);
                    self.front.until = end;
                    self.front.started = true;
                }
                Err(position) if self.correctable(position) && room => {
                    self.insert(position, &candle);
                }
                Err(_) => self.evidence.too_old += 1,
            }
        }
        self.evidence.decided = decided;
    }
}

/// Folds the base candles in `[open_time, open_time + length)`; `None` if there is none.
fn fold_span(base: &BaseViewItem<'_, '_>, open_time: Nanos, length: u64) -> Option<Candle> {
    let end = open_time.plus(length);
    let mut position = base.ring.lower_bound(open_time);
    let first = base.ring.get(position).filter(|candle| candle.open_time < end)?;
    let mut candle = Candle { open_time, revision: 0, ..first };
    let mut marks = Marks::default();
    marks.note(first.mark);
    position += 1;
    while let Some(next) = base.ring.get(position).filter(|next| next.open_time < end) {
        candle.extend(&next);
        marks.note(next.mark);
        position += 1;
    }
    let began_inside = base.ring.start() == 0
        && base.ring.get(0).is_some_and(|oldest| open_time < oldest.open_time)
        && !base.open.ledger.from_the_very_first();
    candle.mark = if base.absent.any_in(open_time, end) {
        Mark::Gap
    } else if began_inside && marks.merged() != Mark::Gap {
        Mark::HeadPartial
    } else {
        marks.merged()
    };
    Some(candle)
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
