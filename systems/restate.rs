//! What reconcile decided, applied to the candles of a row at the next pulse.

use crate::candle::{Candle, Mark, VenueCandle};
use crate::limits::ANSWER_MAX_NS;
use crate::reconcile::{Cause, Evidence};
use crate::ring::Ring;
use crate::room::release;
use crate::units::Nanos;

/// A decision to be applied at the next pulse, if ours is then still what it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Restatement {
    /// The venue's candle.
    pub venue: VenueCandle,
    /// Ours as it was compared, and what that found; `None` where we had none.
    pub compared: Option<(Cause, Candle)>,
    /// Whether the venue's numbers are taken, or only the mark changes.
    pub take_over: bool,
}

impl Restatement {
    /// When the candle opens.
    pub fn open_time(&self) -> Nanos {
        self.venue.candle.open_time
    }

    /// The mark that the candle shall bear.
    pub fn mark(&self) -> Mark {
        let identical = self.compared.is_some_and(|(cause, _)| cause == Cause::Identical);
        if self.take_over || identical { Mark::Reconciled } else { Mark::Disputed }
    }

    /// The venue's candle as a row takes it over, in place of one of ours or of none.
    pub fn taken(&self, ours: Option<&Candle>) -> Candle {
        let revision = ours.map_or(0, |ours| ours.revision.saturating_add(1));
        Candle { mark: Mark::Reconciled, revision, ..self.venue.candle }
    }

    /// Whether ours is still what it was when it was compared, or has the numbers already that it
    /// shall take. One that has left the ring is.
    fn stands(&self, ring: &Ring) -> bool {
        let now = ring.find(self.open_time()).ok().and_then(|position| ring.get(position));
        match (now, &self.compared) {
            (Some(now), Some((_, then))) => {
                let same = now.same_numbers(then);
                let taken = self.take_over && now.same_numbers(&self.venue.candle);
                taken || (same && now.mark.is_partial() == then.mark.is_partial())
            }
            (now, _) => now.is_none(),
        }
    }

    /// How many decisions, this one first, must be applied together or not at all.
    fn group(&self) -> usize {
        let shift = self.compared.is_some_and(|(cause, _)| cause == Cause::BoundaryShift);
        if shift { 2 } else { 1 }
    }
}

/// A row whose candles the venue's word changes.
pub(crate) trait Restated {
    /// What was decided about it.
    fn evidence(&mut self) -> &mut Evidence;

    /// Its candles.
    fn ring(&self) -> &Ring;

    /// Everything before this is closed.
    fn until(&self) -> Nanos;

    /// Whether a candle of our own may still close that opens at `open_time`.
    fn awaits(&self, open_time: Nanos) -> bool;

    /// Applies one decision that still stands, or says that there is no room for a candle.
    fn restate(&mut self, restatement: &Restatement) -> bool;

    /// Applies what reconcile decided after the last pulse, as far as there is room.
    fn apply_restatements(&mut self, now: Nanos) {
        let mut decided = core::mem::take(&mut self.evidence().decided);
        let mut done = 0;
        while let Some(first) = decided.get(done) {
            let group = &decided[done..decided.len().min(done + first.group())];
            let inserts = first.compared.is_none() && first.open_time() < self.until();
            if !group.iter().all(|restatement| self.stands(restatement)) {
                // Ours changed, or is not closed yet: compare again.
                group.iter().for_each(|restatement| self.evidence().put_back(restatement));
            } else if !group.iter().all(|restatement| self.restate(restatement)) {
                break;
            } else if inserts {
                let end = first.open_time().plus(self.ring().interval().ns());
                self.evidence().note_joint(end, now);
            }
            done += group.len();
        }
        decided.drain(..done);
        release(&mut decided);
        self.evidence().decided = decided;
    }

    /// Whether a decision can still be applied as it is.
    fn stands(&self, restatement: &Restatement) -> bool {
        let ours_may_come = restatement.compared.is_none() && self.awaits(restatement.open_time());
        restatement.stands(self.ring()) && !ours_may_come
    }

    /// The stretch over the candles that an answer gave, up to those of ours that follow, where it
    /// may have ended before we began to listen; once, when no more of them come.
    fn take_joint(&mut self, now: Nanos) -> Option<(Nanos, Nanos)> {
        let evidence = self.evidence();
        if evidence.waits() || !evidence.decided.is_empty() {
            return None;
        }
        let over = core::mem::take(&mut evidence.answered);
        let joint = evidence.joint?;
        if !over && now < joint.since.plus(ANSWER_MAX_NS) {
            return None;
        }
        evidence.joint = None;
        let ring = self.ring();
        let oldest = ring.get(ring.start())?.open_time;
        let next = ring.get(ring.lower_bound(joint.to));
        let next = next.map_or(self.until(), |candle| candle.open_time);
        let reach = ring.interval().ns() * ring.capacity() as u64;
        let from = joint.from.max(oldest).max(next.minus(reach));
        (from < next).then_some((from, next))
    }
}
