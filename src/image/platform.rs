//! Chooses what an image has for some platforms.
//!
//! A platform stands in the index that names a manifest, or else in the manifest's config. What is no image for a
//! platform, such as an artifact, is taken whole. An attestation belongs to the manifest that its descriptor names.

use std::collections::{BTreeSet, HashMap, HashSet};

use serde::Deserialize;
use serde_json::Value;

use crate::digest::Digest;
use crate::error::{Error, Result};
use crate::manifest::platform::Wanted;
use crate::manifest::{Kind, Manifest, Platform, Reference, Role};
use crate::name::RepositoryName;

/// The annotation with which buildx names the manifest that an attestation is about.
const ATTESTS: &str = "vnd.docker.reference.digest";
/// What buildx writes as the platform of an attestation.
const UNKNOWN: &str = "unknown";

/// The media types of the configs of images.
pub(super) const CONFIGS: [&str; 2] =
    ["application/vnd.oci.image.config.v1+json", "application/vnd.docker.container.image.v1+json"];

/// What has the manifests of an image.
pub(super) trait Manifests {
    /// The repository of the image, for errors.
    fn repository(&self) -> &RepositoryName;

    /// The bytes of a manifest or a config, which have this digest.
    fn read(&self, digest: Digest) -> Result<Vec<u8>>;

    /// What a manifest says.
    fn parse(&self, digest: Digest, bytes: &[u8]) -> Result<Manifest>;
}

/// Which platforms are wanted of images that have several.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Platforms<'p> {
    /// The platforms; none for all.
    pub(super) wanted: &'p [Wanted],
    /// Whether an index stays as it is, though not all that it names comes along.
    pub(super) sparse_index: bool,
    /// Whether there is room for one platform alone.
    pub(super) one: bool,
}

/// What an image has for the platforms that are wanted.
#[derive(Debug)]
pub(super) enum Choice {
    /// All of it.
    Whole,
    /// All but these manifests, which its index, and those below it, name.
    WithoutSome(HashSet<Digest>),
    /// One manifest of its index.
    One(Digest),
    /// An index that was made of its own: of the manifests for these platforms, and their attestations, alone.
    Made(Vec<u8>),
}

/// A manifest that an index names, or one below it.
struct Child {
    digest: Digest,
    platform: Option<Platform>,
    /// The manifest that it attests.
    attests: Option<Digest>,
    /// Its descriptor, as it is written.
    descriptor: Option<Value>,
}

/// Chooses what the image `digest` has for each of the platforms. An image without an index is to fit one of them.
///
/// `Err(PlatformUnknown)` when it has nothing for one of them. `Err(PlatformWanted)` when it has several, and there is
/// room for one. `Err(ManifestMalformed)` when its index can't be made into another one.
pub(super) fn choose(
    digest: Digest,
    bytes: &[u8],
    manifest: &Manifest,
    platforms: Platforms<'_>,
    manifests: &impl Manifests,
) -> Result<Choice> {
    let Platforms { wanted, one, sparse_index } = platforms;
    if wanted.is_empty() && !one {
        return Ok(Choice::Whole);
    }
    let nothing = |wanted: &Wanted, available| {
        let (repository, platform) = (manifests.repository().clone(), wanted.to_string());
        Error::PlatformUnknown { repository, digest, platform, available }
    };
    if !manifest.kind.has_children() {
        let Some(platform) = of_config(manifest, manifests)? else { return Ok(Choice::Whole) };
        let fits = wanted.iter().any(|wanted| wanted.fit(&platform).is_some());
        return match wanted {
            [first, ..] if !fits => Err(nothing(first, texts([&platform]))),
            _ => Ok(Choice::Whole),
        };
    }
    let children = children(bytes, manifest, manifests)?;
    let platforms = || children.iter().filter_map(|child| Some((child, child.platform.as_ref()?)));
    if platforms().next().is_none() {
        return Ok(Choice::Whole);
    }
    let available = || texts(platforms().map(|(_, platform)| platform));
    let mut chosen = Vec::new();
    if one && wanted.len() != 1 {
        let available = available();
        if available.len() > 1 || !wanted.is_empty() {
            return Err(Error::PlatformWanted { repository: manifests.repository().clone(), digest, available });
        }
        chosen.extend(platforms().map(|(child, _)| child.digest).next());
    }
    for wanted in wanted {
        let fitting = platforms().filter_map(|(child, platform)| Some((wanted.fit(platform)?, child.digest)));
        // The first of those that fit equally.
        let best = fitting.min_by_key(|(fit, _)| *fit).ok_or_else(|| nothing(wanted, available()))?;
        if !chosen.contains(&best.1) {
            chosen.push(best.1);
        }
    }
    let is_kept =
        |child: &&Child| chosen.contains(&child.digest) || child.attests.is_some_and(|digest| chosen.contains(&digest));
    let (kept, others): (Vec<&Child>, Vec<&Child>) = children.iter().partition(is_kept);
    if others.is_empty() && wanted.len() > 1 {
        return Ok(Choice::Whole);
    }
    if sparse_index && !one {
        return Ok(Choice::WithoutSome(others.into_iter().map(|child| child.digest).collect()));
    }
    if one || wanted.len() == 1 {
        return Ok(Choice::One(chosen[0]));
    }
    let ambiguous = || {
        let reason = "readers may read it differently, so no index of some platforms is made of it".to_owned();
        Error::ManifestMalformed { repository: manifests.repository().clone(), digest, reason }
    };
    index_of(bytes, &kept).map(Choice::Made).ok_or_else(ambiguous)
}

/// The platforms, each once.
fn texts<'p>(platforms: impl IntoIterator<Item = &'p Platform>) -> Vec<String> {
    let texts: BTreeSet<String> = platforms.into_iter().map(ToString::to_string).collect();
    texts.into_iter().collect()
}

/// The manifests that an index and those below it name, each once. Indexes may nest to any depth.
fn children(bytes: &[u8], index: &Manifest, manifests: &impl Manifests) -> Result<Vec<Child>> {
    let (mut found, mut seen) = (Vec::new(), HashSet::new());
    let mut pending = named(bytes, index, None);
    while let Some((reference, inherited, descriptor)) = pending.pop() {
        let Ok(digest) = reference.digest else { continue };
        if !seen.insert(digest) {
            continue;
        }
        let platform = reference.platform.clone().or(inherited);
        let media_type = reference.media_type.as_deref().unwrap_or_default();
        let kind = Kind::from_content_type(media_type);
        if kind.is_some_and(Kind::has_children) {
            let bytes = manifests.read(digest)?;
            pending.extend(named(&bytes, &manifests.parse(digest, &bytes)?, platform.as_ref()));
            continue;
        }
        let attests = reference.annotations.get(ATTESTS).and_then(|text| text.parse().ok());
        let platform = match platform {
            None if attests.is_none() && kind.is_some() => {
                of_config(&manifests.parse(digest, &manifests.read(digest)?)?, manifests)?
            }
            platform => platform.filter(|platform| platform.os != UNKNOWN),
        };
        found.push(Child { digest, platform, attests, descriptor });
    }
    Ok(found)
}

/// What names a child, the platform of the index above it, and the descriptor as it is written.
type Named = (Reference, Option<Platform>, Option<Value>);

/// The children of an index, last first.
fn named(bytes: &[u8], index: &Manifest, platform: Option<&Platform>) -> Vec<Named> {
    let mut document: Value = serde_json::from_slice(bytes).unwrap_or_default();
    let written = document["manifests"].as_array_mut().map(std::mem::take).unwrap_or_default();
    let by_digest = |written: Value| Some((written["digest"].as_str()?.to_owned(), written));
    let written: HashMap<String, Value> = written.into_iter().filter_map(by_digest).collect();
    let children = index.references.iter().rev().filter(|reference| reference.role == Role::Child);
    children.map(|child| (child.clone(), platform.cloned(), written.get(&child.text).cloned())).collect()
}

/// The index with these children alone. All else in it stays. `None` where the descriptors are written in a way that
/// readers may read differently.
fn index_of(bytes: &[u8], children: &[&Child]) -> Option<Vec<u8>> {
    let mut document: Value = serde_json::from_slice(bytes).ok()?;
    let descriptors: Option<Vec<Value>> = children.iter().map(|child| child.descriptor.clone()).collect();
    document["manifests"] = descriptors?.into();
    Some(document.to_string().into_bytes())
}

/// The part of an image's config that says its platform.
#[derive(Deserialize)]
struct Config {
    #[serde(default)]
    os: String,
    #[serde(default)]
    architecture: String,
    #[serde(default)]
    variant: String,
    #[serde(default, rename = "os.version")]
    os_version: String,
}

/// The platform that the config of an image says; `None` when it says none, as that of an artifact.
fn of_config(manifest: &Manifest, manifests: &impl Manifests) -> Result<Option<Platform>> {
    if !manifest.config_media_type().is_some_and(|media_type| CONFIGS.contains(&media_type)) {
        return Ok(None);
    }
    let config = manifest.references.iter().find(|reference| reference.role == Role::Config);
    let Some(digest) = config.and_then(|config| config.digest.ok()) else { return Ok(None) };
    let Ok(config) = serde_json::from_slice::<Config>(&manifests.read(digest)?) else { return Ok(None) };
    let Config { os, architecture, variant, os_version } = config;
    let says_none = os.is_empty() || architecture.is_empty();
    Ok((!says_none).then_some(Platform { os, architecture, variant, os_version }))
}
