//! The fields of a document that some registry reads, and which of them the decoder of each kind sees.

use super::super::kind::Kind;

/// A field at the top of a document, with everything below it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::manifest) enum Field {
    SchemaVersion,
    MediaType,
    Config,
    Layers,
    Manifests,
    /// `manifests[].platform.features`, which a list has and an index does not.
    Features,
    Annotations,
    Subject,
    ArtifactType,
    FsLayers,
    History,
    Name,
    Tag,
    Architecture,
}

impl Field {
    pub(in crate::manifest) const COUNT: usize = 14;

    /// The fields with their names, in the usual order in documents.
    pub(in crate::manifest) const TOP: [(&'static str, Self); 13] = [
        ("schemaVersion", Self::SchemaVersion),
        ("mediaType", Self::MediaType),
        ("config", Self::Config),
        ("layers", Self::Layers),
        ("manifests", Self::Manifests),
        ("annotations", Self::Annotations),
        ("subject", Self::Subject),
        ("artifactType", Self::ArtifactType),
        ("fsLayers", Self::FsLayers),
        ("history", Self::History),
        ("name", Self::Name),
        ("tag", Self::Tag),
        ("architecture", Self::Architecture),
    ];

    /// Whether a registry decodes the field in a manifest of `kind`, and so refuses a wrong type in it.
    pub(in crate::manifest) const fn is_decoded_in(self, kind: Kind) -> bool {
        match self {
            Self::SchemaVersion | Self::MediaType => true,
            Self::Config | Self::Layers => matches!(kind, Kind::Schema2 | Kind::OciManifest),
            Self::Manifests => kind.has_children(),
            Self::Features => matches!(kind, Kind::ManifestList),
            Self::Annotations => matches!(kind, Kind::OciManifest | Kind::OciIndex),
            Self::Subject | Self::ArtifactType => false,
            Self::FsLayers | Self::History | Self::Name | Self::Tag | Self::Architecture => {
                matches!(kind, Kind::Schema1)
            }
        }
    }

    /// Whether an oddity in the field matters in a manifest of `kind`: to the registry, to an image's referrers, or to
    /// a reader that takes the manifest for another kind.
    pub(in crate::manifest) const fn matters_in(self, kind: Kind) -> bool {
        match self {
            Self::Config | Self::Layers | Self::Manifests | Self::Subject | Self::ArtifactType => {
                !matches!(kind, Kind::Schema1)
            }
            _ => self.is_decoded_in(kind) || matches!(kind, Kind::Unknown),
        }
    }
}
