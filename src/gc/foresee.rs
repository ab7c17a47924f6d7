//! Foresees what a collection would do to a tree if some of its tags were gone.

use std::collections::HashSet;

use super::action::Kind;
use super::plan::{Extent, decide, read};
use super::{Options, doubt};
use crate::digest::Digest;
use crate::error::Result;
use crate::name::RepositoryName;
use crate::reach::{Edges, Use, mark};
use crate::scan::{Scan, Scanned, ScannedTag};
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
        for repository in &mut self.scan.repositories {
            let path = repository.text().to_owned();
            repository.tags.retain(|tag| !tags.contains(&(path.clone(), tag.name.clone())));
        }
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

    /// The manifests of a repository to which no tag leads.
    pub(crate) fn untagged(
        &mut self,
        tree: &Tree,
        repository: &RepositoryName,
        now: jiff::Timestamp,
        watch: &Watch<'_>,
    ) -> Result<HashSet<Digest>> {
        let options = Options { delete_untagged: true, ..Options::new(now) };
        let mut untagged = HashSet::new();
        self.mark(tree, &options, watch, |scan, scanned, used| {
            if scanned.text() != repository.as_str() {
                return;
            }
            let digests = scanned.revisions.iter().map(|revision| revision.digest);
            untagged.extend(digests.filter(|digest| scan.digests.find(digest).is_some_and(|name| !used.is_kept(name))));
        })?;
        Ok(untagged)
    }

    /// Marks what is needed whatever its age, and calls `look` with each repository from which something may go.
    fn mark(
        &mut self,
        tree: &Tree,
        options: &Options,
        watch: &Watch<'_>,
        mut look: impl FnMut(&Scan, &Scanned, &Use<'_>),
    ) -> Result<()> {
        let must_keep = doubt::look(tree, &mut self.scan, options, &watch.interrupt).must_keep;
        watch.interrupt.check()?;
        let (scan, policy) = (&self.scan, options.policy());
        mark(&Edges::new(scan, policy, &must_keep), |index, repository, used| {
            if !must_keep.keeps_all(&policy, index, repository) {
                look(scan, repository, used);
            }
        });
        Ok(())
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
