//! The parts of a manifest.

use std::collections::BTreeMap;

use super::kind::Kind;
use super::oddity::Sighting;
use crate::digest::{Digest, DigestError, Hasher};
use crate::named::named;

/// What a manifest says, as a registry would read it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Manifest {
    /// Its kind.
    pub kind: Kind,
    /// The `mediaType` inside, as written; `None` when it is missing or empty.
    pub media_type: Option<String>,
    /// The `schemaVersion`; `None` when it is missing or not an integer.
    pub schema_version: Option<i64>,
    /// What it is made of, in the registry's order: the config, then the layers; or the children; or the layers of
    /// schema1. Empty for an unknown kind. References without a digest occur only after
    /// [`decode`](crate::manifest::decode), for the check.
    pub references: Vec<Reference>,
    /// The manifest that it is about, which need not exist.
    pub subject: Option<Reference>,
    /// The `artifactType`, as written.
    pub artifact_type: Option<String>,
    /// The `annotations`.
    pub annotations: BTreeMap<String, String>,
    /// The fields that only schema1 has.
    pub schema1: Option<Schema1>,
    /// Where the first `features` of a platform in an OCI index are not a list of texts, in bytes from the start.
    /// Registries 2.x read them; those from 3.0 on do not.
    pub(crate) odd_features: Option<usize>,
    /// Its oddities, each once.
    pub oddities: Vec<Sighting>,
    /// The digests anywhere in its text that are neither a reference nor, in a known kind, the subject. They are listed
    /// for an unknown kind, and for a manifest that other readers [may read
    /// differently](crate::manifest::Oddity::casts_doubt); else there are none. Sorted, each once.
    pub mentioned: Vec<Digest>,
}

impl Manifest {
    /// The media type that a registry serves it as: that of its kind, or for an unknown kind the one written inside.
    pub fn served_as(&self) -> Option<&str> {
        self.kind.media_type().or(self.media_type.as_deref())
    }

    /// The media type of its config, if it is an image manifest with a config.
    pub(crate) fn config_media_type(&self) -> Option<&str> {
        let config = self.references.iter().find(|reference| reference.role == Role::Config)?;
        config.media_type.as_deref()
    }

    /// The type that a list of referrers shows (layout.md §9): `artifactType`, or else the type of the config.
    pub fn referrer_type(&self) -> Option<&str> {
        let own = self.artifact_type.as_deref().filter(|text| !text.is_empty());
        own.or_else(|| self.config_media_type())
    }

    /// Every digest that it names as a child, and every digest that it mentions, because each of these may be a child.
    /// A digest that is named twice occurs twice.
    pub fn children(&self) -> impl Iterator<Item = Digest> + '_ {
        let children = self.references.iter().filter(|reference| reference.role == Role::Child);
        children.filter_map(|reference| reference.digest.ok()).chain(self.mentioned.iter().copied())
    }

    /// What a manifest of an unknown kind mentions: each digest may be a reference. Empty for a known kind.
    pub(crate) fn mentions(&self) -> impl Iterator<Item = Reference> + '_ {
        let is_unknown = self.kind == Kind::Unknown;
        self.mentioned.iter().filter(move |_| is_unknown).map(|digest| Reference::mention(*digest))
    }

    /// Every digest of content that it keeps, with the size where one is stated: first the references, then what is
    /// only mentioned. The subject is not among them. A digest that is referenced twice occurs twice.
    pub fn retained(&self) -> impl Iterator<Item = (Digest, Option<u64>)> + '_ {
        let sized = |reference: &Reference| {
            let size = reference.size.and_then(|size| u64::try_from(size).ok());
            reference.digest.ok().map(|digest| (digest, size))
        };
        self.references.iter().filter_map(sized).chain(self.mentioned.iter().map(|digest| (*digest, None)))
    }
}

named! {
    /// What a reference is for.
    #[non_exhaustive]
    pub enum Role {
        /// An image's configuration.
        Config = "config",
        /// A layer, or an artifact's content.
        Layer = "layer",
        /// A manifest in an index or list.
        Child = "child",
        /// The manifest that a referrer is about.
        Subject = "subject",
        /// A digest mentioned by a manifest of an unknown kind. It may have any of the other roles.
        Mention = "mention",
    }
}

impl Reference {
    /// Whether the content may be in another place than the registry, because the descriptor has `urls`. Registries up
    /// to 2.8 don't look for such content when the manifest is pushed.
    pub(crate) fn is_elsewhere(&self) -> bool {
        !self.urls.is_empty() && matches!(self.role, Role::Config | Role::Layer)
    }

    pub(crate) fn mention(digest: Digest) -> Self {
        Self {
            role: Role::Mention,
            text: digest.to_string(),
            digest: Ok(digest),
            size: None,
            media_type: None,
            urls: Vec::new(),
            platform: None,
            artifact_type: None,
            annotations: BTreeMap::new(),
            embedded: None,
        }
    }
}

/// A descriptor inside a manifest.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Reference {
    /// What it is for.
    pub role: Role,
    /// The digest as written; empty when it is missing.
    pub text: String,
    /// The digest, or why the text is not one.
    pub digest: Result<Digest, DigestError>,
    /// The size in bytes, as written; `None` when it is missing or not an integer. It may be negative.
    pub size: Option<i64>,
    /// The media type of the content.
    pub media_type: Option<String>,
    /// Other places where the content can be downloaded.
    pub urls: Vec<String>,
    /// The platform of a child.
    pub platform: Option<Platform>,
    /// The `artifactType` of a referrer in an index.
    pub artifact_type: Option<String>,
    /// The descriptor's annotations.
    pub annotations: BTreeMap<String, String>,
    /// What its `data` is, if it has any.
    pub(crate) embedded: Option<Embedded>,
}

/// The content inside a descriptor (`data`), compared with the descriptor's digest and size.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Embedded {
    Right,
    Wrong,
}

impl Embedded {
    /// Compares `data` with a descriptor. A size that is missing is reported on its own.
    pub(super) fn of(data: &[u8], digest: &Digest, size: Option<i64>) -> Self {
        let mut hasher = Hasher::new(digest.algorithm());
        hasher.update(data);
        let found = digest.algorithm().and_then(|algorithm| hasher.finish().by(algorithm));
        let has_size = size.is_none_or(|size| usize::try_from(size) == Ok(data.len()));
        if found == Some(*digest) && has_size { Self::Right } else { Self::Wrong }
    }
}

/// The platform that an image runs on. Missing values are empty.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Platform {
    /// The operating system, such as `linux`.
    pub os: String,
    /// The processor, such as `amd64`.
    pub architecture: String,
    /// Its variant, such as `v7`.
    pub variant: String,
    /// The operating system's version, mostly of Windows.
    pub os_version: String,
}

/// The fields of schema1 besides its layers. Missing values are empty.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Schema1 {
    /// The repository that it was made for. Registries since 2.3 do not check it.
    pub name: String,
    /// The tag that it was made for. Registries since 2.3 do not check it.
    pub tag: String,
    /// The processor.
    pub architecture: String,
    /// The number of history entries. There should be one for each layer.
    pub history: usize,
}
