//! Manifests: the documents that describe images.
//!
//! The tree stores a manifest as the bytes that were pushed, without its media type; its [`Kind`] follows from the
//! content (layout.md §5.1). Registries decode with Go's JSON library. That library accepts keys in any case, lets the
//! last of two equal keys win, merges what is inside them, and reads `null` as nothing. **No reference that a registry
//! sees may be missed**, or a collection deletes content that is needed. So regtree reads by the same rules. Where
//! readers could differ, it reports an [`Oddity`] and lists every digest [mentioned](Manifest::mentioned).
//!
//! There are three ways to read or check a manifest:
//!
//! - [`Manifest::read`] reads a manifest of a tree, of any kind, up to [`MAX_READ`] bytes, nested to any depth;
//! - [`decode()`] refuses what a registry refuses to decode;
//! - `check` makes the checks against the repository that a registry makes before it stores a manifest.

mod check;
mod decode;
mod delete;
mod dependents;
mod get;
pub(crate) mod json;
mod kind;
mod mention;
mod model;
mod oddity;
pub mod platform;
mod put;
mod read;
mod referrers;
pub(crate) mod schema1;
pub(crate) mod signatures;
mod stat;
mod unmarshal;
mod url;

pub(crate) use check::Anything;
pub(crate) use check::{Presence, check};
pub use decode::decode;
pub use delete::{Removal, Tags, delete, plan_delete};
pub use dependents::{Needed, check_unneeded};
pub(crate) use get::{content, parse};
pub use get::{get, manifests, read};
pub use json::{Malformed, Reason};
pub use kind::Kind;
pub(crate) use model::Embedded;
pub use model::{Manifest, Platform, Reference, Role, Schema1};
pub use oddity::{Oddity, Sighting};
pub use put::{Put, Stored};
pub(crate) use read::embedded;
pub use referrers::{Referrer, Relations, relations};
pub(crate) use stat::size;
pub use stat::{ManifestStat, Part, stat};

/// The most bytes that a registry accepts (layout.md §5.4): 4 MiB.
pub const MAX_PUT: usize = 4 * 1024 * 1024;
/// The most bytes that regtree reads from a tree: 64 MiB. Registries up to 2.6 had no limit.
pub const MAX_READ: usize = 64 * 1024 * 1024;
