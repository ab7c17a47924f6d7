//! What is wrong: the images that can't be pulled, and the findings by severity and code.

use std::path::Path;

use maud::{Markup, html};

use super::super::document::repair;
use super::tables::ROWS;
use super::{number, shown, shown_path};
use crate::cli::Context;
use crate::cli::count::plural;
use crate::finding::{Finding, Image, Severity};
use crate::report::{Group, Report};

/// How many of the images that a finding affects are named.
const IMAGES: usize = 5;

pub(super) fn of(report: &Report, root: &Path, context: &Context) -> Markup {
    let health = &report.health;
    html! {
        section #health {
            h2 { "Health" }
            p {
                (plural(health.errors, "error")) ", " (plural(health.warnings, "warning")) " and "
                (plural(health.infos, "finding")) " that " @if health.infos == 1 { "is" } @else { "are" } " only worth knowing."
            }
            @if health.is_partial { p.note { "Something could not be read, so more may be wrong." } }
            (broken(&health.broken))
            (groups(&health.groups, context))
            @for group in &health.groups { (findings(group, root)) }
        }
    }
}

/// The images that can't be pulled whole.
fn broken(images: &[Image]) -> Markup {
    html! {
        h3 #broken { "Images that can't be pulled whole" }
        @if images.is_empty() { p { "None." } } @else {
            ul {
                @for image in images.iter().take(ROWS) { li { (shown(&image.to_string())) } }
                @if images.len() > ROWS { li { "and " (images.len() - ROWS) " more" } }
            }
        }
    }
}

/// How many there are of each kind, and what repairs them.
fn groups(groups: &[Group], context: &Context) -> Markup {
    html! {
        @if !groups.is_empty() {
            h3 { "Findings" }
            div.scroll { table.sortable {
                thead { tr { th { "Severity" } th { "Finding" } th.number { "Count" } th { "Repaired by" } } }
                tbody { @for group in groups {
                    tr {
                        td data-value=(group.severity as u8) { (badge(group.severity)) }
                        th scope="row" { a href={ "#" (id(group)) } { (group.code) } }
                        (number(group.count))
                        td { @match repair(group, context) {
                            Some(command) => code { (command) },
                            None => "no command: look at each",
                        } }
                    }
                } }
            } }
        }
    }
}

fn id(group: &Group) -> String {
    format!("{}-{}", group.severity, group.code)
}

/// The severity, in a word and a shape: colour is not all that tells it.
fn badge(severity: Severity) -> Markup {
    let shape = match severity {
        Severity::Error => "✖",
        Severity::Warning => "▲",
        Severity::Info => "●",
    };
    html! { span class={ "severity " (severity) } { span aria-hidden="true" { (shape) } " " (severity) } }
}

/// The findings of a kind.
fn findings(group: &Group, root: &Path) -> Markup {
    let rest = group.count - group.findings.len() as u64;
    html! {
        details id=(id(group)) {
            summary { (badge(group.severity)) " " (group.code) " (" (group.count) ")" }
            ul {
                @for finding in &group.findings { (entry(finding, root)) }
                @if rest > 0 { li { "and " (rest) " more, which regtree fsck lists" } }
            }
        }
    }
}

fn entry(finding: &Finding, root: &Path) -> Markup {
    let named: Vec<String> = finding.images.iter().take(IMAGES).map(|image| shown(&image.to_string())).collect();
    html! {
        li {
            code { (shown_path(&finding.path(), root)) } ": " (shown(&finding.message))
            @if !named.is_empty() {
                p {
                    "Affects " (named.join(", "))
                    @if finding.images.len() > IMAGES { " and " (finding.images.len() - IMAGES) " more" }
                }
            }
        }
    }
}
