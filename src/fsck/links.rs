//! Reads directories whose entries are named by digests: links of all kinds.

use std::os::fd::AsFd;

use rayon::prelude::*;

use super::candidate::Blocks;
use super::inspect::{Inspector, Link, Looked};
use crate::digest::Digest;
use crate::layout::{self, KeyedDirectory, TreePath};
use crate::tree::{EntryKind, Listed};

/// Another thread is used for this many entries.
const CHUNK: usize = 256;

/// An entry that is named by a digest, and the link in it.
pub(super) struct Keyed {
    pub(super) digest: Digest,
    pub(super) link: Link,
    /// Whether there is a directory of signatures beside the link. Only a manifest's link has one.
    pub(super) has_signatures: bool,
}

/// The links below each `<algorithm>` of a directory.
pub(super) struct Links<'p> {
    /// The directory.
    pub(super) base: &'p TreePath,
    /// What is unavailable when the directory can't be read.
    pub(super) all: Blocks,
    /// What is unavailable when one link can't be read.
    pub(super) blocks: fn(Digest) -> Blocks,
    /// Whether signatures may be beside a link.
    pub(super) signatures: bool,
}

impl Links<'_> {
    /// Reads all links, and reports everything else in the directory. `None` when the directory does not exist, or when
    /// part of it can't be read, which is reported.
    pub(super) fn read(&self, inspector: &mut Inspector<'_>) -> Option<Vec<Keyed>> {
        let kinds = layout::algorithm_directories(self.base);
        let mut found = Vec::new();
        self.descend(inspector, &kinds, self.base, &mut found).then_some(found)
    }

    /// Reads a directory and those below it. Returns whether it exists and was read completely.
    fn descend(
        &self,
        inspector: &mut Inspector<'_>,
        kinds: &[KeyedDirectory],
        path: &TreePath,
        found: &mut Vec<Keyed>,
    ) -> bool {
        let reported = inspector.candidates.len();
        let Some((handle, listed)) = inspector.list(path, self.all) else {
            let is_gone = path != self.base && inspector.candidates.len() == reported;
            return is_gone;
        };
        if let Some(kind) = kinds.iter().find(|kind| kind.path == *path) {
            self.read_leaves(inspector, kind, handle.as_fd(), listed, found);
            return true;
        }
        let mut is_whole = true;
        for entry in listed {
            match on_the_way(kinds, path, &entry) {
                Some(below) => is_whole &= self.descend(inspector, kinds, &below, found),
                None => inspector.stranger(path, "link", &entry),
            }
        }
        is_whole
    }

    fn read_leaves(
        &self,
        inspector: &mut Inspector<'_>,
        kind: &KeyedDirectory,
        handle: std::os::fd::BorrowedFd<'_>,
        listed: Vec<Listed>,
        found: &mut Vec<Keyed>,
    ) {
        let mut names = Vec::with_capacity(listed.len());
        for entry in listed {
            match entry.text().and_then(|name| kind.digest(name)) {
                Some(digest) if entry.kind == EntryKind::Directory => names.push(digest),
                _ => inspector.stranger(&kind.path, "link", &entry),
            }
        }
        if names.len() <= CHUNK {
            found.extend(names.into_iter().filter_map(|digest| self.read_leaf(inspector, kind, handle, digest)));
            return;
        }
        let read: Vec<_> = names
            .par_chunks(CHUNK)
            .map(|names| {
                let mut inspector = inspector.another(inspector.repository.clone());
                let read = |digest: &Digest| self.read_leaf(&mut inspector, kind, handle, *digest);
                let read: Vec<Keyed> = names.iter().filter_map(read).collect();
                (read, inspector)
            })
            .collect();
        for (read, another) in read {
            found.extend(read);
            inspector.candidates.extend(another.candidates);
            inspector.shared.add(another.shared);
        }
    }

    fn read_leaf(
        &self,
        inspector: &mut Inspector<'_>,
        kind: &KeyedDirectory,
        handle: std::os::fd::BorrowedFd<'_>,
        digest: Digest,
    ) -> Option<Keyed> {
        let (blocks, hex) = ((self.blocks)(digest), digest.hex());
        let path = || kind.path.child(&hex).expect("hex digits are a plain name");
        let mut leaf = match inspector.leaf(handle, &kind.path, &hex, "link", blocks) {
            Looked::Gone => return None,
            Looked::Unseen => return Some(Keyed { digest, link: Link::Unseen, has_signatures: false }),
            Looked::Seen(leaf) => leaf,
        };
        let link = inspector.link(&leaf, path, &digest, blocks);
        let is_signatures =
            |entry: &Listed| self.signatures && entry.kind == EntryKind::Directory && entry.name == "signatures";
        let has_signatures = leaf.others.iter().any(is_signatures);
        leaf.others.retain(|entry| !is_signatures(entry));
        if !leaf.others.is_empty() {
            inspector.strangers(&path(), "link", std::mem::take(&mut leaf.others));
        }
        Some(Keyed { digest, link, has_signatures })
    }
}

/// The path of a directory that is one of `kinds`, or that leads to one.
pub(super) fn on_the_way(kinds: &[KeyedDirectory], path: &TreePath, entry: &Listed) -> Option<TreePath> {
    let below = path.child(entry.text()?).filter(|_| entry.kind == EntryKind::Directory)?;
    let leads = |kind: &KeyedDirectory| {
        let rest = kind.path.below_area().strip_prefix(below.below_area());
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    };
    kinds.iter().any(leads).then_some(below)
}
