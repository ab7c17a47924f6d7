//! Repairs what `fsck` finds.
//!
//! A plan is made from findings. They are those of the tree as it will be once the quarantine has given back what the
//! tree needs. The plan is shown, and then executed. **Nothing is deleted**: what is
//! wrong moves to the quarantine, and the quarantine's journal notes what was changed in its place (a link, a mode, a
//! new directory). So a restore undoes a repair. Content that was put in from a source stays after a restore, because
//! it is right.
//!
//! A killed repair is finished by running it again. Each step leaves the tree with the old fault or repaired. Only on a
//! file system that can't exchange files there is an exception: when wrong content has moved away and the right content
//! is not in place yet, the content is missing, and is reported as missing.

mod execute;
mod foresee;
mod grant;
mod many;
mod planner;
mod recheck;
mod remaining;
mod retag;
mod safety;
mod source;

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::path::Path;
use std::time::Duration;

pub use execute::{Did, Done, execute};
pub use grant::Grant;
pub use planner::plan;
pub use remaining::{Remaining, Remedy};
pub use source::Source;

use crate::digest::Digest;
use crate::error::Error;
use crate::finding::{Code, Finding, Repair};
use crate::fsck::{self, Content};
use crate::layout::{Entry, Form, Place, TreePath};
use crate::pattern::Patterns;
use crate::quarantine::Recall;
use crate::tree::{Moment, Tree};
use source::FoundContent;

/// What to repair.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// Everything that can be repaired without removing what may be wanted, and without granting what no link grants.
    Safe,
    /// The findings with these codes.
    Only(BTreeSet<Code>),
}

impl Wanted {
    /// Whether findings of this code may be repaired.
    pub(crate) fn includes(&self, code: Code) -> bool {
        match self {
            Self::Safe => true,
            Self::Only(codes) => codes.contains(&code),
        }
    }
}

/// How to repair.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Options<'o> {
    /// What to repair.
    pub wanted: Wanted,
    /// The source of missing or wrong content, if there is one.
    pub source: Option<&'o Source>,
    /// The current time.
    pub now: jiff::Timestamp,
    /// Uploads that began before this are stale.
    pub uploads_began_before: jiff::Timestamp,
    /// The content to hash, if any.
    pub content: Option<Content>,
    /// See [`fsck::Options`].
    pub pauses: Vec<Duration>,
    /// The links to write though nothing shows that their repositories had them.
    pub grants: Vec<Grant>,
    /// Whether to go on even if so much content is missing that its disk may not be mounted.
    pub assume_blobs_lost: bool,
}

impl Options<'_> {
    /// Repairs what is wanted, with no source of content. Of content only the metadata is looked at.
    pub fn new(wanted: Wanted, now: jiff::Timestamp) -> Self {
        let fsck::Options { uploads_began_before, content, pauses, .. } = fsck::Options::new(now);
        Self {
            wanted,
            source: None,
            now,
            uploads_began_before,
            content,
            pauses,
            grants: Vec::new(),
            assume_blobs_lost: false,
        }
    }

    /// The options for checking the whole tree.
    fn look(&self, content: Option<Content>) -> fsck::Options {
        let Self { now, uploads_began_before, .. } = *self;
        fsck::Options { now, uploads_began_before, only: Patterns::default(), content, pauses: self.pauses.clone() }
    }
}

/// One step of a plan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Action {
    /// The repair.
    pub repair: Repair,
    /// The finding that it repairs.
    pub finding: Finding,
    /// The path of what is written, made, changed or moved.
    pub path: TreePath,
    /// The number of bytes of content that are moved or put in.
    pub size: u64,
    /// If the operator grants the link that is written: the other repositories that link the content.
    pub also_in: Option<Vec<String>>,
}

impl Action {
    /// `None` if no path of the tree says where to do it.
    fn new(repair: Repair, finding: &Finding, size: u64) -> Option<Self> {
        let subject = &finding.subject;
        let path = match repair {
            Repair::RefillBlob => Entry::Blob(finding.digest()?).path(),
            Repair::LinkRevision => {
                let directory = subject.repository()?.directory.clone();
                Place { directory, form: Form::Current }.revision_link(&finding.digest()?)
            }
            Repair::SetTag => subject.place()?.link(),
            Repair::RewriteLink | Repair::FixPermissions | Repair::MakeDirectory => subject.place()?,
            Repair::QuarantineBlob
            | Repair::QuarantineLink
            | Repair::QuarantineTag
            | Repair::QuarantineFile
            | Repair::QuarantineUpload => subject.whole()?,
        };
        Some(Self { repair, finding: finding.clone(), path, size, also_in: None })
    }

    /// Whether it moves something to the quarantine.
    pub(crate) fn is_move(&self) -> bool {
        use Repair::{QuarantineBlob, QuarantineFile, QuarantineLink, QuarantineTag, QuarantineUpload};
        matches!(self.repair, QuarantineBlob | QuarantineLink | QuarantineTag | QuarantineFile | QuarantineUpload)
    }

    /// Sorts actions, keeps each once, and drops those inside of something that is moved as a whole.
    fn in_order(mut actions: Vec<Self>) -> Vec<Self> {
        let rank = |repair: Repair| Repair::ORDER.iter().position(|other| *other == repair);
        actions.sort_by(|a, b| rank(a.repair).cmp(&rank(b.repair)).then_with(|| a.path.cmp(&b.path)));
        actions.dedup_by(|a, b| a.repair == b.repair && a.path == b.path);
        let moved: HashSet<TreePath> =
            actions.iter().filter(|action| action.is_move()).map(|action| action.path.clone()).collect();
        actions.retain(|action| {
            let is_moved = action.path.ancestors().skip(1).any(|path| moved.contains(&path));
            action.repair == Repair::RefillBlob || !is_moved
        });
        actions
    }

    /// The digest that the action is about. For a link that is written, it is the digest in its path.
    fn digest(&self) -> Digest {
        let written = self.finding.subject.digest().filter(|_| self.repair == Repair::RewriteLink);
        written.or_else(|| self.finding.digest()).expect("links and content are planned by their digests")
    }
}

/// A finding that was asked for and can't be repaired.
#[derive(Debug)]
pub struct Left {
    /// The finding.
    pub finding: Finding,
    /// Why it is not repaired.
    pub reason: String,
}

/// What a repair will do. The plan owns everything that it was made from.
#[derive(Debug)]
#[must_use = "nothing is repaired until the plan is executed"]
pub struct Plan<'o> {
    /// The content that the quarantine gives back first.
    pub recall: Recall,
    /// Whether the tree is one of a pull-through cache.
    pub(crate) is_cache: bool,
    /// The actions, in the order of their execution.
    pub actions: Vec<Action>,
    /// The findings that were asked for and can't be repaired.
    pub left: Vec<Left>,
    /// The errors that no action repairs.
    pub unmended: Vec<Finding>,
    /// The errors about content that moves away and is not in the source: the content is missing afterwards.
    pub until_pushed: Vec<Finding>,
    /// What would help against findings whose content was found, if they are asked for.
    ways_out: HashMap<remaining::Key, Remedy>,
    /// What is wrong in the source, or could not be read there.
    pub refused: Vec<Error>,
    /// The content of the source.
    content: FoundContent,
    options: Options<'o>,
    /// When the tree was first looked at.
    moment: Moment,
}

impl Plan<'_> {
    /// What could not be read since the plan was begun, though a later look may have succeeded. Those of `told` are left
    /// out.
    pub(crate) fn unread<'e>(&self, tree: &Tree, told: impl IntoIterator<Item = &'e Error>) -> Vec<Error> {
        let told: HashSet<&Path> = told.into_iter().filter_map(Error::path).collect();
        let unread = tree.unread_since(self.moment).into_iter();
        unread.filter(|error| error.path().is_none_or(|path| !told.contains(path))).collect()
    }

    /// The number of actions of each kind.
    pub(crate) fn counts(actions: &[Action]) -> BTreeMap<Repair, u64> {
        let mut counts = BTreeMap::new();
        for action in actions {
            *counts.entry(action.repair).or_default() += 1;
        }
        counts
    }
}
