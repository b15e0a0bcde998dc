//! Alerts into a subject of NATS, each acknowledged: by the server, or by the stream that keeps it.
//!
//! Of the protocol this takes a dozen lines of text: connect, publish with headers, and wait for
//! one answer. A client that reconnects, buffers and subscribes for us would do by itself what the
//! queue of the sink does better, since that outlives the program.

use std::sync::Arc;
use std::time::Duration;

use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use serde_json::{Value, json};
use tokio::io::{
    AsyncBufRead, AsyncBufReadExt, AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, BufStream,
};
use tokio::net::TcpStream;
use tokio::runtime::{Builder, Runtime};
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

use super::limits::ANSWER_MAX;
use super::outlet::{Target, Trouble};
use super::secret::Secret;
use super::spool::Item;
use crate::clock;
use crate::rest::client::percent_encoded;

/// A server of NATS.
pub(super) struct Nats {
    runtime: Runtime,
    settings: Settings,
    connection: Option<Connection>,
}

/// What it is told.
#[derive(Debug)]
pub(super) struct Settings {
    /// Host and port.
    pub(super) host: String,
    pub(super) port: u16,
    /// `None` speaks without TLS.
    pub(super) tls: Option<Arc<ClientConfig>>,
    /// May name `{rule}` and `{symbol}`.
    pub(super) subject: String,
    /// Whether a stream must acknowledge, and not the server alone.
    pub(super) stream: bool,
    /// Whose password the token is, if anybody's.
    pub(super) user: Option<String>,
    pub(super) token: Option<Secret>,
    pub(super) timeout: Duration,
}

/// What a connection runs over.
trait Wire: AsyncRead + AsyncWrite + Unpin + Send {}

impl<T: AsyncRead + AsyncWrite + Unpin + Send> Wire for T {}

struct Connection {
    wire: BufStream<Box<dyn Wire>>,
    /// Where answers of streams come to.
    inbox: String,
    published: u64,
}

/// What a server says.
#[derive(Debug, PartialEq, Eq)]
enum Said {
    Info(String),
    Ping,
    Pong,
    Error(String),
    /// Subject, status of a message without a body, and body.
    Message(String, String, Vec<u8>),
    Other,
}

impl Nats {
    pub(super) fn new(settings: Settings) -> std::io::Result<Self> {
        let runtime = Builder::new_current_thread().enable_all().build()?;
        Ok(Self { runtime, settings, connection: None })
    }
}

impl Target for Nats {
    fn deliver(&mut self, item: &Item) -> Result<(), Trouble> {
        let Self { runtime, settings, connection } = self;
        let within = settings.timeout;
        let work = async {
            let used = connection.is_some();
            match publish(settings, connection, item).await {
                // A server that was started anew is found out by the first that is sent to it.
                Err(_) if used => {
                    *connection = None;
                    publish(settings, connection, item).await
                }
                done => done,
            }
        };
        let done = runtime.block_on(async { timeout(within, work).await });
        let done =
            done.unwrap_or_else(|_| Err(format!("no answer within {} ms", within.as_millis())));
        done.map_err(|why| {
            *connection = None;
            let redacted = settings.token.as_ref().map(|token| token.redact(&why));
            Trouble::Passing(redacted.unwrap_or(why), None)
        })
    }
}

async fn publish(
    settings: &Settings,
    connection: &mut Option<Connection>,
    item: &Item,
) -> Result<(), String> {
    let connection = match connection {
        Some(connection) => connection,
        None => connection.insert(connect(settings).await?),
    };
    let subject = subject(&settings.subject, &item.json);
    connection.publish(&subject, settings.stream, item).await
}

async fn connect(settings: &Settings) -> Result<Connection, String> {
    let Settings { host, port, tls, user, token, .. } = settings;
    let place = format!("{host}:{port}");
    let unreached = |error: std::io::Error| format!("{place}: {error}");
    let mut tcp = TcpStream::connect((host.as_str(), *port)).await.map_err(unreached)?;
    tcp.set_nodelay(true).map_err(unreached)?;
    // Byte by byte: what comes after this line may belong to TLS.
    let mut line = Vec::new();
    while line.last() != Some(&b'\n') && line.len() < ANSWER_MAX {
        line.push(tcp.read_u8().await.map_err(unreached)?);
    }
    let text = String::from_utf8_lossy(&line);
    let info = text.strip_prefix("INFO ").ok_or_else(|| format!("{place} is no NATS server"))?;
    let info: Value = serde_json::from_str(info).unwrap_or_default();
    let wire: Box<dyn Wire> = match tls {
        None if info["tls_required"] == true => {
            return Err(format!("{place} wants TLS: write tls:// in url"));
        }
        None => Box::new(tcp),
        Some(tls) => {
            let name = ServerName::try_from(host.clone()).map_err(|error| error.to_string())?;
            let secured = TlsConnector::from(tls.clone()).connect(name, tcp).await;
            Box::new(secured.map_err(unreached)?)
        }
    };
    let mut hello = json!({
        "verbose": false, "pedantic": false, "headers": true, "no_responders": true,
        "lang": "rust", "name": "tapescan", "version": env!("CARGO_PKG_VERSION"), "protocol": 1,
        "tls_required": tls.is_some(),
    });
    if let Some(token) = token {
        match user {
            Some(user) => (hello["user"], hello["pass"]) = (json!(user), json!(token.expose())),
            None => hello["auth_token"] = json!(token.expose()),
        }
    }
    let inbox = format!("_INBOX.tapescan.{}.{}", std::process::id(), clock::now().0);
    let mut connection = Connection { wire: BufStream::new(wire), inbox, published: 0 };
    let greeting = format!("CONNECT {hello}\r\nSUB {}.* 1\r\nPING\r\n", connection.inbox);
    connection.send(greeting.as_bytes()).await?;
    while connection.next().await? != Said::Pong {}
    Ok(connection)
}

impl Connection {
    /// Publishes an alert and waits until it is acknowledged.
    async fn publish(&mut self, subject: &str, stream: bool, item: &Item) -> Result<(), String> {
        self.published += 1;
        let reply = format!("{}.{}", self.inbox, self.published);
        // Symbols may have any letters, a header may not.
        let key = percent_encoded(&item.key);
        let head = format!("NATS/1.0\r\nNats-Msg-Id: {key}\r\n\r\n");
        let (begins, all) = (head.len(), head.len() + item.json.len());
        let to = if stream { format!("{subject} {reply}") } else { subject.to_owned() };
        // What comes before its answer has been taken in by the server.
        let ask = if stream { "" } else { "PING\r\n" };
        let text = format!("HPUB {to} {begins} {all}\r\n{head}{}\r\n{ask}", item.json);
        self.send(text.as_bytes()).await?;
        loop {
            match self.next().await? {
                Said::Pong => return Ok(()),
                Said::Message(to, status, body) if to == reply => return stored(&status, &body),
                _ => {}
            }
        }
    }

    async fn send(&mut self, text: &[u8]) -> Result<(), String> {
        let sent = async {
            self.wire.write_all(text).await?;
            self.wire.flush().await
        };
        sent.await.map_err(|error| format!("the connection broke: {error}"))
    }

    /// What is said next; errors are, and a question whether we are there is answered.
    async fn next(&mut self) -> Result<Said, String> {
        let said = read(&mut self.wire).await.map_err(|error| format!("the server: {error}"))?;
        match &said {
            Said::Ping => self.send(b"PONG\r\n").await?,
            Said::Error(why) => return Err(format!("the server: {why}")),
            _ => {}
        }
        Ok(said)
    }
}

/// Whether a stream has it.
fn stored(status: &str, body: &[u8]) -> Result<(), String> {
    if status.starts_with("503") {
        return Err("no stream takes this subject".to_owned());
    }
    let answer: Value = serde_json::from_slice(body).unwrap_or_default();
    match (&answer["error"], answer["seq"].as_u64()) {
        (Value::Null, Some(_)) => Ok(()),
        (Value::Null, None) => {
            Err(format!("not an answer of a stream: {status} {}", String::from_utf8_lossy(body)))
        }
        (error, _) => Err(format!("the stream: {error}")),
    }
}

/// Reads a line, and the message that follows it if one does.
async fn read(wire: &mut (impl AsyncBufRead + Unpin)) -> std::io::Result<Said> {
    let mut line = Vec::new();
    let mut limited = (&mut *wire).take(ANSWER_MAX as u64);
    limited.read_until(b'\n', &mut line).await?;
    if line.last() != Some(&b'\n') {
        return Err(std::io::ErrorKind::UnexpectedEof.into());
    }
    let line = String::from_utf8_lossy(&line);
    let mut words = line.split_whitespace();
    let verb = words.next().unwrap_or_default().to_ascii_uppercase();
    let rest: Vec<&str> = words.collect();
    let size = |from_end: usize| {
        let word = rest.len().checked_sub(from_end).and_then(|at| rest.get(at));
        let size = word.and_then(|word| word.parse().ok()).filter(|size| *size <= ANSWER_MAX);
        size.ok_or_else(|| std::io::Error::other(format!("unreadable: {}", line.trim())))
    };
    let (head, all) = match verb.as_str() {
        "INFO" => return Ok(Said::Info(rest.join(" "))),
        "PING" => return Ok(Said::Ping),
        "PONG" => return Ok(Said::Pong),
        "-ERR" => return Ok(Said::Error(rest.join(" "))),
        "MSG" => (0, size(1)?),
        "HMSG" => (size(2)?, size(1)?),
        _ => return Ok(Said::Other),
    };
    let mut body = vec![0; all + 2];
    wire.read_exact(&mut body).await?;
    let head = String::from_utf8_lossy(&body[..head.min(all)]).into_owned();
    let status = head.lines().next().unwrap_or_default().trim_start_matches("NATS/1.0").trim();
    let (to, status) = (rest.first().copied().unwrap_or_default().to_owned(), status.to_owned());
    Ok(Said::Message(to, status, body[head.len().min(all)..all].to_vec()))
}

/// The subject of an alert, which is one line of JSON.
fn subject(pattern: &str, alert: &str) -> String {
    if !pattern.contains('{') {
        return pattern.to_owned();
    }
    let alert: Value = serde_json::from_str(alert).unwrap_or_default();
    let token = |key: &str| {
        // A move in a table has that in the place of a rule.
        let text = alert[key].as_str().or_else(|| alert["table"].as_str());
        let text = text.filter(|text| !text.is_empty()).unwrap_or("none");
        let plain = |c: char| !c.is_whitespace() && !c.is_control() && !".*>".contains(c);
        text.chars().map(|c| if plain(c) { c } else { '_' }).collect::<String>()
    };
    pattern.replace("{rule}", &token("rule")).replace("{symbol}", &token("symbol"))
}

#[cfg(test)]
mod tests {
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
        assert!(stored("503", b"").unwrap_err().contains("no stream"));
        let full = br#"{"error":{"code":503,"description":"maximum bytes exceeded"},"seq":0}"#;
        assert!(stored("", full).unwrap_err().contains("maximum bytes"));
        assert!(stored("", b"thanks").unwrap_err().contains("not an answer"));
    }

    #[test]
    fn subjects_name_rule_and_symbol() {
        let alert = r#"{"rule":"surge","symbol":"A.B C*"}"#;
        assert_eq!(subject("a.{rule}.{symbol}", alert), "a.surge.A_B_C_");
        assert_eq!(subject("a.{symbol}", r#"{"symbol":""}"#), "a.none");
        assert_eq!(subject("a.{rule}", r#"{"table":"gainers"}"#), "a.gainers");
        assert_eq!(subject("plain", alert), "plain");
    }
}
