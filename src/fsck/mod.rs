//! What is wrong with a tree.
//!
//! All is listed, every leaf of it; every manifest is read, hashed and parsed once, and its references are looked up. Other
//! content is hashed only where that is asked for, or where its size is another than a descriptor says. Nothing ends the
//! look but a signal, and nothing is changed.
//!
//! A registry may run meanwhile. So whatever is found is looked for a second time, and told only if it is still there.

mod again;
mod blobs;
mod clue;
mod content;
mod eye;
mod images;
mod judge;
mod keyed;
mod layers;
mod ledger;
mod manifests;
mod places;
mod repository;
mod round;
mod signatures;
mod subset;
mod tags;
mod uploads;

use std::cmp::Reverse;
use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use rustix::fs::{AtFlags, FileType};
use rustix::io::Errno;

use crate::digest::Digest;
use crate::error::{Error, Result};
use crate::finding::{Code, Finding, Harm, Image, Repair, Severity};
use crate::judge::content::{Stored, is_of_nothing};
use crate::layout::{Area, Place, TreePath};
use crate::pattern::Patterns;
use crate::scan::{Nothing, Returning};
use crate::stream::Watch;
use crate::tree::Tree;

use again::Again;
pub use again::PAUSES;
use blobs::Blobs;
use clue::{Blocks, Clue};
use content::Stock;
pub use content::{Content, Hashed, Stop};
use eye::Eye;
use round::Round;
pub use subset::Subset;

/// What to look at, and how.
#[derive(Clone, Debug)]
pub struct Options {
    /// What time it is.
    pub now: jiff::Timestamp,
    /// Uploads that began before are told.
    pub uploads_began_before: jiff::Timestamp,
    /// Only these repositories, and the content that they need.
    pub only: Patterns,
    /// Which content to hash, if any.
    pub content: Option<Content>,
    /// How long to wait before each further look at what was found, see [`PAUSES`].
    pub pauses: Vec<Duration>,
}

/// How much was looked at.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct Counts {
    /// Repositories, and what would be some.
    pub repositories: u64,
    /// Their tags.
    pub tags: u64,
    /// Manifests, each once for the tree.
    pub manifests: u64,
    /// All content.
    pub blobs: u64,
}

/// What was found.
#[derive(Debug)]
pub struct Report {
    /// The worst first.
    pub findings: Vec<Finding>,
    /// The tagged images that cannot be pulled whole.
    pub broken: Vec<Image>,
    /// How much was looked at.
    pub counts: Counts,
    /// What came of hashing content, where that was asked for.
    pub hashed: Option<Hashed>,
}

impl Report {
    /// How many findings are as bad as that.
    pub fn count(&self, severity: Severity) -> u64 {
        self.findings.iter().filter(|finding| finding.severity == severity).count() as u64
    }
}

/// Looks at a tree. `Err(Interrupted)` when a signal came.
pub fn check(tree: &Tree, options: &Options, watch: &Watch<'_>) -> Result<Report> {
    check_with(tree, Arc::new(Nothing), options, watch)
}

/// Looks at a tree as it will be when it has that content back.
pub(crate) fn check_with(
    tree: &Tree,
    returning: Arc<dyn Returning>,
    options: &Options,
    watch: &Watch<'_>,
) -> Result<Report> {
    let eye = Eye::new(tree)?;
    let interrupt = &watch.interrupt;
    watch.progress.begin("listing content", None);
    let ((mut blobs, content), (mut places, between)) =
        rayon::join(|| Blobs::walk(&eye, None, returning, watch), || places::find(&eye, interrupt));
    watch.progress.end();
    interrupt.check()?;
    let without = without_repositories(&eye, &blobs)?;
    options.only.check(|pattern| {
        let hides =
            |clue: &Clue| clue.hides_repositories().is_some_and(|directory| pattern.could_hold(directory.below_area()));
        let chooses = |place: &Place| pattern.is_match(place.directory.below_area());
        places.iter().any(chooses) || between.iter().chain(&without).any(hides)
    })?;
    places.retain(|place| options.only.is_match(place.directory.below_area()));
    let mut round = round::look(&eye, places, &blobs, options, watch)?;
    let mut clues = std::mem::take(&mut round.clues);
    clues.extend(about_content(&eye, &blobs, content, |digest| round.needed.contains(&blobs, digest)));
    clues.extend(between);
    clues.extend(without);
    if !options.only.is_empty() {
        clues.retain(|clue| is_wanted(clue, options, &blobs, &round));
    }
    blobs.look_again();
    Again { eye: &eye, blobs: &blobs, first: &round, options, watch }.retain(&mut clues)?;
    let counts = Counts {
        repositories: round.repositories.len() as u64,
        tags: round.repositories.iter().map(|repository| repository.tags.len() as u64).sum(),
        manifests: round.manifests.len() as u64,
        blobs: blobs.digests.blob_count() as u64,
    };
    let hashed = match &options.content {
        Some(wanted) => {
            let told = clues.iter().filter_map(told_content).collect();
            let stock = Stock { blobs: &blobs, needed: &round.needed, only_needed: !options.only.is_empty(), told };
            let mut eye = eye.another(None);
            let hashed = content::check(&mut eye, &stock, wanted, watch);
            // That may have taken hours. Who asks to stop wants no more looks.
            if !matches!(hashed.stop, Some(Stop::Signal(_))) {
                Again { eye: &eye, blobs: &blobs, first: &round, options, watch }.once(&mut clues)?;
            }
            clues.extend(eye.clues);
            Some(hashed)
        }
        None => None,
    };
    tidy(&mut clues);
    let broken = images::find(&round.repositories, &round.manifests, &mut clues);
    let mut findings: Vec<Finding> = clues.into_iter().map(|clue| clue.finding).collect();
    findings.sort_by_cached_key(|finding| {
        (Reverse(finding.severity), finding.code, finding.path(), finding.message.clone())
    });
    Ok(Report { findings, broken, counts, hashed })
}

/// That something can't be read is told once, by the mode that says why; and what a symbolic link leads to is nobody's
/// to move.
fn tidy(clues: &mut Vec<Clue>) {
    let places = |code| -> HashSet<_> {
        let told = clues.iter().filter(|clue| clue.finding.code == code);
        told.filter_map(|clue| clue.finding.place()).collect()
    };
    let modes = places(Code::Permissions);
    let is_link = |clue: &&Clue| clue.finding.code == Code::Symlink;
    let led: HashSet<Blocks> = clues.iter().filter(is_link).map(|clue| clue.blocks).collect();
    clues.retain(|Clue { finding, .. }| {
        finding.code != Code::Unreadable || finding.place().is_none_or(|place| !modes.contains(&place))
    });
    for Clue { finding, blocks, .. } in clues {
        if finding.repair == Some(Repair::QuarantineBlob) && led.contains(blocks) {
            finding.repair = None;
        }
    }
}

/// Whether the mode of what lies at `path` lets the tree's owner read it.
pub(crate) fn may_read(tree: &Tree, path: &TreePath) -> Result<bool> {
    let Some(area) = tree.area(path.area())? else { return Ok(true) };
    let stat = match rustix::fs::statat(area, path.below_area(), AtFlags::SYMLINK_NOFOLLOW) {
        Err(Errno::NOENT) => return Ok(true),
        found => found.map_err(|errno| Error::io("look at", tree.locate(path), errno))?,
    };
    let is_directory = FileType::from_raw_mode(stat.st_mode) == FileType::Directory;
    let mut eye = Eye::new(tree)?;
    eye.check_stat(&stat, if is_directory { 0o5 } else { 0o4 }, Blocks::None, || path.clone());
    Ok(eye.clues.is_empty())
}

/// Content of which it is told already that it is wrong, or that it can't be read.
fn told_content(clue: &Clue) -> Option<Digest> {
    let is_wrong = |code| matches!(code, Code::BlobCorrupt | Code::BlobTruncated | Code::BlobEmpty | Code::Unreadable);
    match clue.blocks {
        Blocks::Blob(digest) if is_wrong(clue.finding.code) => Some(digest),
        _ => None,
    }
}

/// What was seen of content: as bad as it is needed. And what has no bytes, though its name says it has some.
fn about_content(
    eye: &Eye<'_>,
    blobs: &Blobs<'_>,
    mut clues: Vec<Clue>,
    is_needed: impl Fn(&Digest) -> bool,
) -> Vec<Clue> {
    for clue in &mut clues {
        let Clue { finding, blocks: Blocks::Blob(digest), .. } = clue else { continue };
        // A registry serves what a symbolic link leads to. And what the owner may perhaps read is no error.
        let is_served = finding.code == Code::Symlink && blobs.digests.find(digest).is_some();
        let is_perhaps = finding.code == Code::Permissions && finding.severity == Severity::Warning;
        if finding.severity != Severity::Info && !is_served && !is_perhaps {
            let harm = if is_needed(digest) { Harm::Certain } else { Harm::Possible };
            finding.severity = finding.code.severity(harm);
        }
    }
    for name in blobs.digests.blobs().filter(|name| blobs.size(*name) == 0) {
        let digest = blobs.digests.digest(name);
        let stored = if is_of_nothing(&digest) { Stored::Right } else { Stored::Empty };
        let finding = stored.finding(eye.tree, digest, is_needed(&digest));
        clues.extend(finding.map(|finding| Clue::new(finding, Blocks::Blob(digest))));
    }
    clues
}

/// Content, and nothing that says whose it is.
fn without_repositories(eye: &Eye<'_>, blobs: &Blobs<'_>) -> Result<Option<Clue>> {
    if blobs.digests.blob_count() == 0 || eye.tree.area(Area::Repositories)?.is_some() {
        return Ok(None);
    }
    let message = "there is content, and no directory of repositories: is its disk mounted?";
    let finding = eye.at(Area::Repositories.path(), Code::RepositoriesMissing, Harm::Certain, message);
    Ok(Some(Clue::new(finding, Blocks::None)))
}

/// Whether a clue is about what was asked for.
fn is_wanted(clue: &Clue, options: &Options, blobs: &Blobs<'_>, round: &Round) -> bool {
    if let Blocks::Blob(digest) = clue.blocks {
        return round.needed.contains(blobs, &digest);
    }
    match (clue.finding.repository(), clue.finding.place()) {
        (Some(name), _) => options.only.is_match(name),
        (None, Some(place)) if clue.blocks == Blocks::Area => round.needed.is_any_below(&place),
        (None, _) => clue.hides_repositories().is_some_and(|directory| options.only.could_hold(directory.below_area())),
    }
}
