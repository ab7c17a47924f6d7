//! Lists the runs of the quarantine, and the items of one run. Takes no lock.

use std::os::fd::AsFd;

use jiff::Timestamp;
use rustix::io::Errno;

use super::id::RunId;
use super::item::NotedItem;
use super::run_directory::{RunDirectory, quarantine_path};
use crate::durable::private;
use crate::error::{Error, Result};
use crate::layout::{self, Area, TreePath};
use crate::tree::{self, Tree};

/// A run of the quarantine.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct RunSummary {
    /// The name of the run.
    pub id: RunId,
    /// When the run began.
    pub began: Timestamp,
    /// The command that made it, such as `gc`, if its journal says so.
    pub kind: Option<String>,
    /// The number of items that are in it now.
    pub items: u64,
    /// The bytes of these items, by the journal.
    pub bytes: u64,
}

/// The runs, and the damage of the quarantine.
#[derive(Debug, Default)]
pub struct Runs {
    /// The runs, sorted by time.
    pub runs: Vec<RunSummary>,
    /// What could not be read, or does not belong in the quarantine.
    pub damage: Vec<Error>,
}

/// The items and changes of a run.
#[derive(Debug)]
#[non_exhaustive]
pub struct RunContents {
    /// The run.
    pub summary: RunSummary,
    /// The items that its journal names, in the order in which they were taken, and whether each is in the quarantine
    /// now.
    pub items: Vec<(NotedItem, bool)>,
    /// Its changes in place, in order.
    pub changes: Vec<ListedChange>,
    /// What could not be read.
    pub damage: Vec<Error>,
}

/// A change in place of a run.
#[derive(Debug)]
pub struct ListedChange {
    /// What was changed.
    pub path: TreePath,
    /// The kind of change.
    pub change: &'static str,
    /// The mode and owner before, where these were changed. A restore gives them only as far as the directory above has
    /// them.
    pub before: Option<String>,
    /// Whether its result is still there.
    pub in_place: bool,
}

/// Lists every run, sorted by time.
pub fn runs(tree: &Tree) -> Result<Runs> {
    let mut found = Runs::default();
    for id in ids(tree, &mut found.damage)? {
        let contents = RunDirectory::open(tree, &id)
            .and_then(|directory| directory.map(|directory| contents(&directory)).transpose());
        match contents {
            Ok(Some(contents)) => {
                found.runs.push(contents.summary);
                found.damage.extend(contents.damage);
            }
            Ok(None) => {}
            Err(error) => found.damage.push(error),
        }
    }
    orphans(tree, &mut found);
    Ok(found)
}

/// Lists the items and changes of one run. `Err(NotQuarantined)` when there is no such run.
pub fn show(tree: &Tree, id: &RunId) -> Result<RunContents> {
    contents(&RunDirectory::find_run(tree, id)?)
}

fn contents(directory: &RunDirectory<'_>) -> Result<RunContents> {
    let journal = directory.journal()?;
    let summary =
        RunSummary { id: directory.id.clone(), began: directory.id.began(), kind: journal.kind, items: 0, bytes: 0 };
    let mut contents = RunContents { summary, items: Vec::new(), changes: Vec::new(), damage: journal.faults };
    for changed in journal.changes {
        // If the place can't be looked at, the change may still be there.
        let in_place = changed.is_in_place(directory.tree).unwrap_or_else(|error| {
            contents.damage.push(error);
            true
        });
        let (change, before) = (changed.name(), changed.access_before().map(|before| before.to_string()));
        contents.changes.push(ListedChange { path: changed.path, change, before, in_place });
    }
    for noted in journal.noted {
        // An item that can't be looked at, or is of another kind than it was, counts as present.
        let is_held = match directory.find(&noted) {
            Ok(None) => false,
            Ok(Some(spot)) => {
                contents.damage.extend(directory.place_of(&noted, spot).err());
                true
            }
            Err(error) => {
                contents.damage.push(error);
                true
            }
        };
        if is_held {
            contents.summary.items += 1;
            contents.summary.bytes = contents.summary.bytes.saturating_add(noted.item.size);
        }
        contents.items.push((noted, is_held));
    }
    Ok(contents)
}

/// The names of the runs that can be seen, sorted by time.
#[cfg(feature = "dynamic-completion")]
pub(crate) fn run_ids(tree: &Tree) -> Vec<RunId> {
    ids(tree, &mut Vec::new()).unwrap_or_default()
}

/// The names of the runs, sorted by time.
pub(super) fn ids(tree: &Tree, damage: &mut Vec<Error>) -> Result<Vec<RunId>> {
    let path = quarantine_path(tree);
    let opened = private::open_all(tree, &layout::QUARANTINE);
    let listed = match opened.and_then(|directory| tree::list_handle(directory.as_fd())) {
        Err(Errno::NOENT) => return Ok(Vec::new()),
        listed => listed.map_err(|errno| Error::io("list", &path, errno))?,
    };
    let mut ids = Vec::new();
    for entry in listed {
        if let Some(id) = entry.text().and_then(|name| name.parse().ok()) {
            ids.push(id);
        } else {
            let path = path.join(&entry.name);
            damage.push(Error::Misplaced { path, reason: "it is not a run of the quarantine" });
        }
    }
    ids.sort();
    Ok(ids)
}

/// Reports the items in the quarantine of an area whose run is gone. Without its journal their origin is unknown.
fn orphans(tree: &Tree, found: &mut Runs) {
    for area in [Area::Blobs, Area::Repositories] {
        let directory = layout::quarantine_beside(area);
        let listed = match tree.list(&directory) {
            Ok(listed) => listed.unwrap_or_default(),
            Err(error) => {
                found.damage.push(error);
                continue;
            }
        };
        for entry in listed {
            let id = entry.text().and_then(|name| name.parse::<RunId>().ok());
            let is_open = |id| RunDirectory::open(tree, &id).map_or(true, |directory| directory.is_some());
            if !id.is_some_and(is_open) {
                let path = tree.locate(&directory).join(&entry.name);
                found.damage.push(Error::Misplaced { path, reason: "it belongs to no run of the quarantine" });
            }
        }
    }
}
