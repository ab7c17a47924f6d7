//! Values as Go decodes them into variables that may already have a value.
//!
//! A key that occurs twice is decoded twice into the same variable. A struct keeps the fields that the second object
//! does not have. A list keeps the values in its slots, even past its end, for the next time it grows. `null` empties a
//! list and leaves text, numbers and structs alone.

/// A list as Go keeps it. Its slots outlive its length.
#[derive(Clone, Debug)]
pub(in crate::manifest) struct Slice<T> {
    slots: Vec<T>,
    length: usize,
    present: bool,
}

impl<T> Default for Slice<T> {
    fn default() -> Self {
        Self { slots: Vec::new(), length: 0, present: false }
    }
}

impl<T: Default> Slice<T> {
    /// The slot that element `at` is decoded into. Elements come in order.
    pub(in crate::manifest) fn slot(&mut self, at: usize) -> &mut T {
        if at >= self.slots.len() {
            self.slots.resize_with(at + 1, T::default);
        }
        &mut self.slots[at]
    }

    /// Ends a list of `length` elements. An empty list starts with fresh slots.
    pub(in crate::manifest) fn end(&mut self, length: usize) {
        if length == 0 {
            self.slots.clear();
        }
        self.length = length;
        self.present = true;
    }

    /// Does what `null` does.
    pub(in crate::manifest) fn clear(&mut self) {
        *self = Self::default();
    }
}

impl<T> Slice<T> {
    /// The elements.
    pub(in crate::manifest) fn items(&self) -> &[T] {
        &self.slots[..self.length]
    }

    /// Whether there is a list at all, even an empty one.
    pub(in crate::manifest) fn is_present(&self) -> bool {
        self.present
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fill(slice: &mut Slice<Option<u8>>, elements: &[Option<u8>]) {
        for (at, element) in elements.iter().enumerate() {
            let slot = slice.slot(at);
            *slot = element.or(*slot);
        }
        slice.end(elements.len());
    }

    #[test]
    fn slots_outlive_the_length() {
        let mut slice = Slice::default();
        fill(&mut slice, &[Some(1), Some(2), Some(3)]);
        fill(&mut slice, &[None]);
        assert_eq!(slice.items(), [Some(1)]);
        fill(&mut slice, &[Some(7), None, None, None]);
        assert_eq!(slice.items(), [Some(7), Some(2), Some(3), None]);
    }

    #[test]
    fn an_empty_list_is_fresh_and_null_is_none() {
        let mut slice = Slice::default();
        fill(&mut slice, &[Some(1)]);
        fill(&mut slice, &[]);
        assert!(slice.is_present());
        fill(&mut slice, &[None]);
        assert_eq!(slice.items(), [None]);
        slice.clear();
        assert!(slice.items().is_empty() && !slice.is_present());
    }
}
