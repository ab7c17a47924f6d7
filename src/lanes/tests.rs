use std::cell::{Cell, RefCell};
use std::collections::VecDeque;

use proptest::prelude::*;
use sha2::{Digest as _, Sha256};

use super::*;

/// Content that is read in pieces, and fails at its end if it is to.
#[derive(Clone, Debug)]
struct Blob {
    number: usize,
    rest: Vec<u8>,
    /// The sizes of the pieces, in turn.
    pieces: Vec<usize>,
    fails: bool,
}

impl Blob {
    fn new(number: usize, content: Vec<u8>) -> Self {
        Self { number, rest: content, pieces: vec![usize::MAX], fails: false }
    }
}

impl Read for Blob {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.rest.is_empty() && self.fails {
            return Err(io::Error::other("gone"));
        }
        self.pieces.rotate_left(1);
        let n = self.pieces[0].min(buffer.len()).min(self.rest.len());
        buffer[..n].copy_from_slice(&self.rest[..n]);
        self.rest.drain(..n);
        Ok(n)
    }
}

/// A queue of blobs for so many lanes, and what became of them.
struct Blobs {
    queued: VecDeque<Blob>,
    lanes: usize,
    done: Vec<(usize, io::Result<Hash>)>,
}

impl Queue for Blobs {
    type Blob = Blob;

    fn next(&mut self, busy: usize) -> Option<Blob> {
        if busy < self.lanes { self.queued.pop_front() } else { None }
    }

    fn done(&mut self, blob: Blob, hash: io::Result<Hash>) {
        self.done.push((blob.number, hash));
    }
}

fn run(lanes: &mut Lanes<'_>, blobs: Vec<Blob>, limit: usize) -> Vec<(usize, io::Result<Hash>)> {
    let mut queue = Blobs { queued: blobs.into(), lanes: limit, done: Vec::new() };
    lanes.run(&mut queue);
    assert!(queue.queued.is_empty());
    queue.done
}

fn by_sha2(content: &[u8]) -> Hash {
    Hash { sha256: Sha256::digest(content).into(), size: content.len() as u64 }
}

/// Some bytes, others for each seed.
fn bytes(length: usize, seed: usize) -> Vec<u8> {
    (0..length).map(|at| u8::try_from((at * 7 + at / 251 + seed * 13) % 256).unwrap()).collect()
}

/// Hashes messages of these lengths, and compares with `sha2`.
fn check(lengths: &[usize], limit: usize) {
    let contents: Vec<Vec<u8>> = lengths.iter().enumerate().map(|(seed, length)| bytes(*length, seed)).collect();
    let blobs = contents.iter().cloned().enumerate().map(|(number, content)| Blob::new(number, content)).collect();
    let done = run(&mut Lanes::new(), blobs, limit);
    assert_eq!(done.len(), lengths.len());
    for (number, hash) in done {
        assert_eq!(hash.unwrap(), by_sha2(&contents[number]), "{} bytes in {limit} lanes", lengths[number]);
    }
}

// FIPS 180-2, B.1 to B.3, NIST's example of 896 bits, and nothing.
#[test]
fn known_messages_have_known_hashes() {
    let long = "abcdefghbcdefghicdefghijdefghijkefghijklfghijklmghijklmnhijklmnoijklmnopjklmnopqklmnopqrlmnopqrsmnopqrstnopqrstu";
    let known = [
        (String::new(), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
        ("abc".to_owned(), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
        (
            "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq".to_owned(),
            "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1",
        ),
        (long.to_owned(), "cf5b16a778af8380036ce59e7b0492370b249b11e8f07a51afac45037afee9d1"),
        ("a".repeat(1_000_000), "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0"),
    ];
    for limit in 1..=MOST {
        let blobs = known.iter().enumerate().map(|(number, (text, _))| Blob::new(number, text.clone().into()));
        for (number, hash) in run(&mut Lanes::new(), blobs.collect(), limit) {
            assert_eq!(hex::encode(hash.unwrap().sha256), known[number].1, "in {limit} lanes");
        }
    }
}

#[test]
fn every_short_length_is_hashed_right() {
    let lengths: Vec<usize> = (0..=300).collect();
    for limit in 1..=MOST {
        check(&lengths, limit);
    }
}

#[test]
fn lengths_around_every_block_and_every_read_are_hashed_right() {
    let buffer = READ * BLOCK;
    let around = |multiple: usize| [multiple - 1, multiple, multiple + 1];
    let mut lengths: Vec<usize> = (5..40).flat_map(|blocks| around(blocks * BLOCK)).collect();
    lengths.extend([buffer - 9, buffer - 8]);
    lengths.extend([1, 2].into_iter().flat_map(|reads| around(reads * buffer)));
    check(&lengths, MOST);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn any_mix_of_messages_in_any_pieces_is_hashed_as_by_sha2(
        lengths in prop::collection::vec(prop_oneof![0..300_usize, (0..60_usize, 0..3_usize).prop_map(|(blocks, more)| blocks * BLOCK + more), 0..9_000_usize], 0..12),
        pieces in prop::collection::vec(1..700_usize, 1..6),
        limit in 1..=MOST,
    ) {
        let contents: Vec<Vec<u8>> = lengths.iter().enumerate().map(|(seed, length)| bytes(*length, seed)).collect();
        let blobs = contents.iter().cloned().enumerate();
        let blobs = blobs.map(|(number, content)| Blob { pieces: pieces.clone(), ..Blob::new(number, content) });
        let mut done = run(&mut Lanes::new(), blobs.collect(), limit);
        done.sort_by_key(|(number, _)| *number);
        prop_assert_eq!(done.len(), contents.len());
        for ((_, hash), content) in done.into_iter().zip(&contents) {
            prop_assert_eq!(hash.unwrap(), by_sha2(content));
        }
    }

    /// From any state, not only from those that a message leads to.
    #[test]
    fn several_states_advance_as_each_alone(
        states in prop::collection::vec(any::<State>(), 1..=MOST),
        blocks in prop::collection::vec(prop::collection::vec(any::<u8>(), MOST * BLOCK), 0..5),
    ) {
        let blocks: Vec<[Block; MOST]> = blocks.iter().map(|all| all.as_chunks().0.try_into().unwrap()).collect();
        let columns: Vec<Vec<Block>> = (0..MOST).map(|lane| blocks.iter().map(|row| row[lane]).collect()).collect();
        let columns: Vec<&[Block]> = columns.iter().map(Vec::as_slice).take(states.len()).collect();
        let (mut alone, mut together) = (states.clone(), states);
        one_by_one(&mut alone, &columns);
        (Lanes::new().compress)(&mut together, &columns);
        prop_assert_eq!(alone, together);
    }
}

#[test]
fn an_empty_lane_takes_the_next_blob_in_the_order_of_the_queue() {
    // The first has three times the blocks of the others, so two and then two more end before it.
    let blobs = [10_000, 3_000, 3_100, 3_200, 3_300, 20_000].into_iter().enumerate();
    let blobs = blobs.map(|(number, length)| Blob::new(number, bytes(length, number))).collect();
    let order: Vec<usize> = run(&mut three(|_| {}), blobs, MOST).into_iter().map(|(number, _)| number).collect();
    assert_eq!(order, [1, 2, 3, 4, 0, 5]);
}

/// Three lanes on any processor; `count` learns how many advance, and by how many blocks.
fn three<'c>(count: impl Fn((usize, usize)) + 'c) -> Lanes<'c> {
    Lanes::with(3, move |states: &mut [State], blocks: &[&[Block]]| {
        count((states.len(), blocks[0].len()));
        one_by_one(states, blocks);
    })
}

/// A long blob and then short ones of 500 bytes, which are 8 blocks each.
struct Uneven<'u> {
    long: Option<u64>,
    short: usize,
    is_queued: &'u Cell<bool>,
    done: usize,
}

impl Queue for Uneven<'_> {
    type Blob = io::Take<io::Repeat>;

    fn next(&mut self, _: usize) -> Option<Self::Blob> {
        let short = self.short;
        let size = self.long.take().or_else(|| {
            self.short = short.checked_sub(1)?;
            Some(500)
        });
        self.is_queued.set(size.is_some());
        size.map(|size| io::repeat(7).take(size))
    }

    fn done(&mut self, _: Self::Blob, hash: io::Result<Hash>) {
        self.done += usize::from(hash.is_ok());
    }
}

/// By how many blocks one, two and three lanes advanced together for a blob of `long` bytes beside so many short ones.
fn uneven(long: usize, short: usize) -> [usize; MOST] {
    let (is_queued, advanced) = (Cell::new(true), RefCell::new([0; MOST]));
    let mut queue = Uneven { long: Some(long as u64), short, is_queued: &is_queued, done: 0 };
    three(|(busy, blocks)| {
        assert!(busy == MOST || !is_queued.get(), "only {busy} lanes are busy, and a blob is queued");
        advanced.borrow_mut()[busy - 1] += blocks;
    })
    .run(&mut queue);
    assert_eq!(queue.done, 1 + short);
    advanced.into_inner()
}

#[test]
fn no_lane_is_empty_while_a_blob_is_queued() {
    // Two short ones at a time go with the long one, which is alone with what is left of it then.
    let long = 100_000;
    assert_eq!(uneven(long * BLOCK, 20_000), [long + 1 - 80_000, 0, 80_000]);
    // The long one ends first.
    let [alone, two, three] = uneven(1_000 * BLOCK, 6_001);
    assert_eq!(alone + 2 * two + 3 * three, 1_001 + 6_001 * 8);
    assert!(alone + two <= 16, "{alone} blocks were hashed alone, {two} in pairs");
}

#[test]
fn a_blob_that_fails_leaves_its_lane_to_the_next() {
    let blobs = (0..9).map(|number| Blob { fails: number % 2 == 0, ..Blob::new(number, bytes(5_000, number)) });
    let done = run(&mut Lanes::new(), blobs.collect(), MOST);
    assert_eq!(done.len(), 9);
    for (number, hash) in done {
        match hash {
            Ok(hash) => assert_eq!((number % 2, hash), (1, by_sha2(&bytes(5_000, number)))),
            Err(error) => assert_eq!((number % 2, error.to_string()), (0, "gone".to_owned())),
        }
    }
}
