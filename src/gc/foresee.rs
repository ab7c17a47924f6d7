//! Foresees what a collection would do to a tree if some of its tags were gone.

use std::collections::HashSet;

use super::Options;
use super::action::{Finding, Kind};
use super::doubt::{self, Doubts};
use super::plan::{Extent, decide, read};
use crate::digest::Digest;
use crate::error::Result;
use crate::name::RepositoryName;
use crate::reach::{self, Edges, Use, mark};
use crate::scan::{Doubt, Scan, Scanned, ScannedTag};
use crate::stream::Watch;
use crate::tree::Tree;

/// A tag by its repository's path and its name.
pub(crate) type TagOf = (String, String);

/// A tree as it would be without some of its tags.
#[derive(Debug)]
pub(crate) struct Foresight {
    scan: Scan,
}

/// The content that a collection would free.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Freeable {
    /// Blobs.
    pub(crate) blobs: u64,
    /// Their bytes.
    pub(crate) bytes: u64,
    /// The bytes that are kept only for their age.
    pub(crate) young_bytes: u64,
}

impl Foresight {
    /// Reads the tree as a collection does.
    pub(crate) fn read(tree: &Tree, watch: &Watch<'_>) -> Result<Self> {
        read(tree, watch).map(|(scan, _)| Self { scan })
    }

    /// What was read, without the tags that are gone.
    pub(crate) fn scan(&self) -> &Scan {
        &self.scan
    }

    /// Goes on as if these tags were gone.
    pub(crate) fn without(&mut self, tags: &HashSet<TagOf>) {
        self.set_aside(tags);
    }

    /// The tags that were made for manifests to which no tag leads, in no repository.
    pub(crate) fn let_go(&mut self, tree: &Tree, now: jiff::Timestamp, watch: &Watch<'_>) -> Result<HashSet<TagOf>> {
        let options = Options { delete_untagged: true, delete_dangling_referrers: true, ..Options::new(now) };
        let mut let_go = HashSet::new();
        self.mark(tree, &options, watch, |scan, repository, used| {
            let is_lost = |tag: &&ScannedTag| {
                let target = tag.target.and_then(|target| scan.digests.find(&target));
                !used.within.is_root(tag) && target.is_some_and(|target| !used.is_kept(target))
            };
            let_go.extend(repository.tags.iter().filter(is_lost).map(|tag| name_of(repository, tag)));
        })?;
        Ok(let_go)
    }

    /// Of `waiting`, the tags that were made, as their names say, for content that is needed without these tags.
    pub(crate) fn led_to(
        &mut self,
        tree: &Tree,
        waiting: &HashSet<TagOf>,
        now: jiff::Timestamp,
        watch: &Watch<'_>,
    ) -> Result<HashSet<TagOf>> {
        let aside = self.set_aside(waiting);
        // All others are roots, also those that were made for other images.
        let options = Options { delete_untagged: true, ..Options::new(now) };
        let must_keep = doubt::look(tree, &mut self.scan, &options, &watch.interrupt).must_keep;
        let needed = mark(&Edges::new(&self.scan, options.policy(), &must_keep), |_, _, _| {});
        let mut led_to = HashSet::new();
        for (index, tag) in aside {
            let subjects = reach::subjects_by_name(&self.scan, &tag.name);
            let repository = &mut self.scan.repositories[index];
            if subjects.into_iter().any(|subject| needed.contains(subject)) {
                led_to.insert(name_of(repository, &tag));
            }
            repository.tags.push(tag);
        }
        watch.interrupt.check()?;
        Ok(led_to)
    }

    /// Whether the tree has the content that a tag is named after.
    pub(crate) fn has_subject(&self, tag: &TagOf) -> bool {
        let subjects = reach::subjects_by_name(&self.scan, &tag.1);
        subjects.into_iter().any(|subject| self.scan.digests.is_blob(subject))
    }

    /// Takes these tags out, each with the number of its repository.
    fn set_aside(&mut self, tags: &HashSet<TagOf>) -> Vec<(usize, ScannedTag)> {
        let mut aside = Vec::new();
        for (index, repository) in self.scan.repositories.iter_mut().enumerate() {
            let all = std::mem::take(&mut repository.tags);
            let (out, stay): (Vec<_>, Vec<_>) =
                all.into_iter().partition(|tag| tags.contains(&name_of(repository, tag)));
            repository.tags = stay;
            aside.extend(out.into_iter().map(|tag| (index, tag)));
        }
        aside
    }

    /// The manifests of a repository to which no tag leads, and what can't be followed: that keeps what it may need, so
    /// beside it these may not be all.
    pub(crate) fn untagged(
        &mut self,
        tree: &Tree,
        repository: &RepositoryName,
        now: jiff::Timestamp,
        watch: &Watch<'_>,
    ) -> Result<(HashSet<Digest>, Vec<Finding>)> {
        let options = Options { delete_untagged: true, ..Options::new(now) };
        let mut untagged = HashSet::new();
        let unfollowed = self.mark(tree, &options, watch, |scan, scanned, used| {
            if scanned.text() != repository.as_str() {
                return;
            }
            let digests = scanned.revisions.iter().map(|revision| revision.digest);
            untagged.extend(digests.filter(|digest| scan.digests.find(digest).is_some_and(|name| !used.is_kept(name))));
        })?;
        Ok((untagged, unfollowed))
    }

    /// Marks what is needed whatever its age, and calls `look` with each repository from which something may go. Returns
    /// what can't be followed.
    fn mark(
        &mut self,
        tree: &Tree,
        options: &Options,
        watch: &Watch<'_>,
        mut look: impl FnMut(&Scan, &Scanned, &Use<'_>),
    ) -> Result<Vec<Finding>> {
        let Doubts { must_keep, mut findings, .. } = doubt::look(tree, &mut self.scan, options, &watch.interrupt);
        watch.interrupt.check()?;
        let (scan, policy) = (&self.scan, options.policy());
        mark(&Edges::new(scan, policy, &must_keep), |index, repository, used| {
            if !must_keep.keeps_all(&policy, index, repository) {
                look(scan, repository, used);
            }
        });
        findings.retain(|finding| finding.doubt != Doubt::None);
        Ok(findings)
    }

    /// What a collection with these options would free.
    pub(crate) fn freeable(&mut self, tree: &Tree, options: &Options, watch: &Watch<'_>) -> Result<Freeable> {
        let decision = decide(tree, &mut self.scan, options, Extent::Content, watch)?;
        let (blobs, bytes) = Kind::Blob.count(&decision.actions);
        Ok(Freeable { blobs, bytes, young_bytes: decision.kept.young_bytes })
    }
}

fn name_of(repository: &Scanned, tag: &ScannedTag) -> TagOf {
    (repository.text().to_owned(), tag.name.clone())
}
