//! A manifest, read.

use std::collections::BTreeMap;

use super::kind::Kind;
use super::oddity::Sighting;
use crate::digest::{Digest, DigestError};

/// What a manifest says, as a registry would read it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Manifest {
    /// What it is.
    pub kind: Kind,
    /// The `mediaType` inside, as written; `None` where it has none, or an empty one.
    pub media_type: Option<String>,
    /// The `schemaVersion`; `None` where it has none, or no integer.
    pub schema_version: Option<i64>,
    /// What it is made of, in the registry's order: config, then layers; or children; or the layers of schema1. None
    /// for an unknown kind. One without a digest is there only after [`decode`](crate::manifest::decode), for the
    /// check.
    pub references: Vec<Reference>,
    /// What it is about, which need not exist.
    pub subject: Option<Reference>,
    /// The `artifactType`, as written.
    pub artifact_type: Option<String>,
    /// The `annotations`.
    pub annotations: BTreeMap<String, String>,
    /// The fields that schema1 alone has.
    pub schema1: Option<Schema1>,
    /// What is odd about it, each oddity once.
    pub oddities: Vec<Sighting>,
    /// Digests that stand somewhere and are no reference nor the subject: everywhere in an unknown kind and in one
    /// where an oddity [casts doubt](crate::manifest::Oddity::casts_doubt), else none. Sorted, each once.
    pub mentioned: Vec<Digest>,
}

impl Manifest {
    /// The media type that a registry serves it as: the kind's own, or what is written inside an unknown one.
    pub fn served_as(&self) -> Option<&str> {
        self.kind.media_type().or(self.media_type.as_deref())
    }

    /// The config's media type, for an image manifest that has a config.
    pub fn config_media_type(&self) -> Option<&str> {
        let config = self.references.iter().find(|reference| reference.role == Role::Config)?;
        config.media_type.as_deref()
    }

    /// The type that a list of referrers shows (layout.md §9): `artifactType`, or for an image manifest the config's.
    pub fn referrer_type(&self) -> Option<&str> {
        let own = self.artifact_type.as_deref().filter(|text| !text.is_empty());
        own.or_else(|| self.config_media_type())
    }

    /// Every digest that it names as a manifest's, or may, where nobody can say what it references. One that is named twice
    /// comes twice.
    pub fn children(&self) -> impl Iterator<Item = Digest> + '_ {
        let children = self.references.iter().filter(|reference| reference.role == Role::Child);
        children.filter_map(|reference| reference.digest.ok()).chain(self.mentioned.iter().copied())
    }

    /// What it mentions, if it is of an unknown kind: nobody can say that these are no references.
    pub fn mentions(&self) -> impl Iterator<Item = Reference> + '_ {
        let is_unknown = self.kind == Kind::Unknown;
        self.mentioned.iter().filter(move |_| is_unknown).map(|digest| Reference::mention(*digest))
    }

    /// Every digest that keeps content, with the size where one is stated: the references, then what is only mentioned.
    /// The subject is not among them. A digest that is referenced twice comes twice.
    pub fn retained(&self) -> impl Iterator<Item = (Digest, Option<u64>)> + '_ {
        let sized = |reference: &Reference| {
            let size = reference.size.and_then(|size| u64::try_from(size).ok());
            reference.digest.ok().map(|digest| (digest, size))
        };
        self.references.iter().filter_map(sized).chain(self.mentioned.iter().map(|digest| (*digest, None)))
    }
}

/// What a reference is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Role {
    /// An image's configuration.
    Config,
    /// A layer, or an artifact's content.
    Layer,
    /// A manifest of an index or list.
    Child,
    /// The manifest that a referrer is about.
    Subject,
    /// What a manifest of an unknown kind mentions: it may be any of these.
    Mention,
}

impl Reference {
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
        }
    }
}

/// A descriptor inside a manifest.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Reference {
    /// What it is for.
    pub role: Role,
    /// The digest as written; empty where there is none.
    pub text: String,
    /// The digest, or why the text is none.
    pub digest: Result<Digest, DigestError>,
    /// The size in bytes, as written; `None` where there is none, or no integer. It may be negative.
    pub size: Option<i64>,
    /// The media type of what it points to.
    pub media_type: Option<String>,
    /// Where else the content can be had.
    pub urls: Vec<String>,
    /// What a child runs on.
    pub platform: Option<Platform>,
    /// The `artifactType` of a referrer in an index.
    pub artifact_type: Option<String>,
    /// The descriptor's annotations.
    pub annotations: BTreeMap<String, String>,
}

/// What an image runs on; empty text where nothing is said.
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

/// The fields of schema1 besides its layers; empty text where nothing is said.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Schema1 {
    /// The repository that it was made for; since 2.3 nobody checks.
    pub name: String,
    /// The tag that it was made for; since 2.3 nobody checks.
    pub tag: String,
    /// The processor.
    pub architecture: String,
    /// How many entries the history has; there should be one a layer.
    pub history: usize,
}
