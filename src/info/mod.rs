//! What a tree is: where it lies, which registries wrote it, what it contains, and who works on it now.
//!
//! Names and links are read, and no content. Nothing is changed, and no lock is taken. What of the tree can't be read is
//! counted, and is no error: `fsck` says what is wrong. What of regtree's own can't be read is in `Info::unread`.

mod contents;
mod file_system;
mod marks;
mod processes;

use std::time::Duration;

use jiff::Timestamp;

pub use contents::{Contents, Uploads};
pub use file_system::FileSystem;
pub use marks::Mark;
pub(crate) use processes::that_have_open;
pub use processes::{OpenIn, Process};

use crate::durable::lock;
use crate::durable::{self, Leftovers};
use crate::error::{Error, Holder, Result};
use crate::fsck::{self, Verified};
use crate::layout::Area;
use crate::quarantine;
use crate::registry::Registry;
use crate::repository::cache;
use crate::stream::Interrupt;
use crate::tree::Tree;

/// What a tree is, and what state it is in.
#[derive(Debug)]
#[non_exhaustive]
pub struct Info {
    /// The file system that the tree is on.
    pub file_system: FileSystem,
    /// The file system of the blobs, if it is another one.
    pub of_blobs: Option<FileSystem>,
    /// The file system of the repositories, if it is another one.
    pub of_repositories: Option<FileSystem>,
    /// What is in the tree.
    pub contents: Contents,
    /// What shows which registries wrote it.
    pub marks: Vec<Mark>,
    /// What is in the quarantine; `None` if it can't be read.
    pub quarantine: Option<Quarantined>,
    /// What imports that were killed left; `None` if it can't be read.
    pub staged: Option<Leftovers>,
    /// What `fsck` hashed; `None` if it never did.
    pub verified: Option<Verified>,
    /// The processes that hold the tree's lock, as far as they left a note.
    pub holders: Vec<Holder>,
    /// The processes that have something of the tree open.
    pub open_in: OpenIn,
    /// The database that knows what the tree does not, and how that shows.
    pub database: Option<(&'static str, String)>,
    /// Whether the tree is one of a pull-through cache.
    pub is_cache: bool,
    /// Whether this user may write to the tree.
    pub is_writable: bool,
    /// The user that the tree belongs to.
    pub owner: u32,
    /// Why a part of the quarantine, or of what imports left, can't be read.
    pub unread: Vec<Error>,
}

/// What is in the quarantine.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Quarantined {
    /// How many runs.
    pub runs: u64,
    /// How many items they have.
    pub items: u64,
    /// The bytes of these items.
    pub bytes: u64,
    /// When the oldest run began.
    pub oldest: Option<Timestamp>,
}

/// Looks at a tree. With `sizes`, the sizes of all blobs are read too.
///
/// `Err(Interrupted)` when a signal came, and `Err(Io)` when the file system does not say how it is.
pub fn look(registry: &Registry, now: Timestamp, sizes: bool, interrupt: &Interrupt) -> Result<Info> {
    let tree = registry.tree();
    let (contents, marks) = contents::read(tree, sizes, interrupt)?;
    let file_system = FileSystem::of(tree.path())?;
    let of_area = |area: Area| -> Result<Option<FileSystem>> {
        let other = FileSystem::of(&tree.path().join(area.name()));
        other.map(|other| (other.device != file_system.device).then_some(other))
    };
    let (of_blobs, of_repositories) = (of_area(Area::Blobs)?, of_area(Area::Repositories)?);
    let database = registry.check_database().and_then(|()| registry.check_tags()).err();
    let mut unread = Vec::new();
    let quarantine = quarantined(tree, &mut unread);
    let staged = durable::leftovers(tree, None, Duration::ZERO);
    let staged = staged.map_err(|error| unread.push(error)).ok();
    Ok(Info {
        of_blobs,
        of_repositories,
        file_system,
        contents,
        marks,
        quarantine,
        staged,
        verified: fsck::verified(tree, now),
        holders: lock::holders(tree),
        open_in: processes::that_have_open(tree),
        database: database.and_then(|error| match error {
            Error::InDatabase { database, reason, .. } => Some((database, reason)),
            _ => None,
        }),
        is_cache: cache::is_cache(tree),
        is_writable: tree.is_writable(),
        owner: tree.owner(),
        unread,
    })
}

/// What is in the quarantine. What of it can't be read is added to `unread`.
fn quarantined(tree: &Tree, unread: &mut Vec<Error>) -> Option<Quarantined> {
    let found = quarantine::runs(tree).map_err(|error| unread.push(error)).ok()?;
    unread.extend(found.damage);
    let runs = found.runs;
    Some(Quarantined {
        runs: runs.len() as u64,
        items: runs.iter().map(|run| run.items).sum(),
        bytes: runs.iter().map(|run| run.bytes).sum(),
        oldest: runs.iter().map(|run| run.began).min(),
    })
}
