//! Trades of one block as columns.
//!
//! Per trade there is one byte of flags and one byte of widths (two bits each for time, price,
//! quantity and received), so every number is one unaligned load and one mask: no loop over
//! bytes and no branch to mispredict. Prices and ids are differences within their symbol, times
//! differences to the trade before.
//!
//! ```text
//! time unit       u8: 0 = 1 ns, 1 = 1 us, 2 = 1 ms; the coarsest that loses nothing
//! symbols         varint count, then as many varint symbol ids
//! column lengths  varints: time, price, quantity, received, rest
//! symbol column   n bytes (n x 2 beyond 256 symbols, none for one): place in `symbols`
//! flags, widths   n bytes each
//! the columns     in that order, then 8 zero bytes so that the last load stays inside
//! rest column     varints where a trade's flags say so: id (zigzag difference to the symbol's
//!                 last plus one), first id (0 = its id, else zigzag difference to the expected
//!                 one), count
//! ```

mod decode;
mod encode;

use systems::trade::TradeKind;

pub(super) use decode::TradeDecoder;
pub(super) use encode::TradeEncoder;

/// Bytes that a number of each column takes, by the two bits of its width.
const TIME: [u8; 4] = [0, 1, 2, 8];
const PRICE: [u8; 4] = [0, 1, 3, 8];
const QUANTITY: [u8; 4] = [1, 2, 4, 8];
const RECEIVED: [u8; 4] = [0, 2, 4, 8];
const COLUMNS: [[u8; 4]; 4] = [TIME, PRICE, QUANTITY, RECEIVED];
const MASKS: [[u64; 4]; 4] = [masks(TIME), masks(PRICE), masks(QUANTITY), masks(RECEIVED)];

const UNITS: [u64; 3] = [1, 1_000, 1_000_000];
const KINDS: [TradeKind; 6] = [
    TradeKind::Market,
    TradeKind::Backfilled,
    TradeKind::InsuranceFund,
    TradeKind::AutoDeleverage,
    TradeKind::Block,
    TradeKind::Void,
];

const fn masks(widths: [u8; 4]) -> [u64; 4] {
    let mut masks = [u64::MAX; 4];
    let mut code = 0;
    while code < 4 {
        if widths[code] < 8 {
            masks[code] = (1 << (8 * widths[code])) - 1;
        }
        code += 1;
    }
    masks
}

// A kind is written as its number in the core.
const _: () = {
    let mut kind = 0;
    while kind < KINDS.len() {
        assert!(KINDS[kind] as usize == kind);
        kind += 1;
    }
};

const SELLER: u8 = 1;
const KIND_SHIFT: u8 = 1;
const ID_GIVEN: u8 = 1 << 4;
const FIRST_ID_GIVEN: u8 = 1 << 5;
const COUNT_GIVEN: u8 = 1 << 6;
/// Received exactly at the venue's time: imports know no better instant.
const RECEIVED_AT_TIME: u8 = 1 << 7;

const PADDING: [u8; 8] = [0; 8];

/// What the next trade of a symbol is measured from.
#[derive(Clone, Copy, Debug, Default)]
struct Last {
    price: i64,
    next_id: u64,
    next_first_id: u64,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tape::bytes::Cursor;
    use proptest::prelude::*;
    use systems::trade::{Aggressor, SymbolId, Trade};
    use systems::units::{Nanos, Price, Quantity};

    fn trade() -> impl Strategy<Value = Trade> {
        let numbers = (any::<i64>(), any::<i64>(), 0u8..64, 0u8..64);
        let ids = (any::<u64>(), any::<u64>(), any::<u32>(), 0u32..3);
        (any::<u64>(), numbers, ids, 0u16..600, any::<bool>(), 0usize..KINDS.len()).prop_map(
            |(
                time,
                (price, quantity, less, lesser),
                (id, first_id, count, few),
                symbol,
                buyer,
                kind,
            )| {
                Trade {
                    time: Nanos(time >> less),
                    price: Price(price >> less),
                    quantity: Quantity(quantity >> lesser),
                    id,
                    first_id,
                    count: if few == 0 { count } else { few },
                    symbol: SymbolId(symbol),
                    aggressor: if buyer { Aggressor::Buyer } else { Aggressor::Seller },
                    kind: KINDS[kind],
                }
            },
        )
    }

    fn decoded(bytes: &[u8], count: usize, symbols: usize) -> Option<(Vec<Trade>, Vec<Nanos>)> {
        let (mut trades, mut received) = (Vec::new(), Vec::new());
        TradeDecoder::default()
            .decode(&mut Cursor(bytes), count, symbols, &mut trades, &mut received)
            .map(|()| (trades, received))
    }

    fn check(trades: &[Trade], received: &[Nanos]) -> Vec<u8> {
        let mut encoder = TradeEncoder::default();
        let (mut first, mut again) = (Vec::new(), Vec::new());
        encoder.encode(trades, received, &mut first);
        encoder.encode(trades, received, &mut again);
        assert_eq!(first, again, "an encoder used before must write the same");
        let (back, instants) = decoded(&first, trades.len(), 600).unwrap();
        assert_eq!((back.as_slice(), instants.as_slice()), (trades, received));
        first
    }

    proptest! {
        #[test]
        fn any_trades_come_back(
            trades in proptest::collection::vec((trade(), any::<u64>(), any::<bool>()), 1..700),
            symbols in 1u16..600,
            unit in 0usize..3,
        ) {
            let (mut all, mut received) = (Vec::new(), Vec::new());
            for (mut trade, instant, at_time) in trades {
                trade.symbol.0 %= symbols;
                trade.time.0 -= trade.time.0 % UNITS[unit];
                received.push(if at_time { trade.time } else { Nanos(instant) });
                all.push(trade);
            }
            check(&all, &received);
        }

        #[test]
        fn arbitrary_bytes_never_panic(bytes: Vec<u8>, count in 1usize..40, symbols in 0usize..5) {
            let _ = decoded(&bytes, count, symbols);
        }
    }

    fn ordinary(count: u64) -> (Vec<Trade>, Vec<Nanos>) {
        let trades = (0..count).map(|index| Trade {
            time: Nanos::from_ms(1_700_000_000_000 + index * 40),
            price: Price(6_175_670 + (index % 7) as i64),
            quantity: Quantity(100 + (index * 37 % 150) as i64),
            id: 900_000 + index,
            first_id: 900_000 + index,
            count: 1,
            symbol: SymbolId(3),
            aggressor: Aggressor::Seller,
            kind: TradeKind::Market,
        });
        let trades: Vec<_> = trades.collect();
        let received = trades.iter().map(|trade| trade.time).collect();
        (trades, received)
    }

    #[test]
    fn an_ordinary_trade_takes_six_bytes_before_compression() {
        let (trades, received) = ordinary(1_000);
        let bytes = check(&trades, &received);
        assert!(bytes.len() < 5_100, "{}", bytes.len());
    }

    #[test]
    fn a_symbol_outside_the_table_is_refused() {
        let (trades, received) = ordinary(2);
        let bytes = check(&trades, &received);
        assert!(decoded(&bytes, 2, 4).is_some());
        assert!(decoded(&bytes, 2, 3).is_none());
    }

    #[test]
    fn lengths_that_lie_are_refused() {
        let (trades, received) = ordinary(5);
        let bytes = check(&trades, &received);
        for count in [0, 1, 4, 6, 1 << 18] {
            assert!(decoded(&bytes, count, 600).is_none(), "{count}");
        }
        for cut in 0..bytes.len() {
            assert!(decoded(&bytes[..cut], 5, 600).is_none(), "{cut}");
        }
        // Byte 3 is the length of the time column.
        let mut longer = bytes.clone();
        longer[3] += 1;
        assert!(decoded(&longer, 5, 600).is_none());
    }
}
