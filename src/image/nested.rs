//! Finds images in indexes that lie in the index of a layout.
//!
//! An entry of `index.json` is an image, also where it is an index: one for several platforms. But an index that has no
//! name itself, and has entries with names, is a list of images. It may lie in another such list.

use std::collections::HashMap;

use super::MAX_DEPTH;
use super::layout::{self, Entry, INDEX_MAX};
use crate::digest::Digest;
use crate::error::{Error, Result};
use crate::manifest::Kind;

/// Where indexes are read from.
pub(super) trait Indexes {
    /// The bytes of an index; `None` when the source does not have it.
    fn index(&self, digest: Digest) -> Result<Option<Vec<u8>>>;

    /// The error for an entry of the source.
    fn invalid(&self, entry: &str, reason: String) -> Error;
}

/// Puts the images in lists in the place of the lists. An index that is missing or has no names in it stays.
///
/// `Err(SourceInvalid)` when a list lies too deep, or all of them are too large, or one is malformed.
pub(super) fn unfold(entries: Vec<Entry>, source: &impl Indexes) -> Result<Vec<Entry>> {
    let mut unfolding = Unfolding { source, known: HashMap::new(), room: INDEX_MAX };
    Ok(unfolding.unfold(entries, 1)?.0)
}

struct Unfolding<'s, S> {
    source: &'s S,
    /// The indexes that were read, and whether they have names in them. Each is read once, and its images are taken once.
    known: HashMap<Digest, bool>,
    /// The bytes of lists that may still be kept.
    room: u64,
}

impl<S: Indexes> Unfolding<'_, S> {
    /// The images of these entries, and whether any has a name.
    fn unfold(&mut self, entries: Vec<Entry>, depth: usize) -> Result<(Vec<Entry>, bool)> {
        let (mut images, mut has_names) = (Vec::with_capacity(entries.len()), false);
        for entry in entries {
            if !may_be_list(&entry) {
                has_names |= entry.is_named();
                images.push(entry);
                continue;
            }
            match self.known.get(&entry.digest) {
                Some(true) => has_names = true,
                Some(false) => images.push(entry),
                None => match self.list(&entry, depth)? {
                    Some(listed) => {
                        has_names = true;
                        images.extend(listed);
                    }
                    None => images.push(entry),
                },
            }
        }
        Ok((images, has_names))
    }

    /// The images of an index, if it is a list.
    fn list(&mut self, index: &Entry, depth: usize) -> Result<Option<Vec<Entry>>> {
        let name = format!("index {}", index.digest);
        if depth > MAX_DEPTH {
            return Err(self.source.invalid(&name, format!("it is nested in more than {MAX_DEPTH} indexes")));
        }
        let Some(bytes) = self.source.index(index.digest)? else { return Ok(None) };
        let size = bytes.len() as u64;
        let Some(room) = self.room.checked_sub(size) else {
            let reason = format!("with it, the indexes have more than the {INDEX_MAX} bytes that are read of an index");
            return Err(self.source.invalid(&name, reason));
        };
        self.room = room;
        let entries = layout::entries(&bytes).map_err(|reason| self.source.invalid(&name, reason))?;
        drop(bytes);
        let (images, has_names) = self.unfold(entries, depth + 1)?;
        self.known.insert(index.digest, has_names);
        if has_names {
            return Ok(Some(images));
        }
        self.room += size;
        Ok(None)
    }
}

/// Whether an entry may be a list of images, and is none itself.
fn may_be_list(entry: &Entry) -> bool {
    let kind = entry.media_type.as_deref().and_then(Kind::from_media_type);
    kind.is_some_and(Kind::has_children) && !entry.is_named() && entry.signature_of.is_none()
}
