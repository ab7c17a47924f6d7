//! Where the things of a repository lie: every path below its directory, in both layouts.

use super::{Area, KeyedDirectory, TreePath, algorithm_directories, keyed};
use crate::digest::{Algorithm, Digest};
use crate::name::{RepositoryName, UploadId};

/// How a repository's own folders are called.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Form {
    /// `_layers`, `_manifests`, `_uploads`: alpha.2 and later, and whatever regtree writes.
    Current,
    /// `layers`, `manifests`, `uploads`: alpha.0 and alpha.1.
    Alpha,
}

impl Form {
    /// Both, the current one first.
    pub const ALL: [Self; 2] = [Self::Current, Self::Alpha];

    /// Whether `name` is what a repository's own folder is called.
    pub fn owns(self, name: &str) -> bool {
        [self.layers(), self.manifests(), self.uploads()].contains(&name)
    }

    pub(super) const fn layers(self) -> &'static str {
        match self {
            Self::Current => "_layers",
            Self::Alpha => "layers",
        }
    }

    pub(super) const fn manifests(self) -> &'static str {
        match self {
            Self::Current => "_manifests",
            Self::Alpha => "manifests",
        }
    }

    pub(super) const fn uploads(self) -> &'static str {
        match self {
            Self::Current => "_uploads",
            Self::Alpha => "uploads",
        }
    }
}

/// A repository by its directory, in one of the layouts: for those too whose names are none.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Place {
    /// The repository's directory; other repositories may lie below it.
    pub(crate) directory: TreePath,
    /// How its own folders are called.
    pub(crate) form: Form,
}

impl Place {
    /// The repository called `name`.
    pub(crate) fn of(name: &RepositoryName, form: Form) -> Self {
        let directory = TreePath { area: Area::Repositories, below: name.as_str().to_owned() };
        Self { directory, form }
    }

    /// Its own folders: layers, manifests, uploads.
    pub(crate) fn own(&self) -> [TreePath; 3] {
        [self.form.layers(), self.form.manifests(), self.form.uploads()].map(|name| self.directory.join(name))
    }

    /// Where its layer links lie.
    pub(crate) fn layers(&self) -> TreePath {
        self.directory.join(self.form.layers())
    }

    /// The directory of a layer link.
    pub(crate) fn layer(&self, digest: &Digest) -> TreePath {
        keyed(&self.layers(), digest)
    }

    /// A layer link.
    pub(crate) fn layer_link(&self, digest: &Digest) -> TreePath {
        self.layer(digest).link()
    }

    /// Where its manifests' links lie.
    pub(crate) fn revisions(&self) -> TreePath {
        self.directory.join_all([self.form.manifests(), "revisions"])
    }

    /// The directory of a manifest: its link, and the links of its stored signatures.
    pub(crate) fn revision(&self, digest: &Digest) -> TreePath {
        keyed(&self.revisions(), digest)
    }

    /// A manifest's link.
    pub(crate) fn revision_link(&self, digest: &Digest) -> TreePath {
        self.revision(digest).link()
    }

    /// Where the links of a manifest's stored signatures lie (alpha.0 to 2.4).
    pub(crate) fn signatures(&self, revision: &Digest) -> TreePath {
        self.revision(revision).signatures()
    }

    /// Where its tags lie.
    pub(crate) fn tags(&self) -> TreePath {
        self.directory.join_all([self.form.manifests(), "tags"])
    }

    /// The directory of a tag, by the name of a directory among the tags.
    pub(crate) fn tag(&self, tag: &str) -> TreePath {
        self.tags().join(tag)
    }

    /// Where a tag's history lies: the links to all that it ever pointed to.
    pub(crate) fn history(&self, tag: &str) -> TreePath {
        self.tag(tag).history()
    }

    /// The directory of an entry in a tag's history.
    pub(crate) fn past(&self, tag: &str, digest: &Digest) -> TreePath {
        keyed(&self.history(tag), digest)
    }

    /// Where its uploads lie.
    pub(crate) fn uploads(&self) -> TreePath {
        self.directory.join(self.form.uploads())
    }

    /// The directory of an upload.
    pub(crate) fn upload(&self, id: &UploadId) -> TreePath {
        self.uploads().join(id.as_str())
    }

    /// Where an upload's hash states lie.
    pub(crate) fn hash_states(&self, id: &UploadId) -> TreePath {
        self.upload(id).hash_states().join(Algorithm::Sha256.name())
    }
}

/// The tag's directory in whose history an entry lies.
pub(crate) fn tag_of_past(entry: &TreePath) -> Option<TreePath> {
    let mut above = std::iter::successors(entry.parent(), TreePath::parent);
    above.find(|path| path.file_name() == "index")?.parent()
}

/// The directory of a manifest in the repository of a tag's directory.
pub(crate) fn revision_beside(tag: &TreePath, digest: &Digest) -> Option<TreePath> {
    let manifests = tag.parent()?.parent()?;
    Some(keyed(&manifests.join("revisions"), digest))
}

/// The own folders of a repository that lies in `directory`, in either layout.
pub(crate) fn own_folders(directory: &TreePath) -> Vec<TreePath> {
    // An alpha's may be repositories of today, and are only ever emptied.
    let form = Form::Current;
    Place { directory: directory.clone(), form }.own().to_vec()
}

/// Whether a file, such as a link, is one that makes a manifest a repository's.
#[cfg(feature = "cli")]
pub(crate) fn is_of_revision(path: &std::path::Path) -> bool {
    path.ancestors().nth(3).is_some_and(|directory| {
        directory.ends_with("manifests/revisions") || directory.ends_with("_manifests/revisions")
    })
}

/// Where alpha.0 and alpha.1 keep what is called by a digest, below a repository's directory: an entry there tells such
/// a repository from a directory that merely holds others called `lib/layers` or `lib/manifests`.
pub(crate) fn alpha_directories(repository: &TreePath) -> impl Iterator<Item = KeyedDirectory> {
    let (layers, manifests) = (Form::Alpha.layers(), Form::Alpha.manifests());
    let directories = [repository.join(layers), repository.join(manifests).join("revisions")];
    directories.into_iter().flat_map(|directory| algorithm_directories(&directory))
}

/// Where alpha.0 and alpha.1 keep uploads, below a repository's directory.
pub(crate) fn alpha_uploads(repository: &TreePath) -> TreePath {
    repository.join(Form::Alpha.uploads())
}
