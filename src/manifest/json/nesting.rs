//! Remembers which brackets are open, with one bit for each, so that depth costs almost nothing.

/// A stack of open brackets.
#[derive(Debug, Default)]
pub(super) struct Nesting {
    bits: Vec<u64>,
    depth: usize,
}

impl Nesting {
    pub(super) fn depth(&self) -> usize {
        self.depth
    }

    pub(super) fn open(&mut self, object: bool) {
        let (word, bit) = (self.depth / 64, self.depth % 64);
        if word == self.bits.len() {
            self.bits.push(0);
        }
        self.bits[word] = self.bits[word] & !(1 << bit) | u64::from(object) << bit;
        self.depth += 1;
    }

    /// Closes the innermost bracket, if there is one.
    pub(super) fn close(&mut self) {
        self.depth = self.depth.saturating_sub(1);
    }

    /// Whether the innermost bracket is that of an object; `None` when no bracket is open.
    pub(super) fn in_object(&self) -> Option<bool> {
        let last = self.depth.checked_sub(1)?;
        Some(self.bits[last / 64] >> (last % 64) & 1 == 1)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::Nesting;

    proptest! {
        #[test]
        fn it_is_a_stack(steps in prop::collection::vec(prop::option::of(any::<bool>()), 0..400)) {
            let (mut nesting, mut model) = (Nesting::default(), Vec::new());
            for step in steps {
                if let Some(object) = step {
                    nesting.open(object);
                    model.push(object);
                } else {
                    nesting.close();
                    model.pop();
                }
                prop_assert_eq!((nesting.depth(), nesting.in_object()), (model.len(), model.last().copied()));
            }
        }
    }
}
