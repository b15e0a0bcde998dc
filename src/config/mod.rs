//! The configuration.

mod nearest;

pub use nearest::nearest;
