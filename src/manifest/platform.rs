//! Finds the child of an index for a platform.

use std::collections::{BTreeSet, HashSet};
use std::fmt;
use std::str::FromStr;

use super::kind::Kind;
use super::model::{Manifest, Platform, Reference, Role};
use crate::digest::Digest;
use crate::error::{Error, Result};
use crate::repository::Repository;

/// A platform to look for: `os/arch` or `os/arch/variant`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wanted {
    os: String,
    architecture: String,
    variant: Option<String>,
}

impl FromStr for Wanted {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let parts: Vec<&str> = text.split('/').collect();
        let (os, architecture, variant) = match parts[..] {
            [os, architecture] => (os, architecture, None),
            [os, architecture, variant] => (os, architecture, Some(variant)),
            _ => return Err("want os/arch or os/arch/variant, such as linux/amd64"),
        };
        if parts.iter().any(|part| part.is_empty()) {
            return Err("want os/arch or os/arch/variant, such as linux/amd64");
        }
        Ok(Self { os: os.into(), architecture: architecture.into(), variant: variant.map(Into::into) })
    }
}

impl fmt::Display for Wanted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.os, self.architecture)?;
        self.variant.as_ref().map_or(Ok(()), |variant| write!(f, "/{variant}"))
    }
}

impl fmt::Display for Platform {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.os, self.architecture)?;
        if self.variant.is_empty() { Ok(()) } else { write!(f, "/{}", self.variant) }
    }
}

impl Wanted {
    /// How well a platform fits; `None` when it does not.
    fn fit(&self, platform: &Platform) -> Option<Fit> {
        let same = (&*platform.os, &*platform.architecture) == (&*self.os, &*self.architecture);
        match &self.variant {
            _ if !same => None,
            Some(variant) => (platform.variant == *variant).then_some(Fit::Exact),
            None if platform.variant.is_empty() => Some(Fit::Exact),
            None => Some(Fit::AnyVariant),
        }
    }
}

/// How well a platform fits, best first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Fit {
    Exact,
    /// The platform has a variant, and the wanted one names none.
    AnyVariant,
}

/// A manifest below an index, with its platform.
struct Leaf {
    digest: Digest,
    platform: Platform,
}

/// The manifest below the index `digest` that fits `wanted` best; the first one, if several fit equally. Indexes may be
/// nested. For a manifest without children, the manifest itself.
///
/// When none fits: `Err(PlatformUnknown)` with those that there are, or the error of a nested index that can't be read.
pub fn choose(repository: &Repository<'_>, digest: Digest, manifest: &Manifest, wanted: &Wanted) -> Result<Digest> {
    if !manifest.kind.has_children() {
        return Ok(digest);
    }
    let (leaves, unread) = leaves(repository, digest, manifest);
    let fitting = leaves.iter().filter_map(|leaf| Some((wanted.fit(&leaf.platform)?, leaf.digest)));
    // `min_by_key` returns the first of those that fit equally.
    if let Some((_, chosen)) = fitting.min_by_key(|(fit, _)| *fit) {
        return Ok(chosen);
    }
    if let Some(error) = unread {
        return Err(error);
    }
    let available: BTreeSet<String> = leaves.iter().map(|leaf| leaf.platform.to_string()).collect();
    let mut available: Vec<String> = available.into_iter().collect();
    if available.is_empty() {
        available.push("no platforms".to_owned());
    }
    let repository = repository.name().clone();
    Err(Error::PlatformUnknown { repository, digest, platform: wanted.to_string(), available })
}

/// Every manifest below an index for which the index or one above it gives a platform, in order, and the error of the
/// first index that can't be read. The walk is not recursive: indexes may nest to any depth, and contain themselves.
fn leaves(repository: &Repository<'_>, top: Digest, manifest: &Manifest) -> (Vec<Leaf>, Option<Error>) {
    let (mut leaves, mut unread, mut seen) = (Vec::new(), None, HashSet::from([top]));
    let mut pending = children(manifest, None);
    while let Some((reference, platform)) = pending.pop() {
        let Ok(digest) = reference.digest else { continue };
        let media_type = reference.media_type.as_deref().unwrap_or_default();
        if !Kind::from_content_type(media_type).is_some_and(Kind::has_children) {
            leaves.extend(platform.map(|platform| Leaf { digest, platform }));
        } else if seen.insert(digest) {
            match super::read(repository, digest) {
                Ok((_, index)) => pending.extend(children(&index, platform.as_ref())),
                Err(error) => unread = unread.or(Some(error)),
            }
        }
    }
    (leaves, unread)
}

/// The children of an index, last first, each with its own platform or else that of the index.
fn children(index: &Manifest, of_index: Option<&Platform>) -> Vec<(Reference, Option<Platform>)> {
    let children = index.references.iter().rev().filter(|reference| reference.role == Role::Child);
    children.map(|child| (child.clone(), child.platform.as_ref().or(of_index).cloned())).collect()
}
