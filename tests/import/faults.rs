//! Every way in which a file can be wrong: the error names the place and what to do.

use tapescan::import::{FileFault, LineFault};

use super::*;

/// The error of importing one file.
fn error(format: Format, name: &str, bytes: impl AsRef<[u8]>) -> ImportError {
    let files = Files::new();
    let wanted = import(format, Venue::BinanceSpot, vec![files.put(name, bytes)]);
    let mut tape = Tape::default();
    let error = import::run(&wanted, &mut tape).expect_err("it should be refused");
    assert!(tape.header.is_none() && tape.entries.is_empty(), "something was written");
    error
}

/// The line and the fault of an error about a line.
#[track_caller]
fn line(error: ImportError) -> (u64, LineFault) {
    match error {
        ImportError::Line { line, fault, .. } => (line, fault),
        error => panic!("{error}"),
    }
}

const NAME: &str = "TRXUSDT-trades-x.csv";

#[test]
fn bad_cells_are_named_by_line_and_column() {
    for (from, to, column) in [
        ("\n8,", "\nx8,", "id"),
        ("\n8,", "\n-8,", "id"),
        ("\n8,", "\n18446744073709551616,", "id"),
        ("0.23130000,83", "NaN,83", "price"),
        ("0.23130000,83", "1e-5,83", "price"),
        ("83.90000000", "", "quantity"),
        ("83.90000000", "99999999999999999999", "quantity"),
        ("1741046401321398", "1741046401", "time"),
        ("1741046401321398", "now", "time"),
        ("398,False", "398,no", "is_buyer_maker"),
    ] {
        let text = SPOT.replace(from, to);
        assert_ne!(text, SPOT);
        let (at, fault) = line(error(Format::BinanceCsv, NAME, &text));
        assert_eq!(at, 2, "{to}");
        match fault {
            LineFault::Cell { column: found, .. } => assert_eq!(found, column, "{to}"),
            // A row that begins with a letter looks like a header.
            LineFault::SecondHeader => assert_eq!(to, "\nx8,"),
            fault => panic!("{to}: {fault}"),
        }
    }
}

#[test]
fn bad_rows_are_named_by_line() {
    let short = SPOT.replace(",False,True", ",False");
    let (at, fault) = line(error(Format::BinanceCsv, NAME, short));
    assert!(matches!((at, fault), (2, LineFault::Columns { found: 6, expected: 7 })));
    let header = "id,price,qty,quote_qty,time,is_buyer_maker,is_best_match\n";
    let joined = format!("{header}{SPOT}{header}{SPOT}");
    let (at, fault) = line(error(Format::BinanceCsv, NAME, joined));
    assert!(matches!((at, fault), (5, LineFault::SecondHeader)));
    let (at, fault) = line(error(Format::BinanceCsv, NAME, header.replace("qty", "amount")));
    assert!(matches!((at, fault), (1, LineFault::UnknownColumn(name)) if name == "amount"));
    let (_, fault) = line(error(Format::BinanceCsv, NAME, header.replace("price,", "")));
    assert!(matches!(fault, LineFault::MissingColumn("price")));
    let mixed = "id,symbol,price,qty,time,is_buyer_maker\n\
        1,TRXUSDT,1,1,1741046401271,true\n2,XRPUSDT,1,1,1741046401271,true\n";
    let (at, fault) = line(error(Format::BinanceCsv, NAME, mixed));
    assert!(
        matches!((at, fault), (3, LineFault::MixedSymbols { found, .. }) if found == "XRPUSDT")
    );
    let mut bytes = SPOT.as_bytes().to_vec();
    bytes[70] = 0xff;
    let (at, fault) = line(error(Format::BinanceCsv, NAME, bytes));
    assert!(matches!((at, fault), (2, LineFault::NotUtf8)));
}

#[test]
fn another_format_is_recognised() {
    for (text, looks) in [
        (SPOT, Format::BinanceCsv),
        (KLINES, Format::KlinesCsv),
        (KLINES.split_once('\n').unwrap().1, Format::KlinesCsv),
        (FRAMES, Format::Collector),
        (CAPTURE, Format::Jsonl),
    ] {
        for asked in Format::ALL.into_iter().filter(|&asked| asked != looks) {
            let error = error(asked, "AUSDT-1m-x.csv", text);
            let words = error.to_string();
            assert!(words.contains(&format!("it looks like --format {looks}")), "{words}");
            assert_eq!(line(error).0, 1);
        }
    }
    let error = error(Format::Collector, "x", "hello\n");
    assert!(error.to_string().ends_with("not a line of format collector; check --format"));
}

#[test]
fn packed_files_that_are_cut_short_or_damaged_are_refused() {
    let long = SPOT.repeat(2_000);
    let packed = gz(&long);
    let (_, fault) = line(error(Format::BinanceCsv, NAME, &packed[..packed.len() / 2]));
    assert!(matches!(fault, LineFault::CutShort), "{fault}");
    let (_, fault) = line(error(Format::BinanceCsv, NAME, &packed[..packed.len() - 4]));
    assert!(matches!(fault, LineFault::CutShort), "{fault}");
    let mut damaged = packed.clone();
    let at = damaged.len() - 6;
    damaged[at] ^= 1;
    let (_, fault) = line(error(Format::BinanceCsv, NAME, damaged));
    assert!(matches!(fault, LineFault::Damaged(_)), "{fault}");

    let file = |error| match error {
        ImportError::File { fault, .. } => fault,
        error => panic!("{error}"),
    };
    let packed = zipped(&[("a.csv", &long)]);
    let fault = file(error(Format::BinanceCsv, NAME, &packed[..packed.len() / 2]));
    assert!(matches!(fault, FileFault::Zip(_)), "{fault}");
    // The checksum stands in the central directory, at the end.
    let mut damaged = packed.clone();
    let at = damaged.windows(4).rposition(|four| four == b"PK\x01\x02").unwrap() + 16;
    damaged[at] ^= 1;
    let (_, fault) = line(error(Format::BinanceCsv, NAME, damaged));
    assert!(matches!(fault, LineFault::Damaged(_)), "{fault}");
    let two = zipped(&[("a.csv", SPOT), ("b.csv", SPOT)]);
    let fault = file(error(Format::BinanceCsv, NAME, two));
    assert!(matches!(fault, FileFault::ZipFiles(2)), "{fault}");
}

#[test]
fn files_without_rows_or_symbols_are_refused() {
    let header = "id,price,qty,quote_qty,time,is_buyer_maker\n";
    for text in ["", "\n\n", header] {
        let error = error(Format::BinanceCsv, NAME, text);
        assert!(matches!(error, ImportError::File { fault: FileFault::Empty, .. }), "{error}");
    }
    for name in ["trades.csv", "my-trades.csv", "-trades.csv"] {
        let error = error(Format::BinanceCsv, name, SPOT);
        assert!(matches!(error, ImportError::File { fault: FileFault::NoSymbol, .. }), "{error}");
    }
    let nothing = FRAMES.lines().next().unwrap();
    assert!(matches!(error(Format::Collector, "x", nothing), ImportError::NothingFound));
    let files = Files::new();
    let mut wanted =
        import(Format::BinanceCsv, Venue::BinanceSpot, vec![files.put("trades.csv", SPOT)]);
    wanted.symbol = Some("TRXUSDT".into());
    assert_eq!(run(&wanted).1.trades, 3);
    wanted.files.push(files.put("XRPUSDT-trades-1.csv", SPOT));
    let error = import::run(&wanted, &mut Tape::default()).unwrap_err();
    assert!(matches!(error, ImportError::File { fault: FileFault::OtherSymbol { .. }, .. }));
    wanted.files = vec![files.0.path().join("absent.csv")];
    let error = import::run(&wanted, &mut Tape::default()).unwrap_err();
    assert!(matches!(error, ImportError::File { fault: FileFault::Read(_), .. }));
    wanted.files.clear();
    let error = import::run(&wanted, &mut Tape::default()).unwrap_err();
    assert!(matches!(error, ImportError::NoFiles));
}

#[test]
fn candles_of_another_length_or_order_are_refused() {
    let name = "AUSDT-1m-x.csv";
    let (at, fault) = line(error(Format::KlinesCsv, "AUSDT-5m-x.csv", KLINES));
    assert!(matches!((at, fault), (2, LineFault::OtherInterval { found_s: 60, .. })));
    let longer = KLINES.replace("1723161659999", "1723161719999");
    let (at, fault) = line(error(Format::KlinesCsv, "AUSDT-x.csv", longer));
    assert!(matches!((at, fault), (3, LineFault::OtherInterval { found_s: 60, .. })));
    let week = "1722816000000,1,1,1,1,1,1723420799999,1,1,1,1,0\n";
    let (_, fault) = line(error(Format::KlinesCsv, "AUSDT-1w-x.csv", week));
    assert!(matches!(fault, LineFault::Interval(604_800)));
    let mut rows: Vec<&str> = KLINES.lines().collect();
    rows.swap(1, 2);
    let (at, fault) = line(error(Format::KlinesCsv, name, rows.join("\n")));
    assert!(matches!((at, fault), (3, LineFault::Backwards)));
    let (at, fault) = line(error(Format::KlinesCsv, name, KLINES.replace("4.55", "-4.55")));
    assert!(matches!((at, fault), (2, LineFault::Cell { column: "quote_volume", .. })));
    // A candle that contradicts itself is the venue's mistake, not the file's: counted.
    let files = Files::new();
    let odd = files.put(name, KLINES.replace("1.5,2.0,1.0", "1.5,1.0,1.0"));
    let (_, report) = spot(Format::KlinesCsv, vec![odd]);
    assert_eq!((report.candles, report.decoded.rejected(DecodeReject::Candle)), (1, 1));
}

#[test]
fn official_candles_that_cannot_be_are_counted_whatever_is_wrong() {
    let fair = "1.5,2.0,1.0,1.5,3.0,1723161659999,4.55,7,1.0,1.5,0";
    assert!(KLINES.contains(fair));
    for wrong in [
        "2.5,2.0,1.0,1.5,3.0,1723161659999,4.55,7,1.0,1.5,0",
        "1.5,0.5,1.0,1.5,3.0,1723161659999,4.55,7,1.0,1.5,0",
        "1.5,2.0,1.6,1.5,3.0,1723161659999,4.55,7,1.0,1.5,0",
        "1.5,2.0,0.0,1.5,3.0,1723161659999,4.55,7,1.0,1.5,0",
        "-1.5,2.0,-1.5,1.5,3.0,1723161659999,4.55,7,1.0,1.5,0",
        "1.5,2.0,1.0,0.5,3.0,1723161659999,4.55,7,1.0,1.5,0",
        "1.5,2.0,1.0,1.5,-3.0,1723161659999,4.55,7,1.0,1.5,0",
        "1.5,2.0,1.0,1.5,3.0,1723161659999,4.55,7,3.5,1.5,0",
        "1.5,2.0,1.0,1.5,3.0,1723161659999,4.55,7,-1.0,1.5,0",
        "1.5,2.0,1.0,1.5,3.0,1723161659999,4.55,7,1.0,4.56,0",
    ] {
        let files = Files::new();
        let file = files.put("AUSDT-1m-x.csv", KLINES.replace(fair, wrong));
        let (_, report) = spot(Format::KlinesCsv, vec![file]);
        let refused = report.decoded.rejected(DecodeReject::Candle);
        assert_eq!((report.candles, refused), (1, 1), "{wrong}");
    }
    let between = KLINES.replace("1723161600000", "1723161600001");
    let (at, fault) = line(error(Format::KlinesCsv, "AUSDT-1m-x.csv", between));
    assert!(matches!((at, fault), (2, LineFault::Interval(_))));
}

#[test]
fn captures_and_sinks_fail_with_a_reason() {
    let (at, fault) = line(error(Format::Jsonl, "x", CAPTURE.replace("1723161256.5", "soon")));
    assert!(matches!((at, fault), (6, LineFault::Cell { column: "ts", .. })));
    let (at, fault) =
        line(error(Format::Jsonl, "x", CAPTURE.replace("\"kind\": \"ws_send\", ", "")));
    assert!(matches!((at, fault), (3, LineFault::Capture(_))));
    let (at, _) =
        line(error(Format::Collector, "x", FRAMES.replace("1723161254087896568", "17231612540")));
    assert_eq!(at, 2);

    struct Full;
    impl Sink for Full {
        fn header(&mut self, _: &Header) -> Result<(), SinkError> {
            Ok(())
        }
        fn entry(&mut self, _: Entry<'_>) -> Result<(), SinkError> {
            Err("no space left".into())
        }
    }
    let files = Files::new();
    let wanted = import(Format::BinanceCsv, Venue::BinanceSpot, vec![files.put(NAME, SPOT)]);
    let error = import::run(&wanted, &mut Full).unwrap_err();
    assert_eq!(error.to_string(), "cannot write: no space left");
}
