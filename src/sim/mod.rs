//! A simulated exchange on loopback: streams and requests of Binance spot and USD-M futures.
//!
//! [`Exchange::start`] opens it and gives a handle with its address and the truth behind it. It
//! runs on a thread of its own, so that a client's work is not measured with it. Its time starts
//! at the machine's and may run faster; whatever the venue counts in time, it counts in its own.
//!
//! What differs from the real one: candles from before trading come from a seeded walk (`past.rs`);
//! prints are kept up to a number, and older ids are gone; there is no order book; the limit of
//! 1024 streams and the limits on connections are enforced in words of our own, since the venue
//! does not document its.

mod answers;
mod chance;
mod clock;
mod connection;
mod damage;
mod faults;
mod frames;
mod hub;
mod info;
mod intervals;
mod kinds;
mod klines;
mod links;
mod listing;
mod market;
mod numbers;
mod past;
mod query;
mod record;
mod rest;
mod schedule;
mod server;
mod socket;
mod source;
mod strikes;
mod subscriptions;
mod text;
mod ticker;
mod timed;
mod truth;
mod weights;

pub use frames::Frames;

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use systems::candle::VenueCandle;
use systems::symbol::SymbolSpec;
use systems::trade::Trade;
use systems::units::Nanos;
use tokio::sync::watch;

use crate::synthetic::Spec;
use crate::venue::Venue;
use clock::VenueClock;
use hub::Hub;
use market::{Market, Opens};
use server::Shared;
use socket::Certificate;

pub use faults::{Fault, FaultError, duration_ns};
pub use hub::Totals;
pub use intervals::{INTERVALS, KlineInterval};
pub use kinds::{Kind, help};
pub use market::Feed;
pub use schedule::Schedule;
pub use source::SourceError;
pub use truth::Truth;
pub use weights::{Limits, Verdict, Weights};

/// What an exchange is like.
#[derive(Clone, Debug)]
pub struct SimConfig {
    /// Where it listens; port 0 takes a free one.
    pub listen: SocketAddr,
    /// Which venue it speaks like.
    pub venue: Venue,
    /// Where its prints come from.
    pub feed: Feed,
    /// What goes wrong.
    pub faults: Vec<Fault>,
    /// The venue's time at the start; the machine's where there is none.
    pub start: Option<Nanos>,
    /// How many times faster than the machine's its time passes.
    pub speed: f64,
    /// How much trading there was before the start, at least, in ns.
    pub recent_ns: u64,
    /// How far candles go back before that, in ns.
    pub history_ns: u64,
    /// How much older than the present answers are, in ns.
    pub lag_ns: u64,
    /// How long a connection may last, in ns.
    pub lifetime_ns: u64,
    /// Prints kept over all symbols, at 50 bytes each.
    pub keep: usize,
    /// Whether clients must speak TLS.
    pub tls: bool,
    /// What clients may ask; the venue's own where there is none.
    pub limits: Option<Limits>,
}

impl Default for SimConfig {
    /// A hundred symbols of Binance spot at a thousand prints per second, for a week.
    fn default() -> Self {
        Self {
            listen: (Ipv4Addr::LOCALHOST, 0).into(),
            venue: Venue::BinanceSpot,
            feed: Feed::Synthetic(Self::spec()),
            faults: Vec::new(),
            start: None,
            speed: 1.0,
            recent_ns: 120 * Nanos::PER_SECOND,
            history_ns: 5 * Nanos::PER_DAY,
            lag_ns: 0,
            lifetime_ns: server::DAY_NS,
            keep: 4_000_000,
            tls: false,
            limits: None,
        }
    }
}

impl SimConfig {
    /// The synthetic market that others are described against: it trades for a week.
    pub fn spec() -> Spec {
        Spec { duration: 7 * 86_400, ..Spec::default() }
    }
}

/// The limits that the venue documents.
pub fn documented(venue: Venue) -> Limits {
    match venue {
        Venue::BinanceSpot => {
            Limits { weight: 6_000, requests: Some(61_000), connections: 300, messages: 5 }
        }
        // Its limit on connections is not documented; spot's is assumed.
        Venue::BinanceUsdm => {
            Limits { weight: 2_400, requests: None, connections: 300, messages: 10 }
        }
    }
}

/// Why an exchange does not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// Its address cannot be listened on, or its thread does not start.
    #[error("the exchange does not start: {0}")]
    Io(#[from] io::Error),
    /// Its feed cannot be used.
    #[error("{0}")]
    Feed(#[from] SourceError),
    /// A fault names a symbol that there is not.
    #[error("{kind} names {symbol}, which the market does not have")]
    Symbol {
        /// Which kind of fault.
        kind: Kind,
        /// The symbol.
        symbol: String,
    },
}

/// A running exchange. Dropping it stops it.
pub struct Exchange {
    addr: SocketAddr,
    shared: Arc<Shared>,
    certificate: Option<Certificate>,
    stop: watch::Sender<bool>,
    thread: Option<JoinHandle<()>>,
}

impl Exchange {
    /// Starts an exchange; when this returns, clients can connect.
    ///
    /// # Errors
    /// [`StartError`], which names the address, the feed or the fault.
    pub fn start(config: SimConfig) -> Result<Self, StartError> {
        let start = config.start.unwrap_or_else(crate::clock::now);
        let mut market = Market::open(
            &config.feed,
            &Opens {
                venue: config.venue,
                start,
                recent_ns: config.recent_ns,
                history_ns: config.history_ns,
                keep: config.keep,
            },
        )?;
        apply_listings(&mut market, &config.faults, start)?;
        market.catch_up(start);
        let schedule = Schedule::new(start, config.faults);
        let limits = config.limits.unwrap_or_else(|| documented(config.venue));
        let hub = Hub::new(market, schedule, Weights::new(limits), start);
        let (certificate, acceptor) = match config.tls {
            true => {
                socket::throw_away().map(|(certificate, tls)| (Some(certificate), Some(tls)))?
            }
            false => (None, None),
        };
        let listener = std::net::TcpListener::bind(config.listen)?;
        listener.set_nonblocking(true)?;
        let addr = listener.local_addr()?;
        let clock = VenueClock::new(start, config.speed);
        let shared = Arc::new(Shared::new(hub, clock, config.lifetime_ns, config.lag_ns));
        let (stop, stopped) = watch::channel(false);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let serving = shared.clone();
        let thread = std::thread::Builder::new().name("exchange".into()).spawn(move || {
            runtime.block_on(async {
                match tokio::net::TcpListener::from_std(listener) {
                    Ok(listener) => server::run(serving, listener, acceptor, stopped).await,
                    Err(error) => log::error!("the exchange does not listen: {error}"),
                }
            });
        })?;
        Ok(Self { addr, shared, certificate, stop, thread: Some(thread) })
    }

    /// Where it listens.
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// The certificate that clients must trust, as DER and as PEM; `None` without TLS.
    pub fn certificate(&self) -> Option<(&[u8], &str)> {
        self.certificate.as_ref().map(|made| (made.der.as_slice(), made.pem.as_str()))
    }

    /// The venue's time now.
    pub fn now(&self) -> Nanos {
        self.shared.clock.now()
    }

    /// Every symbol, listed or not; `SymbolId` in trades is the place in this list.
    pub fn symbols(&self) -> Vec<SymbolSpec> {
        self.shared.hub().market.listings.iter().map(|listing| listing.spec.clone()).collect()
    }

    /// The kept prints of a symbol, oldest first; none for a symbol that there is not.
    pub fn trades(&self, symbol: &str) -> Vec<Trade> {
        self.truth(|truth, symbol| truth.trades(symbol).iter().copied().collect(), symbol)
    }

    /// The kept aggregates of a symbol that are complete, oldest first.
    pub fn aggregates(&self, symbol: &str) -> Vec<Trade> {
        self.truth(|truth, symbol| truth.aggregates(symbol).iter().copied().collect(), symbol)
    }

    /// The candles of a symbol that have closed since trading began, oldest first; as the venue
    /// will publish them when nothing goes wrong. A first candle that began before trading is
    /// left out.
    pub fn klines(&self, symbol: &str, interval: &KlineInterval) -> Vec<VenueCandle> {
        self.truth(|truth, symbol| truth.closed(symbol, interval), symbol)
    }

    /// What has happened so far.
    pub fn totals(&self) -> Totals {
        self.shared.hub().totals
    }

    fn truth<T: Default>(&self, read: impl Fn(&Truth, usize) -> T, symbol: &str) -> T {
        let hub = self.shared.hub();
        let symbol = hub.market.symbol(symbol);
        symbol.map(|symbol| read(&hub.market.truth, symbol)).unwrap_or_default()
    }

    /// Stops it: connections are closed, and its thread ends.
    pub fn stop(mut self) {
        self.end();
    }

    fn end(&mut self) {
        // Its thread may have ended already.
        let _ = self.stop.send(true);
        if let Some(thread) = self.thread.take() {
            drop(thread.join());
        }
    }
}

impl Drop for Exchange {
    fn drop(&mut self) {
        self.end();
    }
}

/// Waits for Ctrl-C, or until the time is over.
///
/// # Errors
/// Signals cannot be waited for.
pub fn wait(within: Option<Duration>) -> io::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        match within {
            None => tokio::signal::ctrl_c().await,
            Some(time) => tokio::select! {
                interrupted = tokio::signal::ctrl_c() => interrupted,
                () = tokio::time::sleep(time) => Ok(()),
            },
        }
    })
}

/// Lists and delists symbols as faults say, and refuses faults that name none of ours.
fn apply_listings(market: &mut Market, faults: &[Fault], start: Nanos) -> Result<(), StartError> {
    for fault in faults {
        let Some(name) = &fault.symbol else { continue };
        let unknown = || StartError::Symbol { kind: fault.kind, symbol: name.clone() };
        let symbol = market.symbol(name).ok_or_else(unknown)?;
        let at = start.plus(fault.first_ns());
        match fault.kind {
            Kind::List => market.list(symbol, at),
            Kind::Delist => market.delist(symbol, at),
            Kind::Relist => market.relist(symbol, at),
            _ => {}
        }
    }
    Ok(())
}
