//! Entries other than trades, one after the other.
//!
//! ```text
//! kind      u8
//! received  varint, zigzag difference in ns to the entry before in this stream
//! length    varint, bytes of the body: a reader skips kinds it does not know
//! body      by kind, below
//! ```

use systems::candle::{Candle, VenueCandle};
use systems::interval::Interval;
use systems::trade::SymbolId;
use systems::units::{Nanos, Price, Quantity};

use super::bytes::{Cursor, put_bytes, put_signed, put_varint};
use super::entry::{Body, Entry};
use super::limits::ENTRY_MAX;

const FRAME: u8 = 1;
const ANSWER: u8 = 2;
const CANDLE: u8 = 3;
const LINK: u8 = 4;
const FEED: u8 = 5;
const HALT: u8 = 6;
const UNRECOVERABLE: u8 = 7;
const HEARTBEAT: u8 = 8;
/// Not known to the first programs of version 1, which count it and go on.
const DONE: u8 = 9;
/// The same.
const LISTED: u8 = 10;

/// Appends entries; remembers what the next is measured from.
#[derive(Default)]
pub(super) struct OtherEncoder {
    received_before: u64,
    body: Vec<u8>,
}

impl OtherEncoder {
    /// Starts a block anew.
    pub(super) fn restart(&mut self) {
        self.received_before = 0;
    }

    /// Appends an entry that is not a trade.
    pub(super) fn encode(&mut self, entry: &Entry<'_>, out: &mut Vec<u8>) {
        self.body.clear();
        let kind = put_body(entry, &mut self.body);
        out.push(kind);
        put_signed(out, entry.received.0.wrapping_sub(self.received_before) as i64);
        put_bytes(out, &self.body);
        self.received_before = entry.received.0;
    }
}

fn put_body(entry: &Entry<'_>, out: &mut Vec<u8>) -> u8 {
    match entry.body {
        Body::Frame { link, text } => {
            put_varint(out, link.into());
            out.extend_from_slice(text);
            FRAME
        }
        Body::Answer { request, text } => {
            put_bytes(out, request.as_bytes());
            out.extend_from_slice(text);
            ANSWER
        }
        Body::Candle { symbol, interval, candle } => {
            put_varint(out, symbol.0.into());
            put_candle(interval, &candle, out);
            CANDLE
        }
        Body::Link { link, up, reason } => {
            put_varint(out, link.into());
            out.push(up.into());
            out.extend_from_slice(reason.as_bytes());
            LINK
        }
        Body::Feed { symbol, up } => {
            put_varint(out, symbol.0.into());
            out.push(up.into());
            FEED
        }
        Body::Halt { symbol, halted } => {
            put_varint(out, symbol.0.into());
            out.push(halted.into());
            HALT
        }
        Body::Unrecoverable { symbol, from_id, to_id } => {
            put_varint(out, symbol.0.into());
            put_varint(out, from_id);
            put_signed(out, to_id.wrapping_sub(from_id) as i64);
            UNRECOVERABLE
        }
        Body::Heartbeat(at) => {
            // The venue's time runs close to the recorder's clock.
            put_signed(out, at.0.wrapping_sub(entry.received.0) as i64);
            HEARTBEAT
        }
        Body::Done { symbol, interval } => {
            put_varint(out, symbol.0.into());
            if let Some(interval) = interval {
                put_interval(interval, out);
            }
            DONE
        }
        Body::Listed { symbol } => {
            put_varint(out, symbol.0.into());
            LISTED
        }
        Body::Trade(_) => unreachable!("trades go into columns"),
    }
}

fn put_interval(interval: Interval, out: &mut Vec<u8>) {
    put_varint(out, interval.seconds().into());
    put_varint(out, anchor_seconds(interval).into());
}

/// The mark and the revision of a venue's candle carry nothing and are not written.
fn put_candle(interval: Interval, venue: &VenueCandle, out: &mut Vec<u8>) {
    let candle = &venue.candle;
    put_interval(interval, out);
    put_varint(out, candle.open_time.0);
    put_signed(out, candle.open.0);
    for price in [candle.high, candle.low, candle.close] {
        put_signed(out, price.0.wrapping_sub(candle.open.0));
    }
    put_signed(out, candle.volume.0);
    put_signed(out, candle.taker_buy_volume.0);
    for quote in [candle.quote_volume, candle.taker_buy_quote_volume] {
        put_varint(out, quote as u64);
        put_varint(out, (quote >> 64) as u64);
    }
    put_varint(out, candle.trades.into());
    put_varint(out, venue.first_id);
    put_signed(out, venue.last_id.wrapping_sub(venue.first_id) as i64);
}

/// Every bucket starts at the anchor plus whole lengths, so any start shows the anchor.
fn anchor_seconds(interval: Interval) -> u32 {
    let start = interval.bucket(Nanos::from_seconds(u64::from(Interval::MAX_SECONDS)));
    (start.seconds() % u64::from(interval.seconds())) as u32
}

/// Reads entries back; what it yields borrows from the block.
#[derive(Clone, Copy, Debug)]
pub(super) struct OtherDecoder<'a> {
    cursor: Cursor<'a>,
    received_before: u64,
    symbols: usize,
}

/// One step of reading.
pub(super) enum Other<'a> {
    Entry(Entry<'a>),
    /// Written by a later program of the same format version.
    UnknownKind(Nanos),
}

impl<'a> OtherDecoder<'a> {
    /// Reads `bytes`, in which symbols must be below `symbols`.
    pub(super) fn new(bytes: &'a [u8], symbols: usize) -> Self {
        Self { cursor: Cursor(bytes), received_before: 0, symbols }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.cursor.0.is_empty()
    }

    /// The next entry; `None` if the bytes are not one.
    #[inline]
    pub(super) fn next(&mut self) -> Option<Other<'a>> {
        let kind = self.cursor.byte()?;
        let received = self.received_before.wrapping_add(self.cursor.signed()? as u64);
        self.received_before = received;
        let (received, mut body) = (Nanos(received), Cursor(self.cursor.bytes()?));
        // Most entries by far. Apart from the others a frame is two numbers and a slice, which
        // need not be copied as a body of the largest kind, a candle.
        if kind == FRAME {
            let body = Body::Frame { link: body.small()?, text: bounded(body.rest(), 0)? };
            return Some(Other::Entry(Entry { received, body }));
        }
        self.rare(kind, received, body)
    }

    #[inline(never)]
    fn rare(&self, kind: u8, received: Nanos, mut body: Cursor<'a>) -> Option<Other<'a>> {
        if !(ANSWER..=LISTED).contains(&kind) {
            return Some(Other::UnknownKind(received));
        }
        let body_read = self.body(kind, received, &mut body)?;
        body.0.is_empty().then_some(Other::Entry(Entry { received, body: body_read }))
    }

    fn body(&self, kind: u8, received: Nanos, body: &mut Cursor<'a>) -> Option<Body<'a>> {
        Some(match kind {
            ANSWER => {
                let request = body.text()?;
                Body::Answer { request, text: bounded(body.rest(), request.len())? }
            }
            CANDLE => {
                let symbol = self.symbol(body)?;
                let (interval, candle) = candle(body)?;
                Body::Candle { symbol, interval, candle }
            }
            LINK => {
                let (link, up) = (body.small()?, flag(body)?);
                let reason = core::str::from_utf8(bounded(body.rest(), 0)?).ok()?;
                Body::Link { link, up, reason }
            }
            FEED => Body::Feed { symbol: self.symbol(body)?, up: flag(body)? },
            HALT => Body::Halt { symbol: self.symbol(body)?, halted: flag(body)? },
            UNRECOVERABLE => {
                let (symbol, from_id) = (self.symbol(body)?, body.varint()?);
                let to_id = from_id.wrapping_add(body.signed()? as u64);
                Body::Unrecoverable { symbol, from_id, to_id }
            }
            LISTED => Body::Listed { symbol: self.symbol(body)? },
            DONE => {
                let symbol = self.symbol(body)?;
                let interval = match body.0.is_empty() {
                    true => None,
                    false => Some(interval(body)?),
                };
                Body::Done { symbol, interval }
            }
            _ => Body::Heartbeat(Nanos(received.0.wrapping_add(body.signed()? as u64))),
        })
    }

    fn symbol(&self, body: &mut Cursor<'_>) -> Option<SymbolId> {
        body.small::<u16>().filter(|&id| usize::from(id) < self.symbols).map(SymbolId)
    }
}

fn bounded(bytes: &[u8], with: usize) -> Option<&[u8]> {
    (bytes.len() + with <= ENTRY_MAX).then_some(bytes)
}

fn flag(body: &mut Cursor<'_>) -> Option<bool> {
    match body.byte()? {
        0 => Some(false),
        1 => Some(true),
        _ => None,
    }
}

fn interval(body: &mut Cursor<'_>) -> Option<Interval> {
    Interval::anchored(body.small()?, body.small()?)
}

fn candle(body: &mut Cursor<'_>) -> Option<(Interval, VenueCandle)> {
    let interval = interval(body)?;
    let open_time = Nanos(body.varint()?);
    let open = body.signed()?;
    let price = |body: &mut Cursor<'_>| Some(Price(open.wrapping_add(body.signed()?)));
    let quote =
        |body: &mut Cursor<'_>| Some(u128::from(body.varint()?) | u128::from(body.varint()?) << 64);
    let candle = Candle {
        open_time,
        open: Price(open),
        high: price(body)?,
        low: price(body)?,
        close: price(body)?,
        volume: Quantity(body.signed()?),
        taker_buy_volume: Quantity(body.signed()?),
        quote_volume: quote(body)?,
        taker_buy_quote_volume: quote(body)?,
        trades: body.small()?,
        ..Candle::default()
    };
    let first_id = body.varint()?;
    let last_id = first_id.wrapping_add(body.signed()? as u64);
    Some((interval, VenueCandle { candle, first_id, last_id }))
}

/// Bytes of the part of an entry that has no fixed size.
pub(super) fn variable_bytes(body: &Body<'_>) -> usize {
    match body {
        Body::Frame { text, .. } => text.len(),
        Body::Answer { request, text } => request.len() + text.len(),
        Body::Link { reason, .. } => reason.len(),
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(bytes: &[u8]) -> Option<Other<'_>> {
        OtherDecoder::new(bytes, 2).next()
    }

    fn encoded(body: Body<'_>) -> Vec<u8> {
        let mut out = Vec::new();
        OtherEncoder::default().encode(&Entry { received: Nanos(7), body }, &mut out);
        out
    }

    #[test]
    fn a_kind_of_the_future_is_skipped() {
        let mut bytes = vec![200, 14, 3, 1, 2, 3];
        bytes.extend(encoded(Body::Heartbeat(Nanos(9))));
        let mut decoder = OtherDecoder::new(&bytes, 0);
        assert!(matches!(decoder.next(), Some(Other::UnknownKind(_))));
        assert!(matches!(decoder.next(), Some(Other::Entry(_))));
        assert!(decoder.is_empty());
    }

    #[test]
    fn a_body_longer_than_its_kind_is_malformed() {
        let mut bytes = encoded(Body::Feed { symbol: SymbolId(1), up: true });
        assert!(one(&bytes).is_some());
        bytes[2] += 1;
        bytes.push(0);
        assert!(one(&bytes).is_none());
    }

    #[test]
    fn symbols_flags_and_text_are_checked() {
        assert!(one(&encoded(Body::Feed { symbol: SymbolId(2), up: true })).is_none());
        let mut halt = encoded(Body::Halt { symbol: SymbolId(1), halted: true });
        *halt.last_mut().unwrap() = 2;
        assert!(one(&halt).is_none());
        let mut link = encoded(Body::Link { link: 0, up: false, reason: "x" });
        *link.last_mut().unwrap() = 0xff;
        assert!(one(&link).is_none());
    }

    #[test]
    fn an_entry_of_the_largest_size_is_read_and_one_byte_more_is_not() {
        for (size, read) in [(ENTRY_MAX, true), (ENTRY_MAX + 1, false)] {
            let text = vec![b'x'; size];
            assert_eq!(one(&encoded(Body::Frame { link: 1, text: &text })).is_some(), read);
            let text = &text[5..];
            assert_eq!(one(&encoded(Body::Answer { request: "/path", text })).is_some(), read);
        }
    }

    #[test]
    fn the_anchor_of_an_interval_survives() {
        for text in ["1s", "1m", "45m", "7s", "1d", "1d@08:00", "1h@00:30", "11h@03:07"] {
            let interval = Interval::parse(text).unwrap();
            let again = Interval::anchored(interval.seconds(), anchor_seconds(interval));
            assert_eq!(again, Some(interval), "{text}");
        }
    }
}
