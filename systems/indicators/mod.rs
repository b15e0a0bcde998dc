//! The indicators, one per file: state, arithmetic, and its oracles.

pub mod bbands;
pub mod cci;
pub mod deviation;
pub mod donchian;
pub mod ema;
pub mod extreme;
pub mod linreg;
pub mod mfi;
pub mod rolling_vwap;
pub mod rvol;
pub mod sma;
pub mod stoch;
pub mod taker_share;
#[cfg(test)]
pub(crate) mod testing;
pub mod trade_rate;
pub mod willr;
pub mod window;
pub mod wma;
