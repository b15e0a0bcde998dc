//! Columns into trades.

use systems::trade::{Aggressor, SymbolId, Trade};
use systems::units::{Nanos, Price, Quantity};

use super::{
    COLUMNS, COUNT_GIVEN, FIRST_ID_GIVEN, ID_GIVEN, KIND_SHIFT, KINDS, Last, MASKS, PADDING,
    RECEIVED_AT_TIME, SELLER, UNITS,
};
use crate::tape::bytes::{Cursor, unzigzag};

/// Where the columns of one block lie.
struct Columns<'a> {
    unit: u64,
    places: Places<'a>,
    flags: &'a [u8],
    widths: &'a [u8],
    /// The four number columns, the rest column and the padding.
    bytes: &'a [u8],
    /// Where the number columns and the rest column begin in `bytes`, and where the latter ends.
    bounds: [usize; 6],
}

enum Places<'a> {
    One,
    Bytes(&'a [u8]),
    Pairs(&'a [u8]),
}

impl Places<'_> {
    #[inline]
    fn at(&self, index: usize) -> usize {
        match self {
            Self::One => 0,
            Self::Bytes(bytes) => usize::from(bytes[index]),
            Self::Pairs(pairs) => {
                usize::from(u16::from_le_bytes([pairs[2 * index], pairs[2 * index + 1]]))
            }
        }
    }
}

/// Decodes columns; kept between blocks for its memory.
#[derive(Clone, Debug, Default)]
pub(in crate::tape) struct TradeDecoder {
    symbols: Vec<SymbolId>,
    last: Vec<Last>,
}

impl TradeDecoder {
    /// Appends `count` trades and their instants, using the cursor up; `None` if the bytes are
    /// not such columns or name a symbol that is not below `symbols`.
    pub(in crate::tape) fn decode(
        &mut self,
        cursor: &mut Cursor<'_>,
        count: usize,
        symbols: usize,
        trades: &mut Vec<Trade>,
        received: &mut Vec<Nanos>,
    ) -> Option<()> {
        let columns = self.columns(cursor, count, symbols)?;
        let [time_at, price_at, quantity_at, received_at, rest_at, end] = columns.bounds;
        let mut at = [time_at, price_at, quantity_at, received_at];
        let mut rest = Cursor(&columns.bytes[rest_at..end]);
        let (mut time, mut instant) = (0u64, 0u64);
        trades.reserve(count);
        received.reserve(count);
        for index in 0..count {
            let (flags, widths) = (columns.flags[index], columns.widths[index]);
            let place = columns.places.at(index);
            let (&symbol, last) = self.symbols.get(place).zip(self.last.get_mut(place))?;
            time = time.wrapping_add(unzigzag(load::<0>(columns.bytes, &mut at, widths)?) as u64);
            let price = unzigzag(load::<1>(columns.bytes, &mut at, widths)?);
            let quantity = load::<2>(columns.bytes, &mut at, widths)?;
            let later = unzigzag(load::<3>(columns.bytes, &mut at, widths)?);
            let mut count = 1;
            if flags & (ID_GIVEN | FIRST_ID_GIVEN | COUNT_GIVEN) != 0 {
                count = given(flags, last, &mut rest)?;
            }
            last.price = last.price.wrapping_add(price);
            let trade = Trade {
                time: Nanos(time.wrapping_mul(columns.unit)),
                price: Price(last.price),
                quantity: Quantity(quantity as i64),
                id: last.next_id,
                first_id: last.next_first_id,
                count,
                symbol,
                aggressor: if flags & SELLER == 0 { Aggressor::Buyer } else { Aggressor::Seller },
                kind: *KINDS.get(usize::from(flags >> KIND_SHIFT & 7))?,
            };
            last.next_id = last.next_id.wrapping_add(1);
            last.next_first_id = last.next_first_id.wrapping_add(u64::from(count));
            let at_time = flags & RECEIVED_AT_TIME != 0;
            instant = if at_time { trade.time.0 } else { instant.wrapping_add(later as u64) };
            trades.push(trade);
            received.push(Nanos(instant));
        }
        // Every column ends where the next begins, or its length was a lie.
        let whole = at == [price_at, quantity_at, received_at, rest_at];
        (whole && rest.0.is_empty()).then_some(())
    }

    fn columns<'a>(
        &mut self,
        cursor: &mut Cursor<'a>,
        count: usize,
        symbols: usize,
    ) -> Option<Columns<'a>> {
        let unit = *UNITS.get(usize::from(cursor.byte()?))?;
        let named = cursor.small::<usize>()?;
        if named == 0 || named > count.min(symbols) {
            return None;
        }
        self.symbols.clear();
        for _ in 0..named {
            let symbol = cursor.small::<u16>().filter(|&id| usize::from(id) < symbols)?;
            self.symbols.push(SymbolId(symbol));
        }
        self.last.clear();
        self.last.resize(named, Last::default());
        let mut bounds = [0usize; 6];
        for column in 0..5 {
            bounds[column + 1] = bounds[column].checked_add(cursor.small()?)?;
        }
        let places = match named {
            1 => Places::One,
            2..=256 => Places::Bytes(cursor.take(count)?),
            _ => Places::Pairs(cursor.take(2 * count)?),
        };
        let (flags, widths) = (cursor.take(count)?, cursor.take(count)?);
        let bytes = cursor.rest();
        let fits = bounds[5].checked_add(PADDING.len())? == bytes.len();
        fits.then_some(Columns { unit, places, flags, widths, bytes, bounds })
    }
}

/// The next number of column `COLUMN`: eight bytes are loaded, those beyond its width masked off.
#[inline(always)]
fn load<const COLUMN: usize>(bytes: &[u8], at: &mut [usize; 4], widths: u8) -> Option<u64> {
    let code = usize::from(widths >> (2 * COLUMN) & 3);
    let loaded = u64::from_le_bytes(*bytes.get(at[COLUMN]..)?.first_chunk()?);
    at[COLUMN] += usize::from(COLUMNS[COLUMN][code]);
    Some(loaded & MASKS[COLUMN][code])
}

/// Reads what the encoder spelled out; returns the count.
fn given(flags: u8, last: &mut Last, rest: &mut Cursor<'_>) -> Option<u32> {
    if flags & ID_GIVEN != 0 {
        last.next_id = last.next_id.wrapping_add(rest.signed()? as u64);
    }
    if flags & FIRST_ID_GIVEN != 0 {
        last.next_first_id = match rest.signed()? {
            0 => last.next_id,
            later => last.next_first_id.wrapping_add(later as u64),
        };
    }
    if flags & COUNT_GIVEN != 0 { rest.small() } else { Some(1) }
}
