//! Profile: a tape through the live path, by the clock, with every stage measured.
//!
//! The load is *open loop*: each frame has an instant at which it is due, whatever the program is
//! doing, and a stall is charged to every frame that fell due meanwhile. Flat out is closed loop,
//! since there is no rate that anything could fall behind.

mod compare;
mod direct;
mod drain;
mod harness;
mod in_turns;
mod load;
mod loopback;
pub mod process;
mod schedule;
pub mod search;

pub use compare::{Difference, Made, Row, Side, Verdict, compare};
pub use drain::{Drain, Surge, Waited};
pub use load::{Load, LoadError};
pub use schedule::{Rate, Schedule, wait_until};

use std::io;
use std::path::PathBuf;

use systems::units::Nanos;

use crate::config::Config;
use crate::engine::ScheduleError;
use crate::latency::{Ask, Kept, LogFile};
use direct::Direct;
use harness::Harness;
use process::Used;

/// How the load reaches the engine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Path {
    /// Over a WebSocket on loopback, the live socket and the live inbox.
    Loopback,
    /// Decoded and folded on the thread that also keeps the time.
    InProcess,
}

impl Path {
    /// The word used in tables and files.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Loopback => "loopback",
            Self::InProcess => "in-process",
        }
    }
}

/// How a profile is made.
#[derive(Clone, Debug)]
pub struct Plan {
    /// How the load reaches the engine.
    pub path: Path,
    /// At which rate.
    pub rate: Rate,
    /// Threads of the engine.
    pub threads: usize,
    /// Entries at the beginning that are not measured.
    pub warm_up: usize,
    /// Whether those go ahead flat out, and the rate holds from then on.
    pub ahead: bool,
    /// The length of an interval of the log and of the plot over time, in nanoseconds.
    pub interval_ns: u64,
}

impl Plan {
    fn schedule(&self, load: &Load) -> Schedule {
        Schedule::new(load.entries(), self.rate, if self.ahead { self.warm_up } else { 0 })
    }
}

/// One run.
#[derive(Clone, Debug)]
pub struct Run {
    /// What was recorded.
    pub kept: Kept,
    /// How long the measured part took, in nanoseconds.
    pub elapsed_ns: u64,
    /// Frames and other entries measured, and prints among them.
    pub entries: u64,
    /// Prints measured.
    pub prints: u64,
    /// Steps measured.
    pub steps: u64,
    /// Candles that closed in the whole run.
    pub candles: u64,
    /// The digest over the whole run; that of a replay, if the tape says nothing of connections
    /// that frames cannot say.
    pub digest: String,
    /// What the process used.
    pub used: Used,
    /// How it came out of the surge of the load, if there is one.
    pub drain: Option<Drain>,
}

impl Run {
    /// Prints per second.
    pub fn prints_per_s(&self) -> f64 {
        self.prints as f64 / (self.elapsed_ns.max(1) as f64 / 1e9)
    }
}

/// Why there is no profile.
#[derive(Debug, thiserror::Error)]
pub enum ProfileError {
    /// The tape.
    #[error(transparent)]
    Load(#[from] LoadError),
    /// The schedule does not build.
    #[error(transparent)]
    Schedule(#[from] ScheduleError),
    /// A thread, a socket or a file is refused by the machine.
    #[error("{0}")]
    Io(#[from] io::Error),
    /// The loopback connection ended early.
    #[error("the loopback connection ended after {done} of {all} entries: {why}")]
    CutOff {
        /// Entries that arrived.
        done: usize,
        /// Entries of the load.
        all: usize,
        /// What the socket said.
        why: String,
    },
}

/// Where a run's interval log goes, and when it began.
#[derive(Clone, Debug)]
pub struct Log {
    /// The file.
    pub path: PathBuf,
    /// The wall clock.
    pub wall: Nanos,
}

/// Makes one run.
///
/// # Errors
/// [`ProfileError`].
pub fn run(
    load: &Load,
    config: &Config,
    plan: &Plan,
    log: Option<Log>,
    clock: &Ask,
) -> Result<Run, ProfileError> {
    let log = log.map(|log| LogFile { path: log.path, budget: None, wall: log.wall });
    let schedule = plan.schedule(load);
    let harness = Harness::new(load, config, plan, &schedule, log.as_ref(), clock)?;
    match plan.path {
        Path::InProcess => Ok(Direct::new(load, &schedule, harness, clock).run(&mut |until| {
            wait_until(clock, until);
        })),
        Path::Loopback => loopback::run(load, &schedule, harness, clock),
    }
}

/// The same in process, on a clock of the caller's, which also waits.
///
/// # Errors
/// [`ProfileError`].
pub fn run_by(
    load: &Load,
    config: &Config,
    plan: &Plan,
    clock: &Ask,
    wait: &mut dyn FnMut(Nanos),
) -> Result<Run, ProfileError> {
    let schedule = plan.schedule(load);
    let harness = Harness::new(load, config, plan, &schedule, None, clock)?;
    Ok(Direct::new(load, &schedule, harness, clock).run(wait))
}
