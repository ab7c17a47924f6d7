//! `regtree blob`.

mod delete;
mod get;
mod list;
mod mount;
mod put;
mod stat;

use super::{Context, Exit};

/// Blobs: layers, configs, and anything else addressed by digest
#[derive(Debug, clap::Subcommand)]
pub(super) enum Blob {
    Put(put::Put),
    Get(get::Get),
    Stat(stat::Stat),
    List(list::List),
    Mount(mount::Mount),
    Delete(delete::Delete),
}

impl Blob {
    pub(in crate::cli) fn run(self, context: &mut Context) -> anyhow::Result<Exit> {
        match self {
            Self::Put(put) => put.run(context),
            Self::Get(get) => get.run(context),
            Self::Stat(stat) => stat.run(context),
            Self::List(list) => list.run(context),
            Self::Mount(mount) => mount.run(context),
            Self::Delete(delete) => delete.run(context),
        }
    }
}
