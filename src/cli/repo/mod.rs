//! `regtree repo`.

mod copy;
mod delete;
mod list;
mod rename;

use serde_json::json;

use super::count::plural;
use super::{Context, Exit};
use crate::name::RepositoryName;
use crate::registry::{Census, Copied};

noun! {
    /// Repositories
    Repo {
        List(list::List),
        Copy(copy::Copy),
        Rename(rename::Rename),
        Delete(delete::Delete),
    }
}

/// Prints how much of a repository was copied or renamed.
fn print_copied(
    did: &str,
    kind: &str,
    copy: &Copied,
    names: [&RepositoryName; 2],
    dry_run: bool,
    context: &mut Context,
) -> anyhow::Result<()> {
    let Copied { tags, revisions, layers } = *copy;
    let [from, to] = names;
    let text = format!(
        "{did} {from} to {to}: {}, {}, {}",
        plural(tags, "tag"),
        plural(revisions, "revision"),
        plural(layers, "layer"),
    );
    let fields = || {
        json!({
            "from": from, "to": to, "tags": tags, "revisions": revisions, "layers": layers, "dry_run": dry_run,
        })
    };
    context.output.answer(text, kind, fields)?;
    if dry_run {
        context.output.note("nothing was changed (dry run)");
    }
    Ok(())
}

/// How many tags, revisions, layers and uploads a repository has, for programs.
fn counts(census: &Census) -> [(&'static str, u64); 4] {
    let Census { tags, revisions, layers, uploads } = *census;
    [("tags", tags), ("revisions", revisions), ("layers", layers), ("uploads", uploads)]
}
