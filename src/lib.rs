//! Works directly on the storage tree that a Docker/OCI registry keeps on disk.
//!
//! A [`Registry`] is a tree, opened below directory handles. What it holds is read through a [`Repository`]; what
//! changes it goes through a [`durable::Writer`], which holds the tree's lock. No server runs, and nothing here prints,
//! exits, or asks for the time.
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

pub mod blob;
#[cfg(feature = "cli")]
#[doc(hidden)]
pub mod cli;
pub mod descriptor;
pub mod digest;
pub mod durable;
pub mod error;
pub mod finding;
pub mod fsck;
pub mod gc;
pub mod judge;
pub mod layout;
pub mod manifest;
pub mod name;
pub mod pattern;
pub mod quarantine;
mod reach;
pub mod registry;
pub mod repair;
pub mod repository;
pub mod scan;
pub mod stream;
pub mod tag;
pub mod tree;
pub mod upload;
pub mod usage;

pub use descriptor::Descriptor;
pub use digest::{Algorithm, Digest};
pub use durable::lock;
pub use error::{Error, Result};
pub use name::{Reference, RepositoryName, Tag};
pub use registry::Registry;
pub use repository::Repository;
