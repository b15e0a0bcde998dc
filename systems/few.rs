//! A list of mostly one.

use crate::room::release;

/// Some of a thing, of which there is mostly one: the first lies where the list itself lies, the
/// others on the heap.
#[derive(Clone, Debug)]
pub struct Few<T> {
    first: Option<T>,
    others: Vec<T>,
}

impl<T> Few<T> {
    /// Appends one.
    #[inline]
    pub fn push(&mut self, one: T) {
        match self.first {
            None => self.first = Some(one),
            Some(_) => self.push_behind(one),
        }
    }

    /// A vector that grows by itself begins with room for four.
    fn push_behind(&mut self, one: T) {
        if self.others.capacity() == 0 {
            self.others.reserve_exact(1);
        }
        self.others.push(one);
    }

    /// How many there are.
    #[inline]
    pub fn len(&self) -> usize {
        usize::from(self.first.is_some()) + self.others.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.first.is_none()
    }

    /// The one at an index.
    #[inline]
    pub fn get(&self, index: usize) -> Option<&T> {
        match index.checked_sub(1) {
            None => self.first.as_ref(),
            Some(index) => self.others.get(index),
        }
    }

    /// All of them, in order.
    #[inline]
    pub fn iter(&self) -> impl Iterator<Item = &T> {
        self.first.iter().chain(&self.others)
    }

    /// All of them, to be changed.
    #[inline]
    pub fn iter_mut(&mut self) -> impl Iterator<Item = &mut T> {
        self.first.iter_mut().chain(&mut self.others)
    }

    /// Removes all, keeping the memory.
    #[inline]
    pub fn clear(&mut self) {
        self.first = None;
        self.others.clear();
    }

    /// Gives back the memory of a list that was long once.
    #[inline]
    pub fn release(&mut self) {
        release(&mut self.others);
    }
}

impl<T> Default for Few<T> {
    fn default() -> Self {
        Self { first: None, others: Vec::new() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn behaves_like_a_list() {
        let mut few = Few::default();
        for round in 0..3 {
            let mut list = Vec::new();
            for number in 0..5 {
                assert_eq!((few.len(), few.is_empty()), (list.len(), list.is_empty()), "{round}");
                assert_eq!(few.iter().collect::<Vec<_>>(), list.iter().collect::<Vec<_>>());
                assert!((0..6).all(|index| few.get(index) == list.get(index)));
                few.push(number);
                list.push(number);
            }
            few.iter_mut().chain(&mut list).for_each(|number| *number += 10);
            assert_eq!(few.iter().collect::<Vec<_>>(), list.iter().collect::<Vec<_>>());
            few.clear();
        }
    }
}
