//! Every captured message and answer that is at hand, through the decoders of a live session: what
//! is rejected is listed here, with its reason.

use tapescan::venue::binance::{day_statistics, instruments, server_time};
use tapescan::venue::endpoint::{Endpoint, Page};
use tapescan::venue::{Channel, Decoder, What};

use super::captured::{data, text_of, wide};
use super::*;

/// A message as a session would see it.
enum Message {
    Frame(String),
    /// Path and query, and the body.
    Answer(String, String),
}

/// What is rejected: file, what of it, cause, how often, and why that is right.
type Explained = (&'static str, &'static str, &'static str, u64, &'static str);

const EXPLAINED: &[Explained] = &[
    (
        "gocryptotrader_http_recordings.jsonl.gz",
        "aggTrades",
        "missing-field",
        9,
        "rows whose `m` their recorder blanked to an empty key: nobody knows who took",
    ),
    (
        "nautilus_agg_trade_stream.json",
        "frame",
        "time-unit",
        1,
        "an example, not a capture: its time of 123456785 is a day of 1970",
    ),
    ("nautilus_trade_stream.json", "frame", "time-unit", 1, "as the one before"),
    (
        "tardis_binance_futures.jsonl",
        "frame",
        "missing-field",
        1,
        "an aggregate of September 2019, when USD-M sent none with its id `a`",
    ),
];

/// What one file's messages came to.
#[derive(Default)]
struct Tally {
    /// By what was asked for and cause.
    rejected: BTreeMap<(String, String, String), u64>,
    used: u64,
    answers: BTreeMap<String, u64>,
}

#[test]
fn every_captured_message_decodes_live_or_is_rejected_for_a_listed_reason() {
    let mut tally = Tally::default();
    for (folder, venue) in
        [("wire/binance_spot", Venue::BinanceSpot), ("wire/binance_usdm", Venue::BinanceUsdm)]
    {
        let Some(folder) = data(folder) else { return };
        let files = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
        let mut files: Vec<PathBuf> = files.collect();
        files.sort();
        for file in files {
            let name = file.file_name().unwrap().to_str().unwrap();
            for message in messages(name, &text_of(&file)) {
                tally.take(name, venue, &message);
            }
        }
    }
    assert!(tally.used > 2_000, "{} prints and candles", tally.used);
    for table in ["aggTrades", "trades", "historicalTrades", "klines", "exchangeInfo", "time"] {
        assert!(tally.answers.contains_key(table), "{table}: {:?}", tally.answers);
    }
    let explained = |(file, what, cause, count, _): &Explained| {
        (((*file).to_owned(), (*what).to_owned(), (*cause).to_owned()), *count)
    };
    let explained: BTreeMap<_, _> = EXPLAINED.iter().map(explained).collect();
    assert_eq!(tally.rejected, explained);
}

impl Tally {
    fn take(&mut self, file: &str, venue: Venue, message: &Message) {
        let mut decoder = Decoder::new(venue);
        let what = match message {
            Message::Frame(text) => {
                let decoded = decoder.frame(text.as_bytes(), &wide());
                let used = matches!(decoded.what, What::Trade(..) | What::Candle { .. });
                self.used += u64::from(used);
                "frame".to_owned()
            }
            Message::Answer(request, body) => {
                let (at, used) = (Nanos::from_seconds(4_000_000_000), &mut self.used);
                decoder.answer(request, body.as_bytes(), at, &wide(), &mut |what| {
                    *used += u64::from(matches!(what, What::Trade(..) | What::Candle { .. }));
                });
                let table = request.split('?').next().unwrap().rsplit('/').next().unwrap();
                *self.answers.entry(table.to_owned()).or_default() += 1;
                if let Err(cause) = planned(venue, table, request, body) {
                    self.reject(file, table, &cause, 1);
                }
                table.to_owned()
            }
        };
        for (cause, count, _) in decoder.counts().rejects() {
            self.reject(file, &what, &cause.to_string(), count);
        }
    }

    fn reject(&mut self, file: &str, what: &str, cause: &str, count: u64) {
        let key = (file.to_owned(), what.to_owned(), cause.to_owned());
        *self.rejected.entry(key).or_default() += count;
    }
}

/// Reads an answer as whoever plans the next request does; an error is the cause.
fn planned(venue: Venue, table: &str, request: &str, body: &str) -> Result<(), String> {
    // What the venue says instead of an answer is read as that.
    if venue.refusal(body.as_bytes()).is_some() {
        return Ok(());
    }
    let page = |endpoint: Endpoint<'_>| {
        let page = venue.page(&endpoint, body.as_bytes()).map_err(|error| error.to_string())?;
        let rows = match page {
            Page::Prints(rows) => rows.len(),
            Page::Candles(rows) => rows.len(),
            Page::Other => 0,
        };
        let whole: Vec<serde_json::Value> = serde_json::from_str(body).unwrap();
        assert_eq!(rows, whole.len(), "{request}");
        Ok(())
    };
    let (symbol, from_id, rows) = ("BTCUSDT", 0, 1_000);
    let prints = |channel| Endpoint::Prints { channel, symbol, from_id, rows };
    let (interval, from, to) = (Interval::parse("1m").unwrap(), Nanos(0), Nanos(0));
    match table {
        "aggTrades" => page(prints(Channel::AggregateTrades)),
        "trades" | "historicalTrades" => page(prints(Channel::Trades)),
        "klines" => page(Endpoint::Candles { symbol, interval, from, to }),
        "exchangeInfo" => instruments(venue, body).map(|_| ()).map_err(|e| e.to_string()),
        // Of one symbol it is an object, which no session asks for.
        "24hr" if body.starts_with('[') => {
            day_statistics(body).map(|_| ()).map_err(|e| e.to_string())
        }
        "time" => server_time(body.as_bytes()).map(|_| ()).ok_or_else(|| "no time".to_owned()),
        _ => Ok(()),
    }
}

/// The messages of a file of any of the collections. A file of an unknown form is an error.
fn messages(name: &str, text: &str) -> Vec<Message> {
    let path = |url: &str| url.split_once("binance.com").map_or(url, |(_, path)| path).to_owned();
    let line = |line: &str| -> Option<Message> {
        let record: serde_json::Value = serde_json::from_str(line).unwrap();
        let word = |key: &str| record[key].as_str().unwrap_or_default().to_owned();
        match () {
            () if name.starts_with("tardis") => Some(Message::Frame(line.to_owned())),
            () if name.starts_with("gocryptotrader") => {
                let request = format!("{}?{}", word("path"), word("query"));
                Some(Message::Answer(request, record["body"].to_string()))
            }
            () => match &*word("kind") {
                "http" => Some(Message::Answer(path(&word("url")), word("raw"))),
                "ws_recv" => Some(Message::Frame(word("raw"))),
                "ws_connect" | "ws_send" | "recorder_config" => None,
                other => panic!("{name}: {other}"),
            },
        }
    };
    let answer = |table: &str| {
        let request = format!("/api/v3/{table}?symbol=ETHBTC&interval=1m");
        vec![Message::Answer(request, text.to_owned())]
    };
    match name {
        "nautilus_exchange_info_response.json" => answer("exchangeInfo"),
        "nautilus_klines_response.json" => answer("klines"),
        "nautilus_server_time_response.json" => answer("time"),
        "nautilus_trades_response.json" => answer("trades"),
        _ if name.starts_with("nautilus") && name.contains("_stream") => {
            vec![Message::Frame(text.to_owned())]
        }
        _ if name.contains(".jsonl") => text.lines().filter_map(line).collect(),
        _ => panic!("{name} is of no known form"),
    }
}
