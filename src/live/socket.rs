//! One WebSocket connection: dialled, read to its first error, never mended.
//!
//! The library answers pings by itself. Whoever wants another connection dials another one.

use std::sync::Arc;
use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::ClientConfig;
use tokio_rustls::rustls::pki_types::ServerName;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::error::ProtocolError;
use tokio_tungstenite::tungstenite::http::Uri;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::tungstenite::{Error, Message, Utf8Bytes};
use tokio_tungstenite::{WebSocketStream, client_async_with_config};

use super::Clock;
use super::event::{Event, Socket};
use super::inbox::Sender;
use super::limits::{DIAL, MESSAGE_MAX, READ_BUFFER};
use crate::link::Why;
use crate::tls::distrust;

/// A frame's text, sharing the memory into which it was read.
pub type Text = Utf8Bytes;

/// What is to be sent over a socket.
#[derive(Debug)]
pub(crate) enum Outgoing {
    Text(String),
    Ping,
}

/// What all sockets share.
#[derive(Clone)]
pub(crate) struct Shared {
    pub(crate) inbox: Sender,
    pub(crate) clock: Clock,
    /// How TLS is spoken; `None` for a venue on this machine that does not.
    pub(crate) tls: Option<Arc<ClientConfig>>,
}

/// A connection over whatever carries it.
trait Carrier: AsyncRead + AsyncWrite + Unpin + Send {}

impl<T: AsyncRead + AsyncWrite + Unpin + Send> Carrier for T {}

type Stream = WebSocketStream<Box<dyn Carrier>>;

/// Lives a connection from dialling to its end, which is always told.
pub(crate) async fn run(
    socket: Socket,
    url: String,
    outgoing: mpsc::Receiver<Outgoing>,
    shared: Shared,
) {
    let dialled = match tokio::time::timeout(DIAL, dial(&url, shared.tls.as_ref())).await {
        Ok(dialled) => dialled,
        Err(_) => Err(Why::ConnectTimeout),
    };
    let why = match dialled {
        Ok(stream) => {
            if !shared.inbox.put(Event::Connected(socket, (shared.clock)())).await {
                return;
            }
            live(socket, stream, outgoing, &shared).await
        }
        Err(why) => why,
    };
    shared.inbox.put(Event::Closed(socket, (shared.clock)(), why)).await;
}

async fn live(
    socket: Socket,
    mut stream: Stream,
    mut outgoing: mpsc::Receiver<Outgoing>,
    shared: &Shared,
) -> Why {
    loop {
        let message = tokio::select! {
            message = stream.next() => message,
            Some(text) = outgoing.recv() => {
                let message = match text {
                    Outgoing::Text(text) => Message::text(text),
                    Outgoing::Ping => Message::Ping(Default::default()),
                };
                match stream.send(message).await {
                    Ok(()) => continue,
                    Err(error) => return ended(&error),
                }
            }
        };
        let at = (shared.clock)();
        let event = match message {
            Some(Ok(Message::Text(text))) => Event::Frame(socket, at, text),
            Some(Ok(Message::Ping(payload))) => Event::Ping(socket, at, payload[..].into()),
            Some(Ok(Message::Pong(_))) => Event::Pong(socket, at),
            Some(Ok(Message::Close(frame))) => {
                return frame.map_or(Why::Broken, |frame| Why::Closed(frame.code.into()));
            }
            // No venue that we know sends bytes.
            Some(Ok(Message::Binary(_) | Message::Frame(_))) => return Why::Protocol,
            Some(Err(error)) => return ended(&error),
            None => return Why::Broken,
        };
        if !shared.inbox.put(event).await {
            return Why::Stopped;
        }
    }
}

async fn dial(url: &str, tls: Option<&Arc<ClientConfig>>) -> Result<Stream, Why> {
    let request = url.into_client_request().map_err(|error| refused(&error))?;
    let (host, port, secure) = place(request.uri()).ok_or(Why::NotAccepted)?;
    let tcp = TcpStream::connect((host.as_str(), port)).await.map_err(|error| {
        log::debug!("{host}:{port}: {error}");
        Why::Unreachable
    })?;
    // Commands are small and must not wait for one another.
    let _ = tcp.set_nodelay(true);
    let carrier: Box<dyn Carrier> = match (secure, tls) {
        (false, _) => Box::new(tcp),
        (true, None) => return Err(Why::NotAccepted),
        (true, Some(tls)) => {
            let name = ServerName::try_from(host.clone()).map_err(|_| Why::NotAccepted)?;
            let connector = TlsConnector::from(tls.clone());
            Box::new(connector.connect(name, tcp).await.map_err(|error| {
                let told = distrust(&error).unwrap_or_else(|| error.to_string());
                log::warn!("{host}:{port}: {told}");
                // What TLS itself refuses does not mend; a cut line does.
                let refused = error.kind() == std::io::ErrorKind::InvalidData;
                if refused { Why::NotAccepted } else { Why::Unreachable }
            })?)
        }
    };
    let config = WebSocketConfig::default()
        .read_buffer_size(READ_BUFFER)
        .max_frame_size(Some(MESSAGE_MAX))
        .max_message_size(Some(MESSAGE_MAX));
    let upgraded = client_async_with_config(request, carrier, Some(config)).await;
    upgraded.map(|(stream, _)| stream).map_err(|error| refused(&error))
}

/// Host, port and whether TLS is spoken.
fn place(uri: &Uri) -> Option<(String, u16, bool)> {
    let secure = match uri.scheme_str()? {
        "wss" => true,
        "ws" => false,
        _ => return None,
    };
    let host = uri.host()?.trim_start_matches('[').trim_end_matches(']').to_owned();
    Some((host, uri.port_u16().unwrap_or(if secure { 443 } else { 80 }), secure))
}

/// Why there is no connection.
fn refused(error: &Error) -> Why {
    log::debug!("not upgraded: {error}");
    let Error::Http(response) = error else {
        return match error {
            Error::Url(_) | Error::HttpFormat(_) => Why::NotAccepted,
            _ => Why::Unreachable,
        };
    };
    let retry_after = response.headers().get("retry-after").and_then(|value| value.to_str().ok());
    match (response.status().as_u16(), retry_after.and_then(|text| text.trim().parse().ok())) {
        (_, Some(seconds)) => Why::RetryAfter(Duration::from_secs(seconds).as_nanos() as u64),
        (500.., None) => Why::Unreachable,
        _ => Why::NotAccepted,
    }
}

/// Why a connection ended.
fn ended(error: &Error) -> Why {
    log::debug!("connection ended: {error}");
    match error {
        Error::Protocol(ProtocolError::ResetWithoutClosingHandshake) => Why::Broken,
        Error::Capacity(_) | Error::Protocol(_) | Error::Utf8(_) => Why::Protocol,
        _ => Why::Broken,
    }
}
