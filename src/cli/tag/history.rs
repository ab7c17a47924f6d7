//! `regtree tag history`.

use serde_json::json;

use crate::cli::reference::{One, TagName};
use crate::cli::subject::About;
use crate::cli::time::to_the_second;
use crate::cli::{Context, Exit};
use crate::reference::Shortened;
use crate::tag;

/// List everything that a tag ever pointed to, newest first
///
/// Prints one line per manifest: when the tag was last set to it, and its digest. A * marks the current one, and
/// "missing" one that the repository no longer has. To go back, use regtree tag set with one of them.
#[derive(Debug, clap::Args)]
#[command(after_long_help = "\
Exit codes:
  0    listed
  2    malformed name or tag
  3    listed, but the tag is damaged, or what it points to is missing
  4    unknown repository or tag
  10   no tree

Example:
  regtree tag history library/app latest")]
pub(in crate::cli) struct History {
    #[command(flatten)]
    tag: One<TagName>,
}

impl History {
    pub(in crate::cli) fn run(self, context: &mut Context) -> anyhow::Result<Exit> {
        let registry = context.registry()?;
        let One { repository: name, target } = &self.tag;
        let repository = registry.repository(name).about(name, None)?;
        target.check(&repository, Shortened::Expand).about(name, None)?;
        let (past, damage) = tag::history(&repository, target.tag()).about(name, None)?;
        let mut dangles = false;
        for tag::Past { digest, since, current, missing } in past {
            // Older manifests may be deleted, but the current one must exist.
            dangles |= current && missing;
            let fields = || {
                json!({
                    "repository": name, "tag": target.tag(), "digest": digest, "since": to_the_second(since),
                    "current": current, "missing": missing,
                })
            };
            let (mark, time) = (if current { '*' } else { ' ' }, to_the_second(since));
            let gone = if missing { "  missing" } else { "" };
            let shown = context.output.digest(&digest);
            let header = format!("  {:20}  DIGEST", "SINCE");
            context.output.row(&header, format_args!("{mark} {time}  {shown}{gone}"), "past", fields)?;
        }
        let exit = context.output.all_damage(&damage)?;
        Ok(if dangles { Exit::Damage } else { exit })
    }
}
