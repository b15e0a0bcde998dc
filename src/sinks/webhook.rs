//! Alerts by HTTP: one POST each, and what the answer says about it.

use std::net::IpAddr;
use std::time::Duration;

use http_body_util::Full;
use hyper::body::Bytes;
use hyper::header::{AUTHORIZATION, CONTENT_TYPE, HeaderMap, RETRY_AFTER, USER_AGENT};
use hyper::{Method, Request, Uri};
use hyper_rustls::HttpsConnector;
use hyper_util::client::legacy;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use serde_json::Value;
use tokio::runtime::{Builder, Runtime};
use tokio::time::timeout;

use super::Why;
use super::limits::ANSWER_MAX;
use super::outlet::{Target, Trouble};
use super::secret::Secret;
use super::spool::Item;
use super::template::Template;
use crate::clock;
use crate::logging::since_epoch;
use crate::rest::client::{AGENT, connector, network, percent_encoded, read};

/// How long a connection that is not used is kept. Services close theirs after some more.
const IDLE: Duration = Duration::from_secs(5);

/// A webhook.
pub(super) struct Webhook {
    runtime: Runtime,
    http: legacy::Client<HttpsConnector<HttpConnector>, Full<Bytes>>,
    settings: Settings,
}

/// What a webhook is told.
#[derive(Debug)]
pub(super) struct Settings {
    /// The whole address, which may hold a secret.
    pub(super) url: Secret,
    /// What it may not tell of it.
    pub(super) token: Option<Secret>,
    pub(super) template: Template,
    /// Where Telegram shows it.
    pub(super) chat: String,
    pub(super) timeout: Duration,
}

impl Webhook {
    /// A webhook that trusts the machine's roots and those in `extra_ca`.
    ///
    /// # Errors
    /// An address that is none, or nobody to trust.
    pub(super) fn new(settings: Settings, extra_ca: Option<&std::path::Path>) -> Result<Self, Why> {
        let url = settings.url.expose();
        let uri: Uri = url.parse().map_err(|_| Why::Url)?;
        let known = matches!(uri.scheme_str(), Some("http" | "https"));
        if !known || uri.host().is_none_or(str::is_empty) {
            return Err(Why::Url);
        }
        if is_plain(&uri) {
            let host = uri.host().unwrap_or_default();
            log::warn!("the webhook at {host} is no https: whoever is in between reads its alerts");
        }
        let connector = connector(url, extra_ca, settings.timeout)?;
        let http = legacy::Client::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(IDLE)
            .build(connector);
        let runtime = Builder::new_current_thread().enable_all().build()?;
        Ok(Self { runtime, http, settings })
    }

    /// Status, headers and the beginning of the body.
    async fn post(&self, item: &Item) -> Result<(u16, HeaderMap, String), String> {
        let Settings { url, token, template, chat, .. } = &self.settings;
        let mut request = Request::builder()
            .method(Method::POST)
            .uri(url.expose())
            .header(USER_AGENT, AGENT)
            .header(CONTENT_TYPE, "application/json")
            // Symbols may have any letters, a header may not.
            .header("idempotency-key", percent_encoded(&item.key));
        if let Some(token) = token.as_ref().filter(|_| *template != Template::Telegram) {
            request = request.header(AUTHORIZATION, format!("Bearer {}", token.expose()));
        }
        let body = Full::new(template.body(&item.json, chat).into());
        let request = request.body(body).map_err(|error| error.to_string())?;
        let answer = self.http.request(request).await;
        let (head, body) = answer.map_err(|error| network(&error).to_string())?.into_parts();
        // What the answer says beside its status is not worth failing for.
        let text = read(body, ANSWER_MAX).await.unwrap_or_default();
        let text = String::from_utf8_lossy(&text).into_owned();
        Ok((head.status.as_u16(), head.headers, text))
    }
}

impl Target for Webhook {
    fn deliver(&mut self, item: &Item) -> Result<(), Trouble> {
        let within = self.settings.timeout;
        let answer = self.runtime.block_on(async { timeout(within, self.post(item)).await });
        let redacted = |text: &str| {
            let Settings { url, token, .. } = &self.settings;
            let text = url.redact(text);
            token.as_ref().map_or(text.clone(), |token| token.redact(&text))
        };
        let (status, headers, body) = match answer {
            Err(_) => return Err(Trouble::late(within)),
            Ok(Err(why)) => return Err(Trouble::passing(redacted(&why))),
            Ok(Ok(answer)) => answer,
        };
        let why = || redacted(&format!("status {status}: {body}"));
        match status {
            200..=299 => Ok(()),
            408 | 425 | 429 | 500..=599 => {
                Err(Trouble::Passing(why(), retry_after(&headers, &body)))
            }
            _ => Err(Trouble::Refused(why())),
        }
    }
}

/// Whether what goes there can be read on its way.
fn is_plain(uri: &Uri) -> bool {
    let host = uri.host().unwrap_or_default().trim_matches(['[', ']']);
    let here = host == "localhost" || host.parse().is_ok_and(|ip: IpAddr| ip.is_loopback());
    uri.scheme_str() == Some("http") && !here
}

/// How long the service asks us to wait: in its header, as seconds or as a date, or in its body as
/// Telegram and Discord have it.
fn retry_after(headers: &HeaderMap, body: &str) -> Option<Duration> {
    let text = headers.get(RETRY_AFTER).and_then(|value| value.to_str().ok()).map(str::trim);
    let seconds = text.and_then(|text| text.parse::<f64>().ok()).filter(|s| s.is_finite());
    let date = || {
        let at = since_epoch(httpdate::parse_http_date(text?).ok()?)?;
        Some(at.0.saturating_sub(clock::now().0) as f64 / 1e9)
    };
    let told = || {
        let body: Value = serde_json::from_str(body).ok()?;
        let own = |value: &Value| value["retry_after"].as_f64();
        own(&body["parameters"]).or_else(|| own(&body))
    };
    // A wait that no duration holds is cut later.
    let seconds = seconds.or_else(date).or_else(told)?.clamp(0.0, 1e9);
    Some(Duration::from_secs_f64(seconds))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_leaves_this_machine_unencrypted_is_warned_of() {
        for (url, plain) in [
            ("http://10.0.0.7/in", true),
            ("http://hooks.example:80/in", true),
            ("http://127.0.0.1:9/in", false),
            ("http://[::1]:9/in", false),
            ("http://localhost/in", false),
            ("https://hooks.example/in", false),
        ] {
            assert_eq!(is_plain(&url.parse().unwrap()), plain, "{url}");
        }
    }

    #[test]
    fn a_service_says_how_long_to_wait_in_one_of_three_ways() {
        let of = |text: &str, body: &str| {
            let mut headers = HeaderMap::new();
            if !text.is_empty() {
                headers.insert(RETRY_AFTER, text.parse().unwrap());
            }
            retry_after(&headers, body).map(|wait| wait.as_millis())
        };
        assert_eq!(of("7", ""), Some(7_000));
        assert_eq!(of("0.25", r#"{"retry_after":9}"#), Some(250));
        assert_eq!(of("", r#"{"retry_after":1.5,"global":false}"#), Some(1_500));
        let telegram = r#"{"ok":false,"error_code":429,"parameters":{"retry_after":3}}"#;
        assert_eq!(of("", telegram), Some(3_000));
        assert_eq!(of("Wed, 21 Oct 2015 07:28:00 GMT", ""), Some(0));
        let far = of("Wed, 21 Oct 2099 07:28:00 GMT", "").unwrap();
        assert!(far > 86_400_000, "{far}");
        assert_eq!(of("-3", ""), Some(0));
        assert_eq!((of("NaN", ""), of("soon", "{}"), of("", "")), (None, None, None));
    }
}
