//! A live session: from sockets and requests to candles, repaired, recorded, and ended in order.
//!
//! Two threads share the work. The caller's carries sockets, requests, the beat and signals, and
//! never waits for the other one. The engine's takes everything from one bounded inbox, in one
//! order: it records each event, decodes it once, folds it, and sends back what is to be dialled
//! and fetched. When the engine falls behind, the inbox fills and sockets are not read; nothing
//! is dropped.
//!
//! Whatever the engine sees is on the tapes in the order in which it saw it, so the replay of a
//! recording gives the same digest as the session did. A session that finds tapes of an earlier
//! one goes through them first, and then on.

mod answers;
mod beginnings;
pub mod drive;
mod ending;
pub mod event;
mod feeds;
pub(crate) mod inbox;
mod io;
pub mod limits;
mod metrics;
mod outline;
pub mod panel;
pub mod record;
mod refresh;
mod resume;
mod signals;
pub mod socket;
mod sockets;
mod start;
mod status;
pub mod universe;
mod work;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

pub use crate::config::Choice;
pub use ending::{Dropped, Stage};
pub use outline::Survey;
pub use status::Status;

use crate::engine::ScheduleError;
use crate::latency::Kept;
use crate::link::PlanError;
use crate::replay::{Outputs, ReplayError, Summary};
use crate::rest::desk::Snapshot;
use crate::sinks::{SinkError, SinkStatus, Telling};
use crate::symbols::{Symbols, SymbolsError};
use crate::tls::TlsError;
use crate::venue::Venue;
use record::{Record, RecordError};

/// Our steady clock, shared by everything that stamps.
type Clock = crate::latency::Ask;

/// What a session is told beside its configuration.
#[derive(Clone, Debug)]
pub struct Options {
    /// How the venue speaks.
    pub venue: Venue,
    /// Scheme and host of requests, where they are not the venue's own.
    pub requests: Option<String>,
    /// Scheme, host and route of streams, where they are not the venue's own.
    pub streams: Option<String>,
    /// Which symbols.
    pub choice: Choice,
    /// The folder for the tapes; `None` records nothing. How long each is, and how many are kept,
    /// says the configuration.
    pub record: Option<PathBuf>,
    /// Whether to go on from the tapes that are in that folder.
    pub resume: bool,
    /// How long, from the first connection's dialling on; `None` until a signal.
    pub run_for: Option<Duration>,
    /// Threads of the engine.
    pub threads: usize,
    /// Whether candles are kept until the end.
    pub keep_candles: bool,
    /// How many times faster than the machine's the venue's time passes; 1 but for a simulation.
    pub speed: f64,
}

/// What is shown while a session runs.
#[derive(Clone, Debug)]
pub struct Shown {
    /// The engine's side.
    pub status: Status,
    /// The requests' side.
    pub rest: Snapshot,
    /// Alerts since the last time, and how sinks stand.
    pub told: Telling,
}

/// What a session leaves behind.
pub struct Ended {
    /// What it amounts to.
    pub summary: Summary,
    /// What came out.
    pub outputs: Outputs,
    /// The symbols, by number.
    pub symbols: Symbols,
    /// What was measured.
    pub latency: Kept,
    /// What was recorded, if anything was to be.
    pub record: Option<Record>,
    /// How it stood in the end.
    pub shown: Shown,
    /// How the sinks stood in the end.
    pub sinks: Vec<SinkStatus>,
    /// What was not done when it ended.
    pub dropped: Dropped,
    /// How long it took, from dialling to the last fold.
    pub elapsed: Duration,
    /// Which part of the program broke, and so ended it, if any did.
    pub broken: Option<&'static str>,
}

/// Why there was no session, or why it did not end in order.
#[derive(Debug, thiserror::Error)]
pub enum LiveError {
    /// No way to tell whom to trust.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// What must be known before dialling could not be learnt.
    #[error("cannot start: {0}")]
    Start(String),
    /// A symbol that the venue does not trade.
    #[error("{0}")]
    Symbol(String),
    /// The symbols cannot be numbered.
    #[error(transparent)]
    Symbols(#[from] SymbolsError),
    /// The symbols cannot be shared out over connections.
    #[error(transparent)]
    Plan(#[from] PlanError),
    /// The schedule does not build.
    #[error(transparent)]
    Schedule(#[from] ScheduleError),
    /// A sink cannot begin.
    #[error(transparent)]
    Sink(#[from] SinkError),
    /// The first tape could not be made.
    #[error("recording failed: {0}")]
    Record(#[from] RecordError),
    /// The tapes of an earlier session cannot be gone on from.
    #[error("cannot go on from earlier tapes: {0}; record to another folder to begin anew")]
    Resume(ReplayError),
    /// A runtime, a thread or signals are refused by the machine.
    #[error("{0}")]
    Io(#[from] std::io::Error),
    /// Nobody could fetch its numbers.
    #[error("[http] listen = \"{address}\": {error}; choose another, or leave it out")]
    Listen {
        /// Where they were to be.
        address: SocketAddr,
        /// Why not.
        error: std::io::Error,
    },
    /// It was interrupted before it began.
    #[error("interrupted before the first connection")]
    Interrupted,
    /// A part of the program panicked; the message is on stderr.
    #[error("{0} broke, by a fault of tapescan's: please report what stderr says")]
    Broken(&'static str),
    /// A stage of the end did not end in time. What was not yet on the tape is lost.
    #[error(
        "the end hung at {stage} for {} s: left behind with {events} events that were not folded",
        .within.as_secs()
    )]
    Stuck {
        /// Which stage.
        stage: Stage,
        /// How long it was waited for.
        within: Duration,
        /// Events in the inbox.
        events: usize,
    },
}

/// Learns what a session would begin with and do, without beginning it.
///
/// # Errors
/// [`LiveError`]: the venue does not answer, or a symbol is none of its.
pub fn survey(options: &Options, config: &crate::config::Config) -> Result<Survey, LiveError> {
    on_a_runtime(outline::survey(options, config))?
}

/// Learns which symbols a session would follow, and what removes the others.
///
/// # Errors
/// [`LiveError`]: the venue does not answer.
pub fn sieve(
    options: &Options,
    config: &crate::config::Config,
) -> Result<universe::Sieved, LiveError> {
    on_a_runtime(outline::sieve(options, config))?
}

/// Does some work on a runtime of its own. An address that is still being looked up after it does
/// not hold it up.
fn on_a_runtime<T>(work: impl Future<Output = T>) -> std::io::Result<T> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let done = runtime.block_on(work);
    runtime.shutdown_background();
    Ok(done)
}

/// Runs a session to its end, telling `show` how it stands four times a second.
///
/// # Errors
/// [`LiveError`]; a lost connection or a refused request is none.
pub fn run(
    options: &Options,
    config: &crate::config::Config,
    show: &mut dyn FnMut(&Shown),
) -> Result<Ended, LiveError> {
    on_a_runtime(io::session(options, config, show))?
}
