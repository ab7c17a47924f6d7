//! Opens the directories of one run, and reads them by handle. No symbolic link is followed.

use std::cell::OnceCell;
use std::collections::HashSet;
use std::fs::File;
use std::io::ErrorKind;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::{Path, PathBuf};

use rustix::fs::{Mode, OFlags};
use rustix::io::Errno;

use super::id::RunId;
use super::item::{ItemKind, NotedItem};
use super::journal::Journal;
use crate::durable::private;
use crate::error::{Error, Result};
use crate::layout::{self, Area, TreePath};
use crate::scan::Returned;
use crate::tree::{self, EntryKind, Tree};

/// A place where an item can be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Home {
    /// In `<root>/.regtree`, with the journal.
    Private,
    /// In the quarantine of an area, on its file system.
    Beside(Area),
}

/// Where an item was found in the quarantine.
#[derive(Clone, Copy, Debug)]
pub(super) struct Spot {
    pub(super) home: Home,
    pub(super) kind: EntryKind,
}

/// The directories of a run.
#[derive(Debug)]
pub(super) struct RunDirectory<'t> {
    pub(super) tree: &'t Tree,
    pub(super) id: RunId,
    handle: OwnedFd,
    homes: [OnceCell<OwnedFd>; 3],
}

impl<'t> RunDirectory<'t> {
    /// Opens a run. `None` when it does not exist.
    pub(super) fn open(tree: &'t Tree, id: &RunId) -> Result<Option<Self>> {
        let [private, quarantine] = layout::QUARANTINE;
        match private::open_all(tree, &[private, quarantine, id.as_str()]) {
            Ok(handle) => Ok(Some(Self { tree, id: id.clone(), handle, homes: Default::default() })),
            Err(Errno::NOENT) => Ok(None),
            Err(errno) => Err(Error::io("open", run_path(tree, id), errno)),
        }
    }

    /// Opens a run that must exist: `Err(NotQuarantined)` when it does not.
    pub(super) fn find_run(tree: &'t Tree, id: &RunId) -> Result<Self> {
        let unknown = || Error::NotQuarantined { what: format!("run {id}"), path: run_path(tree, id) };
        Self::open(tree, id)?.ok_or_else(unknown)
    }

    pub(super) fn path(&self) -> PathBuf {
        run_path(self.tree, &self.id)
    }

    pub(super) fn handle(&self) -> BorrowedFd<'_> {
        self.handle.as_fd()
    }

    pub(super) fn journal_path(&self) -> PathBuf {
        self.path().join(layout::JOURNAL)
    }

    /// Reads the journal, and reports the items in the run that have no line in it. A crash may leave a run without a
    /// journal while it is begun or removed.
    pub(super) fn journal(&self) -> Result<Journal> {
        let mut journal = self.read_journal()?;
        let named: HashSet<&str> = journal.noted.iter().map(|noted| &*noted.name).collect();
        let mut strays = Vec::new();
        for home in [Home::Private, Home::Beside(Area::Blobs), Home::Beside(Area::Repositories)] {
            // A directory that can't be opened is reported when an item is looked for in it.
            let Ok(Some(directory)) = self.home(home) else { continue };
            let failed = |errno| Error::io("list", self.locate(home, "."), errno);
            for entry in tree::list_handle(directory).map_err(failed)? {
                if !entry.text().is_some_and(|name| named.contains(name)) {
                    let path = self.locate(home, &entry.name);
                    strays.push(Error::Misplaced { path, reason: "no line of its run's journal names it" });
                }
            }
        }
        journal.faults.extend(strays);
        Ok(journal)
    }

    /// Reads the journal. `Err(Refused)` when it can't be trusted: root would do what it says.
    pub(super) fn read_journal(&self) -> Result<Journal> {
        let path = self.journal_path();
        match private::trusted(self.tree, self.handle(), layout::JOURNAL, OFlags::RDONLY) {
            Ok(file) => Journal::read(file, &path),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(Journal::default()),
            Err(error) if error.kind() == ErrorKind::InvalidData => {
                Err(Error::Refused { reason: format!("the journal {} can't be trusted: {error}", path.display()) })
            }
            Err(error) => Err(Error::io("open", path, error)),
        }
    }

    /// The directory of this run in the quarantine of an area.
    pub(super) fn beside(&self, area: Area) -> TreePath {
        layout::quarantine_beside(area).child(self.id.as_str()).expect("a run's name is plain")
    }

    /// The handle of a place. `None` when it does not exist.
    pub(super) fn home(&self, home: Home) -> Result<Option<BorrowedFd<'_>>> {
        let cell = &self.homes[match home {
            Home::Private => 0,
            Home::Beside(Area::Blobs) => 1,
            Home::Beside(Area::Repositories) => 2,
        }];
        if let Some(handle) = cell.get() {
            return Ok(Some(handle.as_fd()));
        }
        let opened = match home {
            Home::Beside(area) => self.tree.open_directory(&self.beside(area))?,
            Home::Private => match open_no_follow(self.handle(), layout::THINGS) {
                Ok(handle) => Some(handle),
                Err(Errno::NOENT) => None,
                Err(errno) => return Err(Error::io("open", self.path().join(layout::THINGS), errno)),
            },
        };
        Ok(opened.map(|handle| cell.get_or_init(|| handle).as_fd()))
    }

    /// The handle of a place where an item was found before.
    pub(super) fn home_found(&self, home: Home) -> Result<BorrowedFd<'_>> {
        self.home(home)?.ok_or_else(|| Error::io("open", self.path(), Errno::NOENT))
    }

    /// Finds an item. `None` when it is not in the quarantine.
    pub(super) fn find(&self, noted: &NotedItem) -> Result<Option<Spot>> {
        for home in [Home::Private, Home::Beside(noted.item.path.area())] {
            let Some(directory) = self.home(home)? else { continue };
            let failed = |errno| Error::io("look at", self.locate(home, &noted.name), errno);
            if let Some(found) = tree::metadata_at(directory, &noted.name).map_err(failed)? {
                return Ok(Some(Spot { home, kind: found.kind }));
            }
        }
        Ok(None)
    }

    /// The path that an item is put back to. The content of a blob that is stored flat is put back into its directory.
    pub(super) fn place_of(&self, noted: &NotedItem, spot: Spot) -> Result<TreePath> {
        let path = &noted.item.path;
        if spot.kind == noted.form {
            return Ok(path.clone());
        }
        if spot.home != Home::Private && noted.item.kind == ItemKind::Blob && spot.kind == EntryKind::File {
            return Ok(path.data());
        }
        Err(Error::WrongKind {
            path: self.locate(spot.home, &noted.name),
            expected: noted.form.describe(),
            found: spot.kind.describe(),
        })
    }

    /// Opens the content of a quarantined blob. `None` when its directory has none.
    pub(super) fn open_content(&self, noted: &NotedItem, spot: Spot) -> Result<Option<File>> {
        let directory = self.home_found(spot.home)?;
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let name = if spot.kind == EntryKind::Directory { format!("{}/data", noted.name) } else { noted.name.clone() };
        match tree::open_beneath(directory, &name, flags) {
            Ok(handle) => Ok(Some(File::from(handle))),
            Err(Errno::NOENT) => Ok(None),
            Err(errno) => Err(Error::io("open", self.locate(spot.home, &name), errno)),
        }
    }

    /// The size and age that a quarantined blob will have in its place. `None` when it has no content.
    pub(super) fn returned(&self, noted: &NotedItem, spot: Spot) -> Result<Option<Returned>> {
        let directory = self.home_found(spot.home)?;
        let look = |name: &str| {
            let failed = |errno| Error::io("look at", self.locate(spot.home, name), errno);
            tree::metadata_at(directory, name).map_err(failed)
        };
        let Some(item) = look(&noted.name)? else { return Ok(None) };
        if spot.kind != EntryKind::Directory {
            // Its directory will be made, so it will be new.
            return Ok(Some(Returned { size: item.size, newest: jiff::Timestamp::MAX }));
        }
        let data = look(&format!("{}/data", noted.name))?;
        Ok(data.map(|data| Returned { size: data.size, newest: data.modified.max(item.modified) }))
    }

    /// The path of an item for messages.
    pub(super) fn locate(&self, home: Home, name: impl AsRef<Path>) -> PathBuf {
        match home {
            Home::Private => self.path().join(layout::THINGS).join(name),
            Home::Beside(area) => self.tree.locate(&self.beside(area)).join(name),
        }
    }
}

pub(super) fn run_path(tree: &Tree, id: &RunId) -> PathBuf {
    quarantine_path(tree).join(id.as_str())
}

pub(super) fn quarantine_path(tree: &Tree) -> PathBuf {
    tree.root().join(layout::QUARANTINE.join("/"))
}

fn open_no_follow(parent: BorrowedFd<'_>, name: &str) -> rustix::io::Result<OwnedFd> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    rustix::fs::openat(parent, name, flags, Mode::empty())
}
