//! What the exchange lists: names, scales, and since when and until when each symbol trades.

use systems::symbol::SymbolSpec;
use systems::units::{Nanos, Scale};

use crate::venue::Venue;

/// What prices can be in; the longest that fits ends a symbol's name.
const QUOTES: [&str; 12] =
    ["FDUSD", "USDT", "USDC", "BUSD", "TUSD", "BTC", "ETH", "BNB", "EUR", "TRY", "BRL", "USD"];

/// Digits that spot writes at least.
const SPOT_DIGITS: u8 = 8;

/// One symbol.
#[derive(Clone, Debug)]
pub(super) struct Listing {
    /// Name and scales; widths are those of the venue.
    pub(super) spec: SymbolSpec,
    /// The name as streams spell it.
    pub(super) lower: Box<str>,
    /// Price units of a tick.
    pub(super) tick: i64,
    /// Since when it is listed.
    pub(super) from: Nanos,
    /// When it stops trading.
    pub(super) until: Nanos,
    /// Since when it trades again after that.
    pub(super) again: Nanos,
}

impl Listing {
    /// A listing as `venue` would write its numbers.
    pub(super) fn new(
        venue: Venue,
        spec: SymbolSpec,
        tick: i64,
        from: Nanos,
        until: Nanos,
    ) -> Self {
        let wide = |scale: Scale| match venue {
            Venue::BinanceSpot => Scale { width: scale.width.max(SPOT_DIGITS), ..scale },
            Venue::BinanceUsdm => Scale::exact(scale.decimals),
        };
        let (price, quantity) = (wide(spec.price), wide(spec.quantity));
        let lower = spec.name.to_lowercase().into();
        Self {
            spec: SymbolSpec { price, quantity, ..spec },
            lower,
            tick,
            from,
            until,
            again: Nanos(u64::MAX),
        }
    }

    /// What it trades, and what its prices are in.
    pub(super) fn assets(&self) -> (&str, &str) {
        let name = &*self.spec.name;
        let quote = QUOTES.iter().find(|quote| name.len() > quote.len() && name.ends_with(**quote));
        let most = name.char_indices().rev().nth(2).map_or(0, |(at, _)| at);
        name.split_at(quote.map_or(most, |quote| name.len() - quote.len()))
    }

    /// Whether it is known to the venue's users.
    pub(super) fn is_listed(&self, now: Nanos) -> bool {
        self.from <= now
    }

    /// Whether it trades.
    pub(super) fn is_trading(&self, now: Nanos) -> bool {
        self.from <= now && (now < self.until || self.again <= now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_split_into_assets() {
        for (name, assets) in [
            ("BTCUSDT", ("BTC", "USDT")),
            ("ETHBTC", ("ETH", "BTC")),
            ("XYZABC", ("XYZ", "ABC")),
            ("USDT", ("U", "SDT")),
        ] {
            let spec =
                SymbolSpec { name: name.into(), price: Scale::exact(2), quantity: Scale::exact(3) };
            let listing = Listing::new(Venue::BinanceSpot, spec, 1, Nanos(0), Nanos(u64::MAX));
            assert_eq!(listing.assets(), assets);
            assert_eq!(listing.spec.price, Scale { decimals: 2, width: 8 });
        }
    }
}
