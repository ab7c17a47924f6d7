//! The tree's paths, both ways: what a thing is called becomes where it lies, and a path becomes what lies there.
//!
//! This is layout.md §1 as code, and the only module that knows it. Paths are relative to `docker/registry/v2`
//! ([`PREFIX`]); they are made of checked names only, so none of them leads out of the tree. Nothing here touches a
//! disk: reading is `tree`'s, writing is `durable`'s.
//!
//! Two layouts share the tree. Registries since alpha.2 put an underscore before a repository's own folders
//! ([`Form::Current`]); alpha.0 and alpha.1 did not ([`Form::Alpha`]), which is read and never written. Registry 2.1.0
//! wrote manifest revision links where layer links belong: such a link has the path of a [`Item::LayerLink`], and only
//! what it names tells the difference ([`Entry::misplaced_revision_link`]).

mod parse;
mod quarantine;

use std::fmt;

use crate::digest::{Algorithm, Digest, TarsumVersion};
use crate::name::{RepositoryName, Tag, UploadId};

pub(crate) use quarantine::{JOURNAL, QUARANTINE, THINGS, quarantined_blob};
pub use quarantine::{is_in_quarantine, quarantine_beside};

/// Where the tree lies below the registry's `rootdirectory`.
pub const PREFIX: &str = "docker/registry/v2";
/// regtree's own state, below `rootdirectory` and beside `docker`, where no registry looks.
pub const PRIVATE: &str = ".regtree";
/// What a pull-through registry keeps in `rootdirectory` beside `docker`: not regtree's, and never touched.
pub const SCHEDULER_STATE: &str = "scheduler-state.json";

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
    area: Area,
    below: String,
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
    fn join(&self, name: &str) -> Self {
        let mut below = String::with_capacity(self.below.len() + 1 + name.len());
        below.push_str(&self.below);
        if !below.is_empty() {
            below.push('/');
        }
        below.push_str(name);
        Self { area: self.area, below }
    }

    fn join_all<'a>(&self, names: impl IntoIterator<Item = &'a str>) -> Self {
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

    const fn layers(self) -> &'static str {
        match self {
            Self::Current => "_layers",
            Self::Alpha => "layers",
        }
    }

    const fn manifests(self) -> &'static str {
        match self {
            Self::Current => "_manifests",
            Self::Alpha => "manifests",
        }
    }

    const fn uploads(self) -> &'static str {
        match self {
            Self::Current => "_uploads",
            Self::Alpha => "uploads",
        }
    }
}

/// A file that belongs in the tree.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Entry {
    /// `blobs/…/data`: content.
    Blob(Digest),
    /// A file of one repository.
    InRepository {
        /// Whose it is.
        repository: RepositoryName,
        /// Which layout it lies in.
        form: Form,
        /// What it is.
        item: Item,
    },
    /// `<file>.<uuid>.tmp`: what an interrupted small write left beside its place (3.1 and later, and regtree).
    LeftOver {
        /// The file that was to be written.
        of: Box<Entry>,
        /// What made the name unique.
        id: uuid::Uuid,
    },
}

/// A file of a repository, by its place below the repository's directory.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Item {
    /// Grants the repository a blob. For an alias the digest in the path differs from the one inside.
    LayerLink(Digest),
    /// Makes a manifest the repository's.
    RevisionLink(Digest),
    /// One stored signature of a schema1 manifest (alpha.0 to 2.4).
    SignatureLink {
        /// The manifest signed.
        revision: Digest,
        /// The signature's own blob.
        signature: Digest,
    },
    /// What a tag points to now.
    TagCurrent(Tag),
    /// What a tag has ever pointed to.
    TagIndex(Tag, Digest),
    /// When an upload began.
    UploadStartedAt(UploadId),
    /// What an upload has received.
    UploadData(UploadId),
    /// The hash's inner state after so many bytes.
    HashState {
        /// The upload.
        upload: UploadId,
        /// The hash.
        algorithm: Algorithm,
        /// How many bytes the state stands for.
        offset: u64,
    },
}

impl Entry {
    /// The blob's content.
    pub fn blob(digest: Digest) -> Self {
        Self::Blob(digest)
    }

    /// A file of `repository` in the current layout.
    pub fn in_repository(repository: &RepositoryName, item: Item) -> Self {
        Self::InRepository { repository: repository.clone(), form: Form::Current, item }
    }

    /// Where registry 2.1.0 put the link of a manifest revision: where a layer link belongs (layout.md §1.4).
    pub fn misplaced_revision_link(repository: &RepositoryName, revision: Digest) -> Self {
        Self::in_repository(repository, Item::LayerLink(revision))
    }

    /// Where it lies.
    pub fn path(&self) -> TreePath {
        match self {
            Self::Blob(digest) => blob_directory(digest).data(),
            Self::InRepository { repository, form, item } => item.path(repository, *form),
            Self::LeftOver { of, id } => {
                let mut path = of.path();
                path.below.push_str(&temporary_suffix(*id));
                path
            }
        }
    }
}

impl Item {
    fn path(&self, repository: &RepositoryName, form: Form) -> TreePath {
        match self {
            Self::LayerLink(digest) => link(&layers_directory(repository, form), digest),
            Self::RevisionLink(digest) => link(&revisions_directory(repository, form), digest),
            Self::SignatureLink { revision, signature } => {
                link(&signatures_directory(repository, form, revision), signature)
            }
            Self::TagCurrent(tag) => tag_directory(repository, form, tag).join_all(["current", "link"]),
            Self::TagIndex(tag, digest) => link(&tag_index_directory(repository, form, tag), digest),
            Self::UploadStartedAt(id) => upload_directory(repository, form, id).started_at(),
            Self::UploadData(id) => upload_directory(repository, form, id).data(),
            Self::HashState { upload, algorithm, offset } => {
                let states = upload_directory(repository, form, upload).hash_states();
                states.join(algorithm.name()).join(&offset.to_string())
            }
        }
    }
}

/// `<alg>/<hex>` below a directory, with a tarsum's `+` and `.` turned into directories.
fn keyed(directory: &TreePath, digest: &Digest) -> TreePath {
    algorithm_directory(directory, digest).join(&digest.hex())
}

fn link(directory: &TreePath, digest: &Digest) -> TreePath {
    keyed(directory, digest).link()
}

/// The entry that is called by `digest`, in a directory of such: `<directory>/<alg>/<hex>`.
pub(crate) fn entry_in(directory: &TreePath, digest: &Digest) -> TreePath {
    keyed(directory, digest)
}

fn algorithm_directory(directory: &TreePath, digest: &Digest) -> TreePath {
    let (tarsum, algorithm) = digest.parts();
    match tarsum {
        None => directory.join(algorithm.name()),
        Some(version) => directory.join_all(["tarsum", version.directory(), algorithm.name()]),
    }
}

/// The directories that digests of each kind are kept in, below `directory`.
pub(crate) fn algorithm_directories(directory: &TreePath) -> Vec<KeyedDirectory> {
    let plain = Algorithm::ALL.map(|algorithm| (None, algorithm));
    let tarsums = TarsumVersion::ALL.into_iter().flat_map(|version| Algorithm::ALL.map(|a| (Some(version), a)));
    let kinds = plain.into_iter().chain(tarsums);
    kinds
        .map(|(tarsum, algorithm)| {
            let tarsum_path = tarsum.map(|version| directory.join_all(["tarsum", version.directory()]));
            let path = tarsum_path.as_ref().unwrap_or(directory).join(algorithm.name());
            KeyedDirectory { tarsum, algorithm, path }
        })
        .collect()
}

/// A directory whose entries are called by the hex digits of one kind of digest.
#[derive(Clone, Debug)]
pub(crate) struct KeyedDirectory {
    tarsum: Option<TarsumVersion>,
    algorithm: Algorithm,
    /// Where it is.
    pub(crate) path: TreePath,
}

impl KeyedDirectory {
    /// Whether it is `sha256`.
    pub(crate) fn is_canonical(&self) -> bool {
        self.tarsum.is_none() && self.algorithm == Algorithm::Sha256
    }

    /// The digest that an entry's name spells.
    pub(crate) fn digest(&self, hex: &str) -> Option<Digest> {
        Digest::from_parts(self.tarsum, self.algorithm, hex).ok()
    }
}

/// The directory that holds a blob's `data`.
pub fn blob_directory(digest: &Digest) -> TreePath {
    let hex = digest.hex();
    algorithm_directory(&Area::Blobs.path(), digest).join_all([&hex[..2], &hex[..]])
}

/// `blobs/sha256`, which stays even when it is empty.
pub fn canonical_blobs_directory() -> TreePath {
    Area::Blobs.path().join(Algorithm::Sha256.name())
}

/// A repository's directory; other repositories may lie below it.
pub fn repository_directory(repository: &RepositoryName) -> TreePath {
    TreePath { area: Area::Repositories, below: repository.as_str().to_owned() }
}

/// Where a repository's layer links lie.
pub fn layers_directory(repository: &RepositoryName, form: Form) -> TreePath {
    repository_directory(repository).join(form.layers())
}

/// Where a repository's manifest revisions lie.
pub fn revisions_directory(repository: &RepositoryName, form: Form) -> TreePath {
    repository_directory(repository).join_all([form.manifests(), "revisions"])
}

/// One manifest revision: its link, and the links of its stored signatures.
pub fn revision_directory(repository: &RepositoryName, form: Form, revision: &Digest) -> TreePath {
    keyed(&revisions_directory(repository, form), revision)
}

/// Whether a file, such as a link, is one that makes a manifest a repository's.
#[cfg(feature = "cli")]
pub(crate) fn is_of_revision(path: &std::path::Path) -> bool {
    path.ancestors().nth(3).is_some_and(|directory| {
        directory.ends_with("manifests/revisions") || directory.ends_with("_manifests/revisions")
    })
}

/// Where the links of a manifest's stored signatures lie (alpha.0 to 2.4).
pub fn signatures_directory(repository: &RepositoryName, form: Form, revision: &Digest) -> TreePath {
    revision_directory(repository, form, revision).signatures()
}

/// Where a repository's tags lie.
pub fn tags_directory(repository: &RepositoryName, form: Form) -> TreePath {
    repository_directory(repository).join_all([form.manifests(), "tags"])
}

/// One tag: what it points to now, and what it ever pointed to.
pub fn tag_directory(repository: &RepositoryName, form: Form, tag: &Tag) -> TreePath {
    tags_directory(repository, form).join(tag.as_str())
}

/// Where the links to all that a tag ever pointed to lie.
pub fn tag_index_directory(repository: &RepositoryName, form: Form, tag: &Tag) -> TreePath {
    tag_directory(repository, form, tag).history()
}

/// A repository's own folders: layers, manifests, uploads.
pub fn own_directories(repository: &RepositoryName, form: Form) -> [TreePath; 3] {
    let directory = repository_directory(repository);
    [form.layers(), form.manifests(), form.uploads()].map(|name| directory.join(name))
}

/// Where a repository's uploads lie.
pub fn uploads_directory(repository: &RepositoryName, form: Form) -> TreePath {
    repository_directory(repository).join(form.uploads())
}

/// Where an upload's hash states lie.
pub fn hash_states_directory(repository: &RepositoryName, form: Form, id: &UploadId) -> TreePath {
    upload_directory(repository, form, id).join_all(["hashstates", Algorithm::Sha256.name()])
}

/// One upload's session.
pub fn upload_directory(repository: &RepositoryName, form: Form, id: &UploadId) -> TreePath {
    repository_directory(repository).join(form.uploads()).join(id.as_str())
}

/// Where a repository's things lie, by its directory: for those too whose names are none.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Place {
    /// The repository's directory.
    pub(crate) directory: TreePath,
    /// How its own folders are called.
    pub(crate) form: Form,
}

impl Place {
    /// Its own folders: layers, manifests, uploads.
    pub(crate) fn own(&self) -> [TreePath; 3] {
        [self.form.layers(), self.form.manifests(), self.form.uploads()].map(|name| self.directory.join(name))
    }

    pub(crate) fn layers(&self) -> TreePath {
        self.directory.join(self.form.layers())
    }

    pub(crate) fn revisions(&self) -> TreePath {
        self.directory.join_all([self.form.manifests(), "revisions"])
    }

    pub(crate) fn tags(&self) -> TreePath {
        self.directory.join_all([self.form.manifests(), "tags"])
    }

    /// The directory of a layer link.
    pub(crate) fn layer(&self, digest: &Digest) -> TreePath {
        keyed(&self.layers(), digest)
    }

    /// A layer link.
    pub(crate) fn layer_link(&self, digest: &Digest) -> TreePath {
        self.layer(digest).link()
    }

    /// The directory of a revision.
    pub(crate) fn revision(&self, digest: &Digest) -> TreePath {
        keyed(&self.revisions(), digest)
    }

    /// Where a tag's history lies, by the name of a directory among the tags.
    pub(crate) fn history(&self, tag: &str) -> TreePath {
        self.tags().join(tag).history()
    }

    /// The directory of an entry in a tag's history.
    pub(crate) fn past(&self, tag: &str, digest: &Digest) -> TreePath {
        keyed(&self.history(tag), digest)
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

/// What file a temporary was to become, by its name.
pub(crate) fn temporary_of(name: &str) -> Option<&str> {
    parse::split_temporary(name).map(|(file, _)| file)
}

/// The end of a temporary's name, as registries from 3.1 on write it (layout.md §10).
pub(crate) fn temporary_suffix(id: uuid::Uuid) -> String {
    format!(".{id}.tmp")
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

#[cfg(test)]
mod tests;
