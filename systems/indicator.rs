//! What an indicator is: the door between exact candles and floats, and the contract behind it.
//!
//! An indicator is a small state with O(1) `update` per closed candle. It keeps no history of its
//! own: candles that leave a window are read back from the row's ring through [`Past`]. A saved
//! state is therefore a few words, and rolling back after a correction is: restore the last state
//! saved before the corrected candle, fold forward again.

use crate::candle::Candle;
use crate::ring::Ring;
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
        self.read(ago, |candle| *candle)
    }

    /// One number of the candle `ago` candles before, where the whole is not needed.
    #[inline]
    pub fn read<T>(&self, ago: usize, number: impl Fn(&Candle) -> T) -> Option<T> {
        let position = self.position.checked_sub(ago as u64)?;
        self.ring.read(position, number)
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
