//! `regtree repo`.

use serde_json::json;

use super::{Context, Exit};

/// Repositories
#[derive(Debug, clap::Subcommand)]
pub(super) enum Repo {
    List(List),
}

impl Repo {
    pub(super) fn run(self, context: &mut Context) -> anyhow::Result<Exit> {
        match self {
            Self::List(list) => list.run(context),
        }
    }
}

/// List the repositories, sorted by name
///
/// A repository is a directory with layers, manifests or uploads; registries 2.x and 3.x each miss some of these.
/// Symbolic links are not followed: they and directories that can't be read are reported as damage.
#[derive(Debug, clap::Args)]
#[command(after_long_help = "\
Exit codes:
  0    listed
  3    listed, but damage was found
  10   no tree")]
pub(super) struct List {}

impl List {
    #[expect(clippy::unused_self, reason = "as every command's")]
    fn run(self, context: &mut Context) -> anyhow::Result<Exit> {
        let registry = context.registry()?;
        let found = registry.repositories();
        for name in &found.repositories {
            if context.output.is_json() {
                context.output.event("repository", json!({ "name": name }))?;
            } else {
                context.output.text(format_args!("{name}\n"))?;
            }
        }
        for error in &found.damage {
            context.output.damage(error)?;
        }
        Ok(Exit::damage_if(!found.damage.is_empty()))
    }
}
