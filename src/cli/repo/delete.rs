//! `regtree repo delete`.

use serde_json::{Value, json};

use crate::cli::count::{self, plural};
use crate::cli::deletion::{AllowUnreadable, Manner, name_run, print_end};
use crate::cli::selector::{self, Selected, Selector};
use crate::cli::subject::About;
use crate::cli::{Context, Exit, NOTE_CACHED, interrupt};
use crate::du::{self, Freed};
use crate::error::Error;
use crate::name::RepositoryName;
use crate::quarantine::RunId;
use crate::registry::{self, Registry, Removal};
use crate::repository::Repository;

/// Remove repositories: their tags, manifests' links, layers' links and uploads
///
/// Prints how many of each were removed. The content is kept until gc collects it, and other repositories keep their
/// links to it. A repository whose name only begins with one of these names is kept too. If one of several names is
/// unknown, or one of the repositories can't be removed, none is removed. A pattern that matches more than one is
/// refused without --force. No other regtree command may change the tree meanwhile: repo delete fails while one is
/// running. To finish an interrupted deletion, run it again.
///
/// A note says how much a collection would free. To find out, regtree reads all links of the tree, as gc --dry-run
/// does; --quiet skips this.
///
/// With --quarantine the repositories are moved to .regtree/quarantine, and `regtree quarantine restore` puts them
/// back. The quarantine does not protect their content: restore them before gc collects it.
#[derive(Debug, clap::Args)]
#[command(after_long_help = "\
Exit codes:
  0    removed
  1    not writable
  2    malformed name or pattern
  3    removed, and there was damage in it
  4    unknown repository, or a pattern that matches none; nothing removed
  5    something else is in the place of one of its folders
  10   no tree
  11   locked, or another process works on the tree
  12   a pattern matches several, one of the directories can't be listed, something in one can't be read, or \
       Harbor keeps the tags in a database; nothing removed

Examples:
  regtree repo delete library/app --dry-run
  regtree repo delete library/app library/web --quarantine
  regtree repo delete 'ci/**' --force")]
pub(in crate::cli) struct Delete {
    /// The repositories, by name or pattern (* and ? do not match a slash, ** does)
    #[arg(value_name = "REPO|GLOB", required = true, value_parser = selector::parse)]
    repositories: Vec<Selector>,
    /// Remove all repositories that a pattern matches, even if it matches several
    #[arg(long)]
    force: bool,
    #[command(flatten)]
    unreadable: AllowUnreadable,
    #[command(flatten)]
    manner: Manner,
}

impl Delete {
    pub(in crate::cli) fn run(self, context: &mut Context) -> anyhow::Result<Exit> {
        let registry = context.registry()?;
        let writer = context.exclusive_writer(&registry, "repo delete", self.manner.dry_run)?;
        context.check_tags(&registry, self.manner.dry_run)?;
        let Selected { repositories, several, mut damage } = selector::select(&self.repositories, &registry)?;
        let mut removals = Vec::with_capacity(repositories.len());
        for name in &repositories {
            let repository = Repository::new(registry.tree(), name.clone());
            let planned = registry::plan_delete(&repository, self.unreadable.policy());
            let (removal, damaged) = planned.about(name, None)?;
            damage.extend(damaged);
            removals.push((name, removal));
        }
        let refusal = several.filter(|_| !self.force).map(|(pattern, found)| Error::SafetyLimit {
            reason: format!("{pattern} matches {}", plural(found, "repository")),
            override_option: "--force".into(),
        });
        // A deletion that is refused is shown as in a dry run.
        let manner = Manner { dry_run: self.manner.dry_run || refusal.is_some(), ..self.manner };
        context.refusal = context.refusal.take().or(refusal);
        let freed = freed(&registry, &repositories, context)?;
        let run = manner.carry_out(writer.filter(|_| !manner.dry_run).as_ref(), "repo delete", context, |remover| {
            removals.iter().try_for_each(|(name, removal)| removal.execute(remover).about(name, None))
        })?;
        for (name, removal) in &removals {
            print_removal(name, removal, manner, context)?;
        }
        let exit = context.output.all_damage(&damage)?;
        context.output.json_only("summary", || summary(removals.len(), freed, manner, run.as_ref()))?;
        print_end(manner, run.as_ref(), plural(removals.len(), "repository"), context)?;
        print_freed(freed, manner, context);
        Ok(exit)
    }
}

/// How much a collection would free, if that is going to be said.
fn freed(registry: &Registry, repositories: &[RepositoryName], context: &Context) -> anyhow::Result<Option<Freed>> {
    if context.output.is_quiet() && !context.output.is_json() {
        return Ok(None);
    }
    let chosen = |path: &str| repositories.iter().any(|name| name.as_str() == path);
    Ok(du::freed_without(registry.tree(), chosen, &interrupt::catch()?)?)
}

fn print_removal(
    name: &RepositoryName,
    removal: &Removal,
    manner: Manner,
    context: &mut Context,
) -> anyhow::Result<()> {
    let counts = super::counts(&removal.census);
    let mut fields = json!({ "repository": name, "dry_run": manner.dry_run });
    for (key, count) in counts {
        fields[key] = count.into();
    }
    let counts = counts.map(|(what, count)| plural(count, what.trim_end_matches('s'))).join(", ");
    let (did, to) = manner.words();
    context.output.answer(format_args!("{did} {name}{to}: {counts}"), "delete", || fields)
}

fn summary(repositories: usize, freed: Option<Freed>, manner: Manner, run: Option<&RunId>) -> Value {
    let mut summary = json!({
        "repositories": repositories, "dry_run": manner.dry_run,
        "freeable_blobs": freed.map(|freed| freed.blobs), "freeable_bytes": freed.map(|freed| freed.bytes),
    });
    name_run(&mut summary, run);
    summary
}

fn print_freed(freed: Option<Freed>, manner: Manner, context: &Context) {
    if let Some(Freed { blobs, bytes }) = freed {
        context.output.note(match (blobs, plural(blobs, "blob"), count::bytes(bytes)) {
            (0, ..) => "this frees no space: no content was needed here alone".to_owned(),
            (_, blobs, bytes) => format!(
                "this frees no space by itself: nothing else needs {blobs} of {bytes}; gc removes what is older than \
                 its --min-age"
            ),
        });
    }
    if !manner.dry_run {
        context.output.note(NOTE_CACHED);
    }
}
