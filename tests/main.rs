//! The one integration binary: modules only.

mod candles;
mod cli;
mod config;
mod hostile;
mod import;
mod link;
mod live;
mod parity;
mod portions;
mod reach;
mod reconcile;
mod rest;
mod restless;
mod review;
mod sim;
mod support;
mod talib;
mod tape;
mod tidy;
