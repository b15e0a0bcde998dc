//! Imports: small files of every format, every way in which they can be wrong, and real captures.

mod astray;
mod captured;
mod faults;
mod wire;

use std::collections::BTreeMap;
use std::io::Write;
use std::path::PathBuf;

use systems::candle::VenueCandle;
use systems::interval::Interval;
use systems::trade::{Trade, TradeKind};
use systems::units::{Nanos, Scale};
use tapescan::import::{self, Format, Import, ImportError, Origin, Report, Sink, SinkError};
use tapescan::tape::entry::{Body, Entry, Header};
use tapescan::venue::reject::DecodeReject;
use tapescan::venue::{Kind, Venue};

/// An entry that outlives its import.
#[derive(Clone, Debug, PartialEq)]
enum Kept {
    Frame(u16, String),
    Answer(String),
    Trade(Trade),
    Candle(Interval, VenueCandle),
    Link(u16, bool),
    Beat(u64),
}

#[derive(Default)]
struct Tape {
    header: Option<Header>,
    entries: Vec<(u64, Kept)>,
}

impl Sink for Tape {
    fn header(&mut self, header: &Header) -> Result<(), SinkError> {
        assert_eq!(self.header.replace(header.clone()), None);
        Ok(())
    }

    fn entry(&mut self, entry: Entry<'_>) -> Result<(), SinkError> {
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
        let kept = match entry.body {
            Body::Frame { link, text: frame } => Kept::Frame(link, text(frame)),
            Body::Answer { request, .. } => Kept::Answer(request.to_owned()),
            Body::Trade(trade) => Kept::Trade(trade),
            Body::Candle { interval, candle, .. } => Kept::Candle(interval, candle),
            Body::Link { link, up, .. } => Kept::Link(link, up),
            Body::Heartbeat(at) => Kept::Beat(at.ms()),
            other => panic!("no import makes {other:?}"),
        };
        if let Some((before, _)) = self.entries.last() {
            assert!(*before <= entry.received.0, "entries go back in time");
        }
        self.entries.push((entry.received.0, kept));
        Ok(())
    }
}

impl Tape {
    fn trades(&self) -> Vec<Trade> {
        let trade = |(_, kept): &(u64, Kept)| match kept {
            Kept::Trade(trade) => Some(*trade),
            _ => None,
        };
        self.entries.iter().filter_map(trade).collect()
    }

    /// The entries in a few words each.
    fn words(&self) -> Vec<String> {
        let word = |(_, kept): &(u64, Kept)| match kept {
            Kept::Frame(link, text) => format!("frame {link} {}", text.len()),
            Kept::Answer(request) => format!("answer {request}"),
            Kept::Trade(trade) => format!("trade {}", trade.id),
            Kept::Candle(interval, candle) => {
                format!("candle {interval} {}", candle.candle.open_time.seconds())
            }
            Kept::Link(link, up) => format!("link {link} {up}"),
            Kept::Beat(ms) => format!("beat {ms}"),
        };
        self.entries.iter().map(word).collect()
    }
}

/// Files in a directory of their own.
struct Files(tempfile::TempDir);

impl Files {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn put(&self, name: &str, bytes: impl AsRef<[u8]>) -> PathBuf {
        let path = self.0.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        path
    }
}

fn gz(text: &str) -> Vec<u8> {
    let mut out = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    out.write_all(text.as_bytes()).unwrap();
    out.finish().unwrap()
}

fn zipped(files: &[(&str, &str)]) -> Vec<u8> {
    let mut out = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    for (name, text) in files {
        let options = zip::write::SimpleFileOptions::default();
        let options = options.compression_method(zip::CompressionMethod::Deflated);
        out.start_file(*name, options).unwrap();
        out.write_all(text.as_bytes()).unwrap();
    }
    out.finish().unwrap().into_inner()
}

fn import(format: Format, venue: Venue, files: Vec<PathBuf>) -> Import {
    let (symbol, interval, instruments) = (None, None, None);
    Import { format, venue, files, symbol, interval, instruments, keep_all: false }
}

fn run(import: &Import) -> (Tape, Report) {
    let mut tape = Tape::default();
    let report = import::run(import, &mut tape).unwrap();
    assert_eq!(report.entries, tape.entries.len() as u64);
    (tape, report)
}

fn spot(format: Format, files: Vec<PathBuf>) -> (Tape, Report) {
    run(&import(format, Venue::BinanceSpot, files))
}

const SPOT: &str = "\
7,0.23120000,2619.40000000,605.6052,1741046401271497,True,True
8,0.23130000,83.90000000,19.4060,1741046401321398,False,True
9,0.23130000,865.00000000,200.0745,1741046401925569,False,True
";

#[test]
fn archive_trades_come_with_scales_and_heartbeats() {
    let files = Files::new();
    let plain = spot(Format::BinanceCsv, vec![files.put("TRXUSDT-trades-2025-03-04.csv", SPOT)]);
    let spec = &plain.0.header.as_ref().unwrap().symbols[0];
    assert_eq!((&*spec.name, spec.price), ("TRXUSDT", Scale { decimals: 4, width: 8 }));
    assert_eq!(spec.quantity, Scale { decimals: 1, width: 8 });
    assert_eq!(plain.1.symbols[0].origin, Origin::Inferred);
    assert_eq!(
        plain.0.words(),
        [
            "link 0 true",
            "beat 1741046401200",
            "trade 7",
            "beat 1741046401300",
            "trade 8",
            "beat 1741046401900",
            "trade 9",
        ]
    );
    assert_eq!(plain.0.trades()[0].time, Nanos(1_741_046_401_271_497_000));
    assert_eq!((plain.1.lines, plain.1.trades, plain.1.decoded.of(Kind::Trade)), (3, 3, 3));
    for (name, bytes) in [
        ("TRXUSDT-a.csv.gz", gz(SPOT)),
        ("TRXUSDT-b.zip", zipped(&[("TRXUSDT.csv", SPOT)])),
        ("TRXUSDT-c.csv", SPOT.replace('\n', "\r\n").into_bytes()),
        ("TRXUSDT-d.csv", format!("\u{feff}{SPOT}\n\n").into_bytes()),
    ] {
        let packed = spot(Format::BinanceCsv, vec![files.put(name, bytes)]);
        assert_eq!(packed.0.entries, plain.0.entries, "{name}");
    }
}

#[test]
fn usdm_zeros_only_take_an_id_and_void_aggregates_are_skipped() {
    let files = Files::new();
    let trades = "id,price,qty,quote_qty,time,is_buyer_maker\n\
        1,0.23103,243,56.1,1741046404349,false\n\
        2,0.00000,0,0.00000,1741046404359,true\n";
    let aggregates = "agg_trade_id,price,quantity,first_trade_id,last_trade_id,transact_time,is_buyer_maker\n\
        5,101.10,10,20,23,1741046404349,true\n\
        6,0,0,-1,-1,1741046404350,false\n";
    let usdm = |file| run(&import(Format::BinanceCsv, Venue::BinanceUsdm, vec![file]));
    let (tape, report) = usdm(files.put("TRXUSDT-trades-x.csv", trades));
    let kinds: Vec<_> = tape.trades().iter().map(|trade| trade.kind).collect();
    assert_eq!(kinds, [TradeKind::Market, TradeKind::Void]);
    assert_eq!(report.symbols[0].spec.price, Scale::exact(5));
    let headless = aggregates.split_once('\n').unwrap().1;
    for text in [aggregates, headless, &headless.replace('\n', ",true\n")] {
        let (tape, report) = usdm(files.put("TRXUSDT-aggTrades-x.csv", text));
        let trades = tape.trades();
        assert_eq!(
            (trades.len(), trades[0].id, trades[0].first_id, trades[0].count),
            (1, 5, 20, 4)
        );
        assert_eq!(report.decoded.rejected(DecodeReject::VoidRow), 1);
        assert_eq!(report.decoded.of(Kind::AggregateTrade), 1);
    }
}

const KLINES: &str = "\
open_time,open,high,low,close,volume,close_time,quote_volume,count,taker_buy_volume,taker_buy_quote_volume,ignore
1723161600000,1.5,2.0,1.0,1.5,3.0,1723161659999,4.55,7,1.0,1.5,0
1723161660000,1.5,1.5,1.5,1.5,0,1723161719999,0,0,0,0,0
";

#[test]
fn official_candles_end_with_a_heartbeat_each() {
    let files = Files::new();
    let a = files.put("AUSDT-1m-2024-08.csv.gz", gz(KLINES));
    let b = files.put("BUSDT-1m-2024-08.zip", zipped(&[("b.csv", KLINES)]));
    let (tape, report) = spot(Format::KlinesCsv, vec![b, a]);
    assert_eq!(
        tape.words(),
        [
            "link 0 true",
            "candle 1m 1723161600",
            "candle 1m 1723161600",
            "beat 1723161660000",
            "candle 1m 1723161660",
            "candle 1m 1723161660",
            "beat 1723161720000",
        ]
    );
    assert_eq!((report.candles, report.heartbeats), (4, 2));
    let headless =
        KLINES.split_once('\n').unwrap().1.replace("000,", "000000,").replace("999,", "999999,");
    let (micros, _) = spot(Format::KlinesCsv, vec![files.put("AUSDT-1m-x.csv", headless)]);
    assert_eq!(micros.words().len(), 5);
}

const FRAMES: &str = r#"1723161254087891268 {"stream":"a@bookTicker","data":{"u":5,"s":"AUSDT","b":"1","B":"3","a":"2","A":"1"}}
1723161254087896568 {"stream":"a@trade","data":{"e":"trade","E":1723161255343,"s":"AUSDT","t":7,"p":"1.50000000","q":"0.02000000","T":1723161255342,"m":true,"M":true}}
1723161254287896568 {"stream":"a@depth","data":{"e":"depthUpdate","E":1723161255543,"s":"AUSDT","b":[],"a":[]}}
1723161254187896568 {"stream":"a@trade","data":{"e":"trade","E":1723161255
"#;

#[test]
fn raw_frames_are_kept_if_they_matter_and_all_give_their_time() {
    let files = Files::new();
    let file = files.put("frames.txt.gz", gz(FRAMES));
    let mut wanted = import(Format::Collector, Venue::BinanceSpot, vec![file]);
    let (tape, report) = run(&wanted);
    assert_eq!(
        tape.words(),
        ["link 0 true", "beat 1723161255300", "frame 0 147", "beat 1723161255500", "frame 0 54",]
    );
    assert_eq!((report.frames_kept, report.frames_ignored, report.backwards), (2, 2, 1));
    assert_eq!(report.decoded.rejects().next().unwrap().0, DecodeReject::NotJson);
    assert_eq!(report.received.unwrap().1, Nanos(1_723_161_254_287_896_568));
    wanted.keep_all = true;
    assert_eq!(run(&wanted).1.frames_kept, 4);
}

const CAPTURE: &str = r#"{"kind": "recorder_config", "raw": "{}"}
{"ts": "1723161254.1", "kind": "ws_connect", "url": "wss://h/stream?streams=a", "raw": "ok"}
{"ts": 1723161254.2, "kind": "ws_send", "url": "wss://h/stream?streams=a", "raw": "{}"}
{"ts": "1723161255.4", "kind": "ws_recv", "url": "wss://h/stream?streams=b", "raw": "{\"e\":\"aggTrade\",\"E\":1723161255343,\"s\":\"AUSDT\",\"a\":7,\"p\":\"1.5\",\"q\":\"2\",\"f\":1,\"l\":1,\"T\":1723161255342,\"m\":true}"}
{"ts": "1723161256.4", "kind": "http", "url": "https://h/api/v3/klines?symbol=AUSDT&interval=1m", "raw": "[[1723161180000,\"1\",\"2\",\"1\",\"2\",\"3\",1723161239999,\"4.25\",7,\"1\",\"1.5\",\"0\"]]"}
{"ts": "1723161256.5", "kind": "http", "url": "https://h/api/v3/depth?symbol=AUSDT", "raw": "{\"bids\":[]}"}
{"ts": "1723161257.1", "kind": "ws_connect", "url": "wss://h/stream?streams=a", "raw": "ok"}
"#;

#[test]
fn captures_keep_links_frames_and_answers() {
    let files = Files::new();
    let (tape, report) = spot(Format::Jsonl, vec![files.put("capture.jsonl", CAPTURE)]);
    assert_eq!(
        tape.words(),
        [
            "link 0 true",
            "link 1 true",
            "beat 1723161255300",
            "frame 1 109",
            "answer /api/v3/klines?symbol=AUSDT&interval=1m",
            "link 0 false",
            "link 0 true",
        ]
    );
    assert_eq!((report.candles, report.answers_ignored, report.other_lines), (1, 1, 1));
    // The quote volume shows a digit that the prices do not.
    assert_eq!(report.symbols[0].spec.price, Scale { decimals: 2, width: 2 });
}

#[test]
fn several_files_are_one_session_in_time_order() {
    let files = Files::new();
    let row = |id: u64, at: u64| format!("{id},1.5,2,3,{at},true,true\n");
    let second =
        files.put("AUSDT-trades-2.csv", row(3, 1_723_161_255_500) + &row(4, 1_723_161_256_000));
    let first =
        files.put("AUSDT-trades-1.csv", row(1, 1_723_161_255_000) + &row(2, 1_723_161_255_500));
    let between = files.put("BUSDT-trades-1.csv", row(9, 1_723_161_255_400));
    let (tape, _) = spot(Format::BinanceCsv, vec![second, first, between]);
    let ids: Vec<u64> = tape.trades().iter().map(|trade| trade.id).collect();
    assert_eq!(ids, [1, 9, 2, 3, 4]);
}

#[test]
fn listed_scales_are_used_and_widened_where_data_has_more_digits() {
    let files = Files::new();
    let list = |tick: &str| {
        format!(
            r#"{{"symbols":[{{"symbol":"TRXUSDT","filters":[
            {{"filterType":"PRICE_FILTER","tickSize":"{tick}"}},
            {{"filterType":"LOT_SIZE","stepSize":"0.10000000"}}]}}]}}"#
        )
    };
    let mut wanted = import(
        Format::BinanceCsv,
        Venue::BinanceSpot,
        vec![files.put("TRXUSDT-trades-1.csv", SPOT)],
    );
    for (tick, decimals, origin) in [
        ("0.00010000", 4, Origin::Listed),
        ("0.00000100", 6, Origin::Listed),
        ("0.01000000", 4, Origin::Widened),
    ] {
        wanted.instruments = Some(files.put("list.json.gz", gz(&list(tick))));
        let (_, report) = run(&wanted);
        assert_eq!(
            (report.symbols[0].spec.price.decimals, report.symbols[0].origin),
            (decimals, origin)
        );
    }
    wanted.symbol = Some("TRXUSDT".into());
    wanted.instruments = Some(files.put("list.json", r#"{"symbols":[]}"#));
    let error = import::run(&wanted, &mut Tape::default()).unwrap_err();
    assert!(matches!(error, ImportError::NotListed { .. }), "{error}");
}
