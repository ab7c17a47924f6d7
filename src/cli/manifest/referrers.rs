//! `regtree manifest referrers`.

use serde_json::json;

use crate::cli::reference::One;
use crate::cli::subject::About;
use crate::cli::{Context, Exit};
use crate::manifest::{self, Kind};
use crate::reference::Shortened;

/// List the manifests that refer to another, such as signatures, as an OCI index
///
/// Lists the manifests that name it as their subject, and those that a client has listed under the referrers tag
/// (sha256-…), as a registry with the referrers API would answer. The manifest itself need not exist.
#[derive(Debug, clap::Args)]
#[command(after_long_help = "\
Exit codes:
  0    listed
  2    malformed name, tag or digest
  3    listed, but there are manifests that can't be read, which may be referrers too
  4    unknown repository or tag
  5    the tag's link is broken
  10   no tree

Example:
  regtree manifest referrers library/app v1 | jq -r '.manifests[].digest'")]
pub(in crate::cli) struct Referrers {
    #[command(flatten)]
    image: One<crate::cli::reference::Manifest>,
    /// Only those of this type
    #[arg(long, value_name = "TYPE")]
    artifact_type: Option<String>,
}

impl Referrers {
    pub(in crate::cli) fn run(self, context: &mut Context) -> anyhow::Result<Exit> {
        let registry = context.registry()?;
        let One { repository: name, target } = &self.image;
        let repository = registry.repository(name).about(name, None)?;
        let digest = target.resolve(&repository, Shortened::Expand).about(name, None)?.digest;
        let (relations, damage) = manifest::relations(&repository, digest).about_manifest(name, digest)?;
        let mut found = relations.referrers;
        if let Some(wanted) = &self.artifact_type {
            found.retain(|referrer| referrer.artifact_type.as_ref() == Some(wanted));
        }
        let media_type = Kind::OciIndex.media_type();
        // The index is JSON in any case.
        context.output.document(&json!({ "schemaVersion": 2, "mediaType": media_type, "manifests": found }))?;
        for error in &damage {
            context.output.warn(error);
        }
        Ok(Exit::damage_if(!damage.is_empty()))
    }
}
