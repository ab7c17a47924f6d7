//! `regtree upload list`.

use std::time::Duration;

use crate::cli::count::human_bytes;
use crate::cli::subject::About;
use crate::cli::{Context, Exit};
use crate::name::RepositoryName;
use crate::upload;

/// List the uploads of a repository, or of the whole tree
///
/// Prints one line per upload: bytes received, start time, repository and id. If the start time is missing, the time of the
/// newest file is shown, with a ?.
#[derive(Debug, clap::Args)]
#[command(after_long_help = "\
Exit codes:
  0    listed
  2    malformed name or age
  3    listed, but damage was found
  4    unknown repository
  10   no tree

Example:
  regtree upload list --older-than 7d")]
pub(in crate::cli) struct List {
    /// The repository; the whole tree if omitted
    #[arg(value_name = "REPO", value_parser = crate::cli::parse_repository)]
    repository: Option<RepositoryName>,
    /// Only those that began longer ago than AGE (30m, 12h, 7d, 2w)
    #[arg(long, value_name = "AGE", value_parser = crate::cli::parse_span)]
    older_than: Option<Duration>,
}

impl List {
    pub(in crate::cli) fn run(self, context: &mut Context) -> anyhow::Result<Exit> {
        let registry = context.registry()?;
        let (names, mut damage) = if let Some(name) = self.repository {
            registry.repository(&name).about(&name, None)?;
            (vec![name], Vec::new())
        } else {
            let found = registry.repositories();
            (found.repositories, found.damage)
        };
        for name in names {
            for found in upload::uploads(registry.tree(), &name) {
                match found {
                    Ok(upload) => match upload.since() {
                        Some(since) if context.is_older(since, self.older_than) => print(&upload, since, context)?,
                        Some(_) => {}
                        None => damage.push(upload.unreadable_states(registry.tree())),
                    },
                    Err(error) => damage.push(error),
                }
            }
        }
        for error in &damage {
            context.output.damage(error)?;
        }
        Ok(Exit::damage_if(!damage.is_empty()))
    }
}

fn print(upload: &upload::Upload, since: jiff::Timestamp, context: &mut Context) -> anyhow::Result<()> {
    if context.output.is_json() {
        return context.output.event("upload", super::document(upload));
    }
    let size = human_bytes(upload.size);
    let since = since.strftime("%Y-%m-%dT%H:%M:%SZ");
    let doubt = if upload.started.is_none() { '?' } else { ' ' };
    context.output.row(
        "        SIZE  BEGAN                 REPOSITORY UPLOAD",
        format_args!("{size:>12}  {since}{doubt} {} {}", upload.repository, upload.id),
    )
}
