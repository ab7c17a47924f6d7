//! The quarantine keeps what `gc`, `repair` and deletions took out of the tree, until it is put back or removed for good.
//!
//! [`Run`] fills the quarantine, and [`Mover`] fills it for a deletion. [`Restore`] puts items back, and [`purge`] removes a run. `gc` and `repair` put back
//! the blobs that a repository needs again and shows that it had (`with_recall`). All of these need an
//! [`ExclusiveWriter`](crate::ExclusiveWriter). [`runs`], [`show`] and `with_recall` only read, and take no
//! lock. The moves themselves are made by `durable`.
//!
//! # On disk
//!
//! ```text
//! <root>/.regtree/quarantine/<run>/
//!     journal                              a line of JSON for each item: its name here, and where it came from
//!     things/<name>                        the item as it was, a directory whole, with owners, modes and times
//! <v2>/blobs/.regtree-quarantine/<run>/<name>           the same for blobs, if <root> is on another file system
//! <v2>/repositories/_regtree-quarantine/<run>/<name>    the same for repositories
//! ```
//!
//! Only a rename that is refused shows that there are two file systems. Then the item moves to the quarantine of its
//! own area. It keeps its name, so the journal need not say in which place it is, and the journal stays where it is.
//!
//! - Under `blobs`, a registry takes every file called `data` for a blob, and its collector gives up at one whose path
//!   is wrong. So files are stored flat there. A directory that has a file called `data` in it moves file by file, and
//!   each file has a line of its own in the journal.
//! - Under `repositories`, a registry never descends into a name with an underscore, so whole directories can be there.
//! - An item on a third file system, below an area, is not moved, and the caller gets an error.
//!
//! The links could have been copied to the disk of the root instead. But a rename never leaves an item half in two
//! places, and no full disk can stop a repair.
//!
//! # Algorithm
//!
//! 1. A run begins: its directories and an empty journal are made and synced.
//! 2. Items are noted: their lines are written to the journal and synced, many at a time.
//! 3. Each item is renamed into the quarantine. A change in place (a link that is rewritten, a directory that is made,
//!    a mode) also has a line, with the old state.
//! 4. The run ends: the moves are synced, and a run that took and changed nothing is removed.
//!
//! A restore puts content back before the links that grant it, and undoes each change in place whose result is still
//! there.
//!
//! # Guarantees
//!
//! - **An item is noted before it is moved.** So every moved item is in a journal, even after a crash.
//! - **No move replaces anything**, neither here nor in the tree, except an empty directory.
//! - **No symbolic link is followed.** A link is moved itself.
//! - **An item stays here while something else is in its place.**
//!
//! # What a crash leaves
//!
//! A crash may leave a line whose item is not in the quarantine: the item was never taken, or is already back. So the
//! items that are here say how far a run or a restore has come. No other state is kept, and the same command can be run
//! again. If the last line has no end, nothing was moved for it. A run without a journal was just begun, or almost
//! removed.

mod change;
mod compare;
mod entitled;
mod id;
mod index;
mod item;
mod journal;
mod list;
mod mover;
mod purge;
mod recall;
mod record;
mod restore;
mod run;
mod run_directory;
mod verdict;

pub use id::{RunId, RunIdError};
pub(crate) use index::Held;
pub(crate) use item::BlobParts;
pub use item::{Item, ItemKind, NotedItem};
#[cfg(feature = "dynamic-completion")]
pub(crate) use list::run_ids;
pub use list::{ListedChange, RunContents, RunSummary, Runs, runs, show};
pub use mover::Mover;
pub use purge::purge;
pub(crate) use recall::with_recall;
pub use recall::{Mentioned, Recall};
pub use restore::{Restore, Restored};
pub use run::Run;
pub use verdict::RestoreOutcome;
