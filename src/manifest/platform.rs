//! Which child of an index is for which platform.

use std::collections::{BTreeSet, HashSet};
use std::fmt;
use std::str::FromStr;

use super::kind::Kind;
use super::model::{Manifest, Platform, Reference, Role};
use crate::digest::Digest;
use crate::error::{Error, Result};
use crate::repository::Repository;

/// A platform asked for: `os/arch` or `os/arch/variant`.
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
    /// How well a platform fits; `None` if it does not.
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

/// How well a platform fits, the best first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Fit {
    Exact,
    /// It has a variant, and none was asked for.
    AnyVariant,
}

/// A manifest below an index, with what it runs on.
struct Leaf {
    digest: Digest,
    platform: Platform,
}

/// The manifest below the index `digest`, over however many indexes, that fits `wanted` best, the first of several; of a
/// manifest without children itself.
///
/// `Err(PlatformUnknown)`, with those that there are, when none fits; an index on the way that can't be read is the error
/// then.
pub fn choose(repository: &Repository<'_>, digest: Digest, manifest: &Manifest, wanted: &Wanted) -> Result<Digest> {
    if !manifest.kind.has_children() {
        return Ok(digest);
    }
    let (leaves, unread) = leaves(repository, digest, manifest);
    let fitting = leaves.iter().filter_map(|leaf| Some((wanted.fit(&leaf.platform)?, leaf.digest)));
    // Of those that fit equally it is the first.
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

/// Every manifest below an index for which a platform is given, by it or by an index above, in order; and why an index
/// could not be read. On a stack of its own: indexes may nest as deep as they like, and lead back to themselves.
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

/// The children of an index, last first, each with its platform or else that of the index.
fn children(index: &Manifest, of_index: Option<&Platform>) -> Vec<(Reference, Option<Platform>)> {
    let children = index.references.iter().rev().filter(|reference| reference.role == Role::Child);
    children.map(|child| (child.clone(), child.platform.as_ref().or(of_index).cloned())).collect()
}
