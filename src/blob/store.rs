//! The global store: one file for each content, and the links that grant it.

use std::fs::File;
use std::io::Read;

use serde::Serialize;

use super::stat::content_size;
use crate::digest::{Digest, HashingReader};
use crate::durable::{Staged, Sync, Writer};
use crate::error::{Error, Result};
use crate::layout::{Entry, Item, TreePath};
use crate::name::RepositoryName;
use crate::tree::Tree;

/// What became of content that was stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "outcome", rename_all = "kebab-case")]
pub enum Outcome {
    /// It is new in the tree.
    Stored,
    /// The tree had it already.
    Existed,
    /// What the tree had under its digest was damaged, and was replaced.
    Replaced {
        /// How many bytes the damaged one had.
        damaged_size: u64,
    },
}

/// Puts the file at `from`, synced and of `size` bytes, in the place of the blob `digest`, which its content has.
///
/// A registry leaves alone whatever it finds there. Here a file of another size is damaged and is replaced, and so is
/// one of other content when `verify` asks to read it. A file that is found sound is left, and `from` too.
pub(crate) fn place(writer: &Writer<'_>, from: &TreePath, digest: Digest, size: u64, verify: bool) -> Result<Outcome> {
    let path = Entry::Blob(digest).path();
    let tree = writer.tree();
    let outcome = match content_size(tree, digest)? {
        None => Outcome::Stored,
        Some(found) if found != size => Outcome::Replaced { damaged_size: found },
        Some(found) => match tree.open_file(&path)? {
            Some(file) if !verify || has_digest(tree, &file, &path, digest)? => {
                // Another process may have put it there a moment ago, and not yet synced it.
                writer.sync_found(&file, &path)?;
                return Ok(Outcome::Existed);
            }
            Some(_) => Outcome::Replaced { damaged_size: found },
            None => Outcome::Stored,
        },
    };
    writer.publish(from, &path)?;
    Ok(outcome)
}

fn has_digest(tree: &Tree, file: &File, path: &TreePath, digest: Digest) -> Result<bool> {
    let failed = |error| Error::io("read", tree.locate(path), error);
    let mut reader = HashingReader::new(file, digest.algorithm());
    let mut buffer = vec![0; 256 * 1024];
    while reader.read(&mut buffer).map_err(failed)? > 0 {}
    Ok(digest.algorithm().and_then(|algorithm| reader.finish().by(algorithm)) == Some(digest))
}

/// Prepares the link to the content `target` in `repository` under `key`; `None` when a link says so already.
///
/// Whatever may be refused, for want of room or permission, is done now; [`Staged::place`] is a rename.
pub(crate) fn stage_link<'t>(
    writer: &Writer<'t>,
    repository: &RepositoryName,
    key: Digest,
    target: Digest,
) -> Result<Option<Staged<'t>>> {
    let path = Entry::in_repository(repository, Item::LayerLink(key)).path();
    let content = target.to_string();
    if let Some(file) = writer.tree().open_file(&path)? {
        let mut found = Vec::new();
        let read = (&file).take(content.len() as u64 + 1).read_to_end(&mut found);
        read.map_err(|error| Error::io("read", writer.tree().locate(&path), error))?;
        if found == content.as_bytes() {
            return writer.sync_found(&file, &path).map(|()| None);
        }
    }
    writer.stage_small(&path, content.as_bytes(), Sync::Now).map(Some)
}

/// Links the content `target` in `repository` under `key`; a link that says so already is left.
pub(crate) fn link(writer: &Writer<'_>, repository: &RepositoryName, key: Digest, target: Digest) -> Result<()> {
    stage_link(writer, repository, key, target)?.map_or(Ok(()), Staged::place)
}
