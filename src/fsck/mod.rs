//! Checks a whole tree, and reports everything that is wrong with it.
//!
//! Every leaf of the tree is listed. Every manifest is read, hashed and parsed once, and its references are looked up.
//! Other content is hashed only if the options ask for that, or if its size differs from a descriptor's. Only a signal
//! ends the check early. Nothing is changed.
//!
//! `fsck` has a reader of its own, because `scan` reads names only: here modes, symbolic links and the content of every
//! small file matter.
//!
//! A registry may run at the same time. So everything that was found is looked up again, and reported only if it is
//! still there. **Only a look that failed is reported in any case**: what lies behind it may be wrong.

mod aliases;
mod blobs;
mod candidate;
mod content;
mod find;
mod images;
mod inspect;
mod judge;
mod layers;
mod ledger;
mod links;
mod manifests;
mod pass;
mod recheck;
mod repository;
mod signatures;
mod subset;
mod tags;
mod unread;
mod uploads;

use std::cmp::Reverse;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use rustix::fs::{AtFlags, FileType};
use rustix::io::Errno;

use crate::count;
use crate::digest::Digest;
use crate::error::{Error, Result};
use crate::finding::{Code, Finding, Harm, Image, SKEW, Severity};
use crate::judge::content::{Stored, is_of_nothing};
use crate::judge::manifest::Read;
use crate::layout::{Area, Place, TreePath};
use crate::pattern::Patterns;
use crate::repository::cache;
use crate::scan::{Nothing, Returning};
use crate::stream::Watch;
use crate::tree::{self, Listed, Tree};

use blobs::Blobs;
use candidate::{Blocks, Candidate};
use content::Selection;
pub use content::{Content, Hashed, Stop};
use inspect::Inspector;
pub use ledger::Verified;
use manifests::Manifests;
use pass::Pass;
pub(crate) use recheck::PAUSES;
use recheck::Recheck;
pub use subset::Subset;

/// The age from which a registry purges uploads.
const STALE: Duration = Duration::from_hours(168);

/// What to check, and how.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Options {
    /// The current time.
    pub now: jiff::Timestamp,
    /// Uploads that began before this are reported.
    pub uploads_began_before: jiff::Timestamp,
    /// If not empty, only these repositories and the content that they need are checked.
    pub only: Patterns,
    /// The content to hash, if any.
    pub content: Option<Content>,
    /// The pause before each further look at what was found. `new` sets those that the command uses.
    pub pauses: Vec<Duration>,
}

impl Options {
    /// Looks at everything, hashes nothing, and finds an upload stale that began a week before `now`.
    pub fn new(now: jiff::Timestamp) -> Self {
        let uploads_began_before = now.checked_sub(STALE).unwrap_or(now);
        Self { now, uploads_began_before, only: Patterns::default(), content: None, pauses: PAUSES.to_vec() }
    }
}

/// How much was checked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize)]
#[non_exhaustive]
pub struct Counts {
    /// Repositories, including those whose path is not a valid name.
    pub repositories: u64,
    /// The tags of these repositories.
    pub tags: u64,
    /// Manifests, each counted once for the tree.
    pub manifests: u64,
    /// All blobs.
    pub blobs: u64,
}

/// The result of a check.
#[derive(Debug)]
#[non_exhaustive]
pub struct Report {
    /// The findings, the worst first.
    pub findings: Vec<Finding>,
    /// The tagged images that cannot be pulled whole.
    pub broken: Vec<Image>,
    /// How much was checked.
    pub counts: Counts,
    /// The result of hashing content, if that was asked for.
    pub hashed: Option<Hashed>,
    /// Whether a look at something failed, so that more may be wrong than was found. A finding names each such place.
    pub is_partial: bool,
    /// The content that findings are about and that a manifest embeds, with that manifest.
    pub(crate) embedded: HashMap<Digest, Digest>,
}

impl Report {
    /// The number of findings of this severity.
    pub fn count(&self, severity: Severity) -> u64 {
        self.findings.iter().filter(|finding| finding.severity == severity).count() as u64
    }
}

/// What earlier runs that hashed content noted, up to `now`; `None` if none did.
pub fn verified(tree: &Tree, now: jiff::Timestamp) -> Option<Verified> {
    ledger::Ledger::read(tree, now).sum()
}

/// Checks a tree. `Err(Interrupted)` when a signal came.
pub fn check(tree: &Tree, options: &Options, watch: &Watch<'_>) -> Result<Report> {
    check_with(tree, Arc::new(Nothing), options, watch)
}

/// Checks a tree as it will be once the content in `returning` is back.
pub(crate) fn check_with(
    tree: &Tree,
    returning: Arc<dyn Returning>,
    options: &Options,
    watch: &Watch<'_>,
) -> Result<Report> {
    let moment = tree.moment();
    let mut inspector = Inspector::new(tree)?;
    let ahead = inspector.note_times_after(options.now.checked_add(SKEW).unwrap_or(jiff::Timestamp::MAX));
    // Every finding of absence asks this, so it is found out once, before many threads do.
    cache::is_cache(tree);
    let interrupt = &watch.interrupt;
    watch.progress.begin("listing content", None);
    let ((mut blobs, content), (mut places, between)) =
        rayon::join(|| Blobs::walk(&inspector, None, returning, watch), || find::find(&inspector, interrupt));
    watch.progress.end();
    interrupt.check()?;
    let mut without: Vec<Candidate> = without_repositories(&inspector, &blobs)?.into_iter().collect();
    without.extend(beside_the_areas(&inspector)?);
    options.only.check(|pattern| {
        let hides = |candidate: &Candidate| {
            candidate.hides_repositories().is_some_and(|directory| pattern.could_hold(directory.below_area()))
        };
        let chooses = |place: &Place| pattern.is_match(place.directory.below_area());
        places.iter().any(chooses) || between.iter().chain(&without).any(hides)
    })?;
    places.retain(|place| options.only.is_match(place.directory.below_area()));
    let mut pass = pass::look(&inspector, places, &blobs, options, watch)?;
    // Each file is looked at once until now.
    let ahead = ahead.seen();
    let mut candidates = std::mem::take(&mut pass.candidates);
    candidates.extend(about_content(&inspector, &blobs, content, |digest| pass.needed.contains(&blobs, digest)));
    candidates.extend(between);
    candidates.extend(without);
    if !options.only.is_empty() {
        candidates.retain(|candidate| is_wanted(candidate, options, &blobs, &pass));
    }
    blobs.look_again();
    let recheck = Recheck { inspector: &inspector, blobs: &blobs, first: &pass, options, watch, moment };
    recheck.retain(&mut candidates)?;
    let counts = Counts {
        repositories: pass.repositories.len() as u64,
        tags: pass.repositories.iter().map(|repository| repository.tags.len() as u64).sum(),
        manifests: pass.manifests.len() as u64,
        blobs: blobs.digests.blob_count() as u64,
    };
    let hashed = match &options.content {
        Some(wanted) => {
            let reported = candidates.iter().filter_map(told_content).collect();
            let (repositories, needed, only_needed) = (&*pass.repositories, &pass.needed, !options.only.is_empty());
            let selection = Selection { blobs: &blobs, repositories, needed, only_needed, reported };
            let mut inspector = inspector.another(None);
            let hashed = content::check(&mut inspector, &selection, wanted, watch)?;
            // Hashing may have taken hours. After a signal nothing is looked up again.
            if !matches!(hashed.stop, Some(Stop::Signal(_))) {
                Recheck { inspector: &inspector, ..recheck }.once(&mut candidates)?;
            }
            candidates.extend(inspector.candidates);
            Some(hashed)
        }
        None => None,
    };
    candidates.extend(in_the_future(&inspector, ahead)?);
    let is_wanted = |place: &TreePath| unread::is_wanted(place, options, &blobs, &pass);
    let (unread, is_partial) = unread::find(&inspector, moment, &candidates, is_wanted);
    candidates.extend(unread);
    tidy(&mut candidates);
    let broken = images::find(&pass.repositories, &pass.manifests, &mut candidates);
    let mut findings: Vec<Finding> = candidates.into_iter().map(|candidate| candidate.finding).collect();
    findings.sort_by_cached_key(|finding| {
        (Reverse(finding.severity), finding.code, finding.path(), finding.message.clone())
    });
    let embedded = embedded(&findings, &pass.manifests);
    Ok(Report { findings, broken, counts, hashed, is_partial, embedded })
}

/// The content that findings are about and that a manifest embeds, with that manifest.
fn embedded(findings: &[Finding], manifests: &Manifests) -> HashMap<Digest, Digest> {
    let wanted: HashSet<Digest> = findings.iter().filter_map(Finding::digest).collect();
    let mut found = HashMap::new();
    for (manifest, read) in manifests {
        let Read::Right(form) = read else { continue };
        let parts = form.parts.iter().filter(|part| part.is_embedded && wanted.contains(&part.digest()));
        found.extend(parts.map(|part| (part.digest(), *manifest)));
    }
    found
}

/// Drops `unreadable` where `permissions` already explains it.
fn tidy(candidates: &mut Vec<Candidate>) {
    let places = |code| -> HashSet<_> {
        let reported = candidates.iter().filter(|candidate| candidate.finding.code == code);
        reported.filter_map(|candidate| candidate.finding.place()).collect()
    };
    let modes = places(Code::Permissions);
    candidates.retain(|Candidate { finding, .. }| {
        finding.code != Code::Unreadable || finding.place().is_none_or(|place| !modes.contains(&place))
    });
}

/// Whether the mode of the file or directory at `path` lets the tree's owner read it.
pub(crate) fn may_read(tree: &Tree, path: &TreePath) -> Result<bool> {
    let Some(area) = tree.area(path.area())? else { return Ok(true) };
    let stat = match rustix::fs::statat(area, path.below_area(), AtFlags::SYMLINK_NOFOLLOW) {
        Err(Errno::NOENT) => return Ok(true),
        found => found.map_err(|errno| Error::io("look at", tree.locate(path), errno))?,
    };
    let is_directory = FileType::from_raw_mode(stat.st_mode) == FileType::Directory;
    let mut inspector = Inspector::new(tree)?;
    inspector.check_stat(&stat, if is_directory { 0o5 } else { 0o4 }, Blocks::None, || path.clone());
    Ok(inspector.candidates.is_empty())
}

/// The digest of content that is already reported as wrong or unreadable, or is behind a symbolic link.
fn told_content(candidate: &Candidate) -> Option<Digest> {
    use Code::{BlobCorrupt, BlobEmpty, BlobTruncated, Symlink, Unreadable};
    let is_wrong = |code| matches!(code, BlobCorrupt | BlobTruncated | BlobEmpty | Symlink | Unreadable);
    match candidate.blocks {
        Blocks::Blob(digest) if is_wrong(candidate.finding.code) => Some(digest),
        _ => None,
    }
}

/// The findings about content: an error if a manifest needs the content, otherwise a warning. Adds the findings about
/// empty files whose digest is not that of no bytes.
fn about_content(
    inspector: &Inspector<'_>,
    blobs: &Blobs<'_>,
    mut candidates: Vec<Candidate>,
    is_needed: impl Fn(&Digest) -> bool,
) -> Vec<Candidate> {
    for candidate in &mut candidates {
        let Candidate { finding, blocks: Blocks::Blob(digest), .. } = candidate else { continue };
        // A registry serves what a symbolic link leads to. A mode that may let the owner read is no error.
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
        let finding = stored.finding(inspector.tree, digest, is_needed(&digest));
        candidates.extend(finding.map(|finding| Candidate::new(finding, Blocks::Blob(digest))));
    }
    candidates
}

/// Reports content without a directory of repositories.
fn without_repositories(inspector: &Inspector<'_>, blobs: &Blobs<'_>) -> Result<Option<Candidate>> {
    if blobs.digests.blob_count() == 0 || inspector.tree.area(Area::Repositories)?.is_some() {
        return Ok(None);
    }
    let message = "there is content, and no directory of repositories: is its disk mounted?";
    let finding = inspector.at(Area::Repositories.path(), Code::RepositoriesMissing, Harm::Certain, message);
    Ok(Some(Candidate::new(finding, Blocks::None)))
}

/// Reports what was written in the future, unless the first of it no longer is.
fn in_the_future(inspector: &Inspector<'_>, ahead: Option<(u64, TreePath)>) -> Result<Option<Candidate>> {
    let Some((count, first)) = ahead else { return Ok(None) };
    let Some(found) = inspector.tree.metadata(&first)? else { return Ok(None) };
    let others = if count == 1 { String::new() } else { format!(", and {} more", count::plural(count - 1, "time")) };
    let message = format!("its time is in the future, {:.0}{others}: gc treats it as young until then", found.modified);
    let finding = inspector.at(&first, Code::TimeInFuture, Harm::Possible, message).found(&found.modified);
    Ok(Some(Candidate::new(finding, Blocks::None)))
}

/// Reports what is beside the two areas. No registry and no command looks there.
fn beside_the_areas(inspector: &Inspector<'_>) -> Result<Vec<Candidate>> {
    let tree = inspector.tree;
    let listed = tree::list_handle(tree.v2()).map_err(|errno| Error::io("list", tree.path(), errno))?;
    let is_area = |entry: &Listed| [Area::Blobs, Area::Repositories].iter().any(|area| entry.name == area.name());
    let mut inspector = inspector.another(None);
    for entry in listed.into_iter().filter(|entry| !is_area(entry)) {
        inspector.beside(entry);
    }
    Ok(inspector.candidates)
}

/// Whether a candidate is about the repositories that were asked for.
fn is_wanted(candidate: &Candidate, options: &Options, blobs: &Blobs<'_>, pass: &Pass) -> bool {
    if let Blocks::Blob(digest) = candidate.blocks {
        return pass.needed.contains(blobs, &digest);
    }
    match (candidate.finding.repository(), candidate.finding.place()) {
        (Some(name), _) => options.only.is_match(name),
        (None, Some(place)) if candidate.blocks == Blocks::Area => pass.needed.is_any_below(&place),
        (None, _) => {
            candidate.hides_repositories().is_some_and(|directory| options.only.could_hold(directory.below_area()))
        }
    }
}
