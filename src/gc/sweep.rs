//! Removes what a plan lists and is still unneeded, or moves it to the quarantine.
//!
//! The steps, what a crash leaves, and the race that is left are described in [`gc`](super).

use std::collections::HashSet;

use super::action::{Action, Finding, Kind};
use super::age::{self, FoundBlob};
use super::disposal::Disposal;
use super::kept::Kept;
use super::plan::{Decision, Extent, Plan, decide};
use super::removal::{self, Outcome};
use super::unread::Reported;
use super::{Options, empty};
use crate::digest::Digest;
use crate::durable::{ExclusiveWriter, Siblings};
use crate::error::{Error, Result};
use crate::layout::{self, Area, TreePath};
use crate::quarantine::{Recall, RunId};
use crate::scan::Scan;
use crate::stream::Watch;
use crate::tree::{Neighbours, Tree};
use crate::upload;

/// What a sweep did.
#[derive(Debug, Default)]
#[non_exhaustive]
pub struct Swept {
    /// What was removed, in order.
    pub removed: Vec<Action>,
    /// Why content could not be put back from the quarantine.
    pub not_put_back: Vec<Error>,
    /// Why something could not be removed.
    pub failures: Vec<Error>,
    /// What the later looks found to be wrong, and the plan did not say.
    pub findings: Vec<Finding>,
    /// The run of the quarantine, if anything was moved there.
    pub quarantine: Option<RunId>,
    /// The signal that ended the sweep early.
    pub interrupted: Option<usize>,
    /// How much is kept: what the plan keeps, and what was not removed.
    pub kept: Kept,
}

impl Swept {
    /// Whether the system let the sweep remove nothing at all, for lack of permission or space.
    pub(crate) fn is_refused(&self) -> bool {
        let is_refused = |error: &Error| {
            use std::io::ErrorKind::{PermissionDenied, QuotaExceeded, ReadOnlyFilesystem, StorageFull};
            matches!(error.io_kind(), Some(PermissionDenied | ReadOnlyFilesystem | StorageFull | QuotaExceeded))
        };
        self.removed.is_empty() && !self.failures.is_empty() && self.failures.iter().all(is_refused)
    }
}

/// One act of a sweep.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum Did<'d> {
    /// It put back content from a run of the quarantine.
    PutBack(&'d Digest, &'d RunId),
    /// It removed something, or moved it to the quarantine.
    Removed(&'d Action),
}

/// Puts back from the quarantine what the plan needs, and then removes what the plan lists. Calls `each` after every
/// change.
///
/// A failure does not end the sweep, with two exceptions. When a link could not be removed, no content is removed. When
/// content could not be put back, the whole tree is scanned again, because more may have to be kept then.
///
/// Returns `Err(SafetyLimit)`, before anything is changed, for a plan that fails its own [check](Plan::check). Returns
/// `Err` when the tree can't be read again, and when `each` fails.
///
/// No other process of regtree may change the tree meanwhile, so a writer that shares the lock does not compile:
///
/// ```compile_fail,E0308
/// use std::time::Duration;
///
/// use regtree::gc::{self, Options};
/// use regtree::stream::Watch;
/// use regtree::{Registry, Result};
///
/// fn collect(registry: &Registry, now: jiff::Timestamp) -> Result<()> {
///     let plan = gc::plan(registry.tree(), Options::new(now), &Watch::none())?;
///     let writer = registry.writer("gc", now, Duration::ZERO)?;
///     gc::sweep(&writer, plan, &Watch::none(), |_| Ok(())).map(drop)
/// }
/// ```
pub fn sweep(
    writer: &ExclusiveWriter<'_>,
    plan: Plan,
    watch: &Watch<'_>,
    mut each: impl FnMut(Did<'_>) -> Result<()>,
) -> Result<Swept> {
    let (tree, interrupt) = (writer.tree(), &watch.interrupt);
    let moment = tree.moment();
    plan.check(tree)?;
    let mut reported = Reported::of(&plan.findings);
    let Plan { recall, mut actions, options, mut scan, kept, .. } = plan;
    let before = kept.before(&actions, &scan);
    let mut swept = Swept::default();
    if !recall.is_empty() {
        swept.not_put_back = recall.put_back(writer, interrupt, |digest, run| each(Did::PutBack(digest, run)))?;
        recognize(tree, &mut actions, &recall)?;
        swept.interrupted = interrupt.signal();
    }
    if !actions.is_empty() && swept.interrupted.is_none() {
        if swept.not_put_back.is_empty() {
            scan.has_all_back();
            scan.read_again(tree, watch)?;
        } else {
            scan = Scan::read(tree, watch)?;
        }
        let reported = &mut reported;
        swept = Sweep { writer, options: &options, scan, watch, swept, reported }.run(&actions, each)?;
    }
    let told = swept.failures.iter().chain(&swept.not_put_back);
    told.filter_map(Error::path).for_each(|path| reported.add_path(path));
    swept.findings.extend(reported.unread(tree, moment));
    swept.kept = before.without(&swept.removed);
    Ok(swept)
}

/// Updates the times of content that was put back: its directory may be a new one.
fn recognize(tree: &Tree, actions: &mut [Action], recall: &Recall) -> Result<()> {
    let mut blobs = Neighbours::new(tree);
    for action in actions.iter_mut().filter(|action| action.kind == Kind::Blob) {
        if let Some(digest) = action.digest.filter(|digest| recall.contains(digest))
            && let FoundBlob::File(file) = age::look_at_place(&mut blobs, &digest)?
        {
            action.newest = Some(file.newest);
        }
    }
    Ok(())
}

struct Sweep<'s> {
    writer: &'s ExclusiveWriter<'s>,
    options: &'s Options,
    scan: Scan,
    watch: &'s Watch<'s>,
    swept: Swept,
    reported: &'s mut Reported,
}

impl Sweep<'_> {
    fn run(mut self, actions: &[Action], mut each: impl FnMut(Did<'_>) -> Result<()>) -> Result<Swept> {
        let Self { writer, options, watch, .. } = self;
        let mut confirmed = Confirmed::by(&self.decide()?);
        let mut disposal = if options.quarantine {
            Disposal::quarantine(writer, options.now, actions.iter().filter(|action| confirmed.has(action)))?
        } else {
            Disposal::Removal(writer)
        };
        // The caller needs the run however the sweep ends.
        self.swept.quarantine = disposal.run();
        let (mut before, mut failed) = (None, HashSet::new());
        for phase in actions.chunk_by(|one, next| one.kind == next.kind) {
            let kind = phase[0].kind;
            if self.is_over(kind) {
                break;
            }
            let before = before.replace(kind).unwrap_or(kind);
            if before < Kind::Blob && before < kind && !self.swept.removed.is_empty() {
                writer.sync_all()?;
            }
            if before < Kind::Blob && kind == Kind::Blob {
                // The removal of links took time, and content may have come to be needed meanwhile.
                self.scan.read_again(writer.tree(), watch)?;
                confirmed.content(&self.decide()?);
            }
            let counting = watch.count("removing", Some(phase.len()));
            let (mut left, mut at_once) = (phase, 1);
            while !left.is_empty() && !self.is_over(kind) {
                let (batch, after) = left.split_at(at_once.min(left.len()));
                // A caller that stops has heard of at least half of what is gone by then.
                (left, at_once) = (after, (at_once * 2).min(disposal.at_once(kind)));
                // What could not be removed may need the rest of its repository.
                let fails = |action: &Action| action.repository.as_ref().is_some_and(|name| failed.contains(name));
                let goes = |action: &&Action| confirmed.has(action) && !fails(action);
                let goes: Vec<&Action> = batch.iter().filter(goes).collect();
                for (action, removed) in remove(writer, &mut disposal, options, &goes) {
                    match removed {
                        Ok(true) => {
                            each(Did::Removed(action))?;
                            self.swept.removed.push(action.clone());
                        }
                        Ok(false) => {}
                        Err(error) => {
                            failed.extend(action.repository.clone());
                            self.swept.failures.push(error);
                        }
                    }
                }
                counting.add(batch.len());
            }
        }
        self.swept.quarantine = disposal.finish()?;
        writer.sync_all()?;
        Ok(self.swept)
    }

    /// Whether the sweep ends before it removes more of `kind`: a signal came, or something could not be removed and its
    /// content must be kept too.
    fn is_over(&mut self, kind: Kind) -> bool {
        self.swept.interrupted = self.swept.interrupted.or(self.watch.interrupt.signal());
        self.swept.interrupted.is_some() || kind >= Kind::Blob && !self.swept.failures.is_empty()
    }

    /// Decides again. What is found to be wrong, and was not before, is reported.
    fn decide(&mut self) -> Result<Decision> {
        let mut decision = decide(self.writer.tree(), &mut self.scan, self.options, Extent::Everything, self.watch)?;
        let found = std::mem::take(&mut decision.findings);
        self.swept.findings.extend(self.reported.new_of(found));
        Ok(decision)
    }
}

/// What a later decision removes too.
struct Confirmed {
    paths: HashSet<(Kind, TreePath)>,
}

impl Confirmed {
    fn by(decision: &Decision) -> Self {
        Self { paths: decision.actions.iter().map(|action| (action.kind, action.path.clone())).collect() }
    }

    /// Keeps of the content only what another decision removes too.
    fn content(&mut self, decision: &Decision) {
        let agreed = Self::by(decision);
        self.paths.retain(|entry| entry.0 != Kind::Blob || agreed.paths.contains(entry));
    }

    fn has(&self, action: &Action) -> bool {
        self.paths.contains(&(action.kind, action.path.clone()))
    }
}

/// Looks at items of one kind again, and removes them.
fn remove<'a>(
    writer: &ExclusiveWriter<'_>,
    disposal: &mut Disposal<'_>,
    options: &Options,
    actions: &[&'a Action],
) -> Vec<Outcome<'a>> {
    match actions {
        [] => Vec::new(),
        [action] => vec![(*action, remove_one(writer, disposal, options, action))],
        actions => removal::on_all_threads(writer, options, actions),
    }
}

/// Looks at one item again, and removes it. Returns `false` when it is gone, in use, young, or has changed.
fn remove_one(
    writer: &ExclusiveWriter<'_>,
    disposal: &mut Disposal<'_>,
    options: &Options,
    action: &Action,
) -> Result<bool> {
    let tree = writer.tree();
    match action.kind {
        Kind::Tag => {
            let is_there = tree.metadata(&action.path)?.is_some() && !is_renewed(tree, options, action)?;
            Ok(is_there && disposal.tag(&action.path)?)
        }
        Kind::TagHistory | Kind::Revision | Kind::LayerLink | Kind::Blob => {
            let mut siblings = Siblings::new(writer);
            let found = removal::open(&mut siblings, options, action)?;
            found.map_or(Ok(false), |directory| disposal.opened(action, directory))
        }
        Kind::Upload => {
            let (Some(id), Some(name)) = (&action.upload, &action.repository) else { return Ok(false) };
            let Ok(name) = name.parse() else { return Ok(false) };
            let Some(upload) = upload::look_up(tree, &name, id)? else { return Ok(false) };
            let is_over = |upload: &upload::Upload| options.is_over(upload);
            let take_away = |directory: &TreePath| disposal.upload(directory);
            match upload::cancel_by(writer, &upload, std::time::Duration::ZERO, is_over, take_away) {
                // Another process writes to the upload.
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
                // A client may be pushing to the repository now.
                if !empty::is_empty(tree, folder)? {
                    return Ok(false);
                }
            }
            for folder in &folders {
                disposal.empty_directories(folder)?;
            }
            writer.unmake_directories(&action.path.descent())?;
            Ok(folders.iter().all(|folder| matches!(tree.metadata(folder), Ok(None))))
        }
    }
}

/// Whether a tag was set since the plan was made: something needs it again.
fn is_renewed(tree: &Tree, options: &Options, tag: &Action) -> Result<bool> {
    let link = tag.path.current().link();
    Ok(tree.metadata(&link)?.is_some_and(|found| options.is_young(found.modified)))
}
