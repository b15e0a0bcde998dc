//! What one pulse may do to a ring, so that everything it changes is still there when indicators
//! fold it.

use bevy_ecs::component::Component;

use crate::limits::{ADDED_MAX, BUFFER_KEPT};
use crate::ring::Ring;

/// Gives back the memory of a buffer that a large answer has filled.
pub fn release<T>(buffer: &mut Vec<T>) {
    release_several(buffer, 1);
}

/// The same where so many elements belong to each candle.
pub fn release_several<T>(buffer: &mut Vec<T>, each: usize) {
    let kept = BUFFER_KEPT * each;
    if buffer.capacity() > 4 * kept && buffer.len() <= kept {
        buffer.shrink_to(kept);
    }
}

/// Bounds of the present pulse on one row. What does not fit in them waits for the next pulse.
///
/// A ring holds the `lookback` candles that may be corrected, behind them the `margin` that
/// refolding reads, and behind that [`ADDED_MAX`] candles that one pulse may push out.
#[derive(Component, Clone, Copy, Debug)]
pub struct Room {
    margin: u64,
    /// The ring's end may not pass this.
    end_max: u64,
    /// Nothing before this position may be corrected.
    floor: u64,
    short: bool,
}

impl Room {
    /// Bounds of a ring with `margin` candles that refolding reads.
    pub fn new(margin: usize) -> Self {
        Self { margin: margin as u64, end_max: 0, floor: 0, short: false }
    }

    /// A pulse begins.
    pub fn begin(&mut self, ring: &Ring) {
        let capacity = ring.capacity() as u64;
        self.end_max = capacity.max(ring.end() + ADDED_MAX as u64);
        // Nothing is pushed out before the ring is full.
        let pushed_out = self.end_max - capacity;
        self.floor = if pushed_out == 0 { 0 } else { pushed_out + self.margin };
        self.short = false;
    }

    /// Whether one more candle may be added; if not, what is left of the work is noted.
    pub fn take(&mut self, ring: &Ring) -> bool {
        self.short |= ring.end() >= self.end_max;
        ring.end() < self.end_max
    }

    /// Whether the candle at `position` can be changed, or one put in before it, with everything
    /// that follows from it.
    pub fn correctable(&self, position: u64) -> bool {
        position >= self.floor
    }

    /// Candles that may be corrected while the ring is full.
    pub fn lookback(&self, ring: &Ring) -> u64 {
        (ring.capacity() as u64).saturating_sub(self.margin + ADDED_MAX as u64)
    }

    /// Whether something waits for the next pulse.
    pub fn short(&self) -> bool {
        self.short
    }
}
