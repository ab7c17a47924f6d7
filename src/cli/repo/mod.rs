//! `regtree repo`.

mod delete;
mod list;

use super::{Context, Exit};
use crate::registry::Census;

/// Repositories
#[derive(Debug, clap::Subcommand)]
pub(super) enum Repo {
    List(list::List),
    Delete(delete::Delete),
}

impl Repo {
    pub(super) fn run(self, context: &mut Context) -> anyhow::Result<Exit> {
        match self {
            Self::List(list) => list.run(context),
            Self::Delete(delete) => delete.run(context),
        }
    }
}

/// How many tags, revisions, layers and uploads a repository has, for programs.
fn counts(census: &Census) -> [(&'static str, u64); 4] {
    let Census { tags, revisions, layers, uploads } = *census;
    [("tags", tags), ("revisions", revisions), ("layers", layers), ("uploads", uploads)]
}
