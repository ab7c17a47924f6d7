//! The paths of the storage tree, in both directions: this module makes a path from a name, and says what a path is.
//!
//! It is layout.md §1 as code. No other module spells a name of the tree. Nothing here touches a disk: `tree` reads it,
//! and `durable` writes to it. **A path is made of checked names only, so no path leads out of the tree.**
//!
//! # What is on disk
//!
//! ```text
//! <root>/                                      the registry's `rootdirectory`
//! ├── docker/registry/v2/                      PREFIX: a TreePath is relative to this directory
//! │   ├── blobs/                               Area::Blobs
//! │   │   └── <alg>/<hh>/<hex>/data            content, stored once; <hh> is the first two digits of <hex>
//! │   └── repositories/                        Area::Repositories
//! │       └── <name>/                          a slash in a name is a directory, so repositories nest
//! │           ├── _layers/<alg>/<hex>/link     grants the repository a blob
//! │           ├── _manifests/
//! │           │   ├── revisions/<alg>/<hex>/
//! │           │   │   ├── link                 makes a manifest the repository's
//! │           │   │   └── signatures/<alg>/<hex>/link    schema1 only; alpha.0 to 2.4
//! │           │   └── tags/<tag>/
//! │           │       ├── current/link         what the tag points to now
//! │           │       └── index/<alg>/<hex>/link         everything that it has pointed to
//! │           └── _uploads/<id>/
//! │               ├── startedat                when the upload began
//! │               ├── data                     the bytes that it has received
//! │               └── hashstates/<alg>/<offset>          the hash's state after so many bytes
//! ├── docker/registry/lockfiles/               GitLab's registry only: see DATABASE_IN_USE
//! ├── scheduler-state.json                     pull-through registries only; never touched
//! └── .regtree/                                PRIVATE: regtree's own state
//!     └── quarantine/<run>/                    what a run moved out of the tree
//! ```
//!
//! - A `link` is a file that contains one digest and nothing else, not even a newline (layout.md §1.2).
//! - `<alg>` is `sha256`, `sha384` or `sha512`, or such a name below `tarsum/<version>`.
//! - `<file>.<uuid>.tmp` beside a small file is what an interrupted write of that file left.
//! - An empty directory is normal: registries remove links, and leave the directories around them (layout.md §1.1).
//! - An area that is on another file system than `<root>` has a quarantine of its own ([`quarantine_beside`]).
//!
//! # Versions
//!
//! Registries since alpha.2 put an underscore before a repository's own folders ([`Form::Current`]). Alpha.0 and
//! alpha.1 did not ([`Form::Alpha`]): regtree reads that form and never writes it. Registry 2.1.0 wrote the links of
//! manifest revisions where layer links belong. Such a link has the path of an [`Item::LayerLink`], and only the
//! content that it names shows the difference (§1.4).

mod entry;
mod parse;
mod path;
mod place;
mod quarantine;

pub(crate) use entry::{Entry, Item};
pub(crate) use path::Area;
pub use path::TreePath;
pub(crate) use place::Form;
#[cfg(feature = "cli")]
pub(crate) use place::is_of_revision;
pub(crate) use place::{Place, alpha_directories, alpha_uploads, own_folders, repository_of};
pub(crate) use quarantine::{JOURNAL, QUARANTINE, THINGS, quarantined_blob};
pub(crate) use quarantine::{is_in_quarantine, quarantine_beside};

use crate::digest::{Algorithm, Digest, DigestPrefix, TarsumVersion};

/// The directory of what is called by a tarsum.
pub(crate) const TARSUM: &str = "tarsum";
/// The file with the content of a blob or an upload.
pub(crate) const DATA: &str = "data";
/// The file of a link.
pub(crate) const LINK: &str = "link";
/// The path of the tree below the registry's `rootdirectory`.
pub(crate) const PREFIX: &str = "docker/registry/v2";
/// The file, below `rootdirectory`, by which GitLab's registry says that its metadata is in a database. What is pushed
/// then has content in the tree, and no link.
pub(crate) const DATABASE_IN_USE: &str = "docker/registry/lockfiles/database-in-use";
/// The directories that Harbor keeps beside the `rootdirectory` of its registry.
pub(crate) const BESIDE_HARBOR: [&str; 5] = ["database", "job_logs", "ca_download", "secret", "redis"];
/// The directory of regtree's own state, below `rootdirectory` and beside `docker`, where no registry looks.
pub(crate) const PRIVATE: &str = ".regtree";
/// The directory of what imports of archives stage, as path components below `rootdirectory`.
pub(crate) const IMPORTS: [&str; 2] = [PRIVATE, "import"];

/// The state of a pull-through registry, below the root.
pub(crate) const SCHEDULER_STATE: &str = "scheduler-state.json";

/// The entry for `digest` in a directory whose entries are named by digests: `<directory>/<alg>/<hex>`. The `+` and `.`
/// of a tarsum become directories.
pub(crate) fn keyed(directory: &TreePath, digest: &Digest) -> TreePath {
    algorithm_directory(directory, digest).join(&digest.hex())
}

fn algorithm_directory(directory: &TreePath, digest: &Digest) -> TreePath {
    keyed_directory(directory, digest.parts()).path
}

/// The directory below `directory` for one kind of digest.
pub(crate) fn keyed_directory(
    directory: &TreePath,
    (tarsum, algorithm): (Option<TarsumVersion>, Algorithm),
) -> KeyedDirectory {
    let path = match tarsum {
        None => directory.join(algorithm.name()),
        Some(version) => directory.join_all([TARSUM, version.directory(), algorithm.name()]),
    };
    KeyedDirectory { tarsum, algorithm, path }
}

/// The fan-out directory of the blobs whose digests begin with `prefix`.
pub(crate) fn fan_out(prefix: &DigestPrefix) -> KeyedDirectory {
    let directory = keyed_directory(&Area::Blobs.path(), prefix.parts());
    KeyedDirectory { path: directory.path.join(&prefix.hex()[..2]), ..directory }
}

/// The directories below `directory` for each kind of digest.
pub(crate) fn algorithm_directories(directory: &TreePath) -> Vec<KeyedDirectory> {
    algorithm_directories_among(directory, |_| true)
}

/// The directories below `directory` for each kind of digest whose path begins with an entry that `is_there`.
pub(crate) fn algorithm_directories_among(
    directory: &TreePath,
    is_there: impl Fn(&str) -> bool,
) -> Vec<KeyedDirectory> {
    let plain = Algorithm::ALL.map(|algorithm| (None, algorithm));
    let tarsums = TarsumVersion::ALL.into_iter().flat_map(|version| Algorithm::ALL.map(|a| (Some(version), a)));
    let first = |(tarsum, algorithm): &(Option<TarsumVersion>, Algorithm)| match tarsum {
        Some(_) => TARSUM,
        None => algorithm.name(),
    };
    let there = plain.into_iter().chain(tarsums).filter(|parts| is_there(first(parts)));
    there.map(|parts| keyed_directory(directory, parts)).collect()
}

/// A directory whose entries are named by the hex digits of one kind of digest.
#[derive(Clone, Debug)]
pub(crate) struct KeyedDirectory {
    tarsum: Option<TarsumVersion>,
    algorithm: Algorithm,
    /// Its path.
    pub(crate) path: TreePath,
}

impl KeyedDirectory {
    /// Whether it is the directory for `sha256`.
    pub(crate) fn is_canonical(&self) -> bool {
        self.tarsum.is_none() && self.algorithm == Algorithm::Sha256
    }

    /// The digest that an entry's name spells; `None` when it spells none.
    pub(crate) fn digest(&self, hex: &str) -> Option<Digest> {
        Digest::from_parts(self.tarsum, self.algorithm, hex).ok()
    }
}

/// The directory that contains a blob's `data`.
pub(crate) fn blob_directory(digest: &Digest) -> TreePath {
    let hex = digest.hex();
    algorithm_directory(&Area::Blobs.path(), digest).join_all([&hex[..2], &hex[..]])
}

/// `blobs/sha256`, which regtree keeps even when it is empty.
pub(crate) fn canonical_blobs_directory() -> TreePath {
    Area::Blobs.path().join(Algorithm::Sha256.name())
}

/// Whether a directory of blobs can have this name: two hexadecimal digits.
pub(crate) fn is_fan_out(name: &str) -> bool {
    name.len() == 2 && name.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

/// The name of the file that a temporary file was written for; `None` when `name` is not that of a temporary file.
pub(crate) fn temporary_of(name: &str) -> Option<&str> {
    parse::split_temporary(name).map(|(file, _)| file)
}

/// The end of a temporary file's name, as registries from 3.1 on write it (layout.md §10).
pub(crate) fn temporary_suffix(id: uuid::Uuid) -> String {
    format!(".{id}.tmp")
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test may")]
#[path = "../../tests/unit/layout.rs"]
mod tests;
