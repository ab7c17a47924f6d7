//! Manifests: what is taken and what is refused, held against the registry; how they are stored; and who can use them.

mod bad_input;
mod differential;
mod live;
mod mutated;
mod put;
mod read;
mod rows;
mod schema1;
mod stored;
#[cfg(not(feature = "schema1-signatures"))]
mod unverified;

use crate::support::{Regtree, Scratch};

const REPOSITORY: &str = "lib/app";

/// `regtree manifest put`, of this.
fn put(scratch: &Scratch, manifest: impl Into<Vec<u8>>) -> Regtree {
    scratch.regtree(["manifest", "put", REPOSITORY]).stdin(manifest)
}

/// The bytes that `regtree manifest get` gives.
fn got(scratch: &Scratch, reference: &str) -> Vec<u8> {
    scratch.regtree(["manifest", "get", REPOSITORY, reference]).ok().bytes().to_vec()
}
