//! One repository's view of the tree: the blobs that its links grant it.
//!
//! Reading goes through the links. Without one the blob is unknown here, even when its content exists in the tree.

pub(crate) mod find;
pub mod revision;

use crate::digest::Digest;
use crate::error::{Error, LinkFault, Missing, Result};
use crate::layout::{self, Entry, Form, Item, TreePath};
use crate::name::RepositoryName;
use crate::tree::{Kind, Tree, digests};

/// The longest digest is 135 bytes; a file that is longer than this is no link, and is not read to its end.
pub(crate) const LINK_MAX: u64 = 4096;
/// How much of a malformed link an error shows, in characters.
const SHOWN: usize = 160;

/// A repository in a tree.
#[derive(Clone, Debug)]
pub struct Repository<'t> {
    tree: &'t Tree,
    name: RepositoryName,
}

/// A link to a blob.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Link {
    /// The digest in its path: what the blob can be asked for by.
    pub key: Digest,
    /// The digest inside: what the content is stored under. Another one than the key's for an alias.
    pub target: Digest,
    /// Where it lies.
    pub path: TreePath,
}

impl Link {
    /// Whether the blob is called by another digest here than the one that it is stored under.
    pub fn is_alias(&self) -> bool {
        self.key != self.target
    }
}

impl<'t> Repository<'t> {
    /// The repository called `name`, whether or not there is one.
    pub fn new(tree: &'t Tree, name: RepositoryName) -> Self {
        Self { tree, name }
    }

    /// Its name.
    pub fn name(&self) -> &RepositoryName {
        &self.name
    }

    /// The tree it lies in.
    pub fn tree(&self) -> &'t Tree {
        self.tree
    }

    /// Whether the tree has such a repository: one of its own folders is there.
    pub fn exists(&self) -> Result<bool> {
        for directory in layout::own_directories(&self.name, Form::Current) {
            if self.tree.metadata(&directory)?.is_some_and(|found| found.kind == Kind::Directory) {
                return Ok(true);
            }
        }
        find::is_alpha(self.tree, &layout::repository_directory(&self.name))
    }

    pub(crate) fn unknown(&self) -> Error {
        let path = self.tree.locate(&layout::repository_directory(&self.name));
        Error::RepositoryUnknown { repository: self.name.clone(), path }
    }

    /// Reads the link to `key`. `Ok(None)` when there is none; one that says something else than a link in its place
    /// must is `Err(BrokenLink)`.
    pub fn find_link(&self, key: Digest) -> Result<Option<Link>> {
        for form in Form::ALL {
            let path = self.link_path(key, form);
            if let Some(target) = self.read_link(key, &path)? {
                return Ok(Some(Link { key, target, path }));
            }
        }
        Ok(None)
    }

    /// What the link at `path` says, whose place says `key`. `Ok(None)` when there is none.
    pub(crate) fn read_link(&self, key: Digest, path: &TreePath) -> Result<Option<Digest>> {
        let Some(content) = self.tree.read_small(path, LINK_MAX)? else { return Ok(None) };
        parse_link(&key, &content).map(Some).map_err(|fault| self.broken(key, path, fault))
    }

    /// The link to `key`. `Err(BlobUnknown)` when there is none, `Err(RepositoryUnknown)` when there is no repository.
    pub fn link(&self, key: Digest) -> Result<Link> {
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

    /// Why there is no such manifest here.
    pub(crate) fn manifest_unknown(&self, digest: Digest, missing: Missing) -> Error {
        let path = match missing {
            Missing::Content => Entry::Blob(digest).path(),
            Missing::Link => Entry::in_repository(&self.name, Item::RevisionLink(digest)).path(),
        };
        Error::ManifestUnknown { repository: self.name.clone(), digest, path: self.tree.locate(&path), missing }
    }

    /// Whether a manifest of that digest is linked here.
    pub(crate) fn has_revision(&self, digest: Digest) -> Result<bool> {
        for form in Form::ALL {
            let item = Item::RevisionLink(digest);
            let entry = Entry::InRepository { repository: self.name.clone(), form, item };
            if self.tree.metadata(&entry.path())?.is_some() {
                return Ok(true);
            }
        }
        Ok(false)
    }

    pub(crate) fn link_path(&self, key: Digest, form: Form) -> TreePath {
        Entry::InRepository { repository: self.name.clone(), form, item: Item::LayerLink(key) }.path()
    }

    pub(crate) fn broken(&self, digest: Digest, path: &TreePath, fault: LinkFault) -> Error {
        Error::BrokenLink { repository: self.name.clone(), digest, path: self.tree.locate(path), fault }
    }

    /// The digests that the repository has layer links for, sorted within each layout and algorithm, and what is
    /// damaged among them. The links themselves are not opened.
    pub fn keys(&self) -> impl Iterator<Item = Result<(Digest, TreePath)>> {
        let layers = Form::ALL.into_iter().map(|form| layout::layers_directory(&self.name, form));
        layers.flat_map(|layers| digests::links(self.tree, &layers))
    }

    /// The links that call the content `target` by another digest. Links at a sha256 are passed over unopened: their
    /// names say what they link. Damage met on the way is added to `damage`.
    pub(crate) fn aliases_of(&self, target: Digest, damage: &mut Vec<Error>) -> Vec<Link> {
        let mut aliases = Vec::new();
        let layers = Form::ALL.into_iter().map(|form| layout::layers_directory(&self.name, form));
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

/// A link holds a digest and nothing else (layout.md §1.2).
pub(crate) fn parse_target(content: &[u8]) -> Result<Digest, LinkFault> {
    if content.is_empty() {
        return Err(LinkFault::Empty);
    }
    let target: Option<Digest> = std::str::from_utf8(content).ok().and_then(|text| text.parse().ok());
    target.ok_or_else(|| LinkFault::Malformed { found: quote(content) })
}

/// A link to content holds the digest of its own path, unless it is an alias.
fn parse_link(key: &Digest, content: &[u8]) -> Result<Digest, LinkFault> {
    let target = parse_target(content)?;
    if target == *key && (key.is_canonical() || key.is_tarsum()) {
        return Ok(target);
    }
    if key.is_canonical() {
        return Err(LinkFault::Mismatch { found: target });
    }
    if target.is_canonical() { Ok(target) } else { Err(LinkFault::Alias { found: target }) }
}

fn quote(content: &[u8]) -> String {
    let text = String::from_utf8_lossy(content);
    let shown: String = text.chars().take(SHOWN).flat_map(char::escape_debug).collect();
    if text.chars().count() > SHOWN {
        return format!("\"{shown}…\" ({} bytes)", content.len());
    }
    format!("\"{shown}\"")
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test may")]
mod tests {
    use super::*;

    #[test]
    fn a_link_says_its_own_digest_or_the_one_it_stands_for() {
        let sha256 = Digest::of(b"content");
        let other = Digest::of(b"other");
        let sha512: Digest = format!("sha512:{}", "ab".repeat(64)).parse().unwrap();
        let tarsum: Digest = format!("tarsum.v1+sha256:{}", "cd".repeat(32)).parse().unwrap();
        let parse = |key: &Digest, content: &str| parse_link(key, content.as_bytes());
        for (key, target) in [(sha256, sha256), (sha512, sha256), (tarsum, sha256), (tarsum, tarsum)] {
            assert_eq!(parse(&key, &target.to_string()), Ok(target));
        }
        assert_eq!(parse(&sha256, ""), Err(LinkFault::Empty));
        assert_eq!(parse(&sha256, &other.to_string()), Err(LinkFault::Mismatch { found: other }));
        assert_eq!(parse(&sha256, &sha512.to_string()), Err(LinkFault::Mismatch { found: sha512 }));
        assert_eq!(parse(&sha512, &sha512.to_string()), Err(LinkFault::Alias { found: sha512 }));
        for junk in [format!("{sha256}\n"), format!(" {sha256}"), "x".to_owned(), sha256.to_string()[..40].to_owned()] {
            assert!(matches!(parse(&sha256, &junk), Err(LinkFault::Malformed { .. })), "{junk:?}");
        }
        assert!(matches!(parse_link(&sha256, &[0xff; 71]), Err(LinkFault::Malformed { .. })));
    }

    #[test]
    fn what_a_bad_link_holds_is_shown_safely() {
        assert_eq!(quote(b"a\x1b[2J\n"), "\"a\\u{1b}[2J\\n\"");
        assert!(quote(&[b'x'; 4096]).ends_with("…\" (4096 bytes)"));
    }
}
