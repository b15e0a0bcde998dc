//! What the benchmarks share: seeded inputs, and the hand-written loop that is the yardstick.

pub mod frames;
pub mod hand_written;
pub mod inputs;
pub mod live_steps;
pub mod replayed;
#[cfg(feature = "peers")]
pub mod timing;
pub mod tracks;
