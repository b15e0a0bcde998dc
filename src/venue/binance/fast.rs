//! A scanner for the two frames that make up nearly all traffic: trade and aggTrade.
//!
//! It knows the orders of fields that the venue has sent so far, as compact JSON with plain ASCII
//! strings, and gives `None` for everything else, so that the real parser decides: a shape the
//! venue invents tomorrow costs speed, never correctness. Rejects are not decided here either.

use systems::trade::{Trade, TradeKind};
use systems::units::{Nanos, Price, Quantity, Scale};

use super::super::{Channel, Venue};
use super::frame::aggressor;
use super::{id_count, instant, trade_kind};
use crate::symbols::Symbols;

/// Digits that always fit 63 bits; longer numbers are left to the parser.
const DIGITS_MAX: usize = 18;

/// Longest string taken; the longest symbols have about twenty bytes.
const STRING_MAX: usize = 64;

/// A print and when it was sent: a third of the size of [`Decoded`], which is built by whoever
/// looks into it.
pub(super) struct Print {
    pub(super) sent_at: Nanos,
    pub(super) trade: Trade,
    pub(super) channel: Channel,
}

pub(super) fn decode(venue: Venue, frame: &[u8], symbols: &Symbols) -> Option<Print> {
    let mut at = Cursor(frame);
    let enveloped = at.skips(b"{\"stream\":\"");
    if enveloped {
        at.string()?;
        at.skip(b",\"data\":")?;
    }
    at.skip(b"{\"e\":\"")?;
    let print = if at.skips(b"trade\",\"E\":") {
        single(&mut at, venue, symbols)?
    } else {
        at.skip(b"aggTrade\",\"E\":")?;
        aggregate(&mut at, symbols)?
    };
    let end: &[u8] = if enveloped { b"}}" } else { b"}" };
    (at.0 == end).then_some(print)
}

/// `1723161255343,"s":"BTCUSDT","t":7,"p":"1.5","q":"2.5","T":1723161255342,"m":true,"M":true`;
/// USD-M has `T` before `s`, and `X` before `m`; until 2024 spot had `b` and `a` after `q`.
#[inline(always)]
fn single(at: &mut Cursor<'_>, venue: Venue, symbols: &Symbols) -> Option<Print> {
    let sent = at.number()?;
    let mut time = if at.skips(b",\"T\":") { Some(at.number()?) } else { None };
    at.skip(b",\"s\":\"")?;
    let symbol = symbols.id_of(at.string()?)?;
    let spec = symbols.spec(symbol);
    at.skip(b",\"t\":")?;
    let id = at.number()?;
    at.skip(b",\"p\":\"")?;
    let price = Price(at.decimal(spec.price)?);
    at.skip(b",\"q\":\"")?;
    let quantity = Quantity(at.decimal(spec.quantity)?);
    if at.skips(b",\"b\":") {
        at.number()?;
        at.skip(b",\"a\":")?;
        at.number()?;
    }
    if time.is_none() {
        at.skip(b",\"T\":")?;
        time = Some(at.number()?);
    }
    let class = if at.skips(b",\"X\":\"") { Some(at.string()?) } else { None };
    let buyer_is_maker = at.tail()?;
    let trade = Trade {
        time: instant(time?)?,
        price,
        quantity,
        id,
        first_id: id,
        count: 1,
        symbol,
        aggressor: aggressor(buyer_is_maker),
        kind: trade_kind(venue, class, price, quantity).ok()?,
    };
    Some(Print { sent_at: instant(sent)?, trade, channel: Channel::Trades })
}

/// `1723161255343,"s":"BTCUSDT","a":9,"p":"1.5","q":"2.5","f":7,"l":8,"T":1723161255342,"m":true,
/// "M":true`; USD-M has `a` before `s`, and since 2026 `nq` after `q`.
#[inline(always)]
fn aggregate(at: &mut Cursor<'_>, symbols: &Symbols) -> Option<Print> {
    let sent = at.number()?;
    let mut id = if at.skips(b",\"a\":") { Some(at.number()?) } else { None };
    at.skip(b",\"s\":\"")?;
    let symbol = symbols.id_of(at.string()?)?;
    let spec = symbols.spec(symbol);
    if id.is_none() {
        at.skip(b",\"a\":")?;
        id = Some(at.number()?);
    }
    at.skip(b",\"p\":\"")?;
    let price = Price(at.decimal(spec.price)?);
    at.skip(b",\"q\":\"")?;
    let quantity = Quantity(at.decimal(spec.quantity)?);
    if at.skips(b",\"nq\":\"") {
        at.string()?;
    }
    at.skip(b",\"f\":")?;
    let first_id = at.number()?;
    at.skip(b",\"l\":")?;
    let last_id = at.number()?;
    at.skip(b",\"T\":")?;
    let time = at.number()?;
    let trade = Trade {
        time: instant(time)?,
        price,
        quantity,
        id: id?,
        first_id,
        count: id_count(first_id, last_id)?,
        symbol,
        aggressor: aggressor(at.tail()?),
        kind: TradeKind::Market,
    };
    Some(Print { sent_at: instant(sent)?, trade, channel: Channel::AggregateTrades })
}

/// What is left of a frame.
struct Cursor<'a>(&'a [u8]);

impl<'a> Cursor<'a> {
    /// Passes over these bytes if they are next.
    #[inline(always)]
    fn skips<const N: usize>(&mut self, bytes: &[u8; N]) -> bool {
        match self.0.split_first_chunk::<N>() {
            Some((next, rest)) if next == bytes => {
                self.0 = rest;
                true
            }
            _ => false,
        }
    }

    /// Passes over these bytes, which must be next.
    #[inline(always)]
    fn skip<const N: usize>(&mut self, bytes: &[u8; N]) -> Option<()> {
        self.skips(bytes).then_some(())
    }

    /// The next eight bytes, the first one lowest; zeros beyond the end.
    #[inline(always)]
    fn eight(&self) -> u64 {
        self.0.first_chunk().map_or_else(|| self.last(), |bytes| u64::from_le_bytes(*bytes))
    }

    /// The same where there are fewer.
    #[cold]
    fn last(&self) -> u64 {
        self.0.iter().rev().fold(0, |bytes, &byte| bytes << 8 | u64::from(byte))
    }

    /// A JSON number without sign, point or exponent.
    #[inline(always)]
    fn number(&mut self) -> Option<u64> {
        let zero = self.0.first() == Some(&b'0');
        let (value, len) = self.digits()?;
        // JSON has no leading zeros.
        if zero && len > 1 { None } else { Some(value) }
    }

    /// One or more digits, as a number and their count.
    #[inline(always)]
    fn digits(&mut self) -> Option<(u64, usize)> {
        let (mut value, mut len) = (0u64, 0);
        while let Some(eight) = self.eight_digits() {
            // Wraps on more digits than are taken.
            value = value.wrapping_mul(POWERS[8]).wrapping_add(number_of(eight));
            len += 8;
        }
        let (digits, n) = self.few_digits()?;
        value = value.wrapping_mul(POWERS[n]).wrapping_add(number_of(digits));
        len += n;
        (1..=DIGITS_MAX).contains(&len).then_some((value, len))
    }

    /// Passes over eight digits if the next eight bytes are such; gives the digits' values.
    ///
    /// By a branch: the processor foresees it, so the fields that follow need not wait until
    /// these digits are counted.
    #[inline(always)]
    fn eight_digits(&mut self) -> Option<u64> {
        let (bytes, rest) = self.0.split_first_chunk()?;
        let digits = u64::from_le_bytes(*bytes) ^ ZEROS;
        if not_digits(digits) != 0 {
            return None;
        }
        self.0 = rest;
        Some(digits)
    }

    /// Passes over up to seven digits, where eight are not; gives them with zeros before them,
    /// and their count.
    #[inline(always)]
    fn few_digits(&mut self) -> Option<(u64, usize)> {
        let digits = self.eight() ^ ZEROS;
        let n = not_digits(digits).trailing_zeros() as usize / 8;
        self.0 = self.0.get(n..)?;
        // In two steps, since none may be by 64.
        Some((digits << 8 << (56 - 8 * n), n))
    }

    /// A decimal of that scale up to its closing quote, which is passed over too.
    #[inline(always)]
    fn decimal(&mut self, scale: Scale) -> Option<i64> {
        let (whole, _) = self.digits()?;
        let mut value = whole.checked_mul(*POWERS.get(usize::from(scale.decimals))?)?;
        if self.skips(b".") {
            value = value.checked_add(self.fraction(scale.decimals.into())?)?;
        }
        self.skip(b"\"")?;
        i64::try_from(value).ok()
    }

    /// One to eight digits after a point, in units of `10^-decimals`. More fail at the quote.
    #[inline(always)]
    fn fraction(&mut self, decimals: usize) -> Option<u64> {
        let (digits, len) = match self.eight_digits() {
            Some(digits) => (digits, 8),
            None => self.few_digits().filter(|&(_, len)| len > 0)?,
        };
        let kept = len.min(decimals);
        // What is beyond the scale must be zeros.
        let beyond = 8 * (len - kept) as u32;
        let number = digits.unbounded_shl(beyond);
        let exact = number.unbounded_shr(beyond) == digits;
        exact.then(|| number_of(number) * POWERS[decimals - kept])
    }

    /// A string of plain ASCII up to its closing quote, which is passed over too.
    #[inline(always)]
    fn string(&mut self) -> Option<&'a [u8]> {
        let text = self.0;
        let mut len = 0;
        while len < STRING_MAX {
            let bytes = self.eight();
            let control = bytes.wrapping_sub(ONES * 0x20) & !bytes;
            let stops = (control | equal(bytes, b'"') | equal(bytes, b'\\') | bytes) & TOPS;
            if stops != 0 {
                // A borrow can only make stops out of bytes that follow the first one.
                len += stops.trailing_zeros() as usize / 8;
                self.0 = text.get(len + 1..)?;
                return (text[len] == b'"').then(|| &text[..len]);
            }
            len += 8;
            self.0 = text.get(len..)?;
        }
        None
    }

    /// The end of a print, from `m` on: whether the buyer is the maker.
    #[inline(always)]
    fn tail(&mut self) -> Option<bool> {
        self.skip(b",\"m\":")?;
        let buyer_is_maker = self.boolean()?;
        if self.skips(b",\"M\":") {
            self.boolean()?;
        }
        if self.skips(b",\"st\":") {
            self.number()?;
        }
        Some(buyer_is_maker)
    }

    #[inline(always)]
    fn boolean(&mut self) -> Option<bool> {
        if self.skips(b"true") {
            return Some(true);
        }
        self.skip(b"false").map(|()| false)
    }
}

/// A one, the text `0` and the top bit in each of eight bytes.
const ONES: u64 = u64::MAX / 0xff;
const ZEROS: u64 = ONES * b'0' as u64;
const TOPS: u64 = ONES * 0x80;

/// Sets the top bit of the bytes that equal `byte`, and maybe of some after the first such one.
#[inline(always)]
const fn equal(bytes: u64, byte: u8) -> u64 {
    let differ = bytes ^ (ONES * byte as u64);
    differ.wrapping_sub(ONES) & !differ
}

/// The top bits of those of eight bytes that are not below ten.
#[inline(always)]
const fn not_digits(digits: u64) -> u64 {
    (((digits & !TOPS) + ONES * (0x80 - 10)) | digits) & TOPS
}

/// The number that eight bytes, each below ten, spell; the lowest comes first.
#[inline(always)]
const fn number_of(digits: u64) -> u64 {
    // Pairs, fours, and all eight.
    let pairs = digits.wrapping_mul(10 << 8 | 1) >> 8 & 0x00ff_00ff_00ff_00ff;
    let fours = pairs.wrapping_mul(100 << 16 | 1) >> 16 & 0x0000_ffff_0000_ffff;
    fours.wrapping_mul(10_000 << 32 | 1) >> 32
}

/// `10^n`, as many as 64 bits hold.
const POWERS: [u64; DIGITS_MAX + 2] = {
    let mut powers = [1; DIGITS_MAX + 2];
    let mut n = 1;
    while n < powers.len() {
        powers[n] = powers[n - 1] * 10;
        n += 1;
    }
    powers
};

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn decimals_read_as_the_scale_reads_them(
            text in "[0-9]{0,20}(\\.[0-9]{0,5}0{0,6})?[a-z -]?", decimals in 0u8..19,
            rest in "(,\"q\":\"[0-9.]{0,9})?",
        ) {
            let scale = Scale::exact(decimals);
            let quoted = format!("{text}\"{rest}");
            let mut at = Cursor(quoted.as_bytes());
            if let Some(fast) = at.decimal(scale) {
                prop_assert_eq!(Ok(fast), scale.parse(text.as_bytes()));
                prop_assert_eq!(at.0, rest.as_bytes());
            } else if let Some((whole, fraction)) = text.split_once('.') {
                // It gives up on no more than it says.
                let usual = (1..=12).contains(&whole.len()) && fraction.len() <= 8 && decimals <= 6;
                prop_assert!(!usual || scale.parse(text.as_bytes()).is_err());
            }
        }

        #[test]
        fn strings_end_at_the_first_quote(text in "[ -!#-\\[\\]-~]{0,63}", rest in ".{0,9}") {
            let quoted = format!("{text}\"{rest}");
            let mut at = Cursor(quoted.as_bytes());
            prop_assert_eq!(at.string(), Some(text.as_bytes()));
            prop_assert_eq!(at.0, rest.as_bytes());
        }

        #[test]
        fn strings_with_anything_else_are_left_to_the_parser(
            text in "[a-z]{0,20}", odd in "[\\\\\u{0}-\u{1f}\u{80}-\u{10ffff}]",
        ) {
            let quoted = format!("{text}{odd}{text}\"");
            prop_assert_eq!(Cursor(quoted.as_bytes()).string(), None);
        }

        #[test]
        fn numbers_read_as_the_library_reads_them(number in 0u64..1_000_000_000_000_000_000) {
            let text = format!("{number},");
            prop_assert_eq!(Cursor(text.as_bytes()).number(), Some(number));
            prop_assert_eq!(Cursor(&text.as_bytes()[..text.len() - 1]).number(), Some(number));
        }
    }
}
