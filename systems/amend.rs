//! Changing closed candles of base rows: late prints, what ids prove, what reconcile decides.

use crate::base::BaseItem;
use crate::bucket::{Bucket, Edges, Placed, reopen};
use crate::candle::{Candle, Mark};
use crate::health::Reject;
use crate::reconcile::Evidence;
use crate::restate::{Restated, Restatement};
use crate::ring::Ring;
use crate::room::release;
use crate::trade::Trade;
use crate::units::{Nanos, Price};

impl BaseItem<'_, '_> {
    /// Folds prints that came after their candle had closed.
    pub(crate) fn apply_late(&mut self) {
        if self.open.late.is_empty() {
            return;
        }
        let mut late = core::mem::take(&mut self.open.late);
        late.retain(|trade| match self.amend(trade) {
            Placed::Folded => {
                self.open.folded += 1;
                self.health.late += 1;
                false
            }
            Placed::Rejected(cause) => {
                self.health.reject(cause);
                false
            }
            Placed::Late => true,
        });
        release(&mut late);
        self.open.late = late;
        let mut amended = core::mem::take(&mut self.series.amended);
        for open_time in amended.drain(..) {
            self.revise(open_time);
        }
        self.series.amended = amended;
    }

    /// Folds a print into the closed candle that it belongs to, or makes that candle if there is
    /// room for one more.
    fn amend(&mut self, trade: &Trade) -> Placed {
        let open_time = self.ring.interval().bucket(trade.time);
        let found = self.ring.find(open_time);
        let (Ok(position) | Err(position)) = found;
        if found.is_err() && position == self.ring.start() {
            // Should candles of the venue come to lie before it, this one was not quiet.
            self.open.ledger.lose(trade.time);
            return Placed::Rejected(Reject::BeforeStart);
        }
        let edges = self.edges_at(position);
        if found.is_ok() && edges.sealed {
            return Placed::Rejected(Reject::Sealed);
        }
        if !self.room.correctable(position) {
            self.mark_lossy(open_time, trade.time);
            return Placed::Rejected(Reject::TooOld);
        }
        let mut bucket = Bucket::empty(open_time);
        if let Some(candle) = self.ring.get(position).filter(|_| found.is_ok()) {
            bucket = reopen(candle, edges);
        } else if !self.room.take(&self.ring) {
            return Placed::Late;
        }
        if let Err(cause) = bucket.fold(trade) {
            self.mark_lossy(open_time, trade.time);
            return Placed::Rejected(cause);
        }
        if found.is_ok() {
            self.replace(position, &bucket.candle, bucket.edges);
        } else {
            self.insert(position, &bucket.candle, bucket.edges);
        }
        if !self.series.amended.contains(&open_time) {
            self.series.amended.push(open_time);
        }
        Placed::Folded
    }

    /// A print of `time` could not be added to a closed candle: it is not complete whatever the
    /// ids say, and where there is no candle nothing was quiet.
    fn mark_lossy(&mut self, open_time: Nanos, time: Nanos) {
        if let Ok(position) = self.ring.find(open_time)
            && let Some(edges) = self.series.edges.get_mut(position)
        {
            edges.lossy = true;
            self.ring.set_mark(position, Mark::Gap);
            self.dirty.mark(position);
        } else {
            self.open.ledger.lose(time);
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
        let touched = self.absent.replaced_by(candle);
        self.ring.insert(position, candle, touched);
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
    pub(crate) fn remark(&mut self, after: Nanos, before: Nanos) {
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
            let known = inside && !self.incomplete(open_time);
            let Some((position, price)) = known.then(|| self.fillable(open_time)).flatten() else {
                index += 1;
                continue;
            };
            if self.rested(open_time) {
                // Halted for a part, and nothing is missing of the rest: no candle, and no loss.
                self.absent.remove(index);
                self.dirty.mark(position - 1);
                continue;
            }
            if !self.room.take(&self.ring) {
                return self.open.ledger.note_change(after, before);
            }
            let candle = Candle { revision: 1, ..Candle::quiet(open_time, price) };
            self.insert(position, &candle, Edges::default());
        }
    }

    /// Where a minute without prints gets its quiet candle, and at which price.
    fn fillable(&self, open_time: Nanos) -> Option<(u64, Price)> {
        let position = self.ring.find(open_time).err().filter(|&at| self.room.correctable(at))?;
        let previous = self.ring.get(position.checked_sub(1)?)?;
        Some((position, previous.close))
    }
}

impl Restated for BaseItem<'_, '_> {
    fn evidence(&mut self) -> &mut Evidence {
        &mut self.evidence
    }

    fn ring(&self) -> &Ring {
        &self.ring
    }

    fn until(&self) -> Nanos {
        self.open.until()
    }

    fn awaits(&self, open_time: Nanos) -> bool {
        open_time >= self.open.until() && !self.open.is_empty_until(open_time)
    }

    fn restate(&mut self, restatement: &Restatement) -> bool {
        let open_time = restatement.open_time();
        let found = self.ring.find(open_time);
        let (Ok(position) | Err(position)) = found;
        if !self.room.correctable(position) {
            self.evidence.too_old += 1;
        } else if let Some(ours) = self.ring.get(position).filter(|_| found.is_ok()) {
            self.restate_at(position, &ours, restatement);
        } else if !self.room.take(&self.ring) {
            return false;
        } else {
            let candle = restatement.taken(None);
            if open_time >= self.open.until() {
                self.append(&candle, sealed(Edges::default()));
                self.open.start_at(open_time.plus(self.ring.interval().ns()));
            } else {
                self.insert(position, &candle, sealed(Edges::default()));
                self.flatten_after(position, &candle);
            }
        }
        true
    }
}

impl BaseItem<'_, '_> {
    /// Notes as missing what an answer of the venue lacks up to our own candles, except what ids
    /// prove to have been quiet.
    pub(crate) fn close_joint(&mut self, now: Nanos) {
        let Some((from, next)) = self.take_joint(now) else { return };
        let mut open_time = from;
        while open_time < next {
            if self.ring.find(open_time).is_err() && !self.rested(open_time) {
                self.absent.put(open_time, self.ring.capacity());
            }
            open_time = open_time.plus(self.ring.interval().ns());
        }
        self.remark(from, next.minus(1));
    }

    fn restate_at(&mut self, position: u64, ours: &Candle, restatement: &Restatement) {
        if restatement.take_over && !ours.same_numbers(&restatement.venue.candle) {
            let edges = sealed(self.edges_at(position));
            let candle = restatement.taken(Some(ours));
            self.replace(position, &candle, edges);
            self.flatten_after(position, &candle);
        } else if ours.mark != restatement.mark() {
            self.ring.set_mark(position, restatement.mark());
            self.dirty.mark(position);
        }
    }
}

fn sealed(edges: Edges) -> Edges {
    Edges { sealed: true, ..edges }
}
