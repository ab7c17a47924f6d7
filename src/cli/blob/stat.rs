//! `regtree blob stat`.

use serde_json::json;

use crate::blob::{self, BlobStat};
use crate::cli::count;
use crate::cli::output::error_document;
use crate::cli::subject::About;
use crate::cli::{Context, Exit};
use crate::digest::Digest;
use crate::name::RepositoryName;
use crate::registry::{self, Registry};

/// Show what a repository knows of a blob, or which repositories have it
///
/// Prints its descriptor: media type, size, and the digest that the content is stored under. This differs from DIGEST
/// if that is an alias. The content is not read. If one of several digests is unknown, the command fails.
#[derive(Debug, clap::Args)]
#[command(
    override_usage = "regtree blob stat [OPTIONS] <REPO> <DIGEST>...\n       regtree blob stat [OPTIONS] --all-repos <DIGEST>",
    after_long_help = "\
Exit codes:
  0    shown
  3    shown, but damage was found on the way (--all-repos)
  4    unknown repository or blob
  5    the link is damaged, or something else is in the content's place
  10   no tree

Examples:
  regtree blob stat library/app sha256:…
  regtree blob stat --all-repos sha256:…"
)]
pub(in crate::cli) struct Stat {
    /// The repository
    #[arg(value_name = "REPO", required_unless_present = "all_repos", value_parser = crate::cli::parse_repository)]
    repository: Option<RepositoryName>,
    /// The blobs, by any digest that the repository links
    #[arg(value_name = "DIGEST", required_unless_present = "all_repos", value_parser = crate::cli::parse_digest)]
    digests: Vec<Digest>,
    /// Print the names of all repositories that link the blob
    #[arg(long, value_name = "DIGEST", conflicts_with_all = ["repository", "digests"], value_parser = crate::cli::parse_digest)]
    all_repos: Option<Digest>,
}

impl Stat {
    pub(in crate::cli) fn run(self, context: &mut Context) -> anyhow::Result<Exit> {
        let registry = context.registry()?;
        if let Some(digest) = self.all_repos {
            return everywhere(&registry, digest, context);
        }
        // clap requires it, unless --all-repos is given.
        let Some(name) = self.repository else { return Ok(Exit::Usage) };
        let repository = registry.repository(&name).about(&name, None)?;
        let stat = |&digest| blob::stat(&repository, digest).about(&name, digest);
        let found: Vec<BlobStat> = self.digests.iter().map(stat).collect::<anyhow::Result<_>>()?;
        for (at, stat) in found.iter().enumerate() {
            if context.output.is_json() {
                let mut document = serde_json::to_value(stat)?;
                document["repository"] = json!(name);
                context.output.event("blob", document)?;
                continue;
            }
            if at > 0 {
                context.output.line("")?;
            }
            print(stat, context)?;
        }
        Ok(Exit::Done)
    }
}

fn print(stat: &BlobStat, context: &mut Context) -> anyhow::Result<()> {
    let descriptor = &stat.descriptor;
    if stat.alias {
        context.output.line(format_args!("asked:      {} (alias)", stat.asked))?;
    }
    context.output.line(format_args!("digest:     {}", descriptor.digest))?;
    context.output.line(format_args!("size:       {}", count::bytes(descriptor.size)))?;
    context.output.line(format_args!("media type: {}", descriptor.media_type))
}

fn everywhere(registry: &Registry, digest: Digest, context: &mut Context) -> anyhow::Result<Exit> {
    let (linked, damage) = registry::linked_in(registry, digest);
    let damaged = !damage.is_empty();
    if linked.is_empty() && !damaged {
        return Err(registry::linked_nowhere(registry, digest)?.into());
    }
    if context.output.is_json() {
        let repositories: Vec<_> = linked.iter().map(|(name, key)| json!({ "name": name, "link": key })).collect();
        let damage: Vec<_> = damage.iter().map(error_document).collect();
        let fields = json!({ "digest": digest, "repositories": repositories, "damage": damage });
        context.output.event("blob", fields)?;
    } else {
        for (name, _) in &linked {
            context.output.line(format_args!("{name}"))?;
        }
        context.output.all_damage(&damage)?;
    }
    Ok(Exit::damage_if(damaged))
}
