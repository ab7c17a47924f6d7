//! Mending what `fsck` finds.
//!
//! A plan is made of findings, of the tree as it will be when it has back what it needs of
//! the quarantine. It is shown, and carried out. **Nothing is deleted**: what is wrong moves to the quarantine, and of
//! what is changed in its place (a link, a mode, a directory that is made) the quarantine's journal says what it was. So a
//! restore undoes a repair. Content that was put in from another source stays then: it is right.
//!
//! A repair that was killed is finished by running it again: each step leaves the tree with the old fault or mended, but for
//! content whose wrong version is gone and whose right one is not there yet, which is missing, and told so.

mod execute;
mod planner;
mod recheck;
mod remaining;
mod safety;
mod source;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

pub use execute::{Did, Done, execute};
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
use source::Stock;

/// What to mend.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// All that can be mended without anything going that somebody may want, or being granted that was not.
    Safe,
    /// What is found under these codes.
    Only(BTreeSet<Code>),
}

impl Wanted {
    /// Whether findings of this code may be mended.
    pub fn includes(&self, code: Code) -> bool {
        match self {
            Self::Safe => true,
            Self::Only(codes) => codes.contains(&code),
        }
    }
}

/// How to mend.
#[derive(Clone, Debug)]
pub struct Options<'o> {
    /// What.
    pub wanted: Wanted,
    /// Where content comes from that is missing or wrong.
    pub source: Option<&'o Source>,
    /// What time it is.
    pub now: jiff::Timestamp,
    /// Uploads that began before are stale.
    pub uploads_began_before: jiff::Timestamp,
    /// Which content to hash, if any.
    pub content: Option<Content>,
    /// See [`fsck::Options`].
    pub pauses: Vec<Duration>,
    /// Whether content may be missing as if its disk were not mounted.
    pub assume_blobs_lost: bool,
}

impl Options<'_> {
    /// How the whole tree is looked at.
    fn look(&self, content: Option<Content>) -> fsck::Options {
        let Self { now, uploads_began_before, .. } = *self;
        fsck::Options { now, uploads_began_before, only: Patterns::default(), content, pauses: self.pauses.clone() }
    }
}

/// One thing that is done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Action {
    /// What is done.
    pub repair: Repair,
    /// For which finding.
    pub finding: Finding,
    /// What is written, made, changed or moved.
    pub path: TreePath,
    /// The bytes of content that are moved or put in.
    pub size: u64,
}

impl Action {
    /// `None` where no path of the tree says where to do it.
    fn new(repair: Repair, finding: &Finding, size: u64) -> Option<Self> {
        let subject = &finding.subject;
        let path = match repair {
            Repair::RefillBlob => Entry::Blob(finding.digest()?).path(),
            Repair::LinkRevision => {
                let directory = subject.repository()?.directory.clone();
                Place { directory, form: Form::Current }.revision_link(&finding.digest()?)
            }
            Repair::RewriteLink | Repair::FixPermissions | Repair::MakeDirectory => subject.place()?,
            Repair::QuarantineBlob
            | Repair::RemoveLink
            | Repair::RemoveTag
            | Repair::RemoveTemporary
            | Repair::PurgeUpload => subject.whole()?,
        };
        Some(Self { repair, finding: finding.clone(), path, size })
    }

    /// Whether it moves something to the quarantine.
    pub fn is_move(&self) -> bool {
        use Repair::{PurgeUpload, QuarantineBlob, RemoveLink, RemoveTag, RemoveTemporary};
        matches!(self.repair, QuarantineBlob | RemoveLink | RemoveTag | RemoveTemporary | PurgeUpload)
    }

    /// The digest that it is about: of a link that is written, the one that its path says.
    fn digest(&self) -> Digest {
        let written = self.finding.subject.digest().filter(|_| self.repair == Repair::RewriteLink);
        written.or_else(|| self.finding.digest()).expect("links and content are planned by their digests")
    }
}

/// Something that was wanted and can't be mended.
#[derive(Debug)]
pub struct Left {
    /// What is wrong.
    pub finding: Finding,
    /// Why it stays.
    pub reason: String,
}

/// What is to be done. It owns all that it was made of.
#[derive(Debug)]
#[must_use = "nothing is mended until the plan is executed"]
pub struct Plan<'o> {
    /// What the quarantine gives back first.
    pub recall: Recall,
    /// In this order.
    pub actions: Vec<Action>,
    /// What stays though it was asked for.
    pub left: Vec<Left>,
    /// The errors that nothing is done about.
    pub unmended: Vec<Finding>,
    /// Those of content that goes, and that the source does not have: it is missing then.
    pub until_pushed: Vec<Finding>,
    /// What a source has that it should not, or that could not be read there.
    pub refused: Vec<Error>,
    /// Where content comes from.
    stock: Stock,
    options: Options<'o>,
}

impl Plan<'_> {
    /// How many actions there are of each kind.
    pub fn counts(actions: &[Action]) -> BTreeMap<Repair, u64> {
        let mut counts = BTreeMap::new();
        for action in actions {
            *counts.entry(action.repair).or_default() += 1;
        }
        counts
    }
}
