//! What a server says, and what becomes of an alert then.

use super::*;

fn all(text: &str) -> Vec<Said> {
    let runtime = Builder::new_current_thread().build().unwrap();
    runtime.block_on(async {
        let (mut wire, mut said) = (text.as_bytes(), Vec::new());
        while let Ok(one) = read(&mut wire).await {
            said.push(one);
        }
        said
    })
}

#[test]
fn what_a_server_says_is_read() {
    let text = "INFO {\"a\": 1}\r\nPING\r\n+OK\r\npong\r\nMSG in.1 1 3\r\nabc\r\n\
                HMSG in.2 1 16 16\r\nNATS/1.0 503\r\n\r\n\r\n\
                -ERR 'Authorization Violation'\r\n";
    let message = |to: &str, status: &str, body: &str| {
        Said::Message(to.to_owned(), status.to_owned(), body.as_bytes().to_vec())
    };
    assert_eq!(
        all(text),
        [
            Said::Info("{\"a\": 1}".to_owned()),
            Said::Ping,
            Said::Other,
            Said::Pong,
            message("in.1", "", "abc"),
            message("in.2", "503", ""),
            Said::Error("'Authorization Violation'".to_owned()),
        ]
    );
    for broken in ["MSG in.1 1 x\r\n", "MSG a 1 99999999\r\n", "MSG\r\n", "HMSG 1\r\n", "PI"] {
        assert_eq!(all(broken), [], "{broken}");
    }
}

#[test]
fn a_stream_says_whether_it_has_it() {
    assert!(stored("", br#"{"stream":"A","seq":7}"#).is_ok());
    assert!(stored("", br#"{"stream":"A","seq":7,"duplicate":true}"#).is_ok());
    let full = r#"{"error":{"code":503,"err_code":10077,"description":"maximum bytes"}}"#;
    let large = r#"{"error":{"code":400,"err_code":10054,"description":"message size"}}"#;
    let twin = r#"{"error":{"code":409,"err_code":10158,"description":"in process"}}"#;
    for (status, body, want, refused) in [
        ("503", "", "no stream", false),
        ("", full, "maximum bytes", false),
        ("", large, "message size", true),
        ("", twin, "in process", false),
        ("", "thanks", "not an answer", false),
    ] {
        let trouble = stored(status, body.as_bytes()).unwrap_err();
        assert_eq!(matches!(trouble, Trouble::Refused(_)), refused, "{body}");
        assert!(format!("{trouble:?}").contains(want), "{trouble:?}");
    }
}

#[test]
fn what_will_be_the_same_every_time_is_told_from_what_will_pass() {
    for (said, refused) in [
        ("'Authorization Violation'", true),
        ("'User Authentication Revoked'", true),
        ("'Account Authentication Expired'", true),
        ("'Permissions Violation for Publish to \"alerts.up\"'", true),
        ("'Permissions Violation for Subscription to \"_INBOX.x\"'", true),
        ("'Maximum Payload Violation'", true),
        ("'Invalid Publish Subject'", true),
        ("'Authentication Timeout'", false),
        ("'Stale Connection'", false),
        ("'maximum connections exceeded'", false),
        ("'Secure Connection - TLS Required'", false),
        ("'Slow Consumer'", false),
        ("something new", false),
    ] {
        assert_eq!(matches!(trouble(said), Trouble::Refused(_)), refused, "{said}");
    }
}

#[test]
fn subjects_name_rule_and_symbol() {
    let alert = r#"{"rule":"surge","symbol":"A.B C*"}"#;
    assert_eq!(subject("a.{rule}.{symbol}", alert), "a.surge.A_B_C_");
    assert_eq!(subject("a.{symbol}", r#"{"symbol":""}"#), "a.none");
    assert_eq!(subject("a.{rule}", r#"{"table":"gainers"}"#), "a.gainers");
    assert_eq!(subject("plain", alert), "plain");
}
