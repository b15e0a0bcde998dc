//! One WebSocket connection: what it sends, what it hears, and how it ends.

use std::collections::VecDeque;
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use systems::units::Nanos;
use tokio::io::AsyncWriteExt;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use tokio::time::{sleep, timeout};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::tungstenite::protocol::{CloseFrame, Role, WebSocketConfig};
use tokio_tungstenite::tungstenite::{Bytes, Error, Message, Utf8Bytes};

use super::kinds::Kind;
use super::links::Order;
use super::server::Shared;
use super::socket::Socket;
use super::subscriptions::Wishes;
use crate::venue::Venue;

/// A client may not take longer than this to read what waits for it.
const WRITE_WITHIN: Duration = Duration::from_secs(10);

/// A client has so long to answer a close frame.
const CLOSE_WITHIN: Duration = Duration::from_secs(1);

/// How often a half-open connection looks whether it is whole again, in venue time.
const LOOK_NS: u64 = 100 * Nanos::PER_MS;

/// Commands are short; the longest names 1024 streams.
const MESSAGE_MAX: usize = 64 << 10;

/// How often the server pings, and for how long it waits for an answer.
#[derive(Clone, Copy, Debug)]
struct Pings {
    every_ns: u64,
    within_ns: u64,
}

impl Pings {
    fn of(venue: Venue) -> Self {
        let minutes = |minutes: u64| minutes * 60 * Nanos::PER_SECOND;
        match venue {
            Venue::BinanceSpot => Self { every_ns: 20 * Nanos::PER_SECOND, within_ns: minutes(1) },
            Venue::BinanceUsdm => Self { every_ns: minutes(3), within_ns: minutes(10) },
        }
    }
}

/// Why a connection ends.
enum End {
    /// With a close frame, or without where the code is 0.
    Close(u16, &'static str),
    /// In the middle of a frame of this text; by a reset, or else by an end.
    Torn(Utf8Bytes, bool),
    /// The client is gone, or nothing can be written to it.
    Gone,
}

impl From<Error> for End {
    fn from(_: Error) -> Self {
        Self::Gone
    }
}

struct Connection {
    shared: Arc<Shared>,
    number: u32,
    ip: IpAddr,
    ws: WebSocketStream<Socket>,
    orders: UnboundedReceiver<Order>,
    backlog: Arc<AtomicUsize>,
    pings: Pings,
    next_ping: Nanos,
    /// Pings without an answer, oldest first.
    unanswered: VecDeque<(Nanos, Bytes)>,
    expires: Nanos,
    /// The second of the last message heard, and how many were heard in it.
    heard: (u64, u32),
    /// Messages that a slow connection has not sent, and how many it may send.
    behind: VecDeque<Utf8Bytes>,
    credit: f64,
}

/// Serves one connection until it ends.
pub(super) async fn serve(
    shared: Arc<Shared>,
    socket: Socket,
    read: Bytes,
    wishes: Wishes,
    ip: IpAddr,
) {
    let config = WebSocketConfig::default()
        .read_buffer_size(8 << 10)
        .max_frame_size(Some(MESSAGE_MAX))
        .max_message_size(Some(MESSAGE_MAX));
    let ws =
        WebSocketStream::from_partially_read(socket, read.to_vec(), Role::Server, Some(config))
            .await;
    let (to, orders) = unbounded_channel();
    let backlog = Arc::new(AtomicUsize::new(0));
    let (venue, number) = {
        let mut hub = shared.hub();
        (hub.market.venue, hub.open(wishes, to, backlog.clone()))
    };
    log::debug!("connection {number} opens");
    let (now, pings) = (shared.clock.now(), Pings::of(venue));
    let mut connection = Connection {
        number,
        ip,
        ws,
        orders,
        backlog,
        pings,
        next_ping: now.plus(pings.every_ns),
        unanswered: VecDeque::new(),
        expires: now.plus(shared.lifetime_ns),
        heard: (0, 0),
        behind: VecDeque::new(),
        credit: 0.0,
        shared: shared.clone(),
    };
    let end = connection.run().await;
    shared.hub().close(number);
    log::debug!("connection {number} ends");
    connection.end(end).await;
}

impl Connection {
    async fn run(&mut self) -> End {
        loop {
            let now = self.shared.clock.now();
            let step = if self.is_half_open(now) {
                self.hear_nothing().await
            } else {
                let wait = self.shared.clock.wall(self.deadline().0.saturating_sub(now.0));
                tokio::select! {
                    order = self.orders.recv() => self.obey(order).await,
                    message = self.ws.next() => self.hear(message).await,
                    () = sleep(wait) => self.pass().await,
                }
            };
            if let Err(end) = step {
                return end;
            }
        }
    }

    fn is_half_open(&self, now: Nanos) -> bool {
        self.shared.schedule.on_link(Kind::HalfOpen, now, self.number).is_some()
    }

    /// While nothing crosses the connection, orders to end it are all that counts.
    async fn hear_nothing(&mut self) -> Result<(), End> {
        tokio::select! {
            order = self.orders.recv() => match order {
                Some(Order::Send(texts)) => {
                    self.backlog.fetch_sub(texts.len(), Ordering::Relaxed);
                    Ok(())
                }
                Some(Order::Close(..)) | None => Err(End::Gone),
                Some(_) => Ok(()),
            },
            () = sleep(self.shared.clock.wall(LOOK_NS)) => Ok(()),
        }
    }

    /// When time alone makes something happen.
    fn deadline(&self) -> Nanos {
        let pong = self.unanswered.front().map(|(at, _)| at.plus(self.pings.within_ns));
        self.next_ping.min(self.expires).min(pong.unwrap_or(self.expires))
    }

    /// Pings are due, or an answer is overdue, or a day is over.
    async fn pass(&mut self) -> Result<(), End> {
        let now = self.shared.clock.now();
        if now >= self.expires {
            return Err(End::Close(1001, "connections last a day"));
        }
        let oldest = self.unanswered.front();
        if oldest.is_some_and(|(at, _)| at.plus(self.pings.within_ns) <= now) {
            return Err(End::Close(1008, "Pong timeout"));
        }
        if now >= self.next_ping {
            let payload = Bytes::from(now.ms().to_string());
            self.unanswered.push_back((now, payload.clone()));
            self.next_ping = now.plus(self.pings.every_ns);
            self.ws.send(Message::Ping(payload)).await?;
        }
        Ok(())
    }

    async fn obey(&mut self, order: Option<Order>) -> Result<(), End> {
        match order {
            Some(Order::Send(texts)) => self.send(texts).await,
            Some(Order::Close(code, reason)) => Err(End::Close(code, reason)),
            Some(Order::CutFrame(text)) => Err(End::Torn(text, false)),
            Some(Order::Reset(text)) => Err(End::Torn(text, true)),
            Some(Order::Oversized(bytes)) => {
                let rest = bytes.saturating_sub(22) as usize;
                let text = format!("{{\"e\":\"trade\",\"big\":\"{}\"}}", "x".repeat(rest));
                self.write([text.into()]).await
            }
            None => Err(End::Gone),
        }
    }

    /// Sends messages, all of them or as many as a slow connection may.
    async fn send(&mut self, texts: Vec<Utf8Bytes>) -> Result<(), End> {
        let (now, count) = (self.shared.clock.now(), texts.len());
        let slow = self.shared.schedule.on_link(Kind::Slow, now, self.number);
        if slow.is_none() && self.behind.is_empty() {
            return self.write(texts).await;
        }
        self.behind.extend(texts);
        let ready = match slow {
            Some(fault) => {
                self.credit += count as f64 * fault.to;
                let whole = self.credit as usize;
                self.credit -= whole as f64;
                whole.min(self.behind.len())
            }
            None => self.behind.len(),
        };
        let ready: Vec<_> = self.behind.drain(..ready).collect();
        self.write(ready).await
    }

    async fn write(&mut self, texts: impl IntoIterator<Item = Utf8Bytes>) -> Result<(), End> {
        let mut count = 0;
        let all = async {
            for text in texts {
                count += 1;
                self.ws.feed(Message::Text(text)).await?;
            }
            self.ws.flush().await
        };
        let written = timeout(WRITE_WITHIN, all).await;
        let waiting = self.backlog.load(Ordering::Relaxed);
        self.backlog.fetch_sub(count.min(waiting), Ordering::Relaxed);
        written.map_err(|_| End::Gone)?.map_err(End::from)
    }

    async fn hear(&mut self, message: Option<Result<Message, Error>>) -> Result<(), End> {
        let Some(Ok(message)) = message else { return Err(End::Gone) };
        let now = self.shared.clock.now();
        if self.heard.0 != now.seconds() {
            self.heard = (now.seconds(), 0);
        }
        self.heard.1 += 1;
        let most = self.shared.hub().weights.limits().messages;
        if self.heard.1 > most {
            self.shared.hub().weights.cut(self.ip, now);
            return Err(End::Close(1008, "Too many requests"));
        }
        match message {
            Message::Text(text) => {
                let answer = self.shared.hub().obey(self.number, &text);
                if let Some(answer) = answer {
                    self.ws.send(Message::Text(answer.into())).await?;
                }
                Ok(())
            }
            Message::Pong(payload) => {
                // A pong answers its ping and those before it; any other is unasked for.
                if let Some(at) = self.unanswered.iter().position(|(_, sent)| *sent == payload) {
                    self.unanswered.drain(..=at);
                }
                Ok(())
            }
            Message::Close(_) => Err(End::Gone),
            Message::Binary(_) => Err(End::Close(1003, "text only")),
            // The library answers pings by itself.
            Message::Ping(_) | Message::Frame(_) => Ok(()),
        }
    }

    async fn end(mut self, end: End) {
        match end {
            End::Gone | End::Close(0, _) => {
                drop(timeout(CLOSE_WITHIN, self.ws.get_mut().shutdown()).await);
            }
            End::Close(code, reason) => {
                let frame = CloseFrame { code: CloseCode::from(code), reason: reason.into() };
                let answered = async {
                    self.ws.close(Some(frame)).await?;
                    while let Some(Ok(_)) = self.ws.next().await {}
                    Ok::<(), Error>(())
                };
                drop(timeout(CLOSE_WITHIN, answered).await);
            }
            End::Torn(text, reset) => {
                let frame = torn(&text);
                let socket = self.ws.get_mut();
                drop(timeout(WRITE_WITHIN, socket.write_all(&frame)).await);
                drop(timeout(CLOSE_WITHIN, socket.flush()).await);
                if reset {
                    // Closing without lingering is what makes a reset of it.
                    if let Err(error) = socket.tcp().set_zero_linger() {
                        log::warn!("no reset: {error}");
                    }
                } else {
                    drop(timeout(CLOSE_WITHIN, socket.shutdown()).await);
                }
            }
        }
    }
}

/// The first half of a frame with this text.
fn torn(text: &str) -> Vec<u8> {
    let mut frame = vec![0x81];
    match text.len() {
        length @ ..126 => frame.push(length as u8),
        length => {
            frame.push(126);
            frame.extend((length.min(usize::from(u16::MAX)) as u16).to_be_bytes());
        }
    }
    frame.extend(&text.as_bytes()[..text.len() / 2]);
    frame
}
