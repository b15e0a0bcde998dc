//! The closed candles of one row: 64 bytes each, in a ring sized once.

use std::collections::BTreeMap;

use bevy_ecs::component::Component;

use crate::candle::{Candle, Mark};
use crate::interval::Interval;
use crate::lane::Lane;
use crate::units::{Nanos, Price, Quantity};

/// What changed about a closed candle since it was last handed out. The note travels with the
/// candle, so that insertions before it cannot misplace it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum Touched {
    /// Nothing.
    Nothing = 0,
    /// Its mark.
    Mark = 1,
    /// Its numbers, and perhaps its mark.
    Numbers = 2,
    /// It was put in before others and never handed out.
    New = 3,
}

/// A closed candle in 64 bytes.
///
/// Prices are the open and three 32-bit distances, quote volumes have 72 bits, the open time has
/// whole seconds. That is enough for any candle of a real market; one that does not fit is kept
/// whole beside the ring, so nothing is ever wrapped or rounded.
///
/// Fields that are neighbours in [`Candle`] are not neighbours here: they would be read back as
/// one, and such a read waits until both writes have left the processor.
#[derive(Clone, Copy, Debug, Default)]
#[repr(C)]
struct Packed {
    open: i64,
    volume: i64,
    quote_low: u64,
    taker_buy_volume: i64,
    taker_quote_low: u64,
    open_seconds: u32,
    open_to_high: u32,
    low_to_open: u32,
    low_to_close: u32,
    trades: u32,
    quote_high: u8,
    taker_quote_high: u8,
    revision: u8,
    /// The mark in the low bits, what was touched above `TOUCHED_SHIFT`.
    mark: u8,
}

const TOUCHED_SHIFT: u32 = 4;
const MARK_BITS: u8 = 7;
/// Set in `Packed::mark` if the candle is kept whole beside the ring.
const WIDE: u8 = 8;
const QUOTE_BITS: u32 = 64 + u8::BITS;

const _: () = assert!(size_of::<Packed>() == 64);

impl Packed {
    /// Whether a candle fits.
    fn fits(candle: &Candle) -> bool {
        let quotes = candle.quote_volume.max(candle.taker_buy_quote_volume);
        candle.high.0.abs_diff(candle.low.0) <= u64::from(u32::MAX) && quotes >> QUOTE_BITS == 0
    }

    /// The candle in 64 bytes; only its times and flags mean anything if it does not fit.
    #[inline]
    fn pack(candle: &Candle) -> Self {
        debug_assert!(candle.low <= candle.open && candle.open <= candle.high);
        debug_assert!(candle.low <= candle.close && candle.close <= candle.high);
        Self {
            open: candle.open.0,
            volume: candle.volume.0,
            taker_buy_volume: candle.taker_buy_volume.0,
            quote_low: candle.quote_volume as u64,
            taker_quote_low: candle.taker_buy_quote_volume as u64,
            open_seconds: candle.open_time.seconds() as u32,
            open_to_high: (candle.high.0 - candle.open.0) as u32,
            low_to_open: (candle.open.0 - candle.low.0) as u32,
            low_to_close: (candle.close.0 - candle.low.0) as u32,
            trades: candle.trades,
            quote_high: (candle.quote_volume >> 64) as u8,
            taker_quote_high: (candle.taker_buy_quote_volume >> 64) as u8,
            revision: candle.revision,
            mark: candle.mark as u8 | if Self::fits(candle) { 0 } else { WIDE },
        }
    }

    fn touched(self, touched: Touched) -> Self {
        let mark = self.mark & ((1 << TOUCHED_SHIFT) - 1) | (touched as u8) << TOUCHED_SHIFT;
        Self { mark, ..self }
    }

    fn open_time(&self) -> Nanos {
        Nanos::from_seconds(self.open_seconds.into())
    }

    fn what_touched(&self) -> Touched {
        match self.mark >> TOUCHED_SHIFT {
            0 => Touched::Nothing,
            1 => Touched::Mark,
            2 => Touched::Numbers,
            _ => Touched::New,
        }
    }

    #[inline]
    fn unpack(&self) -> Candle {
        let low = self.open - i64::from(self.low_to_open);
        Candle {
            open_time: self.open_time(),
            open: Price(self.open),
            high: Price(self.open + i64::from(self.open_to_high)),
            low: Price(low),
            close: Price(low + i64::from(self.low_to_close)),
            volume: Quantity(self.volume),
            quote_volume: u128::from(self.quote_low) | u128::from(self.quote_high) << 64,
            taker_buy_volume: Quantity(self.taker_buy_volume),
            taker_buy_quote_volume: u128::from(self.taker_quote_low)
                | u128::from(self.taker_quote_high) << 64,
            trades: self.trades,
            revision: self.revision,
            mark: Mark::from_bits(self.mark),
        }
    }
}

/// The closed candles of one row, oldest first, in a ring sized once.
///
/// Candles are addressed by position (see [`Lane`]). Open times strictly increase but may jump: a
/// halted or unseen stretch leaves no candle.
#[derive(Component, Clone, Debug)]
pub struct Ring {
    lane: Lane<Packed>,
    /// Candles that do not fit 64 bytes, by open time. Normally empty.
    wide: BTreeMap<Nanos, Candle>,
    interval: Interval,
}

impl Ring {
    /// An empty ring for `capacity` candles (at least 1) of `interval`.
    pub fn new(capacity: usize, interval: Interval) -> Self {
        Self { lane: Lane::new(capacity), wide: BTreeMap::new(), interval }
    }

    /// The interval of its candles.
    pub fn interval(&self) -> Interval {
        self.interval
    }

    /// How many candles it can hold.
    pub fn capacity(&self) -> usize {
        self.lane.capacity()
    }

    /// Position after the newest candle; 0 when nothing was closed yet.
    #[inline]
    pub fn end(&self) -> u64 {
        self.lane.end()
    }

    /// Position of the oldest candle still held.
    #[inline]
    pub fn start(&self) -> u64 {
        self.lane.start()
    }

    /// The candle at `position`, `None` if it is gone or not there yet.
    #[inline]
    pub fn get(&self, position: u64) -> Option<Candle> {
        self.read(position, |candle| *candle)
    }

    /// What `number` says of the candle at `position`; no more of it is unpacked than that takes.
    #[inline]
    pub fn read<T>(&self, position: u64, number: impl Fn(&Candle) -> T) -> Option<T> {
        let packed = self.lane.get(position)?;
        if packed.mark & WIDE == 0 {
            return Some(number(&packed.unpack()));
        }
        self.wide(packed).map(number)
    }

    #[cold]
    fn wide(&self, packed: &Packed) -> Option<&Candle> {
        self.wide.get(&packed.open_time())
    }

    /// The candle packed, and kept whole beside the ring if it does not fit.
    #[inline]
    fn stow(&mut self, candle: &Candle) -> Packed {
        let packed = Packed::pack(candle);
        if packed.mark & WIDE != 0 {
            self.keep_whole(candle);
        }
        packed
    }

    #[cold]
    fn keep_whole(&mut self, candle: &Candle) {
        self.wide.insert(candle.open_time, *candle);
        if self.wide.len() > self.capacity() {
            // The oldest of them left the ring long ago.
            self.wide.pop_first();
        }
    }

    /// The newest candle.
    pub fn newest(&self) -> Option<Candle> {
        self.end().checked_sub(1).and_then(|position| self.get(position))
    }

    /// Appends a candle later than all others, dropping the oldest if full.
    #[inline]
    pub fn push(&mut self, candle: &Candle) {
        debug_assert!(self.newest().is_none_or(|newest| newest.open_time < candle.open_time));
        let packed = self.stow(candle);
        self.lane.push(packed);
    }

    /// Replaces the candle at a position that is held; does nothing if it is not.
    pub fn set(&mut self, position: u64, candle: &Candle) {
        let stowed = self.stow(candle);
        if let Some(packed) = self.lane.get_mut(position) {
            *packed = stowed.touched(packed.what_touched().max(Touched::Numbers));
        }
    }

    /// Replaces the mark of a candle that is held; does nothing if it is not.
    pub fn set_mark(&mut self, position: u64, mark: Mark) {
        if let Some(packed) = self.lane.get_mut(position) {
            let touched = packed.what_touched().max(Touched::Mark);
            packed.mark = packed.mark & !MARK_BITS | mark as u8;
            *packed = packed.touched(touched);
        }
        let opens_at = self.opens_at(position);
        if let Some(candle) = opens_at.and_then(|open_time| self.wide.get_mut(&open_time)) {
            candle.mark = mark;
        }
    }

    /// Puts a candle before the one at `position`, moving later ones up by one.
    pub fn insert(&mut self, position: u64, candle: &Candle, touched: Touched) {
        let packed = self.stow(candle).touched(touched);
        self.lane.insert(position, packed);
    }

    /// What changed about a candle since [`Ring::clear_touched`].
    pub fn touched(&self, position: u64) -> Touched {
        self.lane.get(position).map_or(Touched::Nothing, Packed::what_touched)
    }

    /// Forgets what changed from `position` on.
    pub fn clear_touched(&mut self, position: u64) {
        for position in position..self.end() {
            if let Some(packed) = self.lane.get_mut(position) {
                *packed = packed.touched(Touched::Nothing);
            }
        }
    }

    /// Where the candle that opens at `open_time` is (`Ok`), or would be inserted (`Err`).
    pub fn find(&self, open_time: Nanos) -> Result<u64, u64> {
        let (mut low, mut high) = (self.start(), self.end());
        // Rings rarely have holes, so the distance in time usually is the distance in positions.
        let newest = high.checked_sub(1).and_then(|position| self.opens_at(position));
        if let Some(ago) = newest.and_then(|newest| newest.0.checked_sub(open_time.0)) {
            let guess = high.checked_sub(1 + ago / self.interval.ns());
            if let Some(guess) = guess.filter(|&guess| self.opens_at(guess) == Some(open_time)) {
                return Ok(guess);
            }
        }
        while low < high {
            let middle = low + (high - low) / 2;
            match self.opens_at(middle).cmp(&Some(open_time)) {
                core::cmp::Ordering::Less => low = middle + 1,
                core::cmp::Ordering::Equal => return Ok(middle),
                core::cmp::Ordering::Greater => high = middle,
            }
        }
        Err(low)
    }

    /// First position that opens at `open_time` or later.
    pub fn lower_bound(&self, open_time: Nanos) -> u64 {
        self.find(open_time).unwrap_or_else(|position| position)
    }

    fn opens_at(&self, position: u64) -> Option<Nanos> {
        self.lane.get(position).map(Packed::open_time)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn minute() -> Interval {
        Interval::new(60).unwrap()
    }

    fn at(minute: u64) -> Candle {
        Candle::quiet(Nanos::from_seconds(1_700_000_040 + minute * 60), Price(minute as i64 + 1))
    }

    fn ring_of(minutes: impl IntoIterator<Item = u64>, capacity: usize) -> Ring {
        let mut ring = Ring::new(capacity, minute());
        minutes.into_iter().for_each(|minute| ring.push(&at(minute)));
        ring
    }

    fn contents(ring: &Ring) -> Vec<Candle> {
        (ring.start()..ring.end()).filter_map(|position| ring.get(position)).collect()
    }

    #[test]
    fn a_full_ring_drops_the_oldest() {
        let ring = ring_of(0..5, 3);
        assert_eq!(contents(&ring), [at(2), at(3), at(4)]);
        assert_eq!((ring.start(), ring.end()), (2, 5));
        assert_eq!(ring.get(1), None);
        assert_eq!(ring.get(5), None);
    }

    #[test]
    fn finding_works_with_and_without_holes() {
        for ring in [ring_of(0..40, 20), ring_of((0..40).filter(|m| m % 7 != 3), 20)] {
            let held = contents(&ring);
            for minute in 0..45 {
                let open_time = at(minute).open_time;
                let want = held.binary_search_by_key(&open_time, |candle| candle.open_time);
                let start = ring.start();
                assert_eq!(
                    ring.find(open_time),
                    want.map(|i| start + i as u64).map_err(|i| start + i as u64),
                    "{minute}"
                );
            }
        }
    }

    #[test]
    fn inserting_moves_later_candles_up() {
        let mut ring = ring_of([0, 1, 3, 4], 4);
        let position = ring.find(at(2).open_time).unwrap_err();
        ring.insert(position, &at(2), Touched::New);
        assert_eq!(contents(&ring), [at(1), at(2), at(3), at(4)]);
    }

    proptest! {
        #[test]
        fn packing_keeps_every_number(
            seconds in 0u32..,
            low in 0i64..1 << 50,
            open in 0i64..1 << 31,
            close in 0i64..1 << 31,
            above in 0i64..1 << 33,
            volume: u32, taker: u32,
            quote in 0u128..1 << 72, taker_quote in 0u128..1 << 72,
            trades: u32, revision: u8, mark in 0usize..7,
        ) {
            let candle = Candle {
                open_time: Nanos::from_seconds(u64::from(seconds)),
                open: Price(low + open),
                high: Price(low + open.max(close) + above),
                low: Price(low),
                close: Price(low + close),
                volume: Quantity(volume.into()),
                quote_volume: quote,
                taker_buy_volume: Quantity(taker.into()),
                taker_buy_quote_volume: taker_quote,
                trades,
                revision,
                mark: Mark::ALL[mark],
            };
            prop_assert_eq!(Packed::fits(&candle), candle.high.0 - candle.low.0 < 1 << 32);
            let mut ring = Ring::new(2, minute());
            ring.push(&candle);
            prop_assert_eq!(ring.get(0), Some(candle));
            ring.set_mark(0, Mark::Disputed);
            prop_assert_eq!(ring.get(0), Some(Candle { mark: Mark::Disputed, ..candle }));
        }
    }
}
