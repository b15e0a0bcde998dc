//! Lanes: the columns of a row's newest candles as floats, for rules to read.

use bevy_ecs::prelude::*;

use super::times::Times;
use super::{Rules, Source};
use crate::awake::Awake;
use crate::candle::Mark;
use crate::each_row;
use crate::ingest::Inbox;
use crate::limits::INTERVALS_MAX;
use crate::ring::Ring;
use crate::row::{Dirty, Row};
use crate::settings::Settings;
use crate::track::{Bars, Value, Values};
use crate::units::Nanos;

/// The columns that rules read of one row, of its newest candles, and of the one that is forming.
#[derive(Component, Clone, Debug)]
pub struct Lanes {
    width: usize,
    /// Candles held less one: their number is a power of two.
    mask: u64,
    /// Those of the candles that are held, then of the one that is forming, then of none at all:
    /// so every candle that a rule may ask for has a place, and NaN needs no case of its own.
    values: Box<[f64]>,
    /// By candle: which columns no longer depend on where the series began.
    converged: Box<[u128]>,
    end: u64,
    /// When the symbol was listed, if that happened while it was looked for.
    pub listed: Option<Nanos>,
    /// First position whose columns or mark changed in this pulse.
    pub changed: Option<u64>,
    /// Position after the newest candle that has its places among all symbols.
    pub ranked: u64,
}

impl Lanes {
    /// Lanes of `width` columns for `kept` candles, a power of two.
    pub fn new(width: usize, kept: usize) -> Self {
        debug_assert!(kept.is_power_of_two());
        Self {
            width,
            mask: kept as u64 - 1,
            values: vec![f64::NAN; width * (kept + 2)].into_boxed_slice(),
            converged: vec![0; kept].into_boxed_slice(),
            end: 0,
            listed: None,
            changed: None,
            ranked: 0,
        }
    }

    /// First position that is held.
    pub fn start(&self) -> u64 {
        self.end.saturating_sub(self.mask + 1)
    }

    /// A column at a position, which may be the end: NaN is not known.
    #[inline]
    pub fn get(&self, position: u64, column: u8) -> f64 {
        self.values.get(self.place(position) + usize::from(column)).copied().unwrap_or(f64::NAN)
    }

    /// All columns, candle by candle.
    #[inline]
    pub(super) fn values(&self) -> &[f64] {
        &self.values
    }

    /// Where among them those of the candle at a position begin, which may be the end.
    #[inline]
    pub(super) fn place(&self, position: u64) -> usize {
        let kept = self.mask + 1;
        let held = position < self.end && self.end - position <= kept;
        let slot = match position == self.end {
            _ if held => position & self.mask,
            true => kept,
            false => kept + 1,
        };
        slot as usize * self.width
    }

    /// Which columns no longer depend on where the series began.
    pub fn converged(&self, position: u64) -> u128 {
        let held = (self.start()..self.end).contains(&position);
        if held { self.converged[(position & self.mask) as usize] } else { 0 }
    }

    /// Takes the columns of the candle at `position`: all before it are there.
    pub fn put(&mut self, position: u64, column: impl Fn(usize) -> Value) {
        let slot = (position & self.mask) as usize;
        let mut converged = 0;
        let values = &mut self.values[slot * self.width..][..self.width];
        for (index, place) in values.iter_mut().enumerate() {
            let value = column(index);
            *place = value.number.unwrap_or(f64::NAN);
            converged |= u128::from(value.converged) << index;
        }
        self.converged[slot] = converged;
        self.end = position + 1;
    }

    /// Sets one column of a candle that is held.
    pub fn set(&mut self, position: u64, column: usize, number: f64) {
        if (self.start()..self.end).contains(&position) && column < self.width {
            let slot = (position & self.mask) as usize;
            let place = &mut self.values[slot * self.width + column];
            if place.to_bits() != number.to_bits() {
                *place = number;
                self.touch(position);
            }
        }
    }

    /// The columns of the candle that is forming.
    pub fn forming_mut(&mut self) -> &mut [f64] {
        let forming = (self.mask as usize + 1) * self.width;
        &mut self.values[forming..][..self.width]
    }

    /// Notes that something changed at `position`.
    pub fn touch(&mut self, position: u64) {
        self.changed = Some(self.changed.map_or(position, |at| at.min(position)));
    }
}

/// What rules read of one row.
#[derive(Clone, Copy)]
pub struct View<'a> {
    /// Its closed candles.
    pub ring: &'a Ring,
    /// Their columns.
    pub lanes: &'a Lanes,
    /// Price units in one quote unit.
    pub price: f64,
}

/// What rules read of one symbol: its rows by interval, and the venue's time.
#[derive(Clone, Copy)]
pub struct Views<'a> {
    rows: [Option<View<'a>>; INTERVALS_MAX],
    now: Nanos,
}

impl<'a> Views<'a> {
    /// No row yet.
    pub fn new(now: Nanos) -> Self {
        Self { rows: [None; INTERVALS_MAX], now }
    }

    /// Adds the row of an interval.
    pub fn set(&mut self, interval: usize, view: View<'a>) {
        self.rows[interval] = Some(view);
    }

    /// The row of an interval.
    #[inline]
    pub fn view(&self, interval: u8) -> Option<&View<'a>> {
        self.rows.get(usize::from(interval))?.as_ref()
    }

    /// A column of a candle: NaN is not known.
    #[inline]
    pub fn column(&self, interval: u8, position: Option<u64>, column: u8) -> f64 {
        match (self.view(interval), position) {
            (Some(view), Some(position)) => view.lanes.get(position, column),
            _ => f64::NAN,
        }
    }

    /// The mark of a closed candle.
    pub fn mark(&self, interval: u8, position: u64) -> Option<Mark> {
        self.view(interval)?.ring.read(position, |candle| candle.mark)
    }

    /// Which columns of a closed candle no longer depend on where the series began.
    pub fn converged(&self, interval: u8, position: u64) -> u128 {
        self.view(interval).map_or(0, |view| view.lanes.converged(position))
    }

    /// Start of a closed candle.
    pub fn open_time(&self, interval: u8, position: u64) -> Nanos {
        let read = |view: &View<'_>| view.ring.read(position, |candle| candle.open_time);
        self.view(interval).and_then(read).unwrap_or_default()
    }

    /// The first candle of `interval` that reads anything of `other` that changed in this pulse.
    pub fn changed(&self, interval: u8, other: u8) -> Option<u64> {
        let changed = self.view(other)?.lanes.changed?;
        if interval == other {
            return Some(changed);
        }
        let own = self.view(interval)?.ring;
        let end = self.end_of(other, changed)?;
        Some(own.lower_bound(end.minus(own.interval().ns())))
    }

    /// When a candle ends; for the one that is forming, the venue's time.
    pub fn end_of(&self, interval: u8, position: u64) -> Option<Nanos> {
        let ring = self.view(interval)?.ring;
        if position == ring.end() {
            return Some(self.now);
        }
        Some(ring.read(position, |candle| candle.open_time)?.plus(ring.interval().ns()))
    }

    /// The candle of `other` that had closed last when the one at `position` ended; for the one
    /// that is forming, the one of `other` that is forming. There is none if its stretch has none.
    pub fn aligned(&self, interval: u8, position: u64, other: u8) -> Option<u64> {
        let there = self.view(other)?.ring;
        if position == self.view(interval)?.ring.end() {
            return Some(there.end());
        }
        self.closed_by(self.end_of(interval, position)?, other)
    }

    /// The first position of `interval` at which everything is still held that programs which read
    /// these intervals look at, in lanes and rings; `depth` says how far back, by interval.
    pub fn held_from(&self, interval: u8, reads: &[(u8, u128)], depth: &[Option<usize>]) -> u64 {
        let Some(own) = self.view(interval) else { return 0 };
        let mut from = 0;
        let reads = reads.iter().map(|(other, _)| *other);
        for other in reads.chain(core::iter::once(interval)) {
            let Some(view) = self.view(other) else { continue };
            let begin = view.lanes.start().max(view.ring.start());
            if begin == 0 {
                continue;
            }
            let depth = depth.get(usize::from(other)).copied().flatten().unwrap_or(0);
            let first = begin + depth as u64;
            let Some(end) = self.end_of(other, first) else { return own.ring.end() };
            from = from.max(own.ring.lower_bound(end.minus(own.ring.interval().ns())));
        }
        from
    }

    /// The candle that ended last at `time` or before; none if its stretch has none.
    fn closed_by(&self, time: Nanos, interval: u8) -> Option<u64> {
        let ring = self.view(interval)?.ring;
        let open_time = ring.interval().bucket(time.minus(ring.interval().ns()));
        ring.find(open_time).ok()
    }

    /// The close that was known `ns` before the end of the candle at `position`, by the candles of
    /// `other`: NaN is not known.
    pub fn close_before(&self, interval: u8, position: u64, other: u8, ns: u64) -> f64 {
        let close = || {
            let before = self.end_of(interval, position)?.0.checked_sub(ns)?;
            let at = self.closed_by(Nanos(before), other)?;
            let view = self.view(other)?;
            view.ring.read(at, |candle| candle.close.0 as f64 / view.price)
        };
        close().unwrap_or(f64::NAN)
    }
}

type Filled<'w> = (&'w Row, &'w Dirty, &'w Ring, &'w Bars, &'w Values, Mut<'w, Lanes>);

/// Takes the columns of new and corrected candles out of what indicators said.
pub fn fill(
    inbox: Res<Inbox>,
    awake: Res<Awake>,
    settings: Res<Settings>,
    mut rows: Query<(&Row, &Dirty, &Ring, &Bars, &Values, &mut Lanes)>,
) {
    each_row!(inbox, awake, rows, |(row, dirty, ring, bars, values, mut lanes): Filled<'_>| {
        lanes.changed = dirty.from();
        let Some(from) = dirty.fold_from else { return };
        let sources = &settings.rules.columns[usize::from(row.interval)];
        let kept = lanes.mask + 1;
        for position in from.max(ring.end().saturating_sub(kept))..ring.end() {
            let Some(bar) = bars.at(position) else { continue };
            let values = values.at((position - from) as usize);
            let times = Times::closed((&settings.rules, sources), (ring, &lanes), position, bar);
            lanes.put(position, |column| match sources[column] {
                Source::Field(field) => Value { number: Some(field.of(bar)), converged: true },
                Source::Output(output) => values[usize::from(output)],
                Source::Rank(_) | Source::Percentile(_) => Value { number: None, converged: true },
                Source::Time(time) => Value { number: times.get(time), converged: true },
            });
        }
    });
}

/// The lanes of a row, if any rule reads it.
pub fn lanes_of(rules: &Rules, interval: usize) -> Option<Lanes> {
    let columns = rules.columns.get(interval)?;
    rules.read(interval).then(|| Lanes::new(columns.len(), rules.kept(interval)))
}
