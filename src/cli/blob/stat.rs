//! `regtree blob stat`.

use std::io;
use std::path::Path;

use serde_json::json;

use crate::blob::{self, BlobStat, OpenBlob};
use crate::cli::count;
use crate::cli::output::error_document;
use crate::cli::reference::{self, Blob, Groups, Kind, Word, checked_arguments};
use crate::cli::subject::About;
use crate::cli::{Context, Exit, progress};
use crate::digest::{Digest, GivenDigest};
use crate::name::RepositoryName;
use crate::reference::Shortened;
use crate::registry::{self, Registry};
use crate::repository::Repository;
use crate::stream::{Interrupt, Watch};

/// Show what a repository knows of a blob, or which repositories have it
///
/// Prints its descriptor: media type, size, and the digest that the content is stored under. This differs from DIGEST
/// if that is an alias. The content is not read, unless DIGEST is a tarsum: then it is verified, because a link by a
/// tarsum proves nothing. If one of several digests is unknown, the command fails.
#[derive(Debug, clap::Args)]
#[command(after_long_help = "\
Exit codes:
  0    shown
  3    shown, but damage was found on the way (--all-repos)
  4    unknown repository or blob
  5    the link is damaged, something else is in the content's place, or the content does not match a tarsum
  10   no tree

Examples:
  regtree blob stat library/app sha256:…
  regtree blob stat library/app@sha256:…
  regtree blob stat --all-repos sha256:…")]
pub(in crate::cli) struct Stat {
    #[command(flatten)]
    which: Which,
}

/// Which blobs to show.
#[derive(Debug)]
enum Which {
    /// These, by their repositories.
    These(Groups<GivenDigest>),
    /// This one, in all repositories.
    InAll(GivenDigest),
}

#[derive(clap::Args)]
struct WhichWords {
    /// The repository, or a reference that names both; none with --all-repos
    #[arg(value_name = Blob::FIRST, value_parser = first_word)]
    repository: Word<GivenDigest>,
    /// The blobs, after REPO alone, by any digest that the repository links; or more references
    #[arg(value_name = Blob::SECOND, value_parser = reference::next::<Blob>)]
    digests: Vec<Word<GivenDigest>>,
    /// Print the names of all repositories that link the blob
    #[arg(long)]
    all_repos: bool,
}

/// Parses the first word, which is a digest with --all-repos.
fn first_word(text: &str) -> Result<Word<GivenDigest>, Box<dyn std::error::Error + Send + Sync>> {
    if GivenDigest::is_meant(text) { Blob::parse(text).map(Word::Target) } else { reference::first::<Blob>(text) }
}

impl TryFrom<WhichWords> for Which {
    type Error = clap::Error;

    fn try_from(WhichWords { repository: first, digests, all_repos }: WhichWords) -> Result<Self, clap::Error> {
        match first {
            Word::Target(_) if !all_repos => {
                Err(reference::conflict("the repository comes first, and then the digest"))
            }
            first if !all_repos => reference::group::<Blob>(first, digests).map(Self::These),
            _ if !digests.is_empty() => Err(reference::conflict("--all-repos takes one digest, and no repository")),
            Word::Target(digest) => Ok(Self::InAll(digest)),
            // Digits alone look like a repository.
            Word::Repository(digits) => match digits.as_str().parse() {
                Ok(digest) => Ok(Self::InAll(digest)),
                Err(error) => Err(reference::conflict(&format!("--all-repos takes a digest: {error}"))),
            },
            Word::Whole(..) => Err(reference::conflict("--all-repos takes one digest, and no repository")),
        }
    }
}

checked_arguments!(Which, WhichWords);

impl Stat {
    pub(in crate::cli) fn run(self, context: &mut Context) -> anyhow::Result<Exit> {
        let registry = context.registry()?;
        let groups = match &self.which {
            Which::These(groups) => groups,
            Which::InAll(given) => {
                let digest = crate::reference::content(registry.tree(), given)?;
                return everywhere(&registry, digest, context);
            }
        };
        let mut found: Vec<(&RepositoryName, BlobStat, Option<Verdict>)> = Vec::new();
        for (name, targets) in groups {
            let repository = registry.repository(name).about(name, None)?;
            for given in targets {
                let digest = crate::reference::blob(&repository, given, Shortened::Expand).about(name, None)?;
                let stat = blob::stat(&repository, digest).about(name, digest)?;
                let by_tarsum = digest.is_tarsum();
                let verdict = by_tarsum.then(|| verify(&repository, digest, context)).transpose()?;
                found.push((name, stat, verdict));
            }
        }
        for (at, (name, stat, verdict)) in found.iter().enumerate() {
            if context.output.is_json() {
                let mut document = serde_json::to_value(stat)?;
                document["repository"] = json!(name);
                if let Some(verdict) = verdict {
                    document["verified"] = verdict.is_ok().into();
                }
                context.output.event("blob", document)?;
                continue;
            }
            if at > 0 {
                context.output.line("")?;
            }
            print(stat, context)?;
            match verdict {
                Some(Ok(())) => context.output.line("tarsum:     verified")?,
                Some(Err(_)) => context.output.line("tarsum:     not verified")?,
                None => {}
            }
        }
        for reason in found.iter().filter_map(|(.., verdict)| verdict.as_ref()?.as_ref().err()) {
            context.output.note(format_args!("the content was not verified: {reason}"));
        }
        Ok(Exit::Done)
    }
}

/// Whether content was verified; `Err` with the reason why not.
type Verdict = Result<(), String>;

/// Compares the content with a tarsum that leads to it.
fn verify(repository: &Repository<'_>, tarsum: Digest, context: &Context) -> anyhow::Result<Verdict> {
    let progress = progress::observer(context.global.progress, &context.output);
    // There is nothing to clean up, so a signal may end the process.
    let watch = Watch { progress: &*progress, interrupt: Interrupt::default() };
    let blob = OpenBlob::open(repository, tarsum).about(repository.name(), tarsum)?;
    let unverified = blob.copy_to(&mut io::sink(), Path::new("nowhere"), &watch).about(repository.name(), tarsum)?;
    Ok(unverified.map_or(Ok(()), Err))
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
        let repositories: Vec<_> =
            linked.iter().map(|(name, key)| json!({ "repository": name, "name": name, "link": key })).collect();
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
