//! `regtree repo list`.

use serde_json::json;

use crate::cli::count::width;
use crate::cli::subject::About;
use crate::cli::{Context, Exit, progress};
use crate::name::RepositoryName;
use crate::ordered;
use crate::registry::Census;
use crate::repository::find;
use crate::stream::Watch;

/// How many repositories each thread counts at a time.
const AT_A_TIME: usize = 8;

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
        let progress = progress::observer(context.global.progress, &context.output);
        let found = find::repositories(registry.tree(), &Watch { progress: &*progress, ..Watch::none() });
        let mut damage = found.damage;
        let width = width("REPOSITORY", found.repositories.iter().map(RepositoryName::as_str));
        if !self.long {
            for name in &found.repositories {
                context.output.answer(name, "repository", || json!({ "repository": name, "name": name }))?;
            }
            return context.output.all_damage(&damage);
        }
        let progress = progress::beside_lines(context.global.progress, &context.output);
        let watch = Watch { progress: &*progress, ..Watch::none() };
        let counting = watch.count("counting", Some(found.repositories.len()));
        let count = |name| {
            let counted = registry.repository(name).map(|repository| Census::take(&repository));
            counting.add(1);
            (name, counted)
        };
        for (name, counted) in ordered::map(found.repositories.iter(), AT_A_TIME, count) {
            let mut fields = json!({ "repository": name, "name": name });
            let (census, met) = counted.about(name, None)?;
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
