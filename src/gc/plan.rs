//! Decides what to remove, in the order of the removals: links before content.

use std::collections::HashSet;
use std::sync::{Arc, OnceLock};

use rayon::prelude::*;

use super::action::{Action, Finding, Kind};
use super::age::{self, FoundBlob};
use super::doubt::{self, Doubts};
use super::history::Histories;
use super::kept::{Kept, KeptReferrers};
use super::unread::Reported;
use super::{Options, check_patterns, empty};
use crate::digest::Digest;
use crate::error::{Error, Result};
use crate::finding::Code;
use crate::layout::TreePath;
use crate::quarantine::{self, Held, Recall};
use crate::reach::{Edges, MustKeep, Use, Within, mark};
use crate::scan::{DigestId, DigestSet, Nothing, Scan, Scanned, ScannedTag};
use crate::stream::Watch;
use crate::tree::{EntryKind, Neighbours, Tree};
use crate::upload::{self, Upload};

/// What to remove, and why the rest is kept. A plan owns everything that it was made from, so a sweep, an explanation
/// and a check all use the same options and the same scan.
#[derive(Debug)]
#[must_use = "nothing is removed until the plan is swept"]
#[non_exhaustive]
pub struct Plan {
    /// What the sweep puts back from the quarantine first.
    pub recall: Recall,
    /// What to remove, in order.
    pub actions: Vec<Action>,
    /// What is wrong.
    pub findings: Vec<Finding>,
    /// The paths of the repositories from which nothing is removed, because something in them can't be followed.
    pub opaque: Vec<String>,
    /// Whether all content is kept, because links may be hidden.
    pub keep_all_content: bool,
    /// How much is kept.
    pub kept: Kept,
    /// The repositories in which all tags are kept that were made for other manifests, because none of these was ever in
    /// the tree.
    pub kept_referrers: Vec<KeptReferrers>,
    /// Whether there is content, and nothing was found that needs any of it.
    pub nothing_needed: bool,
    pub(super) must_keep: MustKeep,
    pub(super) options: Options,
    pub(super) scan: Scan,
    all_bytes: OnceLock<u64>,
    /// How many bytes are kept at least.
    kept_bytes: OnceLock<u64>,
}

/// What to remove from a scanned tree, and why the rest is kept.
pub(super) struct Decision {
    pub(super) actions: Vec<Action>,
    pub(super) findings: Vec<Finding>,
    opaque: Vec<String>,
    keep_all_content: bool,
    pub(super) kept: Kept,
    kept_referrers: Vec<KeptReferrers>,
    nothing_needed: bool,
    must_keep: MustKeep,
}

/// How much is decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Extent {
    /// Everything that a sweep removes.
    Everything,
    /// Only which manifests and which content go. That is enough to count them, and takes fewer looks.
    Content,
}

/// Decides what to remove from a tree. The plan counts content as present that the tree needs and that the sweep will
/// put back from the quarantine. Nothing is changed.
///
/// Returns `Err(NoMatch)` when a pattern of [`Options::only`] matches no repository, and `Err(Interrupted)` when a
/// signal came.
pub fn plan(tree: &Tree, options: Options, watch: &Watch<'_>) -> Result<Plan> {
    let moment = tree.moment();
    let (mut scan, recall) = read(tree, watch)?;
    check_patterns(&scan, &options)?;
    let decision = decide(tree, &mut scan, &options, Extent::Everything, watch)?;
    let Decision { actions, mut findings, opaque, keep_all_content, kept, kept_referrers, nothing_needed, must_keep } =
        decision;
    let mut reported = Reported::of(&findings);
    recall.damage.iter().filter_map(Error::path).for_each(|path| reported.add_path(path));
    findings.extend(reported.unread(tree, moment));
    let (all_bytes, kept_bytes) = (OnceLock::new(), OnceLock::new());
    Ok(Plan {
        recall,
        actions,
        findings,
        opaque,
        keep_all_content,
        kept,
        kept_referrers,
        nothing_needed,
        must_keep,
        options,
        scan,
        all_bytes,
        kept_bytes,
    })
}

/// Reads a tree as it will be when what it needs is back from the quarantine.
pub(super) fn read(tree: &Tree, watch: &Watch<'_>) -> Result<(Scan, Recall)> {
    let held = Held::read(tree);
    let scan = Scan::read_with(tree, Arc::new(Nothing), &held.digests(), watch)?;
    quarantine::with_recall(tree, scan, held, watch)
}

impl Plan {
    /// Whether something is kept as young because its time is in the future.
    pub(crate) fn has_future(&self) -> bool {
        self.options.saw_future()
    }

    /// Whether anything is kept because something can't be followed.
    pub fn is_doubtful(&self) -> bool {
        self.keep_all_content || !self.opaque.is_empty()
    }

    /// Whether something could not be read. What gc keeps because of that is another question.
    pub fn is_partial(&self) -> bool {
        self.findings.iter().any(|finding| finding.code == Code::Unreadable)
    }

    /// How many of a kind are removed, and how many bytes of content with them.
    pub fn count(&self, kind: Kind) -> (u64, u64) {
        kind.count(&self.actions)
    }

    /// The bytes of all content. The first call looks at every blob.
    pub(crate) fn all_bytes(&self, tree: &Tree) -> Result<u64> {
        if let Some(bytes) = self.all_bytes.get() {
            return Ok(*bytes);
        }
        let bytes = age::bytes(tree, &self.scan, self.scan.digests.blobs(), u64::MAX)?;
        Ok(*self.all_bytes.get_or_init(|| bytes))
    }

    /// Whether the content that is kept has `enough` bytes. Looks at no more blobs than that takes.
    pub(super) fn keeps(&self, tree: &Tree, enough: u64) -> Result<bool> {
        if self.kept_bytes.get().is_some_and(|bytes| *bytes >= enough) {
            return Ok(true);
        }
        if let Some(all) = self.all_bytes.get() {
            return Ok(all.saturating_sub(self.count(Kind::Blob).1) >= enough);
        }
        let names = &self.scan.digests;
        let mut removed = DigestSet::new(names);
        let blobs = self.actions.iter().filter(|action| action.kind == Kind::Blob);
        for name in blobs.filter_map(|action| names.find(&action.digest?)) {
            removed.insert(name);
        }
        let kept = names.blobs().filter(|name| !removed.contains(*name));
        let bytes = age::bytes(tree, &self.scan, kept, enough)?;
        if bytes >= enough {
            self.kept_bytes.get_or_init(|| bytes);
        } else {
            self.all_bytes.get_or_init(|| bytes + self.count(Kind::Blob).1);
        }
        Ok(bytes >= enough)
    }
}

/// Decides what to remove. This may add manifests to the scan.
pub(super) fn decide(
    tree: &Tree,
    scan: &mut Scan,
    options: &Options,
    extent: Extent,
    watch: &Watch<'_>,
) -> Result<Decision> {
    let interrupt = &watch.interrupt;
    let Doubts { mut must_keep, keep_all_content, mut findings } = doubt::look(tree, scan, options, interrupt);
    let histories = Histories::new(tree, scan);
    let named = options.keep.iter().map(|digest| scan.name(*digest)).collect();
    scan.read_more(tree, named, interrupt);
    let mut needed_if_old = None;
    if !options.min_age.is_zero() {
        let (young, needed) = young_links(tree, scan, options, &must_keep, &histories);
        for (index, (revisions, links)) in young {
            must_keep.revisions.entry(index).or_default().extend(revisions);
            must_keep.links.entry(index).or_default().extend(links);
        }
        needed_if_old = Some(needed);
    }
    interrupt.check()?;
    let (mut links, mut needed) = Planning::new(tree, scan, options, &must_keep, &histories).links(extent);
    // All that would be removed if nothing were young.
    let needed_if_old = needed_if_old.as_ref().unwrap_or(&needed);
    let unneeded: Vec<DigestId> = scan.digests.blobs().filter(|name| !needed_if_old.contains(*name)).collect();
    let found = if keep_all_content { Vec::new() } else { age::look_at_blobs(tree, scan, &unneeded, watch)? };
    let found: Vec<(DigestId, FoundBlob)> = unneeded.into_iter().zip(found).collect();
    let young: Vec<DigestId> = age::young_blobs(options, &found).filter(|name| !needed.contains(*name)).collect();
    interrupt.check()?;
    if !young.is_empty() {
        // A manifest is written before its link, so a young blob may be a manifest and keep more.
        scan.read_more(tree, young.clone(), interrupt);
        must_keep.blobs.extend(&young);
        (links, needed) = Planning::new(tree, scan, options, &must_keep, &histories).links(extent);
    }
    let (rooted, kept_referrers) = (links.rooted, links.referrers);
    let mut planning = Planning {
        actions: links.actions,
        kept: links.kept,
        ..Planning::new(tree, scan, options, &must_keep, &histories)
    };
    let (kept_young, gone): (Vec<_>, Vec<_>) = found.into_iter().partition(|(name, _)| needed.contains(*name));
    planning.blobs(&gone);
    if extent == Extent::Everything {
        findings.extend(planning.uploads().iter().map(Finding::of));
        planning.actions.extend(empty::directories(tree, scan, options, &gone)?);
        planning.empty_repositories();
    }
    let Planning { mut actions, mut kept, .. } = planning;
    // A stable sort of them where they are would take their memory twice.
    actions.sort_by_cached_key(|action| action.kind);
    kept.blobs = scan.digests.blob_count() as u64 - gone.len() as u64;
    let kept_young = kept_young.iter().filter_map(|(_, found)| found.file());
    (kept.young_blobs, kept.young_bytes) =
        kept_young.fold((0, 0), |(count, bytes), file| (count + 1, bytes + file.size));
    let opaque = scan.repositories.iter().zip(&must_keep.opaque).filter(|(_, opaque)| **opaque);
    let opaque = opaque.map(|(repository, _)| repository.text().to_owned()).collect();
    let nothing_needed = !rooted && !gone.is_empty();
    interrupt.check()?;
    Ok(Decision { actions, findings, opaque, keep_all_content, kept, kept_referrers, nothing_needed, must_keep })
}

type Young = (usize, (Vec<DigestId>, Vec<DigestId>));

/// The young links that nothing but their age keeps, and all content that is needed without them.
fn young_links(
    tree: &Tree,
    scan: &Scan,
    options: &Options,
    must_keep: &MustKeep,
    histories: &Histories<'_>,
) -> (Vec<Young>, DigestSet) {
    let mut young = Vec::new();
    let needed = mark(&Edges::new(scan, options.policy(), must_keep), |index, repository, used| {
        if !must_keep.keeps_all(&options.policy(), index, repository) {
            let (revisions, links) =
                age::young_links(tree, scan, options, repository, || histories.of(index, repository), used);
            if !revisions.is_empty() || !links.is_empty() {
                young.push((index, (revisions, links)));
            }
        }
    });
    (young, needed)
}

struct Links {
    actions: Vec<Action>,
    kept: Kept,
    rooted: bool,
    referrers: Vec<KeptReferrers>,
}

struct Planning<'p> {
    tree: &'p Tree,
    scan: &'p Scan,
    options: &'p Options,
    must_keep: &'p MustKeep,
    histories: &'p Histories<'p>,
    actions: Vec<Action>,
    kept: Kept,
    /// Whether any repository needs anything.
    rooted: bool,
}

impl<'p> Planning<'p> {
    fn new(
        tree: &'p Tree,
        scan: &'p Scan,
        options: &'p Options,
        must_keep: &'p MustKeep,
        histories: &'p Histories<'p>,
    ) -> Self {
        Self { tree, scan, options, must_keep, histories, actions: Vec::new(), kept: Kept::default(), rooted: false }
    }

    fn is_open(&self, index: usize) -> bool {
        !self.must_keep.keeps_all(&self.options.policy(), index, &self.scan.repositories[index])
    }

    /// Lists what to remove from each repository. Also returns all content that is needed.
    fn links(mut self, extent: Extent) -> (Links, DigestSet) {
        let (scan, options, must_keep) = (self.scan, self.options, self.must_keep);
        let edges = Edges::new(scan, options.policy(), must_keep);
        let needed = mark(&edges, |index, repository, used| {
            let before = self.actions.len();
            self.rooted |= !used.reached().is_empty();
            if self.is_open(index) {
                let lost = self.revisions(repository, used);
                if extent == Extent::Everything {
                    self.repository(index, repository, used, &lost);
                }
            }
            let gone = |kind| self.actions[before..].iter().filter(|action| action.kind == kind).count() as u64;
            self.kept.repositories += 1;
            self.kept.revisions += repository.revisions.len() as u64 - gone(Kind::Revision);
            self.kept.tags += repository.tags.len() as u64 - gone(Kind::Tag);
            let links = repository.layers.len() + repository.aliases.len();
            self.kept.layer_links += (links as u64).saturating_sub(gone(Kind::LayerLink));
        });
        let of = |(index, tags): &(usize, usize)| KeptReferrers {
            repository: scan.repositories[*index].text().to_owned(),
            tags: *tags as u64,
        };
        let referrers = edges.elsewhere().iter().map(of).collect();
        (Links { actions: self.actions, kept: self.kept, rooted: self.rooted, referrers }, needed)
    }

    /// Lists the manifests to remove from a repository. Returns their digests.
    fn revisions(&mut self, repository: &Scanned, used: &Use<'_>) -> HashSet<Digest> {
        let whose: Arc<str> = repository.text().into();
        let mut lost: HashSet<Digest> = HashSet::new();
        for revision in &repository.revisions {
            if self.scan.digests.find(&revision.digest).is_some_and(|name| !used.is_kept(name))
                && lost.insert(revision.digest)
            {
                let path = repository.place.revision(&revision.digest);
                self.actions.push(Action::of(Kind::Revision, &whose, path, revision.digest));
            }
        }
        lost
    }

    /// Lists what else to remove from a repository, when the manifests in `lost` go.
    fn repository(&mut self, index: usize, repository: &Scanned, used: &Use<'_>, lost: &HashSet<Digest>) {
        let (scan, place) = (self.scan, &repository.place);
        let whose: Arc<str> = repository.text().into();
        let dangling: Vec<&ScannedTag> = repository.tags.iter().filter(|tag| self.lets_go(repository, tag)).collect();
        for tag in &dangling {
            self.remove_tag(repository, &whose, tag);
        }
        let let_go: HashSet<&str> = dangling.iter().map(|tag| &*tag.name).collect();
        if !lost.is_empty() {
            self.tags(index, repository, &whose, (used.within, lost, &let_go));
        }
        let unused = age::unused_links(scan, repository, used).into_par_iter().with_min_len(64);
        let look = |layers: &mut Neighbours<'_>, (_, digest): (DigestId, Digest)| {
            let path = place.layer(&digest);
            let found = layers.metadata_in(&path, "link");
            (digest, path, found)
        };
        let looked_at = unused.map_init(|| Neighbours::new(self.tree), look);
        for (digest, path, found) in looked_at.collect::<Vec<_>>() {
            match found {
                // No registry reads a directory as a link, and `fsck` reports it.
                Ok(Some(found)) if found.kind == EntryKind::Directory => {}
                Ok(Some(_)) => self.actions.push(Action::of(Kind::LayerLink, &whose, path, digest)),
                // The directory that the removal of a link left.
                Ok(None) => self.actions.extend(empty::leaf(self.tree, self.options, &path)),
                // What can't be looked at is kept.
                Err(_) => {}
            }
        }
        for digest in &repository.empty_aliases {
            self.actions.extend(empty::leaf(self.tree, self.options, &place.layer(digest)));
        }
        let staying = repository.tags.iter().filter(|tag| !let_go.contains(&*tag.name));
        let pointed: HashSet<Digest> = staying.filter_map(|tag| tag.target).collect();
        for digest in repository.deleted_revisions.iter().filter(|digest| !pointed.contains(digest)) {
            self.actions.extend(empty::leaf(self.tree, self.options, &place.revision(digest)));
        }
    }

    /// Removes the tags that were made for another manifest and point to a manifest in `lost`. From the history of the
    /// other tags, but those in `let_go`, it removes the entries for manifests in `lost`.
    fn tags(
        &mut self,
        index: usize,
        repository: &Scanned,
        whose: &Arc<str>,
        (within, lost, let_go): (&Within<'_>, &HashSet<Digest>, &HashSet<&str>),
    ) {
        let place = &repository.place;
        let is_referrer =
            |tag: &ScannedTag| !within.is_root(tag) && tag.target.is_some_and(|target| lost.contains(&target));
        for tag in repository.tags.iter().filter(|tag| is_referrer(tag)) {
            self.remove_tag(repository, whose, tag);
        }
        let history = self.histories.of(index, repository);
        let mut past: Vec<Digest> = lost.iter().copied().collect();
        past.sort();
        for digest in past {
            let tags = history.tags(&digest).iter().map(|tag| &repository.tags[*tag]);
            for tag in tags.filter(|tag| !is_referrer(tag) && !let_go.contains(&*tag.name)) {
                let action = Action::of(Kind::TagHistory, whose, place.past(&tag.name, &digest), digest);
                self.actions.push(Action { tag: Some(tag.name.clone()), ..action });
            }
        }
    }

    /// Whether a tag is removed because its manifest has no link.
    fn lets_go(&self, repository: &Scanned, tag: &ScannedTag) -> bool {
        let is_young = || age::is_young_tag(self.tree, self.options, repository, tag);
        self.options.delete_dangling_tags && tag.is_dangling && !is_young()
    }

    fn remove_tag(&mut self, repository: &Scanned, whose: &Arc<str>, tag: &ScannedTag) {
        let path = repository.place.tags().child(&tag.name).expect("a directory's entry");
        let action = Action { tag: Some(tag.name.clone()), ..Action::new(Kind::Tag, path) };
        self.actions.push(Action { repository: Some(Arc::clone(whose)), digest: tag.target, ..action });
    }

    fn blobs(&mut self, gone: &[(DigestId, FoundBlob)]) {
        // These are most of a plan.
        self.actions.reserve_exact(gone.len());
        for (name, found) in gone {
            if let FoundBlob::File(file) = found {
                let digest = self.scan.digests.digest(*name);
                let action = Action::new(Kind::Blob, crate::layout::blob_directory(&digest));
                let (size, newest) = (file.size, Some(file.newest));
                self.actions.push(Action { digest: Some(digest), size, newest, ..action });
            }
        }
    }

    /// Lists the uploads to remove. Returns why others can't be looked at; those are kept.
    fn uploads(&mut self) -> Vec<Error> {
        if self.options.uploads_older_than.is_none() {
            return Vec::new();
        }
        let found: Vec<Result<(bool, Upload)>> = (0..self.scan.repositories.len())
            .into_par_iter()
            .filter(|index| self.is_open(*index) && self.scan.repositories[*index].folders[2])
            .filter_map(|index| self.scan.repositories[index].name.as_ref().ok())
            .flat_map_iter(|name| upload::uploads(self.tree, name))
            .map(|upload| upload.and_then(|upload| Ok((self.is_left(&upload)?, upload))))
            .collect();
        let mut unread = Vec::new();
        for upload in found {
            let (is_left, upload) = match upload {
                Ok(upload) => upload,
                Err(error) => {
                    unread.push(error);
                    continue;
                }
            };
            if !is_left {
                // An upload of an alpha registry is only read.
                let counts = upload.is_current() && !upload.cancelled;
                self.kept.uploads += u64::from(counts);
                self.kept.upload_bytes += if counts { upload.size } else { 0 };
                continue;
            }
            let action = Action::new(Kind::Upload, upload.directory());
            let (repository, size) = (Some(upload.repository.as_str().into()), upload.size);
            self.actions.push(Action { repository, size, upload: Some(upload.id), ..action });
        }
        unread
    }

    /// Whether an upload is over and nothing of it is young. Its directory counts, because a file in it may just have
    /// been made or removed.
    fn is_left(&self, upload: &Upload) -> Result<bool> {
        let is_old = |modified| !self.options.is_young(modified);
        if !upload.is_current() || !self.options.is_over(upload) || !is_old(upload.newest) {
            return Ok(false);
        }
        let directory = self.tree.metadata(&upload.directory())?;
        Ok(directory.is_some_and(|found| is_old(found.modified)))
    }

    fn empty_repositories(&mut self) {
        if self.options.keep_empty_repositories {
            return;
        }
        let removed: HashSet<&TreePath> = self.actions.iter().map(|action| &action.path).collect();
        let mut found = Vec::new();
        for (index, repository) in self.scan.repositories.iter().enumerate() {
            if self.is_open(index) && empty::is_repository(self.tree, self.options, repository, &removed) {
                let action = Action::new(Kind::Repository, repository.place.directory.clone());
                found.push(Action { repository: Some(repository.text().into()), ..action });
            }
        }
        self.kept.repositories -= found.len() as u64;
        // What a process left of a repository when it was killed.
        for directory in &self.scan.empty_repositories {
            let may_go = self.options.only.is_match(directory.below_area());
            if may_go && empty::leaf(self.tree, self.options, directory).is_some() {
                let action = Action::new(Kind::Repository, directory.clone());
                found.push(Action { repository: Some(directory.below_area().into()), ..action });
            }
        }
        self.actions.extend(found);
    }
}
