//! `regtree tag`.

mod delete;
mod get;
mod history;
mod list;
mod set;

use super::{Context, Exit};

/// Tags: names that point to manifests
#[derive(Debug, clap::Subcommand)]
pub(super) enum Tag {
    Set(set::Set),
    Get(get::Get),
    List(list::List),
    History(history::History),
    Delete(delete::Delete),
}

impl Tag {
    pub(super) fn run(self, context: &mut Context) -> anyhow::Result<Exit> {
        match self {
            Self::Set(set) => set.run(context),
            Self::Get(get) => get.run(context),
            Self::List(list) => list.run(context),
            Self::History(history) => history.run(context),
            Self::Delete(delete) => delete.run(context),
        }
    }
}

/// A time as people read it, to the second.
fn time(time: jiff::Timestamp) -> String {
    time.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}
