//! Candles from before trading began: a seeded walk that ends at the price of the first print.
//!
//! Nothing is stored. The price at any minute is a sum of noises of doubling length, each a pure
//! function of seed, symbol and minute, so a candle costs the same wherever it lies. It has no
//! trades behind it: the venue serves it as a candle, and its ids do not exist.

use systems::candle::{Candle, VenueCandle};
use systems::units::{Nanos, Price, Quantity};

use super::chance::{hash, mix, unit};
use super::record::quiet;

/// Where a symbol's trading begins.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Opening {
    /// Price of the first print, about.
    pub(super) price: Price,
    /// Mean quantity of a print.
    pub(super) quantity: Quantity,
    /// Price units per tick.
    pub(super) tick: i64,
    /// Prints in a minute, on average.
    pub(super) per_minute: f64,
}

/// Noises of 1, 2, 4, ... minutes.
const OCTAVES: u64 = 13;

/// How far the shortest noise moves the price, as a share of it. Longer ones move it farther by
/// the square root of their length, which is what a random walk does.
const SHARE_PER_MINUTE: f64 = 4e-4;

/// One minute in this many has no trades, whatever the rate.
const QUIET_ONE_IN: u64 = 64;

/// The most prints of one minute.
const TRADES_MAX: f64 = 1e9;

const MINUTE_NS: u64 = 60 * Nanos::PER_SECOND;

/// The time before trading.
#[derive(Clone, Debug)]
pub(super) struct Past {
    seed: u64,
    openings: Vec<Opening>,
    /// The noise when trading begins, per symbol.
    noises: Vec<f64>,
}

impl Past {
    /// The past of symbols that begin to trade at `begins`.
    pub(super) fn new(seed: u64, begins: Nanos, openings: Vec<Opening>) -> Self {
        let begins = begins.0 / MINUTE_NS;
        let noises = (0..openings.len()).map(|symbol| noise(seed, symbol, begins)).collect();
        Self { seed, openings, noises }
    }

    /// The candle of the minute that holds `at`.
    pub(super) fn minute(&self, symbol: usize, at: Nanos) -> VenueCandle {
        let minute = at.0 / MINUTE_NS;
        let open_time = Nanos(minute * MINUTE_NS);
        let (open, close) = (self.price(symbol, minute), self.price(symbol, minute + 1));
        let draw = hash(&[self.seed, symbol as u64, minute, u64::MAX]);
        let Opening { tick, quantity, per_minute, .. } = self.openings[symbol];
        // Half to one and a half times as many as usual; rare ones are there now and then.
        let (spread, rest) = (0.5 + unit(mix(draw)), unit(mix(draw ^ 1)));
        let trades = (per_minute * spread + rest).min(TRADES_MAX) as u64;
        if trades == 0 || draw.is_multiple_of(QUIET_ONE_IN) {
            // Flat at the close before it, as a minute without trades is. The step to the next
            // minute's open is then the walk's.
            return quiet(open_time, open);
        }
        let reach = |shift: u64| (draw >> shift & 3) as i64 * tick;
        let volume = quantity.0.max(1).saturating_mul(trades as i64);
        let bought = (volume as f64 * unit(draw)) as i64;
        let mean = (open.0 as u128 + close.0 as u128) / 2;
        let candle = Candle {
            open_time,
            open,
            high: Price(open.max(close).0 + reach(16)),
            low: Price((open.min(close).0 - reach(20)).max(tick)),
            close,
            volume: Quantity(volume),
            quote_volume: mean * volume as u128,
            taker_buy_volume: Quantity(bought),
            taker_buy_quote_volume: mean * bought as u128,
            trades: trades as u32,
            ..Candle::default()
        };
        VenueCandle { candle, ..quiet(open_time, open) }
    }

    /// Price when `minute` begins: on the grid of ticks, and the opening's when trading begins.
    fn price(&self, symbol: usize, minute: u64) -> Price {
        let Opening { price, tick, .. } = self.openings[symbol];
        let moved = noise(self.seed, symbol, minute) - self.noises[symbol];
        let ticks = price.0 as f64 / tick as f64 * (1.0 + SHARE_PER_MINUTE * moved);
        Price((ticks.round() as i64).max(1).saturating_mul(tick))
    }
}

/// The sum of all noises of a symbol when `minute` begins.
fn noise(seed: u64, symbol: usize, minute: u64) -> f64 {
    let mut sum = 0.0;
    let seed = hash(&[seed, symbol as u64]);
    for octave in 0..OCTAVES {
        let (cell, length) = (minute >> octave, 1u64 << octave);
        // A cell's number is smaller than 2^56, so it and its octave share no bits.
        let at = |cell: u64| unit(mix(seed ^ (octave << 56 | cell))) - 0.5;
        let within = (minute & (length - 1)) as f64 / length as f64;
        let (from, to) = (at(cell), at(cell + 1));
        sum += (length as f64).sqrt() * (from + within * (to - from));
    }
    sum
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::venue::candle::consistent;

    #[test]
    fn the_past_is_sane_joins_up_and_ends_at_the_opening() {
        let opening =
            Opening { price: Price(61_000), quantity: Quantity(30), tick: 5, per_minute: 90.0 };
        let begins = Nanos::from_seconds(1_723_161_600);
        let past = Past::new(1, begins, vec![opening]);
        assert_eq!(past.price(0, begins.0 / MINUTE_NS), Price(61_000));
        let (mut lowest, mut highest) = (i64::MAX, 0);
        let (mut before, mut trades): (Option<Candle>, u64) = (None, 0);
        for minute in (1..7_200).rev() {
            let candle = past.minute(0, begins.minus(minute * MINUTE_NS)).candle;
            assert!(consistent(&candle), "{candle:?}");
            assert!(candle.open.0 % 5 == 0 && candle.low.0 % 5 == 0);
            if let Some(before) = before.filter(|before| before.trades > 0) {
                assert_eq!(before.close, candle.open);
            }
            trades += u64::from(candle.trades);
            (lowest, highest) = (lowest.min(candle.low.0), highest.max(candle.high.0));
            before = Some(candle);
        }
        // Nearly as many as there will be when trading has begun.
        assert!((85 * 7_200..95 * 7_200).contains(&trades), "{trades}");
        assert!(lowest > 30_000 && highest < 120_000 && highest - lowest > 600);
    }
}
