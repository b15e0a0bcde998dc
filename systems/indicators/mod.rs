//! The indicators, one per file: state, arithmetic, and its oracles.

pub mod ema;
pub mod sma;
#[cfg(test)]
pub(crate) mod testing;
