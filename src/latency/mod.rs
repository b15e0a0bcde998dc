//! Latency as distributions: what is measured, recorded on one thread and merged on another.
//!
//! A [`Meter`] belongs to the thread that folds. It notes instants while events are decoded and
//! records histograms when their step is done: no lock, and no allocation once each cell was used.
//! At intervals its [`Sheet`] goes to a [`Keeper`], which merges, writes the interval log and gives
//! an empty sheet back.
//!
//! *Service time* counts from the moment at which work on an event began, *response time* from the
//! moment at which it was due. Only the latter shows what waiting behind a stall costs.

mod boundary;
mod cell;
mod events;
mod interval_log;
mod keeper;
mod meter;
mod percentiles;
mod recorder;
pub mod report;
mod sheet;
mod stage;

pub use boundary::Boundary;
pub use cell::{Cell, HIGH_NS, Total};
pub use events::{kind_of, note_closed, note_decoded};
pub use interval_log::LogError;
pub use keeper::{Keeper, Kept, LogFile, Point, Totals, View};
pub use meter::{Meter, Spent};
pub use percentiles::{PERCENTILES, write_hgrm};
pub use recorder::Recorder;
pub use sheet::{Key, Sheet};
pub use stage::{Kind, Phase, Stage, Unit};

use std::sync::Arc;

use systems::units::Nanos;

/// A clock that never steps back, asked by whoever measures.
pub type Ask = Arc<dyn Fn() -> Nanos + Send + Sync>;
