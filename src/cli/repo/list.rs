//! `regtree repo list`.

use serde_json::json;

use crate::cli::count::noun;
use crate::cli::subject::About;
use crate::cli::{Context, Exit};
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
        for name in &found.repositories {
            let mut fields = json!({ "name": name });
            let mut counts = String::new();
            if self.long {
                let (census, met) = Census::take(&registry.repository(name).about(name, None)?);
                damage.extend(met);
                let Census { tags, revisions, layers, uploads } = census;
                counts = format!(
                    "{tags:>5} {:4} {revisions:>6} {:9} {layers:>6} {:6} {uploads:>5} {:7}  ",
                    noun(tags, "tag"),
                    noun(revisions, "revision"),
                    noun(layers, "layer"),
                    noun(uploads, "upload")
                );
                for (key, count) in super::counts(&census) {
                    fields[key] = count.into();
                }
            }
            context.output.answer(format_args!("{counts}{name}"), "repository", || fields)?;
        }
        context.output.all_damage(&damage)
    }
}
