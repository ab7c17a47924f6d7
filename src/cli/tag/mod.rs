//! `regtree tag`.

mod set;

use super::{Context, Exit};

/// Tags: names that point to manifests
#[derive(Debug, clap::Subcommand)]
pub(super) enum Tag {
    Set(set::Set),
}

impl Tag {
    pub(super) fn run(self, context: &mut Context) -> anyhow::Result<Exit> {
        match self {
            Self::Set(set) => set.run(context),
        }
    }
}
