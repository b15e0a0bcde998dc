//! A seeded synthetic market: hundreds of symbols, skewed activity, bursts, quiet minutes,
//! clustered volatility, and every fault that a feed has, at given rates.
//!
//! [`Spec`] says what it is like, [`Market`] gives the entries of a tape in arrival order, and
//! [`Prints`] is the truth behind them. It streams: memory holds what is on its way, not what
//! has been. Equal specs give equal entries on every machine (see `random.rs`), so a seed is
//! enough to name a tape.

mod activity;
mod market;
mod names;
mod prints;
mod random;
mod spec;
mod surge;
#[cfg(test)]
mod tests;
mod wire;

pub use market::{Counts, Market};
pub use prints::Prints;
pub use spec::{Backfill, Spec, SpecError};
pub use surge::Surge;
