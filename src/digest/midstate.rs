//! The inner state of a SHA-256 between two writes. With it, hashing can continue without reading the content again.

use sha2::Sha256;
use sha2::digest::common::hazmat::{SerializableState, SerializedState};

/// SHA-256 after some bytes: its chaining value, the bytes of the unfinished block, and the number of bytes.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Midstate {
    chaining: [u32; 8],
    // Bytes past the fill count are zero, so the derived comparisons are right.
    block: [u8; BLOCK],
    length: u64,
}

/// The size of a SHA-256 block in bytes.
const BLOCK: usize = 64;
/// The most bytes whose number of bits fits the hash's 64-bit counter.
const MAX_LENGTH: u64 = u64::MAX >> 3;

impl Midstate {
    /// A state from its parts. The fill count of `block` is `length` modulo 64; bytes of `block` past it are ignored.
    /// `None` when no hash can have taken in so many bytes.
    pub(crate) fn new(chaining: [u32; 8], block: &[u8; BLOCK], length: u64) -> Option<Self> {
        let mut state = Self { chaining, block: [0; BLOCK], length };
        let fill = state.fill();
        state.block[..fill].copy_from_slice(&block[..fill]);
        (length <= MAX_LENGTH).then_some(state)
    }

    /// The number of bytes hashed so far.
    pub(crate) fn length(&self) -> u64 {
        self.length
    }

    /// The eight words of the chaining value.
    pub(crate) fn chaining(&self) -> &[u32; 8] {
        &self.chaining
    }

    /// The unfinished block, zero past its fill count.
    pub(crate) fn block(&self) -> &[u8; BLOCK] {
        &self.block
    }

    fn fill(&self) -> usize {
        usize::try_from(self.length % BLOCK as u64).expect("less than a block")
    }

    // sha2's form: the words and the number of blocks, little-endian; the fill count; the block without its last byte.
    pub(super) fn of(hash: &Sha256) -> Self {
        let serialized = hash.serialize();
        let mut chaining = [0; 8];
        for (word, bytes) in chaining.iter_mut().zip(serialized[..32].as_chunks::<4>().0) {
            *word = u32::from_le_bytes(*bytes);
        }
        let blocks = u64::from_le_bytes(serialized[32..40].try_into().expect("eight bytes"));
        let fill = serialized[40];
        let mut block = [0; BLOCK];
        block[..BLOCK - 1].copy_from_slice(&serialized[41..]);
        Self { chaining, block, length: blocks * BLOCK as u64 + u64::from(fill) }
    }

    pub(super) fn to_hash(self) -> Sha256 {
        let mut serialized = SerializedState::<Sha256>::default();
        for (bytes, word) in serialized[..32].as_chunks_mut::<4>().0.iter_mut().zip(self.chaining) {
            *bytes = word.to_le_bytes();
        }
        serialized[32..40].copy_from_slice(&(self.length / BLOCK as u64).to_le_bytes());
        serialized[40] = u8::try_from(self.fill()).expect("less than a block");
        serialized[41..].copy_from_slice(&self.block[..BLOCK - 1]);
        Sha256::deserialize(&serialized).expect("the fill count is less than a block, and the rest is zero")
    }
}

impl std::fmt::Debug for Midstate {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Midstate(length {})", self.length)
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test may")]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::digest::{Digest, Hasher};

    proptest! {
        #[test]
        fn a_hash_goes_on_from_its_state(content in prop::collection::vec(any::<u8>(), 0..400), at in 0..400_usize) {
            let (first, rest) = content.split_at(at.min(content.len()));
            let mut hasher = Hasher::new([]);
            hasher.update(first);
            let state = hasher.midstate().unwrap();
            prop_assert_eq!(state.length(), first.len() as u64);
            let mut resumed = Hasher::resume(state);
            resumed.update(rest);
            let hashed = resumed.finish();
            prop_assert_eq!(hashed.canonical(), Digest::of(&content));
            prop_assert_eq!(hashed.size, content.len() as u64);
        }
    }

    #[test]
    fn a_length_that_no_hash_can_have_is_refused() {
        assert!(Midstate::new([0; 8], &[0; 64], u64::MAX).is_none());
        assert!(Midstate::new([0; 8], &[0; 64], 1 << 61).is_none());
        assert!(Midstate::new([0; 8], &[0; 64], (1 << 61) - 1).is_some());
    }
}
