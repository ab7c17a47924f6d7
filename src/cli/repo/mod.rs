//! `regtree repo`.

mod delete;
mod list;

use super::{Context, Exit};
use crate::registry::Census;

noun! {
    /// Repositories
    Repo {
        List(list::List),
        Delete(delete::Delete),
    }
}

/// How many tags, revisions, layers and uploads a repository has, for programs.
fn counts(census: &Census) -> [(&'static str, u64); 4] {
    let Census { tags, revisions, layers, uploads } = *census;
    [("tags", tags), ("revisions", revisions), ("layers", layers), ("uploads", uploads)]
}
