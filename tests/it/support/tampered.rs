//! Documents that are tampered with at random, the same on each run.

/// What is put where a value or a member may stand.
const PIECES: [&[u8]; 28] = [
    b"null",
    b"{}",
    b"[]",
    b"\"\"",
    b"-1",
    b"1e5",
    b"true",
    b",",
    b":",
    b"{",
    b"}",
    b"]",
    b"\"",
    b"\\u0000",
    b"\xff",
    b"\n",
    b"\"layers\":null,",
    b"\"layers\":[null],",
    b"\"Layers\":[],",
    b"\"config\":{},",
    b"\"config\":null,",
    b"\"mediaType\":\"\",",
    b"\"schemaVersion\":2,",
    b"\"manifests\":[{}],",
    b"\"size\":null,",
    b"\"digest\":\"\",",
    b"\"platform\":{\"os\":\"a\"},",
    b"\"annotations\":null,",
];

/// Numbers from a seed.
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub(crate) fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % bound
    }
}

/// Changes a byte, or puts something in.
pub(crate) fn tamper(body: &mut Vec<u8>, random: &mut Random) {
    let at = random.below(body.len());
    let piece = PIECES[random.below(PIECES.len())];
    match random.below(6) {
        0 => drop(body.remove(at)),
        1 => body[at] = u8::try_from(random.below(256)).unwrap(),
        2 => body[at] ^= 0x20,
        3 => drop(body.splice(at..at, piece.iter().copied())),
        _ => {
            let places: Vec<usize> = (0..body.len()).filter(|&at| b",{[:".contains(&body[at])).collect();
            let after = if places.is_empty() { 0 } else { places[random.below(places.len())] + 1 };
            drop(body.splice(after..after, piece.iter().copied()));
        }
    }
}
