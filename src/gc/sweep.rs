//! Removing what a plan says, or moving it to the quarantine, if the plan still says so.
//!
//! Before anything goes, the repositories are read again in full: old registries rewrite links in place, so that no
//! directory's time tells, and somebody may have come to need something. What is needed by now is dropped from the plan.
//! Each blob is looked at once more right before it goes; what is young or different by then stays. A registry that runs
//! all the same, and found an old layer "already there" in that moment, can still lose it: nothing can prevent that but
//! stopping it, or making it read-only.
//!
//! Links go before content, and are on the disk before content goes: a crash leaves garbage, and never a link that lies.

use std::collections::HashSet;

use super::action::{Action, Kind};
use super::age::{self, Found};
use super::disposal::Disposal;
use super::plan::{Plan, plan};
use super::{Options, empty};
use crate::durable::ExclusiveWriter;
use crate::error::{Error, Result};
use crate::layout::{self, Area, TreePath};
use crate::quarantine::RunId;
use crate::scan::Scan;
use crate::stream::Interrupt;
use crate::tree::{Neighbours, Tree};
use crate::upload;

/// What came of a sweep.
#[derive(Debug, Default)]
pub struct Swept {
    /// What was removed, in order.
    pub removed: Vec<Action>,
    /// What was planned, and is needed by now, or was gone already.
    pub spared: u64,
    /// What could not be removed.
    pub failures: Vec<Error>,
    /// What the quarantine calls what was moved there.
    pub quarantine: Option<RunId>,
    /// The signal that ended it early.
    pub interrupted: Option<usize>,
}

/// Carries out `planned`. `each` is told of everything that is removed, or moved to the quarantine.
///
/// Of what fails, the rest goes on, but content stays when a link could not be removed. `Err` when the tree could not be
/// read again, and then nothing was removed.
pub fn sweep(
    writer: &ExclusiveWriter<'_>,
    scan: &mut Scan,
    options: &Options,
    planned: &Plan,
    interrupt: &Interrupt,
    mut each: impl FnMut(&Action) -> Result<()>,
) -> Result<Swept> {
    let mut swept = Swept::default();
    if planned.actions.is_empty() {
        return Ok(swept);
    }
    let tree = writer.tree();
    scan.read_again(tree, interrupt)?;
    let mut confirmed = Confirmed::by(plan(tree, scan, options, interrupt)?);
    let mut disposal = if options.quarantine {
        Disposal::quarantine(writer, options.now, planned.actions.iter().filter(|action| confirmed.has(action)))?
    } else {
        Disposal::Removal(writer)
    };
    // However it ends, somebody may want to know.
    swept.quarantine = disposal.run();
    let (mut phase, mut failed) = (None, HashSet::new());
    for action in &planned.actions {
        if let Some(signal) = interrupt.signal() {
            swept.interrupted = Some(signal);
            break;
        }
        // Content of which a link stayed must stay too.
        if action.kind >= Kind::Blob && !swept.failures.is_empty() {
            break;
        }
        let before = phase.replace(action.kind).unwrap_or(action.kind);
        if before < action.kind && before < Kind::Blob && !swept.removed.is_empty() {
            writer.sync_all()?;
        }
        if before < Kind::Blob && action.kind == Kind::Blob {
            // That took its time: somebody may have come to need content since.
            scan.read_again(tree, interrupt)?;
            confirmed.content(plan(tree, scan, options, interrupt)?);
        }
        // What could not go may need the rest of its repository.
        let fails = action.repository.as_ref().is_some_and(|repository| failed.contains(repository));
        if fails || !confirmed.has(action) {
            swept.spared += 1;
            continue;
        }
        match remove(writer, &mut disposal, options, action) {
            Ok(true) => {
                each(action)?;
                swept.removed.push(action.clone());
            }
            Ok(false) => swept.spared += 1,
            Err(error) => {
                failed.extend(action.repository.clone());
                swept.failures.push(error);
            }
        }
    }
    swept.quarantine = disposal.finish()?;
    writer.sync_all()?;
    Ok(swept)
}

/// What a later look agrees may go.
struct Confirmed {
    paths: HashSet<(Kind, TreePath)>,
}

impl Confirmed {
    fn by(plan: Plan) -> Self {
        Self { paths: plan.actions.into_iter().map(|action| (action.kind, action.path)).collect() }
    }

    /// Of content, only what yet another look agrees to.
    fn content(&mut self, plan: Plan) {
        let agreed = Self::by(plan);
        self.paths.retain(|entry| entry.0 != Kind::Blob || agreed.paths.contains(entry));
    }

    fn has(&self, action: &Action) -> bool {
        self.paths.contains(&(action.kind, action.path.clone()))
    }
}

/// Whether it was there to be removed, and still of no use.
fn remove(
    writer: &ExclusiveWriter<'_>,
    disposal: &mut Disposal<'_>,
    options: &Options,
    action: &Action,
) -> Result<bool> {
    let tree = writer.tree();
    match action.kind {
        Kind::Tag | Kind::TagHistory | Kind::Revision | Kind::LayerLink => {
            if tree.metadata(&action.path)?.is_none() || is_renewed(tree, options, action)? {
                return Ok(false);
            }
            if action.kind == Kind::Tag { disposal.directory(&action.path) } else { disposal.link(&action.path) }
        }
        Kind::Blob => {
            let Some(digest) = action.digest else { return Ok(false) };
            match age::look_at(&mut Neighbours::new(tree), &digest)? {
                Found::Blob(lying) if Some(lying.newest) == action.newest && lying.size == action.size => {
                    if options.is_young(lying.newest) {
                        return Ok(false);
                    }
                    disposal.directory(&action.path)
                }
                _ => Ok(false),
            }
        }
        Kind::Upload => {
            let (Some(id), Some(name)) = (&action.upload, &action.repository) else { return Ok(false) };
            let Ok(name) = name.parse() else { return Ok(false) };
            let Some(upload) = upload::look_up(tree, &name, id)? else { return Ok(false) };
            let is_over = |upload: &upload::Upload| options.is_over(upload);
            let take_away = |directory: &TreePath| disposal.upload(directory);
            match upload::cancel_by(writer, &upload, std::time::Duration::ZERO, is_over, take_away) {
                // Another process works on it.
                Err(Error::Locked { .. }) => Ok(false),
                cancelled => cancelled,
            }
        }
        Kind::Directory if action.path.area() == Area::Blobs => {
            writer.unmake_directories(std::slice::from_ref(&action.path))?;
            Ok(tree.metadata(&action.path)?.is_none())
        }
        Kind::Directory => Ok(empty::is_leaf(tree, &action.path)? && disposal.directory(&action.path)?),
        Kind::Repository => {
            let folders = layout::own_folders(&action.path);
            for folder in &folders {
                // Somebody may push to it at this moment.
                if !empty::is_hollow(tree, folder)? {
                    return Ok(false);
                }
            }
            for folder in &folders {
                disposal.hollow(folder)?;
            }
            let above = std::iter::successors(Some(action.path.clone()), TreePath::parent);
            let mut above: Vec<TreePath> = above.filter(|path| !path.below_area().is_empty()).collect();
            above.reverse();
            writer.unmake_directories(&above)?;
            Ok(folders.iter().all(|folder| matches!(tree.metadata(folder), Ok(None))))
        }
    }
}

/// Whether a link was written since the plan was made: somebody needs it again.
fn is_renewed(tree: &Tree, options: &Options, action: &Action) -> Result<bool> {
    let link = if action.kind == Kind::Tag { action.path.current().link() } else { action.path.link() };
    Ok(tree.metadata(&link)?.is_some_and(|found| options.is_young(found.modified)))
}
