//! One HTTP request and its answer, with a deadline and a size limit on everything.
//!
//! Redirects are not followed: an answer from another place than the venue's is no answer.

use std::path::Path;
use std::time::Duration;

use http_body_util::{BodyExt, Empty};
use hyper::body::{Bytes, Incoming};
use hyper::header::{ACCEPT, HeaderMap, RETRY_AFTER, USER_AGENT};
use hyper::{Method, Request};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use tokio::time::timeout;

use super::limits::REFUSAL_MAX;
use super::retry::Failure;
use crate::tls::{TlsError, distrust, tls_config, trusting_nobody};

/// How long each part of a request may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timeouts {
    /// From the start until a connection to one address stands.
    pub connect: Duration,
    /// From the start until the headers are there; includes connecting and TLS.
    pub headers: Duration,
    /// From the start until the body is there to its last byte.
    pub total: Duration,
}

impl Timeouts {
    /// Parts of `total`: connecting must leave time for an answer, and that for its body.
    pub fn within(total: Duration) -> Self {
        Self { connect: total * 3 / 10, headers: total * 6 / 10, total }
    }
}

impl Default for Timeouts {
    fn default() -> Self {
        Self::within(Duration::from_secs(10))
    }
}

/// How long a connection that is not used is kept: the venue closes them after about a minute.
const IDLE: Duration = Duration::from_secs(30);

/// What we call ourselves.
pub(crate) const AGENT: &str = concat!("tapescan/", env!("CARGO_PKG_VERSION"));

/// An answer, whatever its status.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    /// The HTTP status.
    pub status: u16,
    /// The venue's figure of weight used in this minute, where it gives one.
    pub used_weight: Option<u32>,
    /// Seconds that the venue asks us to wait, where it gives them as a number.
    pub retry_after_s: Option<u64>,
    /// The body.
    pub body: Vec<u8>,
}

/// Sends requests to one venue over few connections.
#[derive(Clone, Debug)]
pub struct Client {
    http: legacy::Client<HttpsConnector<HttpConnector>, Empty<Bytes>>,
    base: String,
    used_weight_header: &'static str,
    timeouts: Timeouts,
}

impl Client {
    /// A client for `base`, scheme and host without a path. Plain `http` serves a venue on this
    /// machine.
    ///
    /// # Errors
    /// [`TlsError`]: nothing to trust, or an `extra_ca` that cannot be used.
    pub fn new(
        base: &str,
        used_weight_header: &'static str,
        extra_ca: Option<&Path>,
        timeouts: Timeouts,
    ) -> Result<Self, TlsError> {
        let connector = connector(base, extra_ca, timeouts.connect)?;
        let http = legacy::Client::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(IDLE)
            .build(connector);
        let base = base.trim_end_matches('/').to_owned();
        Ok(Self { http, base, used_weight_header, timeouts })
    }

    /// Gets `path` (with its query), reading at most `body_max` bytes of a good answer.
    ///
    /// # Errors
    /// [`Failure::Network`], [`Failure::Timeout`] or [`Failure::TooLarge`]. Another status than
    /// 200 is an answer, not an error.
    pub async fn get(&self, path: &str, body_max: usize) -> Result<Reply, Failure> {
        match timeout(self.timeouts.total, self.exchange(path, body_max)).await {
            Ok(result) => result,
            Err(_) => Err(Failure::Timeout("reading the body")),
        }
    }

    async fn exchange(&self, path: &str, body_max: usize) -> Result<Reply, Failure> {
        let request = Request::builder()
            .method(Method::GET)
            .uri(format!("{}{}", self.base, percent_encoded(path)))
            .header(USER_AGENT, AGENT)
            .header(ACCEPT, "application/json")
            .body(Empty::new())
            .map_err(|error| network(&error))?;
        let answer = timeout(self.timeouts.headers, self.http.request(request)).await;
        let answer = answer.map_err(|_| Failure::Timeout("waiting for an answer"))?;
        let (head, body) = answer.map_err(|error| network(&error))?.into_parts();
        let status = head.status.as_u16();
        let body = match status {
            200 => read(body, body_max).await?,
            // The text of a refusal is not worth failing for.
            _ => read(body, REFUSAL_MAX).await.unwrap_or_default(),
        };
        let used_weight = number(&head.headers, self.used_weight_header);
        let used_weight = used_weight.map(|used| u32::try_from(used).unwrap_or(u32::MAX));
        let retry_after_s = number(&head.headers, RETRY_AFTER.as_str());
        Ok(Reply { status, used_weight, retry_after_s, body })
    }
}

/// What makes connections to `base`; each may take as long as `connect`.
///
/// # Errors
/// [`TlsError`]: nothing to trust, or an `extra_ca` that cannot be used.
pub(crate) fn connector(
    base: &str,
    extra_ca: Option<&Path>,
    connect: Duration,
) -> Result<HttpsConnector<HttpConnector>, TlsError> {
    let mut tcp = HttpConnector::new();
    tcp.enforce_http(false);
    tcp.set_nodelay(true);
    tcp.set_connect_timeout(Some(connect));
    let builder = HttpsConnectorBuilder::new();
    if base.starts_with("http://") {
        // Nothing is encrypted, so a machine without root certificates will do.
        let tls = trusting_nobody()?;
        return Ok(builder.with_tls_config(tls).https_or_http().enable_http1().wrap_connector(tcp));
    }
    let tls = (*tls_config(extra_ca)?).clone();
    Ok(builder.with_tls_config(tls).https_only().enable_http1().wrap_connector(tcp))
}

/// Reads a body that may turn out longer than it should be, or never end.
pub(crate) async fn read(mut body: Incoming, limit: usize) -> Result<Vec<u8>, Failure> {
    let mut bytes = Vec::new();
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|error| network(&error))?;
        let Ok(data) = frame.into_data() else { continue };
        if bytes.len() + data.len() > limit {
            return Err(Failure::TooLarge { limit });
        }
        bytes.extend_from_slice(&data);
    }
    Ok(bytes)
}

/// A header that holds a whole number; below zero counts as zero.
fn number(headers: &HeaderMap, name: &str) -> Option<u64> {
    let number: i128 = headers.get(name)?.to_str().ok()?.trim().parse().ok()?;
    Some(u64::try_from(number.max(0)).unwrap_or(u64::MAX))
}

/// Symbols may have any letters, an address may not.
pub(crate) fn percent_encoded(path: &str) -> String {
    path.bytes().fold(String::with_capacity(path.len()), |mut text, byte| {
        if byte.is_ascii_graphic() {
            text.push(char::from(byte));
        } else {
            text.push_str(&format!("%{byte:02X}"));
        }
        text
    })
}

/// The whole chain of causes: the outermost often says "client error" only.
pub(crate) fn network(error: &(dyn std::error::Error + 'static)) -> Failure {
    if let Some(text) = distrust(error) {
        return Failure::Untrusted(text);
    }
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        text.push_str(": ");
        text.push_str(&inner.to_string());
        cause = inner.source();
    }
    Failure::Network(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn header_numbers_are_read_or_left_out() {
        for (text, want) in [
            ("30", Some(30)),
            (" 7 ", Some(7)),
            ("0", Some(0)),
            ("-1", Some(0)),
            ("1000000000000", Some(1_000_000_000_000)),
            ("99999999999999999999999", Some(u64::MAX)),
            ("Wed, 21 Oct 2026 07:28:00 GMT", None),
            ("", None),
            ("1.5", None),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(RETRY_AFTER, text.parse().unwrap());
            assert_eq!(number(&headers, "retry-after"), want, "{text}");
        }
        assert_eq!(number(&HeaderMap::new(), "retry-after"), None);
    }

    #[test]
    fn names_of_any_letters_become_addresses() {
        assert_eq!(percent_encoded("/a?b=C1&d=2"), "/a?b=C1&d=2");
        assert_eq!(percent_encoded("/a?s=币"), "/a?s=%E5%B8%81");
    }
}
