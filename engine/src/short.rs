//! Lists that need no heap while they are short, as those of a launch are.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::ops::{Deref, DerefMut};

/// A list whose elements lie in place while there are at most `N`; with more, all of them lie on the heap.
#[derive(Clone)]
pub(crate) struct Short<T, const N: usize> {
    length: usize,
    place: [T; N],
    heap: Vec<T>,
}

impl<T: Copy + Default, const N: usize> Short<T, N> {
    /// The elements of all `parts`, one part after the other.
    pub fn of<const P: usize>(parts: [&[T]; P]) -> Self {
        let mut list = Self::default();
        parts.into_iter().for_each(|part| list.extend(part));
        list
    }

    /// Adds elements at the end.
    pub fn extend(&mut self, elements: &[T]) {
        let end = self.length + elements.len();
        if end <= N {
            self.place[self.length..end].copy_from_slice(elements);
        } else {
            self.leave();
            self.heap.extend_from_slice(elements);
        }
        self.length = end;
    }

    /// Adds an element before the one at `at`.
    pub fn insert(&mut self, at: usize, element: T) {
        if self.length < N {
            self.place.copy_within(at..self.length, at + 1);
            self.place[at] = element;
        } else {
            self.leave();
            self.heap.insert(at, element);
        }
        self.length += 1;
    }

    /// Puts on the heap what lies in place.
    fn leave(&mut self) {
        if self.length <= N {
            self.heap.extend_from_slice(&self.place[..self.length]);
        }
    }
}

impl<T: Copy + Default, const N: usize> Default for Short<T, N> {
    fn default() -> Self {
        Self { length: 0, place: [T::default(); N], heap: Vec::new() }
    }
}

impl<T, const N: usize> Deref for Short<T, N> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        if self.length <= N { &self.place[..self.length] } else { &self.heap }
    }
}

impl<T, const N: usize> DerefMut for Short<T, N> {
    fn deref_mut(&mut self) -> &mut [T] {
        if self.length <= N { &mut self.place[..self.length] } else { &mut self.heap }
    }
}

impl<T: PartialEq, const N: usize> PartialEq for Short<T, N> {
    fn eq(&self, other: &Self) -> bool {
        **self == **other
    }
}

impl<T: Eq, const N: usize> Eq for Short<T, N> {}

impl<T: Hash, const N: usize> Hash for Short<T, N> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        (**self).hash(state);
    }
}

impl<T: fmt::Debug, const N: usize> fmt::Debug for Short<T, N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}
