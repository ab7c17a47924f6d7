//! `regtree manifest`.

mod delete;
mod get;
mod list;
mod put;
mod referrers;
mod signatures;
mod stat;
mod verify;

use super::{Context, Exit};

/// Manifests: what images are made of
///
/// Every kind that registries have stored: schema1, schema2, manifest lists, OCI manifests, indexes and artifacts.
/// Bytes are kept exactly.
#[derive(Debug, clap::Subcommand)]
pub(super) enum Manifest {
    Put(put::Put),
    Get(get::Get),
    Stat(stat::Stat),
    Verify(verify::Verify),
    List(list::List),
    Delete(delete::Delete),
    Referrers(referrers::Referrers),
    Signatures(signatures::Signatures),
}

impl Manifest {
    pub(super) fn run(self, context: &mut Context) -> anyhow::Result<Exit> {
        match self {
            Self::Put(put) => put.run(context),
            Self::Get(get) => get.run(context),
            Self::Stat(stat) => stat.run(context),
            Self::Verify(verify) => verify.run(context),
            Self::List(list) => list.run(context),
            Self::Delete(delete) => delete.run(context),
            Self::Referrers(referrers) => referrers.run(context),
            Self::Signatures(signatures) => signatures.run(context),
        }
    }
}
