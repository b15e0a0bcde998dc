//! Trades into columns.

use systems::trade::{Aggressor, SymbolId, Trade};
use systems::units::Nanos;

use super::{
    COLUMNS, COUNT_GIVEN, FIRST_ID_GIVEN, ID_GIVEN, KIND_SHIFT, Last, PADDING, RECEIVED_AT_TIME,
    SELLER, UNITS,
};
use crate::tape::bytes::{put_signed, put_varint, zigzag};

/// Encodes columns; kept between blocks for its memory.
#[derive(Default)]
pub(in crate::tape) struct TradeEncoder {
    /// Place of each symbol in this block's list, plus one; 0 = not in it yet.
    places: Vec<u16>,
    symbols: Vec<SymbolId>,
    last: Vec<Last>,
    place_column: Vec<u16>,
    flags: Vec<u8>,
    widths: Vec<u8>,
    columns: [Vec<u8>; 4],
    rest: Vec<u8>,
}

impl TradeEncoder {
    /// Appends the columns of `trades`, the instants of which are `received`.
    pub(in crate::tape) fn encode(
        &mut self,
        trades: &[Trade],
        received: &[Nanos],
        out: &mut Vec<u8>,
    ) {
        debug_assert_eq!(trades.len(), received.len());
        self.clear();
        let unit = coarsest_unit(trades);
        let (mut time_before, mut received_before) = (0u64, 0u64);
        for (trade, received) in trades.iter().zip(received) {
            let place = self.place(trade.symbol);
            let time = trade.time.0 / UNITS[unit];
            let mut flags = self.flags_and_rest(trade, place);
            let last = &mut self.last[place];
            let mut numbers = [
                zigzag(time.wrapping_sub(time_before) as i64),
                zigzag(trade.price.0.wrapping_sub(last.price)),
                trade.quantity.0 as u64,
                zigzag(received.0.wrapping_sub(received_before) as i64),
            ];
            if *received == trade.time {
                flags |= RECEIVED_AT_TIME;
                numbers[3] = 0;
            }
            (time_before, received_before, last.price) = (time, received.0, trade.price.0);
            self.put_numbers(numbers);
            self.place_column.push(place as u16);
            self.flags.push(flags);
        }
        self.write(unit as u8, out);
    }

    fn clear(&mut self) {
        for symbol in self.symbols.drain(..) {
            self.places[usize::from(symbol.0)] = 0;
        }
        self.last.clear();
        self.place_column.clear();
        self.flags.clear();
        self.widths.clear();
        self.columns.iter_mut().for_each(Vec::clear);
        self.rest.clear();
    }

    fn place(&mut self, symbol: SymbolId) -> usize {
        let id = usize::from(symbol.0);
        if self.places.len() <= id {
            self.places.resize(id + 1, 0);
        }
        // A block holds far fewer trades than 16 bits count, so places fit.
        if self.places[id] == 0 {
            self.symbols.push(symbol);
            self.last.push(Last::default());
            self.places[id] = self.symbols.len() as u16;
        }
        usize::from(self.places[id]) - 1
    }

    /// Ids and counts are usually what the trade before lets expect; what is not, is spelled out.
    fn flags_and_rest(&mut self, trade: &Trade, place: usize) -> u8 {
        let last = &mut self.last[place];
        let mut flags = (trade.kind as u8) << KIND_SHIFT;
        if trade.aggressor == Aggressor::Seller {
            flags |= SELLER;
        }
        if trade.id != last.next_id {
            flags |= ID_GIVEN;
            put_signed(&mut self.rest, trade.id.wrapping_sub(last.next_id) as i64);
        }
        if trade.first_id != last.next_first_id {
            flags |= FIRST_ID_GIVEN;
            // It differs from what was expected, so 0 is free to mean: the same as the id.
            let same = trade.first_id == trade.id;
            let expected = if same { trade.first_id } else { last.next_first_id };
            put_signed(&mut self.rest, trade.first_id.wrapping_sub(expected) as i64);
        }
        if trade.count != 1 {
            flags |= COUNT_GIVEN;
            put_varint(&mut self.rest, u64::from(trade.count));
        }
        last.next_id = trade.id.wrapping_add(1);
        last.next_first_id = trade.first_id.wrapping_add(u64::from(trade.count));
        flags
    }

    fn put_numbers(&mut self, numbers: [u64; 4]) {
        let mut widths = 0;
        for (column, number) in numbers.into_iter().enumerate() {
            let needed = (71 - number.leading_zeros() as u8) / 8;
            let code = COLUMNS[column].iter().position(|&width| needed <= width).unwrap_or(3);
            let width = usize::from(COLUMNS[column][code]);
            self.columns[column].extend_from_slice(&number.to_le_bytes()[..width]);
            widths |= (code as u8) << (2 * column);
        }
        self.widths.push(widths);
    }

    fn write(&self, unit: u8, out: &mut Vec<u8>) {
        out.push(unit);
        put_varint(out, self.symbols.len() as u64);
        self.symbols.iter().for_each(|symbol| put_varint(out, u64::from(symbol.0)));
        self.columns.iter().for_each(|column| put_varint(out, column.len() as u64));
        put_varint(out, self.rest.len() as u64);
        match self.symbols.len() {
            0 | 1 => {}
            2..=256 => out.extend(self.place_column.iter().map(|&place| place as u8)),
            _ => out.extend(self.place_column.iter().flat_map(|place| place.to_le_bytes())),
        }
        out.extend_from_slice(&self.flags);
        out.extend_from_slice(&self.widths);
        self.columns.iter().for_each(|column| out.extend_from_slice(column));
        out.extend_from_slice(&self.rest);
        out.extend_from_slice(&PADDING);
    }
}

fn coarsest_unit(trades: &[Trade]) -> usize {
    let fits = |unit: u64| trades.iter().all(|trade| trade.time.0.is_multiple_of(unit));
    (0..UNITS.len()).rev().find(|&unit| fits(UNITS[unit])).unwrap_or(0)
}
