//! regtree works directly on the storage tree that a Docker/OCI registry keeps on disk. No server needs to run.
//!
//! A [`Registry`] is an open tree. A [`Repository`] reads what one repository contains. Everything that changes the
//! tree needs a [`Writer`], which holds the tree's lock; what removes content needs an [`ExclusiveWriter`], which holds
//! it alone. Nothing outside of `cli` prints, exits, or asks for the time.
//!
//! Each operation is called in one way. What reads is a function of the module that is named after what it reads; it
//! takes the [`Repository`], or the [`Tree`] where it reads all of it. What writes takes the writer first, or is a
//! method of the plan or the options and takes it first there. What can be called in several ways has options that are
//! made by `new` and then set.
//!
//! # The rooms
//!
//! A room imports only from rooms below it, and a test checks that. Those without a link are the library's own. From
//! the top down:
//!
//! - `cli` is the command line. `serve` serves a tree over HTTP, for pulls. `retention` says which tags a set of rules keeps.
//!   `report` puts together what a page about a tree shows.
//! - [`du`] says where the space is used, and [`info`] what a tree is.
//! - [`gc`] removes what nothing needs. [`repair`] repairs what `fsck` finds. Both make a plan first.
//! - [`fsck`] finds what is wrong with a tree. [`quarantine`] keeps what `gc` and `repair` moved out of the tree.
//! - [`image`] takes images in and out.
//! - `reach` follows references. `scan` reads a whole tree in one pass. `judge` judges content and references,
//!   and [`verify`] is the part of it for manifests.
//! - [`registry`] opens, creates and locks a tree, and lists its repositories.
//! - [`manifest`], [`tag`], [`upload`] and [`blob`] read and change one part of a repository.
//! - [`repository`] decides what a repository is, and reads its links.
//! - `durable` writes to the tree; no other room does. [`finding`] has the codes and severities of what is wrong.
//! - `tree` reads the tree. [`stream`] copies and hashes bytes. [`pattern`] chooses repositories and tags by name.
//!   `limit` refuses to remove too much.
//! - `layout` has the paths of the tree. [`error`], [`name`], `descriptor` and [`digest`] have the basic types.
//! - `lanes` hashes several blobs at once on one core. `tarsum` computes the sums of tar archives that registries up to
//!   2.2 took for digests.
//! - `named` defines enums with stable names, `count` writes counts in messages, and `json` leaves out of documents what
//!   does not apply.
//!
//! # Examples
//!
//! This stores a blob:
//!
//! ```
//! use std::time::Duration;
//!
//! use regtree::stream::Watch;
//! use regtree::{Registry, blob, upload};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let directory = tempfile::tempdir()?;
//! let (registry, _) = Registry::create(directory.path())?;
//! let name = "library/hello".parse()?;
//!
//! let now = jiff::Timestamp::now();
//! let writer = registry.writer("example", now, Duration::ZERO)?;
//! let source = std::io::Cursor::new(b"hello");
//! let put = upload::Put::new("memory").store(&writer, &name, source, now, &Watch::none())?;
//!
//! let stat = blob::stat(&registry.repository(&name)?, put.descriptor.digest)?;
//! assert_eq!(stat.descriptor.size, 5);
//! # Ok(())
//! # }
//! ```
//!
//! This removes a blob that no manifest needs. The [plan](gc::plan()) changes nothing, the [check](gc::Plan::check)
//! refuses a plan that looks like a mistake, and the [sweep](gc::sweep()) removes:
//!
//! ```
//! use std::time::Duration;
//!
//! use regtree::stream::Watch;
//! use regtree::{Registry, gc};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let directory = tempfile::tempdir()?;
//! # let (registry, _) = Registry::create(directory.path())?;
//! # let now = jiff::Timestamp::now();
//! # let put = regtree::upload::Put::new("memory");
//! # let (name, source) = ("library/hello".parse()?, std::io::Cursor::new(b"hello"));
//! # put.store(&registry.writer("example", now, Duration::ZERO)?, &name, source, now, &Watch::none())?;
//! let watch = Watch::none();
//! let mut options = gc::Options::new(now);
//! // The blob is new, so a plan keeps it by default. No manifest is in the tree, so the check would refuse the plan.
//! options.min_age = Duration::ZERO;
//! options.allow_rootless = true;
//!
//! let plan = gc::plan(registry.tree(), options, &watch)?;
//! plan.check(registry.tree())?;
//! assert_eq!(plan.count(gc::Kind::Blob), (1, 5));
//!
//! let writer = registry.exclusive_writer("example", now, Duration::ZERO)?;
//! let swept = gc::sweep(&writer, plan, &watch, |_| Ok(()))?;
//! assert_eq!(gc::Kind::Blob.count(&swept.removed), (1, 5));
//! # Ok(())
//! # }
//! ```

#![cfg_attr(
    not(feature = "cli"),
    allow(dead_code, unused_imports, reason = "the command line alone uses some of what the rooms share")
)]

pub mod blob;
#[cfg(feature = "cli")]
#[doc(hidden)]
pub mod cli;
mod count;
mod descriptor;
pub mod digest;
pub mod du;
mod durable;
pub mod error;
pub mod finding;
pub mod fsck;
#[cfg(any(fuzzing, test))]
#[doc(hidden)]
#[expect(clippy::disallowed_methods, reason = "a target plants a journal")]
#[path = "../tests/unit/readers.rs"]
pub mod fuzz;
pub mod gc;
pub mod image;
pub mod info;
mod json;
mod judge;
mod lanes;
mod layout;
mod limit;
pub mod manifest;
pub mod name;
mod named;
mod ordered;
pub mod pattern;
pub mod quarantine;
mod reach;
pub mod reference;
pub mod registry;
pub mod repair;
mod report;
pub mod repository;
mod retention;
mod scan;
#[cfg(feature = "serve")]
pub mod serve;
pub mod stream;
pub mod tag;
mod tarsum;
mod tree;
pub mod upload;
mod users;

pub use descriptor::Descriptor;
pub use digest::{Algorithm, Digest};
pub use durable::{ExclusiveRemover, ExclusiveWriter, Remover, Writer};
pub use error::{Error, Result};
pub use judge::verify;
pub use layout::TreePath;
pub use name::{RepositoryName, Tag};
pub use reference::Reference;
pub use registry::Registry;
pub use repository::Repository;
pub use tree::Tree;
