//! A path in the tree, and the two areas that contain every path.

use std::fmt;

/// The two directories that contain everything; each may be a symbolic link to another disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Area {
    /// Content.
    Blobs,
    /// Links, tags and uploads.
    Repositories,
}

impl Area {
    /// The directory's name.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Blobs => "blobs",
            Self::Repositories => "repositories",
        }
    }

    /// The directory's path.
    pub(crate) fn path(self) -> TreePath {
        TreePath { area: self, below: String::new() }
    }
}

/// A path in the tree, relative to `docker/registry/v2`. It is in one of the two areas, and has no `.`, `..` or
/// empty components.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TreePath {
    pub(super) area: Area,
    pub(super) below: String,
}

impl TreePath {
    /// The area that contains it.
    pub(crate) fn area(&self) -> Area {
        self.area
    }

    /// The path below the area; empty for the area itself.
    pub(crate) fn below_area(&self) -> &str {
        &self.below
    }

    /// The directory that contains it; `None` for an area.
    pub(crate) fn parent(&self) -> Option<Self> {
        if self.below.is_empty() {
            return None;
        }
        let below = self.below.rsplit_once('/').map_or("", |(parent, _)| parent);
        Some(Self { area: self.area, below: below.to_owned() })
    }

    /// The last component.
    pub(crate) fn file_name(&self) -> &str {
        if self.below.is_empty() {
            return self.area.name();
        }
        self.below.rsplit_once('/').map_or(&self.below, |(_, name)| name)
    }

    /// The path itself, and every directory that it is in, the nearest first.
    pub(crate) fn ancestors(&self) -> impl Iterator<Item = Self> {
        std::iter::successors(Some(self.clone()), Self::parent)
    }

    /// The directories below the area on the way to the path, and the path itself, outermost first.
    pub(crate) fn descent(&self) -> Vec<Self> {
        let mut steps: Vec<Self> = self.ancestors().filter(|path| !path.below.is_empty()).collect();
        steps.reverse();
        steps
    }

    /// Whether the path is `above`, or below it.
    pub(crate) fn is_within(&self, above: &Self) -> bool {
        let rest = self.below.strip_prefix(&above.below).filter(|_| self.area == above.area);
        rest.is_some_and(|rest| rest.is_empty() || above.below.is_empty() || rest.starts_with('/'))
    }

    /// The entry `name` of this directory. `None` when `name` is no plain file name: when it is empty, `.` or `..`, or
    /// contains a slash or a NUL.
    pub(crate) fn child(&self, name: &str) -> Option<Self> {
        let plain = !matches!(name, "" | "." | "..") && !name.contains(['/', '\0']);
        plain.then(|| self.join(name))
    }

    /// The link in this directory.
    pub(crate) fn link(&self) -> Self {
        self.join(super::LINK)
    }

    /// The content in this directory of a blob or an upload.
    pub(crate) fn data(&self) -> Self {
        self.join(super::DATA)
    }

    /// In a tag's directory, the directory of the link to its manifest.
    pub(crate) fn current(&self) -> Self {
        self.join("current")
    }

    /// In a tag's directory, the directory of the links to everything that it has pointed to.
    pub(crate) fn history(&self) -> Self {
        self.join("index")
    }

    /// In a revision's directory, the directory of the links to its signatures.
    pub(crate) fn signatures(&self) -> Self {
        self.join("signatures")
    }

    /// In an upload's directory, the file that says when it began.
    pub(crate) fn started_at(&self) -> Self {
        self.join("startedat")
    }

    /// In an upload's directory, the directory of its hash states.
    pub(crate) fn hash_states(&self) -> Self {
        self.join("hashstates")
    }

    // The caller knows that the name is a plain file name.
    pub(super) fn join(&self, name: &str) -> Self {
        let mut below = String::with_capacity(self.below.len() + 1 + name.len());
        below.push_str(&self.below);
        if !below.is_empty() {
            below.push('/');
        }
        below.push_str(name);
        Self { area: self.area, below }
    }

    pub(super) fn join_all<'a>(&self, names: impl IntoIterator<Item = &'a str>) -> Self {
        names.into_iter().fold(self.clone(), |path, name| path.join(name))
    }
}

impl fmt::Display for TreePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.area.name())?;
        if self.below.is_empty() {
            return Ok(());
        }
        write!(f, "/{}", self.below)
    }
}

impl fmt::Debug for TreePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
