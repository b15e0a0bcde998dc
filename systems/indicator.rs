//! What an indicator is, and the one system that runs every type of indicator over all rows.
//!
//! An indicator is a small state with O(1) `update` per closed candle. It keeps no history of its
//! own: candles that leave a window are read back from the row's ring through [`Past`]. A saved
//! state is therefore a few words, and rolling back after a correction is: restore the last state
//! saved before the corrected candle, fold forward again.

use bevy_ecs::prelude::*;

use crate::candle::{Candle, Ring};
use crate::each_row;
use crate::ingest::Inbox;
use crate::limits::CHECKPOINT_EVERY;
use crate::row::{Dirty, Row};
use crate::units::Scale;

/// How a symbol's integers become floats, once per row.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Units {
    /// Price units in one quote unit: `10^price decimals`.
    pub price: f64,
    /// Quantity units in one base unit: `10^quantity decimals`.
    pub quantity: f64,
    /// Length of the row's candles in seconds.
    pub seconds: f64,
}

impl Units {
    /// Units for a symbol's scales and an interval length in seconds.
    pub fn new(price: Scale, quantity: Scale, seconds: u32) -> Self {
        Self {
            price: price.unit() as f64,
            quantity: quantity.unit() as f64,
            seconds: f64::from(seconds),
        }
    }

    /// Quote units (price x quantity) in one: for `quote_volume`.
    pub fn quote(&self) -> f64 {
        self.price * self.quantity
    }
}

/// A candle at the indicator's door: exact integers, and the same as the nearest floats.
#[derive(Clone, Copy, Debug)]
pub struct Bar {
    /// The exact candle.
    pub candle: Candle,
    /// What its integers mean.
    pub units: Units,
    /// Open price in quote currency.
    pub open: f64,
    /// High price in quote currency.
    pub high: f64,
    /// Low price in quote currency.
    pub low: f64,
    /// Close price in quote currency.
    pub close: f64,
    /// Volume in base currency.
    pub volume: f64,
}

impl Bar {
    /// Converts by one division each, which gives the float nearest to the venue's decimal text.
    #[inline]
    pub fn new(candle: Candle, units: Units) -> Self {
        Self {
            candle,
            units,
            open: candle.open.0 as f64 / units.price,
            high: candle.high.0 as f64 / units.price,
            low: candle.low.0 as f64 / units.price,
            close: candle.close.0 as f64 / units.price,
            volume: candle.volume.0 as f64 / units.quantity,
        }
    }

    /// (high + low + close) / 3 in quote currency.
    #[inline]
    pub fn typical(&self) -> f64 {
        (self.high + self.low + self.close) / 3.0
    }
}

/// The candles of one row that are to be folded in this pulse, converted once for all indicators.
#[derive(Component, Clone, Debug, Default)]
pub struct Bars {
    /// Position of the first.
    from: u64,
    bars: Vec<Bar>,
}

impl Bars {
    /// The candles of `ring` from `from` on.
    pub fn refill(&mut self, ring: &Ring, units: Units, from: u64) {
        self.from = from;
        self.bars.clear();
        let candles = (from..ring.end()).filter_map(|position| ring.get(position));
        self.bars.extend(candles.map(|candle| Bar::new(candle, units)));
    }

    /// The candle at `position`, converted before or now.
    #[inline]
    fn at(&self, ring: &Ring, units: Units, position: u64) -> Bar {
        let place = position.checked_sub(self.from).map(|place| place as usize);
        match place.and_then(|place| self.bars.get(place)) {
            Some(bar) => *bar,
            // Only on the way from a saved state to the first corrected candle.
            None => Bar::new(ring.get(position).unwrap_or_default(), units),
        }
    }
}

/// The candles closed before the one being folded.
#[derive(Clone, Copy, Debug)]
pub struct Past<'a> {
    ring: &'a Ring,
    position: u64,
}

impl<'a> Past<'a> {
    /// The candles before `position`, which may be the ring's end (for the forming candle).
    pub fn before(ring: &'a Ring, position: u64) -> Self {
        Self { ring, position }
    }

    /// The candle `ago` candles before the one being folded; `back(1)` is the previous one.
    ///
    /// `None` before the first candle or behind the ring's reach, which is at least
    /// `lookback` candles plus the longest configured period from the newest.
    #[inline]
    pub fn back(&self, ago: usize) -> Option<Candle> {
        self.position.checked_sub(ago as u64).and_then(|position| self.ring.get(position))
    }

    /// The `n` candles before the one being folded, or as many as there are, oldest first, with
    /// their positions.
    pub fn last(&self, n: usize) -> impl Iterator<Item = (u64, Candle)> + use<'a> {
        let Self { ring, position } = *self;
        let first = position.saturating_sub(n as u64);
        (first..position).filter_map(|position| Some((position, ring.get(position)?)))
    }

    /// How many candles were closed before this one since the start.
    pub fn count(&self) -> u64 {
        self.position
    }
}

/// One allowed parameter: its name and its range.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Param {
    /// What errors and documents call it.
    pub name: &'static str,
    /// Smallest allowed value.
    pub min: f64,
    /// Largest allowed value.
    pub max: f64,
    /// Whether only whole numbers are allowed.
    pub whole: bool,
    /// Used when the parameter is left out; `None` makes it required.
    pub default: Option<f64>,
}

impl Param {
    /// A period in candles with a default.
    pub const fn period(name: &'static str, min: usize, default: usize) -> Self {
        let max = crate::limits::PERIOD_MAX as f64;
        Self { name, min: min as f64, max, whole: true, default: Some(default as f64) }
    }

    /// A positive factor with a default.
    pub const fn factor(name: &'static str, default: f64) -> Self {
        Self { name, min: 0.01, max: 100.0, whole: false, default: Some(default) }
    }
}

/// One indicator: a state that folds closed candles, oldest first.
///
/// `Self` is the whole state, small and without heap memory unless [`Indicator::Saved`] says
/// otherwise. On every path through `update` the state advances exactly once.
pub trait Indicator: Send + Sync + Sized + 'static {
    /// The name in configurations, and the first part of its column names.
    const NAME: &'static str;
    /// What it takes, in order.
    const PARAMS: &'static [Param];
    /// Suffix of each output column; `""` for the one that bears the plain name.
    const OUTPUTS: &'static [&'static str];
    /// What rolling back needs; mostly `Self`.
    type Saved: Send + Sync + 'static;

    /// A fresh state. `params` has one checked value per entry of `PARAMS`.
    fn new(params: &[f64], units: Units) -> Self;

    /// How many closed candles before the current one `update` may read through `Past`.
    fn reach(params: &[f64]) -> usize {
        let _ = params;
        0
    }

    /// Told once, before the first candle: `restore` goes back by at most so many `candles`. For
    /// states that neither fit in `Saved` nor can be read again from `past`.
    fn allow_rewind(&mut self, candles: usize) {
        let _ = candles;
    }

    /// A rule that `PARAMS` cannot say, such as "fast must be below slow".
    ///
    /// # Errors
    /// One sentence that says what is allowed.
    fn check(params: &[f64]) -> Result<(), &'static str> {
        let _ = params;
        Ok(())
    }

    /// Folds one closed candle and writes `OUTPUTS.len()` values; `None` while warming up.
    fn update(&mut self, bar: &Bar, past: &Past<'_>, out: &mut [Option<f64>]);

    /// What `update` would write for a candle that is still forming; changes nothing.
    fn peek(&self, bar: &Bar, past: &Past<'_>, out: &mut [Option<f64>]);

    /// Whether the values no longer depend on where the series began (to about 1e-6 of the
    /// seed's weight for recursive averages; windows converge when they are full).
    fn converged(&self) -> bool;

    /// What [`Indicator::restore`] needs to come back to the present state.
    fn save(&self) -> Self::Saved;

    /// Comes back to a saved state. `past` stands before the candle that will be folded next.
    fn restore(&mut self, saved: &Self::Saved, past: &Past<'_>);
}

/// The members that every plain `Copy` state has in common.
#[macro_export]
macro_rules! saved_by_copy {
    () => {
        type Saved = Self;

        fn peek(
            &self,
            bar: &$crate::indicator::Bar,
            past: &$crate::indicator::Past<'_>,
            out: &mut [Option<f64>],
        ) {
            let mut scratch = *self;
            scratch.update(bar, past, out);
        }

        fn save(&self) -> Self {
            *self
        }

        fn restore(&mut self, saved: &Self, _past: &$crate::indicator::Past<'_>) {
            *self = *saved;
        }
    };
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
        self.slots.push(Slot { now, before_newest, checkpoints, column });
    }

    /// Folds the candles of `ring` from `from` on, rolling back first if they were folded before.
    /// `bars` are the same candles, converted.
    pub fn fold(&mut self, ring: &Ring, bars: &Bars, units: Units, from: u64) {
        let width = I::OUTPUTS.len();
        let stride = self.slots.len() * width;
        self.values.clear();
        self.values.resize((ring.end() - from) as usize * stride, Value::default());
        for (index, slot) in self.slots.iter_mut().enumerate() {
            let mut position = if from < self.end { slot.rewind(ring, from) } else { self.end };
            let mut unseen = [None; OUTPUTS_MAX];
            while position < from {
                slot.advance(ring, &bars.at(ring, units, position), position, &mut unseen[..width]);
                position += 1;
            }
            for values in self.values[index * width..].chunks_mut(stride) {
                let mut out = [None; OUTPUTS_MAX];
                slot.advance(ring, &bars.at(ring, units, position), position, &mut out[..width]);
                let converged = slot.now.converged();
                for (value, number) in values.iter_mut().zip(&out[..width]) {
                    let number = number.filter(|number| number.is_finite());
                    *value = Value { number, converged };
                }
                position += 1;
            }
        }
        self.end = ring.end();
    }

    /// [`Track::fold`] for a row of its own, outside of any schedule.
    pub fn fold_alone(&mut self, ring: &Ring, units: Units, from: u64) {
        let mut bars = Bars::default();
        bars.refill(ring, units, from);
        self.fold(ring, &bars, units, from);
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

    /// Writes what each instance would say if `candle` closed now; changes nothing.
    pub fn peek(&self, ring: &Ring, units: Units, candle: &Candle, columns: &mut [Value]) {
        let bar = Bar::new(*candle, units);
        let past = Past::before(ring, ring.end());
        for slot in &self.slots {
            let mut out = [None; OUTPUTS_MAX];
            slot.now.peek(&bar, &past, &mut out[..I::OUTPUTS.len()]);
            for (value, number) in columns[slot.column..].iter_mut().zip(&out[..I::OUTPUTS.len()]) {
                let number = number.filter(|n| n.is_finite());
                *value = Value { number, converged: slot.now.converged() };
            }
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

impl<I: Indicator> Slot<I> {
    /// Folds the candle at `position`, saving the state before it.
    #[inline]
    fn advance(&mut self, ring: &Ring, bar: &Bar, position: u64, out: &mut [Option<f64>]) {
        let saved = self.now.save();
        if position.is_multiple_of(CHECKPOINT_EVERY as u64) {
            self.checkpoints.take(position, self.now.save());
        }
        self.before_newest = (position, saved);
        self.now.update(bar, &Past::before(ring, position), out);
    }

    /// Comes back to a state at or before `position` and says where that is.
    fn rewind(&mut self, ring: &Ring, position: u64) -> u64 {
        let (at, saved) = match self.checkpoints.at_or_before(position) {
            _ if self.before_newest.0 == position => (position, &self.before_newest.1),
            Some(found) => found,
            None => unreachable!("checkpoints reach behind the oldest candle of the ring"),
        };
        self.now.restore(saved, &Past::before(ring, at));
        at
    }
}

/// Converts what is new or corrected on every row.
pub fn convert(inbox: Res<Inbox>, mut rows: Query<(&Row, &Dirty, &Ring, &mut Bars)>) {
    each_row!(inbox, rows, |(row, dirty, ring, mut bars)| {
        if let Some(from) = dirty.fold_from {
            bars.refill(ring, row.units, from);
        }
    });
}

/// Folds what is new or corrected on every row: the only way in which indicators advance.
pub fn indicate<I: Indicator>(
    inbox: Res<Inbox>,
    mut rows: Query<(&Row, &Dirty, &Ring, &Bars, &mut Track<I>)>,
) {
    each_row!(inbox, rows, |(row, dirty, ring, bars, mut track)| {
        if let Some(from) = dirty.fold_from {
            track.fold(ring, bars, row.units, from);
        }
    });
}
