//! Measures where the space of a tree went.
//!
//! # What is counted
//!
//! Every file and directory of `docker/registry/v2`, of the places that its areas lead to, and of `<root>/.regtree` is
//! looked at once. **Each of their bytes is in one line of a [`Breakdown`]**, so the lines add up to what `du -s`
//! counts. A file with several names counts once. *Content* is the `data` of blobs; directories and links are overhead.
//! What is beside the two areas is a line of its own, *strays*.
//!
//! # The breakdown
//!
//! Content is divided by need, as a [collection](crate::gc) without a minimum age sees it:
//!
//! | Line | Content |
//! |---|---|
//! | *unique* | the tagged images of one repository need it |
//! | *shared* | the tagged images of several repositories need it |
//! | *untagged* | a collection keeps it, unless it deletes untagged manifests |
//! | *garbage* | nothing needs it; a link alone is not a need |
//! | *doubtful* | no tagged image is known to need it, but there may be links that can't be read, so no collection removes it |
//!
//! # Repositories and tags
//!
//! The amounts of repositories and tags say who has the content. They overlap, and don't add up. The signatures of a
//! manifest belong to whoever has the manifest, and to no repository once its link is gone.
//!
//! - The *total* of a repository is all content that it links or that its manifests need. *unique* is what would be
//!   freed if the repository were deleted and the tree collected, including links that nothing needs. The rest is
//!   *shared*.
//! - The *total* of a tag is all content that it leads to, including the referrers of its manifests. *unique* is what
//!   would be freed if the tag were deleted and the tree collected with all untagged manifests.
//!
//! # Damage
//!
//! **Damage is data**: what can't be looked at is reported, and the rest is counted. A repository in which something
//! can't be followed needs everything that it links, as for a collection.

mod freed;
mod holdings;
mod layers;
mod months;
mod shares;
mod tags;
mod walk;

use crate::digest::Digest;
use crate::error::{Error, Result};
use crate::gc::{self, Finding};
use crate::named::named;
use crate::scan::{Doubt, Scan};
use crate::stream::Watch;
use crate::tree::Tree;

pub(crate) use freed::{Freed, freed_without};
use holdings::{Holdings, SEVERAL};
pub(crate) use months::Month;
pub(crate) use shares::Share;

/// How to count a file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Measure {
    /// Count the space that it takes on the disk.
    #[default]
    Allocated,
    /// Count its length.
    Apparent,
}

/// What to measure and report.
#[derive(Clone, Copy, Debug, Default)]
#[non_exhaustive]
pub struct Options {
    /// How to count files.
    pub measure: Measure,
    /// Whether to report each tag.
    pub tags: bool,
    /// How many of the largest layers to report, with the repositories that share them.
    pub layers: usize,
    /// Whether to divide the content among repositories and tags, and months.
    pub(crate) divided: bool,
}

/// Where the space went.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Usage {
    /// The chosen repositories, sorted by name.
    pub repositories: Vec<RepositoryUsage>,
    /// Their tags, sorted by name.
    pub tags: Vec<TagUsage>,
    /// Their largest layers, the largest first.
    pub layers: Vec<LayerUsage>,
    /// The space of the whole tree.
    pub tree: Breakdown,
    /// The sum of the totals of all repositories of the tree.
    pub totals: u64,
    /// The bytes of all content that a repository links or needs.
    pub stored: u64,
    /// What could not be followed or looked at.
    pub findings: Vec<Finding>,
    /// Who has the content alone; empty unless asked for.
    pub(crate) shares: Vec<Share>,
    /// When the content was written; empty unless asked for.
    pub(crate) months: Vec<Month>,
}

named! {
    /// The lines of a breakdown that content is divided into.
    pub(crate) enum Line {
        /// The tagged images of one repository need it.
        Unique = "unique",
        /// Those of several need it.
        Shared = "shared",
        /// Only untagged manifests need it.
        Untagged = "untagged",
        /// Nothing needs it.
        Garbage = "garbage",
        /// Links that can't be read may need it.
        Doubtful = "doubtful",
    }
}

/// The bytes of content that a repository or tag has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Amount {
    /// All its content.
    pub total: u64,
    /// The part that would be freed without it.
    pub unique: u64,
}

impl Amount {
    /// The part that others need too.
    pub fn shared(self) -> u64 {
        self.total - self.unique
    }
}

/// The content that a repository has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RepositoryUsage {
    /// The path of the repository, which is its name unless it is damaged.
    pub name: String,
    /// How much content it has.
    pub amount: Amount,
}

/// The content that a tag leads to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TagUsage {
    /// The path of the repository.
    pub repository: String,
    /// The name of the tag.
    pub tag: String,
    /// The manifest that it points to; `None` when that can't be read.
    pub digest: Option<Digest>,
    /// How much content it leads to.
    pub amount: Amount,
}

/// A layer, or other content that is not a manifest, and the repositories that have it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LayerUsage {
    /// The digest of the content.
    pub digest: Digest,
    /// Its size in bytes.
    pub bytes: u64,
    /// The repositories that link or need it, sorted.
    pub repositories: Vec<String>,
}

/// The bytes of the tree. Each is counted in one field.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Breakdown {
    /// Content that the tagged images of one repository need.
    pub unique: u64,
    /// Content that the tagged images of several repositories need.
    pub shared: u64,
    /// Content that only untagged manifests need.
    pub untagged: u64,
    /// Content that nothing needs.
    pub garbage: u64,
    /// Content that would be garbage or untagged, but that every collection keeps, because links that can't be read may
    /// need it.
    pub doubtful: u64,
    /// Uploads that are not finished.
    pub uploads: u64,
    /// The quarantine: what was taken out of the tree and can be put back.
    pub quarantine: u64,
    /// Directories, links, and all other files.
    pub overhead: u64,
    /// What is beside `blobs` and `repositories`. No registry looks there.
    pub strays: u64,
}

impl Breakdown {
    /// The lines, each with its name.
    pub(crate) fn lines(&self) -> [(&'static str, u64); 9] {
        [
            ("unique", self.unique),
            ("shared", self.shared),
            ("untagged", self.untagged),
            ("garbage", self.garbage),
            ("doubtful", self.doubtful),
            ("uploads", self.uploads),
            ("quarantine", self.quarantine),
            ("overhead", self.overhead),
            ("strays", self.strays),
        ]
    }

    fn add(&mut self, line: Line, bytes: u64) {
        *match line {
            Line::Unique => &mut self.unique,
            Line::Shared => &mut self.shared,
            Line::Untagged => &mut self.untagged,
            Line::Garbage => &mut self.garbage,
            Line::Doubtful => &mut self.doubtful,
        } += bytes;
    }

    /// The sum of all lines.
    pub fn total(&self) -> u64 {
        self.lines().iter().map(|(_, bytes)| bytes).sum()
    }
}

/// Measures the whole tree, and reports the repositories for whose paths `chosen` is true. `Err(Interrupted)` when a
/// signal came.
pub fn measure(tree: &Tree, options: Options, chosen: &dyn Fn(&str) -> bool, watch: &Watch<'_>) -> Result<Usage> {
    let interrupt = &watch.interrupt;
    let mut scan = Scan::read(tree, watch)?;
    let walked = walk::walk(tree, &scan, &options, watch)?;
    let sizes = &walked.contents;
    let (holdings, findings) = Holdings::take(tree, &mut scan, sizes, interrupt);
    let mut tags = (options.tags || options.divided).then(|| tags::Tagged::new(&scan));
    // The findings of this second collection are not needed: it finds the same, except for what only the deletion of
    // untagged manifests asks.
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
        strays: walked.strays,
        ..Breakdown::default()
    };
    let may_hide_links = findings.iter().any(|finding| finding.doubt == Doubt::Tree);
    let line = |name| {
        let (keeper, is_tagged) = (holdings.keeper(name), tagged.needed.contains(name));
        match keeper {
            _ if may_hide_links && (keeper == 0 || !is_tagged) => Line::Doubtful,
            0 => Line::Garbage,
            _ if !is_tagged => Line::Untagged,
            SEVERAL => Line::Shared,
            _ => Line::Unique,
        }
    };
    for name in scan.digests.blobs() {
        breakdown.add(line(name), sizes[name.index()]);
    }
    let divided = tags.as_ref().filter(|_| options.divided);
    let shares = divided.map(|tags| shares::divide(&scan, sizes, line, &holdings, tags)).unwrap_or_default();
    let months = divided.map(|_| months::count(&walked.times, sizes)).unwrap_or_default();
    let layers = layers::largest(tree, &mut scan, sizes, options.layers, chosen, interrupt);
    interrupt.check()?;
    Ok(Usage {
        repositories: holdings.repositories(sizes, chosen),
        tags: tags.filter(|_| options.tags).map(|tags| tags.rows(&scan, sizes, chosen)).unwrap_or_default(),
        layers,
        tree: breakdown,
        totals: holdings.totals(),
        stored: holdings.stored(sizes),
        findings: reported(findings, &walked.errors),
        shares,
        months,
    })
}

/// The findings that can make a count wrong. `fsck` reports what is only odd.
fn reported(findings: Vec<Finding>, errors: &[Error]) -> Vec<Finding> {
    let mut reported: Vec<Finding> = findings.into_iter().filter(|finding| finding.doubt != Doubt::None).collect();
    for finding in errors.iter().map(Finding::of) {
        if !reported.iter().any(|known| known.path == finding.path) {
            reported.push(finding);
        }
    }
    reported
}
