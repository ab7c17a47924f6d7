//! Reads directories and small files, and notes everything that is wrong with them. Every leaf of a tree is read, so
//! each costs few system calls.

use std::ffi::OsStr;
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::sync::{Arc, Mutex, PoisonError};

use rustix::fs::{Mode, OFlags, Stat};
use rustix::io::Errno;

use super::candidate::{Blocks, Candidate};
use crate::error::{Error, LinkFault};
use crate::finding::{Code, Finding, Harm, Repair, Subject};
use crate::judge::{self, absence, symlinks};
use crate::layout::{self, TreePath};
use crate::repository::link;
use crate::tree::{self, EntryKind, Listed, Tree, patiently, visit_handle};

/// The size of the buffer for the entries of a leaf, which has one or two.
const ROOM: usize = 8 * 1024;

/// A reader of directories and small files, with the candidates that it has noted.
pub(super) struct Inspector<'t> {
    pub(super) tree: &'t Tree,
    owner: Owner,
    ahead: Arc<Ahead>,
    /// The repository that is being read.
    pub(super) repository: Option<String>,
    pub(super) candidates: Vec<Candidate>,
    pub(super) shared: SharedLinks,
    room: Box<[MaybeUninit<u8>]>,
}

/// The owner of the tree. As far as the tree shows, the registry runs as this user.
#[derive(Clone, Copy)]
struct Owner {
    uid: u32,
    gid: u32,
}

impl Owner {
    /// Whether the owner has the permission `bits` of a class. Root has every permission for files of other users. For
    /// its own files it counts by their mode: a file that root has closed to itself is not meant to be read.
    fn may(self, stat: &Stat, bits: u32) -> May {
        let has = |class: u32| stat.st_mode >> class & bits == bits;
        let allowed = match () {
            () if stat.st_uid == self.uid => has(6),
            () if self.uid == 0 => true,
            () if stat.st_gid == self.gid => has(3),
            // It is unknown which other groups the owner is a member of.
            () if has(3) && !has(0) => return May::Perhaps,
            () => has(0),
        };
        if allowed { May::Yes } else { May::No }
    }
}

/// Whether a user has a permission.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum May {
    Yes,
    Perhaps,
    No,
}

/// What was written in the future, as far as it was seen.
pub(super) struct Ahead {
    /// In seconds since 1970.
    limit: i64,
    seen: Mutex<(u64, Option<TreePath>)>,
}

impl Default for Ahead {
    fn default() -> Self {
        Self { limit: i64::MAX, seen: Mutex::default() }
    }
}

impl Ahead {
    /// Notes something if it was written in the future. The first path is remembered.
    fn note(&self, modified: i64, path: impl FnOnce() -> TreePath) {
        if modified <= self.limit {
            return;
        }
        let path = path();
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let (count, first) = &mut *seen;
        *count += 1;
        if first.as_ref().is_none_or(|first| path < *first) {
            *first = Some(path);
        }
    }

    /// How much was seen until now, and the first of it.
    pub(super) fn seen(&self) -> Option<(u64, TreePath)> {
        let seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        seen.1.clone().map(|first| (seen.0, first))
    }
}

/// The links that have several hard links.
#[derive(Default)]
pub(super) struct SharedLinks {
    pub(super) count: u64,
    pub(super) first: Option<TreePath>,
}

impl SharedLinks {
    pub(super) fn add(&mut self, others: Self) {
        self.count += others.count;
        self.first = self.first.take().or(others.first);
    }
}

/// A directory that is there for one file.
pub(super) struct Leaf {
    pub(super) handle: OwnedFd,
    /// The kind of the file, if it is there.
    pub(super) file: Option<EntryKind>,
    /// The other entries.
    pub(super) others: Vec<Listed>,
}

/// The result of reading a leaf.
pub(super) enum Looked {
    /// The leaf is gone.
    Gone,
    /// The leaf can't be read, which is reported.
    Unseen,
    Seen(Leaf),
}

/// What a link says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Link {
    /// The digest of its path.
    Right,
    /// Another digest.
    Other(Box<crate::digest::Digest>),
    /// No digest.
    Broken(Box<LinkFault>),
    /// It can't be read or is not a file, which is reported.
    Unseen,
    /// There is no link. `empty` says whether the directory is empty.
    Absent { empty: bool },
}

impl<'t> Inspector<'t> {
    pub(super) fn new(tree: &'t Tree) -> crate::error::Result<Self> {
        let stat = rustix::fs::fstat(tree.v2()).map_err(|errno| Error::io("look at", tree.path(), errno))?;
        Ok(Self::of(tree, Owner { uid: stat.st_uid, gid: stat.st_gid }, Arc::default(), None))
    }

    /// Notes from now on what was written after `limit`.
    pub(super) fn note_times_after(&mut self, limit: jiff::Timestamp) -> Arc<Ahead> {
        self.ahead = Arc::new(Ahead { limit: limit.as_second(), ..Ahead::default() });
        Arc::clone(&self.ahead)
    }

    fn of(tree: &'t Tree, owner: Owner, ahead: Arc<Ahead>, repository: Option<String>) -> Self {
        let room = vec![MaybeUninit::uninit(); ROOM].into();
        Self { tree, owner, ahead, repository, candidates: Vec::new(), shared: SharedLinks::default(), room }
    }

    /// An inspector of the same tree for another thread or repository, without candidates.
    pub(super) fn another(&self, repository: Option<String>) -> Self {
        Self::of(self.tree, self.owner, Arc::clone(&self.ahead), repository)
    }

    /// A finding about a part of the tree.
    pub(super) fn at(
        &self,
        subject: impl Into<Subject>,
        code: Code,
        harm: Harm,
        message: impl Into<String>,
    ) -> Finding {
        Finding::new(self.tree, subject, code, harm, message)
    }

    /// A finding about an entry that does not belong there.
    fn odd(&self, subject: impl Into<Subject>, kind: &'static str, harm: Harm) -> Finding {
        // The entry is only in the way, so it does not matter where a link leads.
        judge::link::odd(self.tree, subject, kind, true, harm)
    }

    /// Notes a broken link.
    pub(super) fn broken(&mut self, blocks: Blocks, subject: Subject, fault: &LinkFault, harm: Harm) {
        let finding = judge::link::broken(self.tree, subject, fault, harm);
        self.note(blocks, finding);
    }

    /// Notes a finding about the repository that is being read.
    pub(super) fn note(&mut self, blocks: Blocks, mut finding: Finding) {
        if let Some(repository) = &self.repository {
            finding = finding.in_repository(repository);
        }
        if let Blocks::Blob(digest) = blocks {
            finding = finding.of_content(digest);
        }
        let (blocks, finding) = absence::judge(self.tree, blocks, finding);
        self.candidates.push(Candidate::new(finding, blocks));
    }

    /// Notes that `path` can't be read.
    pub(super) fn refused(&mut self, blocks: Blocks, path: &TreePath, errno: Errno) {
        self.tree.note_unread(path, errno);
        if errno == Errno::ACCESS && self.is_told_by_mode(blocks, path) {
            return;
        }
        let message = format!("it can't be read: {}", std::io::Error::from(errno));
        let finding = self.at(path, Code::Unreadable, Harm::Certain, message);
        self.note(blocks, finding);
    }

    /// True if the mode explains the failure. Reports a `permissions` finding then.
    fn is_told_by_mode(&mut self, blocks: Blocks, path: &TreePath) -> bool {
        let Ok(stat) = symlinks::stat(self.tree, path) else { return false };
        let reported = self.candidates.len();
        self.check_stat(&stat, if symlinks::is_directory(&stat) { 0o5 } else { 0o4 }, blocks, || path.clone());
        self.candidates.len() > reported
    }

    /// Opens a directory and lists it, sorted. `None` when it does not exist, or can't be read, which is reported.
    pub(super) fn list(&mut self, path: &TreePath, blocks: Blocks) -> Option<(OwnedFd, Vec<Listed>)> {
        let handle = match self.tree.open_directory(path) {
            Ok(handle) => handle?,
            Err(error) => {
                self.note_error(blocks, path, &error);
                return None;
            }
        };
        self.check_mode(handle.as_fd(), 0o5, blocks, || path.clone());
        match self.entries(handle.as_fd()) {
            Ok(listed) => Some((handle, listed)),
            Err(errno) => {
                self.refused(blocks, path, errno);
                None
            }
        }
    }

    /// Says of a directory with a name that no registry gives, and about which candidates were noted since, that the
    /// registry has nothing to read there.
    pub(super) fn foreign(&mut self, since: usize, what: &str, is_listed: bool) {
        let kept = if is_listed { "" } else { ", so no content is kept because of it" };
        for Candidate { finding, .. } in &mut self.candidates[since..] {
            finding.severity = finding.code.severity(Harm::Possible);
            // Its owner is right.
            finding.repair = None;
            finding.message = format!("{}; no {what} has such a name{kept}", finding.message);
        }
    }

    fn note_error(&mut self, blocks: Blocks, path: &TreePath, error: &Error) {
        let source = std::error::Error::source(error).and_then(|source| source.downcast_ref::<std::io::Error>());
        if let Some(errno) = source.and_then(Errno::from_io_error) {
            return self.refused(blocks, path, errno);
        }
        let finding = match error {
            Error::WrongKind { found, .. } if *found == EntryKind::Symlink.describe() => {
                let leads = symlinks::stat(self.tree, path).is_ok_and(|stat| symlinks::is_directory(&stat));
                return self.symlink(path, leads, blocks);
            }
            Error::WrongKind { found, .. } => self.odd(path, found, Harm::Certain),
            error => self.at(path, Code::Unreadable, Harm::Certain, format!("it can't be read: {error}")),
        };
        self.note(blocks, finding);
    }

    fn entries(&mut self, directory: BorrowedFd<'_>) -> rustix::io::Result<Vec<Listed>> {
        let mut listed = Vec::new();
        visit_handle(directory, &mut self.room, |name, kind| {
            listed.push(Listed { name: OsStr::from_bytes(name).to_owned(), kind });
        })?;
        listed.sort_unstable();
        Ok(listed)
    }

    /// Reads the leaf `name` of the open directory at `path`, which is there for `file`.
    pub(super) fn leaf(
        &mut self,
        parent: BorrowedFd<'_>,
        path: &TreePath,
        name: &str,
        file: &str,
        blocks: Blocks,
    ) -> Looked {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let itself = || path.child(name).expect("a directory's entry is a plain name");
        let handle = match rustix::fs::openat(parent, name, flags, Mode::empty()) {
            Ok(handle) => handle,
            Err(Errno::NOENT) => return Looked::Gone,
            Err(errno) => {
                self.refused(blocks, &itself(), errno);
                return Looked::Unseen;
            }
        };
        self.check_mode(handle.as_fd(), 0o5, blocks, itself);
        let (mut found, mut others) = (None, Vec::new());
        let visited = visit_handle(handle.as_fd(), &mut self.room, |name, kind| {
            if name == file.as_bytes() {
                found = Some(kind);
            } else {
                others.push(Listed { name: OsStr::from_bytes(name).to_owned(), kind });
            }
        });
        if let Err(errno) = visited {
            self.refused(blocks, &itself(), errno);
            return Looked::Unseen;
        }
        Looked::Seen(Leaf { handle, file: found, others })
    }

    /// Reports the entries of a directory that do not belong there. `file` is the one that does.
    pub(super) fn strangers(&mut self, directory: &TreePath, file: &str, strangers: Vec<Listed>) {
        for entry in strangers {
            self.stranger(directory, file, &entry);
        }
    }

    pub(super) fn stranger(&mut self, directory: &TreePath, file: &str, entry: &Listed) {
        let path = entry.text().and_then(|name| directory.child(name));
        // The quarantine of an area is regtree's own.
        if entry.kind == EntryKind::Directory && path.as_ref().is_some_and(layout::is_in_quarantine) {
            return;
        }
        let is_temporary = entry.text().and_then(layout::temporary_of) == Some(file) && entry.kind == EntryKind::File;
        let finding = match path {
            Some(path) if is_temporary => {
                let message = format!("an interrupted write of {file} left it");
                self.at(path, Code::TemporaryLeftOver, Harm::None, message).repaired_by(Repair::QuarantineFile)
            }
            Some(path) => self.odd(path, entry.kind.describe(), Harm::Possible),
            None => {
                let subject = Subject::Nameless(directory.clone(), entry.name.clone());
                self.odd(subject, entry.kind.describe(), Harm::Possible)
            }
        };
        self.note(Blocks::None, finding);
    }

    /// Reports an entry beside the two areas.
    pub(super) fn beside(&mut self, entry: Listed) {
        let finding = self.odd(Subject::Beside(entry.name), entry.kind.describe(), Harm::Possible);
        self.note(Blocks::None, finding);
    }

    /// Reports something else in the place of a file.
    pub(super) fn odd_file(&mut self, path: &TreePath, kind: EntryKind, harm: Harm, blocks: Blocks) {
        self.note(blocks, judge::link::odd_file(self.tree, path, kind.describe(), true, harm));
    }

    /// Reports a symbolic link. `leads` says whether it leads to what a registry looks for.
    pub(super) fn symlink(&mut self, path: &TreePath, leads: bool, blocks: Blocks) {
        // It is no error if it makes nothing unavailable.
        let harm = if blocks == Blocks::None { Harm::Possible } else { Harm::Certain };
        self.note(blocks, judge::link::odd(self.tree, path, EntryKind::Symlink.describe(), leads, harm));
    }

    /// Reports an empty directory.
    pub(super) fn empty(&mut self, path: &TreePath) {
        let finding = self.at(path, Code::DirectoryEmpty, Harm::None, "it is empty");
        self.note(Blocks::None, finding);
    }

    /// Reads the link in a leaf.
    pub(super) fn link(
        &mut self,
        leaf: &Leaf,
        path: impl Fn() -> TreePath,
        key: &crate::digest::Digest,
        blocks: Blocks,
    ) -> Link {
        let place = || path().link();
        match leaf.file {
            None => return Link::Absent { empty: leaf.others.is_empty() },
            Some(EntryKind::File) => {}
            // A registry reads what the link leads to, which may be any file of the system.
            Some(EntryKind::Symlink) => {
                let leads = symlinks::stat(self.tree, &place()).is_ok_and(|stat| symlinks::is_file(&stat));
                self.symlink(&place(), leads, blocks);
                return Link::Unseen;
            }
            Some(kind) => {
                self.odd_file(&place(), kind, Harm::Certain, blocks);
                return Link::Unseen;
            }
        }
        let said = self.open_small(leaf.handle.as_fd(), "link", blocks, place).and_then(|(file, names)| {
            if names > 1 {
                self.shared.add(SharedLinks { count: 1, first: Some(place()) });
            }
            link::read_file(file)
        });
        match said {
            Ok(Ok(target)) if target == *key => Link::Right,
            Ok(Ok(target)) => Link::Other(Box::new(target)),
            Ok(Err(fault)) => Link::Broken(Box::new(fault)),
            Err(Errno::NOENT) => Link::Absent { empty: false },
            Err(errno) => {
                self.refused(blocks, &place(), errno);
                Link::Unseen
            }
        }
    }

    /// The digest in a malformed link, if only white space around it is wrong.
    pub(super) fn meant(&mut self, leaf: &Leaf, path: impl Fn() -> TreePath) -> Option<crate::digest::Digest> {
        let (file, _) = self.open_small(leaf.handle.as_fd(), "link", Blocks::None, path).ok()?;
        link::meant(file).ok()?
    }

    /// Reads the start of a small file of a leaf, as far as the buffer reaches.
    pub(super) fn read<'b>(
        &mut self,
        leaf: BorrowedFd<'_>,
        name: &str,
        buffer: &'b mut [u8],
        blocks: Blocks,
        path: impl Fn() -> TreePath,
    ) -> rustix::io::Result<&'b [u8]> {
        let (file, _) = self.open_small(leaf, name, blocks, path)?;
        tree::read_start(file.as_fd(), buffer)
    }

    /// Opens a small file of a leaf. Returns it with the number of its names.
    fn open_small(
        &mut self,
        leaf: BorrowedFd<'_>,
        name: &str,
        blocks: Blocks,
        path: impl Fn() -> TreePath,
    ) -> rustix::io::Result<(OwnedFd, u64)> {
        let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let file = patiently(|| rustix::fs::openat(leaf, name, flags, Mode::empty()))?;
        let stat = self.check_mode(file.as_fd(), 0o4, blocks, path);
        Ok((file, stat.map_or(1, |stat| stat.st_nlink)))
    }

    /// Reports if the tree's owner lacks the permission `bits`. `None` when that can't be seen, which the tree remembers.
    fn check_mode(
        &mut self,
        handle: BorrowedFd<'_>,
        bits: u32,
        blocks: Blocks,
        path: impl Fn() -> TreePath,
    ) -> Option<Stat> {
        match rustix::fs::fstat(handle) {
            Ok(stat) => {
                self.check_stat(&stat, bits, blocks, path);
                Some(stat)
            }
            Err(errno) => {
                self.tree.note_unread(&path(), errno);
                None
            }
        }
    }

    pub(super) fn check_stat(&mut self, stat: &Stat, bits: u32, blocks: Blocks, path: impl Fn() -> TreePath) {
        self.ahead.note(stat.st_mtime, &path);
        let (harm, unless) = match self.owner.may(stat, bits) {
            May::Yes => return,
            May::Perhaps => (Harm::Possible, ", unless it is a member of that group"),
            May::No => (Harm::Certain, ""),
        };
        let found = format!("mode {:04o}, owner {}:{}", stat.st_mode & 0o7777, stat.st_uid, stat.st_gid);
        let Owner { uid, gid } = self.owner;
        let message = format!("the tree's owner ({uid}:{gid}) may not read it: {found}{unless}");
        let finding = self.at(path(), Code::Permissions, harm, message);
        self.note(blocks, finding.found(&found).repaired_by(Repair::FixPermissions));
    }
}
