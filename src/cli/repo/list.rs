//! `regtree repo list`.

use serde_json::json;

use crate::cli::count::width;
use crate::cli::subject::About;
use crate::cli::{Context, Exit};
use crate::name::RepositoryName;
use crate::registry::Census;

/// List the repositories, sorted by name
///
/// A repository is a directory with layers, manifests or uploads; registries 2.x and 3.x each miss some of these.
/// --long shows how many of each it has. Symbolic links are not followed: they, and unreadable directories, are
/// reported as damage. Names are sorted as text; a registry's _catalog sorts them part by part.
#[derive(Debug, clap::Args)]
#[command(after_long_help = "\
Exit codes:
  0    listed
  3    listed, but damage was found
  10   no tree

Examples:
  regtree repo list --long
  regtree repo list --long --json | jq -r 'select(.tags == 0) | .name'")]
pub(in crate::cli) struct List {
    /// Count tags, revisions, layers and uploads
    #[arg(short, long)]
    long: bool,
}

impl List {
    pub(in crate::cli) fn run(self, context: &mut Context) -> anyhow::Result<Exit> {
        let registry = context.registry()?;
        let found = registry.repositories();
        let mut damage = found.damage;
        let width = width("REPOSITORY", found.repositories.iter().map(RepositoryName::as_str));
        for name in &found.repositories {
            let mut fields = json!({ "repository": name, "name": name });
            if !self.long {
                context.output.answer(name, "repository", || fields)?;
                continue;
            }
            let (census, met) = Census::take(&registry.repository(name).about(name, None)?);
            damage.extend(met);
            for (key, count) in super::counts(&census) {
                fields[key] = count.into();
            }
            let Census { tags, revisions, layers, uploads } = census;
            let header = format!("{:width$}  {:>7}  REVISIONS  {:>7}  UPLOADS", "REPOSITORY", "TAGS", "LAYERS");
            let name = name.as_str();
            let row = format_args!("{name:width$}  {tags:>7}  {revisions:>9}  {layers:>7}  {uploads:>7}");
            context.output.row(&header, row, "repository", || fields)?;
        }
        context.output.all_damage(&damage)
    }
}
