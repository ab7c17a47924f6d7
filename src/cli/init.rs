//! `regtree init`.

use std::path::PathBuf;

use serde_json::json;

use super::{Context, Exit};
use crate::registry::Registry;

/// Create an empty registry tree
///
/// Makes DIR/docker/registry/v2 with the directories that a registry expects, as far as they are missing. A tree that
/// is whole already is left as it is.
#[derive(Debug, clap::Args)]
#[command(after_long_help = "\
Exit codes:
  0    there is a tree now
  1    it could not be made

Example:
  regtree init /var/lib/registry")]
pub(super) struct Init {
    /// What is to be the registry's rootdirectory; made if missing
    #[arg(value_name = "DIR", conflicts_with_all = ["root", "registry_config"])]
    directory: PathBuf,
}

impl Init {
    pub(super) fn run(self, context: &mut Context) -> anyhow::Result<Exit> {
        let (registry, created) = Registry::create(&self.directory)?;
        let path = registry.tree().path().display();
        if !created {
            context.output.note(format_args!("{path} is a registry tree already; nothing was changed"));
        }
        let [root, tree] = [registry.tree().root(), registry.tree().path()].map(|path| path.to_string_lossy());
        context.output.answer(path, "tree", || json!({ "root": root, "tree": tree, "created": created }))?;
        Ok(Exit::Done)
    }
}
