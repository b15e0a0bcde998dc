//! The truth: every print of the market in the order in which the venue matched it.
//!
//! A taker order sweeps one or more prints at one instant. Orders come as a Poisson process whose
//! rate changes every 100 ms. The price of a symbol is a random walk whose variance clusters
//! (GARCH(1,1) over seconds), quoted on its tick grid with a spread that bounces.

use systems::symbol::SymbolSpec;
use systems::trade::{Aggressor, SymbolId, Trade, TradeKind};
use systems::units::{Nanos, Price, Quantity};

use super::activity::{Activity, SLOTS_PER_SECOND};
use super::names::{Nature, symbol};
use super::random::{Chance, Random};
use super::spec::Spec;

/// Length of a slot in nanoseconds.
pub(super) const SLOT_NS: u64 = Nanos::PER_SECOND / SLOTS_PER_SECOND;

/// After each print of a sweep, the chance of another: 1.5 prints per order on average.
const SWEEPS_ON: f64 = 1.0 / 3.0;

/// How much of a second's variance comes from the last return, and from the last variance.
const SHOCK: f64 = 0.10;
const MEMORY: f64 = 0.88;

/// What changes about a symbol with every print.
#[derive(Clone, Debug)]
struct Quote {
    /// Middle price in ticks.
    mid: f64,
    /// Standard deviation of `mid` per order in this second, in ticks.
    step: f64,
    /// Variance of the return over one second.
    variance: f64,
    /// Middle price when the second began.
    mid_before: f64,
    next_id: u64,
    nature: Nature,
}

/// A taker order that still prints.
#[derive(Clone, Copy, Debug)]
struct Sweep {
    symbol: usize,
    aggressor: Aggressor,
}

/// Every print in the order of trade time; per symbol, ids are contiguous in this order.
///
/// Depends on nothing that concerns delivery: specs that differ in fault rates alone have the
/// same prints.
#[derive(Clone, Debug)]
pub struct Prints {
    random: Random,
    activity: Activity,
    quotes: Vec<Quote>,
    /// The last order's instant, in nanoseconds since the epoch.
    now: u64,
    /// Where the slot ends.
    slot_end: u64,
    /// Where the market ends.
    end: u64,
    /// Orders per nanosecond in this slot.
    rate: f64,
    sweep: Option<Sweep>,
    sweeps_on: Chance,
    /// Trade times are rounded down to this.
    time_unit: u64,
}

/// The symbols of a spec and their market before its first print.
pub(super) fn open(spec: &Spec) -> (Vec<SymbolSpec>, Prints) {
    let mut random = Random::new(spec.seed, 0);
    let activity = Activity::new(spec, &mut random);
    let mut names = Vec::with_capacity(spec.symbols as usize);
    let mut quotes = Vec::with_capacity(spec.symbols as usize);
    for (index, (listed_from, _)) in (0..spec.symbols).zip(activity.listed()) {
        let (name, nature) = symbol(index, &mut random);
        names.push(name);
        // What is listed on the way begins with id 0, as on real venues.
        let old = u64::from(random.below(1_000_000_000)) + 1;
        let next_id = if listed_from == spec.start { old } else { 0 };
        let (mid, variance) = (nature.ticks, nature.variance);
        quotes.push(Quote { mid, step: 0.0, variance, mid_before: mid, next_id, nature });
    }
    let now = spec.begins().0;
    let prints = Prints {
        random,
        activity,
        quotes,
        now,
        slot_end: now,
        end: spec.ends().0,
        rate: 0.0,
        sweep: None,
        sweeps_on: Chance::new(SWEEPS_ON),
        time_unit: if spec.times_in_us { 1_000 } else { Nanos::PER_MS },
    };
    (names, prints)
}

impl Prints {
    /// The instant at which the last print was matched, before rounding to the venue's unit.
    pub(super) fn now(&self) -> Nanos {
        Nanos(self.now)
    }

    /// Per symbol: the price of the first print, about, the mean quantity of a print, and the
    /// price units of a tick.
    pub fn openings(&self) -> impl Iterator<Item = (Price, Quantity, i64)> {
        self.quotes.iter().map(|quote| {
            let nature = &quote.nature;
            let price = Price((nature.ticks as i64).max(1) * nature.tick);
            (price, Quantity((nature.size as i64).max(1)), nature.tick)
        })
    }

    /// Prints per second of each symbol, on average.
    pub fn rates(&self) -> impl Iterator<Item = f64> {
        self.activity.bases()
    }

    /// Seconds since the epoch between which each symbol is listed.
    pub fn listed(&self) -> impl Iterator<Item = (u64, u64)> {
        self.activity.listed()
    }

    fn begin_slot(&mut self) {
        let slot = self.slot_end / SLOT_NS;
        if slot.is_multiple_of(SLOTS_PER_SECOND) {
            self.activity.begin_second(slot / SLOTS_PER_SECOND, &mut self.random);
            for (quote, prints_per_second) in self.quotes.iter_mut().zip(self.activity.expected()) {
                quote.begin_second(prints_per_second * (1.0 - SWEEPS_ON));
            }
        }
        self.slot_end += SLOT_NS;
        let orders_per_second = self.activity.rate(slot) * (1.0 - SWEEPS_ON);
        self.rate = orders_per_second / Nanos::PER_SECOND as f64;
    }

    /// Moves to the next taker order; `None` at the end of the market.
    fn next_order(&mut self) -> Option<Sweep> {
        loop {
            // The wait for the next order has no memory, so it is drawn anew in each slot.
            let wait = self.random.exponential() / self.rate;
            if wait < (self.slot_end - self.now) as f64 {
                self.now += wait as u64;
                break;
            }
            // With nothing left of the slot, no wait fits any more: the end stays the end.
            self.now = self.slot_end;
            if self.slot_end >= self.end {
                return None;
            }
            self.begin_slot();
        }
        let symbol = self.activity.draw(&mut self.random);
        let aggressor =
            if self.random.bits() >> 63 == 0 { Aggressor::Buyer } else { Aggressor::Seller };
        self.quotes[symbol].walk(&mut self.random);
        Some(Sweep { symbol, aggressor })
    }
}

impl Quote {
    fn begin_second(&mut self, orders_per_second: f64) {
        let change = (self.mid - self.mid_before) / self.mid_before;
        self.mid_before = self.mid;
        let calm = self.nature.variance;
        self.variance =
            ((1.0 - SHOCK - MEMORY) * calm + SHOCK * change * change + MEMORY * self.variance)
                .min(100.0 * calm);
        // A symbol that trades every ten seconds moves as far in one order as ten seconds go.
        let seconds_per_order = (1.0 / orders_per_second.max(1e-9)).min(60.0);
        self.step = self.mid * (self.variance * seconds_per_order).sqrt();
    }

    fn walk(&mut self, random: &mut Random) {
        let (low, high) = (self.nature.ticks / 8.0, self.nature.ticks * 8.0);
        self.mid = (self.mid + self.step * random.bell()).clamp(low, high);
    }
}

impl Iterator for Prints {
    type Item = Trade;

    fn next(&mut self) -> Option<Trade> {
        let sweep = match self.sweep.take() {
            Some(sweep) => {
                // Each further print of a sweep eats into the book by a third of a tick.
                let third = if sweep.aggressor == Aggressor::Buyer { 0.33 } else { -0.33 };
                self.quotes[sweep.symbol].mid += third;
                sweep
            }
            None => self.next_order()?,
        };
        if self.random.hits(self.sweeps_on) {
            self.sweep = Some(sweep);
        }
        self.activity.printed(sweep.symbol);
        let quote = &mut self.quotes[sweep.symbol];
        let spread = match sweep.aggressor {
            Aggressor::Buyer => quote.nature.half_spread,
            Aggressor::Seller => -quote.nature.half_spread,
        };
        let ticks = ((quote.mid + spread).round() as i64).max(1);
        let size = quote.nature.size * self.random.exponential() * self.random.exponential();
        let id = quote.next_id;
        quote.next_id += 1;
        Some(Trade {
            time: Nanos(self.now - self.now % self.time_unit),
            price: Price(ticks * quote.nature.tick),
            quantity: Quantity((size as i64).max(1)),
            id,
            first_id: id,
            count: 1,
            symbol: SymbolId(sweep.symbol as u16),
            aggressor: sweep.aggressor,
            kind: TradeKind::Market,
        })
    }
}
