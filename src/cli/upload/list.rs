//! `regtree upload list`.

use std::time::Duration;

use crate::cli::count::{human_bytes, width};
use crate::cli::time::to_the_second;
use crate::cli::{Context, Exit};
use crate::name::RepositoryName;
use crate::upload;

/// List the uploads of a repository, or of the whole tree
///
/// Prints one line per upload: repository, id, start time, and bytes received. If the start time is missing, the time of
/// the newest file is shown, with a ?.
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
        let mut damage = Vec::new();
        let names = self.repository.into_iter().collect();
        let found = super::older(&registry, names, self.older_than, &mut damage, context)?;
        let width = width("REPOSITORY", found.iter().map(|(upload, _)| upload.repository.as_str()));
        for (upload, since) in found {
            print(&upload, since, width, context)?;
        }
        context.output.all_damage(&damage)
    }
}

fn print(upload: &upload::Upload, since: jiff::Timestamp, width: usize, context: &mut Context) -> anyhow::Result<()> {
    let size = human_bytes(upload.size);
    let since = to_the_second(since);
    let doubt = if upload.started.is_none() { '?' } else { ' ' };
    let (repository, id) = (upload.repository.as_str(), upload.id.as_str());
    let header = format!("{:width$}  {:36}  {:21}  {:>12}", "REPOSITORY", "UPLOAD", "STARTED", "SIZE");
    let row = format_args!("{repository:width$}  {id:36}  {since}{doubt}  {size:>12}");
    context.output.row(&header, row, "upload", || super::document(upload))
}
