//! Judges content and references. Every command uses this one judgement.
//!
//! * `content` judges what is stored under a digest, by its metadata or by its hash.
//! * `hashing` hashes much content, several files at once.
//! * `manifest` judges a manifest on its own, for every repository that has it.
//! * `link` makes the findings about broken links, and about something else in the place of a file.
//! * `joined` makes one finding of many of a kind in one manifest.
//! * `references` judges whether everything is there that a manifest references. `fsck` reads all links before it asks;
//!   [`verify`] reads each link when it needs it. Both give the same `Facts` to the same judgement.
//! * `known` is what `verify` has read so far, shared by all threads.
//! * `absence` judges what is absent, which is no damage in a pull-through cache.
//! * `permission` says what shows that a repository had content that it does not link.
//! * `signatures` judges the signatures that registries up to 2.4 stored beside a manifest.
//!
//! **Every command reports the same finding for the same file.** The finding's code follows from what was seen, its
//! severity from the code and from what the finding [harms](crate::finding::Harm).

pub(crate) mod absence;
pub(crate) mod content;
pub(crate) mod hashing;
mod joined;
mod known;
mod lazy;
pub(crate) mod link;
pub(crate) mod manifest;
pub(crate) mod permission;
pub(crate) mod references;
pub(crate) mod signatures;
pub(crate) mod symlinks;
pub mod verify;

use crate::digest::Digest;

/// What a finding makes unavailable; used to list the affected images. It is in the finding's repository, except for
/// content.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Blocks {
    /// Nothing in particular.
    None,
    /// Content, in the whole tree.
    Blob(Digest),
    /// A layer or config.
    Layer(Digest),
    /// A manifest.
    Revision(Digest),
    /// The finding's tag.
    Tag,
    /// All of the repository.
    Repository,
    /// All content below the finding's path.
    Area,
}
