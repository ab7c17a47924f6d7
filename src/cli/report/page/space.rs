//! Where the space is: the map, and the table of lines; and what a collection would free.

use maud::{Markup, html};

use super::super::document;
use super::tables::ROWS;
use super::{map, percent, shown, size};
use crate::cli::Context;
use crate::cli::count::{human_bytes, plural};
use crate::cli::du::MEANINGS;
use crate::report::{Collection, Report};

pub(super) fn of(report: &Report) -> Markup {
    html! {
        section #space {
            h2 { "Where the space is" }
            p.hint hidden { "Choose a part to look into it, and once more to go to its row; Escape goes back." }
            p #zoomed hidden { button type="button" { "Whole tree" } " " span aria-live="polite" {} }
            (map::of(report))
            (breakdown(report))
            (unread(report))
        }
    }
}

fn breakdown(report: &Report) -> Markup {
    let tree = &report.usage.tree;
    let total = tree.total();
    html! {
        div.scroll { table #breakdown {
            caption { "Each byte of the tree in one line" }
            thead { tr { th { "Line" } th.number { "Size" } th.number { "Share" } th { "Meaning" } } }
            tbody {
                @for ((line, bytes), (name, meaning)) in tree.lines().into_iter().zip(MEANINGS) {
                    tr id={ "line-" (line) } {
                        th scope="row" { (swatch(line)) (name) }
                        (size(bytes))
                        td.number { (percent(bytes, total)) }
                        td { (meaning) }
                    }
                }
            }
            tfoot { tr { th scope="row" { "total" } (size(total)) td {} td { "as du -s counts" } } }
        } }
    }
}

fn swatch(line: &str) -> Markup {
    html! { svg.swatch viewBox="0 0 12 12" aria-hidden="true" { rect class={ "of-" (line) } width="12" height="12" {} } }
}

/// What could not be counted.
fn unread(report: &Report) -> Markup {
    html! {
        @if !report.usage.findings.is_empty() {
            p.note { (plural(report.usage.findings.len(), "place")) " could not be followed or read, so these figures may be wrong:" }
            ul { @for finding in report.usage.findings.iter().take(ROWS) {
                li { code { (finding.code) } " " (shown(&finding.message)) }
            } }
        }
    }
}

/// What a collection would free.
pub(super) fn collections(report: &Report, context: &Context) -> Markup {
    html! {
        section #collection {
            h2 { "What a collection would free" }
            p { "By the lengths of files, with the usual ages: gc keeps what is younger than a day." }
            div.scroll { table {
                thead { tr { th { "Collection" } th.number { "Frees" } th { "What goes" } th { "Look first with" } } }
                tbody { @for of in &report.collections { (collection(of, context)) } }
            } }
        }
    }
}

fn collection(of: &Collection, context: &Context) -> Markup {
    let removed = of.removed.iter().filter(|(_, (count, _))| *count > 0);
    let removed: Vec<String> =
        removed.map(|(kind, (count, _))| plural(*count, &kind.name().replace('-', " "))).collect();
    let young = of.kept.young_bytes;
    html! {
        tr {
            th scope="row" { @if of.delete_untagged { "with untagged manifests" } @else { "what nothing needs" } }
            (size(of.bytes()))
            td {
                @if removed.is_empty() { "nothing" } @else { (removed.join(", ")) }
                @if young > 0 { p { (human_bytes(young)) " more is kept only because it is young" } }
                @if of.is_doubtful { p.note { "Some content is kept because something can't be followed or read." } }
                @if let Some(refusal) = &of.refusal { p.note { "gc would refuse this: " (shown(refusal.strip_prefix("refused: ").unwrap_or(refusal))) } }
            }
            td { code { (document::command(of, context)) } }
        }
    }
}
