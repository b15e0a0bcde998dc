//! Tracks: all instances of one indicator type on one row, with the states to roll back to, and the
//! one system that runs every type over all rows.
//!
//! At a minute's end every track of every row is folded, and each is as far from the cache as
//! memory is. So what a fold touches lies in the tables, next to that of the row's neighbours.

use bevy_ecs::prelude::*;

use crate::awake::Awake;
use crate::candle::Candle;
use crate::each_row;
use crate::few::Few;
use crate::indicator::{Bar, Indicator, Past, Units};
use crate::ingest::Inbox;
use crate::limits::CHECKPOINT_EVERY;
use crate::ring::Ring;
use crate::room::release_several;
use crate::row::{Dirty, Row};

/// The candles of one row that are to be folded in this pulse, converted once for all indicators.
#[derive(Component, Clone, Debug, Default)]
pub struct Bars {
    /// Position of the first.
    from: u64,
    bars: Few<Bar>,
}

impl Bars {
    /// The candles of `ring` from `from` on, which it must still hold.
    pub fn refill(&mut self, ring: &Ring, units: Units, from: u64) {
        debug_assert!(ring.start() <= from);
        self.from = from;
        self.bars.clear();
        for position in from..ring.end() {
            self.bars.push(bar_at(ring, units, position));
        }
    }

    /// The candle at a position, if it is to be folded in this pulse.
    pub fn at(&self, position: u64) -> Option<&Bar> {
        self.bars.get(position.checked_sub(self.from)? as usize)
    }

    /// Forgets them: all indicators have folded them.
    pub fn release(&mut self) {
        self.bars.clear();
        self.bars.release();
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

/// What the indicators of one row said of the candles that are folded in this pulse: candle by
/// candle, a value for each column of the row.
#[derive(Component, Clone, Debug)]
pub struct Values {
    columns: usize,
    values: Vec<Value>,
}

impl Values {
    /// Of a row with so many columns, which has no candle yet.
    pub fn new(columns: usize) -> Self {
        Self { columns, values: Vec::new() }
    }

    /// Makes room for so many candles; what stands there is of no meaning yet.
    pub fn refill(&mut self, candles: usize) {
        self.values.resize(candles * self.columns, Value::default());
    }

    /// Those of all candles.
    pub fn all(&self) -> &[Value] {
        &self.values
    }

    /// Those of the candle so many places after `Dirty::fold_from`.
    pub fn at(&self, place: usize) -> &[Value] {
        self.values.get(place * self.columns..(place + 1) * self.columns).unwrap_or_default()
    }

    /// Values of one candle.
    pub fn columns(&self) -> usize {
        self.columns
    }

    /// Forgets them: they were handed out.
    pub fn release(&mut self) {
        self.values.clear();
        release_several(&mut self.values, self.columns);
    }
}

/// One configured instance on one row: its state, and the one before the newest candle, so that
/// restating that costs O(1).
struct Slot<I: Indicator> {
    now: I,
    before_newest: I::Saved,
    /// First of its columns among the row's columns.
    column: u32,
}

/// States of all instances before every position that is a multiple of [`CHECKPOINT_EVERY`], in a
/// ring: those of checkpoint number `k` are the states before position `k * CHECKPOINT_EVERY`.
struct Checkpoints<S> {
    /// By place in the ring, and then by instance.
    saved: Vec<S>,
    capacity: usize,
    /// Checkpoints taken so far; the newest has number `end - 1`.
    end: u64,
}

impl<S> Checkpoints<S> {
    /// Enough for `instances` to reach the oldest candle of a ring of `ring_capacity`.
    fn make_room(&mut self, instances: usize, ring_capacity: usize) {
        self.capacity = ring_capacity / CHECKPOINT_EVERY + 2;
        self.saved = Vec::with_capacity(self.capacity * instances);
    }

    fn place(&self, number: u64) -> usize {
        (number % self.capacity as u64) as usize
    }

    fn take(&mut self, position: u64, instances: usize, states: impl Iterator<Item = S>) {
        debug_assert!(position.is_multiple_of(CHECKPOINT_EVERY as u64));
        let number = position / CHECKPOINT_EVERY as u64;
        let first = self.place(number) * instances;
        if first < self.saved.len() {
            self.saved[first..].iter_mut().zip(states).for_each(|(saved, state)| *saved = state);
        } else {
            self.saved.extend(states);
        }
        self.end = number + 1;
    }

    /// The newest states at or before `position`, with their own position.
    fn at_or_before(&self, position: u64, instances: usize) -> Option<(u64, &[S])> {
        let number = (position / CHECKPOINT_EVERY as u64).min(self.end.checked_sub(1)?);
        let held = (self.saved.len() / instances) as u64;
        (number + held >= self.end).then(|| {
            let first = self.place(number) * instances;
            (number * CHECKPOINT_EVERY as u64, &self.saved[first..first + instances])
        })
    }
}

/// All instances of one indicator type on one row.
#[derive(Component)]
pub struct Track<I: Indicator> {
    slots: Few<Slot<I>>,
    checkpoints: Checkpoints<I::Saved>,
    /// Position after the last folded candle.
    end: u64,
}

impl<I: Indicator> Track<I> {
    /// A track without instances.
    pub fn new() -> Self {
        let checkpoints = Checkpoints { saved: Vec::new(), capacity: 0, end: 0 };
        Self { slots: Few::default(), checkpoints, end: 0 }
    }

    /// Adds an instance whose outputs begin at `column` of the row. Only before the first candle.
    pub fn add(&mut self, params: &[f64], units: Units, column: usize, ring_capacity: usize) {
        debug_assert_eq!(self.end, 0);
        let mut now = I::new(params, units);
        now.allow_rewind(ring_capacity);
        let before_newest = now.save();
        self.slots.push(Slot { now, before_newest, column: column as u32 });
        self.checkpoints.make_room(self.slots.len(), ring_capacity);
    }

    /// Folds `bars`, the newest candles of `ring`, rolling back first if they were folded before.
    pub fn fold(&mut self, ring: &Ring, bars: &Bars, values: &mut Values) {
        if bars.from != self.end && !self.slots.is_empty() {
            self.come_to(ring, bars);
        }
        let columns = values.columns;
        let mut rest = &mut values.values[..];
        for (position, bar) in (bars.from..).zip(bars.bars.iter()) {
            let (own, others) = rest.split_at_mut(columns);
            self.advance(ring, bar, position, own);
            rest = others;
        }
    }

    /// Folds the candle at `position`, saving the states before it.
    #[inline]
    fn advance(&mut self, ring: &Ring, bar: &Bar, position: u64, values: &mut [Value]) {
        if position.is_multiple_of(CHECKPOINT_EVERY as u64) && !self.slots.is_empty() {
            self.take_checkpoint(position);
        }
        let past = Past::before(ring, position);
        for slot in self.slots.iter_mut() {
            let values = values.get_mut(slot.column as usize..).unwrap_or_default();
            slot.advance(bar, &past, values);
        }
        self.end = position + 1;
    }

    #[cold]
    fn take_checkpoint(&mut self, position: u64) {
        let states = self.slots.iter().map(|slot| slot.now.save());
        self.checkpoints.take(position, self.slots.len(), states);
    }

    /// Comes to the states before `bars`: back to saved ones, and forward again from there.
    #[cold]
    fn come_to(&mut self, ring: &Ring, bars: &Bars) {
        debug_assert!(bars.from < self.end, "every candle is folded in the pulse that adds it");
        let Some(first) = bars.bars.get(0) else { return };
        for position in self.rewind(ring, bars.from)..bars.from {
            self.advance(ring, &bar_at(ring, first.units, position), position, &mut []);
        }
    }

    /// Comes back to the states at or before `position` and says where that is.
    fn rewind(&mut self, ring: &Ring, position: u64) -> u64 {
        if position + 1 == self.end {
            let past = Past::before(ring, position);
            self.slots.iter_mut().for_each(|slot| slot.now.restore(&slot.before_newest, &past));
            return position;
        }
        let Some((at, saved)) = self.checkpoints.at_or_before(position, self.slots.len()) else {
            unreachable!("checkpoints reach behind the oldest candle of the ring");
        };
        let past = Past::before(ring, at);
        let slots = self.slots.iter_mut().zip(saved);
        slots.for_each(|(slot, saved)| slot.now.restore(saved, &past));
        at
    }

    /// [`Track::fold`] for a row of its own, outside of any schedule.
    pub fn fold_alone(&mut self, ring: &Ring, units: Units, from: u64, values: &mut Values) {
        let mut bars = Bars::default();
        bars.refill(ring, units, from);
        values.refill(bars.bars.len());
        self.fold(ring, &bars, values);
    }

    /// Writes what each instance would say if `candle` closed now; changes nothing.
    pub fn peek(&self, ring: &Ring, units: Units, candle: &Candle, columns: &mut [Value]) {
        let bar = Bar::new(*candle, units);
        let past = Past::before(ring, ring.end());
        for slot in self.slots.iter() {
            let mut out = [None; OUTPUTS_MAX];
            slot.now.peek(&bar, &past, &mut out[..I::OUTPUTS.len()]);
            let columns = columns.get_mut(slot.column as usize..).unwrap_or_default();
            write(columns, &out[..I::OUTPUTS.len()], slot.now.converged());
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
    /// Folds a candle, saving the state before it.
    #[inline]
    fn advance(&mut self, bar: &Bar, past: &Past<'_>, values: &mut [Value]) {
        self.before_newest = self.now.save();
        let mut out = [None; OUTPUTS_MAX];
        self.now.update(bar, past, &mut out[..I::OUTPUTS.len()]);
        write(values, &out[..I::OUTPUTS.len()], self.now.converged());
    }
}

type Converted<'w> = (&'w Row, &'w Dirty, &'w Ring, Mut<'w, Bars>, Mut<'w, Values>);
type Indicated<'w, I> = (&'w Dirty, &'w Ring, &'w Bars, Mut<'w, Values>, Mut<'w, Track<I>>);

/// Converts what is new or corrected on every row.
pub fn convert(
    inbox: Res<Inbox>,
    awake: Res<Awake>,
    mut rows: Query<(&Row, &Dirty, &Ring, &mut Bars, &mut Values)>,
) {
    each_row!(inbox, awake, rows, |(row, dirty, ring, mut bars, mut values): Converted<'_>| {
        if let Some(from) = dirty.fold_from {
            bars.refill(ring, row.units, from);
            values.refill(bars.bars.len());
        }
    });
}

/// Folds what is new or corrected on every row: the only way in which indicators advance.
pub fn indicate<I: Indicator>(
    inbox: Res<Inbox>,
    awake: Res<Awake>,
    mut rows: Query<(&Dirty, &Ring, &Bars, &mut Values, &mut Track<I>)>,
) {
    each_row!(inbox, awake, rows, |(dirty, ring, bars, mut values, mut track): Indicated<
        '_,
        I,
    >| {
        if dirty.fold_from.is_some() {
            track.fold(ring, bars, &mut values);
        }
    });
}
