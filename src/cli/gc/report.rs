//! Prints what a collection removes, and why the rest is kept.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::more::{More, Sum};
use crate::cli::count::{self, human_bytes, plural};
use crate::cli::deletion::{name_run, print_way_back, words};
use crate::cli::{Context, NOTE_CACHED, hint, quarantine};
use crate::finding::Code;
use crate::gc::{Action, Finding, KeptReferrers, Kind, Options, Plan};
use crate::info::{self, Process};
use crate::json::applying;
use crate::quarantine::RunId;
use crate::scan::Doubt;
use crate::tree::Tree;

/// The sums of a plan, except of what is removed.
#[expect(clippy::struct_excessive_bools, reason = "each is an answer of its own")]
pub(super) struct Summary {
    /// Whether the tree is one of a pull-through cache.
    pub(super) is_cache: bool,
    pub(super) dry_run: bool,
    /// Whether a safety limit refuses the plan.
    pub(super) refused: bool,
    pub(super) quarantine: bool,
    /// The command that shows what more would be removed.
    pub(super) next: Option<String>,
    pub(super) more: More,
    /// How many repositories keep everything, because something in them can't be followed.
    pub(super) opaque: usize,
    pub(super) keep_all_content: bool,
    /// Whether something counts as young because its time is in the future.
    pub(super) has_future: bool,
    pub(super) all_bytes: Option<u64>,
}

pub(super) fn print_start(is_dry: bool, options: &Options, context: &mut Context) -> anyhow::Result<()> {
    let (delete_untagged, min_age) = (options.delete_untagged, options.min_age.as_secs());
    let fields = || json!({ "dry_run": is_dry, "delete_untagged": delete_untagged, "min_age": min_age });
    context.output.json_only("start", fields)
}

impl Summary {
    pub(super) fn print(&self, actions: &[Action], run: Option<&RunId>, context: &mut Context) -> anyhow::Result<()> {
        if context.output.is_json() {
            return self.print_event(actions, run, context);
        }
        self.print_text(actions, context)?;
        if let Some(run) = run {
            context.output.line(format_args!("quarantine run {run}"))?;
        }
        context.output.flush()?;
        self.print_notes(actions, run, context);
        Ok(())
    }

    fn print_event(&self, actions: &[Action], run: Option<&RunId>, context: &mut Context) -> anyhow::Result<()> {
        let removed = removed(Kind::ALL.map(|kind| (kind, kind.count(actions))));
        let mut fields = json!({
            "dry_run": self.dry_run, "refused": self.refused, "removed": removed, "bytes": bytes(actions), "kept": self.more.kept,
            "content_kept_for_doubt": self.keep_all_content,
            "kept_bytes": self.kept_bytes(actions), "untagged": self.more.untagged,
            "time_in_future": self.has_future, "cache": self.is_cache,
            "unlinked_children": self.more.unlinked_children,
            "dangling_tags": self.more.dangling,
        });
        name_run(&mut fields, run);
        context.output.event("summary", fields)
    }

    fn print_text(&self, actions: &[Action], context: &mut Context) -> anyhow::Result<()> {
        let (did, to) = words(self.dry_run, self.quarantine);
        let more = self.more.sum();
        let more = more.map(|Sum { bytes, options }| format!("; {} more with {options}", human_bytes(bytes)));
        context.output.line(format_args!("{did} {}{to}{}", count::bytes(bytes(actions)), more.unwrap_or_default()))?;
        for kind in Kind::ALL {
            let (count, bytes) = kind.count(actions);
            if count > 0 {
                let bytes = if bytes > 0 { format!("  {}", human_bytes(bytes)) } else { String::new() };
                context.output.line(format_args!("  {kind:12} {count:>10}{bytes}"))?;
            }
        }
        let kept = self.more.kept;
        let size = self.kept_bytes(actions).map(|bytes| format!(" ({})", human_bytes(bytes))).unwrap_or_default();
        context.output.line(format_args!(
            "kept {}{size}, {}, {} in {}",
            plural(kept.blobs, "blob"),
            plural(kept.revisions, "manifest"),
            plural(kept.tags, "tag"),
            plural(kept.repositories, "repository")
        ))?;
        for reason in self.more.reasons() {
            context.output.line(format_args!("  {reason}"))?;
        }
        if self.opaque > 0 {
            let repositories = plural(self.opaque, "repository");
            context
                .output
                .line(format_args!("  everything in {repositories}, because something there can't be followed"))?;
        }
        Ok(())
    }

    fn print_notes(&self, actions: &[Action], run: Option<&RunId>, context: &mut Context) {
        if let Some(run) = run {
            print_way_back(run, context);
        }
        if self.has_future {
            context.output.note(
                "some of what is kept has a time in the future, and counts as young until then; fsck reports it \
                 (time-in-future)",
            );
        }
        if !self.dry_run && !actions.is_empty() {
            context.output.note(NOTE_CACHED);
        }
        // After a run with --quarantine, the way back is the one to know.
        if let Some(next) = self.next(context).filter(|_| run.is_none()) {
            context.output.note(next);
        }
    }

    /// The one command that frees more, as a dry run.
    fn next(&self, context: &Context) -> Option<String> {
        let regtree = hint::command(&context.global);
        if let Some(next) = &self.next {
            return Some(format!("to see what more would go: {regtree} {next}"));
        }
        let bytes = human_bytes(self.more.in_uploads()?);
        Some(format!("to see what frees {bytes} more: {regtree} upload purge --older-than 0 -n"))
    }

    fn kept_bytes(&self, actions: &[Action]) -> Option<u64> {
        self.all_bytes.map(|all| all.saturating_sub(Kind::Blob.count(actions).1))
    }
}

/// Warns of what may happen where another program, such as a registry, works on the tree.
pub(super) fn warn_of_processes(tree: &Tree, context: &Context) {
    if context.output.is_quiet() || context.output.is_json() {
        return;
    }
    let others = info::that_have_open(tree).processes.into_iter().filter(|process| process.command != "regtree");
    let named: Vec<String> = others.map(|Process { command, pid, .. }| format!("{command} (process {pid})")).collect();
    if !named.is_empty() {
        context.output.warn(format_args!(
            "{} has the tree open: a push that finds a layer \"already there\" while gc removes it is acknowledged, and can't \
             be pulled; restart the registry afterwards, or flush its redis, and push again what fsck finds missing",
            named.join(", ")
        ));
    }
}

/// How many of each kind are removed, and how many bytes with them.
pub(in crate::cli) fn removed(counts: impl IntoIterator<Item = (Kind, (u64, u64))>) -> Value {
    let fields = counts.into_iter().map(|(kind, (count, bytes))| {
        let counted = json!({ "count": count, "bytes": bytes });
        (kind.name().to_owned(), counted)
    });
    Value::Object(fields.collect())
}

fn bytes(actions: &[Action]) -> u64 {
    actions.iter().map(|action| action.size).sum()
}

/// Reports what is wrong, and what is kept because of it.
pub(super) fn print_doubts(plan: &Plan, context: &mut Context) -> anyhow::Result<()> {
    context.output.all_damage(&plan.recall.damage)?;
    quarantine::print_mentioned(&plan.recall, context)?;
    for finding in &plan.findings {
        print_finding(finding, context)?;
    }
    let repairs: BTreeSet<String> =
        plan.findings.iter().filter_map(|finding| repair_command(finding, context)).collect();
    for repair in repairs.iter().filter(|_| !context.output.is_json()) {
        context.output.hint(format_args!("to repair what is wrong: {repair}"));
    }
    let is_sparse = |finding: &Finding| finding.code == Code::IndexChildMissing && !finding.repairable;
    if plan.findings.iter().any(is_sparse) && !context.output.is_json() {
        context.output.hint("if these children were never pushed here, use --allow-sparse-indexes");
    }
    for repository in &plan.opaque {
        if context.output.is_json() {
            context.output.event("keep-opaque", json!({ "repository": repository }))?;
        } else {
            context.output.warn(format_args!(
                "keeping everything in repository {repository}, because something there can't be followed"
            ));
        }
    }
    for kept in &plan.kept_referrers {
        print_kept_referrers(kept, context)?;
    }
    if plan.keep_all_content {
        let unseen = plan.findings.iter().find(|finding| finding.doubt == Doubt::Tree);
        let path = unseen.and_then(|finding| finding.path.as_deref()).map(|path| format!(" behind {}", path.display()));
        let path = path.unwrap_or_default();
        context.output.warn(format_args!("there may be unseen links{path}: no blob is removed"));
    }
    Ok(())
}

/// Prints that tags are kept that were made for manifests which are kept elsewhere.
fn print_kept_referrers(kept: &KeptReferrers, context: &mut Context) -> anyhow::Result<()> {
    if context.output.is_json() {
        return context.output.event("keep-referrers", serde_json::to_value(kept)?);
    }
    let KeptReferrers { repository, tags, .. } = kept;
    context.output.note(format_args!(
        "keeping {} in repository {repository} that were made for other manifests: none of those was ever in this tree; \
         --repository {repository} removes them all the same",
        plural(*tags, "tag")
    ));
    Ok(())
}

pub(super) fn print_finding(finding: &Finding, context: &mut Context) -> anyhow::Result<()> {
    if context.output.is_json() {
        let repair = repair_command(finding, context);
        let path = finding.path.as_ref().map(|path| path.to_string_lossy());
        let fields = json!({
            "code": finding.code, "doubt": finding.doubt, "repository": finding.repository, "path": path,
            "message": finding.message, "repair": repair,
        });
        return context.output.event("finding", fields);
    }
    let repository = finding.repository.as_ref().map(|name| format!("{name}: ")).unwrap_or_default();
    context.output.warn(format_args!("{}: {repository}{}", finding.code, finding.message));
    Ok(())
}

/// The command that repairs a finding because of which gc keeps something. `None` when a person has to look at it.
fn repair_command(finding: &Finding, context: &Context) -> Option<String> {
    let is_repairable = finding.doubt != Doubt::None && finding.repairable;
    hint::repair(finding.code, &context.global).filter(|_| is_repairable)
}

pub(super) fn print_action(action: &Action, context: &mut Context) -> anyhow::Result<()> {
    if context.output.is_json() {
        let path = if action.kind == Kind::Directory { action.path.clone() } else { action.path.main_file() };
        let fields = json!({
            "kind": action.kind, "path": path.below_root(), "changes": action.path.below_root(), "repository": action.repository.as_deref(),
            "tag": action.tag, "digest": action.digest, "upload": action.upload,
            "size": matches!(action.kind, Kind::Blob | Kind::Upload).then_some(action.size),
        });
        return context.output.event("remove", applying(fields));
    }
    if !context.output.is_verbose() {
        return Ok(());
    }
    let subject = subject(action);
    context.output.line(format_args!("{:12} {subject}", action.kind))
}

fn subject(action: &Action) -> String {
    let repository = action.repository.as_deref().unwrap_or_default();
    let digest = action.digest.map(|digest| digest.to_string()).unwrap_or_default();
    let tag = action.tag.as_deref().unwrap_or_default();
    match action.kind {
        Kind::Tag => format!("{repository}:{tag}"),
        Kind::TagHistory => format!("{repository}:{tag}@{digest}"),
        Kind::Revision | Kind::LayerLink => format!("{repository}@{digest}"),
        Kind::Blob => format!("{digest}  {}", human_bytes(action.size)),
        Kind::Upload => {
            let upload = action.upload.as_ref().map(ToString::to_string).unwrap_or_default();
            format!("{repository} {upload}  {}", human_bytes(action.size))
        }
        Kind::Directory => action.path.to_string(),
        Kind::Repository => repository.to_owned(),
    }
}
