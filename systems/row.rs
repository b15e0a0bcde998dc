//! A row: one symbol at one interval, the unit that candles and indicators live on.
//!
//! Each row is an entity. Rows of the base interval also carry what prints touch (ledger, open
//! buckets); rows of longer intervals are folded from the base row's closed candles. Every row
//! has the same ring, dirty range and indicator tracks, so the same systems serve all of them.

use bevy_ecs::component::Component;

use crate::indicator::Units;
use crate::trade::SymbolId;

/// Which symbol and interval a row is.
#[derive(Component, Clone, Copy, Debug)]
pub struct Row {
    /// The symbol.
    pub symbol: SymbolId,
    /// Index into `Settings::intervals`; 0 is the base interval.
    pub interval: u8,
    /// What the row's integers mean.
    pub units: Units,
}

/// Which ring positions of a row changed since they were last dispatched.
///
/// Aggregate, roll-up and reconcile lower these; indicate folds from `fold_from`; dispatch hands
/// out from the lower of the two and clears both. A correction is nothing special: it is a lower
/// `fold_from`.
#[derive(Component, Clone, Copy, Debug, Default)]
pub struct Dirty {
    /// First position whose numbers are new or changed.
    pub fold_from: Option<u64>,
    /// First position whose mark changed.
    pub mark_from: Option<u64>,
    /// Ring end when the row was last clean: positions from here on are new.
    pub clean_end: u64,
}

impl Dirty {
    /// Notes that the numbers at `position` are new or changed.
    pub fn numbers(&mut self, position: u64) {
        self.fold_from = Some(self.fold_from.map_or(position, |from| from.min(position)));
    }

    /// Notes that only the mark at `position` changed.
    pub fn mark(&mut self, position: u64) {
        self.mark_from = Some(self.mark_from.map_or(position, |from| from.min(position)));
    }

    /// First position to hand out, if any.
    pub fn from(&self) -> Option<u64> {
        match (self.fold_from, self.mark_from) {
            (Some(fold), Some(mark)) => Some(fold.min(mark)),
            (fold, mark) => fold.or(mark),
        }
    }
}
