//! Finds the child of an index for a platform.

use std::collections::{BTreeSet, HashSet};
use std::fmt;
use std::str::FromStr;

use super::kind::Kind;
use super::model::{Manifest, Platform, Reference, Role};
use crate::digest::Digest;
use crate::error::{Error, Result};
use crate::repository::Repository;

/// A platform to look for: `os/arch` or `os/arch/variant`, where `os` may be `os(version)`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wanted {
    os: String,
    /// The beginning of the operating system's version; empty for any.
    os_version: String,
    architecture: String,
    variant: String,
}

impl FromStr for Wanted {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let want = "expected os/arch or os/arch/variant, such as linux/amd64 or windows(10.0.20348)/amd64";
        let parts: Vec<&str> = text.split('/').collect();
        let (os, architecture, variant) = match parts[..] {
            [os, architecture] => (os, architecture, ""),
            [os, architecture, variant] if !variant.is_empty() => (os, architecture, variant),
            _ => return Err(want),
        };
        let (os, os_version) = match os.split_once('(') {
            Some((os, version)) => (os, version.strip_suffix(')').filter(|version| !version.is_empty()).ok_or(want)?),
            None => (os, ""),
        };
        if os.is_empty() || architecture.is_empty() {
            return Err(want);
        }
        let [os, os_version, architecture, variant] = [os, os_version, architecture, variant].map(Into::into);
        Ok(Self { os, os_version, architecture, variant })
    }
}

impl fmt::Display for Wanted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_platform(f, &self.os, &self.os_version, &self.architecture, &self.variant)
    }
}

impl fmt::Display for Platform {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_platform(f, &self.os, &self.os_version, &self.architecture, &self.variant)
    }
}

fn write_platform(
    f: &mut fmt::Formatter<'_>,
    os: &str,
    os_version: &str,
    architecture: &str,
    variant: &str,
) -> fmt::Result {
    let version = if os_version.is_empty() { String::new() } else { format!("({os_version})") };
    let variant = if variant.is_empty() { String::new() } else { format!("/{variant}") };
    write!(f, "{os}{version}/{architecture}{variant}")
}

impl Wanted {
    /// How well a platform fits: 0 is best; `None` when it does not. The order is containerd's: a processor also runs
    /// what was built for its older variants.
    pub(crate) fn fit(&self, platform: &Platform) -> Option<usize> {
        if platform.os != self.os || !platform.os_version.starts_with(&self.os_version) {
            return None;
        }
        if (&platform.architecture, &platform.variant) == (&self.architecture, &self.variant) {
            return Some(0);
        }
        let (architecture, variant) = processor(&self.architecture, &self.variant);
        let found = processor(&platform.architecture, &platform.variant);
        let compatible = compatible(architecture, variant);
        if let Some(at) =
            compatible.iter().position(|(architecture, variant)| (*architecture, variant) == (found.0, &found.1))
        {
            return Some(1 + at);
        }
        // Who names no variant may get any.
        (self.variant.is_empty() && found.0 == architecture).then_some(usize::MAX)
    }
}

/// An architecture and its variant, each by the one name that others are written for too.
fn processor<'p>(architecture: &'p str, variant: &'p str) -> (&'p str, String) {
    match (architecture, variant) {
        ("x86_64" | "x86-64" | "amd64", "v1" | "") => ("amd64", String::new()),
        ("x86_64" | "x86-64", variant) => ("amd64", variant.to_owned()),
        ("aarch64" | "arm64", "8" | "v8" | "") => ("arm64", String::new()),
        ("aarch64", variant) => ("arm64", variant.to_owned()),
        ("armhf", _) | ("arm", "" | "7") => ("arm", "v7".to_owned()),
        ("armel", _) => ("arm", "v6".to_owned()),
        ("arm", "5" | "6" | "8") => ("arm", format!("v{variant}")),
        (architecture, variant) => (architecture, variant.to_owned()),
    }
}

/// What a processor runs, best first: itself, then its older variants.
fn compatible(architecture: &str, variant: String) -> Vec<(&str, String)> {
    let number = variant.strip_prefix('v').and_then(|number| number.parse::<u8>().ok());
    let older = |oldest: u8| (oldest..number.unwrap_or(0)).rev().map(|number| format!("v{number}"));
    let mut variants = vec![variant];
    match architecture {
        "amd64" => {
            variants.extend(older(2));
            variants.extend(number.map(|_| String::new()));
        }
        "arm64" => variants.extend(number.map(|_| String::new())),
        "arm" => variants.extend(older(5)),
        _ => {}
    }
    variants.into_iter().map(|variant| (architecture, variant)).collect()
}

/// A manifest below an index, with its platform.
struct Leaf {
    digest: Digest,
    platform: Platform,
}

/// What was found for a platform.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Chosen {
    /// The manifest.
    pub digest: Digest,
    /// Other manifests that fit as well, each with its platform.
    pub others: Vec<(Digest, Platform)>,
}

/// The manifest below the index `digest` that fits `wanted` best; the first one, if several fit equally. Indexes may be
/// nested. For a manifest without children, the manifest itself.
///
/// When none fits: `Err(PlatformUnknown)` with those that there are, or the error of a nested index that can't be read.
pub fn choose(repository: &Repository<'_>, digest: Digest, manifest: &Manifest, wanted: &Wanted) -> Result<Chosen> {
    if !manifest.kind.has_children() {
        return Ok(Chosen { digest, others: Vec::new() });
    }
    let (leaves, unread) = leaves(repository, digest, manifest);
    let fitting: Vec<_> = leaves.iter().filter_map(|leaf| Some((wanted.fit(&leaf.platform)?, leaf))).collect();
    // `min_by_key` returns the first of those that fit equally.
    if let Some((best, chosen)) = fitting.iter().min_by_key(|(fit, _)| *fit) {
        let as_good = fitting.iter().filter(|(fit, leaf)| fit == best && leaf.digest != chosen.digest);
        let others = as_good.map(|(_, leaf)| (leaf.digest, leaf.platform.clone())).collect();
        return Ok(Chosen { digest: chosen.digest, others });
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
