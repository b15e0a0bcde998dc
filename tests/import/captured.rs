//! Real sessions, where they are at hand: what others recorded imports without a surprise.

use std::path::Path;

use tapescan::symbols::Symbols;
use tapescan::venue::binance::{decode_fast, instruments};
use tapescan::venue::{Decoder, What};

use super::*;

/// A file or folder of the shared data, or `None` with a word about it.
pub(super) fn data(path: &str) -> Option<PathBuf> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/data").join(path);
    if path.exists() {
        return Some(path);
    }
    eprintln!("skipped: {} is not here", path.display());
    None
}

/// Asserts that ids follow each other without a hole.
fn assert_contiguous(trades: &[Trade]) {
    for pair in trades.windows(2) {
        assert_eq!(pair[0].id + 1, pair[1].id);
    }
}

#[test]
fn recorded_archives_have_all_their_rows() {
    let Some(folder) = data("market/binance_recorded_trxusdt_20250304") else { return };
    for (file, venue, price, quantity, void) in [
        ("spot", Venue::BinanceSpot, Scale { decimals: 4, width: 8 }, 8, 0),
        ("usdm", Venue::BinanceUsdm, Scale { decimals: 5, width: 5 }, 0, 1),
    ] {
        let file = folder.join(format!("TRXUSDT-trades-2025-03-04-{file}.csv"));
        let (tape, report) = run(&import(Format::BinanceCsv, venue, vec![file]));
        let spec = &report.symbols[0].spec;
        assert_eq!((&*spec.name, spec.price, spec.quantity.width), ("TRXUSDT", price, quantity));
        let trades = tape.trades();
        assert_eq!((trades.len(), report.decoded.rejected_in_all()), (10_000, 0));
        assert_contiguous(&trades);
        let n_void = trades.iter().filter(|trade| trade.kind == TradeKind::Void).count();
        assert_eq!(n_void, void);
    }
}

#[test]
fn recorded_sessions_decode_whole_and_on_the_scanner() {
    let Some(folder) = data("market/binance_ws_sessions_20240808/raw") else { return };
    let spot = ["spot_btcusdt_20240809.txt.gz", "spot_btcusdt_20240808.txt.gz"];
    for (files, venue, n_trades, n_frames) in [
        (&spot[..], Venue::BinanceSpot, 19_904, 99_574),
        (&["usdm_btcusdt_20240808.txt.gz"], Venue::BinanceUsdm, 21_313, 93_954),
    ] {
        let files = files.iter().map(|file| folder.join(file)).collect();
        let (tape, report) = run(&import(Format::Collector, venue, files));
        assert_eq!(report.decoded.rejected_in_all(), 0);
        assert_eq!((report.trades, report.lines), (n_trades, n_frames));
        assert_eq!((report.frames_kept, report.backwards), (n_trades, 0));
        let symbols = Symbols::new(tape.header.unwrap().symbols).unwrap();
        let mut trades = Vec::new();
        for (_, kept) in &tape.entries {
            if let Kept::Frame(0, text) = kept {
                let fast = decode_fast(venue, text.as_bytes(), &symbols).expect("off the scanner");
                let What::Trade(trade, _) = fast.what else { panic!("{text}") };
                trades.push(trade);
            }
        }
        assert_contiguous(&trades);
    }
}

#[test]
fn official_candles_import_whole() {
    let Some(folder) = data("market/binance_usdm_klines_1m") else { return };
    let files = ["ALGOUSDT", "AVAXUSDT", "LINKUSDT"];
    let files = files.map(|symbol| folder.join(format!("{symbol}-1m-2026-02.csv.gz"))).to_vec();
    let (tape, report) = run(&import(Format::KlinesCsv, Venue::BinanceUsdm, files));
    assert_eq!((report.candles, report.heartbeats), (3 * 40_320, 40_320));
    assert_eq!(report.decoded.rejected_in_all(), 0);
    let quiet = |(_, kept): &&(u64, Kept)| match kept {
        Kept::Candle(_, candle) => candle.candle.trades == 0,
        _ => false,
    };
    assert_eq!(tape.entries.iter().filter(quiet).count(), 22);
}

#[test]
fn captured_sessions_decode_whole() {
    for (folder, venue, name, n_symbols, n_trades, n_candles) in [
        ("wire/binance_spot", Venue::BinanceSpot, "cryptofeed_BINANCE_ws1_0.jsonl", 2, 2, 0),
        (
            "wire/binance_usdm",
            Venue::BinanceUsdm,
            "cryptofeed_BINANCE_FUTURES_ws1_0.jsonl",
            4,
            91,
            4,
        ),
    ] {
        let Some(folder) = data(folder) else { return };
        let http = name.replace("ws1_0", "http");
        let info =
            name.replace("ws1_0", "0") + if venue == Venue::BinanceSpot { ".gz" } else { "" };
        let files = [name, &http, &info].map(|file| folder.join(file)).to_vec();
        let mut wanted = import(Format::Jsonl, venue, files);
        let (_, report) = run(&wanted);
        assert_eq!(report.decoded.rejected_in_all(), 0, "{:?}", report.decoded);
        assert_eq!((report.trades, report.candles), (n_trades, n_candles));
        assert_eq!(report.symbols.len(), n_symbols);
        // The session carries its own exchangeInfo.
        assert!(report.symbols.iter().all(|symbol| symbol.origin == Origin::Listed));
        assert_eq!(report.decoded.of(Kind::Other) + report.decoded.of(Kind::Refused), 0);
        wanted.keep_all = true;
        let (_, all) = run(&wanted);
        assert_eq!((all.frames_ignored, all.answers_ignored), (0, 0));
    }
}

/// Single messages and REST answers of several collections: what is rejected is known.
#[test]
fn collected_messages_are_used_or_rejected_for_a_known_reason() {
    use DecodeReject::{MissingField, TimeUnit};
    for (folder, venue, known) in [
        ("wire/binance_spot", Venue::BinanceSpot, &[MissingField][..]),
        ("wire/binance_usdm", Venue::BinanceUsdm, &[MissingField, TimeUnit]),
    ] {
        let Some(folder) = data(folder) else { return };
        let mut files: Vec<PathBuf> =
            std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
        files.sort();
        let mut decoder = Decoder::new(venue);
        for file in files {
            let name = file.file_name().unwrap().to_str().unwrap().to_owned();
            let text = text_of(&file);
            match () {
                () if name.starts_with("gocryptotrader") => answers(&mut decoder, &text),
                () if name.starts_with("tardis") => {
                    for line in text.lines() {
                        decoder.frame(line.as_bytes(), &wide());
                    }
                }
                () if name.ends_with("exchange_info_response.json") => {
                    assert_eq!(instruments(venue, &text).unwrap().len(), 1);
                }
                () if name.ends_with("_stream.json") || name.contains("kline_stream") => {
                    decoder.frame(text.as_bytes(), &wide());
                }
                () => {}
            }
        }
        for (cause, count, sample) in decoder.counts().rejects() {
            assert!(known.contains(&cause), "{cause} {count} {sample}");
        }
        assert!(decoder.counts().of(Kind::Trade) > 0 && decoder.counts().of(Kind::Candle) > 100);
        assert!(decoder.counts().of(Kind::AggregateTrade) > 10);
    }
}

pub(super) fn text_of(file: &Path) -> String {
    let bytes = std::fs::read(file).unwrap();
    if bytes.starts_with(&[0x1f, 0x8b]) {
        std::io::read_to_string(flate2::read::MultiGzDecoder::new(&bytes[..])).unwrap()
    } else {
        String::from_utf8(bytes).unwrap()
    }
}

/// Answers recorded as `{"method":..,"path":..,"query":..,"body":..}` per line.
fn answers(decoder: &mut Decoder, text: &str) {
    for line in text.lines() {
        let record: serde_json::Value = serde_json::from_str(line).unwrap();
        let word = |key: &str| record[key].as_str().unwrap_or_default().to_owned();
        let request = format!("{}?{}", word("path"), word("query"));
        let body = record["body"].to_string();
        let at = Nanos::from_seconds(4_000_000_000);
        decoder.answer(&request, body.as_bytes(), at, &wide(), &mut |_| {});
    }
}

/// The symbols of the collections, at scales wide enough for any time.
pub(super) fn wide() -> Symbols {
    let names = [
        "BTCUSDT",
        "ETHUSDT",
        "BNBBTC",
        "ETHBTC",
        "LTCUSDT",
        "BNBUSDT",
        "NKNUSDT",
        "BLZETH",
        "LRCBTC",
        "RUNEEUR",
        "SUSHIUSDT",
        "AKROUSDT",
        "KEEPUSDT",
        "CTKUSDT",
    ];
    let scale = Scale::exact(8);
    let spec = |name: &str| systems::symbol::SymbolSpec {
        name: name.into(),
        price: scale,
        quantity: scale,
    };
    Symbols::new(names.map(spec).to_vec()).unwrap()
}
