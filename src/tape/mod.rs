//! The tape: our recorded session format.

pub mod entry;
