//! A ring buffer addressed by position: the storage behind candle rings and their companions.

/// The newest `capacity` values of a series, addressed by *position*: how many values were pushed
/// before it since the start. A position keeps its meaning while the buffer turns.
#[derive(Clone, Debug)]
pub struct Lane<T> {
    slots: Box<[T]>,
    /// Values ever pushed; the newest has position `end - 1`.
    end: u64,
    /// Slot of position `end`, kept so that no access divides.
    head: usize,
}

impl<T: Copy + Default> Lane<T> {
    /// An empty lane for `capacity` values (at least 1).
    pub fn new(capacity: usize) -> Self {
        let slots = vec![T::default(); capacity.max(1)].into_boxed_slice();
        Self { slots, end: 0, head: 0 }
    }

    /// How many values it can hold.
    pub fn capacity(&self) -> usize {
        self.slots.len()
    }

    /// Position after the newest value.
    #[inline]
    pub fn end(&self) -> u64 {
        self.end
    }

    /// Position of the oldest value still held.
    #[inline]
    pub fn start(&self) -> u64 {
        self.end.saturating_sub(self.slots.len() as u64)
    }

    /// The value at `position`, `None` if it is gone or not there yet.
    #[inline]
    pub fn get(&self, position: u64) -> Option<&T> {
        (self.start() <= position && position < self.end).then(|| &self.slots[self.slot(position)])
    }

    /// The value at `position`, to be changed.
    #[inline]
    pub fn get_mut(&mut self, position: u64) -> Option<&mut T> {
        let held = self.start() <= position && position < self.end;
        let slot = if held { self.slot(position) } else { return None };
        self.slots.get_mut(slot)
    }

    /// Appends a value, dropping the oldest if full.
    #[inline]
    pub fn push(&mut self, value: T) {
        self.slots[self.head] = value;
        self.end += 1;
        self.head = if self.head + 1 == self.slots.len() { 0 } else { self.head + 1 };
    }

    /// Puts a value before the one at `position`, moving later ones up by one. Costs their number.
    pub fn insert(&mut self, position: u64, value: T) {
        debug_assert!(self.start() <= position && position <= self.end);
        let mut moving = value;
        for at in position..self.end {
            let slot = self.slot(at);
            core::mem::swap(&mut self.slots[slot], &mut moving);
        }
        self.push(moving);
    }

    /// Slot of a position between `start` and `end`.
    #[inline]
    fn slot(&self, position: u64) -> usize {
        let back = (self.end - position) as usize;
        if self.head >= back { self.head - back } else { self.head + self.slots.len() - back }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn behaves_like_a_list_that_forgets_its_oldest(
            capacity in 1usize..8,
            moves in prop::collection::vec((any::<bool>(), 0u64..10, any::<u16>()), 0..60),
        ) {
            let mut lane = Lane::new(capacity);
            let mut model: Vec<u16> = Vec::new();
            for (insert, back, value) in moves {
                let start = model.len().saturating_sub(capacity) as u64;
                let position = (model.len() as u64).saturating_sub(back).max(start);
                if insert {
                    lane.insert(position, value);
                    model.insert(position as usize, value);
                } else {
                    lane.push(value);
                    model.push(value);
                }
                prop_assert_eq!(lane.end(), model.len() as u64);
                let start = model.len().saturating_sub(capacity) as u64;
                prop_assert_eq!(lane.start(), start);
                for position in 0..model.len() as u64 + 2 {
                    let want = model.get(position as usize).filter(|_| position >= start);
                    prop_assert_eq!(lane.get(position), want);
                }
            }
        }
    }
}
