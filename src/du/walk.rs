//! Looks at every file and directory of the tree once, and sums up how much each takes and what for.
//!
//! Directories are read in parallel. Each is opened from the one around it, and never through a symbolic link.

use std::collections::HashMap;
use std::ffi::{OsStr, OsString};
use std::os::fd::{AsFd, BorrowedFd};
use std::path::PathBuf;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

use rayon::prelude::*;
use rustix::fs::{AtFlags, FileType, Mode, OFlags, StatxFlags};
use rustix::io::Errno;

use super::{Measure, Options};
use crate::error::{Error, Result};
use crate::layout::{self, Area, Entry, TreePath};
use crate::scan::{DigestId, Scan};
use crate::stream::{Counting, Interrupt, Watch};
use crate::tree::{self, EntryKind, Listed, Tree};

/// The deepest directory that is read. The longest name of a repository has about 130 directories.
const DEEPEST: usize = 256;

/// In place of the time of a blob that was not seen.
pub(super) const UNSEEN: i64 = i64::MIN;

/// The sums of a whole tree.
#[derive(Debug, Default)]
pub(super) struct Walked {
    /// The bytes of each blob, by the number of its digest.
    pub(super) contents: Vec<u64>,
    /// When each blob was written, in seconds since 1970; [`UNSEEN`] where there is no file. Empty unless asked for.
    pub(super) times: Vec<i64>,
    pub(super) uploads: u64,
    pub(super) quarantine: u64,
    pub(super) overhead: u64,
    pub(super) strays: u64,
    /// The files and directories that could not be looked at.
    pub(super) errors: Vec<Error>,
}

/// Looks at the whole tree. `Err(Interrupted)` when a signal came.
pub(super) fn walk(tree: &Tree, scan: &Scan, options: &Options, watch: &Watch<'_>) -> Result<Walked> {
    let (interrupt, counting) = (&watch.interrupt, &watch.count("looking at files", None));
    let contents: Vec<AtomicU64> = scan.digests.blobs().map(|_| AtomicU64::new(0)).collect();
    let folders = scan.repositories.iter().flat_map(|repository| {
        let [layers, manifests, uploads] = repository.place.own();
        let links = Region::All(Purpose::Overhead);
        [(layers, links), (manifests, links), (uploads, Region::Sessions)]
    });
    let dated = if options.divided { contents.len() } else { 0 };
    let times = (0..dated).map(|_| AtomicI64::new(UNSEEN)).collect();
    let measure = options.measure;
    let walk = Walk { tree, scan, measure, interrupt, counting, contents, times, folders: folders.collect() };
    let (mut tally, private) = rayon::join(|| walk.tree(), || walk.private());
    tally.add(private);
    interrupt.check()?;
    walk.count_hard_links(&mut tally);
    let Tally { uploads, quarantine, overhead, strays, mut errors, .. } = tally;
    errors.sort_by(|a, b| a.path().cmp(&b.path()));
    let contents = walk.contents.into_iter().map(AtomicU64::into_inner).collect();
    let times = walk.times.into_iter().map(AtomicI64::into_inner).collect();
    Ok(Walked { contents, times, uploads, quarantine, overhead, strays, errors })
}

/// What bytes are for. A file with several names counts for the first purpose in this order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Purpose {
    Content(DigestId),
    Uploads,
    Quarantine,
    Overhead,
    Strays,
}

/// The part of the tree that a directory is in, which decides what its entries are for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Region {
    Blobs,
    Repositories,
    /// The directory of a repository's uploads. Its entries are sessions.
    Sessions,
    /// `<root>`, of which only regtree's own state is counted.
    Root,
    /// The state of regtree.
    Private,
    /// Everything in it, at any depth, has one purpose.
    All(Purpose),
}

/// Where a directory is: inside an area, or elsewhere. A directory whose name is not text is elsewhere too.
#[derive(Clone, Debug)]
enum Location<'l> {
    Inside(TreePath),
    Elsewhere(PathBuf),
    /// In another directory, where only a message needs the path.
    Below(&'l Location<'l>, &'l OsStr),
}

/// The sums of a part of the tree.
#[derive(Debug, Default)]
struct Tally {
    uploads: u64,
    quarantine: u64,
    overhead: u64,
    strays: u64,
    /// Files that have several names.
    hard_links: Vec<HardLink>,
    errors: Vec<Error>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct HardLink {
    identity: (u64, u64),
    purpose: Purpose,
    bytes: u64,
}

impl Tally {
    fn add(&mut self, other: Self) {
        self.uploads += other.uploads;
        self.quarantine += other.quarantine;
        self.overhead += other.overhead;
        self.strays += other.strays;
        self.hard_links.extend(other.hard_links);
        self.errors.extend(other.errors);
    }

    fn of(error: Error) -> Self {
        Self { errors: vec![error], ..Self::default() }
    }
}

/// What a look at a file or directory shows.
#[derive(Clone, Copy, Debug)]
struct EntryStat {
    kind: EntryKind,
    bytes: u64,
    modified: i64,
    identity: (u64, u64),
    has_other_names: bool,
}

struct Walk<'w> {
    tree: &'w Tree,
    scan: &'w Scan,
    measure: Measure,
    interrupt: &'w Interrupt,
    counting: &'w Counting<'w>,
    contents: Vec<AtomicU64>,
    times: Vec<AtomicI64>,
    /// The own folders of all repositories.
    folders: HashMap<TreePath, Region>,
}

impl Walk<'_> {
    /// Sums up `docker/registry/v2` with everything in it, and the places that its areas lead to.
    fn tree(&self) -> Tally {
        let (mut tally, v2) = (Tally::default(), self.tree.v2());
        self.charge_itself(&mut tally, v2, self.tree.path());
        let listed = match tree::list_handle(v2) {
            Ok(listed) => listed,
            Err(errno) => return Tally::of(Error::io("list", self.tree.path(), errno)),
        };
        let areas = [(Area::Blobs, Region::Blobs), (Area::Repositories, Region::Repositories)];
        let mut others = Vec::new();
        for entry in listed {
            match areas.iter().find(|(area, _)| entry.name == area.name()) {
                None => others.push(entry),
                Some((area, region)) => tally.add(self.area(*area, *region, &entry)),
            }
        }
        let location = Location::Elsewhere(self.tree.path().to_owned());
        tally.add(self.entries(v2, &location, Region::All(Purpose::Strays), others, 0));
        tally
    }

    /// Sums up an area. It may be a symbolic link to another disk, which is followed. No link below it is.
    fn area(&self, area: Area, region: Region, entry: &Listed) -> Tally {
        let mut tally = Tally::default();
        if entry.kind == EntryKind::Symlink {
            match self.look(self.tree.v2(), &entry.name) {
                Ok(found) => tally.overhead += found.map_or(0, |found| found.bytes),
                Err(errno) => tally.errors.push(Error::io("look at", self.tree.path().join(&entry.name), errno)),
            }
        }
        let path = area.path();
        match self.tree.open_directory(&path) {
            Ok(Some(handle)) => {
                self.charge_itself(&mut tally, handle.as_fd(), &self.tree.locate(&path));
                tally.add(self.directory(handle.as_fd(), &Location::Inside(path), region, 0));
            }
            Ok(None) => {}
            Err(error) => tally.errors.push(error),
        }
        tally
    }

    /// Sums up `<root>/.regtree`, if it exists.
    fn private(&self) -> Tally {
        let root = self.tree.root();
        let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let handle = match rustix::fs::openat(rustix::fs::CWD, root, flags, Mode::empty()) {
            Ok(handle) => handle,
            Err(errno) => return Tally::of(Error::io("open", root, errno)),
        };
        let kind = match self.look(handle.as_fd(), OsStr::new(layout::PRIVATE)) {
            Ok(Some(found)) => found.kind,
            Ok(None) => return Tally::default(),
            Err(errno) => return Tally::of(Error::io("look at", root.join(layout::PRIVATE), errno)),
        };
        let entry = Listed { name: layout::PRIVATE.into(), kind };
        self.entries(handle.as_fd(), &Location::Elsewhere(root.to_owned()), Region::Root, vec![entry], 0)
    }

    fn directory(&self, handle: BorrowedFd<'_>, location: &Location<'_>, region: Region, depth: usize) -> Tally {
        if self.interrupt.signal().is_some() {
            return Tally::default();
        }
        match tree::list_opened(handle) {
            Ok(listed) => {
                self.counting.add(listed.len());
                self.entries(handle, location, region, listed, depth)
            }
            Err(errno) => Tally::of(Error::io("list", self.path(location), errno)),
        }
    }

    /// Sums up the entries of a directory, and everything below them.
    fn entries(
        &self,
        handle: BorrowedFd<'_>,
        location: &Location<'_>,
        region: Region,
        listed: Vec<Listed>,
        depth: usize,
    ) -> Tally {
        let mut tally = Tally::default();
        let mut below = Vec::new();
        for entry in listed {
            match self.look(handle, &entry.name) {
                Ok(Some(found)) if found.kind == EntryKind::Directory => {
                    let (inside, region) = self.enter(location, region, &entry.name);
                    self.charge(&mut tally, region.own(), found);
                    below.push((entry.name, inside, region));
                }
                Ok(Some(found)) => {
                    self.charge(&mut tally, self.purpose(location, region, &entry.name, found.kind), found);
                }
                // It was removed meanwhile.
                Ok(None) => {}
                Err(errno) => tally.errors.push(Error::io("look at", self.path(location).join(&entry.name), errno)),
            }
        }
        let open = |(name, inside, region): (OsString, Option<Location<'_>>, Region)| {
            let location = inside.unwrap_or(Location::Below(location, &name));
            self.open(handle, &name, &location, region, depth + 1)
        };
        let found = below.into_par_iter().map(open).reduce_with(|mut sum, part| {
            sum.add(part);
            sum
        });
        tally.add(found.unwrap_or_default());
        tally
    }

    fn open(
        &self,
        parent: BorrowedFd<'_>,
        name: &OsStr,
        location: &Location<'_>,
        region: Region,
        depth: usize,
    ) -> Tally {
        if depth > DEEPEST {
            let reason = "no tree is as deep as that: what is in it is not counted";
            return Tally::of(Error::Misplaced { path: self.path(location), reason });
        }
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        match rustix::fs::openat(parent, name, flags, Mode::empty()) {
            Ok(handle) => self.directory(handle.as_fd(), location, region, depth),
            Err(Errno::NOENT) => Tally::default(),
            Err(errno) => Tally::of(Error::io("open", self.path(location), errno)),
        }
    }

    /// The region of a directory in another one, and its location where that decides what is in it.
    fn enter(&self, parent: &Location<'_>, region: Region, name: &OsStr) -> (Option<Location<'static>>, Region) {
        if let Region::All(_) = region {
            return (None, region);
        }
        let location = match (parent, name.to_str()) {
            (Location::Inside(parent), Some(text)) => parent.child(text).map(Location::Inside),
            _ => None,
        };
        let location = location.unwrap_or_else(|| Location::Elsewhere(self.path(parent).join(name)));
        let is_quarantine =
            |area| matches!(&location, Location::Inside(path) if *path == layout::quarantine_beside(area));
        let [_, quarantine] = layout::QUARANTINE;
        let region = match region {
            Region::Blobs if is_quarantine(Area::Blobs) => Region::All(Purpose::Quarantine),
            Region::Repositories if is_quarantine(Area::Repositories) => Region::All(Purpose::Quarantine),
            Region::Repositories => match &location {
                Location::Inside(path) => self.folders.get(path).copied().unwrap_or(region),
                _ => region,
            },
            Region::Sessions => Region::All(Purpose::Uploads),
            Region::Root => Region::Private,
            Region::Private if name == quarantine => Region::All(Purpose::Quarantine),
            Region::Private => Region::All(Purpose::Overhead),
            region => region,
        };
        (Some(location), region)
    }

    /// The purpose of a file.
    fn purpose(&self, location: &Location<'_>, region: Region, name: &OsStr, kind: EntryKind) -> Purpose {
        match (region, location) {
            (Region::Blobs, Location::Inside(directory)) if kind == EntryKind::File => {
                self.content(directory, name).unwrap_or(Purpose::Overhead)
            }
            (Region::Sessions, _) => Purpose::Uploads,
            (Region::All(purpose), _) => purpose,
            _ => Purpose::Overhead,
        }
    }

    fn content(&self, directory: &TreePath, name: &OsStr) -> Option<Purpose> {
        let Entry::Blob(digest) = Entry::parse(&directory.child(name.to_str()?)?)? else { return None };
        let name = self.scan.digests.find(&digest)?;
        self.scan.digests.is_blob(name).then_some(Purpose::Content(name))
    }

    fn charge_itself(&self, tally: &mut Tally, handle: BorrowedFd<'_>, path: &std::path::Path) {
        match self.statx(handle, OsStr::new(""), AtFlags::EMPTY_PATH) {
            Ok(found) => tally.overhead += found.bytes,
            Err(errno) => tally.errors.push(Error::io("look at", path, errno)),
        }
    }

    fn charge(&self, tally: &mut Tally, purpose: Purpose, found: EntryStat) {
        if let Purpose::Content(name) = purpose
            && let Some(time) = self.times.get(name.index())
        {
            time.store(found.modified, Ordering::Relaxed);
        }
        if found.has_other_names {
            tally.hard_links.push(HardLink { identity: found.identity, purpose, bytes: found.bytes });
        } else {
            self.sum(tally, purpose, found.bytes);
        }
    }

    fn sum(&self, tally: &mut Tally, purpose: Purpose, bytes: u64) {
        match purpose {
            Purpose::Content(name) => drop(self.contents[name.index()].fetch_add(bytes, Ordering::Relaxed)),
            Purpose::Uploads => tally.uploads += bytes,
            Purpose::Quarantine => tally.quarantine += bytes,
            Purpose::Overhead => tally.overhead += bytes,
            Purpose::Strays => tally.strays += bytes,
        }
    }

    /// Counts each file with several names once.
    fn count_hard_links(&self, tally: &mut Tally) {
        let mut hard_links = std::mem::take(&mut tally.hard_links);
        hard_links.sort_unstable();
        hard_links.dedup_by_key(|hard_link| hard_link.identity);
        for hard_link in hard_links {
            self.sum(tally, hard_link.purpose, hard_link.bytes);
        }
    }

    /// Looks at an entry of a directory. `None` when it does not exist any more.
    fn look(&self, directory: BorrowedFd<'_>, name: &OsStr) -> rustix::io::Result<Option<EntryStat>> {
        match self.statx(directory, name, AtFlags::SYMLINK_NOFOLLOW) {
            Ok(found) => Ok(Some(found)),
            Err(Errno::NOENT) => Ok(None),
            Err(errno) => Err(errno),
        }
    }

    fn statx(&self, directory: BorrowedFd<'_>, name: &OsStr, flags: AtFlags) -> rustix::io::Result<EntryStat> {
        let kind = StatxFlags::TYPE | StatxFlags::INO | StatxFlags::NLINK;
        let wanted = kind | StatxFlags::SIZE | StatxFlags::BLOCKS | StatxFlags::MTIME;
        let stat = rustix::fs::statx(directory, name, flags, wanted)?;
        let kind = EntryKind::from(FileType::from_raw_mode(stat.stx_mode.into()));
        Ok(EntryStat {
            kind,
            bytes: match self.measure {
                // A block of statx has 512 bytes, on every file system.
                Measure::Allocated => stat.stx_blocks * 512,
                Measure::Apparent => stat.stx_size,
            },
            modified: stat.stx_mtime.tv_sec,
            identity: (rustix::fs::makedev(stat.stx_dev_major, stat.stx_dev_minor), stat.stx_ino),
            // The links to a directory are its own subdirectories.
            has_other_names: kind != EntryKind::Directory && stat.stx_nlink > 1,
        })
    }

    fn path(&self, location: &Location<'_>) -> PathBuf {
        match location {
            Location::Inside(path) => self.tree.locate(path),
            Location::Elsewhere(path) => path.clone(),
            Location::Below(parent, name) => self.path(parent).join(name),
        }
    }
}

impl Region {
    /// The purpose of a directory of this region itself.
    fn own(self) -> Purpose {
        match self {
            Self::All(purpose) => purpose,
            _ => Purpose::Overhead,
        }
    }
}
