//! The shapes of a webhook's body.

use serde_json::{Value, json};

use super::limits::TEXT_MAX;
use super::message::in_full;

/// What a webhook expects.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Template {
    /// The alert as an object.
    Json,
    /// Telegram's `sendMessage`.
    Telegram,
    /// A webhook of Discord.
    Discord,
    /// An incoming webhook of Slack.
    Slack,
}

impl Template {
    /// The body for an alert, which is one line of JSON; `chat` is where Telegram shows it.
    pub(super) fn body(self, alert: &str, chat: &str) -> String {
        if self == Self::Json {
            return alert.to_owned();
        }
        let alert: Value = serde_json::from_str(alert).unwrap_or_default();
        let text: String = in_full(&alert).chars().take(TEXT_MAX).collect();
        let body = match self {
            Self::Telegram => json!({
                "chat_id": chat,
                "text": text,
                "link_preview_options": { "is_disabled": true },
            }),
            // Nobody is to be woken by a symbol's name.
            Self::Discord => json!({ "content": text, "allowed_mentions": { "parse": [] } }),
            _ => json!({ "text": escaped(&text) }),
        };
        body.to_string()
    }
}

/// Slack reads three characters as its own.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALERT: &str = r#"{"at":"2024-08-09T00:01:00.500Z","kind":"enter","symbol":"AUSDT",
        "interval":"1m","rule":"surge","close":"1.50","mark":"gap","revision":2,"converged":false,
        "late":true,"provisional":true,"key":"surge/AUSDT/1m/1/enter/2","latency_us":1500,
        "reasons":[{"depth":0,"text":"volume > 3","value":true},
                   {"depth":1,"text":"volume","value":7.0},{"depth":1,"text":"x","value":null}]}"#;

    const TEXT: &str = "enter AUSDT 1m surge\n\
        2024-08-09T00:01:00.500Z, close 1.50, gap, revision 2, not converged, late, provisional\n\
        volume > 3: true\n  volume: 7\n  x: not known\nafter 1.5 ms\nsurge/AUSDT/1m/1/enter/2";

    fn body(template: Template) -> Value {
        serde_json::from_str(&template.body(ALERT, "-100")).unwrap()
    }

    #[test]
    fn each_service_gets_its_own_shape_with_all_that_an_alert_carries() {
        assert_eq!(Template::Json.body(ALERT, ""), ALERT);
        let telegram = body(Template::Telegram);
        assert_eq!((&telegram["chat_id"], &telegram["text"]), (&json!("-100"), &json!(TEXT)));
        assert_eq!(body(Template::Discord)["content"], TEXT);
        assert_eq!(body(Template::Slack)["text"], TEXT.replace('>', "&gt;"));
    }

    #[test]
    fn a_text_that_is_too_long_is_cut_and_a_digest_has_its_count() {
        let long = format!("{{\"rule\":{:?},\"count\":5,\"key\":\"k\"}}", "r".repeat(4_000));
        let body: Value = serde_json::from_str(&Template::Discord.body(&long, "")).unwrap();
        assert_eq!(body["content"].as_str().unwrap().chars().count(), TEXT_MAX);
        let digest = r#"{"rule":"surge","count":5,"at":"then","key":"surge/digest/1"}"#;
        let body: Value = serde_json::from_str(&Template::Slack.body(digest, "")).unwrap();
        let text = "surge: 5 more were held by its budget\nthen\nsurge/digest/1";
        assert_eq!(body["text"], text);
    }
}
