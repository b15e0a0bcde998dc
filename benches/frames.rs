//! Trade messages of a combined stream, as the venue writes them.

use std::io::Write;

use systems::symbol::SymbolSpec;
use systems::trade::{Aggressor, Trade};
use systems::units::{Nanos, Scale};

/// Digits after the point that the venue writes, however many a symbol needs.
const WIDTH: u8 = 8;

/// From match to message.
const SENT_AFTER_MS: u64 = 3;

/// The same symbols with their numbers padded as the venue pads them.
pub fn padded(symbols: &[SymbolSpec]) -> Vec<SymbolSpec> {
    let pad = |scale: Scale| Scale { width: scale.decimals.max(WIDTH), ..scale };
    let spec = |spec: &SymbolSpec| SymbolSpec {
        name: spec.name.clone(),
        price: pad(spec.price),
        quantity: pad(spec.quantity),
    };
    symbols.iter().map(spec).collect()
}

/// Replaces `text` by the message for one print; its time is cut to milliseconds.
pub fn write_frame(text: &mut Vec<u8>, symbols: &[SymbolSpec], trade: &Trade) {
    let spec = &symbols[usize::from(trade.symbol.0)];
    let (name, time) = (&spec.name, trade.time.ms());
    let price = spec.price.format(trade.price.0.into());
    let quantity = spec.quantity.format(trade.quantity.0.into());
    let (sent, id) = (time + SENT_AFTER_MS, trade.id);
    let maker = trade.aggressor == Aggressor::Seller;
    text.clear();
    write!(
        text,
        "{{\"stream\":\"{}@trade\",\"data\":{{\"e\":\"trade\",\"E\":{sent},\"s\":\"{name}\",\
         \"t\":{id},\"p\":\"{price}\",\"q\":\"{quantity}\",\"T\":{time},\"m\":{maker},\
         \"M\":true}}}}",
        name.to_lowercase()
    )
    .expect("memory takes every write");
}

/// What a decoder should make of the message for `trade`.
pub fn as_sent(trade: &Trade) -> Trade {
    Trade { time: Nanos::from_ms(trade.time.ms()), first_id: trade.id, count: 1, ..*trade }
}
