//! `regtree init`.

use std::path::PathBuf;

use serde_json::json;

use super::{Context, Exit};
use crate::registry::Registry;

/// Create an empty registry tree
///
/// Makes DIR/docker/registry/v2 and the directories in it that a registry expects, if they are missing. A complete tree
/// is not changed.
#[derive(Debug, clap::Args)]
#[command(after_long_help = "\
Exit codes:
  0    there is a tree now
  1    it could not be made

Example:
  regtree init /var/lib/registry")]
pub(super) struct Init {
    /// The registry's rootdirectory; created if missing
    #[arg(value_name = "DIR", conflicts_with_all = ["root", "registry_config"])]
    directory: PathBuf,
}

impl Init {
    pub(super) fn run(self, context: &mut Context) -> anyhow::Result<Exit> {
        let (registry, created) = Registry::create(&self.directory)?;
        let path = registry.tree().path().display();
        if !created {
            context.output.note(format_args!("{path} already is a registry tree; nothing was changed"));
        }
        let [root, tree] = [registry.tree().root(), registry.tree().path()].map(|path| path.to_string_lossy());
        context.output.answer(path, "tree", || json!({ "root": root, "tree": tree, "created": created }))?;
        Ok(Exit::Done)
    }
}
