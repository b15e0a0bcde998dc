//! A tape's own symbols in terms of the session's: other numbers, finer units.

use systems::candle::{Candle, VenueCandle};
use systems::symbol::SymbolSpec;
use systems::trade::{SymbolId, Trade};
use systems::units::{Price, Quantity, Scale};

use crate::symbols::Symbols;
use crate::tape::{Body, Entry};

/// The scale with more decimals, and the wider of the two widths.
pub(super) fn finer(one: Scale, other: Scale) -> Scale {
    Scale { decimals: one.decimals.max(other.decimals), width: one.width.max(other.width) }
}

/// What one symbol of a tape is in the session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Target {
    symbol: SymbolId,
    /// Units of the session in one of the tape's.
    price: u64,
    quantity: u64,
}

/// Turns what was decoded before it was recorded into the session's symbols and units. Raw frames
/// need nothing: they are decoded with the session's symbols.
#[derive(Clone, Debug)]
pub(super) struct Remap(Vec<Target>);

impl Remap {
    /// From a tape's symbols, all of which the session has at least as finely, to the session's;
    /// `None` if they agree, which costs nothing in a replay.
    pub(super) fn new(own: &[SymbolSpec], session: &Symbols) -> Option<Self> {
        let mut targets = Vec::with_capacity(own.len());
        for spec in own {
            let symbol = session.id(&spec.name)?;
            let wanted = session.spec(symbol);
            targets.push(Target {
                symbol,
                price: wanted.price.unit() / spec.price.unit(),
                quantity: wanted.quantity.unit() / spec.quantity.unit(),
            });
        }
        let same = |(index, target): (usize, &Target)| {
            *target == Target { symbol: SymbolId(index as u16), price: 1, quantity: 1 }
        };
        (!targets.iter().enumerate().all(same)).then_some(Self(targets))
    }

    /// Changes a trade; the symbol is the tape's own if its numbers do not fit.
    pub(super) fn trade(&self, trade: &mut Trade) -> Result<(), SymbolId> {
        let target = self.target(trade.symbol)?;
        let scaled = (scale(trade.price.0, target.price), scale(trade.quantity.0, target.quantity));
        let (Some(price), Some(quantity)) = scaled else { return Err(trade.symbol) };
        (trade.symbol, trade.price, trade.quantity) =
            (target.symbol, Price(price), Quantity(quantity));
        Ok(())
    }

    /// The same entry in the session's terms. Trades come by [`Remap::trade`].
    pub(super) fn entry<'a>(&self, entry: &Entry<'a>) -> Result<Entry<'a>, SymbolId> {
        let to = |symbol| self.target(symbol).map(|target| target.symbol);
        let body = match entry.body {
            Body::Candle { symbol, interval, candle } => {
                let target = self.target(symbol)?;
                let scaled = target.candle(&candle.candle).ok_or(symbol)?;
                let candle = VenueCandle { candle: scaled, ..candle };
                Body::Candle { symbol: target.symbol, interval, candle }
            }
            Body::Feed { symbol, up } => Body::Feed { symbol: to(symbol)?, up },
            Body::Halt { symbol, halted } => Body::Halt { symbol: to(symbol)?, halted },
            Body::Listed { symbol } => Body::Listed { symbol: to(symbol)? },
            Body::Unrecoverable { symbol, from_id, to_id } => {
                Body::Unrecoverable { symbol: to(symbol)?, from_id, to_id }
            }
            Body::Done { symbol, interval } => Body::Done { symbol: to(symbol)?, interval },
            body => body,
        };
        Ok(Entry { body, ..*entry })
    }

    fn target(&self, symbol: SymbolId) -> Result<Target, SymbolId> {
        self.0.get(usize::from(symbol.0)).copied().ok_or(symbol)
    }
}

impl Target {
    fn candle(&self, candle: &Candle) -> Option<Candle> {
        let price = |price: Price| scale(price.0, self.price).map(Price);
        let quantity = |quantity: Quantity| scale(quantity.0, self.quantity).map(Quantity);
        let quote = |value: u128| {
            value.checked_mul(u128::from(self.price))?.checked_mul(u128::from(self.quantity))
        };
        Some(Candle {
            open: price(candle.open)?,
            high: price(candle.high)?,
            low: price(candle.low)?,
            close: price(candle.close)?,
            volume: quantity(candle.volume)?,
            quote_volume: quote(candle.quote_volume)?,
            taker_buy_volume: quantity(candle.taker_buy_volume)?,
            taker_buy_quote_volume: quote(candle.taker_buy_quote_volume)?,
            ..*candle
        })
    }
}

fn scale(value: i64, factor: u64) -> Option<i64> {
    value.checked_mul(i64::try_from(factor).ok()?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use systems::trade::{Aggressor, TradeKind};
    use systems::units::Nanos;

    fn spec(name: &str, price: u8, quantity: u8) -> SymbolSpec {
        let (price, quantity) = (Scale::exact(price), Scale::exact(quantity));
        SymbolSpec { name: name.into(), price, quantity }
    }

    #[test]
    fn symbols_are_met_by_name_and_units_made_finer() {
        let session = Symbols::new(vec![spec("A", 2, 3), spec("B", 4, 3)]).unwrap();
        assert!(Remap::new(&[spec("A", 2, 3)], &session).is_none(), "nothing to do");
        let remap = Remap::new(&[spec("B", 2, 3), spec("A", 2, 0)], &session).unwrap();
        let trade = |symbol, price, quantity| Trade {
            time: Nanos(1),
            price: Price(price),
            quantity: Quantity(quantity),
            id: 1,
            first_id: 1,
            count: 1,
            symbol: SymbolId(symbol),
            aggressor: Aggressor::Buyer,
            kind: TradeKind::Market,
        };
        for (before, after) in
            [(trade(0, 7, 9), trade(1, 700, 9)), (trade(1, 7, 9), trade(0, 7, 9_000))]
        {
            let mut now = before;
            assert_eq!(remap.trade(&mut now), Ok(()));
            assert_eq!(now, after);
        }
        assert_eq!(remap.trade(&mut trade(0, i64::MAX / 10, 1)), Err(SymbolId(0)));
        let halt = |symbol| Body::Halt { symbol: SymbolId(symbol), halted: true };
        let entry = |symbol| Entry { received: Nanos(1), body: halt(symbol) };
        assert_eq!(remap.entry(&entry(1)), Ok(entry(0)));
    }
}
