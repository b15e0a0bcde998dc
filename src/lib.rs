//! The edge of tapescan: everything that can fail, wait, or differ between two runs.

pub mod config;
pub mod import;
pub mod logging;
pub mod symbols;
pub mod synthetic;
pub mod tape;
pub mod venue;
