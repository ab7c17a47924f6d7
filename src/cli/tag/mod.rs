//! `regtree tag`.

mod delete;
mod get;
mod history;
mod list;
mod prune;
mod set;

use super::{Context, Exit};

noun! {
    /// Tags: names that point to manifests
    Tag {
        Set(set::Set),
        Get(get::Get),
        List(list::List),
        History(history::History),
        Delete(delete::Delete),
        Prune(prune::Prune),
    }
}
