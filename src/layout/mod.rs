//! The tree's paths, both ways: what a thing is called becomes where it lies, and a path becomes what lies there.
//!
//! This is layout.md §1 as code, and the only module that knows it. Paths are relative to `docker/registry/v2`
//! ([`PREFIX`]); they are made of checked names only, so none of them leads out of the tree. Nothing here touches a
//! disk: reading is `tree`'s, writing is `durable`'s.
//!
//! Two layouts share the tree. Registries since alpha.2 put an underscore before a repository's own folders
//! ([`Form::Current`]); alpha.0 and alpha.1 did not ([`Form::Alpha`]), which is read and never written. Registry 2.1.0
//! wrote manifest revision links where layer links belong: such a link has the path of a [`Item::LayerLink`], and only
//! what it names tells the difference ([`Entry::misplaced_revision_link`]).

mod entry;
mod parse;
mod path;
mod place;
mod quarantine;

pub use entry::{Entry, Item};
pub use path::{Area, TreePath};
pub use place::Form;
#[cfg(feature = "cli")]
pub(crate) use place::is_of_revision;
pub(crate) use place::{Place, alpha_directories, alpha_uploads, own_folders, revision_beside, tag_of_past};
pub(crate) use quarantine::{JOURNAL, QUARANTINE, THINGS, quarantined_blob};
pub use quarantine::{is_in_quarantine, quarantine_beside};

use crate::digest::{Algorithm, Digest, TarsumVersion};

/// Where the tree lies below the registry's `rootdirectory`.
pub const PREFIX: &str = "docker/registry/v2";
/// regtree's own state, below `rootdirectory` and beside `docker`, where no registry looks.
pub const PRIVATE: &str = ".regtree";
/// What a pull-through registry keeps in `rootdirectory` beside `docker`: not regtree's, and never touched.
pub const SCHEDULER_STATE: &str = "scheduler-state.json";

/// `<alg>/<hex>` below a directory, with a tarsum's `+` and `.` turned into directories.
fn keyed(directory: &TreePath, digest: &Digest) -> TreePath {
    algorithm_directory(directory, digest).join(&digest.hex())
}

/// The entry that is called by `digest`, in a directory of such: `<directory>/<alg>/<hex>`.
pub(crate) fn entry_in(directory: &TreePath, digest: &Digest) -> TreePath {
    keyed(directory, digest)
}

fn algorithm_directory(directory: &TreePath, digest: &Digest) -> TreePath {
    let (tarsum, algorithm) = digest.parts();
    match tarsum {
        None => directory.join(algorithm.name()),
        Some(version) => directory.join_all(["tarsum", version.directory(), algorithm.name()]),
    }
}

/// The directories that digests of each kind are kept in, below `directory`.
pub(crate) fn algorithm_directories(directory: &TreePath) -> Vec<KeyedDirectory> {
    let plain = Algorithm::ALL.map(|algorithm| (None, algorithm));
    let tarsums = TarsumVersion::ALL.into_iter().flat_map(|version| Algorithm::ALL.map(|a| (Some(version), a)));
    let kinds = plain.into_iter().chain(tarsums);
    kinds
        .map(|(tarsum, algorithm)| {
            let tarsum_path = tarsum.map(|version| directory.join_all(["tarsum", version.directory()]));
            let path = tarsum_path.as_ref().unwrap_or(directory).join(algorithm.name());
            KeyedDirectory { tarsum, algorithm, path }
        })
        .collect()
}

/// A directory whose entries are called by the hex digits of one kind of digest.
#[derive(Clone, Debug)]
pub(crate) struct KeyedDirectory {
    tarsum: Option<TarsumVersion>,
    algorithm: Algorithm,
    /// Where it is.
    pub(crate) path: TreePath,
}

impl KeyedDirectory {
    /// Whether it is `sha256`.
    pub(crate) fn is_canonical(&self) -> bool {
        self.tarsum.is_none() && self.algorithm == Algorithm::Sha256
    }

    /// The digest that an entry's name spells.
    pub(crate) fn digest(&self, hex: &str) -> Option<Digest> {
        Digest::from_parts(self.tarsum, self.algorithm, hex).ok()
    }
}

/// The directory that holds a blob's `data`.
pub fn blob_directory(digest: &Digest) -> TreePath {
    let hex = digest.hex();
    algorithm_directory(&Area::Blobs.path(), digest).join_all([&hex[..2], &hex[..]])
}

/// `blobs/sha256`, which stays even when it is empty.
pub fn canonical_blobs_directory() -> TreePath {
    Area::Blobs.path().join(Algorithm::Sha256.name())
}

/// What file a temporary was to become, by its name.
pub(crate) fn temporary_of(name: &str) -> Option<&str> {
    parse::split_temporary(name).map(|(file, _)| file)
}

/// The end of a temporary's name, as registries from 3.1 on write it (layout.md §10).
pub(crate) fn temporary_suffix(id: uuid::Uuid) -> String {
    format!(".{id}.tmp")
}

#[cfg(test)]
mod tests;
