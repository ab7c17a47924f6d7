//! The kinds of manifest that registries know.

use crate::named::named;

named! {
    /// The kind of a manifest (layout.md §5.1). The tree does not store it; it follows from the content.
    #[non_exhaustive]
    pub enum Kind {
        /// Docker's first kind, signed when it is pushed. The tree stores the payload without its signatures.
        Schema1 = "schema1",
        /// Docker's image manifest.
        Schema2 = "schema2",
        /// Docker's list of manifests, one for each platform.
        ManifestList = "docker-list",
        /// The OCI's image manifest, also used for artifacts.
        OciManifest = "oci-manifest",
        /// The OCI's index of manifests.
        OciIndex = "oci-index",
        /// Anything else. regtree keeps it, and everything that it mentions.
        Unknown = "unknown",
    }
}

impl Kind {
    /// Every kind that registries know.
    pub const KNOWN: [Self; 5] = [Self::Schema1, Self::Schema2, Self::ManifestList, Self::OciManifest, Self::OciIndex];

    /// The media type that a registry serves a manifest of this kind as; `None` for an unknown kind.
    pub const fn media_type(self) -> Option<&'static str> {
        match self {
            Self::Schema1 => Some("application/vnd.docker.distribution.manifest.v1+prettyjws"),
            Self::Schema2 => Some("application/vnd.docker.distribution.manifest.v2+json"),
            Self::ManifestList => Some("application/vnd.docker.distribution.manifest.list.v2+json"),
            Self::OciManifest => Some("application/vnd.oci.image.manifest.v1+json"),
            Self::OciIndex => Some("application/vnd.oci.image.index.v1+json"),
            Self::Unknown => None,
        }
    }

    /// The kind that `mediaType` in a document names. The text must match exactly.
    pub(crate) fn from_media_type(text: &str) -> Option<Self> {
        if text == UNSIGNED_SCHEMA1 {
            return Some(Self::Schema1);
        }
        Self::KNOWN.into_iter().find(|kind| kind.media_type() == Some(text))
    }

    /// The kind that an HTTP `Content-Type` names. Case and parameters do not matter.
    ///
    /// An empty type and `application/json` name no kind, as in 3.x; 2.x read both, and any unknown type, as schema1.
    pub(crate) fn from_content_type(header: &str) -> Option<Self> {
        let essence = header.split(';').next().unwrap_or_default().trim();
        Self::from_media_type(&essence.to_ascii_lowercase())
    }

    /// Whether its references are manifests themselves.
    pub(crate) const fn has_children(self) -> bool {
        matches!(self, Self::ManifestList | Self::OciIndex)
    }
}

/// The media type of schema1 without signatures.
const UNSIGNED_SCHEMA1: &str = "application/vnd.docker.distribution.manifest.v1+json";
