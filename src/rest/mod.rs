//! Asking a venue over REST: history at start, missing prints by id, candles to compare with.
//!
//! Everything that decides is a value that is handed instants: the [`budget`] of weight, the
//! [`plan`] of one job, the [`queue`] that is fair to all symbols, and the [`desk`] that joins
//! them. Only the [`client`] and the [`worker`] touch the network and wait.

pub mod arrival;
pub mod budget;
mod candle_pages;
pub mod client;
pub mod desk;
mod id_pages;
pub mod limits;
pub mod plan;
pub mod queue;
mod repeats;
pub mod retry;
pub mod warm_up;
pub mod worker;
