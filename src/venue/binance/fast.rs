//! A scanner for the two frames that make up nearly all traffic: trade and aggTrade.
//!
//! It knows compact JSON, one- and two-letter keys in any order, unsigned numbers and strings
//! without escapes, and gives `None` for everything else, so that the real parser decides: a
//! shape the venue invents tomorrow costs speed, never correctness. Nothing here decides on a
//! reject either.

use systems::trade::{Trade, TradeKind};
use systems::units::{Price, Quantity};

use super::super::{Channel, Decoded, Venue, What};
use super::frame::aggressor;
use super::{id_count, instant, trade_kind};
use crate::symbols::Symbols;

/// Digits that always fit 63 bits, which is what the parser takes for ids and times.
const DIGITS_MAX: usize = 18;

/// Longest string taken; the longest symbols have about twenty bytes.
const STRING_MAX: usize = 64;

/// The fields of one print, as far as they are there.
#[derive(Default)]
struct Fields<'a> {
    /// One bit per one-letter key, `A` the lowest.
    seen: u64,
    symbol: &'a [u8],
    price: &'a [u8],
    quantity: &'a [u8],
    class: Option<&'a [u8]>,
    sent: u64,
    time: u64,
    trade_id: u64,
    aggregate_id: u64,
    first_id: u64,
    last_id: u64,
    buyer_is_maker: bool,
}

pub(super) fn decode(venue: Venue, frame: &[u8], symbols: &Symbols) -> Option<Decoded> {
    let body = match frame.strip_prefix(b"{\"stream\":\"") {
        Some(rest) => {
            let (_, rest) = string(rest)?;
            rest.strip_prefix(b",\"data\":{\"e\":\"")?.strip_suffix(b"}}")?
        }
        None => frame.strip_prefix(b"{\"e\":\"")?.strip_suffix(b"}")?,
    };
    if let Some(body) = body.strip_prefix(b"trade\",") {
        let fields = Fields::read(body, Channel::Trades)?;
        fields.decoded(venue, Channel::Trades, symbols)
    } else {
        let body = body.strip_prefix(b"aggTrade\",")?;
        let fields = Fields::read(body, Channel::AggregateTrades)?;
        fields.decoded(venue, Channel::AggregateTrades, symbols)
    }
}

/// The bit of a one-letter key, `None` for other bytes.
#[inline(always)]
fn bit(key: u8) -> Option<u64> {
    key.is_ascii_alphabetic().then(|| 1 << (key - b'A'))
}

const fn bits(keys: &[u8]) -> u64 {
    let (mut mask, mut at) = (0, 0);
    while at < keys.len() {
        mask |= 1 << (keys[at] - b'A');
        at += 1;
    }
    mask
}

impl<'a> Fields<'a> {
    /// Reads `"k":value,"k":value` to the end.
    #[inline(always)]
    fn read(mut rest: &'a [u8], channel: Channel) -> Option<Self> {
        let mut fields = Self::default();
        loop {
            rest = match rest {
                [b'"', key, b'"', b':', value @ ..] => fields.one(*key, value, channel)?,
                // Quantity without retail price improvement, and the kind of contract.
                [b'"', b'n', b'q', b'"', b':', b'"', value @ ..] => string(value)?.1,
                [b'"', b's', b't', b'"', b':', value @ ..] => number(value)?.1,
                _ => return None,
            };
            match rest {
                [b',', more @ ..] => rest = more,
                [] => return Some(fields),
                _ => return None,
            }
        }
    }

    #[inline(always)]
    fn one(&mut self, key: u8, value: &'a [u8], channel: Channel) -> Option<&'a [u8]> {
        let bit = bit(key)?;
        if self.seen & bit != 0 {
            return None;
        }
        self.seen |= bit;
        let rest;
        match key {
            b's' => (self.symbol, rest) = quoted(value)?,
            b'p' => (self.price, rest) = quoted(value)?,
            b'q' => (self.quantity, rest) = quoted(value)?,
            b'E' => (self.sent, rest) = number(value)?,
            b'T' => (self.time, rest) = number(value)?,
            b'a' => (self.aggregate_id, rest) = number(value)?,
            b'm' => (self.buyer_is_maker, rest) = boolean(value)?,
            b'M' => (_, rest) = boolean(value)?,
            // Order ids until 2024, in single trades only.
            b'b' if channel == Channel::Trades => (_, rest) = number(value)?,
            b't' if channel == Channel::Trades => (self.trade_id, rest) = number(value)?,
            b'X' if channel == Channel::Trades => {
                let (class, more) = quoted(value)?;
                (self.class, rest) = (Some(class), more);
            }
            b'f' if channel == Channel::AggregateTrades => {
                (self.first_id, rest) = number(value)?;
            }
            b'l' if channel == Channel::AggregateTrades => (self.last_id, rest) = number(value)?,
            _ => return None,
        }
        Some(rest)
    }

    #[inline(always)]
    fn decoded(&self, venue: Venue, channel: Channel, symbols: &Symbols) -> Option<Decoded> {
        const COMMON: u64 = bits(b"EspqTm");
        let (id, first_id, count) = match channel {
            Channel::Trades if self.has(COMMON | bits(b"t")) => (self.trade_id, self.trade_id, 1),
            Channel::AggregateTrades if self.has(COMMON | bits(b"afl")) => {
                (self.aggregate_id, self.first_id, id_count(self.first_id, self.last_id)?)
            }
            Channel::Trades | Channel::AggregateTrades => return None,
        };
        let symbol = symbols.id_of(self.symbol)?;
        let spec = symbols.spec(symbol);
        let price = Price(spec.price.parse(self.price).ok()?);
        let quantity = Quantity(spec.quantity.parse(self.quantity).ok()?);
        let kind = match channel {
            Channel::Trades => trade_kind(venue, self.class, price, quantity).ok()?,
            Channel::AggregateTrades => TradeKind::Market,
        };
        let trade = Trade {
            time: instant(self.time)?,
            price,
            quantity,
            id,
            first_id,
            count,
            symbol,
            aggressor: aggressor(self.buyer_is_maker),
            kind,
        };
        Some(Decoded { sent_at: Some(instant(self.sent)?), what: What::Trade(trade, channel) })
    }

    #[inline(always)]
    fn has(&self, keys: u64) -> bool {
        self.seen & keys == keys
    }
}

/// A JSON number without sign, point or exponent, and what follows it.
#[inline(always)]
fn number(text: &[u8]) -> Option<(u64, &[u8])> {
    let mut value = 0u64;
    let mut len = 0;
    while let Some(digit) = text.get(len).map(|byte| byte.wrapping_sub(b'0')).filter(|&d| d < 10) {
        // Wraps on absurd lengths only, which are refused below.
        value = value.wrapping_mul(10).wrapping_add(u64::from(digit));
        len += 1;
    }
    // JSON has no leading zeros.
    let plain = (1..=DIGITS_MAX).contains(&len) && (len == 1 || text[0] != b'0');
    plain.then(|| (value, &text[len..]))
}

#[inline(always)]
fn boolean(text: &[u8]) -> Option<(bool, &[u8])> {
    match text {
        [b't', b'r', b'u', b'e', rest @ ..] => Some((true, rest)),
        [b'f', b'a', b'l', b's', b'e', rest @ ..] => Some((false, rest)),
        _ => None,
    }
}

#[inline(always)]
fn quoted(text: &[u8]) -> Option<(&[u8], &[u8])> {
    string(text.strip_prefix(b"\"")?)
}

/// A string of plain ASCII up to its closing quote, and what follows the quote.
#[inline(always)]
fn string(text: &[u8]) -> Option<(&[u8], &[u8])> {
    for (len, byte) in text.iter().take(STRING_MAX).enumerate() {
        match byte {
            b'"' => return Some((&text[..len], &text[len + 1..])),
            b'\\' | ..0x20 | 0x80.. => return None,
            _ => {}
        }
    }
    None
}
