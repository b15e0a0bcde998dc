//! Captured sessions: one object per line with everything that went over the wire.

use serde::Deserialize;
use serde_json::value::RawValue;
use systems::limits::{EARLIEST_NS, LATEST_NS};
use systems::units::{Nanos, Scale};

use super::error::{ImportError, LineFault};
use super::record::{Reader, Record, wrong_format};
use super::source::Lines;
use super::{Format, record};

/// `{"ts": "1633998512.0633569", "kind": "ws_recv", "url": "wss://..", "raw": "{..}"}`; `ts` is in
/// seconds, as a text or a number, and missing where nothing went over the wire.
#[derive(Deserialize)]
struct Capture<'a> {
    #[serde(borrow)]
    ts: Option<&'a RawValue>,
    kind: String,
    #[serde(default)]
    url: String,
    #[serde(default)]
    raw: String,
}

pub(super) struct Captures {
    lines: Lines,
    kind: String,
    url: String,
    raw: String,
    received: Nanos,
}

impl Captures {
    pub(super) fn new(lines: Lines) -> Self {
        let (kind, url, raw) = Default::default();
        Self { lines, kind, url, raw, received: Nanos(0) }
    }
}

impl Reader for Captures {
    fn advance(&mut self) -> Result<Option<Nanos>, ImportError> {
        loop {
            if !self.lines.advance()? {
                return Ok(None);
            }
            if record::looks_like(self.lines.text()) != Some(Format::Jsonl) {
                return Err(wrong_format(&self.lines, Format::Jsonl));
            }
            let capture: Capture<'_> = serde_json::from_str(self.lines.text())
                .map_err(|error| self.lines.fault(LineFault::Capture(error)))?;
            // Notes of the recorder to itself have no instant.
            let Some(ts) = capture.ts else { continue };
            let Some(received) = seconds(ts.get()) else {
                return Err(self.lines.fault(LineFault::Cell {
                    column: "ts",
                    text: ts.get().chars().take(40).collect(),
                    expected: "a time in seconds from 2017 to 2100",
                }));
            };
            self.kind = capture.kind;
            self.url = capture.url;
            self.raw = capture.raw;
            self.received = received;
            return Ok(Some(received));
        }
    }

    fn record(&self) -> Record<'_> {
        match self.kind.as_str() {
            "ws_recv" => Record::Frame { connection: &self.url, text: &self.raw },
            "ws_connect" => Record::Link { connection: &self.url, up: true },
            "ws_close" | "ws_disconnect" => Record::Link { connection: &self.url, up: false },
            "http" => Record::Answer { request: path_of(&self.url), text: &self.raw },
            _ => Record::Other,
        }
    }

    fn lines(&self) -> &Lines {
        &self.lines
    }
}

/// Seconds with up to nine decimals as an instant, exactly.
fn seconds(raw: &str) -> Option<Nanos> {
    let ns = Scale::exact(9).parse(raw.trim_matches('"').as_bytes()).ok()?;
    u64::try_from(ns).ok().filter(|ns| (EARLIEST_NS..LATEST_NS).contains(ns)).map(Nanos)
}

/// The path and query of a URL.
fn path_of(url: &str) -> &str {
    let after_scheme = url.find("://").map_or(0, |at| at + 3);
    url[after_scheme..].find('/').map_or("/", |at| &url[after_scheme + at..])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seconds_keep_every_digit() {
        assert_eq!(seconds("\"1633998512.0633569\""), Some(Nanos(1_633_998_512_063_356_900)));
        assert_eq!(seconds("1626992741.06217"), Some(Nanos(1_626_992_741_062_170_000)));
        for text in ["\"\"", "1.6e9", "-1633998512", "0", "\"1633998512.06335691234\"", "null"] {
            assert_eq!(seconds(text), None, "{text}");
        }
    }

    #[test]
    fn paths_are_what_follows_the_host() {
        assert_eq!(path_of("https://h/api/v3/depth?symbol=A"), "/api/v3/depth?symbol=A");
        assert_eq!(path_of("https://h"), "/");
        assert_eq!(path_of("/fapi/v1/time"), "/fapi/v1/time");
    }
}
