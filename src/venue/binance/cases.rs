//! Decode tables: what frames and answers become, and what damage is rejected as.

use proptest::prelude::*;
use systems::interval::Interval;
use systems::symbol::SymbolSpec;
use systems::trade::{Aggressor, SymbolId, Trade, TradeKind};
use systems::units::{DecimalError, Nanos, Price, Quantity, Scale};

use super::*;
use crate::venue::{Decoder, Kind, What};

const TRADE: &str = r#"{"stream":"btcusdt@trade","data":{"e":"trade","E":1723161255343,"s":"BTCUSDT","t":3735683259,"p":"61837.63000000","q":"0.02000000","T":1723161255342,"m":true,"M":true}}"#;
const USDM: &str = r#"{"stream":"btcusdt@trade","data":{"e":"trade","E":1723161256322,"T":1723161256320,"s":"BTCUSDT","t":5266583935,"p":"61800.30","q":"0.006","X":"MARKET","m":false}}"#;
const AGGREGATE: &str = r#"{"stream":"btcusdt@aggTrade","data":{"e":"aggTrade","E":1626992741575,"a":16599292,"s":"BTCUSDT","p":"101.10","q":"10","f":23961322,"l":23961325,"T":1626992741421,"m":false}}"#;
const KLINE: &str = r#"{"e":"kline","E":1723161660004,"s":"BTCUSDT","k":{"t":1723161600000,"T":1723161659999,"s":"BTCUSDT","i":"1m","f":100,"L":109,"o":"61686.00","c":"61690.10","h":"61700.00","l":"61680.00","v":"2.500","n":10,"x":true,"q":"154231.25","V":"1.000","Q":"61692.5","B":"0"}}"#;

fn symbols() -> Symbols {
    let spec = |name: &str| SymbolSpec {
        name: name.into(),
        price: Scale { decimals: 2, width: 8 },
        quantity: Scale { decimals: 5, width: 8 },
    };
    Symbols::new(vec![spec("ETHUSDT"), spec("BTCUSDT"), spec("\u{5e01}USDT")]).unwrap()
}

/// The frame as a raw stream sends it: without the envelope.
fn raw(frame: &str) -> &str {
    let (_, data) = frame.split_once(r#","data":"#).unwrap();
    &data[..data.len() - 1]
}

fn what(frame: &str) -> What {
    decode(Venue::BinanceUsdm, frame.as_bytes(), &symbols()).what
}

/// The cause for which the frame is rejected; a panic if it is not.
fn cause(frame: &[u8]) -> DecodeReject {
    match decode(Venue::BinanceUsdm, frame, &symbols()).what {
        What::Rejected(cause) => cause,
        what => panic!("{what:?} of {}", frame.escape_ascii()),
    }
}

fn trade() -> Trade {
    Trade {
        time: Nanos::from_ms(1_723_161_255_342),
        price: Price(6_183_763),
        quantity: Quantity(2_000),
        id: 3_735_683_259,
        first_id: 3_735_683_259,
        count: 1,
        symbol: SymbolId(1),
        aggressor: Aggressor::Seller,
        kind: TradeKind::Market,
    }
}

#[test]
fn prints_decode_on_both_paths_to_the_same_values() {
    let usdm = Trade {
        time: Nanos::from_ms(1_723_161_256_320),
        price: Price(6_180_030),
        quantity: Quantity(600),
        id: 5_266_583_935,
        first_id: 5_266_583_935,
        aggressor: Aggressor::Buyer,
        ..trade()
    };
    let aggregate = Trade {
        time: Nanos::from_ms(1_626_992_741_421),
        price: Price(10_110),
        quantity: Quantity(1_000_000),
        id: 16_599_292,
        first_id: 23_961_322,
        count: 4,
        aggressor: Aggressor::Buyer,
        ..trade()
    };
    let micros = trade().time.plus(123_000);
    for (frame, want) in [
        (TRADE.to_owned(), trade()),
        // A raw stream has no envelope.
        (raw(TRADE).to_owned(), trade()),
        // Until 2024 spot sent the two order ids.
        (TRADE.replace(r#","T":"#, r#","b":133829535,"a":133829504,"T":"#), trade()),
        (TRADE.replace("1723161255342", "1723161255342123"), Trade { time: micros, ..trade() }),
        (USDM.to_owned(), usdm),
        (USDM.replace(r#""X":"MARKET","#, ""), usdm),
        (AGGREGATE.to_owned(), aggregate),
        (
            AGGREGATE
                .replace(r#","f":"#, r#","nq":"9","f":"#)
                .replace(r#""m":false"#, r#""m":false,"st":1"#),
            aggregate,
        ),
    ] {
        let fast = decode_fast(Venue::BinanceUsdm, frame.as_bytes(), &symbols());
        let fast = fast.unwrap_or_else(|| panic!("off the scanner: {frame}"));
        assert_eq!(fast, decode_slow(Venue::BinanceUsdm, frame.as_bytes(), &symbols()));
        assert!(matches!(fast.what, What::Trade(trade, _) if trade == want), "{frame}");
        assert!(fast.venue_time() >= Some(want.time));
    }
}

#[test]
fn other_spellings_of_the_same_json_decode_through_the_parser() {
    for frame in [
        TRADE.replace(':', ": "),
        TRADE.replace("\"p\"", "\"\\u0070\""),
        TRADE.replace("BTCUSDT", "\\u0042TCUSDT"),
        TRADE.replace(r#""M":true"#, r#""new":{"a":[1,"}"]},"e2":null"#),
        format!("{TRADE}\r\n"),
    ] {
        assert_eq!(decode_fast(Venue::BinanceUsdm, frame.as_bytes(), &symbols()), None);
        assert!(matches!(what(&frame), What::Trade(got, _) if got == trade()), "{frame}");
    }
    let foreign = TRADE.replace("BTCUSDT", "\u{5e01}USDT");
    assert!(matches!(what(&foreign), What::Trade(got, _) if got.symbol == SymbolId(2)));
}

#[test]
fn classes_of_trades_become_kinds() {
    for (class, kind) in [
        ("MARKET", TradeKind::Market),
        ("INSURANCE_FUND", TradeKind::InsuranceFund),
        ("ADL", TradeKind::AutoDeleverage),
        ("NA", TradeKind::Void),
    ] {
        let frame = USDM.replace("MARKET", class);
        assert!(matches!(what(&frame), What::Trade(got, _) if got.kind == kind), "{class}");
    }
    assert_eq!(cause(USDM.replace("MARKET", "BARTER").as_bytes()), DecodeReject::TradeKind);
    let zeros = USDM.replace("61800.30", "0").replace("0.006", "0");
    assert!(matches!(what(&zeros), What::Trade(got, _) if got.kind == TradeKind::Market));
    let old = zeros.replace(r#""X":"MARKET","#, "");
    assert!(matches!(what(&old), What::Trade(got, _) if got.kind == TradeKind::Void));
    let spot = decode(Venue::BinanceSpot, old.as_bytes(), &symbols()).what;
    assert!(matches!(spot, What::Trade(got, _) if got.kind == TradeKind::Market));
}

#[test]
fn closed_candles_decode_and_forming_ones_are_told() {
    let What::Candle { symbol, interval, candle } = what(KLINE) else { panic!("no candle") };
    assert_eq!((symbol, interval), (SymbolId(1), Interval::parse("1m").unwrap()));
    assert_eq!((candle.first_id, candle.last_id, candle.candle.trades), (100, 109, 10));
    assert_eq!(candle.candle.open_time, Nanos::from_ms(1_723_161_600_000));
    assert_eq!(candle.candle.quote_volume, 1_542_312_500_000);
    assert_eq!(candle.candle.taker_buy_quote_volume, 616_925_000_000);
    let quiet = KLINE.replace(r#""f":100,"L":109"#, r#""f":-1,"L":-1"#);
    let What::Candle { candle, .. } = what(&quiet) else { panic!("no candle") };
    assert_eq!((candle.first_id, candle.last_id), (0, 0));
    let forming = what(&KLINE.replace(r#""x":true"#, r#""x":false"#));
    assert_eq!(forming, What::Ignored(Kind::FormingCandle));
    for (damaged, want) in [
        (KLINE.replace("1m", "1w"), DecodeReject::Interval),
        (KLINE.replace("1723161600000", "1723161600001"), DecodeReject::Interval),
        (KLINE.replace("61700.00", "61600.00"), DecodeReject::Candle),
        (KLINE.replace(r#""V":"1.000""#, r#""V":"2.501""#), DecodeReject::Candle),
        (KLINE.replace(r#""n":10"#, r#""n":-1"#), DecodeReject::WrongType),
        (KLINE.replace(r#","Q":"61692.5""#, ""), DecodeReject::MissingField),
    ] {
        assert_eq!(cause(damaged.as_bytes()), want, "{damaged}");
    }
}

#[test]
fn everything_else_has_a_name_and_gives_its_time() {
    let sent = Some(Nanos::from_ms(1_723_161_255_208));
    for (frame, sent_at, want) in [
        (
            r#"{"stream":"b@depth@100ms","data":{"e":"depthUpdate","E":1723161255208,"a":[["1","2"]]}}"#,
            sent,
            What::Ignored(Kind::Depth),
        ),
        (
            r#"{"stream":"b@bookTicker","data":{"u":5,"s":"B","b":"1","B":"2","a":"3","A":"4"}}"#,
            None,
            What::Ignored(Kind::BookTicker),
        ),
        (r#"{"lastUpdateId":5,"E":1723161255208,"bids":[]}"#, sent, What::Ignored(Kind::Depth)),
        (r#"{"e":"24hrMiniTicker","E":1723161255208}"#, sent, What::Ignored(Kind::Ticker)),
        (r#"{"e":"markPriceUpdate","E":12,"T":0}"#, None, What::Ignored(Kind::MarkPrice)),
        (r#"{"e":"forceOrder","E":1723161255208}"#, sent, What::Ignored(Kind::Liquidation)),
        (r#"{"e":"blockTrade","E":1723161255208}"#, sent, What::Ignored(Kind::Other)),
        (
            r#"{"stream":"!ticker@arr","data":[{"e":"24hrTicker"}]}"#,
            None,
            What::Ignored(Kind::Other),
        ),
        ("{}", None, What::Ignored(Kind::Other)),
        (r#"{"result":null,"id":7}"#, None, What::Ack(Some(7))),
        (r#"{"result":["a@trade"],"id":"seven"}"#, None, What::Ack(None)),
        (
            r#"{"code":2,"msg":"Invalid request","id":7}"#,
            None,
            What::Refused { id: Some(7), code: 2 },
        ),
        (
            r#"{"error":{"code":-3,"msg":"no"},"id":null}"#,
            None,
            What::Refused { id: None, code: -3 },
        ),
        (r#"{"e":"serverShutdown","E":1723161255208}"#, sent, What::Shutdown),
        (
            r#"{"stream":"!serverShutdown","data":{"e":"serverShutdown","E":1723161255208}}"#,
            sent,
            What::Shutdown,
        ),
    ] {
        let got = decode(Venue::BinanceSpot, frame.as_bytes(), &symbols());
        assert_eq!((got.sent_at, got.what), (sent_at, want), "{frame}");
    }
}

/// Faults D1, D5, D16: broken text, strange symbols, strange bytes.
#[test]
fn broken_text_and_strange_symbols_are_rejected_by_cause() {
    let nested =
        |open: &str, close: &str| format!("{}1{}", open.repeat(10_000), close.repeat(10_000));
    for text in [
        "",
        " ",
        "null",
        "1",
        "\"trade\"",
        "[]",
        "[1,2]",
        "{",
        "{]",
        "pong",
        &TRADE[..TRADE.len() - 1],
    ] {
        assert_eq!(cause(text.as_bytes()), DecodeReject::NotJson, "{text}");
    }
    for len in 0..TRADE.len() {
        assert_eq!(cause(&TRADE.as_bytes()[..len]), DecodeReject::NotJson, "{len}");
    }
    assert_eq!(cause(nested("[", "]").as_bytes()), DecodeReject::NotJson);
    assert_eq!(cause(nested(r#"{"data":"#, "}").as_bytes()), DecodeReject::NotJson);
    let long = format!(r#"{{"e":"{}"}}"#, "x".repeat(1 << 20));
    assert_eq!(cause(long.as_bytes()), DecodeReject::TooLong);
    let ten_kib = "X".repeat(10 << 10);
    for symbol in ["", "btcusdt", "BTCUSD", "BTCUSDT ", "\u{412}TCUSDT", "BTC\\u0000", &ten_kib] {
        let frame = TRADE.replace("BTCUSDT", symbol);
        assert_eq!(cause(frame.as_bytes()), DecodeReject::UnknownSymbol, "{symbol}");
    }
    let mut bytes = TRADE.as_bytes().to_vec();
    bytes[13] = 0xff;
    assert_eq!(cause(&bytes), DecodeReject::NotUtf8);
    bytes[13] = 0x07;
    assert_eq!(cause(&bytes), DecodeReject::NotJson);
    assert_eq!(cause(format!("\u{feff}{TRADE}").as_bytes()), DecodeReject::NotJson);
}

/// Faults D2, D15: fields of the wrong type, missing, null, twice; times in the wrong unit.
#[test]
fn damaged_fields_are_rejected_by_cause() {
    use DecodeReject::{IdRange, MissingField, NotJson, RepeatedField, TimeUnit, WrongType};
    for (frame, from, to, want) in [
        (TRADE, "3735683259", "\"3735683259\"", WrongType),
        (TRADE, "3735683259", "-1", WrongType),
        (TRADE, "3735683259", "1.5", WrongType),
        (TRADE, "3735683259", "18446744073709551616", WrongType),
        (TRADE, "3735683259", "007", NotJson),
        (TRADE, "\"61837.63000000\"", "61837.63", WrongType),
        (TRADE, "\"61837.63000000\"", "null", MissingField),
        (TRADE, "\"61837.63000000\"", "[]", WrongType),
        (TRADE, "\"t\":3735683259,", "", MissingField),
        (TRADE, "\"t\":3735683259", "\"t\":null", MissingField),
        (TRADE, "\"t\":3735683259", "\"t\":1,\"t\":3735683259", RepeatedField),
        (TRADE, "\"m\":true", "\"m\":1", WrongType),
        (TRADE, "\"e\":\"trade\"", "\"e\":5", WrongType),
        (TRADE, "1723161255343", "\"now\"", WrongType),
        (TRADE, "1723161255342", "1723161255", TimeUnit),
        (TRADE, "1723161255342", "1723161255342000000", TimeUnit),
        (AGGREGATE, "23961325", "23961321", IdRange),
        (AGGREGATE, "23961325", "9999999999", IdRange),
        (AGGREGATE, "\"a\":16599292,", "", MissingField),
        (AGGREGATE, "\"f\":23961322", "\"f\":-1", WrongType),
    ] {
        assert_eq!(cause(frame.replace(from, to).as_bytes()), want, "{from} -> {to}");
    }
    // A time of sending that makes no sense costs the estimate, not the trade.
    let odd = TRADE.replace("1723161255343", "12");
    let got = decode(Venue::BinanceSpot, odd.as_bytes(), &symbols());
    assert!(matches!(got, Decoded { sent_at: None, what: What::Trade(t, _) } if t == trade()));
}

/// Fault D3: numbers that are none, and those that pass to be counted by the core.
#[test]
fn strange_numbers_are_rejected_or_passed_on_exactly() {
    use DecimalError::{Malformed, Overflow, TooPrecise};
    for (text, want) in [
        ("NaN", Err(Malformed)),
        ("inf", Err(Malformed)),
        ("-1", Ok(-100)),
        ("0", Ok(0)),
        ("1e5", Err(Malformed)),
        ("", Err(Malformed)),
        (" 1", Err(Malformed)),
        ("1.", Err(Malformed)),
        ("99999999999999999999", Err(Overflow)),
        ("1.00000000000000000000", Ok(100)),
        ("1.00000000000000000001", Err(TooPrecise)),
    ] {
        let frame = TRADE.replace("61837.63000000", text);
        match (what(&frame), want) {
            (What::Trade(trade, _), Ok(price)) => assert_eq!(trade.price, Price(price), "{text}"),
            (What::Rejected(DecodeReject::Decimal(got)), Err(want)) => assert_eq!(got, want),
            (what, want) => panic!("{text}: {what:?}, not {want:?}"),
        }
    }
}

#[test]
fn answers_give_their_rows_and_void_rows_are_skipped() {
    let mut decoder = Decoder::new(Venue::BinanceSpot);
    let mut rows = Vec::new();
    let at = Nanos::from_ms(1_723_161_700_000);
    let mut answer = |request: &str, text: &str| {
        decoder.answer(request, text.as_bytes(), at, &symbols(), &mut |what| rows.push(what));
        core::mem::take(&mut rows)
    };
    let got = answer(
        "/api/v3/aggTrades?symbol=BTCUSDT&fromId=26129",
        r#"[{"a":26129,"p":"0.01","q":"4.7","f":27781,"l":27782,"T":1723161255342,"m":true,"M":true},
            {"a":26130,"p":"0","q":"0","f":-1,"l":-1,"T":1723161255342,"m":true,"M":true}]"#,
    );
    assert!(matches!(got[0], What::Trade(Trade { count: 2, kind: TradeKind::Backfilled, .. }, _)));
    assert_eq!(got[1..], [What::Rejected(DecodeReject::VoidRow)]);
    let got = answer(
        "/api/v3/historicalTrades?symbol=BTCUSDT",
        r#"[{"id":28457,"price":"4.00","qty":"12.0","quoteQty":"48","time":1723161255342,"isBuyerMaker":true}]"#,
    );
    assert!(matches!(got[..], [What::Trade(Trade { id: 28_457, count: 1, .. }, _)]));
    let row = |open: u64| {
        let close = open + 59_999;
        format!(r#"[{open},"1.5","2","1","1.5","3",{close},"4.5",7,"1","1.5","0"]"#)
    };
    let table = format!("[{},{}]", row(1_723_161_600_000), row(1_723_161_660_000));
    let got = answer("/api/v3/klines?symbol=BTCUSDT&interval=1m", &table);
    assert!(matches!(got[0], What::Candle { symbol: SymbolId(1), .. }));
    assert_eq!(got[1..], [What::Ignored(Kind::FormingCandle)]);
    let got = answer("/api/v3/klines?symbol=XRPUSDT&interval=1m", &table);
    assert_eq!(got, [What::Rejected(DecodeReject::UnknownSymbol)]);
    let got = answer("/api/v3/klines?symbol=NO", r#"{"code":-1121,"msg":"Invalid symbol."}"#);
    assert_eq!(got, [What::Refused { id: None, code: -1_121 }]);
    assert_eq!(answer("/api/v3/time", r#"{"serverTime":1}"#), [What::Ignored(Kind::Other)]);
    assert_eq!(answer("/api/v3/klines", "{"), [What::Rejected(DecodeReject::NotJson)]);
    assert_eq!(
        (decoder.counts().of(Kind::AggregateTrade), decoder.counts().rejected_in_all()),
        (1, 3)
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4_000))]

    #[test]
    fn what_the_scanner_gives_the_parser_gives_too(
        frame in prop::sample::select(vec![TRADE, USDM, AGGREGATE]),
        edits in prop::collection::vec((any::<prop::sample::Index>(), "[ -~]{0,2}", 0usize..3), 0..3),
    ) {
        let mut text = frame.to_owned();
        for (at, insert, remove) in edits {
            let at = at.index(text.len());
            let end = (at + remove).min(text.len());
            text.replace_range(at..end, &insert);
        }
        for venue in Venue::ALL {
            if let Some(fast) = decode_fast(venue, text.as_bytes(), &symbols()) {
                prop_assert_eq!(fast, decode_slow(venue, text.as_bytes(), &symbols()));
            }
        }
    }

    #[test]
    fn digits_edited_anywhere_agree_too(
        frame in prop::sample::select(vec![TRADE, USDM, AGGREGATE]),
        edits in prop::collection::vec((any::<prop::sample::Index>(), 0u8..10), 1..8),
    ) {
        let mut bytes = frame.as_bytes().to_vec();
        for (at, digit) in edits {
            let at = at.index(bytes.len());
            if bytes[at].is_ascii_digit() {
                bytes[at] = b'0' + digit;
            }
        }
        let slow = decode_slow(Venue::BinanceUsdm, &bytes, &symbols());
        let fast = decode_fast(Venue::BinanceUsdm, &bytes, &symbols());
        prop_assert!(fast.is_none_or(|fast| fast == slow));
        // Edited digits keep the shape, so whatever is sound stays on the scanner.
        if matches!(slow, Decoded { sent_at: Some(_), what: What::Trade(..) })
            && !bytes.windows(2).any(|pair| pair[0] == b':' && pair[1] == b'0')
        {
            prop_assert_eq!(fast, Some(slow));
        }
    }
}
