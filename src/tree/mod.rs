//! Reads the tree through directory handles. Only `durable` changes it.
//!
//! [`Tree::open`] resolves the root, `docker/registry/v2`, `blobs` and `repositories` once; each may be a symbolic
//! link. **Below `blobs` and `repositories` no symbolic link is ever followed.** Every path is opened from a handle, so
//! a link that is planted later leads nowhere.
//!
//! **What can't be read is an error, and never looks absent.** `None` means that the path is not there. The tree
//! remembers each such error ([`Tree::unread_since`]).

mod configuration;
pub(crate) mod digests;
mod entry;
mod handle;
mod neighbours;
mod unread;

use std::ffi::OsStr;
use std::fs::File;
use std::io::Read;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use rustix::fs::{Access, AtFlags, FileType, Mode, OFlags};
use rustix::io::Errno;

pub(crate) use configuration::Configuration;
pub(crate) use entry::{EntryKind, Listed, Metadata};
pub(crate) use handle::{
    list_handle, list_opened, metadata_at, metadata_of, open_beneath, open_small, patiently, read_start, visit_handle,
};
pub(crate) use neighbours::Neighbours;
use unread::Failures;
pub(crate) use unread::Moment;

use crate::error::{Error, Result};
use crate::layout::{self, Area, TreePath};

/// An open registry tree.
#[derive(Debug)]
pub struct Tree {
    /// The registry's `rootdirectory`.
    root: PathBuf,
    /// The path of `docker/registry/v2`, for messages.
    path: Arc<Path>,
    v2: OwnedFd,
    blobs: OnceLock<OwnedFd>,
    repositories: OnceLock<OwnedFd>,
    configuration: Option<Configuration>,
    is_cache: OnceLock<bool>,
    /// Set where the caller says that indexes may have children that are missing.
    sparse_indexes: OnceLock<()>,
    failures: Failures,
}

impl Tree {
    /// Opens the tree in `root`, which is the directory that contains `docker/registry/v2`, or that directory itself.
    ///
    /// Returns `Err(NotATree)` when it is neither, and `Err(UnusableTree)` when an area is a symbolic link to nowhere.
    pub(crate) fn open(root: &Path) -> Result<Self> {
        let not = |reason: String| Error::NotATree { path: root.to_owned(), reason };
        let (root_path, path) = locate(root)?;
        let v2 = open_resolved(rustix::fs::CWD, path.as_os_str())
            .map_err(|errno| Error::io("open", &path, errno))?
            .ok_or_else(|| not(format!("there is no {} in it", layout::PREFIX)))?;
        let tree = Self {
            root: root_path,
            path: path.into(),
            v2,
            blobs: OnceLock::new(),
            repositories: OnceLock::new(),
            configuration: None,
            is_cache: OnceLock::new(),
            sparse_indexes: OnceLock::new(),
            failures: Failures::default(),
        };
        for area in [Area::Blobs, Area::Repositories] {
            tree.open_area(area)?;
        }
        Ok(tree)
    }

    /// The registry's `rootdirectory`.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Notes what the registry's configuration says.
    pub(crate) fn configure(&mut self, configuration: Configuration) {
        self.configuration = Some(configuration);
    }

    /// What the registry's configuration says, if one was given.
    pub(crate) fn configuration(&self) -> Option<Configuration> {
        self.configuration
    }

    /// Notes that indexes may have children that are missing.
    pub(crate) fn allow_sparse_indexes(&self) {
        self.sparse_indexes.get_or_init(|| ());
    }

    /// Whether indexes may have children that are missing, as the caller or the registry's configuration says.
    pub(crate) fn allows_sparse_indexes(&self) -> bool {
        self.sparse_indexes.get().is_some() || self.configuration.is_some_and(|configuration| configuration.is_sparse)
    }

    /// Whether the tree is one of a pull-through cache. `look` finds out when this is asked for the first time.
    pub(crate) fn is_cache(&self, look: impl FnOnce() -> bool) -> bool {
        if let Some(known) = self.is_cache.get() {
            return *known;
        }
        // It uses other threads, and what it waits for may ask the same: so nothing is locked meanwhile.
        let found = look();
        *self.is_cache.get_or_init(|| found)
    }

    /// The path of `docker/registry/v2`.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The same path, for what outlives the tree.
    pub(crate) fn shared_path(&self) -> Arc<Path> {
        Arc::clone(&self.path)
    }

    /// The full path of a path of the tree, for messages.
    pub fn locate(&self, path: &TreePath) -> PathBuf {
        self.path.join(path.to_string())
    }

    /// The path of the tree whose [full path](Self::locate) is `located`.
    pub(crate) fn find(&self, located: &Path) -> Option<TreePath> {
        TreePath::parse(located.strip_prefix(&self.path).ok()?.to_str()?)
    }

    pub(crate) fn v2(&self) -> BorrowedFd<'_> {
        self.v2.as_fd()
    }

    /// Whether this user may make and remove files in both areas. One that isn't there is made in the tree itself.
    pub(crate) fn is_writable(&self) -> bool {
        let rights = Access::WRITE_OK | Access::EXEC_OK;
        let may = |name: &str| match rustix::fs::accessat(self.v2(), name, rights, AtFlags::EACCESS) {
            Err(Errno::NOENT) => None,
            may => Some(may.is_ok()),
        };
        let areas = [Area::Blobs, Area::Repositories].map(|area| may(area.name()));
        areas.into_iter().all(|area| area.or_else(|| may(".")).unwrap_or(false))
    }

    /// The user that the tree belongs to.
    pub(crate) fn owner(&self) -> u32 {
        rustix::fs::fstat(self.v2()).map_or(0, |stat| stat.st_uid)
    }

    /// The handle of an area; `None` when it isn't there.
    pub(crate) fn area(&self, area: Area) -> Result<Option<BorrowedFd<'_>>> {
        match self.area_cell(area).get() {
            Some(handle) => Ok(Some(handle.as_fd())),
            None => self.open_area(area),
        }
    }

    fn area_cell(&self, area: Area) -> &OnceLock<OwnedFd> {
        match area {
            Area::Blobs => &self.blobs,
            Area::Repositories => &self.repositories,
        }
    }

    fn open_area(&self, area: Area) -> Result<Option<BorrowedFd<'_>>> {
        let path = self.path.join(area.name());
        let opened = open_resolved(self.v2(), OsStr::new(area.name())).map_err(|errno| match errno {
            Errno::NOTDIR => Error::WrongKind { path: path.clone(), expected: "a directory", found: "something else" },
            errno => self.failed_at("open", path.clone(), errno),
        })?;
        if let Some(handle) = opened {
            return Ok(Some(self.area_cell(area).get_or_init(|| handle).as_fd()));
        }
        // The name is there and no directory opens: it is a symbolic link to nowhere, as to a disk that isn't mounted.
        match rustix::fs::statat(self.v2(), area.name(), AtFlags::SYMLINK_NOFOLLOW) {
            Ok(_) => {
                let reason = format!("{} is a symbolic link to nowhere (is its disk mounted?)", path.display());
                Err(Error::UnusableTree { path: self.root.clone(), reason })
            }
            Err(Errno::NOENT) => Ok(None),
            Err(errno) => Err(self.failed_at("look at", path, errno)),
        }
    }

    /// Opens the directory at `path`, for access to its entries. `None` when it isn't there.
    pub(crate) fn open_directory(&self, path: &TreePath) -> Result<Option<OwnedFd>> {
        let Some(area) = self.area(path.area())? else { return Ok(None) };
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let below = if path.below_area().is_empty() { "." } else { path.below_area() };
        match open_beneath(area, below, flags) {
            Ok(directory) => Ok(Some(directory)),
            Err(Errno::NOENT) => Ok(None),
            Err(errno) => Err(self.explain(path, "a directory", "open", errno)),
        }
    }

    /// Opens the regular file at `path` for reading. `None` when it isn't there; a directory, a symbolic link or a
    /// special file in its place is `Err(WrongKind)`.
    pub(crate) fn open_file(&self, path: &TreePath) -> Result<Option<File>> {
        let Some(area) = self.area(path.area())? else { return Ok(None) };
        // Without NONBLOCK, a pipe in the file's place would make us wait for ever.
        let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let handle = match patiently(|| open_beneath(area, path.below_area(), flags)) {
            Ok(handle) => handle,
            Err(Errno::NOENT) => return Ok(None),
            Err(errno) => return Err(self.explain(path, "a regular file", "open", errno)),
        };
        let file = File::from(handle);
        let metadata = file.metadata().map_err(|error| self.failed("look at", path, error))?;
        if metadata.is_file() {
            return Ok(Some(file));
        }
        let found = if metadata.is_dir() { EntryKind::Directory } else { EntryKind::Other };
        Err(self.wrong_kind(path, "a regular file", found))
    }

    /// Returns the metadata of `path`; of a symbolic link those of the link itself. `None` when nothing is there.
    pub(crate) fn metadata(&self, path: &TreePath) -> Result<Option<Metadata>> {
        let Some(area) = self.area(path.area())? else { return Ok(None) };
        let flags = OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let Some(parent) = path.parent() else {
            return metadata_of(area).map(Some).map_err(|errno| self.failed("look at", path, errno));
        };
        let directory = if parent.below_area().is_empty() {
            None
        } else {
            match open_beneath(area, parent.below_area(), flags | OFlags::DIRECTORY) {
                Ok(directory) => Some(directory),
                Err(Errno::NOENT) => return Ok(None),
                Err(errno) => return Err(self.explain(&parent, "a directory", "open", errno)),
            }
        };
        let directory = directory.as_ref().map_or(area, AsFd::as_fd);
        metadata_at(directory, path.file_name()).map_err(|errno| self.failed("look at", path, errno))
    }

    /// Whether `path` is still the path of the open file `handle`, which may have been moved or removed since.
    pub(crate) fn is_in_place(&self, path: &TreePath, handle: impl AsFd) -> Result<bool> {
        let failed = |errno: Errno| self.failed("look at", path, errno);
        let parent = path.parent().expect("an area stays where it is");
        let Some(directory) = self.open_directory(&parent)? else { return Ok(false) };
        let ours = rustix::fs::fstat(handle).map_err(failed)?;
        match rustix::fs::statat(directory, path.file_name(), AtFlags::SYMLINK_NOFOLLOW) {
            Ok(there) => Ok((there.st_dev, there.st_ino) == (ours.st_dev, ours.st_ino)),
            Err(Errno::NOENT) => Ok(false),
            Err(errno) => Err(failed(errno)),
        }
    }

    /// Reads the file at `path` whole. A file of more than `limit` bytes is cut there; no small file of a tree is that
    /// long.
    pub(crate) fn read_small(&self, path: &TreePath, limit: u64) -> Result<Option<Vec<u8>>> {
        let Some(file) = self.open_file(path)? else { return Ok(None) };
        let mut content = Vec::with_capacity(160);
        file.take(limit).read_to_end(&mut content).map_err(|error| self.failed("read", path, error))?;
        Ok(Some(content))
    }

    /// Lists the directory at `path`, in no order. `None` when it isn't there. A failure half-way is an error.
    pub(crate) fn list(&self, path: &TreePath) -> Result<Option<Vec<Listed>>> {
        Ok(self.open_and_list(path)?.map(|(_, listed)| listed))
    }

    /// As [`Tree::list`], with the handle: the fast way to what is below.
    pub(crate) fn open_and_list(&self, path: &TreePath) -> Result<Option<(OwnedFd, Vec<Listed>)>> {
        let Some(directory) = self.open_directory(path)? else { return Ok(None) };
        match list_opened(directory.as_fd()) {
            Ok(listed) => Ok(Some((directory, listed))),
            Err(errno) => Err(self.failed("list", path, errno)),
        }
    }

    /// The names in the directory at `path` that begin with `text`, in no order: the fast way where there are many
    /// others.
    pub(crate) fn list_beginning_with(&self, path: &TreePath, text: &str) -> Result<Vec<String>> {
        let Some(directory) = self.open_directory(path)? else { return Ok(Vec::new()) };
        let (mut buffer, mut names) = (Vec::with_capacity(32 * 1024), Vec::new());
        let visited = visit_handle(directory.as_fd(), buffer.spare_capacity_mut(), |name, _| {
            if name.starts_with(text.as_bytes()) {
                names.extend(str::from_utf8(name).map(str::to_owned));
            }
        });
        visited.map(|()| names).map_err(|errno| self.failed("list", path, errno))
    }

    /// As [`Tree::list`], for a directory in the open directory `parent`: this is the fast way down a fan-out.
    pub(crate) fn list_in(&self, parent: BorrowedFd<'_>, path: &TreePath) -> Result<Option<Vec<Listed>>> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        match rustix::fs::openat(parent, path.file_name(), flags, Mode::empty()) {
            Ok(directory) => list_opened(directory.as_fd()).map(Some).map_err(|errno| self.failed("list", path, errno)),
            Err(Errno::NOENT) => Ok(None),
            Err(errno) => Err(self.explain(path, "a directory", "open", errno)),
        }
    }

    /// The error for a look at `path` that failed. The tree remembers it.
    pub(crate) fn failed(&self, action: &'static str, path: &TreePath, error: impl Into<std::io::Error>) -> Error {
        self.failed_at(action, self.locate(path), error)
    }

    /// As [`Tree::failed`], for a full path.
    pub(crate) fn failed_at(&self, action: &'static str, path: PathBuf, error: impl Into<std::io::Error>) -> Error {
        let error = error.into();
        self.failures.add(action, path.clone(), &error);
        Error::io(action, path, error)
    }

    /// Remembers that `path` can't be read, where the caller makes no error of it.
    pub(crate) fn note_unread(&self, path: &TreePath, error: impl Into<std::io::Error>) {
        self.failures.add("read", self.locate(path), &error.into());
    }

    /// This moment, to ask later what could not be read since.
    pub(crate) fn moment(&self) -> Moment {
        self.failures.now()
    }

    /// What could not be read since `moment`, though a later look may have succeeded: one error for each path, sorted.
    pub(crate) fn unread_since(&self, moment: Moment) -> Vec<Error> {
        self.failures.since(moment)
    }

    pub(crate) fn wrong_kind(&self, path: &TreePath, expected: &'static str, found: EntryKind) -> Error {
        Error::WrongKind { path: self.locate(path), expected, found: found.describe() }
    }

    /// The error for a path that can't be opened. It names the component of the wrong kind, if that is the cause.
    pub(crate) fn explain(&self, path: &TreePath, expected: &'static str, action: &'static str, errno: Errno) -> Error {
        if !matches!(errno, Errno::LOOP | Errno::NOTDIR | Errno::ISDIR | Errno::NXIO | Errno::MLINK) {
            return self.failed(action, path, errno);
        }
        let mut ancestors: Vec<TreePath> = std::iter::successors(path.parent(), TreePath::parent).collect();
        ancestors.pop(); // the area, which may be a link
        for ancestor in ancestors.into_iter().rev() {
            match self.metadata_by_walk(&ancestor) {
                Some(EntryKind::Directory) => {}
                Some(found) => return self.wrong_kind(&ancestor, "a directory", found),
                None => break,
            }
        }
        match self.metadata_by_walk(path) {
            Some(found) if found.describe() != expected => self.wrong_kind(path, expected, found),
            _ => self.failed(action, path, errno),
        }
    }

    fn metadata_by_walk(&self, path: &TreePath) -> Option<EntryKind> {
        let area = self.area(path.area()).ok()??;
        let stat = rustix::fs::statat(area, path.below_area(), AtFlags::SYMLINK_NOFOLLOW).ok()?;
        Some(FileType::from_raw_mode(stat.st_mode).into())
    }
}

/// Finds the `rootdirectory` and `docker/registry/v2` that belong to `root`.
fn locate(root: &Path) -> Result<(PathBuf, PathBuf)> {
    let not = |reason: String| Error::NotATree { path: root.to_owned(), reason };
    let unusable = |reason: String| Error::UnusableTree { path: root.to_owned(), reason };
    let v2 = root.join(layout::PREFIX);
    match rustix::fs::stat(&v2) {
        Ok(stat) if FileType::from_raw_mode(stat.st_mode) == FileType::Directory => {
            return Ok((root.to_owned(), v2));
        }
        Ok(_) => return Err(unusable(format!("{} is not a directory", v2.display()))),
        Err(Errno::NOENT | Errno::NOTDIR) => {}
        Err(Errno::LOOP) => return Err(unusable("it is a symbolic link that leads to itself".to_owned())),
        Err(errno) => return Err(Error::io("look at", &v2, errno)),
    }
    let canonical = match std::fs::canonicalize(root) {
        Ok(canonical) => canonical,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Err(not("it does not exist".to_owned())),
        Err(error) => return Err(Error::io("look at", root, error)),
    };
    if !canonical.is_dir() {
        return Err(unusable("it is not a directory".to_owned()));
    }
    if !canonical.ends_with(layout::PREFIX) {
        return Err(not(format!("there is no {} in it", layout::PREFIX)));
    }
    let root = canonical.ancestors().nth(3).expect("a path with that ending has three parents");
    Ok((root.to_owned(), canonical))
}

/// Opens a directory and follows symbolic links. Only the root and the areas are opened so.
fn open_resolved(parent: impl AsFd, name: &OsStr) -> rustix::io::Result<Option<OwnedFd>> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    match rustix::fs::openat(parent, name, flags, Mode::empty()) {
        Ok(handle) => Ok(Some(handle)),
        Err(Errno::NOENT) => Ok(None),
        Err(errno) => Err(errno),
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, clippy::disallowed_methods, reason = "a test may")]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    /// A tree with a file, and with symbolic links to it and to its directory.
    fn planted() -> (tempfile::TempDir, Tree) {
        let directory = tempfile::tempdir().unwrap();
        let v2 = directory.path().join(layout::PREFIX);
        std::fs::create_dir_all(v2.join("repositories/real/inner")).unwrap();
        std::fs::write(v2.join("repositories/real/inner/link"), "content").unwrap();
        symlink("real", v2.join("repositories/planted")).unwrap();
        symlink("link", v2.join("repositories/real/inner/planted")).unwrap();
        let tree = Tree::open(directory.path()).unwrap();
        (directory, tree)
    }

    fn path(text: &str) -> TreePath {
        TreePath::parse(text).unwrap()
    }

    #[test]
    fn no_symbolic_link_below_an_area_is_followed_whichever_way_it_is_opened() {
        let (_directory, tree) = planted();
        let area = tree.area(Area::Repositories).unwrap().unwrap();
        let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NOFOLLOW;
        for open in [open_beneath, handle::open_step_by_step] {
            assert!(open(area, "real/inner/link", flags).is_ok());
            assert_eq!(open(area, "nowhere/inner/link", flags).unwrap_err(), Errno::NOENT);
            for planted in ["planted/inner/link", "real/inner/planted"] {
                assert!(matches!(open(area, planted, flags), Err(Errno::LOOP | Errno::NOTDIR)), "{planted}");
            }
        }
    }

    #[test]
    fn the_part_that_is_a_link_is_named() {
        let (_directory, tree) = planted();
        let named = |text: &str| match tree.open_file(&path(text)) {
            Err(Error::WrongKind { path, found, .. }) => {
                assert_eq!(found, "a symbolic link");
                path.strip_prefix(tree.path()).unwrap().to_str().unwrap().to_owned()
            }
            other => panic!("{other:?}"),
        };
        assert_eq!(named("repositories/planted/inner/link"), "repositories/planted");
        assert_eq!(named("repositories/real/inner/planted"), "repositories/real/inner/planted");
        let metadata = tree.metadata(&path("repositories/real/inner/planted")).unwrap().unwrap();
        assert_eq!(metadata.kind, EntryKind::Symlink);
        assert!(matches!(tree.metadata(&path("repositories/planted/inner/link")), Err(Error::WrongKind { .. })));
    }

    #[test]
    fn a_pipe_in_a_files_place_does_not_make_us_wait() {
        let (directory, tree) = planted();
        let pipe = directory.path().join(layout::PREFIX).join("repositories/real/pipe");
        let made = std::process::Command::new("mkfifo").arg(&pipe).status().unwrap();
        assert!(made.success());
        assert!(matches!(tree.open_file(&path("repositories/real/pipe")), Err(Error::WrongKind { .. })));
    }

    #[test]
    fn what_is_absent_is_none() {
        let (_directory, tree) = planted();
        assert!(tree.open_file(&path("repositories/real/inner/none")).unwrap().is_none());
        assert!(tree.open_file(&path("blobs/sha256")).unwrap().is_none());
        assert!(tree.metadata(&path("repositories/none/none")).unwrap().is_none());
        assert!(tree.list(&path("repositories/none")).unwrap().is_none());
        let mut names: Vec<_> = tree.list(&path("repositories/real/inner")).unwrap().unwrap();
        names.sort();
        assert_eq!(
            names.iter().map(|entry| (entry.text().unwrap(), entry.kind)).collect::<Vec<_>>(),
            [("link", EntryKind::File), ("planted", EntryKind::Symlink)]
        );
    }
}
