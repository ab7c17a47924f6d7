//! Prints what a repair does, and what is left.

use std::collections::{BTreeSet, HashSet};

use serde_json::{Value, json};

use super::Repair;
use crate::cli::count::{human_bytes, plural};
use crate::cli::deletion::name_run;
use crate::cli::{Context, hint, quarantine};
use crate::finding::{Code, Finding, Repair as Kind};
use crate::json::applying;
use crate::repair::{Action, Done, Left, Plan, Remaining, Remedy};

pub(super) fn print_start(arguments: &Repair, context: &mut Context) -> anyhow::Result<()> {
    let only: BTreeSet<&str> = arguments.only.iter().map(|code| code.name()).collect();
    let from = arguments.from.as_ref().map(|path| path.to_string_lossy());
    let (dry_run, all_safe) = (arguments.dry_run, arguments.all_safe);
    let fields = || json!({ "dry_run": dry_run, "all_safe": all_safe, "only": only, "from": from });
    context.output.json_only("start", fields)
}

/// Reports what is wrong with the source and the quarantine, and what is asked for but can't be repaired.
pub(super) fn print_plan(plan: &Plan<'_>, context: &mut Context) -> anyhow::Result<()> {
    context.output.all_damage(plan.recall.damage.iter().chain(&plan.refused))?;
    quarantine::print_mentioned(&plan.recall, context)?;
    plan.left.iter().try_for_each(|left| print_left(left, context))
}

pub(super) struct End<'e> {
    pub(super) plan: &'e Plan<'e>,
    /// `None` in a dry run.
    pub(super) done: Option<&'e Done>,
    pub(super) remaining: &'e Remaining,
}

impl End<'_> {
    pub(super) fn print(&self, context: &mut Context) -> anyhow::Result<()> {
        let End { plan, done, remaining } = self;
        let dry_run = done.is_none();
        let actions = done.map_or(&plan.actions, |done| &done.actions);
        let run = done.and_then(|done| done.quarantine.as_ref());
        let counts = Plan::counts(actions);
        if context.output.is_json() {
            let repairs: serde_json::Map<String, Value> =
                counts.iter().map(|(repair, count)| (repair.name().to_owned(), json!(count))).collect();
            let mut fields = json!({
                "dry_run": dry_run, "repairs": repairs, "restored": plan.recall.len(), "left": plan.left.len(),
                "unrepaired": plan.unmended.len(), "unmended": plan.unmended.len(), "outdated": done.map_or(0, |done| done.outdated.len()),
                "failures": done.map_or(0, |done| done.failures.len()), "errors": remaining.errors.len(),
                "broken_images": remaining.images, "cache": plan.is_cache,
            });
            name_run(&mut fields, run);
            return context.output.event("summary", fields);
        }
        let did = if dry_run { "would repair" } else { "repaired" };
        // Wrong content that is moved and then put in is one item.
        let items: HashSet<_> = actions.iter().map(|action| (action.finding.code, action.finding.path())).collect();
        context.output.line(format_args!("{did} {}", plural(items.len(), "item")))?;
        for (repair, count) in counts {
            context.output.line(format_args!("  {:17} {count:>8}", repair.name()))?;
        }
        let moved = moved(actions);
        if !moved.is_empty() {
            let did = if dry_run { "would be moved" } else { "moved" };
            context.output.line(format_args!("{did} to the quarantine: {moved}"))?;
        }
        self.print_remaining(context)?;
        if let Some(run) = run {
            context.output.line(format_args!("quarantine run {run}"))?;
        }
        context.output.flush()?;
        if let Some(run) = run {
            let regtree = hint::command(&context.global);
            let stays = if actions.iter().any(|action| action.repair == Kind::RefillBlob) {
                " (content that was put in stays: it is right)"
            } else {
                ""
            };
            context.output.note(format_args!("to undo all of it: {regtree} quarantine restore {run}{stays}"));
            context.output.note("a registry caches what it has seen: restart it, or flush its redis");
        }
        Ok(())
    }

    /// Reports the errors that are left, and what can be done about them.
    fn print_remaining(&self, context: &mut Context) -> anyhow::Result<()> {
        let remaining = self.remaining;
        let Remaining { errors, images, .. } = remaining;
        let lacking = remaining.lacking().len();
        for (count, text) in [
            (lacking, "content is pushed again or put in with --from"),
            (images.len() - lacking, "errors below are repaired"),
        ] {
            if count > 0 {
                let (images, whose) = (plural(count, "image"), if count == 1 { "its" } else { "their" });
                context.output.line(format_args!("{images} cannot be pulled until {whose} {text}"))?;
            }
        }
        if errors.is_empty() {
            return Ok(());
        }
        let left = if self.done.is_none() { "would be left" } else { "left" };
        context.output.line(format_args!("{} {left}", plural(errors.len(), "error")))?;
        let of = |remedy: Remedy| errors.iter().filter(move |error| remaining.remedy(error) == remedy);
        let names = |remedy: Remedy| {
            let names: BTreeSet<&str> = of(remedy).map(|error| error.code.name()).collect();
            names.into_iter().collect::<Vec<_>>().join(",")
        };
        let content = if remaining.has_source {
            "the source does not have what they lack: push it again, or put it in with another --from"
        } else {
            "push what they lack again, or put it in with --from SOURCE"
        };
        let not_asked = format!("not asked for: {} repair --only", hint::command(&context.global));
        let remedies = [
            (Remedy::Content, content.to_owned()),
            (Remedy::Source, format!("{not_asked} {}, with the same --from", names(Remedy::Source))),
            (Remedy::Name, format!("{not_asked} {}", names(Remedy::Name))),
            (Remedy::SetTag, of(Remedy::SetTag).next().map(|error| set_tag(error, context)).unwrap_or_default()),
            (Remedy::Explained, "asked for, but not repaired for the reasons above".to_owned()),
            (Remedy::None, unrepairable(&of(Remedy::None).collect::<Vec<_>>(), context)),
        ];
        for (remedy, text) in remedies {
            let count = of(remedy).count();
            if count > 0 {
                context.output.line(format_args!("  {count:>6}  {text}"))?;
            }
        }
        Ok(())
    }
}

/// What to type where a tag's own link is broken.
fn set_tag(finding: &Finding, context: &Context) -> String {
    let regtree = hint::command(&context.global);
    let tag = finding.repository().zip(finding.tag());
    let tag = tag.map_or_else(|| "REPO:TAG".to_owned(), |(repository, tag)| format!("{repository}:{tag}"));
    format!("to see what the tag pointed to: {regtree} tag history {tag}; then: {regtree} tag set {tag} DIGEST")
}

/// What to do about what no repair is known for.
fn unrepairable(findings: &[&Finding], context: &Context) -> String {
    let child = findings.iter().find(|finding| finding.code == Code::IndexChildMissing);
    let Some(repository) = child.and_then(|finding| finding.repository()) else {
        return "no repair is known; run fsck for details".to_owned();
    };
    // The link of a child is a permission, which only a push or an import of the image gives again.
    let regtree = hint::command(&context.global);
    format!("push the image again, or import it: {regtree} import SOURCE --only {repository} --keep-existing-tags")
}

fn moved(actions: &[Action]) -> String {
    let name = |repair: Kind| match repair {
        Kind::QuarantineBlob => "blob",
        Kind::QuarantineTag => "tag",
        Kind::QuarantineUpload => "upload",
        Kind::QuarantineFile => "temporary file",
        _ => "link",
    };
    let moves: Vec<Action> = actions.iter().filter(|action| action.is_move()).cloned().collect();
    let counts = Plan::counts(&moves).into_iter();
    counts.map(|(repair, count)| plural(count, name(repair))).collect::<Vec<_>>().join(", ")
}

fn print_left(left: &Left, context: &mut Context) -> anyhow::Result<()> {
    let Left { finding, reason } = left;
    if context.output.is_json() {
        let mut fields = serde_json::to_value(finding)?;
        fields["reason"] = json!(reason);
        return context.output.event("left", fields);
    }
    let path = finding.path();
    context.output.warn(format_args!("{}: {}: {reason}", finding.code, path.display()));
    Ok(())
}

pub(super) fn print_action(action: &Action, context: &mut Context) -> anyhow::Result<()> {
    if context.output.is_json() {
        return context.output.event("repair", action_document(action));
    }
    let path = action.path.to_string();
    let size = if action.size > 0 { format!("  {}", human_bytes(action.size)) } else { String::new() };
    let Some(others) = &action.also_in else {
        return context.output.line(format_args!("{:17} {} {path}{size}", action.repair.name(), action.finding.code));
    };
    let others = if others.is_empty() { "nowhere else".to_owned() } else { format!("in {}", others.join(", ")) };
    context.output.line(format_args!("{:17} granted {path}: it is also linked {others}", action.repair.name()))
}

pub(super) fn print_outdated(action: &Action, reason: &str, context: &mut Context) -> anyhow::Result<()> {
    if context.output.is_json() {
        let mut fields = action_document(action);
        fields["reason"] = json!(reason);
        return context.output.event("outdated", fields);
    }
    let path = action.path.to_string();
    context.output.note(format_args!("{}: {path}: {reason}, so it is kept", action.finding.code));
    Ok(())
}

fn action_document(action: &Action) -> Value {
    let has_size = matches!(action.repair, Kind::QuarantineBlob | Kind::RefillBlob | Kind::QuarantineUpload);
    let path = action.finding.path();
    applying(json!({
        "repair": action.repair, "code": action.finding.code, "path": path.to_string_lossy(),
        "changes": action.path.below_root(),
        "repository": action.finding.repository(), "tag": action.finding.tag(), "digest": action.finding.digest(),
        "size": has_size.then_some(action.size), "granted": action.also_in.is_some().then_some(true),
        "also_in": action.also_in,
    }))
}
