//! `regtree blob`.

mod delete;
mod get;
mod list;
mod mount;
mod put;
mod stat;
mod users;

use super::{Context, Exit};

noun! {
    /// Blobs: layers, configs, and anything else addressed by digest
    Blob {
        Put(put::Put),
        Get(get::Get),
        Stat(stat::Stat),
        Users(users::Users),
        List(list::List),
        Mount(mount::Mount),
        Delete(delete::Delete),
    }
}
