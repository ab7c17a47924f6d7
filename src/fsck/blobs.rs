//! Lists all content, by the directory of each blob. The sizes are read too: nearly all content is referenced, and its
//! size is compared with its descriptors.

use std::collections::HashSet;
use std::fs::File;
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use rayon::prelude::*;
use rustix::fs::{AtFlags, FileType};
use rustix::io::Errno;

use super::candidate::{Blocks, Candidate};
use super::inspect::{Inspector, Looked};
use super::links::on_the_way;
use crate::digest::Digest;
use crate::error::Result;
use crate::finding::{Code, Harm};
pub(super) use crate::judge::content::Occupant;
use crate::judge::content::{self, Stored};
use crate::judge::symlinks;
use crate::layout::{self, Area, Entry, KeyedDirectory, TreePath};
use crate::scan::{DigestId, Digests, Returning};
use crate::stream::Watch;
use crate::tree::{EntryKind, Listed, Tree};

/// The content of a tree.
pub(super) struct Blobs<'t> {
    tree: &'t Tree,
    pub(super) digests: Digests,
    /// The sizes in bytes, by the number of the digest.
    sizes: Vec<u64>,
    /// Content in whose place is something else, or that can't be read; all of this is reported.
    odd: HashSet<Digest>,
    /// Content behind a symbolic link, which is reported and not read.
    led: HashSet<Digest>,
    /// Whether to look again for content that was missing when the tree was listed.
    live: bool,
    /// Content that counts as present and intact, because the quarantine gives it back first.
    returning: Arc<dyn Returning>,
}

/// What a part of the tree has.
#[derive(Default)]
struct Found {
    /// Hashes and sizes of the sha256 blobs, as nearly all are.
    canonical: Vec<([u8; 32], u64)>,
    /// The other blobs with their sizes.
    others: Vec<(Digest, u64)>,
    led: HashSet<Digest>,
    odd: HashSet<Digest>,
}

impl Found {
    fn file(&mut self, digest: Digest, size: u64) {
        match digest.sha256() {
            Some(hash) => self.canonical.push((hash, size)),
            None => self.others.push((digest, size)),
        }
    }

    fn add(&mut self, other: Self) {
        self.canonical.extend(other.canonical);
        self.others.extend(other.others);
        self.led.extend(other.led);
        self.odd.extend(other.odd);
    }
}

impl<'t> Blobs<'t> {
    /// Lists all content, or only the fan-outs in `only`. What is in `returning` counts as present.
    pub(super) fn walk(
        inspector: &Inspector<'t>,
        only: Option<&HashSet<TreePath>>,
        returning: Arc<dyn Returning>,
        watch: &Watch<'_>,
    ) -> (Self, Vec<Candidate>) {
        let mut inspector = inspector.another(None);
        let base = Area::Blobs.path();
        let mut found = Found::default();
        for digest in returning.digests() {
            if let Some(returned) = returning.returned(&digest) {
                found.file(digest, returned.size);
            }
        }
        let walk = Walk { kinds: layout::algorithm_directories(&base), only, watch, done: AtomicU64::new(0) };
        walk.descend(&mut inspector, &base, &mut found);
        let Found { mut canonical, others, led, odd } = found;
        // Of what is in the tree and comes back too, the first is what comes back.
        canonical.sort_by_key(|(hash, _)| *hash);
        canonical.dedup_by_key(|(hash, _)| *hash);
        // The ids of digests are in this order.
        let mut sizes: Vec<u64> = canonical.iter().map(|(_, size)| *size).collect();
        let hashes = canonical.into_iter().map(|(hash, _)| hash).collect();
        let digests = Digests::of_blobs(hashes, others.iter().map(|(digest, _)| *digest).collect());
        sizes.resize(digests.len(), 0);
        for (digest, size) in others.into_iter().rev() {
            if let Some(name) = digests.find(&digest) {
                sizes[name.index()] = size;
            }
        }
        (Self { tree: inspector.tree, digests, sizes, odd, led, live: false, returning }, inspector.candidates)
    }

    pub(super) fn tree(&self) -> &'t Tree {
        self.tree
    }

    /// From now on, missing content is looked for again.
    pub(super) fn look_again(&mut self) {
        self.live = true;
    }

    /// What is in the place of `digest`.
    pub(super) fn occupant(&self, digest: &Digest) -> Occupant {
        if let Some(name) = self.digests.find(digest) {
            return Occupant::File(self.size(name));
        }
        if self.odd.contains(digest) {
            return Occupant::Other;
        }
        if self.live { self.measure(digest) } else { Occupant::Absent }
    }

    /// What is in the place of `digest` at this moment.
    pub(super) fn measure(&self, digest: &Digest) -> Occupant {
        if let Some(returned) = self.returning.returned(digest) {
            return Occupant::File(returned.size);
        }
        match content::look(self.tree, digest) {
            // The symbolic link leads nowhere.
            (Occupant::Other, Stored::NotAFile { .. }) if self.leads_nowhere(digest) => Occupant::Absent,
            (occupant, _) => occupant,
        }
    }

    fn leads_nowhere(&self, digest: &Digest) -> bool {
        symlinks::stat(self.tree, &Entry::Blob(*digest).path()).is_err_and(symlinks::is_nothing)
    }

    /// Whether the quarantine gives it back. It was hashed there.
    pub(super) fn is_returning(&self, digest: &Digest) -> bool {
        self.returning.returned(digest).is_some()
    }

    /// Opens the content `digest`, wherever it is now.
    pub(super) fn open(&self, digest: &Digest) -> Result<Option<File>> {
        if self.is_returning(digest) {
            return self.returning.open(self.tree, digest);
        }
        self.tree.open_file(&Entry::Blob(*digest).path())
    }

    /// Whether nothing was found where the content should be.
    pub(super) fn is_nowhere(&self, digest: &Digest) -> bool {
        self.digests.find(digest).is_none() && !self.odd.contains(digest)
    }

    /// Whether the content is behind a symbolic link.
    pub(super) fn is_led(&self, digest: &Digest) -> bool {
        self.led.contains(digest)
    }

    /// The size in bytes.
    pub(super) fn size(&self, name: DigestId) -> u64 {
        self.sizes[name.index()]
    }
}

struct Walk<'w> {
    kinds: Vec<KeyedDirectory>,
    only: Option<&'w HashSet<TreePath>>,
    watch: &'w Watch<'w>,
    /// The number of fan-outs that were read.
    done: AtomicU64,
}

impl Walk<'_> {
    fn descend(&self, inspector: &mut Inspector<'_>, path: &TreePath, found: &mut Found) {
        let Some((handle, listed)) = inspector.list(path, Blocks::Area) else { return };
        if let Some(kind) = self.kinds.iter().find(|kind| kind.path == *path) {
            self.read_algorithm(inspector, kind, handle.as_fd(), listed, found);
            return;
        }
        for entry in listed {
            match on_the_way(&self.kinds, path, &entry) {
                Some(below) => self.descend(inspector, &below, found),
                None => inspector.stranger(path, "data", &entry),
            }
        }
    }

    fn read_algorithm(
        &self,
        inspector: &mut Inspector<'_>,
        kind: &KeyedDirectory,
        handle: BorrowedFd<'_>,
        listed: Vec<Listed>,
        found: &mut Found,
    ) {
        let mut fan_outs = Vec::with_capacity(listed.len());
        for entry in listed {
            match entry.text().filter(|_| entry.kind == EntryKind::Directory).and_then(|name| kind.path.child(name)) {
                Some(path) => fan_outs.push(path),
                None => inspector.stranger(&kind.path, "data", &entry),
            }
        }
        let wanted = |path: &&TreePath| self.only.is_none_or(|only| only.contains(path));
        let read: Vec<_> = fan_outs
            .par_iter()
            .filter(wanted)
            .filter(|_| self.watch.interrupt.signal().is_none())
            .map(|path| {
                let mut inspector = inspector.another(None);
                let found = read_fan_out(&mut inspector, kind, handle, path);
                let done = self.done.fetch_add(1, Ordering::Relaxed) + 1;
                self.watch.progress.items(done, Some(fan_outs.len() as u64));
                (found, inspector.candidates)
            })
            .collect();
        found.canonical.reserve_exact(read.iter().map(|(read, _)| read.canonical.len()).sum());
        for (read, candidates) in read {
            found.add(read);
            inspector.candidates.extend(candidates);
        }
    }
}

fn read_fan_out(
    inspector: &mut Inspector<'_>,
    kind: &KeyedDirectory,
    parent: BorrowedFd<'_>,
    path: &TreePath,
) -> Found {
    let mut found = Found::default();
    // The fan-out is read as a leaf without a file, so that every entry is listed.
    let reported = inspector.candidates.len();
    let looked = inspector.leaf(parent, &kind.path, path.file_name(), "", Blocks::Area);
    if !layout::is_fan_out(path.file_name()) {
        inspector.foreign(reported, "directory of blobs", matches!(looked, Looked::Seen(_)));
    }
    let Looked::Seen(fan_out) = looked else { return found };
    if fan_out.others.is_empty() {
        inspector.empty(path);
    }
    for entry in fan_out.others {
        let digest = entry.text().and_then(|name| kind.digest(name));
        let Some(name) = entry.text().filter(|_| entry.kind == EntryKind::Directory) else {
            match digest.filter(|_| entry.kind == EntryKind::Symlink) {
                Some(digest) => read_symlink(inspector, &entry_path(path, &digest), digest, &mut found),
                None => inspector.stranger(path, "data", &entry),
            }
            continue;
        };
        match digest.filter(|_| name.get(..2) == Some(path.file_name())) {
            Some(digest) => read_blob(inspector, fan_out.handle.as_fd(), path, name, digest, &mut found),
            None => read_misplaced(inspector, kind, fan_out.handle.as_fd(), path, name),
        }
    }
    found.canonical.shrink_to_fit();
    found
}

fn read_blob(
    inspector: &mut Inspector<'_>,
    parent: BorrowedFd<'_>,
    fan_out: &TreePath,
    name: &str,
    digest: Digest,
    found: &mut Found,
) {
    let blocks = Blocks::Blob(digest);
    let leaf = match inspector.leaf(parent, fan_out, name, "data", blocks) {
        Looked::Gone => return,
        Looked::Unseen => {
            found.odd.insert(digest);
            return;
        }
        Looked::Seen(leaf) => leaf,
    };
    let path = || fan_out.child(name).expect("hex digits are a plain name");
    let data = || path().data();
    let is_empty = leaf.file.is_none() && leaf.others.is_empty();
    if is_empty {
        inspector.empty(&path());
    } else if !leaf.others.is_empty() {
        inspector.strangers(&path(), "data", leaf.others);
    }
    let Some(kind) = leaf.file else { return };
    if kind == EntryKind::Symlink {
        return read_symlink(inspector, &data(), digest, found);
    }
    if kind != EntryKind::File {
        // Whether a manifest needs it is found out later.
        inspector.odd_file(&data(), kind, Harm::Possible, blocks);
        found.odd.insert(digest);
        return;
    }
    let stat = match rustix::fs::statat(&leaf.handle, "data", AtFlags::SYMLINK_NOFOLLOW) {
        Ok(stat) => stat,
        Err(Errno::NOENT) => return,
        Err(errno) => {
            inspector.refused(blocks, &data(), errno);
            found.odd.insert(digest);
            return;
        }
    };
    if FileType::from_raw_mode(stat.st_mode) != FileType::RegularFile {
        found.odd.insert(digest);
        return;
    }
    inspector.check_stat(&stat, 0o4, blocks, data);
    found.file(digest, u64::try_from(stat.st_size).unwrap_or_default());
}

fn entry_path(fan_out: &TreePath, digest: &Digest) -> TreePath {
    fan_out.child(&digest.hex()).expect("hex digits are a plain name")
}

/// A symbolic link in the place of content or of its directory. A registry serves the file that it leads to.
fn read_symlink(inspector: &mut Inspector<'_>, link: &TreePath, digest: Digest, found: &mut Found) {
    let leads = symlinks::stat(inspector.tree, &Entry::Blob(digest).path()).ok().filter(symlinks::is_file);
    inspector.symlink(link, leads.is_some(), Blocks::Blob(digest));
    match leads {
        Some(stat) => {
            found.led.insert(digest);
            found.file(digest, symlinks::size(&stat));
        }
        None => drop(found.odd.insert(digest)),
    }
}

/// Reports a directory in a fan-out that no digest leads to.
fn read_misplaced(
    inspector: &mut Inspector<'_>,
    kind: &KeyedDirectory,
    parent: BorrowedFd<'_>,
    fan_out: &TreePath,
    name: &str,
) {
    let Looked::Seen(leaf) = inspector.leaf(parent, fan_out, name, "data", Blocks::None) else { return };
    let path = fan_out.child(name).expect("a directory's entry is a plain name");
    if leaf.file.is_none() {
        if leaf.others.is_empty() {
            return inspector.empty(&path);
        }
        let message = "a directory whose name is not a digest";
        let finding = inspector.at(&path, Code::FileUnexpected, Harm::Possible, message);
        return inspector.note(Blocks::None, finding);
    }
    let digest = kind.digest(name);
    let message = match &digest {
        Some(digest) => format!("the first two digits of {digest} lead elsewhere: no registry finds it there"),
        None => "its name is not a digest: no registry finds it, and a registry's collector fails on it".to_owned(),
    };
    let data = path.data();
    let finding = inspector.at(&data, Code::BlobMisplaced, Harm::Possible, message);
    let finding = match digest {
        Some(digest) => {
            let expected = inspector.tree.locate(&Entry::Blob(digest).path());
            finding.of_content(digest).expects(&expected.display())
        }
        None => finding,
    };
    inspector.note(Blocks::None, finding);
}

/// The fan-out that contains a path of content.
pub(super) fn fan_out(path: &TreePath) -> Option<TreePath> {
    let kinds = layout::algorithm_directories(&Area::Blobs.path());
    path.ancestors().find(|path| path.parent().is_some_and(|parent| kinds.iter().any(|kind| kind.path == parent)))
}
