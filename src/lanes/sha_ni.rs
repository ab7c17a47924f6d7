//! Interleaves the blocks of two or three messages with the SHA instructions of x86-64.

use core::arch::x86_64::{
    __m128i, _mm_add_epi32, _mm_alignr_epi8, _mm_extract_epi32, _mm_set_epi32, _mm_set_epi64x, _mm_setzero_si128,
    _mm_sha256msg1_epu32, _mm_sha256msg2_epu32, _mm_sha256rnds2_epu32, _mm_shuffle_epi8, _mm_shuffle_epi32,
};

use super::{Block, State, one_by_one};

/// The constants of the 64 rounds, four at a time (FIPS 180-4, 4.2.2).
static ROUNDS: [[u32; 4]; 16] = [
    [0x428a_2f98, 0x7137_4491, 0xb5c0_fbcf, 0xe9b5_dba5],
    [0x3956_c25b, 0x59f1_11f1, 0x923f_82a4, 0xab1c_5ed5],
    [0xd807_aa98, 0x1283_5b01, 0x2431_85be, 0x550c_7dc3],
    [0x72be_5d74, 0x80de_b1fe, 0x9bdc_06a7, 0xc19b_f174],
    [0xe49b_69c1, 0xefbe_4786, 0x0fc1_9dc6, 0x240c_a1cc],
    [0x2de9_2c6f, 0x4a74_84aa, 0x5cb0_a9dc, 0x76f9_88da],
    [0x983e_5152, 0xa831_c66d, 0xb003_27c8, 0xbf59_7fc7],
    [0xc6e0_0bf3, 0xd5a7_9147, 0x06ca_6351, 0x1429_2967],
    [0x27b7_0a85, 0x2e1b_2138, 0x4d2c_6dfc, 0x5338_0d13],
    [0x650a_7354, 0x766a_0abb, 0x81c2_c92e, 0x9272_2c85],
    [0xa2bf_e8a1, 0xa81a_664b, 0xc24b_8b70, 0xc76c_51a3],
    [0xd192_e819, 0xd699_0624, 0xf40e_3585, 0x106a_a070],
    [0x19a4_c116, 0x1e37_6c08, 0x2748_774c, 0x34b0_bcb5],
    [0x391c_0cb3, 0x4ed8_aa4a, 0x5b9c_ca4f, 0x682e_6ff3],
    [0x748f_82ee, 0x78a5_636f, 0x84c8_7814, 0x8cc7_0208],
    [0x90be_fffa, 0xa450_6ceb, 0xbef9_a3f7, 0xc671_78f2],
];

/// A function that advances each state by its blocks. All have the same number of blocks.
type Interleave = fn(&mut [State], &[&[Block]]);

/// What interleaves two or three messages. `None` when the processor does not have the instructions.
pub(super) fn detect() -> Option<Interleave> {
    let is_there = is_x86_feature_detected!("sha")
        && is_x86_feature_detected!("sse2")
        && is_x86_feature_detected!("ssse3")
        && is_x86_feature_detected!("sse4.1");
    is_there.then_some(compress)
}

#[expect(unsafe_code, reason = "only a processor that has the instructions may run them")]
fn compress(states: &mut [State], blocks: &[&[Block]]) {
    match (states, blocks) {
        // SAFETY: only `detect` gives this function away, after it has found all that `two` is compiled with.
        ([first, second], [one, other]) => unsafe { two([first, second], [one, other]) },
        // SAFETY: as above, and `three` is compiled with the same.
        ([first, second, third], [one, other, last]) => unsafe { three([first, second, third], [one, other, last]) },
        // `sha2` uses the same instructions.
        (states, blocks) => one_by_one(states, blocks),
    }
}

/// The registers of one message.
#[derive(Clone, Copy)]
struct Registers {
    /// The words A, B, E and F of the state.
    abef: __m128i,
    /// The words C, D, G and H of the state.
    cdgh: __m128i,
    /// The last sixteen words of the message schedule.
    schedule: [__m128i; 4],
}

impl Registers {
    #[inline]
    #[target_feature(enable = "sha,sse2,ssse3,sse4.1")]
    #[expect(clippy::many_single_char_names, reason = "the standard's own names")]
    fn load(state: &State) -> Self {
        let [a, b, c, d, e, f, g, h] = *state;
        Self { abef: words([f, e, b, a]), cdgh: words([h, g, d, c]), schedule: [_mm_setzero_si128(); 4] }
    }

    #[inline]
    #[target_feature(enable = "sha,sse2,ssse3,sse4.1")]
    fn store(self, state: &mut State) {
        let Self { abef, cdgh, .. } = self;
        *state = [
            _mm_extract_epi32::<3>(abef),
            _mm_extract_epi32::<2>(abef),
            _mm_extract_epi32::<3>(cdgh),
            _mm_extract_epi32::<2>(cdgh),
            _mm_extract_epi32::<1>(abef),
            _mm_extract_epi32::<0>(abef),
            _mm_extract_epi32::<1>(cdgh),
            _mm_extract_epi32::<0>(cdgh),
        ]
        .map(i32::cast_unsigned);
    }

    /// Does the `N`th four rounds of a block.
    #[inline]
    #[target_feature(enable = "sha,sse2,ssse3,sse4.1")]
    fn rounds<const N: usize>(&mut self, block: &Block) {
        let next = if N < 4 { message(&block.as_chunks().0[N]) } else { self.next::<N>() };
        self.schedule[N % 4] = next;
        let sum = _mm_add_epi32(next, words(ROUNDS[N]));
        self.cdgh = _mm_sha256rnds2_epu32(self.cdgh, self.abef, sum);
        self.abef = _mm_sha256rnds2_epu32(self.abef, self.cdgh, _mm_shuffle_epi32::<0b1110>(sum));
    }

    /// The next four words of the message schedule.
    #[inline]
    #[target_feature(enable = "sha,sse2,ssse3,sse4.1")]
    fn next<const N: usize>(&self) -> __m128i {
        let schedule = &self.schedule;
        let [a, b, c, d] = [schedule[N % 4], schedule[(N + 1) % 4], schedule[(N + 2) % 4], schedule[(N + 3) % 4]];
        let sum = _mm_add_epi32(_mm_sha256msg1_epu32(a, b), _mm_alignr_epi8::<4>(d, c));
        _mm_sha256msg2_epu32(sum, d)
    }

    /// Adds the state from before a block.
    #[inline]
    #[target_feature(enable = "sha,sse2,ssse3,sse4.1")]
    fn add(&mut self, before: Self) {
        self.abef = _mm_add_epi32(self.abef, before.abef);
        self.cdgh = _mm_add_epi32(self.cdgh, before.cdgh);
    }
}

/// Four words, the lowest first.
#[inline]
#[target_feature(enable = "sha,sse2,ssse3,sse4.1")]
fn words([a, b, c, d]: [u32; 4]) -> __m128i {
    _mm_set_epi32(d.cast_signed(), c.cast_signed(), b.cast_signed(), a.cast_signed())
}

/// Four words of a message, whose bytes are big-endian.
#[inline]
#[target_feature(enable = "sha,sse2,ssse3,sse4.1")]
fn message(bytes: &[u8; 16]) -> __m128i {
    let (halves, _) = bytes.as_chunks();
    let bytes = _mm_set_epi64x(i64::from_le_bytes(halves[1]), i64::from_le_bytes(halves[0]));
    _mm_shuffle_epi8(bytes, _mm_set_epi64x(0x0c0d_0e0f_0809_0a0b, 0x0405_0607_0001_0203))
}

/// Does all rounds of one block of each message, four of each in turn. It is no loop, because a loop would not be unrolled
/// where the program is built to be small, and the processor would find nothing to interleave.
macro_rules! rounds {
    ($messages:tt) => { rounds!($messages 0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15) };
    ($messages:tt $($four:literal)*) => { $(rounds!(@ $four $messages);)* };
    (@ $four:literal [$($registers:ident $block:ident),*]) => { $($registers.rounds::<$four>($block);)* };
}

/// Defines a function that advances so many messages by as many blocks as all have.
macro_rules! interleave {
    ($name:ident($count:literal): $($registers:ident $block:ident $state:ident),*) => {
        #[target_feature(enable = "sha,sse2,ssse3,sse4.1")]
        fn $name([$($state),*]: [&mut State; $count], [$($block),*]: [&[Block]; $count]) {
            let count = [$($block.len()),*].into_iter().min().unwrap_or_default();
            $(let ($block, mut $registers) = (&$block[..count], Registers::load($state));)*
            for at in 0..count {
                let before = [$($registers),*];
                $(let $block = &$block[at];)*
                rounds!([$($registers $block),*]);
                let [$($block),*] = before;
                $($registers.add($block);)*
            }
            $($registers.store($state);)*
        }
    };
}

interleave!(two(2): a block_a state_a, b block_b state_b);
interleave!(three(3): a block_a state_a, b block_b state_b, c block_c state_c);
