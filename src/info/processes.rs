//! Finds the processes that have something of a tree open, or work in one of its directories.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use crate::layout::{self, Area};
use crate::tree::Tree;

/// A process that has something of a tree open.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Process {
    /// Its id.
    pub pid: u32,
    /// The name of its program.
    pub command: String,
}

/// The processes that have something of a tree open.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct OpenIn {
    /// The processes, without this one.
    pub processes: Vec<Process>,
    /// How many processes this user may not look at.
    pub unseen: u64,
}

/// Looks at every process.
pub(crate) fn that_have_open(tree: &Tree) -> OpenIn {
    let places = Places::of(tree);
    let mut found = OpenIn::default();
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    let mut pids: Vec<u32> = entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok()).collect();
    pids.sort_unstable();
    for pid in pids.into_iter().filter(|pid| *pid != std::process::id()) {
        match places.are_open_in(pid) {
            Some(true) => found.processes.push(Process { pid, command: command(pid) }),
            Some(false) => {}
            None => found.unseen += 1,
        }
    }
    found
}

/// Where the tree is.
struct Places {
    v2: PathBuf,
    /// The root and the areas, which may be elsewhere, without symbolic links.
    directories: Vec<PathBuf>,
}

impl Places {
    fn of(tree: &Tree) -> Self {
        let v2 = tree.path().to_owned();
        let areas = [Area::Blobs, Area::Repositories].map(|area| v2.join(area.name()));
        let all = std::iter::once(tree.root()).chain(areas.iter().map(PathBuf::as_path));
        let directories = all.filter_map(|path| fs::canonicalize(path).ok()).collect();
        Self { v2, directories }
    }

    /// Whether a process has something of the tree open; `None` when this user may not look. A process that has ended
    /// has nothing open.
    fn are_open_in(&self, pid: u32) -> Option<bool> {
        let process = PathBuf::from(format!("/proc/{pid}"));
        if self.have(&process.join("cwd")) {
            return Some(true);
        }
        match fs::read_dir(process.join("fd")) {
            Err(error) if error.kind() == ErrorKind::PermissionDenied => None,
            Err(_) => Some(false),
            Ok(open) => Some(open.flatten().any(|entry| self.have(&entry.path()))),
        }
    }

    /// Whether a link in `/proc` leads to something of the tree.
    fn have(&self, link: &Path) -> bool {
        let Ok(target) = fs::read_link(link) else { return false };
        self.directories.iter().any(|directory| target.starts_with(directory)) || self.have_elsewhere(link, &target)
    }

    /// Whether the link leads to a file of the tree by a path that is not ours: a container has its own paths.
    fn have_elsewhere(&self, link: &Path, target: &Path) -> bool {
        let target = target.to_string_lossy();
        let Some((_, below)) = target.split_once(&format!("{}/", layout::PREFIX)) else { return false };
        match (rustix::fs::stat(link), rustix::fs::stat(self.v2.join(below))) {
            (Ok(theirs), Ok(ours)) => (theirs.st_dev, theirs.st_ino) == (ours.st_dev, ours.st_ino),
            _ => false,
        }
    }
}

/// The name of a process's program.
fn command(pid: u32) -> String {
    let name = fs::read(format!("/proc/{pid}/comm")).unwrap_or_default();
    String::from_utf8_lossy(&name).trim_end().to_owned()
}
