//! Which child of an index is for which platform.

use std::fmt;
use std::str::FromStr;

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
    fn fits(&self, platform: &Platform) -> bool {
        let same = (&*platform.os, &*platform.architecture) == (&*self.os, &*self.architecture);
        same && self.variant.as_ref().is_none_or(|variant| platform.variant == *variant)
    }
}

/// The first child of the index `digest` that is for `wanted`; of a manifest without children itself.
///
/// `Err(PlatformUnknown)`, with those that there are, when no child is.
pub fn choose(repository: &Repository<'_>, digest: Digest, manifest: &Manifest, wanted: &Wanted) -> Result<Digest> {
    if !manifest.kind.has_children() {
        return Ok(digest);
    }
    let children = || manifest.references.iter().filter(|reference| reference.role == Role::Child);
    let fitting = |reference: &&Reference| reference.platform.as_ref().is_some_and(|platform| wanted.fits(platform));
    let chosen = children().find(fitting).and_then(|reference| reference.digest.ok());
    chosen.ok_or_else(|| {
        let mut available: Vec<String> =
            children().filter_map(|child| child.platform.as_ref()).map(ToString::to_string).collect();
        available.dedup();
        if available.is_empty() {
            available.push("no platforms".to_owned());
        }
        let repository = repository.name().clone();
        Error::PlatformUnknown { repository, digest, platform: wanted.to_string(), available }
    })
}
