//! The data of the page, for programs.

use serde_json::{Value, json};

use crate::cli::gc::report::removed;
use crate::cli::time::to_the_second;
use crate::cli::{Context, du, hint};
use crate::registry::Registry;
use crate::report::{Collection, Group, Report};

/// What is known of the tree besides the report.
pub(super) struct About<'r> {
    pub(super) registry: &'r Registry,
    /// Whose database knows what the tree does not.
    pub(super) database: Option<&'static str>,
    /// Whether the tree is one of a pull-through cache.
    pub(super) is_cache: bool,
}

pub(super) fn of(report: &Report, about: &About<'_>, context: &Context) -> Value {
    json!({
        "version": env!("CARGO_PKG_VERSION"), "root": about.registry.tree().root().to_string_lossy(),
        "made": to_the_second(context.now), "space": space(report),
        "collections": report.collections.each_ref().map(|of| collection(of, context)),
        "health": health(report, context), "database": about.database, "cache": about.is_cache,
    })
}

fn space(report: &Report) -> Value {
    let usage = &report.usage;
    let repositories = usage.repositories.iter().zip(&report.tag_counts).map(|(row, tags)| {
        let mut row = du::repository(row);
        row["tag_count"] = json!(tags);
        row
    });
    json!({
        "measure": "allocated", "tree": du::tree(&usage.tree), "totals": usage.totals, "stored": usage.stored,
        "repositories": repositories.collect::<Vec<_>>(),
        "tags": usage.tags.iter().map(du::tag).collect::<Vec<_>>(),
        "layers": usage.layers.iter().map(du::layer).collect::<Vec<_>>(),
        "months": usage.months, "map": report.map,
        "findings": usage.findings.iter().map(du::finding).collect::<Vec<_>>(),
    })
}

fn collection(of: &Collection, context: &Context) -> Value {
    json!({
        "delete_untagged": of.delete_untagged, "command": command(of, context), "bytes": of.bytes(),
        "removed": removed(of.removed.iter().copied()), "kept": of.kept,
        "refused": of.refusal.is_some(), "reason": of.refusal,
    })
}

/// The command that shows what a collection would remove.
pub(super) fn command(of: &Collection, context: &Context) -> String {
    let untagged = if of.delete_untagged { " --delete-untagged" } else { "" };
    format!("{} gc{untagged} --dry-run", hint::command(&context.global))
}

fn health(report: &Report, context: &Context) -> Value {
    let health = &report.health;
    let groups = health.groups.iter().map(|group| {
        json!({
            "severity": group.severity, "code": group.code, "count": group.count, "command": repair(group, context),
            "findings": group.findings,
        })
    });
    json!({
        "errors": health.errors, "warnings": health.warnings, "infos": health.infos, "broken_images": health.broken,
        "checked": health.checked, "partial": health.is_partial, "groups": groups.collect::<Vec<_>>(),
    })
}

/// The command that repairs a group of findings, if any of them can be repaired.
pub(super) fn repair(group: &Group, context: &Context) -> Option<String> {
    let is_collected = group.code == crate::finding::Code::DirectoryEmpty;
    hint::repair(group.code, &context.global).filter(|_| group.is_repairable || is_collected)
}
