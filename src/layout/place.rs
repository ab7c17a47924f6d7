//! The paths below a repository's directory, in both layouts.

use super::{Area, KeyedDirectory, TreePath, algorithm_directories, keyed};
use crate::digest::{Algorithm, Digest};
use crate::name::{RepositoryName, UploadId};

/// The names of a repository's own folders.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Form {
    /// `_layers`, `_manifests`, `_uploads`: alpha.2 and later, and everything that regtree writes.
    Current,
    /// `layers`, `manifests`, `uploads`: alpha.0 and alpha.1.
    Alpha,
}

impl Form {
    /// Both layouts, the current one first.
    pub const ALL: [Self; 2] = [Self::Current, Self::Alpha];

    /// Whether `name` is the name of a repository's own folder.
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

/// A repository by its directory, in one of the layouts. It need not have a valid name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Place {
    /// The repository's directory; there may be other repositories below it.
    pub(crate) directory: TreePath,
    /// The names of its own folders.
    pub(crate) form: Form,
}

impl Place {
    /// The repository `name`.
    pub(crate) fn of(name: &RepositoryName, form: Form) -> Self {
        let directory = TreePath { area: Area::Repositories, below: name.as_str().to_owned() };
        Self { directory, form }
    }

    /// Its own folders, in this order: layers, manifests, uploads.
    pub(crate) fn own(&self) -> [TreePath; 3] {
        [self.form.layers(), self.form.manifests(), self.form.uploads()].map(|name| self.directory.join(name))
    }

    /// The directory of its layer links.
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

    /// The directory of its manifests' links.
    pub(crate) fn revisions(&self) -> TreePath {
        self.directory.join_all([self.form.manifests(), "revisions"])
    }

    /// The directory of a manifest, with its link and the links of its stored signatures.
    pub(crate) fn revision(&self, digest: &Digest) -> TreePath {
        keyed(&self.revisions(), digest)
    }

    /// A manifest's link.
    pub(crate) fn revision_link(&self, digest: &Digest) -> TreePath {
        self.revision(digest).link()
    }

    /// The directory of the links of a manifest's stored signatures (alpha.0 to 2.4).
    pub(crate) fn signatures(&self, revision: &Digest) -> TreePath {
        self.revision(revision).signatures()
    }

    /// The directory of its tags.
    pub(crate) fn tags(&self) -> TreePath {
        self.directory.join_all([self.form.manifests(), "tags"])
    }

    /// The directory of a tag. `tag` is the name of a directory among the tags, and need not be a valid tag.
    pub(crate) fn tag(&self, tag: &str) -> TreePath {
        self.tags().join(tag)
    }

    /// The directory of a tag's history: the links to everything that it has pointed to.
    pub(crate) fn history(&self, tag: &str) -> TreePath {
        self.tag(tag).history()
    }

    /// The directory of an entry in a tag's history.
    pub(crate) fn past(&self, tag: &str, digest: &Digest) -> TreePath {
        keyed(&self.history(tag), digest)
    }

    /// The directory of its uploads.
    pub(crate) fn uploads(&self) -> TreePath {
        self.directory.join(self.form.uploads())
    }

    /// The directory of an upload.
    pub(crate) fn upload(&self, id: &UploadId) -> TreePath {
        self.uploads().join(id.as_str())
    }

    /// The directory of an upload's hash states.
    pub(crate) fn hash_states(&self, id: &UploadId) -> TreePath {
        self.upload(id).hash_states().join(Algorithm::Sha256.name())
    }
}

/// The own folders of the repository in `directory`, in the current layout.
pub(crate) fn own_folders(directory: &TreePath) -> Vec<TreePath> {
    // Not the alphas' folders: one may be a repository in the current layout. Those are only ever emptied.
    let form = Form::Current;
    Place { directory: directory.clone(), form }.own().to_vec()
}

/// The repository in whose directory, or own folders, `path` is, by the current layout.
pub(crate) fn repository_of(path: &TreePath) -> String {
    let parts = path.below_area().split('/').take_while(|part| !part.starts_with('_'));
    parts.collect::<Vec<_>>().join("/")
}

/// Whether a file is directly in the directory of a revision, as its link is.
#[cfg(feature = "cli")]
pub(crate) fn is_of_revision(path: &std::path::Path) -> bool {
    path.ancestors().nth(3).is_some_and(|directory| {
        directory.ends_with("manifests/revisions") || directory.ends_with("_manifests/revisions")
    })
}

/// The directories below a repository's directory in which alpha.0 and alpha.1 name entries by digests. Such an entry
/// shows that the directory is a repository, and does not merely contain others with names like `lib/layers`.
pub(crate) fn alpha_directories(repository: &TreePath) -> impl Iterator<Item = KeyedDirectory> {
    let (layers, manifests) = (Form::Alpha.layers(), Form::Alpha.manifests());
    let directories = [repository.join(layers), repository.join(manifests).join("revisions")];
    directories.into_iter().flat_map(|directory| algorithm_directories(&directory))
}

/// The directory below a repository's directory in which alpha.0 and alpha.1 keep uploads.
pub(crate) fn alpha_uploads(repository: &TreePath) -> TreePath {
    repository.join(Form::Alpha.uploads())
}
