//! The scales of an import's symbols: from the venue's list, from the data, or from both.

use std::collections::BTreeMap;

use systems::limits::SYMBOLS_MAX;
use systems::symbol::SymbolSpec;
use systems::units::Scale;

use crate::symbols::SymbolsError;
use crate::venue::binance::Field;
use crate::venue::digits::Precision;

/// Where a symbol's scales come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// The list of instruments.
    Listed,
    /// The list, widened because the data has more digits: the tick size changed since.
    Widened,
    /// The digits seen in the data.
    Inferred,
}

impl Origin {
    /// The word used in summaries.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Listed => "listed",
            Self::Widened => "widened",
            Self::Inferred => "inferred",
        }
    }
}

/// The digits seen of one symbol.
#[derive(Clone, Copy, Debug, Default)]
struct Seen {
    price: Precision,
    quantity: Precision,
    quote: Precision,
}

/// The digits seen of every symbol, by name.
#[derive(Debug, Default)]
pub(super) struct Scales {
    seen: BTreeMap<Box<str>, Seen>,
}

impl Scales {
    /// Notes one decimal text; `false` if it is none that we can hold.
    pub(super) fn see(&mut self, symbol: &str, field: Field, text: &str) -> bool {
        let Some(precision) = Precision::of(text.as_bytes()) else { return false };
        let digits_max = match field {
            Field::Price | Field::Quantity => Scale::MAX_DECIMALS,
            // Such sums are 128 bits wide, and never negative.
            Field::Quote if text.starts_with('-') => return false,
            Field::Quote => 2 * Scale::MAX_DECIMALS,
        };
        if precision.digits() > u32::from(digits_max) {
            return false;
        }
        if !self.seen.contains_key(symbol) {
            // One more than allowed, so that the excess is noticed and memory still bounded.
            if self.seen.len() > SYMBOLS_MAX {
                return true;
            }
            self.seen.insert(symbol.into(), Seen::default());
        }
        if let Some(seen) = self.seen.get_mut(symbol) {
            let slot = match field {
                Field::Price => &mut seen.price,
                Field::Quantity => &mut seen.quantity,
                Field::Quote => &mut seen.quote,
            };
            *slot = slot.max(precision);
        }
        true
    }

    /// The scales of every symbol seen, in order of name.
    ///
    /// # Errors
    /// Too many symbols, or (with its name) one that `listed` does not have.
    pub(super) fn specs(
        &self,
        listed: Option<&BTreeMap<Box<str>, SymbolSpec>>,
    ) -> Result<Vec<(SymbolSpec, Origin)>, SpecsError> {
        if self.seen.len() > SYMBOLS_MAX {
            return Err(SpecsError::TooMany(SymbolsError::TooMany(self.seen.len())));
        }
        self.seen
            .iter()
            .map(|(name, seen)| {
                let inferred = seen.spec(name);
                let Some(listed) = listed else { return Ok((inferred, Origin::Inferred)) };
                let listed = listed.get(name).ok_or_else(|| SpecsError::NotListed(name.clone()))?;
                let spec = SymbolSpec {
                    name: name.clone(),
                    price: wider(listed.price, inferred.price),
                    quantity: wider(listed.quantity, inferred.quantity),
                };
                let origin = if spec == *listed { Origin::Listed } else { Origin::Widened };
                Ok((spec, origin))
            })
            .collect()
    }
}

/// Why there are no scales.
#[derive(Debug)]
pub(super) enum SpecsError {
    TooMany(SymbolsError),
    NotListed(Box<str>),
}

impl Seen {
    fn spec(&self, name: &str) -> SymbolSpec {
        let (mut price, quantity) = (self.price, self.quantity);
        // Prices inside a candle can have digits that its four prices do not show; the sums of
        // price x quantity do.
        let product = price.significant.saturating_add(quantity.significant);
        price.significant += self.quote.significant.saturating_sub(product);
        SymbolSpec { name: name.into(), price: scale(price), quantity: scale(quantity) }
    }
}

/// Digits beyond what we can hold are left to the decoder, which says where they are.
fn scale(precision: Precision) -> Scale {
    let decimals = precision.significant.min(Scale::MAX_DECIMALS);
    Scale { decimals, width: precision.written.max(decimals) }
}

fn wider(listed: Scale, seen: Scale) -> Scale {
    let decimals = listed.decimals.max(seen.decimals);
    // Trailing zeros in old data are how the venue wrote then; the list says how it writes.
    Scale { decimals, width: listed.width.max(decimals) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn listed(price: u8, quantity: u8) -> BTreeMap<Box<str>, SymbolSpec> {
        let scale = |decimals| Scale { decimals, width: 8 };
        let spec = SymbolSpec { name: "A".into(), price: scale(price), quantity: scale(quantity) };
        BTreeMap::from([("A".into(), spec)])
    }

    #[test]
    fn scales_are_the_most_digits_seen_and_lists_are_only_widened() {
        let mut scales = Scales::default();
        for (field, text) in [
            (Field::Price, "0.23120000"),
            (Field::Price, "0.2300"),
            (Field::Quantity, "2619.40000000"),
            (Field::Quantity, "7"),
        ] {
            assert!(scales.see("A", field, text));
        }
        assert!(!scales.see("A", Field::Price, "1e5"));
        let inferred = &scales.specs(None).unwrap()[0];
        assert_eq!(inferred.0.price, Scale { decimals: 4, width: 8 });
        assert_eq!(inferred.0.quantity, Scale { decimals: 1, width: 8 });
        assert_eq!(inferred.1, Origin::Inferred);
        assert_eq!(scales.specs(Some(&listed(5, 1))).unwrap()[0].1, Origin::Listed);
        let widened = &scales.specs(Some(&listed(2, 1))).unwrap()[0];
        assert_eq!((widened.0.price.decimals, widened.1), (4, Origin::Widened));
        let missing = scales.specs(Some(&BTreeMap::new()));
        assert!(matches!(missing, Err(SpecsError::NotListed(name)) if &*name == "A"));
    }

    #[test]
    fn sums_show_digits_that_prices_hide() {
        let mut scales = Scales::default();
        scales.see("A", Field::Price, "0.10");
        scales.see("A", Field::Quantity, "2.5");
        scales.see("A", Field::Quote, "0.250125");
        let spec = &scales.specs(None).unwrap()[0].0;
        assert_eq!((spec.price.decimals, spec.quote().decimals), (5, 6));
    }
}
