//! The decimal texts of a message, for learning a symbol's scales before anything is decoded.

use super::super::reject::DecodeReject;
use super::answer::{Asked, Table, refusal_or_rows};
use super::frame::{Payload, read};
use super::kline::{CandleTexts, KlineRow};
use super::text::{Text, checked, parse};
use serde::Deserialize;

/// What a decimal text measures.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Field {
    /// A price.
    Price,
    /// A base quantity.
    Quantity,
    /// A sum of price x quantity.
    Quote,
}

/// The two texts of a row of trades, whichever of the two kinds it is.
#[derive(Deserialize)]
struct Row<'a> {
    #[serde(borrow, alias = "p")]
    price: Option<Text<'a>>,
    #[serde(borrow, alias = "q")]
    qty: Option<Text<'a>>,
}

/// Gives `see` the symbol and every decimal text of a frame that would be decoded.
///
/// # Errors
/// Why the frame has none that can be read; frames of other kinds just give nothing.
pub fn observe(frame: &[u8], see: &mut dyn FnMut(&str, Field, &str)) -> Result<(), DecodeReject> {
    match read(checked(frame)?)?.1 {
        Payload::Print(print) => {
            see(print.symbol.as_str(), Field::Price, print.price.as_str());
            see(print.symbol.as_str(), Field::Quantity, print.quantity.as_str());
        }
        Payload::Kline(symbol, kline) => candle(symbol.as_str(), &kline.texts()?, see),
        Payload::Other(_) => {}
    }
    Ok(())
}

/// As [`observe`], for the answer to a REST request. Rows that cannot be read give nothing.
pub fn observe_answer(request: &str, text: &[u8], see: &mut dyn FnMut(&str, Field, &str)) {
    let asked = Asked::read(request);
    let Ok(rows) = refusal_or_rows(&asked, text) else { return };
    for row in rows {
        match asked.what {
            Table::Klines => {
                if let Ok(row) = parse::<KlineRow<'_>>(row.get()) {
                    candle(asked.symbol, &row.texts(), see);
                }
            }
            _ => {
                if let Ok(Row { price: Some(price), qty: Some(qty) }) = parse(row.get()) {
                    see(asked.symbol, Field::Price, price.as_str());
                    see(asked.symbol, Field::Quantity, qty.as_str());
                }
            }
        }
    }
}

fn candle(symbol: &str, texts: &CandleTexts<'_>, see: &mut dyn FnMut(&str, Field, &str)) {
    texts.prices.iter().for_each(|text| see(symbol, Field::Price, text));
    texts.quantities.iter().for_each(|text| see(symbol, Field::Quantity, text));
    texts.quotes.iter().for_each(|text| see(symbol, Field::Quote, text));
}
