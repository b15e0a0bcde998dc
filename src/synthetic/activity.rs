//! Who trades when: how many prints per second the market makes, and how symbols share them.
//!
//! The market has a calm rate and bursts: at random (some seconds every two minutes) and in the
//! first second of every minute. Among symbols, activity is skewed by rank, excites itself (a
//! busy second makes a busy next one), turns hot for some tens of seconds, and pauses for whole
//! minutes. The shares are normalised every second, so the market keeps its mean rate whatever
//! single symbols do.

use super::random::{Alias, Chance, Random};
use super::spec::Spec;

/// Slots in which the market's rate is constant; the rate may change ten times a second.
pub(super) const SLOTS_PER_SECOND: u64 = 10;

/// How much of the next second's pace the last second's prints decide, and how much its pace.
const EXCITED: f64 = 0.25;
const KEPT: f64 = 0.60;

/// Bursts of the market begin and end with these chances in every second.
const BURST_BEGINS: f64 = 1.0 / 120.0;
const BURST_ENDS: f64 = 1.0 / 8.0;

/// The same for one symbol, which then trades this many times its calm pace.
const HOT_BEGINS: f64 = 1.0 / 600.0;
const HOT_ENDS: f64 = 1.0 / 20.0;
const HOT: f64 = 8.0;

/// The pace of one symbol.
#[derive(Clone, Debug)]
struct Pace {
    /// Its share of the market by rank.
    base: f64,
    /// Its pace now, in prints per second before normalising.
    now: f64,
    /// Its weight in this second: `now`, or zero while it may not trade.
    weight: f64,
    /// Prints in this second.
    prints: u32,
    hot: bool,
    quiet: bool,
    /// Seconds since the epoch between which it is listed.
    listed: (u64, u64),
}

/// The state of the market's activity.
#[derive(Clone, Debug)]
pub(super) struct Activity {
    paces: Vec<Pace>,
    alias: Alias,
    total: f64,
    /// Prints per second in a calm slot, such that the mean over all slots is the spec's rate.
    calm: f64,
    rate: f64,
    burst: f64,
    boundary: f64,
    quiet: Chance,
    bursting: bool,
    /// From and to when the market surges, in seconds since the epoch, and by which factor.
    surge: (u64, u64, f64),
    /// That factor in this second, else 1.
    heat: f64,
}

impl Activity {
    /// Ranks and listing times of all symbols.
    pub(super) fn new(spec: &Spec, random: &mut Random) -> Self {
        let n = spec.symbols;
        let mut ranks: Vec<u32> = (0..n).collect();
        for last in (1..n).rev() {
            ranks.swap(last as usize, random.below(last + 1) as usize);
        }
        let weights: Vec<f64> = ranks.iter().map(|&rank| skewed(rank, spec.skew)).collect();
        let total: f64 = weights.iter().sum();
        let listed = listings(spec, random);
        let paces = weights.into_iter().zip(listed).map(|(weight, listed)| {
            let base = spec.rate * weight / total;
            let (hot, quiet) = (false, false);
            Pace { base, now: base, weight: 0.0, prints: 0, hot, quiet, listed }
        });
        let bursting = BURST_BEGINS / (BURST_BEGINS + BURST_ENDS);
        let calm =
            spec.rate * 60.0 / (59.0 + spec.boundary) / (1.0 - bursting + bursting * spec.burst);
        Self {
            paces: paces.collect(),
            alias: Alias::default(),
            total: 0.0,
            calm,
            rate: spec.rate,
            burst: spec.burst,
            boundary: spec.boundary,
            quiet: Chance::new(spec.quiet),
            bursting: false,
            surge: spec.surge.map_or((0, 0, 1.0), |surge| {
                (spec.start + surge.from, spec.start + surge.end(), surge.factor)
            }),
            heat: 1.0,
        }
    }

    /// Begins the second `now` (since the epoch).
    pub(super) fn begin_second(&mut self, now: u64, random: &mut Random) {
        let change = if self.bursting { BURST_ENDS } else { BURST_BEGINS };
        self.bursting ^= random.hits(Chance::new(change));
        let (begins, ends) = (Chance::new(HOT_BEGINS), Chance::new(HOT_ENDS));
        let new_minute = now.is_multiple_of(60);
        self.total = 0.0;
        let heat = self.heat;
        for pace in &mut self.paces {
            pace.hot ^= random.hits(if pace.hot { ends } else { begins });
            if new_minute {
                pace.quiet = random.hits(self.quiet);
            }
            let drive = if pace.hot { HOT * pace.base } else { pace.base };
            // Of a surge everybody has the share that they would have without it.
            let prints = f64::from(pace.prints) / heat;
            pace.now = (1.0 - EXCITED - KEPT) * drive + EXCITED * prints + KEPT * pace.now;
            pace.prints = 0;
            let trades = !pace.quiet && pace.listed.0 <= now && now < pace.listed.1;
            pace.weight = if trades { pace.now } else { 0.0 };
            self.total += pace.weight;
        }
        let (from, to, factor) = self.surge;
        self.heat = if (from..to).contains(&now) { factor } else { 1.0 };
        if self.total > 0.0 {
            self.alias.rebuild(self.paces.iter().map(|pace| pace.weight), self.total);
        }
    }

    /// Prints per second in slot number `slot` since the epoch; zero if nobody may trade.
    pub(super) fn rate(&self, slot: u64) -> f64 {
        if self.total <= 0.0 {
            return 0.0;
        }
        let bursting = if self.bursting { self.burst } else { 1.0 };
        let first_second = (slot / SLOTS_PER_SECOND).is_multiple_of(60);
        let boundary = if first_second { self.boundary } else { 1.0 };
        self.calm * bursting * boundary * self.heat
    }

    /// Who trades next.
    #[inline]
    pub(super) fn draw(&self, random: &mut Random) -> usize {
        self.alias.draw(random)
    }

    /// Counts a print towards its symbol's excitement.
    #[inline]
    pub(super) fn printed(&mut self, symbol: usize) {
        self.paces[symbol].prints += 1;
    }

    /// Prints per second expected of each symbol in this second.
    pub(super) fn expected(&self) -> impl Iterator<Item = f64> {
        let factor = if self.total > 0.0 { self.rate * self.heat / self.total } else { 0.0 };
        self.paces.iter().map(move |pace| pace.weight * factor)
    }

    /// Prints per second of each symbol, on average.
    pub(super) fn bases(&self) -> impl Iterator<Item = f64> {
        self.paces.iter().map(|pace| pace.base)
    }

    /// Seconds since the epoch between which each symbol is listed.
    pub(super) fn listed(&self) -> impl Iterator<Item = (u64, u64)> {
        self.paces.iter().map(|pace| pace.listed)
    }
}

/// `1 / (rank + 2)^skew` for a skew in half steps, by multiplication and roots alone.
fn skewed(rank: u32, skew: f64) -> f64 {
    let root = (f64::from(rank) + 2.0).sqrt();
    let halves = (skew * 2.0) as u32;
    (0..halves).fold(1.0, |weight, _| weight / root)
}

/// From and to when each symbol is listed: those that change do so in the middle half.
fn listings(spec: &Spec, random: &mut Random) -> Vec<(u64, u64)> {
    let (start, end) = (spec.start, spec.start + spec.duration);
    let mut listed = vec![(start, u64::MAX); spec.symbols as usize];
    let mut chosen = 0;
    while chosen < spec.listings + spec.delistings {
        let symbol = &mut listed[random.below(spec.symbols) as usize];
        if *symbol != (start, u64::MAX) {
            continue;
        }
        let quarter = spec.duration / 4;
        let middle = random.below(u32::try_from(spec.duration / 2 + 1).unwrap_or(u32::MAX));
        let at = (start + quarter + u64::from(middle)).clamp(start + 1, end);
        *symbol = if chosen < spec.listings { (at, u64::MAX) } else { (start, at) };
        chosen += 1;
    }
    listed
}
