//! A path in the tree, and the two areas that all of them lie in.

use std::fmt;

/// The two directories that everything lies in; each may be a symbolic link to another disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Area {
    /// Content.
    Blobs,
    /// Links, tags and uploads.
    Repositories,
}

impl Area {
    /// The directory's name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Blobs => "blobs",
            Self::Repositories => "repositories",
        }
    }

    /// The directory's path.
    pub fn path(self) -> TreePath {
        TreePath { area: self, below: String::new() }
    }
}

/// A path in the tree, relative to [`PREFIX`]: below one of the two areas, without `.`, `..` or empty components.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TreePath {
    pub(super) area: Area,
    pub(super) below: String,
}

impl TreePath {
    /// The area it lies in.
    pub fn area(&self) -> Area {
        self.area
    }

    /// The path below the area; empty for the area itself.
    pub fn below_area(&self) -> &str {
        &self.below
    }

    /// The directory it lies in; `None` for an area.
    pub fn parent(&self) -> Option<Self> {
        if self.below.is_empty() {
            return None;
        }
        let below = self.below.rsplit_once('/').map_or("", |(parent, _)| parent);
        Some(Self { area: self.area, below: below.to_owned() })
    }

    /// The last component.
    pub fn file_name(&self) -> &str {
        if self.below.is_empty() {
            return self.area.name();
        }
        self.below.rsplit_once('/').map_or(&self.below, |(_, name)| name)
    }

    /// What is called `name` in this directory. `None` when `name` is no plain file name: empty, `.`, `..`, or with a
    /// slash or a NUL.
    pub fn child(&self, name: &str) -> Option<Self> {
        let plain = !matches!(name, "" | "." | "..") && !name.contains(['/', '\0']);
        plain.then(|| self.join(name))
    }

    /// The link in this directory.
    pub(crate) fn link(&self) -> Self {
        self.join("link")
    }

    /// The content in this directory, a blob's or an upload's.
    pub(crate) fn data(&self) -> Self {
        self.join("data")
    }

    /// In a tag's directory: where the link to its manifest lies.
    pub(crate) fn current(&self) -> Self {
        self.join("current")
    }

    /// In a tag's directory: where the links to all that it ever pointed to lie.
    pub(crate) fn history(&self) -> Self {
        self.join("index")
    }

    /// In a revision's directory: where the links to its signatures lie.
    pub(crate) fn signatures(&self) -> Self {
        self.join("signatures")
    }

    /// In an upload's directory: when it began.
    pub(crate) fn started_at(&self) -> Self {
        self.join("startedat")
    }

    /// In an upload's directory: where what is known of its hash lies.
    pub(crate) fn hash_states(&self) -> Self {
        self.join("hashstates")
    }

    // For names that are known to be plain.
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
