//! Where the space went.
//!
//! Every file and directory of `docker/registry/v2`, of what its areas lead to, and of `<root>/.regtree` is looked at
//! once, and each of its bytes is for one thing: the lines of a [`Breakdown`] add up to what `du -s` counts, a file with
//! several names once. **Content** is the `data` of blobs; directories and links are overhead. What content is for goes
//! by need, as a [collection](crate::gc) without regard to age sees it:
//!
//! - *unique*: the tagged images of one repository need it, and *shared*: those of several;
//! - *untagged*: kept, but not by a collection that deletes untagged manifests;
//! - *garbage*: nothing needs it. A link alone is no need;
//! - *doubtful*: nothing is known to need it, but something can't be read that may, so that a collection keeps it all.
//!
//! Who has it is another question, which the amounts of repositories and tags answer; they overlap, and don't add up. The
//! signatures of a manifest are had with it, and are nobody's once its link is gone.
//!
//! - A repository's *total* is all content that it links or its manifests need; *unique* of that is what would be freed
//!   if the repository were deleted and the tree collected, links that nothing needs among it; the rest is *shared*.
//! - A tag's *total* is all content that it leads to, referrers of its manifests among it; *unique* of that is what would
//!   be freed if the tag were deleted, and the tree collected with all untagged manifests.
//!
//! **Damage is data**: what can't be looked at is told, and the rest is counted. A repository in which something can't be
//! followed needs all that it links, as for a collection.

mod holdings;
mod layers;
mod tags;
mod walk;

use crate::digest::Digest;
use crate::error::{Error, Result};
use crate::gc::{self, Finding};
use crate::scan::{Doubt, Scan};
use crate::stream::Interrupt;
use crate::tree::Tree;

use holdings::{Holdings, SEVERAL};

/// What is counted of a file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Measure {
    /// The space it takes on the disk.
    #[default]
    Allocated,
    /// Its length.
    Apparent,
}

/// What to tell.
#[derive(Clone, Copy, Debug, Default)]
pub struct Options {
    /// What to count.
    pub measure: Measure,
    /// Whether to tell of each tag.
    pub tags: bool,
    /// Of how many of the largest layers to tell who shares them.
    pub layers: usize,
}

/// Where the space went.
#[derive(Clone, Debug)]
pub struct Usage {
    /// Of each repository that was asked for, sorted by name.
    pub repositories: Vec<RepositoryUsage>,
    /// Of each of their tags, sorted by name.
    pub tags: Vec<TagUsage>,
    /// The largest layers of theirs, the largest first.
    pub layers: Vec<LayerUsage>,
    /// Of the whole tree.
    pub tree: Breakdown,
    /// What the totals of all repositories of the tree come to.
    pub totals: u64,
    /// All content that some repository links or needs.
    pub stored: u64,
    /// What could not be followed, or not be looked at.
    pub findings: Vec<Finding>,
}

/// Bytes of content that something has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Amount {
    /// All of it.
    pub total: u64,
    /// What would be freed without it.
    pub unique: u64,
}

impl Amount {
    /// What others need too.
    pub fn shared(self) -> u64 {
        self.total - self.unique
    }
}

/// What a repository has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RepositoryUsage {
    /// Its path, which is its name unless it is damaged.
    pub name: String,
    /// How much.
    pub amount: Amount,
}

/// What a tag leads to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TagUsage {
    /// The repository's path.
    pub repository: String,
    /// What it is called.
    pub tag: String,
    /// What it points to, where that can be told.
    pub digest: Option<Digest>,
    /// How much.
    pub amount: Amount,
}

/// Who has a layer, or other content that is no manifest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LayerUsage {
    /// What it is called.
    pub digest: Digest,
    /// Its bytes.
    pub bytes: u64,
    /// The repositories that link or need it, sorted.
    pub repositories: Vec<String>,
}

/// Bytes of the tree, each in one place.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Breakdown {
    /// Content that the tagged images of one repository need.
    pub unique: u64,
    /// Content that those of several need.
    pub shared: u64,
    /// Content that only untagged manifests need.
    pub untagged: u64,
    /// Content that nothing needs.
    pub garbage: u64,
    /// Content that nothing is known to need, and that a collection keeps: there may be links that nobody sees.
    pub doubtful: u64,
    /// Uploads that nobody finished.
    pub uploads: u64,
    /// What was taken out of the tree, and may be put back.
    pub quarantine: u64,
    /// Directories, links, and whatever else there is.
    pub overhead: u64,
}

impl Breakdown {
    /// Each line with its name.
    pub fn lines(&self) -> [(&'static str, u64); 8] {
        [
            ("unique", self.unique),
            ("shared", self.shared),
            ("untagged", self.untagged),
            ("garbage", self.garbage),
            ("doubtful", self.doubtful),
            ("uploads", self.uploads),
            ("quarantine", self.quarantine),
            ("overhead", self.overhead),
        ]
    }

    /// All of it.
    pub fn total(&self) -> u64 {
        self.lines().iter().map(|(_, bytes)| bytes).sum()
    }
}

/// Counts the whole tree, and tells of the repositories whose paths are `chosen`. `Err(Interrupted)` when a signal came.
pub fn measure(tree: &Tree, options: Options, chosen: &dyn Fn(&str) -> bool, interrupt: &Interrupt) -> Result<Usage> {
    let mut scan = Scan::read(tree, interrupt)?;
    let walked = walk::walk(tree, &scan, options.measure, interrupt)?;
    let sizes = &walked.contents;
    let (holdings, findings) = Holdings::take(tree, &mut scan, sizes, interrupt);
    let mut tags = options.tags.then(|| tags::Tagged::new(&scan));
    // Both collections agree on what can't be followed, but for what only the deletion of untagged manifests asks.
    let untagging = gc::Options { delete_untagged: true, ..holdings::options() };
    let tagged = gc::uses(tree, &mut scan, &untagging, interrupt, |scan, needs| {
        if let Some(tags) = &mut tags {
            tags.add(scan, needs, sizes);
        }
    });
    let mut breakdown = Breakdown {
        uploads: walked.uploads,
        quarantine: walked.quarantine,
        overhead: walked.overhead,
        ..Breakdown::default()
    };
    let is_blind = findings.iter().any(|finding| finding.doubt == Doubt::Tree);
    for name in scan.digests.blobs() {
        let line = match holdings.keeper(name) {
            0 if is_blind => &mut breakdown.doubtful,
            0 => &mut breakdown.garbage,
            _ if !tagged.needed.contains(name) => &mut breakdown.untagged,
            SEVERAL => &mut breakdown.shared,
            _ => &mut breakdown.unique,
        };
        *line += sizes[name.index()];
    }
    let layers = layers::largest(tree, &mut scan, sizes, options.layers, chosen, interrupt);
    if let Some(signal) = interrupt.signal() {
        return Err(Error::Interrupted { signal });
    }
    Ok(Usage {
        repositories: holdings.repositories(sizes, chosen),
        tags: tags.map(|tags| tags.rows(&scan, sizes, chosen)).unwrap_or_default(),
        layers,
        tree: breakdown,
        totals: holdings.totals(),
        stored: holdings.stored(sizes),
        findings: reported(findings, &walked.errors),
    })
}

/// What a count can be wrong for: things that are merely strange are `fsck`'s.
fn reported(findings: Vec<Finding>, errors: &[Error]) -> Vec<Finding> {
    let mut reported: Vec<Finding> = findings.into_iter().filter(|finding| finding.doubt != Doubt::None).collect();
    for finding in errors.iter().map(Finding::of) {
        if !reported.iter().any(|known| known.path == finding.path) {
            reported.push(finding);
        }
    }
    reported
}
