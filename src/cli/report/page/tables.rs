//! Who has the space: the tables of layers, tags and repositories.

use maud::{Markup, html};

use super::{number, shown, size};
use crate::cli::count::plural;
use crate::du::{Amount, LayerUsage};
use crate::report::Report;

/// How many rows a table has. What comes after them is one row more.
pub(super) const ROWS: usize = 1000;
/// How many of the repositories that share a layer are named.
const SHARERS: usize = 20;

pub(super) fn of(report: &Report) -> Markup {
    html! { (layers(report)) (tags(report)) (repositories(report)) }
}

fn layers(report: &Report) -> Markup {
    html! {
        section #layers {
            h2 { "Largest layers" }
            div.scroll { table.sortable {
                thead { tr {
                    th { "Layer" } th.number aria-sort="descending" { "Size" } th.number { "Repositories" } th { "Who has it" }
                } }
                tbody { @for (at, row) in report.usage.layers.iter().enumerate() {
                    tr id={ "layer-" (at) } {
                        th scope="row" { code { (row.digest) } }
                        (size(row.bytes))
                        (number(row.repositories.len() as u64))
                        td.names { (sharers(row)) }
                    }
                } }
            } }
        }
    }
}

fn sharers(row: &LayerUsage) -> Markup {
    let named: Vec<String> = row.repositories.iter().take(SHARERS).map(|name| shown(name)).collect();
    html! {
        (named.join(", "))
        @if row.repositories.len() > SHARERS { " and " (row.repositories.len() - SHARERS) " more" }
    }
}

fn tags(report: &Report) -> Markup {
    html! {
        section #tags {
            h2 { "Tags that hold the most" }
            p { "Freeable is what deleting the tag and a collection of untagged manifests would free." }
            div.scroll { table.sortable {
                thead { tr { th { "Repository" } th { "Tag" } (amount_headers()) } }
                tbody { @for row in &report.usage.tags {
                    tr { th scope="row" { (shown(&row.repository)) } td.names { (shown(&row.tag)) } (amount_cells(row.amount)) }
                } }
            } }
        }
    }
}

fn repositories(report: &Report) -> Markup {
    let rows = &report.usage.repositories;
    let (first, rest) = rows.split_at(rows.len().min(ROWS));
    let rest_tags: u64 = report.tag_counts.iter().skip(ROWS).sum();
    let sum = |of: fn(Amount) -> u64| rest.iter().map(|row| of(row.amount)).sum();
    html! {
        section #repositories {
            h2 { "Repositories" }
            p { "Freeable is what deleting the repository and a collection would free; shared is what others need too." }
            div.scroll { table.sortable {
                thead { tr {
                    th { "Repository" } th.number { "Tags" } (amount_headers())
                } }
                tbody {
                    @for ((at, row), tags) in first.iter().enumerate().zip(&report.tag_counts) {
                        tr id={ "repository-" (at) } {
                            th scope="row" { (shown(&row.name)) } (number(*tags)) (amount_cells(row.amount))
                        }
                    }
                }
                @if !rest.is_empty() {
                    tfoot { tr {
                        th scope="row" { (plural(rest.len(), "repository")) " besides (regtree du lists all)" }
                        (number(rest_tags)) (size(sum(|of| of.unique))) (size(sum(Amount::shared))) (size(sum(|of| of.total)))
                    } }
                }
            } }
        }
    }
}

fn amount_headers() -> Markup {
    html! { th.number aria-sort="descending" { "Freeable" } th.number { "Shared" } th.number { "Total" } }
}

fn amount_cells(amount: Amount) -> Markup {
    html! { (size(amount.unique)) (size(amount.shared())) (size(amount.total)) }
}
