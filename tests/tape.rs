//! Tapes: what is written comes back, whatever happens to the file.

mod damage;
mod hostile;
mod seek;
mod tools;
mod versions;

use std::io::{Cursor, Write};

use proptest::prelude::*;
use systems::candle::{Candle, VenueCandle};
use systems::interval::Interval;
use systems::symbol::SymbolSpec;
use systems::trade::{Aggressor, SymbolId, Trade, TradeKind};
use systems::units::{Nanos, Price, Quantity, Scale};
use tapescan::tape::limits::ENTRY_MAX;
use tapescan::tape::{Body, CreateError, End, Entry, Header, Reader, WriteError, Writer};

const SEGMENT: u64 = 0x5eed;

/// An entry that owns its text.
#[derive(Clone, Debug, PartialEq)]
struct Owned {
    received: Nanos,
    body: OwnedBody,
}

#[derive(Clone, Debug, PartialEq)]
enum OwnedBody {
    Frame(u16, Vec<u8>),
    Answer(String, Vec<u8>),
    Link(u16, bool, String),
    /// Everything that has no text.
    Plain(Body<'static>),
}

impl Owned {
    fn entry(&self) -> Entry<'_> {
        let body = match &self.body {
            OwnedBody::Frame(link, text) => Body::Frame { link: *link, text },
            OwnedBody::Answer(request, text) => Body::Answer { request, text },
            OwnedBody::Link(link, up, reason) => Body::Link { link: *link, up: *up, reason },
            OwnedBody::Plain(body) => *body,
        };
        Entry { received: self.received, body }
    }

    fn of(entry: Entry<'_>) -> Self {
        let body = match entry.body {
            Body::Frame { link, text } => OwnedBody::Frame(link, text.into()),
            Body::Answer { request, text } => OwnedBody::Answer(request.into(), text.into()),
            Body::Link { link, up, reason } => OwnedBody::Link(link, up, reason.into()),
            Body::Trade(trade) => OwnedBody::Plain(Body::Trade(trade)),
            Body::Candle { symbol, interval, candle } => {
                OwnedBody::Plain(Body::Candle { symbol, interval, candle })
            }
            Body::Feed { symbol, up } => OwnedBody::Plain(Body::Feed { symbol, up }),
            Body::Halt { symbol, halted } => OwnedBody::Plain(Body::Halt { symbol, halted }),
            Body::Listed { symbol } => OwnedBody::Plain(Body::Listed { symbol }),
            Body::Unrecoverable { symbol, from_id, to_id } => {
                OwnedBody::Plain(Body::Unrecoverable { symbol, from_id, to_id })
            }
            Body::Heartbeat(at) => OwnedBody::Plain(Body::Heartbeat(at)),
            Body::Done { symbol, interval } => OwnedBody::Plain(Body::Done { symbol, interval }),
        };
        Self { received: entry.received, body }
    }
}

fn header(symbols: &[&str]) -> Header {
    let symbols = symbols.iter().map(|&name| SymbolSpec {
        name: name.into(),
        price: Scale { decimals: 2, width: 8 },
        quantity: Scale::exact(5),
    });
    Header {
        venue: "binance".into(),
        program: "tapescan 0.1.0".into(),
        config: "intervals = [\"1m\"]\n".into(),
        symbols: symbols.collect(),
    }
}

fn trade(symbol: u16, id: u64, time: Nanos) -> Trade {
    Trade {
        time,
        price: Price(6_175_670 + (id % 13) as i64),
        quantity: Quantity(1 + (id % 100_000 * 7_919) as i64),
        id,
        first_id: id,
        count: 1,
        symbol: SymbolId(symbol),
        aggressor: if id.is_multiple_of(3) { Aggressor::Buyer } else { Aggressor::Seller },
        kind: TradeKind::Market,
    }
}

/// A plausible session: two symbols, a frame and a heartbeat now and then.
fn session(entries: u64) -> Vec<Owned> {
    let start = Nanos::from_ms(1_723_161_600_000);
    let plain = |received, body| Owned { received, body: OwnedBody::Plain(body) };
    (0..entries)
        .map(|at| {
            let received = start.plus(at * 40 * Nanos::PER_MS);
            match at % 10 {
                9 => plain(received, Body::Heartbeat(received.minus(3_000_000))),
                8 => {
                    let text = format!("{{\"e\":\"trade\",\"t\":{at}}}").into_bytes();
                    Owned { received, body: OwnedBody::Frame(1, text) }
                }
                place => {
                    let symbol = (place % 2) as u16;
                    plain(received, Body::Trade(trade(symbol, at, received.minus(1))))
                }
            }
        })
        .collect()
}

/// Writes entries, flushing after every `block` of them.
fn written(header: &Header, entries: &[Owned], block: usize) -> Writer<Vec<u8>> {
    let mut writer = Writer::create(Vec::new(), header, SEGMENT).unwrap();
    for entries in entries.chunks(block) {
        entries.iter().for_each(|entry| writer.write(&entry.entry()).unwrap());
        writer.flush().unwrap();
    }
    writer
}

fn finished(entries: &[Owned], block: usize) -> Vec<u8> {
    written(&header(&["BTCUSDT", "ETHUSDT"]), entries, block).finish().unwrap()
}

/// Everything that can be read, and how it ended.
fn read(bytes: &[u8]) -> (Vec<Owned>, End) {
    let mut reader = Reader::new(Cursor::new(bytes)).unwrap();
    let mut entries = Vec::new();
    while let Some(block) = reader.next_block().unwrap() {
        assert_eq!(block.entries().count(), block.len() - block.unknown() as usize);
        entries.extend(block.entries().map(Owned::of));
    }
    assert!(reader.next_block().unwrap().is_none(), "an end stays the end");
    (entries, reader.end().unwrap())
}

fn any_body() -> impl Strategy<Value = OwnedBody> {
    use OwnedBody::*;
    let symbol = || (0u16..3).prop_map(SymbolId);
    let bytes = || proptest::collection::vec(any::<u8>(), 0..60);
    prop_oneof![
        (any::<u16>(), bytes()).prop_map(|(link, text)| Frame(link, text)),
        (any::<String>(), bytes()).prop_map(|(request, text)| Answer(request, text)),
        (any::<u16>(), any::<bool>(), any::<String>())
            .prop_map(|(link, up, reason)| Link(link, up, reason)),
        any_candle(),
        (symbol(), any::<bool>()).prop_map(|(symbol, up)| Plain(Body::Feed { symbol, up })),
        (symbol(), any::<bool>()).prop_map(|(symbol, halted)| Plain(Body::Halt { symbol, halted })),
        symbol().prop_map(|symbol| Plain(Body::Listed { symbol })),
        (symbol(), any::<u64>(), any::<u64>()).prop_map(|(symbol, from_id, to_id)| {
            Plain(Body::Unrecoverable { symbol, from_id, to_id })
        }),
        any::<u64>().prop_map(|at| Plain(Body::Heartbeat(Nanos(at)))),
        (symbol(), any::<bool>()).prop_map(|(symbol, candles)| {
            let interval = candles.then(|| Interval::parse("1d@08:00").unwrap());
            Plain(Body::Done { symbol, interval })
        }),
        (0u16..3, any::<u64>(), any::<u64>())
            .prop_map(|(symbol, id, at)| Plain(Body::Trade(trade(symbol, id >> 20, Nanos(at))))),
        (0u16..3, 0u64..9).prop_map(|(symbol, id)| Plain(Body::Trade(trade(
            symbol,
            id,
            Nanos::from_ms(id)
        )))),
    ]
}

fn any_candle() -> impl Strategy<Value = OwnedBody> {
    let interval = (1u32..=86_400, 0u32..86_400);
    let prices = any::<[i64; 6]>();
    (0u16..3, interval, prices, any::<[u128; 2]>(), any::<u32>(), any::<[u64; 3]>()).prop_map(
        |(symbol, (seconds, anchor), prices, quotes, trades, [open_time, first_id, last_id])| {
            let candle = Candle {
                open_time: Nanos(open_time),
                open: Price(prices[0]),
                high: Price(prices[1]),
                low: Price(prices[2]),
                close: Price(prices[3]),
                volume: Quantity(prices[4]),
                quote_volume: quotes[0],
                taker_buy_volume: Quantity(prices[5]),
                taker_buy_quote_volume: quotes[1],
                trades,
                ..Candle::default()
            };
            OwnedBody::Plain(Body::Candle {
                symbol: SymbolId(symbol),
                interval: Interval::anchored(seconds, anchor).unwrap(),
                candle: VenueCandle { candle, first_id, last_id },
            })
        },
    )
}

proptest! {
    #[test]
    fn entries_of_any_kind_come_back_in_any_order(
        entries in proptest::collection::vec((any::<u64>(), any_body()), 0..80),
        names in proptest::array::uniform3(any::<String>()),
        block in 1usize..50,
    ) {
        let entries: Vec<_> = entries
            .into_iter()
            .map(|(received, body)| Owned { received: Nanos(received), body })
            .collect();
        let header = header(&[&names[0], &names[1], &names[2]]);
        let bytes = written(&header, &entries, block).finish().unwrap();
        let (back, end) = read(&bytes);
        prop_assert_eq!(back, entries);
        let whole = End {
            sealed: true, damage: None, intact_bytes: bytes.len() as u64, dropped_bytes: 0
        };
        prop_assert_eq!(end, whole);
        let reader = Reader::new(Cursor::new(&bytes)).unwrap();
        prop_assert_eq!(reader.header(), &header);
    }
}

#[test]
fn an_empty_tape_is_a_tape() {
    let sealed = finished(&[], 1);
    let (entries, end) = read(&sealed);
    assert_eq!((entries.len(), end.sealed, end.damage), (0, true, None));

    let writer = Writer::create(Vec::new(), &header(&[]), SEGMENT).unwrap();
    let (entries, end) = read(writer.get_ref());
    assert_eq!((entries.len(), end.sealed, end.damage), (0, false, None));
}

#[test]
fn blocks_are_written_when_they_are_full() {
    let entries = session(30_000);
    let bytes = finished(&entries, usize::MAX);
    let mut reader = Reader::new(Cursor::new(&bytes)).unwrap();
    let mut sizes = Vec::new();
    while let Some(block) = reader.next_block().unwrap() {
        sizes.push(block.trades().len());
    }
    assert_eq!(sizes, [8_192, 8_192, 7_616]);
    assert_eq!(read(&bytes).0, entries);
}

#[test]
fn the_same_entries_give_the_same_bytes() {
    let entries = session(2_000);
    assert_eq!(finished(&entries, 100), finished(&entries, 100));
}

#[test]
fn an_entry_at_the_limit_is_recorded_and_one_byte_more_is_refused() {
    let mut writer = Writer::create(Vec::new(), &header(&["A"]), SEGMENT).unwrap();
    let text = vec![b'x'; ENTRY_MAX + 1];
    let frame = |text| Entry { received: Nanos(1), body: Body::Frame { link: 0, text } };
    writer.write(&frame(&text[1..])).unwrap();
    let got = writer.write(&frame(&text));
    assert!(matches!(got, Err(WriteError::EntryTooLarge { bytes }) if bytes == ENTRY_MAX + 1));
    let got = writer
        .write(&Entry { received: Nanos(2), body: Body::Feed { symbol: SymbolId(1), up: true } });
    assert!(matches!(got, Err(WriteError::UnknownSymbol(SymbolId(1)))));
    let (entries, _) = read(&writer.finish().unwrap());
    assert_eq!(entries, [Owned::of(frame(&text[1..]))]);
}

/// Takes a number of bytes and then fails as a full disk does.
struct Disk {
    free: usize,
    bytes: Vec<u8>,
}

impl Write for Disk {
    fn write(&mut self, buffer: &[u8]) -> std::io::Result<usize> {
        let count = buffer.len().min(self.free);
        if count == 0 && !buffer.is_empty() {
            return Err(std::io::ErrorKind::StorageFull.into());
        }
        self.free -= count;
        self.bytes.extend_from_slice(&buffer[..count]);
        Ok(count)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[test]
fn a_full_disk_leaves_whole_blocks_and_the_tape_is_given_up() {
    let entries = session(300);
    let whole = finished(&entries, 20);
    for free in (0..whole.len()).step_by(7) {
        let disk = Disk { free, bytes: Vec::new() };
        let mut writer = match Writer::create(disk, &header(&["BTCUSDT", "ETHUSDT"]), SEGMENT) {
            Err(CreateError::Io(_)) => continue,
            other => other.unwrap(),
        };
        let mut flushed = 0;
        for chunk in entries.chunks(20) {
            chunk.iter().try_for_each(|entry| writer.write(&entry.entry())).unwrap();
            match writer.flush() {
                Ok(()) => flushed += chunk.len(),
                Err(WriteError::Io(_)) => break,
                Err(error) => panic!("{error}"),
            }
        }
        let bytes = &writer.get_ref().bytes;
        assert_eq!(read(bytes).0, entries[..flushed]);
        if flushed < entries.len() {
            assert!(matches!(writer.flush(), Err(WriteError::GivenUp)));
            assert!(matches!(writer.write(&entries[0].entry()), Err(WriteError::GivenUp)));
            assert!(matches!(writer.finish(), Err(WriteError::GivenUp)));
        }
    }
}
