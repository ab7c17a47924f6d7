//! `regtree quarantine`.

mod list;
mod purge;
mod restore;
mod show;

use serde_json::{Value, json};

use super::{Context, Exit};
use crate::digest::Digest;
use crate::quarantine::{NotedItem, Recall, RunId, RunSummary};

noun! {
    /// Quarantine: what was moved out of the tree, and can be put back
    ///
    /// A run of `gc --quarantine` or of `repair` moves items to .regtree/quarantine instead of removing them. They use
    /// space until they are purged.
    Quarantine {
        List(list::List),
        Show(show::Show),
        Restore(restore::Restore),
        Purge(purge::Purge),
    }
}

fn run_document(run: &RunSummary) -> Value {
    json!({
        "run": run.id.as_str(),
        "began": run.began.to_string(),
        "kind": run.kind,
        "items": run.items,
        "bytes": run.bytes,
    })
}

fn item_document(noted: &NotedItem) -> Value {
    let item = &noted.item;
    json!({
        "kind": item.kind.name(),
        "path": item.path.to_string(),
        "repository": item.repository,
        "digest": item.digest,
        "size": item.size,
    })
}

fn kind(run: &RunSummary) -> &str {
    run.kind.as_deref().unwrap_or("unknown")
}

pub(super) fn print_recall(recall: &Recall, context: &mut Context) -> anyhow::Result<()> {
    recall.blobs().try_for_each(|(digest, run)| print_put_back(digest, run, "would put back", context))
}

/// Reports that a blob was put back, or what else `did` says.
pub(super) fn print_put_back(digest: &Digest, run: &RunId, did: &str, context: &mut Context) -> anyhow::Result<()> {
    let text = format_args!("{did} {digest} from run {run} of the quarantine: the tree needs it again");
    context.output.answer(text, "restore", || json!({ "digest": digest, "run": run.as_str() }))
}
