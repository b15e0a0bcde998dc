//! What a plan reads of the candles of neighbouring symbols, side by side.
//!
//! Lanes lie by row, so the same column of eight symbols is in eight places, and a look back over
//! twenty candles goes to twenty more for each of them. Here one load brings a column of all eight,
//! and those of earlier candles follow one another. It is a copy: lanes say what is right, and a
//! symbol of which anything but the next candle changed is copied anew.

use super::abreast::{ABREAST, Values};
use super::lanes::Lanes;
use super::plan::{Node, Place};
use crate::limits::PACKED_MAX;

/// No candle.
const NONE: u64 = u64::MAX;

/// Which columns of the judged candle's row a plan reads, and of how many candles.
#[derive(Clone, Debug, Default)]
pub(super) struct Columns(Vec<Column>);

/// A column of a row: a ring of candles among the values of a [`Pack`].
#[derive(Clone, Copy, Debug)]
struct Column {
    column: u8,
    /// Where its values begin.
    first: usize,
    /// Candles held, a power of two, less one.
    mask: usize,
    /// How many of them are read beside the judged one.
    back: u16,
    /// Where those begin among the registers of a plan, the judged one at last.
    register: u16,
}

impl Columns {
    /// The columns that the nodes of a plan load, which from here on are given.
    pub(super) fn taken_from(places: &[(Place, u8)], nodes: &mut [Node]) -> Self {
        let mut ago_max: Vec<(u8, u16)> = Vec::new();
        let load = |node: &Node| match *node {
            Node::Load(place, column) => Some((column, ago(places, place)?)),
            _ => None,
        };
        for (column, ago) in nodes.iter().filter_map(load) {
            match ago_max.binary_search_by_key(&column, |(column, _)| *column) {
                Ok(at) => ago_max[at].1 = ago_max[at].1.max(ago),
                Err(at) => ago_max.insert(at, (column, ago)),
            }
        }
        let (mut first, mut register) = (0, 0);
        let columns = ago_max.iter().map(|&(column, back)| {
            let kept = usize::from(back + 1).next_power_of_two();
            let of = Column { column, first, mask: kept - 1, back, register };
            (first, register) = (first + kept, register + back + 1);
            of
        });
        let columns = Self(columns.collect());
        for node in nodes.iter_mut() {
            if let Some((column, ago)) = load(node)
                && let Some(Column { register, back, .. }) = columns.of(column)
            {
                *node = Node::Given(register + back - ago);
            }
        }
        columns
    }

    fn of(&self, column: u8) -> Option<Column> {
        self.0.iter().find(|known| known.column == column).copied()
    }

    /// How many values a pack has of each symbol.
    pub(super) fn values(&self) -> usize {
        self.0.last().map_or(0, |last| last.first + last.mask + 1)
    }

    /// How many registers are given.
    pub(super) fn registers(&self) -> usize {
        self.0.last().map_or(0, |last| usize::from(last.register + last.back) + 1)
    }
}

/// How many candles before the judged one a place is, if packs go back that far.
fn ago(places: &[(Place, u8)], place: u16) -> Option<u16> {
    match places[usize::from(place)].0 {
        Place::Judged => Some(0),
        Place::Before(0, ago) if ago <= PACKED_MAX => Some(ago as u16),
        _ => None,
    }
}

/// The columns of neighbouring symbols.
#[derive(Clone, Debug, Default)]
pub(super) struct Pack {
    values: Vec<Values>,
    /// Counts the candles, those that are judged now at last.
    head: usize,
    /// By symbol, the position of its candle there.
    at: [u64; ABREAST],
}

impl Pack {
    /// One that knows no candle.
    pub(super) fn new(columns: &Columns) -> Self {
        let values = vec![[f64::NAN; ABREAST]; columns.values()];
        Self { values, head: 0, at: [NONE; ABREAST] }
    }

    /// Of a symbol something else changed than the candle that comes next.
    pub(super) fn forget(&mut self, lane: usize) {
        self.at[lane] = NONE;
    }

    /// Goes on to the candles that are to be judged: by symbol its columns, and the position.
    /// `again` candles before each may have changed, too.
    pub(super) fn turn(
        &mut self,
        columns: &Columns,
        judged: &[Option<(&Lanes, u64)>; ABREAST],
        again: usize,
    ) {
        let stays = |(at, judged): (&u64, &Option<(&Lanes, u64)>)| {
            judged.is_none_or(|(_, judged)| judged == *at)
        };
        let moved = !self.at.iter().zip(judged).all(stays);
        self.head = self.head.wrapping_add(usize::from(moved));
        for (lane, judged) in judged.iter().enumerate() {
            let expected = self.at[lane].saturating_add(u64::from(moved));
            match *judged {
                Some((lanes, position)) => {
                    let back = if position == expected { again } else { usize::MAX };
                    self.copy(columns, lane, (lanes, position), back);
                    self.at[lane] = position;
                }
                None if moved => self.forget(lane),
                None => {}
            }
            debug_assert!(judged.is_none_or(|(lanes, at)| self.agrees(columns, lane, lanes, at)));
        }
    }

    /// Copies the candle at a position and so many before it.
    fn copy(&mut self, of: &Columns, lane: usize, (lanes, position): (&Lanes, u64), back: usize) {
        for &Column { column, first, mask, .. } in &of.0 {
            for ago in 0..=back.min(mask) {
                let place = first + (self.head.wrapping_sub(ago) & mask);
                let at = position.checked_sub(ago as u64);
                self.values[place][lane] = at.map_or(f64::NAN, |at| lanes.get(at, column));
            }
        }
    }

    /// Puts what a plan reads into its registers. Copied in one go, what is far from the cache
    /// comes at once, and not one step after the other.
    pub(super) fn give(&self, columns: &Columns, registers: &mut [Values]) {
        for &Column { first, mask, back, register, .. } in &columns.0 {
            let (back, register) = (usize::from(back), usize::from(register));
            let ring = &self.values[first..=first + mask];
            let (oldest, newest) = (self.head.wrapping_sub(back) & mask, self.head & mask);
            let given = &mut registers[register..=register + back];
            if oldest <= newest {
                given.copy_from_slice(&ring[oldest..=newest]);
            } else {
                let (older, newer) = given.split_at_mut(ring.len() - oldest);
                older.copy_from_slice(&ring[oldest..]);
                newer.copy_from_slice(&ring[..=newest]);
            }
        }
    }

    /// Whether a symbol's columns are what its lanes say.
    fn agrees(&self, columns: &Columns, lane: usize, lanes: &Lanes, position: u64) -> bool {
        columns.0.iter().all(|&Column { column, first, mask, .. }| {
            (0..=mask).all(|ago| {
                let at = position.checked_sub(ago as u64);
                let said = at.map_or(f64::NAN, |at| lanes.get(at, column));
                let own = self.values[first + (self.head.wrapping_sub(ago) & mask)][lane];
                own.to_bits() == said.to_bits()
            })
        })
    }
}
