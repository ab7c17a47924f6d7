//! `regtree info`.

mod report;
mod settings;

use serde_json::{Value, json};

use super::{Context, Exit, interrupt, root};
use crate::error::Error;
use crate::info;

/// Show which tree this is, in what state, and what is configured
///
/// Shows the root and the rule by which it was found, its file system and the free space, which registries seem to have
/// written the tree, what is in it, which processes use it, when its content was last hashed, and which defaults apply.
/// Reads only names and links, takes no lock, and changes nothing. If there is no tree, it shows where it looked for
/// one.
#[derive(Debug, clap::Args)]
#[command(after_long_help = "\
Exit codes:
  0    shown
  1    I/O or permission error
  3    shown, but the quarantine or other notes of regtree could not be read
  10   no tree; the places searched are shown

Examples:
  regtree info
  regtree info --json | jq .file_system.available")]
pub(super) struct Info {
    /// Read the size of all content, to sum up the bytes of the blobs
    #[arg(long)]
    sizes: bool,
}

impl Info {
    pub(super) fn run(self, context: &mut Context) -> anyhow::Result<Exit> {
        let found = root::find(&context.global)?;
        let registry = match context.registry() {
            Ok(registry) => registry,
            Err(error) => {
                if matches!(error.downcast_ref(), Some(Error::NotATree { .. } | Error::UnusableTree { .. })) {
                    print_absence(&found, context)?;
                }
                return Err(error);
            }
        };
        let tree = registry.tree();
        let info = info::look(&registry, context.now, self.sizes, &interrupt::catch()?)?;
        let settings = settings::effective(&context.global.site);
        if context.output.is_json() {
            let mut document = place(&found);
            document["tree"] = tree.path().to_string_lossy().into();
            report::add(&mut document, &info);
            document["settings"] = settings.iter().map(settings::Effective::document).collect();
            context.output.event("info", document)?;
            return context.output.all_damage(&info.unread);
        }
        context.output.line(format_args!("root:          {} ({})", tree.root().display(), found.rule))?;
        context.output.line(format_args!("tree:          {}", tree.path().display()))?;
        for line in report::lines(&info).into_iter().chain(settings::lines(&settings, &context.global)) {
            context.output.line(line)?;
        }
        context.output.all_damage(&info.unread)
    }
}

/// Where the root is, and by which rule.
fn place(found: &root::Found) -> Value {
    json!({
        "root": found.root.to_string_lossy(),
        "root_from": { "rule": found.rule.name(), "path": found.rule.file().map(|file| file.to_string_lossy()) },
    })
}

/// Shows where a tree was looked for. The error follows.
fn print_absence(found: &root::Found, context: &mut Context) -> anyhow::Result<()> {
    let settings = settings::effective(&context.global.site);
    if context.output.is_json() {
        let mut document = place(found);
        document["tree"] = Value::Null;
        document["looked"] = root::looked_document(&context.global);
        document["settings"] = settings.iter().map(settings::Effective::document).collect();
        return context.output.event("info", document);
    }
    context.output.line(format_args!("root:          {} ({})", found.root.display(), found.rule))?;
    context.output.line("tree:          none")?;
    context.output.line("looked at, in this order:")?;
    for (place, applies) in root::looked(&context.global) {
        context.output.line(format_args!("  {:<38}  {}", place, if applies { "used" } else { "no" }))?;
    }
    settings::lines(&settings, &context.global).into_iter().try_for_each(|line| context.output.line(line))
}
