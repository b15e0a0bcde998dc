//! The one integration binary: modules only.

mod breaks;
mod candles;
mod cli;
mod config;
mod events;
mod hostile;
mod import;
mod joints;
mod link;
mod live;
mod parity;
mod portions;
mod profile;
mod reach;
mod reconcile;
mod repairs;
mod rest;
mod restless;
mod rules;
mod sim;
mod sinks;
mod support;
mod talib;
mod tape;
mod tidy;
mod words;
