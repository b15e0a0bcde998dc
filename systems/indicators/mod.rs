//! The indicators, one per file: state, arithmetic, and its oracles.

pub mod adx;
pub mod anchored_vwap;
pub mod atr;
pub mod bbands;
pub mod cci;
#[cfg(test)]
pub(crate) mod contract;
pub mod deviation;
pub mod donchian;
pub mod ema;
pub mod extreme;
pub mod keltner;
pub mod linreg;
pub mod macd;
pub mod mfi;
pub mod natr;
pub mod obv;
pub mod rma;
pub mod roc;
pub mod rolling_vwap;
pub mod rsi;
pub mod rvol;
pub mod session;
pub mod session_vwap;
pub mod sma;
pub mod stoch;
#[cfg(test)]
pub(crate) mod subject;
pub mod supertrend;
pub mod taker_share;
#[cfg(test)]
pub(crate) mod testing;
pub mod trade_rate;
pub mod willr;
pub mod window;
pub mod wma;
