//! Blobs: content in the global store, and what a repository may do with it through its links.
//!
//! Content lies once in the tree, at `blobs/sha256/hh/<hex>/data`, whatever digest it was pushed by. A repository is
//! granted it by a link; a link at another digest's path that names the sha256 is an *alias* (layout.md §4).
//! Here a file for each verb; sessions that content arrives through are `upload`'s.

mod delete;
mod get;
pub(crate) mod list;
mod mount;
mod stat;
pub(crate) mod store;

pub use delete::{Removal, plan_delete};
pub use get::{ByteRange, OpenBlob, RangeError};
pub use list::blobs;
pub use mount::mount;
pub use stat::{BlobStat, content_size, stat};
pub(crate) use store::sync_content;
pub use store::{Expected, Outcome, Stored};
