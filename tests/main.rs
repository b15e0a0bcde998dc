//! The one integration binary: modules only.

mod candles;
mod cli;
mod config;
mod import;
mod parity;
mod reconcile;
mod sim;
mod support;
mod talib;
mod tape;
mod tidy;
