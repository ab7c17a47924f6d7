//! `regtree manifest stat`.

use serde_json::{Value, json};

use crate::cli::count::{human_bytes, plural};
use crate::cli::reference::One;
use crate::cli::subject::About;
use crate::cli::{Context, Exit};
use crate::manifest::{self, ManifestStat, Part, Relations};
use crate::name::RepositoryName;
use crate::reference::Shortened;
use crate::repository::cache;

/// Show a manifest: its type, what it references and whether that exists, its tags, its referrers and its parent
/// indexes
#[derive(Debug, clap::Args)]
#[command(after_long_help = "\
Exit codes:
  0    shown
  2    malformed name, tag or digest
  3    shown, but something that it references is missing, or damage was found
  4    unknown repository, tag or manifest
  5    the manifest or a link is damaged
  10   no tree

Example:
  regtree manifest stat library/app v1")]
pub(in crate::cli) struct Stat {
    #[command(flatten)]
    image: One<crate::cli::reference::Manifest>,
}

impl Stat {
    pub(in crate::cli) fn run(self, context: &mut Context) -> anyhow::Result<Exit> {
        let registry = context.registry()?;
        let One { repository: name, target } = &self.image;
        let repository = registry.repository(name).about(name, None)?;
        let digest = target.resolve(&repository, Shortened::Expand).about(name, None)?.digest;
        let (stat, mut damage) = manifest::stat(&repository, digest).about_manifest(name, digest)?;
        let (relations, unread) = manifest::relations(&repository, digest).about_manifest(name, digest)?;
        damage.extend(unread);
        if context.output.is_json() {
            let mut document = document(&stat, name);
            document["parents"] = json!(relations.parents);
            document["referrers"] = json!(relations.referrers);
            document["damage"] = damage.iter().map(crate::cli::output::error_document).collect();
            context.output.event("manifest", document)?;
        } else {
            print(&stat, &relations, context)?;
            context.output.all_damage(&damage)?;
        }
        // A cache fetches what it lacks when that is pulled.
        let missing = !cache::is_cache(registry.tree())
            && stat.parts.iter().any(|part| part.found.is_none() && !part.reference.is_elsewhere());
        Ok(Exit::damage_if(missing || !damage.is_empty()))
    }
}

/// The description as a JSON document.
fn document(stat: &ManifestStat, repository: &RepositoryName) -> Value {
    let manifest = &stat.manifest;
    json!({
        "mediaType": manifest.served_as(),
        "size": stat.size,
        "digest": stat.digest,
        "repository": repository,
        "kind": manifest.kind.name(),
        "artifactType": manifest.artifact_type,
        "tags": stat.tags,
        "subject": manifest.subject.as_ref().map(|subject| &subject.text),
        "references": stat.parts.iter().map(reference).collect::<Vec<_>>(),
        "oddities": manifest.oddities,
    })
}

fn reference(part: &Part) -> Value {
    let reference = &part.reference;
    json!({
        "role": reference.role,
        "mediaType": reference.media_type,
        "digest": reference.text,
        "size": reference.size,
        "platform": reference.platform.as_ref().map(ToString::to_string),
        "present": part.found.is_some(),
        "found": part.found,
    })
}

fn print(stat: &ManifestStat, relations: &Relations, context: &mut Context) -> anyhow::Result<()> {
    let (manifest, output) = (&stat.manifest, &mut context.output);
    output.line(format_args!("digest:     {}", stat.digest))?;
    output.line(format_args!("media type: {}", manifest.served_as().unwrap_or("unknown")))?;
    output.line(format_args!("kind:       {}", manifest.kind.name()))?;
    output.line(format_args!("size:       {}", plural(stat.size, "byte")))?;
    if let Some(artifact_type) = &manifest.artifact_type {
        output.line(format_args!("artifact:   {artifact_type}"))?;
    }
    if let Some(subject) = &manifest.subject {
        output.line(format_args!("subject:    {}", subject.text))?;
    }
    let tags: Vec<&str> = stat.tags.iter().map(crate::name::Tag::as_str).collect();
    let tags = if tags.is_empty() { "none".to_owned() } else { tags.join(", ") };
    output.line(format_args!("tags:       {tags}"))?;
    if !stat.parts.is_empty() {
        output.line(format_args!("references:"))?;
    }
    for part in &stat.parts {
        let reference = &part.reference;
        let size = part.found.map_or_else(|| "missing".to_owned(), human_bytes);
        let wrong = part.found.zip(reference.size).filter(|(found, said)| u64::try_from(*said) != Ok(*found));
        let wrong = wrong.map(|(_, said)| format!(" (the manifest says {})", plural(said, "byte"))).unwrap_or_default();
        let platform = reference.platform.as_ref().map(|platform| format!(" {platform}")).unwrap_or_default();
        let (role, digest) = (reference.role, &reference.text);
        output.line(format_args!("  {role:6} {size:>12}  {digest}{platform}{wrong}"))?;
    }
    if !relations.parents.is_empty() {
        output.line(format_args!("parents:"))?;
    }
    for parent in &relations.parents {
        output.line(format_args!("  {parent}"))?;
    }
    if !relations.referrers.is_empty() {
        output.line(format_args!("referrers:"))?;
    }
    for referrer in &relations.referrers {
        let kind = referrer.artifact_type.as_deref().unwrap_or(&referrer.media_type);
        let gone = if referrer.present { "" } else { " (missing)" };
        output.line(format_args!("  {} {kind}{gone}", referrer.digest))?;
    }
    Ok(())
}
