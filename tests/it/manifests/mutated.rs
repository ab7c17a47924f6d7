//! Manifests that were tampered with at random, the same on each run: registry and regtree agree on all of them.

use super::REPOSITORY;
use super::differential::{ANY_URL, push, said_by_registry, said_by_regtree, twin};
use super::rows::{Row, Store};
use crate::support::Scratch;
use crate::support::image::noise;
use crate::support::peers::DockerRegistry;

const ROUNDS: usize = 300;

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
struct Random(std::vec::IntoIter<u8>);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        let mut byte = || usize::from(self.0.next().unwrap());
        (byte() << 8 | byte()) % bound
    }
}

/// Changes a byte, or puts something in.
fn tamper(body: &mut Vec<u8>, random: &mut Random) {
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

#[test]
fn registry_and_regtree_agree_on_manifests_that_were_tampered_with() {
    let theirs = Scratch::new();
    let rows = Store::fill(&theirs).rows();
    let ours = twin(&theirs);
    let registry = DockerRegistry::serve_configured(theirs.root(), ANY_URL);
    // Of what has URLs, 3.x asks more than 2.8 (README), and so does regtree.
    let has_urls = |row: &Row| String::from_utf8_lossy(&row.body).contains("urls");
    let fit = |row: &&Row| row.registry.is_none() && (20..1500).contains(&row.body.len()) && !has_urls(row);
    let seeds: Vec<&Row> = rows.iter().filter(fit).collect();
    let mut random = Random(noise(20, ROUNDS * 40).into_iter());
    let mut taken = 0;
    for _ in 0..ROUNDS {
        let Row { id, media_type, body, .. } = seeds[random.below(seeds.len())];
        let mut body = body.clone();
        for _ in 0..=random.below(2) {
            tamper(&mut body, &mut random);
        }
        let reply = push(&registry, "v1", media_type, &body);
        let put = ["manifest", "put", REPOSITORY, "--json", "--media-type", media_type];
        let run = ours.regtree(put).stdin(&*body).run();
        let [registry, regtree] = [said_by_registry(&reply), said_by_regtree(run)];
        assert_eq!(registry, regtree, "{id} as {media_type}: {}", String::from_utf8_lossy(&body));
        taken += usize::from(regtree.is_empty());
    }
    assert!(taken > 10 && taken < ROUNDS / 2, "{taken} of {ROUNDS} were taken");
}
