//! What is in the quarantine: its runs, and the things of one. Takes no lock.

use jiff::Timestamp;
use rustix::io::Errno;

use super::id::RunId;
use super::item::NotedItem;
use super::run_directory::{RunDirectory, quarantine_path};
use crate::durable::private;
use crate::error::{Error, Result};
use crate::layout::{self, Area, TreePath};
use crate::tree::Tree;

/// A run of the quarantine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunSummary {
    /// What it is called.
    pub id: RunId,
    /// When it began.
    pub began: Timestamp,
    /// What it was, `gc` or `repair`, if its journal says so.
    pub kind: Option<String>,
    /// How many things lie in it.
    pub things: u64,
    /// Their bytes, as the journal says.
    pub bytes: u64,
}

/// The runs, and what is wrong with the quarantine.
#[derive(Debug, Default)]
pub struct Runs {
    /// By time.
    pub runs: Vec<RunSummary>,
    /// What could not be read, or has no place there.
    pub damage: Vec<Error>,
}

/// What a run took.
#[derive(Debug)]
pub struct RunContents {
    /// The run.
    pub summary: RunSummary,
    /// What its journal names, in the order of taking, and whether that lies in the quarantine now.
    pub things: Vec<(NotedItem, bool)>,
    /// What it changed in its place, in that order: where, what, and whether that can be taken back.
    pub changes: Vec<(TreePath, &'static str, bool)>,
    /// What could not be read.
    pub damage: Vec<Error>,
}

/// Every run, by time.
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

/// The things of one run. `Err(NotQuarantined)` when there is no such run.
pub fn show(tree: &Tree, id: &RunId) -> Result<RunContents> {
    contents(&RunDirectory::find_run(tree, id)?)
}

fn contents(directory: &RunDirectory<'_>) -> Result<RunContents> {
    let journal = directory.journal()?;
    let summary =
        RunSummary { id: directory.id.clone(), began: directory.id.began(), kind: journal.kind, things: 0, bytes: 0 };
    let mut contents = RunContents { summary, things: Vec::new(), changes: Vec::new(), damage: journal.faults };
    for changed in journal.changes {
        // What can't be looked at may be as it was left.
        let can_be_undone = changed.can_be_undone(directory.tree).unwrap_or_else(|error| {
            contents.damage.push(error);
            true
        });
        contents.changes.push((changed.path.clone(), changed.name(), can_be_undone));
    }
    for noted in journal.noted {
        // One that can't be looked at, or is not what it was, is there.
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
            contents.summary.things += 1;
            contents.summary.bytes = contents.summary.bytes.saturating_add(noted.item.size);
        }
        contents.things.push((noted, is_held));
    }
    Ok(contents)
}

/// What the runs are called, by time.
pub(super) fn ids(tree: &Tree, damage: &mut Vec<Error>) -> Result<Vec<RunId>> {
    let path = quarantine_path(tree);
    let list = || -> rustix::io::Result<Vec<String>> {
        let directory = private::open_all(tree, &layout::QUARANTINE)?;
        let mut names = Vec::new();
        for entry in rustix::fs::Dir::read_from(&directory)? {
            let name = entry?.file_name().to_string_lossy().into_owned();
            if !matches!(&*name, "." | "..") {
                names.push(name);
            }
        }
        Ok(names)
    };
    let names = match list() {
        Err(Errno::NOENT) => return Ok(Vec::new()),
        listed => listed.map_err(|errno| Error::io("list", &path, errno))?,
    };
    let mut ids = Vec::new();
    for name in names {
        match name.parse() {
            Ok(id) => ids.push(id),
            Err(_) => damage.push(Error::Misplaced { path: path.join(name), reason: "it is no run of the quarantine" }),
        }
    }
    ids.sort();
    Ok(ids)
}

/// Things beside an area whose run, with its journal, is gone: nobody knows any more where they came from.
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
            let has_run = match id {
                Some(id) => RunDirectory::open(tree, &id).map_or(true, |directory| directory.is_some()),
                None => false,
            };
            if !has_run {
                let path = tree.locate(&directory).join(&entry.name);
                found.damage.push(Error::Misplaced { path, reason: "the quarantine has no run that it belongs to" });
            }
        }
    }
}
