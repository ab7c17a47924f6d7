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

noun! {
    /// Manifests: what images are made of
    ///
    /// Every kind that registries have stored: schema1, schema2, manifest lists, OCI manifests, indexes and artifacts.
    /// Bytes are kept exactly.
    Manifest {
        Put(put::Put),
        Get(get::Get),
        Stat(stat::Stat),
        Verify(verify::Verify),
        List(list::List),
        Delete(delete::Delete),
        Referrers(referrers::Referrers),
        Signatures(signatures::Signatures),
    }
}
