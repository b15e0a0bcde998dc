//! A row: one symbol at one interval, the unit that candles and indicators live on.
//!
//! Each row is an entity. Rows of the base interval also carry what prints touch (ledger, open
//! buckets); rows of longer intervals are folded from the base row's closed candles. Every row
//! has the same ring, dirty range and indicator tracks, so the same systems serve all of them.

use bevy_ecs::component::Component;
use bevy_ecs::entity::Entity;
use bevy_ecs::resource::Resource;

use crate::candle::Candle;
use crate::dispatch::Change;
use crate::indicator::Units;
use crate::ring::Touched;
use crate::trade::SymbolId;
use crate::units::Nanos;

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
    /// Ring end when the row was last dispatched, moved along by insertions before it: positions
    /// from here on are closed for the first time.
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

    /// A candle was put in at `position`: those handed out before moved up by one.
    pub fn inserted(&mut self, position: u64) {
        self.clean_end += u64::from(position <= self.clean_end);
    }

    /// What is to be said about the candle at `position`, given what was touched about it.
    pub fn change(&self, position: u64, touched: Touched) -> Option<Change> {
        if position >= self.clean_end {
            return Some(Change::Closed);
        }
        match touched {
            Touched::New => Some(Change::Closed),
            Touched::Numbers => Some(Change::Corrected),
            // Refolding gave it values again, which a mark alone would not.
            _ if self.fold_from.is_some_and(|from| from <= position) => Some(Change::Revalued),
            Touched::Mark => Some(Change::Marked),
            Touched::Nothing => None,
        }
    }

    /// Declares everything before `end` handed out.
    pub fn clean(&mut self, end: u64) {
        *self = Self { clean_end: end, ..Self::default() };
    }

    /// First position to hand out, if any.
    pub fn from(&self) -> Option<u64> {
        match (self.fold_from, self.mark_from) {
            (Some(fold), Some(mark)) => Some(fold.min(mark)),
            (fold, mark) => fold.or(mark),
        }
    }
}

/// How far a row has come: what decides whether a candle of the venue can be compared yet.
#[derive(Component, Clone, Copy, Debug, Default)]
pub struct Front {
    /// Everything before this is closed; meaningless before the start.
    pub until: Nanos,
    /// Whether the series has begun.
    pub started: bool,
    /// Whether time alone closes its candles, because prints are listened to.
    pub listening: bool,
    /// Whether the candle that closes next has prints already.
    pub forming: bool,
}

/// All rows, by interval and then by symbol.
#[derive(Resource, Default)]
pub struct Rows(Vec<Vec<Entity>>);

impl Rows {
    /// Adds the next symbol's row at an interval.
    pub fn push(&mut self, interval: usize, row: Entity) {
        if self.0.len() <= interval {
            self.0.push(Vec::new());
        }
        self.0[interval].push(row);
    }

    /// The row of a symbol at an interval.
    pub fn get(&self, symbol: SymbolId, interval: u8) -> Option<Entity> {
        self.0.get(usize::from(interval))?.get(usize::from(symbol.0)).copied()
    }

    /// The rows of each interval, by symbol.
    pub fn by_interval(&self) -> impl Iterator<Item = &[Entity]> {
        self.0.iter().map(Vec::as_slice)
    }

    /// How many rows there are.
    pub fn len(&self) -> usize {
        self.by_interval().map(<[Entity]>::len).sum()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// Closed stretches of a row that have no candle because prints are missing: gap minutes.
#[derive(Component, Clone, Debug, Default)]
pub struct Absent {
    /// Their open times, ascending.
    times: Vec<Nanos>,
    /// Those that were not handed out yet, ascending.
    fresh: Vec<Nanos>,
}

impl Absent {
    /// Notes one more, unless it is known; beyond `limit` the oldest is forgotten: it will get no
    /// candle if it turns out to have been quiet.
    pub fn put(&mut self, open_time: Nanos, limit: usize) {
        let Err(index) = self.times.binary_search(&open_time) else { return };
        self.times.insert(index, open_time);
        let (Ok(index) | Err(index)) = self.fresh.binary_search(&open_time);
        self.fresh.insert(index, open_time);
        if self.times.len() > limit {
            self.remove(0);
        }
    }

    /// Forgets a stretch that has a candle now, and says what is to be told about the candle: it
    /// corrects what was said of the stretch, or nothing was said.
    pub fn replaced_by(&mut self, candle: &Candle) -> Touched {
        let Ok(index) = self.times.binary_search(&candle.open_time) else { return Touched::New };
        if self.remove(index) { Touched::Numbers } else { Touched::New }
    }

    /// Forgets a stretch that needs no candle after all.
    pub fn forget(&mut self, open_time: Nanos) {
        if let Ok(index) = self.times.binary_search(&open_time) {
            self.remove(index);
        }
    }

    /// Forgets the one at `index`, and says whether it was handed out.
    pub fn remove(&mut self, index: usize) -> bool {
        let open_time = self.times.remove(index);
        let fresh = self.fresh.binary_search(&open_time);
        fresh.map(|index| self.fresh.remove(index)).is_err()
    }

    /// The open time at `index`, oldest first.
    pub fn get(&self, index: usize) -> Option<Nanos> {
        self.times.get(index).copied()
    }

    /// All open times, oldest first.
    pub fn times(&self) -> &[Nanos] {
        &self.times
    }

    /// The first that opens at `from` or later.
    pub fn first_from(&self, from: Nanos) -> Option<Nanos> {
        self.times.get(self.times.partition_point(|&time| time < from)).copied()
    }

    /// Those not handed out yet.
    pub fn fresh(&self) -> &[Nanos] {
        &self.fresh
    }

    /// Counts all as handed out.
    pub fn clear_fresh(&mut self) {
        self.fresh.clear();
    }
}
