//! The quarantine: what `gc` and `repair` took out of the tree, to be put back or to be removed for good.
//!
//! Each run has a directory of its own, `<root>/.regtree/quarantine/<run>/`, with the `journal`, JSON lines that say what
//! came from where, and `things`, where it lies: under the name that the journal gives it, a directory as it was, with
//! owners, modes and times.
//!
//! - **A thing is named before it is moved**: its line is written and synced, then it is renamed. So whatever happens,
//!   every moved thing is in a journal. A line whose thing is not in the quarantine is one that was never taken, or is
//!   back: what lies there says how far a run is, and nothing else has to be kept up.
//! - **Nothing is replaced**, neither here nor in the tree, and no symbolic link is followed: one is moved itself.
//! - **Another file system.** Only a rename tells whether there is one, by its refusal. Then the thing goes to
//!   `blobs/.regtree-quarantine/<run>/` or `repositories/_regtree-quarantine/<run>/`, under the same name, so the
//!   journal, which stays where it is, need not say which. Under `blobs` a registry takes every file called `data` for a
//!   blob, and gives up collecting at one with a wrong path: so content lies flat there, and a directory with such a file in
//!   it goes file by file, each with a line of its own. Under `repositories` no registry descends into a name with an
//!   underscore, so there whole directories may lie. That, and not a copy of the links on the other disk, keeps it a
//!   rename: nothing is ever half in two places, and no full disk can stop a repair. What lies on a third file system, below
//!   an area, is not moved, and the caller is told.
//! - **What is changed in its place** (a link that is rewritten, a directory that is made, a mode) has a line too, with what
//!   was there before; a restore takes it back if it still is what was made of it.
//!
//! [`Run`] fills it, [`Restore`] puts back, [`purge`] removes, and a sweep and a repair put back what the tree
//! [needs again](with_recall); all with an [`ExclusiveWriter`](crate::durable::ExclusiveWriter). [`runs`], [`show`] and
//! [`with_recall`] read, and take no lock.

mod change;
mod compare;
mod id;
mod index;
mod item;
mod journal;
mod list;
mod purge;
mod recall;
mod record;
mod restore;
mod run;
mod run_directory;
mod verdict;

pub use id::{RunId, RunIdError};
pub use item::{Item, ItemKind, NotedItem};
pub use list::{RunContents, RunSummary, Runs, runs, show};
pub use purge::purge;
pub use recall::{Recall, with_recall};
pub use restore::{Restore, Restored};
pub use run::Run;
pub use verdict::RestoreOutcome;
