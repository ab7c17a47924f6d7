//! `regtree tag`.

mod delete;
mod get;
mod history;
mod list;
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
    }
}

/// A time as people read it, to the second.
fn time(time: jiff::Timestamp) -> String {
    time.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}
