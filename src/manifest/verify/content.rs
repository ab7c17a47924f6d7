//! Whether content is there, of the size that was said, and of the digest that it is stored under.

use std::collections::HashMap;

use crate::blob;
use crate::digest::Digest;
use crate::error::{Error, Result};
use crate::layout::Entry;
use crate::repository::Repository;
use crate::stream::{self, Watch};

/// What was found.
pub(super) enum Measured {
    /// What was expected.
    Right,
    /// Nothing.
    Missing,
    /// The system refused, or something else lies there.
    Unreadable(String),
    /// Another length than was said, though the content has its digest.
    OtherSize { expected: i64, found: u64 },
    /// Content of another digest.
    OtherContent { truncated: bool, found: Digest, size: u64 },
}

/// Content that was looked at, each once for the whole tree.
pub(super) struct Content<'w> {
    watch: &'w Watch<'w>,
    sizes: HashMap<Digest, Option<u64>>,
    hashed: HashMap<Digest, (Digest, u64)>,
}

impl<'w> Content<'w> {
    pub(super) fn new(watch: &'w Watch<'w>) -> Self {
        Self { watch, sizes: HashMap::new(), hashed: HashMap::new() }
    }

    /// Looks at the content stored under `target`, which should have `size` bytes. It is hashed when that is asked for, and
    /// when the size is another: then only its digest says whether the content or the manifest is wrong.
    pub(super) fn measure(
        &mut self,
        repository: &Repository<'_>,
        target: Digest,
        size: Option<i64>,
        hash: bool,
    ) -> Result<Measured> {
        let found = match self.sizes.get(&target) {
            Some(known) => *known,
            None => match blob::content_size(repository.tree(), target) {
                Ok(found) => *self.sizes.entry(target).or_insert(found),
                Err(error) => return Ok(Measured::Unreadable(error.to_string())),
            },
        };
        let Some(found) = found else { return Ok(Measured::Missing) };
        let expected = size.filter(|size| u64::try_from(*size) != Ok(found));
        if expected.is_none() && !hash {
            return Ok(Measured::Right);
        }
        let (hashed, length) = match self.hash(repository, target) {
            Ok(hashed) => hashed,
            Err(error @ Error::Interrupted { .. }) => return Err(error),
            Err(error) => return Ok(Measured::Unreadable(error.to_string())),
        };
        if hashed != target {
            let truncated = expected.is_some_and(|expected| u64::try_from(expected).is_ok_and(|size| length < size));
            return Ok(Measured::OtherContent { truncated, found: hashed, size: length });
        }
        Ok(expected.map_or(Measured::Right, |expected| Measured::OtherSize { expected, found }))
    }

    fn hash(&mut self, repository: &Repository<'_>, target: Digest) -> Result<(Digest, u64)> {
        if let Some(known) = self.hashed.get(&target) {
            return Ok(*known);
        }
        let (tree, path) = (repository.tree(), Entry::Blob(target).path());
        let Some(file) = tree.open_file(&path)? else {
            return Err(Error::io("open", tree.locate(&path), std::io::ErrorKind::NotFound));
        };
        let interrupt = &self.watch.interrupt;
        let hashed = stream::hash_file(file, target.algorithm(), interrupt);
        let hashed = hashed.map_err(|error| interrupt.or(Error::io("read", tree.locate(&path), error)))?;
        // A tarsum is no hash of the bytes: such content can't be told wrong.
        let digest = target.algorithm().and_then(|algorithm| hashed.by(algorithm)).unwrap_or(target);
        Ok(*self.hashed.entry(target).or_insert((digest, hashed.size)))
    }
}
