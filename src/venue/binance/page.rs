//! What an answer's rows are, as far as the next request depends on it.
//!
//! The shape of every row is checked here, before anything of an answer is used: a table with one
//! wrong row is refused as a whole.

use serde::Deserialize;
use serde::de::IgnoredAny;
use systems::units::Nanos;

use super::super::Channel;
use super::super::endpoint::{Endpoint, Page, PageError, PrintRow, Refusal};
use super::instant;
use super::kline::KlineRow;
use super::text::{Text, bounded};

/// The fields of an aggregate that planning needs; see `answer.rs` for all of them.
#[derive(Deserialize)]
struct AggregateRow<'a> {
    #[serde(rename = "a")]
    id: u64,
    #[serde(rename = "f")]
    first_id: i64,
    #[serde(rename = "T")]
    time: u64,
    #[serde(rename = "p", borrow)]
    _price: Text<'a>,
    #[serde(rename = "q", borrow)]
    _quantity: Text<'a>,
}

#[derive(Deserialize)]
struct TradeRow<'a> {
    id: u64,
    time: u64,
    #[serde(rename = "price", borrow)]
    _price: Text<'a>,
    #[serde(rename = "qty", borrow)]
    _quantity: Text<'a>,
}

/// `{"code":-1003,"msg":"Way too much request weight used; IP banned until 1659146400000. ..."}`.
#[derive(Deserialize)]
struct Refused<'a> {
    code: i64,
    #[serde(borrow, default)]
    msg: Option<Text<'a>>,
}

/// Reads the answer to `endpoint` as far as planning needs it.
pub(in super::super) fn page(endpoint: &Endpoint<'_>, body: &[u8]) -> Result<Page, PageError> {
    let text = bounded(body).map_err(|cause| PageError(cause.name().to_owned()))?;
    match endpoint {
        Endpoint::Prints { channel: Channel::AggregateTrades, .. }
        | Endpoint::FirstPrint { .. }
        | Endpoint::LastPrint { .. } => {
            let rows: Vec<AggregateRow<'_>> = read(text)?;
            rows.iter().map(aggregate).collect::<Result<_, _>>().map(Page::Prints)
        }
        Endpoint::Prints { channel: Channel::Trades, .. } => {
            let rows: Vec<TradeRow<'_>> = read(text)?;
            rows.iter().map(single).collect::<Result<_, _>>().map(Page::Prints)
        }
        Endpoint::Candles { .. } => {
            let rows: Vec<KlineRow<'_>> = read(text)?;
            rows.iter()
                .map(|row| time(row.open_time()))
                .collect::<Result<_, _>>()
                .map(Page::Candles)
        }
        Endpoint::Ping | Endpoint::Time | Endpoint::Instruments | Endpoint::DayStatistics => {
            read::<IgnoredAny>(text).map(|_| Page::Other)
        }
    }
}

/// Reads what the venue says instead of an answer.
pub(in super::super) fn refusal(body: &[u8]) -> Option<Refusal> {
    let refused: Refused<'_> = serde_json::from_str(bounded(body).ok()?).ok()?;
    let banned_until = refused.msg.as_ref().and_then(|msg| {
        let (_, after) = msg.as_str().split_once("banned until ")?;
        let digits = after.split(|c: char| !c.is_ascii_digit()).next()?;
        instant(digits.parse().ok()?)
    });
    Some(Refusal { code: refused.code, banned_until })
}

fn read<'a, T: Deserialize<'a>>(text: &'a str) -> Result<T, PageError> {
    serde_json::from_str(text).map_err(|error| PageError(error.to_string()))
}

fn aggregate(row: &AggregateRow<'_>) -> Result<PrintRow, PageError> {
    let void = row.first_id < 0;
    let first_id = u64::try_from(row.first_id).unwrap_or(0);
    Ok(PrintRow { id: row.id, first_id, time: time(row.time)?, void })
}

/// A single trade of zeros takes its id in the core, so it is not void here.
fn single(row: &TradeRow<'_>) -> Result<PrintRow, PageError> {
    Ok(PrintRow { id: row.id, first_id: row.id, time: time(row.time)?, void: false })
}

fn time(raw: u64) -> Result<Nanos, PageError> {
    instant(raw).ok_or_else(|| PageError(format!("{raw} is no time")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use systems::interval::Interval;

    const AGGREGATES: Endpoint<'_> =
        Endpoint::Prints { channel: Channel::AggregateTrades, symbol: "X", from_id: 1, rows: 9 };

    fn candles() -> Endpoint<'static> {
        let interval = Interval::parse("1m").unwrap();
        Endpoint::Candles { symbol: "X", interval, from: Nanos(0), to: Nanos(1) }
    }

    fn kline(columns: usize) -> String {
        let all = r#"1723161600000,"1","2","1","2","5",1723161659999,"9",3,"2","4","0","0""#;
        let kept: Vec<&str> = all.split(',').take(columns).collect();
        format!("[[{}]]", kept.join(","))
    }

    #[test]
    fn rows_give_ids_and_times() {
        let body = br#"[{"a":26129,"p":"0.01","q":"4.7","f":27781,"l":27781,"T":1498793709153,
            "m":true,"M":true},{"a":26130,"p":"0","q":"0","f":-1,"l":-1,"T":1498793709153,
            "m":true,"M":true}]"#;
        let time = Nanos::from_ms(1_498_793_709_153);
        let row = PrintRow { id: 26_129, first_id: 27_781, time, void: false };
        let void = PrintRow { id: 26_130, first_id: 0, time, void: true };
        assert_eq!(page(&AGGREGATES, body), Ok(Page::Prints(vec![row, void])));
        let singles =
            Endpoint::Prints { channel: Channel::Trades, symbol: "X", from_id: 1, rows: 9 };
        let body = br#"[{"id":28457,"price":"4.00000100","qty":"12","time":1498793709153}]"#;
        let row = PrintRow { id: 28_457, first_id: 28_457, time, void: false };
        assert_eq!(page(&singles, body), Ok(Page::Prints(vec![row])));
        let open = Nanos::from_ms(1_723_161_600_000);
        assert_eq!(page(&candles(), kline(12).as_bytes()), Ok(Page::Candles(vec![open])));
        assert_eq!(page(&Endpoint::Time, br#"{"serverTime":1499827319559}"#), Ok(Page::Other));
        assert_eq!(page(&AGGREGATES, b" [] "), Ok(Page::Prints(vec![])));
    }

    #[test]
    fn another_shape_is_refused_with_the_place() {
        let endpoint = candles();
        for (endpoint, body, says) in [
            (&endpoint, kline(11), "column"),
            (&endpoint, kline(13), "column"),
            (&endpoint, "{}".to_owned(), "line 1"),
            (&endpoint, "<html>".to_owned(), "line 1"),
            (&endpoint, r#"[["1723161600000"]]"#.to_owned(), "line 1"),
            (&endpoint, kline(12).replace("1723161600000", "1723161600"), "1723161600 is no time"),
            (&AGGREGATES, r#"[{"a":"1"}]"#.to_owned(), "line 1"),
            (&AGGREGATES, r#"[{"a":1,"p":1,"q":"1","f":1,"T":1498793709153}]"#.to_owned(), "line"),
            (&AGGREGATES, r#"[{"a":1,"p":"1","q":"1","f":1}]"#.to_owned(), "`T`"),
            (&AGGREGATES, "[".repeat(1_000), "not-json"),
            (&AGGREGATES, String::new(), "EOF"),
        ] {
            let PageError(error) = page(endpoint, body.as_bytes()).unwrap_err();
            assert!(error.contains(says), "{body}: {error}");
        }
        assert_eq!(page(&AGGREGATES, b"\xff"), Err(PageError("not-utf8".to_owned())));
    }

    #[test]
    fn a_refusal_tells_its_number_and_the_end_of_a_ban() {
        let ban = br#"{"code":-1003,"msg":"Way too much request weight used; IP banned until
            1659146400000. Please use WebSocket Streams."}"#;
        assert_eq!(refusal(ban).map(|refusal| refusal.banned_until), None, "a raw line break");
        let ban = br#"{"code":-1003,"msg":"IP banned until 1659146400000. Please wait."}"#;
        let banned_until = Some(Nanos::from_ms(1_659_146_400_000));
        assert_eq!(refusal(ban), Some(Refusal { code: -1003, banned_until }));
        let plain = br#"{"code":-1121,"msg":"Invalid symbol."}"#;
        assert_eq!(refusal(plain), Some(Refusal { code: -1121, banned_until: None }));
        let odd = br#"{"code":-1003,"msg":"IP banned until tomorrow"}"#;
        assert_eq!(refusal(odd), Some(Refusal { code: -1003, banned_until: None }));
        for body in ["", "<html>", "[]", r#"{"msg":"x"}"#] {
            assert_eq!(refusal(body.as_bytes()), None);
        }
    }
}
