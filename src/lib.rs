//! The edge of tapescan: everything that can fail, wait, or differ between two runs.

pub mod digest;
pub mod engine;
pub mod import;
pub mod symbols;
pub mod tape;
pub mod venue;
