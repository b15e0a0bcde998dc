//! One port for everything: requests, upgrades, and TLS where it is wanted.

use std::convert::Infallible;
use std::net::{IpAddr, SocketAddr};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::header::{self, HeaderValue};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use systems::units::Nanos;
use tokio::io::AsyncWriteExt;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::time::{sleep, timeout};
use tokio_rustls::TlsAcceptor;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;

use super::clock::VenueClock;
use super::connection;
use super::hub::Hub;
use super::kinds::Kind;
use super::links::Order;
use super::query::{Query, decoded};
use super::rest::{self, Answer};
use super::schedule::Schedule;
use super::socket::Socket;
use super::subscriptions::{Route, STREAMS_MAX, Wishes};
use super::text::TimeUnit;
use crate::venue::Venue;

/// A client has so long for its TLS handshake.
const HANDSHAKE_WITHIN: Duration = Duration::from_secs(10);

/// A connection that asks nothing is closed after this.
const IDLE: Duration = Duration::from_secs(60);

/// The longest the exchange sleeps between two looks at what is due.
const NAP: Duration = Duration::from_millis(50);

/// The shortest: prints are due by the millisecond, and others want to run, too.
const STEP: Duration = Duration::from_millis(1);

/// What all parts of the server share.
pub(super) struct Shared {
    hub: Mutex<Hub>,
    /// The same as the hub's, for those who need nothing else.
    pub(super) schedule: Schedule,
    pub(super) clock: VenueClock,
    pub(super) lifetime_ns: u64,
    lag_ns: u64,
    /// Requests and connections so far, which faults choose from.
    requests: AtomicU64,
}

impl Shared {
    pub(super) fn new(hub: Hub, clock: VenueClock, lifetime_ns: u64, lag_ns: u64) -> Self {
        let schedule = hub.schedule.clone();
        let (hub, requests) = (Mutex::new(hub), AtomicU64::new(0));
        Self { hub, schedule, clock, lifetime_ns, lag_ns, requests }
    }

    /// The exchange's state. It is never locked across a wait.
    pub(super) fn hub(&self) -> MutexGuard<'_, Hub> {
        self.hub.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Numbers a request.
    fn next_key(&self) -> u64 {
        self.requests.fetch_add(1, Ordering::Relaxed)
    }
}

/// Serves until told to stop.
pub(super) async fn run(
    shared: Arc<Shared>,
    listener: TcpListener,
    tls: Option<TlsAcceptor>,
    mut stop: watch::Receiver<bool>,
) {
    let pump = tokio::spawn(pump(shared.clone()));
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((tcp, from)) => {
                    tokio::spawn(client(shared.clone(), tcp, from, tls.clone()));
                }
                // Such as too many open files: it may pass, and must not spin.
                Err(error) => {
                    log::warn!("a connection cannot be accepted: {error}");
                    sleep(NAP).await;
                }
            },
            _ = stop.changed() => break,
        }
    }
    pump.abort();
    shared.hub().order(None, || Order::Close(1001, "the exchange stops"));
    sleep(NAP).await;
}

/// Moves the exchange along with the clock.
async fn pump(shared: Arc<Shared>) {
    loop {
        let wait = {
            let mut hub = shared.hub();
            let now = shared.clock.now();
            hub.pump(now);
            shared.clock.wall(hub.next_due().0.saturating_sub(now.0))
        };
        sleep(wait.clamp(STEP, NAP)).await;
    }
}

/// One TCP connection: requests, and perhaps an upgrade at last.
async fn client(shared: Arc<Shared>, tcp: TcpStream, from: SocketAddr, tls: Option<TlsAcceptor>) {
    drop(tcp.set_nodelay(true));
    let socket = match tls {
        None => Socket::Plain(tcp),
        Some(acceptor) => match secured(&shared, tcp, &acceptor).await {
            Some(socket) => socket,
            None => return,
        },
    };
    let service = service_fn(|request| {
        let shared = shared.clone();
        async move { Ok::<_, Infallible>(respond(shared, request, from.ip()).await) }
    });
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new()).header_read_timeout(IDLE);
    let served = http.serve_connection(TokioIo::new(socket), service).with_upgrades().await;
    if let Err(error) = served {
        log::debug!("a client ends: {error}");
    }
}

async fn secured(shared: &Shared, mut tcp: TcpStream, acceptor: &TlsAcceptor) -> Option<Socket> {
    let (now, key) = (shared.clock.now(), shared.next_key());
    if shared.schedule.hit(Kind::TlsFailure, now, key).is_some() {
        // An alert that means internal error, without a handshake before it.
        drop(tcp.write_all(&[0x15, 0x03, 0x03, 0x00, 0x02, 0x02, 0x50]).await);
        return None;
    }
    match timeout(HANDSHAKE_WITHIN, acceptor.accept(tcp)).await {
        Ok(Ok(tls)) => Some(Socket::Tls(Box::new(tls))),
        Ok(Err(error)) => {
            log::debug!("no TLS: {error}");
            None
        }
        Err(_) => None,
    }
}

type Reply = Response<Full<Bytes>>;

async fn respond(shared: Arc<Shared>, request: Request<Incoming>, ip: IpAddr) -> Reply {
    let upgrade = request.headers().get(header::UPGRADE);
    if upgrade.is_some_and(|to| to.as_bytes().eq_ignore_ascii_case(b"websocket")) {
        return upgraded(shared, request, ip);
    }
    let path = request.uri().path().to_owned();
    let query = Query::parse(request.uri().query().unwrap_or_default());
    let wants_us = request.headers().get("X-MBX-TIME-UNIT");
    let wants_us =
        wants_us.is_some_and(|unit| unit.as_bytes().eq_ignore_ascii_case(b"MICROSECOND"));
    let asked = rest::Request {
        ip,
        path,
        query,
        unit: if wants_us { TimeUnit::Us } else { TimeUnit::Ms },
        has_key: request.headers().contains_key("X-MBX-APIKEY"),
    };
    let key = shared.next_key();
    let answer = {
        let mut hub = shared.hub();
        let now = shared.clock.now();
        hub.pump(now);
        rest::answer(&mut hub, &asked, now, shared.lag_ns, key)
    };
    if answer.later_ns > 0 {
        sleep(shared.clock.wall(answer.later_ns)).await;
    }
    reply(&shared.clock, answer)
}

fn reply(clock: &VenueClock, answer: Answer) -> Reply {
    let mut reply = plain(answer.status, answer.body);
    let headers = reply.headers_mut();
    let kind = if answer.json { "application/json;charset=UTF-8" } else { "text/html" };
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    headers.insert("x-mbx-used-weight", HeaderValue::from(answer.used));
    headers.insert("x-mbx-used-weight-1m", HeaderValue::from(answer.used));
    if let Some(retry_ns) = answer.retry_ns {
        headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds(clock, retry_ns)));
    }
    reply
}

/// Whole seconds of the client's own time, rounded up.
fn seconds(clock: &VenueClock, ns: u64) -> u64 {
    clock.wall(ns).as_millis().div_ceil(1_000) as u64
}

fn plain(status: u16, body: impl Into<Bytes>) -> Reply {
    let mut reply = Response::new(Full::new(body.into()));
    *reply.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::BAD_GATEWAY);
    reply
}

/// Answers an upgrade, and serves the connection that comes of it.
fn upgraded(shared: Arc<Shared>, mut request: Request<Incoming>, ip: IpAddr) -> Reply {
    let (now, key) = (shared.clock.now(), shared.next_key());
    if let Some(fault) = shared.schedule.hit(Kind::RefuseUpgrade, now, key) {
        return plain(fault.status, "refused");
    }
    if let Err(retry_ns) = shared.hub().weights.connect(ip, now) {
        let mut reply = plain(429, "too many connections");
        let retry = HeaderValue::from(seconds(&shared.clock, retry_ns));
        reply.headers_mut().insert(header::RETRY_AFTER, retry);
        return reply;
    }
    let venue = shared.hub().market.venue;
    let Some(wishes) = wishes(venue, request.uri().path(), request.uri().query()) else {
        return plain(404, "no such stream");
    };
    if wishes.names.len() > STREAMS_MAX {
        return plain(400, "too many streams");
    }
    let accept = match request.headers().get(header::SEC_WEBSOCKET_KEY) {
        Some(key) => derive_accept_key(key.as_bytes()),
        None => return plain(400, "no Sec-WebSocket-Key"),
    };
    let coming = hyper::upgrade::on(&mut request);
    tokio::spawn(async move {
        let Ok(upgraded) = coming.await else { return };
        let Ok(parts) = upgraded.downcast::<TokioIo<Socket>>() else { return };
        connection::serve(shared, parts.io.into_inner(), parts.read_buf, wishes, ip).await;
    });
    let mut reply = plain(101, "");
    let headers = reply.headers_mut();
    headers.insert(header::UPGRADE, HeaderValue::from_static("websocket"));
    headers.insert(header::CONNECTION, HeaderValue::from_static("Upgrade"));
    if let Ok(accept) = HeaderValue::from_str(&accept) {
        headers.insert(header::SEC_WEBSOCKET_ACCEPT, accept);
    }
    reply
}

/// What a connection asks for by its path and query; `None` for a path that is no stream.
fn wishes(venue: Venue, path: &str, query: Option<&str>) -> Option<Wishes> {
    let query = Query::parse(query.unwrap_or_default());
    let (route, rest) = match venue {
        Venue::BinanceSpot => (Route::Market, path),
        Venue::BinanceUsdm => {
            if let Some(rest) = path.strip_prefix("/market") {
                (Route::Market, rest)
            } else if let Some(rest) = path.strip_prefix("/public") {
                (Route::Public, rest)
            } else {
                (Route::Silent, path)
            }
        }
    };
    let (combined, names) = match rest.trim_end_matches('/') {
        "/stream" => (true, query.get("streams").unwrap_or_default().to_owned()),
        "/ws" => (false, String::new()),
        raw => (false, decoded(raw.strip_prefix("/ws/")?)),
    };
    let us = query.get("timeUnit").is_some_and(|unit| unit.eq_ignore_ascii_case("microsecond"));
    let unit = if us { TimeUnit::Us } else { TimeUnit::Ms };
    let mut seen = Vec::new();
    for name in names.split('/').filter(|name| !name.is_empty()) {
        if !seen.contains(&name) {
            seen.push(name);
        }
    }
    let names = seen.into_iter().map(str::to_owned).collect();
    Some(Wishes { route, combined, unit, names })
}

/// Nanoseconds in the venue's day, after which it ends connections.
pub(super) const DAY_NS: u64 = Nanos::PER_DAY;
