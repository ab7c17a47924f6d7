//! `regtree manifest`.

mod get;
mod put;

use super::{Context, Exit};

/// Manifests: what images are made of
///
/// Every kind that registries have stored: schema1, schema2, manifest lists, OCI manifests, indexes and artifacts. Bytes
/// are kept exactly.
#[derive(Debug, clap::Subcommand)]
pub(super) enum Manifest {
    Put(put::Put),
    Get(get::Get),
}

impl Manifest {
    pub(super) fn run(self, context: &mut Context) -> anyhow::Result<Exit> {
        match self {
            Self::Put(put) => put.run(context),
            Self::Get(get) => get.run(context),
        }
    }
}
