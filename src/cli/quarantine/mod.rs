//! `regtree quarantine`.

mod choice;
mod list;
mod purge;
mod restore;
mod show;

use std::io::ErrorKind;

pub(super) use choice::Choice;
use serde_json::{Value, json};

use super::count::plural;
use super::time::to_the_second;
use super::{Context, Exit};
use crate::digest::Digest;
use crate::error::Error;
use crate::quarantine::{ItemKind, Mentioned, NotedItem, Recall, RunId, RunSummary};

/// How many blobs that stay in the quarantine a note names, and how many repositories for each.
const SHOWN: usize = 10;
const NAMED: usize = 3;

/// What to do when a quarantine does not fit on the disk.
pub(super) const NO_ROOM: &str =
    "the quarantine needs space, and frees none before a purge: run it with --no-quarantine";

/// The error of a command that fills the quarantine. If the disk is full, advice is printed below it.
pub(super) fn no_room(error: impl Into<anyhow::Error>, context: &mut Context) -> anyhow::Error {
    let error = error.into();
    if error.chain().filter_map(|cause| cause.downcast_ref::<Error>()).any(is_full) {
        context.advice = Some(NO_ROOM);
    }
    error
}

pub(super) fn is_full(error: &Error) -> bool {
    matches!(error.io_kind(), Some(ErrorKind::StorageFull | ErrorKind::QuotaExceeded))
}

noun! {
    /// Quarantine: what was moved out of the tree, and can be put back
    ///
    /// A run of `repair`, or of `gc` or a deletion with --quarantine, moves items to .regtree/quarantine instead of
    /// removing them. They use space until they are purged.
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
        "started": to_the_second(run.began),
        "began": to_the_second(run.began),
        "kind": run.kind,
        "items": run.items,
        "bytes": run.bytes,
    })
}

fn item_document(noted: &NotedItem) -> Value {
    let item = &noted.item;
    let path = if item.kind == ItemKind::Directory { item.path.clone() } else { item.path.main_file() };
    json!({
        "kind": item.kind.name(),
        "path": path.below_root(),
        "changes": item.path.below_root(),
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

/// Tells of the blobs that stay in the quarantine though something in the tree mentions them.
pub(super) fn print_mentioned(recall: &Recall, context: &mut Context) -> anyhow::Result<()> {
    if context.output.is_json() {
        return recall.mentioned.iter().try_for_each(|Mentioned { digest, run, repositories, .. }| {
            let fields = json!({ "digest": digest, "run": run.as_str(), "repositories": repositories });
            context.output.event("mentioned", fields)
        });
    }
    for Mentioned { digest, run, repositories, .. } in recall.mentioned.iter().take(SHOWN) {
        let who = list_some(repositories);
        context.output.note(format_args!(
            "{digest} is kept in run {run} of the quarantine: {who} only, and nothing shows that it was there"
        ));
    }
    if recall.mentioned.len() > SHOWN {
        let more = plural(recall.mentioned.len() - SHOWN, "blob");
        context.output.note(format_args!("{more} more are kept in the quarantine for the same reason"));
    }
    Ok(())
}

/// Where a blob is mentioned: the first few of the repositories, and how many more there are.
fn list_some(repositories: &[String]) -> String {
    let named = repositories.iter().take(NAMED).map(String::as_str).collect::<Vec<_>>().join(", ");
    match repositories.len().saturating_sub(NAMED) {
        0 => format!("it is mentioned in {named}"),
        more => format!("it is mentioned in {named} and {}", plural(more, "more repository")),
    }
}

/// Reports that a blob was put back, or what else `did` says.
pub(super) fn print_put_back(digest: &Digest, run: &RunId, did: &str, context: &mut Context) -> anyhow::Result<()> {
    let text = format_args!("{did} {digest} from run {run} of the quarantine: the tree needs it again");
    context.output.answer(text, "restore", || json!({ "digest": digest, "run": run.as_str() }))
}
