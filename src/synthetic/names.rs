//! The symbols of a synthetic market: names, scales and what they trade like.

use systems::symbol::SymbolSpec;
use systems::units::Scale;

use super::random::Random;

/// What a symbol is like for its whole life.
#[derive(Clone, Copy, Debug)]
pub(super) struct Nature {
    /// Price units per tick size.
    pub tick: i64,
    /// Opening price in ticks.
    pub ticks: f64,
    /// Mean quantity of a print, in quantity units.
    pub size: f64,
    /// Variance of its return over one second when calm.
    pub variance: f64,
    /// Half the spread, in ticks.
    pub half_spread: f64,
}

/// Draws one symbol: prices with 2 to 8 decimals, quantities with 0 to 5, as cheap coins have
/// many price digits and whole quantities, and dear ones the reverse.
pub(super) fn symbol(index: u32, random: &mut Random) -> (SymbolSpec, Nature) {
    let decimals = 2 + random.below(7) as u8;
    let tick = if random.below(8) == 0 { 5 } else { 1 };
    // From a thousand to some millions of ticks, so that one tick is a small move.
    let magnitude = [1e3, 1e4, 1e4, 1e5, 1e5, 1e6][random.below(6) as usize];
    let ticks = (magnitude * (1.0 + 6.0 * random.unit())).round();
    let price = Scale::exact(decimals);
    let quote = ticks * tick as f64 / price.unit() as f64;
    let digits = match quote {
        q if q >= 1_000.0 => 5,
        q if q >= 100.0 => 4,
        q if q >= 10.0 => 2,
        q if q >= 0.1 => 1,
        _ => 0,
    };
    let quantity = Scale::exact(digits);
    let size = (50.0 + 400.0 * random.unit()) / quote * quantity.unit() as f64;
    let nature = Nature {
        tick,
        ticks,
        size,
        variance: (0.5e-4 + 2.0e-4 * random.unit()) * (0.5e-4 + 2.0e-4 * random.unit()),
        half_spread: 0.5 + f64::from(random.below(3)) * 0.5,
    };
    (SymbolSpec { name: name(index).into(), price, quantity }, nature)
}

/// A pronounceable name per index: two syllables up to 10,000, then three.
fn name(index: u32) -> String {
    let syllables = if index < 10_000 { 2 } else { 3 };
    // A factor without common divisors with 100 scatters neighbours and hits every name once.
    let mut rest = u64::from(index) * 7_919 % 100u64.pow(syllables);
    let mut name = String::with_capacity(10);
    for _ in 0..syllables {
        let (consonant, vowel) = (rest % 20, rest / 20 % 5);
        name.push(char::from(b"BCDFGHJKLMNPRSTVWXYZ"[consonant as usize]));
        name.push(char::from(b"AEIOU"[vowel as usize]));
        rest /= 100;
    }
    name + "USDT"
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn every_index_has_its_own_name() {
        let names: BTreeSet<String> = (0..65_535).map(name).collect();
        assert_eq!(names.len(), 65_535);
    }

    #[test]
    fn scales_and_sizes_stay_in_the_ranges_of_real_venues() {
        let mut random = Random::new(3, 0);
        let mut decimals = BTreeSet::new();
        for index in 0..2_000 {
            let (spec, nature) = symbol(index, &mut random);
            decimals.insert(spec.price.decimals);
            assert!(spec.quantity.decimals <= 5);
            assert!((1e3..=7e6).contains(&nature.ticks));
            assert!(nature.size >= 0.05 && nature.size < 1e12, "{nature:?}");
        }
        assert_eq!(decimals, (2..=8).collect());
    }
}
