//! Tracks: all instances of one indicator type on one row, with the states to roll back to, and the
//! one system that runs every type over all rows.

use bevy_ecs::prelude::*;

use crate::awake::Awake;
use crate::candle::Candle;
use crate::each_row;
use crate::indicator::{Bar, Indicator, Past, Units};
use crate::ingest::Inbox;
use crate::limits::CHECKPOINT_EVERY;
use crate::ring::Ring;
use crate::room::release;
use crate::row::{Dirty, Row};

/// The candles of one row that are to be folded in this pulse, converted once for all indicators.
#[derive(Component, Clone, Debug, Default)]
pub struct Bars {
    /// Position of the first.
    from: u64,
    bars: Vec<Bar>,
}

impl Bars {
    /// The candles of `ring` from `from` on, which it must still hold.
    pub fn refill(&mut self, ring: &Ring, units: Units, from: u64) {
        debug_assert!(ring.start() <= from);
        self.from = from;
        self.bars.clear();
        self.bars.extend((from..ring.end()).map(|position| bar_at(ring, units, position)));
    }

    /// The candle at a position, if it is to be folded in this pulse.
    pub fn at(&self, position: u64) -> Option<&Bar> {
        self.bars.get(position.checked_sub(self.from)? as usize)
    }

    /// Forgets them: all indicators have folded them.
    pub fn release(&mut self) {
        self.bars.clear();
        release(&mut self.bars);
    }
}

#[inline]
fn bar_at(ring: &Ring, units: Units, position: u64) -> Bar {
    Bar::new(ring.get(position).unwrap_or_default(), units)
}

/// One value of one column: not ready is a type, and convergence is part of the value.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Value {
    /// `None` while warming up or where the formula has no answer (such as 0 / 0).
    pub number: Option<f64>,
    /// Whether it no longer depends on where the series began.
    pub converged: bool,
}

/// One configured instance on one row: its state, the states to roll back to, its latest values.
struct Slot<I: Indicator> {
    now: I,
    /// State before the newest candle, so that restating it costs O(1).
    before_newest: (u64, I::Saved),
    /// State before every position that is a multiple of `CHECKPOINT_EVERY`, oldest first.
    checkpoints: Checkpoints<I::Saved>,
    /// First of its columns among the row's columns.
    column: usize,
}

/// Saved states in a ring: the entry of checkpoint number `k` is the state before position
/// `k * CHECKPOINT_EVERY`.
struct Checkpoints<S> {
    saved: Vec<S>,
    capacity: usize,
    /// Checkpoints taken so far; the newest has number `end - 1`.
    end: u64,
}

impl<S> Checkpoints<S> {
    /// Enough to reach the oldest candle of a ring of `capacity`.
    fn for_ring(capacity: usize) -> Self {
        let capacity = capacity / CHECKPOINT_EVERY + 2;
        Self { saved: Vec::with_capacity(capacity), capacity, end: 0 }
    }

    fn slot(&self, number: u64) -> usize {
        (number % self.capacity as u64) as usize
    }

    fn take(&mut self, position: u64, saved: S) {
        debug_assert!(position.is_multiple_of(CHECKPOINT_EVERY as u64));
        let number = position / CHECKPOINT_EVERY as u64;
        let slot = self.slot(number);
        if slot < self.saved.len() {
            self.saved[slot] = saved;
        } else {
            self.saved.push(saved);
        }
        self.end = number + 1;
    }

    /// The newest saved state at or before `position`, with its own position.
    fn at_or_before(&self, position: u64) -> Option<(u64, &S)> {
        let number = (position / CHECKPOINT_EVERY as u64).min(self.end.checked_sub(1)?);
        (number + self.saved.len() as u64 >= self.end)
            .then(|| (number * CHECKPOINT_EVERY as u64, &self.saved[self.slot(number)]))
    }
}

/// All instances of one indicator type on one row, and what they said in this step.
#[derive(Component)]
pub struct Track<I: Indicator> {
    slots: Vec<Slot<I>>,
    /// `OUTPUTS.len()` values per instance and candle, candle-major, from `Dirty::fold_from` on.
    values: Vec<Value>,
    /// Position after the last folded candle.
    end: u64,
}

impl<I: Indicator> Track<I> {
    /// A track without instances.
    pub fn new() -> Self {
        Self { slots: Vec::new(), values: Vec::new(), end: 0 }
    }

    /// Adds an instance whose outputs begin at `column` of the row. Only before the first candle.
    pub fn add(&mut self, params: &[f64], units: Units, column: usize, ring_capacity: usize) {
        debug_assert_eq!(self.end, 0);
        let mut now = I::new(params, units);
        now.allow_rewind(ring_capacity);
        let before_newest = (0, now.save());
        let checkpoints = Checkpoints::for_ring(ring_capacity);
        // Most rows have one instance: a vector that grows by itself begins with room for four.
        self.slots.reserve_exact(1);
        self.slots.push(Slot { now, before_newest, checkpoints, column });
    }

    /// Folds `bars`, the newest candles of `ring`, rolling back first if they were folded before.
    pub fn fold(&mut self, ring: &Ring, bars: &Bars) {
        let width = I::OUTPUTS.len();
        self.values.resize(bars.bars.len() * self.slots.len() * width, Value::default());
        if bars.from != self.end {
            self.come_to(ring, bars);
        }
        let mut values = self.values.chunks_exact_mut(width);
        for (position, bar) in (bars.from..).zip(&bars.bars) {
            for (slot, values) in self.slots.iter_mut().zip(&mut values) {
                slot.advance(ring, bar, position, values);
            }
        }
        self.end = ring.end();
    }

    /// Comes to the states before `bars`: back to saved ones, and forward again from there.
    #[cold]
    fn come_to(&mut self, ring: &Ring, bars: &Bars) {
        debug_assert!(bars.from < self.end, "every candle is folded in the pulse that adds it");
        let Some(first) = bars.bars.first() else { return };
        for slot in &mut self.slots {
            for position in slot.rewind(ring, bars.from)..bars.from {
                slot.advance(ring, &bar_at(ring, first.units, position), position, &mut []);
            }
        }
    }

    /// [`Track::fold`] for a row of its own, outside of any schedule.
    pub fn fold_alone(&mut self, ring: &Ring, units: Units, from: u64) {
        let mut bars = Bars::default();
        bars.refill(ring, units, from);
        self.fold(ring, &bars);
    }

    /// Copies the values of the candle `row` places after `Dirty::fold_from` into its columns.
    pub fn write_columns(&self, row: usize, columns: &mut [Value]) {
        let width = I::OUTPUTS.len();
        let stride = self.slots.len() * width;
        for (index, slot) in self.slots.iter().enumerate() {
            let at = row * stride + index * width;
            columns[slot.column..slot.column + width].copy_from_slice(&self.values[at..at + width]);
        }
    }

    /// Forgets the values: they were handed out.
    pub fn release(&mut self) {
        self.values.clear();
        release(&mut self.values);
    }

    /// Writes what each instance would say if `candle` closed now; changes nothing.
    pub fn peek(&self, ring: &Ring, units: Units, candle: &Candle, columns: &mut [Value]) {
        let bar = Bar::new(*candle, units);
        let past = Past::before(ring, ring.end());
        for slot in &self.slots {
            let mut out = [None; OUTPUTS_MAX];
            slot.now.peek(&bar, &past, &mut out[..I::OUTPUTS.len()]);
            let columns = &mut columns[slot.column..slot.column + I::OUTPUTS.len()];
            write(columns, &out, slot.now.converged());
        }
    }
}

impl<I: Indicator> Default for Track<I> {
    fn default() -> Self {
        Self::new()
    }
}

/// The most columns one indicator has (Bollinger bands have five).
pub const OUTPUTS_MAX: usize = 5;

/// What an indicator said, as values.
#[inline]
fn write(values: &mut [Value], out: &[Option<f64>], converged: bool) {
    for (value, number) in values.iter_mut().zip(out) {
        let number = number.filter(|number| number.is_finite());
        *value = Value { number, converged };
    }
}

impl<I: Indicator> Slot<I> {
    /// Folds the candle at `position`, saving the state before it.
    #[inline]
    fn advance(&mut self, ring: &Ring, bar: &Bar, position: u64, values: &mut [Value]) {
        if position.is_multiple_of(CHECKPOINT_EVERY as u64) {
            self.take_checkpoint(position);
        }
        self.before_newest = (position, self.now.save());
        let mut out = [None; OUTPUTS_MAX];
        self.now.update(bar, &Past::before(ring, position), &mut out[..I::OUTPUTS.len()]);
        write(values, &out, self.now.converged());
    }

    #[cold]
    fn take_checkpoint(&mut self, position: u64) {
        self.checkpoints.take(position, self.now.save());
    }

    /// Comes back to a state at or before `position` and says where that is.
    fn rewind(&mut self, ring: &Ring, position: u64) -> u64 {
        let (newest, before_newest) = &self.before_newest;
        let (at, saved) = match self.checkpoints.at_or_before(position) {
            _ if *newest == position => (position, before_newest),
            Some(found) => found,
            None => unreachable!("checkpoints reach behind the oldest candle of the ring"),
        };
        self.now.restore(saved, &Past::before(ring, at));
        at
    }
}

type Converted<'w> = (&'w Row, &'w Dirty, &'w Ring, Mut<'w, Bars>);
type Indicated<'w, I> = (&'w Dirty, &'w Ring, &'w Bars, Mut<'w, Track<I>>);

/// Converts what is new or corrected on every row.
pub fn convert(
    inbox: Res<Inbox>,
    awake: Res<Awake>,
    mut rows: Query<(&Row, &Dirty, &Ring, &mut Bars)>,
) {
    each_row!(inbox, awake, rows, |(row, dirty, ring, mut bars): Converted<'_>| {
        if let Some(from) = dirty.fold_from {
            bars.refill(ring, row.units, from);
        }
    });
}

/// Folds what is new or corrected on every row: the only way in which indicators advance.
pub fn indicate<I: Indicator>(
    inbox: Res<Inbox>,
    awake: Res<Awake>,
    mut rows: Query<(&Dirty, &Ring, &Bars, &mut Track<I>)>,
) {
    each_row!(inbox, awake, rows, |(dirty, ring, bars, mut track): Indicated<'_, I>| {
        if dirty.fold_from.is_some() {
            track.fold(ring, bars);
        }
    });
}
