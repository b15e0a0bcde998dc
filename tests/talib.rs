//! Indicators against TA-Lib, over months of official candles.
//!
//! Both sides are found, not committed: the candles in `../shared/data` next to the project, and
//! TA-Lib's values as `<candle file's stem>.csv` in the directory that `TAPESCAN_TALIB` names.
//! The core's own tests compare with TA-Lib over a small committed series and never skip.

use std::ffi::OsString;
use std::fs::{self, File};
use std::path::{Path, PathBuf};

use flate2::read::MultiGzDecoder;
use systems::candle::Candle;
use systems::catalog::Spec;
use systems::indicator::Units;
use systems::interval::Interval;
use systems::ring::Ring;
use systems::units::{Nanos, Price, Quantity, Scale};

/// Largest difference, as a fraction of TA-Lib's value or of its column's magnitude: values near
/// zero are differences of larger ones, and carry their rounding.
const TOLERANCE: f64 = 1e-9;

/// Everything that TA-Lib has too, with the parameters that the reference script uses.
const INDICATORS: [&str; 18] = [
    "adx(14)",
    "atr(14)",
    "bbands(20, 2)",
    "cci(20)",
    "ema(12)",
    "ema(26)",
    "macd(12, 26, 9)",
    "mfi(14)",
    "natr(14)",
    "obv",
    "roc(10)",
    "rsi(14)",
    "sma(20)",
    "stddev(20)",
    "stoch(14, 3, 3)",
    "willr(14)",
    "wma(20)",
    "linreg_slope(14)",
];

type Row = std::collections::BTreeMap<String, String>;

#[test]
fn agrees_with_talib_on_official_candles() {
    let candles =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/data/market/binance_usdm_klines_1m");
    let Some(references) = std::env::var_os("TAPESCAN_TALIB") else {
        return eprintln!("skipped: TAPESCAN_TALIB names no directory with TA-Lib's values");
    };
    let pairs = pairs(&candles, &references);
    if pairs.is_empty() {
        return eprintln!("skipped: {} has no candles with a reference", candles.display());
    }
    for (candles, reference) in pairs {
        compare(&candles, &reference);
    }
}

/// Files of candles that have a reference, each with it.
fn pairs(candles: &Path, references: &OsString) -> Vec<(PathBuf, PathBuf)> {
    let Ok(entries) = fs::read_dir(candles) else { return Vec::new() };
    let pair = |path: PathBuf| {
        let stem = path.file_name()?.to_str()?.strip_suffix(".csv.gz")?;
        let reference = Path::new(references).join(format!("{stem}.csv"));
        reference.exists().then_some((path, reference))
    };
    entries.filter_map(|entry| pair(entry.ok()?.path())).collect()
}

/// Holds every indicator's columns against the reference, and prints the largest differences.
fn compare(candles: &Path, reference: &Path) {
    let rows = read(MultiGzDecoder::new(File::open(candles).unwrap()));
    let reference = read(File::open(reference).unwrap());
    assert_eq!(rows.len(), reference.len(), "{}", candles.display());
    let (price, quantity) = (scale(&rows, "close"), scale(&rows, "volume"));
    let units = Units::new(price, quantity, 60);
    let mut ring = Ring::new(rows.len(), Interval::new(60).unwrap());
    rows.iter().for_each(|row| ring.push(&candle(row, price, quantity)));
    for text in INDICATORS {
        let spec = Spec::parse(text).unwrap();
        for (name, values) in spec.columns().iter().zip(spec.over(&ring, units)) {
            // We have columns that TA-Lib has not, such as the bands' width.
            if !reference[0].contains_key(name) {
                continue;
            }
            let want: Vec<Option<f64>> =
                reference.iter().map(|row| row[name].parse().ok()).collect();
            let got: Vec<Option<f64>> = values.iter().map(|value| value.number).collect();
            let difference = largest_difference(&got, &want)
                .unwrap_or_else(|row| panic!("{name}, row {row}: {:?} {:?}", got[row], want[row]));
            eprintln!("{} {name}: {difference:.1e}", candles.display());
            assert!(difference < TOLERANCE, "{name}: {difference}");
        }
    }
}

/// The largest difference of two columns; the row where only one of them has a value.
fn largest_difference(got: &[Option<f64>], want: &[Option<f64>]) -> Result<f64, usize> {
    let typical = want.iter().flatten().map(|value| value.abs()).sum::<f64>()
        / want.iter().flatten().count().max(1) as f64;
    let mut largest = 0.0f64;
    for (row, pair) in got.iter().zip(want).enumerate() {
        match pair {
            (Some(got), Some(want)) => {
                largest = largest.max((got - want).abs() / want.abs().max(typical));
            }
            (None, None) => {}
            _ => return Err(row),
        }
    }
    Ok(largest)
}

fn read(source: impl std::io::Read) -> Vec<Row> {
    csv::Reader::from_reader(source).deserialize().map(Result::unwrap).collect()
}

/// The scale of a column: as many decimals as its longest text.
fn scale(rows: &[Row], name: &str) -> Scale {
    let decimals = |row: &Row| row[name].split_once('.').map_or(0, |(_, digits)| digits.len());
    Scale::exact(rows.iter().map(decimals).max().unwrap() as u8)
}

fn candle(row: &Row, price: Scale, quantity: Scale) -> Candle {
    let at = |name: &str, scale: Scale| scale.parse(row[name].as_bytes()).unwrap();
    let quote = Scale::exact(price.decimals + quantity.decimals);
    Candle {
        open_time: Nanos::from_ms(row["open_time"].parse().unwrap()),
        open: Price(at("open", price)),
        high: Price(at("high", price)),
        low: Price(at("low", price)),
        close: Price(at("close", price)),
        volume: Quantity(at("volume", quantity)),
        quote_volume: at("quote_volume", quote) as u128,
        ..Candle::default()
    }
}
