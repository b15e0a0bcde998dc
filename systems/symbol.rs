//! What the core must know about a symbol before its first print.

use crate::units::Scale;

/// A symbol's name and how its texts map to integers.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct SymbolSpec {
    /// The venue's name, such as `BTCUSDT`; may hold any Unicode.
    pub name: Box<str>,
    /// Scale of its prices.
    pub price: Scale,
    /// Scale of its quantities.
    pub quantity: Scale,
}

impl SymbolSpec {
    /// Scale of price x quantity, the unit of quote volumes.
    ///
    /// `width` is how many digits the venue writes for quote volumes: as many as the product of
    /// the two has, or the width of prices where the venue pads to a fixed one.
    pub fn quote(&self) -> Scale {
        let decimals = self.price.decimals + self.quantity.decimals;
        Scale { decimals, width: decimals.max(self.price.width.min(self.quantity.width)) }
    }
}
