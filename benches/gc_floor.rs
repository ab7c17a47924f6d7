//! The bare reads that a collection can't do without, and nothing else: what `gc --dry-run` is held to.
//!
//!     cargo bench --bench gc_floor -- TREE
//!
//! Prints the median of ten rounds of each piece, in milliseconds. No path is checked and no damage noticed.

#![expect(clippy::print_stdout, reason = "that is what it is for")]

use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rayon::prelude::*;
use serde_json::Value;
use sha2::{Digest, Sha256};

const ROUNDS: usize = 10;

fn main() {
    let root = std::env::args().skip(1).find(|argument| !argument.starts_with('-')).expect("the root of a tree");
    let v2 = Path::new(&root).join("docker/registry/v2");
    let repositories: Vec<PathBuf> = find(&v2.join("repositories"));
    let inside = |below: &str| repositories.iter().map(|repository| repository.join(below)).collect::<Vec<_>>();
    let (revisions, layers, tags) =
        (inside("_manifests/revisions/sha256"), inside("_layers/sha256"), inside("_manifests/tags"));
    let fan_outs = names(&v2.join("blobs/sha256"));
    let manifests: Vec<String> =
        revisions.iter().flat_map(|directory| names(directory)).map(|path| hex(&path)).collect();

    let pieces: [(&str, &(dyn Fn() -> usize + Sync)); 5] = [
        ("blob names", &|| fan_outs.par_iter().map(|fan_out| names(fan_out).len()).sum()),
        ("revision links", &|| {
            let links: Vec<PathBuf> = revisions.par_iter().flat_map_iter(|directory| names(directory)).collect();
            links.par_iter().map(|revision| read(&revision.join("link")).len()).sum()
        }),
        ("manifests", &|| {
            let manifest = |hex: &String| {
                let content = read(&v2.join(format!("blobs/sha256/{}/{hex}/data", &hex[..2])));
                let digest = Sha256::digest(&content);
                let document: Value = serde_json::from_slice(&content).expect("a manifest");
                usize::from(digest[0]) + document.as_object().map_or(0, serde_json::Map::len)
            };
            manifests.par_iter().map(manifest).sum()
        }),
        ("layer link names", &|| layers.par_iter().map(|directory| names(directory).len()).sum()),
        ("tags", &|| {
            let tags: Vec<PathBuf> = tags.par_iter().flat_map_iter(|directory| names(directory)).collect();
            tags.par_iter().map(|tag| read(&tag.join("current/link")).len()).sum()
        }),
    ];
    let mut total = Duration::ZERO;
    for (name, piece) in pieces {
        let mut times: Vec<Duration> = (0..ROUNDS).map(|_| time(piece)).collect();
        times.sort();
        total += times[ROUNDS / 2];
        println!("{name}\t{:.1} ms", times[ROUNDS / 2].as_secs_f64() * 1000.0);
    }
    println!("all of it\t{:.1} ms", total.as_secs_f64() * 1000.0);
}

fn time(piece: &dyn Fn() -> usize) -> Duration {
    let begin = Instant::now();
    std::hint::black_box(piece());
    begin.elapsed()
}

/// The repositories below a directory.
fn find(directory: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for path in names(directory) {
        match path.file_name().and_then(|name| name.to_str()) {
            Some("_manifests") => found.push(directory.to_owned()),
            Some(name) if name.starts_with('_') => {}
            _ => found.extend(find(&path)),
        }
    }
    found
}

fn names(directory: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(directory).into_iter().flatten();
    entries.map(|entry| entry.expect("a directory's entry").path()).collect()
}

fn hex(path: &Path) -> String {
    path.file_name().and_then(|name| name.to_str()).expect("a digest").to_owned()
}

fn read(path: &Path) -> Vec<u8> {
    let mut content = Vec::with_capacity(4096);
    fs::File::open(path).expect("a file").read_to_end(&mut content).expect("its content");
    content
}
