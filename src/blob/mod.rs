//! Blobs: content in the global store, and what a repository can do with it through its links.
//!
//! The tree stores content once, at `blobs/sha256/hh/<hex>/data`, no matter which digest it was pushed by. A link
//! grants the content to a repository. A link whose path has another digest and whose text is the sha256 is an *alias*
//! (layout.md §4). Each operation has its own file. Content arrives through upload sessions, which are in `upload`.

mod delete;
mod get;
pub(crate) mod list;
mod mount;
mod pieces;
mod stat;
pub(crate) mod store;

pub use delete::{Removal, plan_delete};
pub use get::{ByteRange, OpenBlob, RangeError};
pub(crate) use list::beginning_with;
pub use list::blobs;
pub use mount::mount;
pub use pieces::Pieces;
pub(crate) use stat::content_size;
pub use stat::{BlobStat, stat};
pub use store::{Expected, Outcome, Stored};
pub(crate) use store::{link_existing, sound_size, store_staged, sync_content};
