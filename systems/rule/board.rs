//! Tables: the first symbols by a number, and who came, went or moved.
//!
//! A table compares the candles of one stretch of time, once those of all symbols are due, and
//! stays with them until the next is due. Meanwhile a correction moves the symbols it is about, and
//! no others are looked at. Of equals the symbol with the lower number comes first.

use core::cmp::Ordering;

use bevy_ecs::prelude::*;

use super::judge::{Scene, views};
use super::{Program, Views};
use crate::dispatch::Outbox;
use crate::row::Row;
use crate::settings::Settings;
use crate::trade::SymbolId;
use crate::units::Nanos;

/// What of a table is told.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Moves {
    /// Who comes and goes, and who changes places.
    #[default]
    All,
    /// Who comes and goes.
    Members,
    /// Nothing: the table is there to be looked at.
    Off,
}

/// The first symbols by a number.
#[derive(Clone, Debug, PartialEq)]
pub struct Table {
    /// Index of the interval whose candles are compared.
    pub interval: u8,
    /// The number.
    pub by: Program,
    /// Whether the lowest comes first; else the highest.
    pub ascending: bool,
    /// How many symbols.
    pub top: usize,
    /// What of it is told.
    pub tell: Moves,
    /// What is shown beside the number.
    pub columns: Vec<Program>,
}

/// A symbol that came into a table, left it, or has another place in it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Move {
    /// Which table.
    pub table: u16,
    /// Which symbol.
    pub symbol: SymbolId,
    /// Its place before, from 1 on; `None` if it was not in the table.
    pub from: Option<u16>,
    /// Its place now; `None` if it is not in the table any more.
    pub to: Option<u16>,
    /// The number now; NaN is not known.
    pub score: f64,
    /// Start of the candles that are compared.
    pub open_time: Nanos,
    /// The venue's time of the pulse.
    pub at: Nanos,
    /// Whether it follows from a correction of candles that had been compared.
    pub late: bool,
}

/// All tables as they stand.
#[derive(Resource, Default)]
pub struct Boards {
    boards: Vec<Board>,
}

/// One table as it stands.
#[derive(Clone, Debug, Default)]
pub struct Board {
    /// Start of the candles that are compared; 0 before the first.
    time: Nanos,
    /// By symbol; NaN is not known, and has no place.
    scores: Vec<f64>,
    /// All symbols that have a number, in order.
    order: Vec<SymbolId>,
    /// Who was in the table when it was told last.
    told: Vec<SymbolId>,
}

/// Whether there is any table.
pub fn any(settings: Res<Settings>) -> bool {
    !settings.rules.tables.is_empty()
}

impl Boards {
    /// The table of a number.
    pub fn get(&self, table: usize) -> Option<&Board> {
        self.boards.get(table)
    }
}

impl Board {
    /// Start of the candles that are compared; 0 before the first.
    pub fn open_time(&self) -> Nanos {
        self.time
    }

    /// The first `top` symbols with their numbers.
    pub fn places(&self, top: usize) -> impl Iterator<Item = (SymbolId, f64)> + '_ {
        self.order.iter().take(top).map(|&symbol| (symbol, self.score(symbol)))
    }

    fn score(&self, symbol: SymbolId) -> f64 {
        self.scores.get(usize::from(symbol.0)).copied().unwrap_or(f64::NAN)
    }

    /// Sets a symbol's number, and its place if the order is kept.
    fn set(&mut self, symbol: SymbolId, score: f64, ascending: bool) {
        let place = usize::from(symbol.0);
        if self.scores.len() <= place {
            self.scores.resize(place + 1, f64::NAN);
        }
        let before = self.scores[place];
        if before == score || before.is_nan() && score.is_nan() {
            return;
        }
        if let Some(at) = self.find(symbol, before, ascending) {
            self.order.remove(at);
        }
        self.scores[place] = score;
        if !score.is_nan() {
            let before = |other: &SymbolId| self.before(*other, (score, symbol), ascending);
            let at = self.order.partition_point(before);
            self.order.insert(at, symbol);
        }
    }

    fn find(&self, symbol: SymbolId, score: f64, ascending: bool) -> Option<usize> {
        let before = |other: &SymbolId| self.before(*other, (score, symbol), ascending);
        let at = self.order.partition_point(before);
        (self.order.get(at) == Some(&symbol)).then_some(at)
    }

    /// Whether a symbol that has a place stands before this number of this symbol.
    fn before(&self, other: SymbolId, than: (f64, SymbolId), ascending: bool) -> bool {
        compare((self.score(other), other), than, ascending) == Ordering::Less
    }

    /// Takes everyone's number: all of them are new.
    fn fill(&mut self, scores: impl Iterator<Item = (SymbolId, f64)>, ascending: bool) {
        let Self { scores: known, order, .. } = self;
        for (symbol, score) in scores {
            let place = usize::from(symbol.0);
            if known.len() <= place {
                known.resize(place + 1, f64::NAN);
            }
            if known[place].is_nan() && !score.is_nan() {
                order.push(symbol);
            }
            known[place] = score;
        }
        let score = |symbol: SymbolId| known[usize::from(symbol.0)];
        order.retain(|&symbol| !score(symbol).is_nan());
        // From the order before, which is mostly not far off.
        order.sort_by(|&a, &b| compare((score(a), a), (score(b), b), ascending));
    }

    /// Tells who left, by the place they had, then who came or moved, by the place they have.
    fn tell(&mut self, index: u16, table: &Table, (at, late): (Nanos, bool), out: &mut Vec<Move>) {
        let now = &self.order[..self.order.len().min(table.top)];
        if self.told == now {
            return;
        }
        let place = |list: &[SymbolId], symbol: SymbolId| {
            list.iter().position(|&known| known == symbol).map(|at| at as u16 + 1)
        };
        let open_time = self.time;
        let one = |symbol: SymbolId, from, to| {
            let score = self.score(symbol);
            Move { table: index, symbol, from, to, score, open_time, at, late }
        };
        if table.tell != Moves::Off {
            for (&symbol, from) in self.told.iter().zip(1..) {
                if place(now, symbol).is_none() {
                    out.push(one(symbol, Some(from), None));
                }
            }
            for (&symbol, to) in now.iter().zip(1..) {
                let from = place(&self.told, symbol);
                let moved = from != Some(to) && table.tell == Moves::All;
                if from.is_none() || moved {
                    out.push(one(symbol, from, Some(to)));
                }
            }
        }
        self.told.clear();
        self.told.extend_from_slice(now);
    }
}

/// The order of two symbols with their numbers.
fn compare(a: (f64, SymbolId), b: (f64, SymbolId), ascending: bool) -> Ordering {
    let scores = if ascending { a.0.total_cmp(&b.0) } else { b.0.total_cmp(&a.0) };
    scores.then(a.1.0.cmp(&b.1.0))
}

/// What a program says of a symbol at the candle that opened at `time`; NaN is not known.
fn at(program: &Program, views: &Views<'_>, interval: u8, time: Nanos) -> f64 {
    let position = views.view(interval).and_then(|view| view.ring.find(time).ok());
    // Of the two zeros one is below the other, and nobody means that.
    position.map_or(f64::NAN, |position| program.run(views, interval, position) + 0.0)
}

/// Brings all tables up to date, and tells what changed: by table.
pub fn place(scene: Scene, mut boards: ResMut<Boards>, mut outbox: ResMut<Outbox>) {
    let Scene { inbox, awake, settings, universe, table: rows, seen } = &scene;
    let boards = &mut boards.boards;
    boards.resize(settings.rules.tables.len(), Board::default());
    for ((index, table), board) in (0..).zip(&settings.rules.tables).zip(boards) {
        let interval = settings.intervals[usize::from(table.interval)];
        let due = interval.bucket(inbox.now.minus(settings.grace_ns).minus(interval.ns()));
        let fresh = due > board.time;
        let own = rows.by_interval().nth(usize::from(table.interval)).unwrap_or_default();
        let see = |row: &Row| views(settings, rows, seen, row, inbox.now);
        if fresh {
            board.time = due;
            let row = |entity| seen.get(entity).ok().map(|(row, ..)| row);
            let score = |row: &Row| (row.symbol, at(&table.by, &see(row), table.interval, due));
            board.fill(own.iter().copied().filter_map(row).map(score), table.ascending);
        } else {
            let touched = if universe.ranked() { own } else { awake.rows() };
            for &entity in touched {
                let Ok((row, ..)) = seen.get(entity) else { continue };
                if row.interval != table.interval {
                    continue;
                }
                let views = see(row);
                let mut reads = table.by.reads().iter().map(|(other, _)| *other);
                if reads.any(|other| views.changed(table.interval, other).is_some()) {
                    let score = at(&table.by, &views, table.interval, board.time);
                    board.set(row.symbol, score, table.ascending);
                }
            }
        }
        board.tell(index, table, (inbox.now, !fresh), &mut outbox.moves);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(ascending: bool, top: usize) -> Table {
        let by = Program::default();
        Table { interval: 0, by, ascending, top, tell: Moves::All, columns: vec![] }
    }

    fn order(board: &Board) -> Vec<u16> {
        board.order.iter().map(|symbol| symbol.0).collect()
    }

    /// What a table is after any numbers of changes is what sorting everything anew gives.
    #[test]
    fn moving_one_is_sorting_all() {
        for ascending in [false, true] {
            let mut board = Board::default();
            let mut scores = [f64::NAN; 9];
            let mut state = 7u64;
            for _ in 0..2_000 {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                let (symbol, score) = ((state >> 33) % 9, (state >> 40) % 6);
                let score = if score == 5 { f64::NAN } else { score as f64 };
                scores[symbol as usize] = score;
                board.set(SymbolId(symbol as u16), score, ascending);
                let mut anew = Board::default();
                let all = (0..).map(SymbolId).zip(scores);
                anew.fill(all, ascending);
                assert_eq!(order(&board), order(&anew));
                let again = (0..).map(SymbolId).zip(scores);
                board.fill(again, ascending);
                assert_eq!(order(&board), order(&anew));
            }
        }
    }

    #[test]
    fn who_left_is_told_before_who_came_and_ties_go_by_number() {
        let (mut board, mut told) = (Board::default(), Vec::new());
        let table = table(false, 2);
        let mut step = |scores: &[f64]| {
            told.clear();
            board.fill((0..).map(SymbolId).zip(scores.iter().copied()), false);
            board.tell(0, &table, (Nanos(1), false), &mut told);
            told.iter().map(|one| (one.symbol.0, one.from, one.to)).collect::<Vec<_>>()
        };
        let n = f64::NAN;
        assert_eq!(step(&[1.0, 1.0, 1.0]), [(0, None, Some(1)), (1, None, Some(2))]);
        assert_eq!(step(&[1.0, 1.0, 1.0]), []);
        assert_eq!(step(&[1.0, 2.0, 0.0]), [(1, Some(2), Some(1)), (0, Some(1), Some(2))]);
        let want = [(1, Some(1), None), (2, None, Some(1)), (0, Some(2), Some(2))];
        assert_eq!(step(&[1.0, n, 3.0])[..2], want[..2]);
        assert_eq!(step(&[n, n, n]), [(2, Some(1), None), (0, Some(2), None)]);
    }
}
