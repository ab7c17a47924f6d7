//! One repository's view of the tree: the blobs and manifests that its links grant it.
//!
//! Everything is read through links. **Without a link to it a blob is unknown here**, even when its content exists in
//! the tree.
//!
//! * `cache`: whether the tree is one of a pull-through cache.
//! * `find`: which directories are repositories. Every command uses this rule.
//! * `link`: what a link says. Every command reads links with this.
//! * `revision`: the manifests of a repository.

pub(crate) mod cache;
pub(crate) mod find;
pub(crate) mod link;
pub(crate) mod revision;
mod unreadable;

use crate::digest::{Digest, DigestPrefix};
use crate::error::{Error, LinkFault, Missing, Result};
use crate::layout::{self, Entry, Form, Place, TreePath};
use crate::name::RepositoryName;
use crate::tree::{EntryKind, Tree, digests};
pub use unreadable::Unreadable;

/// A repository in a tree.
#[derive(Clone, Debug)]
pub struct Repository<'t> {
    tree: &'t Tree,
    name: RepositoryName,
}

/// A link to a blob.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Link {
    /// The digest in its path, by which clients ask for the blob.
    pub key: Digest,
    /// The digest in the link, under which the content is stored. In an alias it is not the key.
    pub target: Digest,
    /// Its path.
    pub path: TreePath,
}

impl Link {
    /// Whether the blob is stored under another digest than its key.
    pub(crate) fn is_alias(&self) -> bool {
        self.key != self.target
    }
}

impl<'t> Repository<'t> {
    /// The repository `name`, which need not exist.
    pub(crate) fn new(tree: &'t Tree, name: RepositoryName) -> Self {
        Self { tree, name }
    }

    /// Its name.
    pub fn name(&self) -> &RepositoryName {
        &self.name
    }

    /// Its place, in one of the layouts.
    pub(crate) fn place(&self, form: Form) -> Place {
        Place::of(&self.name, form)
    }

    /// The tree that contains it.
    pub fn tree(&self) -> &'t Tree {
        self.tree
    }

    /// Whether the repository exists: whether one of its own folders is there.
    pub(crate) fn exists(&self) -> Result<bool> {
        for directory in self.place(Form::Current).own() {
            if self.tree.metadata(&directory)?.is_some_and(|found| found.kind == EntryKind::Directory) {
                return Ok(true);
            }
        }
        find::is_alpha(self.tree, &self.place(Form::Current).directory)
    }

    pub(crate) fn unknown(&self) -> Error {
        let path = self.tree.locate(&self.place(Form::Current).directory);
        Error::RepositoryUnknown { repository: self.name.clone(), path }
    }

    /// Reads the link to `key`. `Ok(None)` when there is none, `Err(BrokenLink)` when it does not say what a link with
    /// this path must say.
    pub(crate) fn find_link(&self, key: Digest) -> Result<Option<Link>> {
        for form in Form::ALL {
            let path = self.link_path(key, form);
            if let Some(target) = self.read_link(key, &path)? {
                return Ok(Some(Link { key, target, path }));
            }
        }
        Ok(None)
    }

    /// Reads the layer link of `key` at `path`. `Ok(None)` when there is none.
    fn read_link(&self, key: Digest, path: &TreePath) -> Result<Option<Digest>> {
        self.read_checked(key, path, link::check_layer)
    }

    /// Whether there is a link of the manifest `key` at `path`. `Err(BrokenLink)` when it says something else.
    pub(crate) fn is_linked(&self, key: Digest, path: &TreePath) -> Result<bool> {
        self.read_checked(key, path, link::check_manifest).map(|found| found.is_some())
    }

    fn read_checked(
        &self,
        key: Digest,
        path: &TreePath,
        check: fn(&Digest, Digest) -> link::Said,
    ) -> Result<Option<Digest>> {
        let Some(said) = link::read(self.tree, path)? else { return Ok(None) };
        said.and_then(|target| check(&key, target)).map(Some).map_err(|fault| self.broken(key, path, fault))
    }

    /// The link to `key`. `Err(BlobUnknown)` when there is none, `Err(RepositoryUnknown)` when there is no repository.
    pub(crate) fn link(&self, key: Digest) -> Result<Link> {
        match self.find_link(key)? {
            Some(link) => Ok(link),
            None if self.exists()? => Err(self.blob_unknown(key)?),
            None => Err(self.unknown()),
        }
    }

    pub(crate) fn blob_unknown(&self, key: Digest) -> Result<Error> {
        let path = self.tree.locate(&self.link_path(key, Form::Current));
        let content = self.tree.metadata(&Entry::Blob(key).path())?.is_some();
        let manifest = self.has_revision(key)?;
        Ok(Error::BlobUnknown { repository: self.name.clone(), digest: key, path, manifest, content })
    }

    /// The error that this repository has no such manifest.
    pub(crate) fn manifest_unknown(&self, digest: Digest, missing: Missing) -> Error {
        let path = match missing {
            Missing::Content => Entry::Blob(digest).path(),
            Missing::Link => self.place(Form::Current).revision_link(&digest),
        };
        Error::ManifestUnknown { repository: self.name.clone(), digest, path: self.tree.locate(&path), missing }
    }

    /// Whether a manifest with that digest is linked here.
    pub(crate) fn has_revision(&self, digest: Digest) -> Result<bool> {
        for form in Form::ALL {
            if self.tree.metadata(&self.place(form).revision_link(&digest))?.is_some() {
                return Ok(true);
            }
        }
        Ok(false)
    }

    pub(crate) fn link_path(&self, key: Digest, form: Form) -> TreePath {
        self.place(form).layer_link(&key)
    }

    fn broken(&self, digest: Digest, path: &TreePath, fault: LinkFault) -> Error {
        Error::BrokenLink { repository: self.name.clone(), digest, path: self.tree.locate(path), fault }
    }

    /// The digests for which the repository has layer links, sorted within each layout and algorithm, and the damage
    /// among them. The links themselves are not opened.
    pub fn keys(&self) -> impl Iterator<Item = Result<(Digest, TreePath)>> {
        let layers = Form::ALL.into_iter().map(|form| self.place(form).layers());
        layers.flat_map(|layers| digests::links(self.tree, &layers))
    }

    /// The digests that begin with `prefix` for which the repository has layer links. The links themselves are not opened.
    pub(crate) fn keys_beginning_with(&self, prefix: &DigestPrefix) -> Result<Vec<Digest>> {
        let mut keys = Vec::new();
        for form in Form::ALL {
            let layers = layout::keyed_directory(&self.place(form).layers(), prefix.parts());
            for key in digests::beginning_with(self.tree, &layers, prefix.hex())? {
                if self.tree.metadata(&self.link_path(key, form))?.is_some() {
                    keys.push(key);
                }
            }
        }
        Ok(keys)
    }

    /// The aliases for the content `target`. Links with a sha256 in their path are skipped unopened: their path says
    /// what they link. Damage that is found on the way is added to `damage`.
    pub(crate) fn aliases_of(&self, target: Digest, damage: &mut Vec<Error>) -> Vec<Link> {
        let mut aliases = Vec::new();
        let layers = Form::ALL.into_iter().map(|form| self.place(form).layers());
        for found in layers.flat_map(|layers| digests::other_links(self.tree, &layers)) {
            match found.and_then(|(key, _)| self.find_link(key)) {
                Ok(Some(link)) if link.is_alias() && link.target == target => aliases.push(link),
                Ok(_) => {}
                Err(error) => damage.push(error),
            }
        }
        aliases
    }
}
