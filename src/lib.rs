//! The edge of tapescan: everything that can fail, wait, or differ between two runs.

pub mod cli;
pub mod clock;
pub mod commands;
pub mod config;
pub mod digest;
pub mod engine;
pub mod import;
pub mod latency;
pub mod link;
pub mod live;
pub mod logging;
pub mod probe;
pub mod profile;
pub mod progress;
pub mod replay;
pub mod rest;
pub mod rules;
pub mod session;
pub mod settings;
pub mod sim;
pub mod symbols;
pub mod synthetic;
pub mod tape;
pub mod terminal;
pub mod tls;
pub mod venue;
