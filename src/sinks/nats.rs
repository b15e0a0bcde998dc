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
    /// Bytes of headers and alert that the server takes, if it says so.
    payload_max: Option<u64>,
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
                // A server that was started anew is found out by the first that is sent to it. What
                // an old connection says may be about itself, and not about the alert.
                Err(_) if used => {
                    *connection = None;
                    publish(settings, connection, item).await
                }
                done => done,
            }
        };
        let done = runtime.block_on(async { timeout(within, work).await });
        done.unwrap_or_else(|_| Err(Trouble::late(within))).map_err(|trouble| {
            // What it still says belongs to nothing that is sent later.
            *connection = None;
            trouble.told(|why| match &settings.token {
                Some(token) => token.redact(&why),
                None => why,
            })
        })
    }
}

async fn publish(
    settings: &Settings,
    connection: &mut Option<Connection>,
    item: &Item,
) -> Result<(), Trouble> {
    let connection = match connection {
        Some(connection) => connection,
        None => connection.insert(connect(settings).await?),
    };
    let subject = subject(&settings.subject, &item.json);
    connection.publish(&subject, settings.stream, item).await
}

async fn connect(settings: &Settings) -> Result<Connection, Trouble> {
    let Settings { host, port, tls, stream, user, token, .. } = settings;
    let place = format!("{host}:{port}");
    let unreached = |error: std::io::Error| Trouble::passing(format!("{place}: {error}"));
    let mut tcp = TcpStream::connect((host.as_str(), *port)).await.map_err(unreached)?;
    tcp.set_nodelay(true).map_err(unreached)?;
    // Byte by byte: what comes after this line may belong to TLS.
    let mut line = Vec::new();
    while line.last() != Some(&b'\n') && line.len() < ANSWER_MAX {
        line.push(tcp.read_u8().await.map_err(unreached)?);
    }
    let text = String::from_utf8_lossy(&line);
    let info = text.strip_prefix("INFO ");
    let info = info.ok_or_else(|| Trouble::passing(format!("{place} is no NATS server")))?;
    let info: Value = serde_json::from_str(info).unwrap_or_default();
    let wire: Box<dyn Wire> = match tls {
        None if info["tls_required"] == true => {
            return Err(Trouble::passing(format!("{place} wants TLS: write tls:// in url")));
        }
        None => Box::new(tcp),
        Some(tls) => {
            let name = ServerName::try_from(host.clone());
            let name = name.map_err(|error| Trouble::passing(error.to_string()))?;
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
    // Whoever may publish alone may not listen: only a stream answers there.
    let listen = if *stream { format!("SUB {inbox}.* 1\r\n") } else { String::new() };
    let payload_max = info["max_payload"].as_u64();
    let wire = BufStream::new(wire);
    let mut connection = Connection { wire, inbox, published: 0, payload_max };
    let greeting = format!("CONNECT {hello}\r\n{listen}PING\r\n");
    connection.send(greeting.as_bytes()).await?;
    while connection.next().await? != Said::Pong {}
    Ok(connection)
}

impl Connection {
    /// Publishes an alert and waits until it is acknowledged.
    async fn publish(&mut self, subject: &str, stream: bool, item: &Item) -> Result<(), Trouble> {
        self.published += 1;
        let reply = format!("{}.{}", self.inbox, self.published);
        // Symbols may have any letters, a header may not.
        let key = percent_encoded(&item.key);
        let head = format!("NATS/1.0\r\nNats-Msg-Id: {key}\r\n\r\n");
        let (begins, all) = (head.len(), head.len() + item.json.len());
        if let Some(most) = self.payload_max.filter(|most| all as u64 > *most) {
            let why = format!("{all} bytes, and the server takes {most} at most");
            return Err(Trouble::Refused(why));
        }
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

    async fn send(&mut self, text: &[u8]) -> Result<(), Trouble> {
        let sent = async {
            self.wire.write_all(text).await?;
            self.wire.flush().await
        };
        let broke = |error| Trouble::passing(format!("the connection broke: {error}"));
        sent.await.map_err(broke)
    }

    /// What is said next; errors are, and a question whether we are there is answered.
    async fn next(&mut self) -> Result<Said, Trouble> {
        let said = read(&mut self.wire).await;
        let said = said.map_err(|error| Trouble::passing(format!("the server: {error}")))?;
        match &said {
            Said::Ping => self.send(b"PONG\r\n").await?,
            Said::Error(why) => return Err(trouble(why)),
            _ => {}
        }
        Ok(said)
    }
}

/// What a server says that will be the same every time, in the words of its protocol. All else may
/// pass.
const REFUSALS: &[&str] = &[
    "authorization violation",
    "user authentication revoked",
    "authentication expired",
    "permissions violation",
    "maximum payload violation",
    "maximum control line exceeded",
    "invalid publish subject",
    "invalid subject",
];

/// The same of a stream, by its numbers: a message or a header that is too large, and a stream
/// that is sealed.
const STREAM_REFUSALS: &[u64] = &[10_054, 10_097, 10_109];

/// What an error of the server is.
fn trouble(said: &str) -> Trouble {
    let (why, plain) = (format!("the server: {said}"), said.to_ascii_lowercase());
    match REFUSALS.iter().any(|refusal| plain.contains(refusal)) {
        true => Trouble::Refused(why),
        false => Trouble::passing(why),
    }
}

/// Whether a stream has it.
fn stored(status: &str, body: &[u8]) -> Result<(), Trouble> {
    if status.starts_with("503") {
        return Err(Trouble::passing("no stream takes this subject"));
    }
    let answer: Value = serde_json::from_slice(body).unwrap_or_default();
    match (&answer["error"], answer["seq"].as_u64()) {
        (Value::Null, Some(_)) => Ok(()),
        (Value::Null, None) => {
            let body = String::from_utf8_lossy(body);
            Err(Trouble::passing(format!("not an answer of a stream: {status} {body}")))
        }
        (error, _) => {
            let (why, number) = (format!("the stream: {error}"), error["err_code"].as_u64());
            match number.is_some_and(|number| STREAM_REFUSALS.contains(&number)) {
                true => Err(Trouble::Refused(why)),
                false => Err(Trouble::passing(why)),
            }
        }
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
mod tests;
