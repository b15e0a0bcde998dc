//! What a plan reads of the candles of neighbouring symbols, side by side.
//!
//! Lanes lie by row, so the same column of eight symbols is in eight places, and a look back over
//! twenty candles goes to twenty more for each of them. Here one load brings a column of all eight,
//! and those of earlier candles follow one another. It is a copy, and lanes say what is right: a
//! symbol of which anything but the next candle changed is copied anew, and so is one that had no
//! candle for a stretch in between.

use super::abreast::{ABREAST, Values};
use super::lanes::Lanes;
use super::plan::{Node, Place};
use crate::limits::PACKED_MAX;

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
        let load = |node: &Node| match *node {
            Node::Load(place, column) => Some((column, ago(places, place)?)),
            _ => None,
        };
        let mut loads: Vec<(u8, u16)> = nodes.iter().filter_map(load).collect();
        loads.sort_unstable();
        loads.dedup();
        let columns = loads.chunk_by(|(column, _), (other, _)| column == other);
        let columns = columns.filter_map(|loads| Some((loads[0].0, dense(loads)?)));
        let (mut first, mut register) = (0, 0);
        let columns = columns.map(|(column, back)| {
            let kept = usize::from(back + 1).next_power_of_two();
            let of = Column { column, first, mask: kept - 1, back, register };
            (first, register) = (first + kept, register + back + 1);
            of
        });
        let columns = Self(columns.collect());
        for node in nodes.iter_mut() {
            if let Some((column, ago)) = load(node)
                && let Some(Column { register, back, .. }) = columns.of(column)
                && ago <= back
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

/// How many candles back a column is read so often that all of them are worth copying: at least
/// every other one. Its loads are in order.
fn dense(loads: &[(u8, u16)]) -> Option<u16> {
    let reads = (1..).zip(loads.iter().map(|(_, ago)| *ago));
    reads.filter(|(count, ago)| 2 * count > *ago).map(|(_, ago)| ago).last()
}

/// Candles that are judged together: of some neighbouring symbols, all of one stretch of time.
#[derive(Clone, Copy)]
pub(super) struct Together<'a> {
    /// Which stretch, counted in lengths of a candle.
    pub(super) stretch: u64,
    /// By symbol its columns and the position of its candle, if it has one.
    pub(super) judged: [Option<(&'a Lanes, u64)>; ABREAST],
}

/// The columns of neighbouring symbols.
#[derive(Clone, Debug, Default)]
pub(super) struct Pack {
    /// A candle has its place in a ring by its stretch: symbols that close one after the other need
    /// not wait for each other.
    values: Vec<Values>,
    /// The stretch that is judged.
    stretch: u64,
    /// By symbol, its newest candle: stretch and position.
    newest: [Option<(u64, u64)>; ABREAST],
}

impl Pack {
    /// One that knows no candle.
    pub(super) fn new(columns: &Columns) -> Self {
        let values = vec![[f64::NAN; ABREAST]; columns.values()];
        Self { values, stretch: 0, newest: [None; ABREAST] }
    }

    /// Of a symbol something else changed than the candle that comes next.
    pub(super) fn forget(&mut self, lane: usize) {
        self.newest[lane] = None;
    }

    /// Goes on to the candles that are to be judged. `again` candles before each may have changed,
    /// too.
    pub(super) fn turn(&mut self, columns: &Columns, together: &Together<'_>, again: u64) {
        let Together { stretch, judged } = *together;
        self.stretch = stretch;
        for (lane, judged) in judged.iter().enumerate() {
            let Some((lanes, position)) = *judged else { continue };
            let new = self.newest[lane].and_then(|(there, at)| {
                let (later, more) = (stretch.checked_sub(there)?, position.checked_sub(at)?);
                (later == more).then_some(more)
            });
            let back = new.map_or(u64::MAX, |new| new.saturating_sub(1).max(again));
            self.copy(columns, lane, (lanes, position), back);
            self.newest[lane] = Some((stretch, position));
            debug_assert!(self.agrees(columns, lane, lanes, position));
        }
    }

    fn place(&self, of: &Column, ago: usize) -> usize {
        of.first + ((self.stretch as usize).wrapping_sub(ago) & of.mask)
    }

    /// Copies the candle at a position and so many before it.
    fn copy(&mut self, of: &Columns, lane: usize, (lanes, position): (&Lanes, u64), back: u64) {
        for column in &of.0 {
            for ago in 0..=back.min(column.mask as u64) {
                let place = self.place(column, ago as usize);
                let at = position.checked_sub(ago);
                self.values[place][lane] = at.map_or(f64::NAN, |at| lanes.get(at, column.column));
            }
        }
    }

    /// Puts what a plan reads into its registers. Copied in one go, what is far from the cache
    /// comes at once, and not one step after the other.
    pub(super) fn give(&self, columns: &Columns, registers: &mut [Values]) {
        for column in &columns.0 {
            let (back, register) = (usize::from(column.back), usize::from(column.register));
            let ring = &self.values[column.first..=column.first + column.mask];
            let [oldest, newest] = [back, 0].map(|ago| self.place(column, ago) - column.first);
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
        columns.0.iter().all(|column| {
            (0..=column.mask).all(|ago| {
                let at = position.checked_sub(ago as u64);
                let said = at.map_or(f64::NAN, |at| lanes.get(at, column.column));
                self.values[self.place(column, ago)][lane].to_bits() == said.to_bits()
            })
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::track::Value;
    use proptest::prelude::*;

    /// Two columns, of which the second is read far back.
    fn columns() -> (Columns, Vec<Node>) {
        let places: Vec<_> = core::iter::once((Place::Judged, 0))
            .chain((1..=30).map(|ago| (Place::Before(0, ago), 0)))
            .collect();
        let mut nodes = vec![Node::Load(0, 0), Node::Load(30, 0)];
        nodes.extend((0..=30).map(|place| Node::Load(place, 1)));
        let columns = Columns::taken_from(&places, &mut nodes);
        (columns, nodes)
    }

    #[test]
    fn columns_are_given_as_far_back_as_they_are_read_densely() {
        let (columns, nodes) = columns();
        assert_eq!((columns.values(), columns.registers()), (1 + 32, 1 + 31));
        assert_eq!(nodes[..3], [Node::Given(0), Node::Load(30, 0), Node::Given(31)]);
        assert_eq!(nodes[32], Node::Given(1));
        let dense = |agos: &[u16]| dense(&agos.iter().map(|ago| (0, *ago)).collect::<Vec<_>>());
        assert_eq!(dense(&[0, 60]), Some(0));
        assert_eq!(dense(&[1]), Some(1));
        assert_eq!(dense(&[3]), None);
        assert_eq!(dense(&[0, 2, 4, 6, 30]), Some(6));
    }

    proptest! {
        /// Whoever closes when, skips stretches, adds several at once or changes old candles: what
        /// is given is what lanes say.
        #[test]
        fn what_is_given_is_what_lanes_say(
            steps in prop::collection::vec((any::<[u8; ABREAST]>(), 1u64..4), 1..60),
        ) {
            let (columns, _) = columns();
            let mut pack = Pack::new(&columns);
            let mut lanes = vec![Lanes::new(2, 64); ABREAST];
            let (mut ends, mut stretch, mut number) = ([0; ABREAST], 100, 0.0);
            let mut registers = vec![[0.0; ABREAST]; columns.registers()];
            for (how, later) in steps {
                stretch += later % 3;
                let mut put = |lanes: &mut Lanes, at| {
                    number += 1.0;
                    lanes.put(at, |column| Value {
                        number: Some(number + 0.5 * column as f64),
                        converged: true,
                    });
                };
                for lane in 0..ABREAST {
                    let more = u64::from(how[lane] % 4);
                    (0..more).for_each(|more| put(&mut lanes[lane], ends[lane] + more));
                    ends[lane] += more;
                    // Something before the newest changed.
                    if how[lane] > 230 && ends[lane] > 1 {
                        lanes[lane].set(ends[lane] - 2, 1, f64::from(how[lane]));
                        pack.forget(lane);
                    }
                }
                let judged = core::array::from_fn(|lane| {
                    (how[lane] & 64 == 0 && ends[lane] > 0).then(|| (&lanes[lane], ends[lane] - 1))
                });
                // Who got something and is not judged was corrected as well.
                for lane in 0..ABREAST {
                    if judged[lane].is_none() && how[lane] % 4 > 0 {
                        pack.forget(lane);
                    }
                }
                pack.turn(&columns, &Together { stretch, judged }, 0);
                pack.give(&columns, &mut registers);
                for (lane, judged) in judged.iter().enumerate() {
                    let Some((lanes, at)) = *judged else { continue };
                    prop_assert_eq!(registers[0][lane].to_bits(), lanes.get(at, 0).to_bits());
                    for ago in 0..=30u64 {
                        let said = at.checked_sub(ago).map_or(f64::NAN, |at| lanes.get(at, 1));
                        let given = registers[31 - ago as usize][lane];
                        prop_assert_eq!(given.to_bits(), said.to_bits());
                    }
                }
            }
        }
    }
}
