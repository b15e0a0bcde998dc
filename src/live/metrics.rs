//! What a session counts and measures, for Prometheus to fetch: `GET /metrics` on an address of the
//! configuration.
//!
//! Whoever fetches reads what the session publishes anyway, on a thread of its own: a slow or
//! greedy client takes processor time, and holds up neither sockets nor the engine.

mod exposed;

use std::net::SocketAddr;
use std::sync::Arc;

use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::header::{CONTENT_TYPE, HeaderValue};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use prometheus_client::encoding::text::encode;
use prometheus_client::registry::Registry;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};
use tokio::task::{AbortHandle, JoinHandle, spawn_blocking};
use tokio::time::{sleep, timeout};

use super::limits::{METRICS_CLIENTS, METRICS_HEAD, METRICS_PAUSE, METRICS_WITHIN};
use super::{LiveError, Status};
use crate::latency::View;
use crate::rest::desk::Snapshot;
use crate::sinks::Telling;
use exposed::Exposed;

/// The path that is served.
const PATH: &str = "/metrics";

/// What the text that is served is called.
const TEXT: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// Where the numbers come from.
#[derive(Clone)]
pub(super) struct Sources {
    pub(super) status: watch::Receiver<Status>,
    pub(super) rest: watch::Receiver<Snapshot>,
    pub(super) latency: View,
    /// How the sinks stand, without their alerts.
    pub(super) told: watch::Receiver<Telling>,
}

/// The address, taken; clients are not answered yet.
///
/// # Errors
/// The address is in use or is not this machine's.
pub(super) async fn listen(address: Option<SocketAddr>) -> Result<Option<TcpListener>, LiveError> {
    let Some(address) = address else { return Ok(None) };
    let taken = TcpListener::bind(address).await;
    let listener = taken.map_err(|error| LiveError::Listen { address, error })?;
    if !address.ip().is_loopback() {
        log::warn!("[http] listen: whoever reaches {address} can read this session's numbers");
    }
    Ok(Some(listener))
}

/// Answers until this is dropped.
pub(super) struct Serving(AbortHandle);

impl Serving {
    /// Whether nobody answers any more.
    pub(super) fn has_ended(&self) -> bool {
        self.0.is_finished()
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// Serves the numbers.
pub(super) fn serve(listener: TcpListener, sources: Sources) -> Serving {
    if let Ok(address) = listener.local_addr() {
        log::info!("metrics at http://{address}{PATH}");
    }
    let mut registry = Registry::with_prefix("tapescan");
    registry.register_collector(Box::new(Exposed(sources)));
    let task: JoinHandle<()> = tokio::spawn(accept(listener, Arc::new(registry)));
    Serving(task.abort_handle())
}

async fn accept(listener: TcpListener, registry: Arc<Registry>) {
    let room = Arc::new(Semaphore::new(METRICS_CLIENTS));
    loop {
        let Ok(place) = room.clone().acquire_owned().await else { return };
        match listener.accept().await {
            Ok((tcp, _)) => {
                let registry = registry.clone();
                tokio::spawn(async move {
                    // Who does not read, or sends half a request, gives its place to another.
                    let _ = timeout(METRICS_WITHIN, client(tcp, registry)).await;
                    drop(place);
                });
            }
            Err(error) => {
                log::warn!("metrics: a client is not taken: {error}");
                sleep(METRICS_PAUSE).await;
            }
        }
    }
}

async fn client(tcp: TcpStream, registry: Arc<Registry>) {
    let service = service_fn(|request: Request<Incoming>| {
        let registry = registry.clone();
        // Some milliseconds of work, which sockets must not wait for.
        async move {
            let answered = spawn_blocking(move || answer(&request, &registry)).await;
            answered.map_err(std::io::Error::other)
        }
    });
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new()).header_read_timeout(METRICS_HEAD).keep_alive(false);
    if let Err(error) = http.serve_connection(TokioIo::new(tcp), service).await {
        log::debug!("metrics: a client ends: {error}");
    }
}

fn answer<B>(request: &Request<B>, registry: &Registry) -> Response<Full<Bytes>> {
    let get = matches!(*request.method(), Method::GET | Method::HEAD);
    let (status, text) = match (request.uri().path(), get) {
        (PATH, true) => {
            let mut text = String::new();
            match encode(&mut text, registry) {
                Ok(()) => (StatusCode::OK, text),
                Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, error.to_string()),
            }
        }
        (PATH, false) => (StatusCode::METHOD_NOT_ALLOWED, "GET only\n".to_owned()),
        _ => (StatusCode::NOT_FOUND, format!("the numbers are at {PATH}\n")),
    };
    let good = status == StatusCode::OK;
    let mut response = Response::new(Full::new(Bytes::from(text)));
    *response.status_mut() = status;
    let kind = if good { TEXT } else { "text/plain; charset=utf-8" };
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    response
}
