//! A sample of every version is read for ever.
//!
//! `BLESS=1 cargo test` writes the sample of the current version where there is none; one that
//! is there is never touched.

use std::fs;
use std::path::PathBuf;

use systems::candle::{Candle, VenueCandle};
use systems::interval::Interval;
use systems::trade::{SymbolId, Trade, TradeKind};
use systems::units::{Nanos, Price, Quantity};
use tapescan::tape::{Body, Header, Reader, Writer};
use xxhash_rust::xxh3::xxh3_64;

use super::{Owned, OwnedBody, header, read, trade};

/// Digest of the sample's entries as text, so that the expectation below cannot drift with them.
const V1_DIGEST: u64 = 0x65d7_8d8c_ca43_b714;

fn path() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("replays/versions/v1.tape")
}

fn v1_header() -> Header {
    header(&["BTCUSDT", "币安人生USDT", "1000PEPE_USDC-SWAP"])
}

/// Every kind of entry that version 1 knows, in all orders of neighbours that matter.
fn v1_entries() -> Vec<Owned> {
    let at = |ms: u64| Nanos::from_ms(1_723_161_600_000 + ms);
    let plain = |ms, body| Owned { received: at(ms), body: OwnedBody::Plain(body) };
    let text = |ms: u64| format!("{{\"stream\":\"btcusdt@trade\",\"data\":{{\"E\":{ms}}}}}");
    let mut all = vec![
        Owned { received: at(0), body: OwnedBody::Link(3, true, "connected".into()) },
        Owned {
            received: at(1),
            body: OwnedBody::Answer("/api/v3/time".into(), b"{\"serverTime\":1}".to_vec()),
        },
        plain(2, Body::Feed { symbol: SymbolId(2), up: true }),
        plain(3, Body::Halt { symbol: SymbolId(1), halted: true }),
    ];
    for ms in (10..3_000).step_by(10) {
        let symbol = SymbolId((ms / 10 % 3) as u16);
        let print = trade(symbol.0, 1_000 + ms / 10, at(ms - 5));
        all.push(plain(ms, Body::Trade(print)));
        match ms % 70 {
            0 => all.push(Owned { received: at(ms), body: OwnedBody::Frame(3, text(ms).into()) }),
            30 => all.push(plain(ms, Body::Heartbeat(at(ms - 2)))),
            _ => {}
        }
    }
    let odd = trade(1, u64::MAX, Nanos(u64::MAX - 1));
    for (place, kind) in [
        TradeKind::Market,
        TradeKind::Backfilled,
        TradeKind::InsuranceFund,
        TradeKind::AutoDeleverage,
        TradeKind::Block,
        TradeKind::Void,
    ]
    .into_iter()
    .enumerate()
    {
        let (price, quantity) = (Price(i64::MIN + place as i64), Quantity(i64::MAX));
        let count = 10u32.pow(place as u32);
        all.push(plain(3_000, Body::Trade(Trade { price, quantity, count, kind, ..odd })));
    }
    all.push(plain(
        3_001,
        Body::Candle {
            symbol: SymbolId(0),
            interval: Interval::parse("1d@08:00").unwrap(),
            candle: VenueCandle {
                candle: Candle {
                    open_time: at(0),
                    open: Price(6_175_670),
                    high: Price(6_180_000),
                    low: Price(6_170_001),
                    close: Price(6_175_000),
                    volume: Quantity(123_456_789),
                    quote_volume: 762_345_678_901_234_567_890,
                    taker_buy_volume: Quantity(23_456_789),
                    taker_buy_quote_volume: 1 << 70,
                    trades: 4_321,
                    ..Candle::default()
                },
                first_id: 1_001,
                last_id: 5_321,
            },
        },
    ));
    all.push(plain(3_002, Body::Unrecoverable { symbol: SymbolId(2), from_id: 7, to_id: 9 }));
    all.push(Owned {
        received: at(3_003),
        body: OwnedBody::Link(3, false, "Zeitüberschreitung".into()),
    });
    all
}

#[test]
fn version_1_is_read() {
    if std::env::var_os("BLESS").is_some() && !path().exists() {
        let mut writer = Writer::create(Vec::new(), &v1_header(), 0x7a9e).unwrap();
        for entries in v1_entries().chunks(150) {
            entries.iter().for_each(|entry| writer.write(&entry.entry()).unwrap());
            writer.flush().unwrap();
        }
        fs::create_dir_all(path().parent().unwrap()).unwrap();
        fs::write(path(), writer.finish().unwrap()).unwrap();
    }
    let bytes = fs::read(path()).unwrap();
    let reader = Reader::open(path()).unwrap();
    assert_eq!((reader.version(), reader.segment()), (1, 0x7a9e));
    assert_eq!(reader.header(), &v1_header());
    let (entries, end) = read(&bytes);
    assert_eq!(entries, v1_entries());
    assert_eq!((end.sealed, end.damage), (true, None));
    let digest = xxh3_64(format!("{entries:?}").as_bytes());
    assert_eq!(digest, V1_DIGEST, "{digest:#x}");
}
