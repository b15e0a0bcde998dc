//! The indicators, one per file: state, arithmetic, and its oracles.

pub mod adx;
pub mod anchored_vwap;
pub mod atr;
#[cfg(test)]
pub(crate) mod contract;
pub mod ema;
pub mod keltner;
pub mod macd;
pub mod natr;
pub mod obv;
pub mod rma;
pub mod roc;
pub mod rsi;
pub mod session_vwap;
pub mod sma;
pub mod supertrend;
#[cfg(test)]
pub(crate) mod testing;
