//! What is wrong with content and with references: one rule, whichever command asks.
//!
//! * `content`: what is stored under a digest, by its place or by its hash.
//! * `manifest`: what a manifest says, and what is wrong with that in any repository.
//! * `link`: what a broken link, and something else in the place of a file, are as findings.
//! * `references`: whether all is there that a manifest references. `fsck` has read all links before it asks; [`verify`]
//!   reads each when it is asked for. Both give the same [`Facts`](references::Facts) to the same judgement.
//! * `signatures`: the signatures that registries up to 2.4 stored beside a manifest.
//!
//! Every finding says the same of the same file: its code follows from what was seen, and its severity from the code
//! and from what the finding [harms](crate::finding::Harm).

pub(crate) mod content;
pub(crate) mod follow;
mod lazy;
pub(crate) mod link;
pub(crate) mod manifest;
pub(crate) mod references;
pub(crate) mod signatures;
pub mod verify;

use crate::digest::Digest;
use crate::finding::{Code, Finding, Harm};
use crate::layout::TreePath;
use crate::tree::Tree;

/// What can't be had for a finding, so that the images can be found that need it. In the finding's repository, but for
/// content.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Cause {
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
    /// All content below the finding's place.
    Area,
}

/// A finding about what lies at `path`.
pub(crate) fn at(tree: &Tree, path: &TreePath, code: Code, harm: Harm, message: impl Into<String>) -> Finding {
    Finding { path: Some(tree.locate(path)), place: Some(path.clone()), ..Finding::new(code, harm, message) }
}
