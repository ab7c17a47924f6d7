//! The page: one HTML file that needs nothing else.
//!
//! **Every name in it comes from the tree, where anyone who may push chooses it.** `maud` escapes all that is put into the
//! page but our own style and script, which the page's Content-Security-Policy allows by their hashes, and nothing else.
//! The script reads numbers from attributes and never makes HTML of a text.

mod growth;
mod health;
mod map;
mod space;
mod squarify;
mod tables;

use std::path::Path;

use data_encoding::BASE64;
use maud::{DOCTYPE, Markup, PreEscaped, html};

use super::document::About;
use crate::cli::Context;
use crate::cli::count::{human_bytes, plural};
use crate::cli::escape::escaped;
use crate::cli::time::to_the_second;
use crate::digest::Digest;
use crate::report::Report;

const STYLE: &str = include_str!("page/page.css");
const SCRIPT: &str = include_str!("page/page.js");

/// The page of a report.
pub(super) fn of(report: &Report, about: &About<'_>, context: &Context) -> String {
    let root = shown(&about.registry.tree().root().to_string_lossy());
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta http-equiv="Content-Security-Policy" content=(policy());
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="referrer" content="no-referrer";
                meta name="color-scheme" content="light dark";
                title { "Registry report: " (root) }
                style { (PreEscaped(STYLE)) }
            }
            body {
                header {
                    h1 { "Registry report" }
                    p { code { (root) } " at " (to_the_second(context.now)) ", by regtree " (env!("CARGO_PKG_VERSION")) }
                    (notes(about))
                    nav aria-label="Sections" {
                        @for (id, name) in SECTIONS { a href={ "#" (id) } { (name) } }
                    }
                }
                main {
                    (tiles(report))
                    (space::of(report))
                    (space::collections(report, context))
                    (growth::of(&report.usage.months, context.now))
                    (health::of(report, about.registry.tree().root(), context))
                    (tables::of(report))
                }
                footer {
                    p { "Sizes are what files take on the disk. Content was not hashed: regtree fsck --content does that." }
                }
                script { (PreEscaped(SCRIPT)) }
            }
        }
    };
    page.into_string() + "\n"
}

/// The sections of the page, by their ids.
const SECTIONS: [(&str, &str); 7] = [
    ("space", "Space"),
    ("collection", "Garbage"),
    ("growth", "Growth"),
    ("health", "Health"),
    ("layers", "Layers"),
    ("tags", "Tags"),
    ("repositories", "Repositories"),
];

/// What the page may load and run: its own style and script, and nothing from anywhere else.
fn policy() -> String {
    let hash = |text: &str| BASE64.encode(&Digest::of(text.as_bytes()).sha256().unwrap_or_default());
    format!(
        "default-src 'none'; style-src 'sha256-{}'; script-src 'sha256-{}'; base-uri 'none'; form-action 'none'",
        hash(STYLE),
        hash(SCRIPT)
    )
}

/// A text of the tree, with the characters visible that would hide or reorder what is around them.
fn shown(text: &str) -> String {
    escaped(text)
}

/// A path, from the root if it is in the tree.
fn shown_path(path: &Path, root: &Path) -> String {
    shown(&path.strip_prefix(root).unwrap_or(path).to_string_lossy())
}

fn notes(about: &About<'_>) -> Markup {
    html! {
        @if let Some(database) = about.database {
            p.note { "A database of " (product(database)) " knows what the tree does not: what looks unneeded here may be needed." }
        }
        @if about.is_cache {
            p.note { "This is the tree of a pull-through cache: missing content is fetched when it is pulled." }
        }
    }
}

/// How the makers of a registry spell its name.
fn product(database: &str) -> &str {
    match database {
        "gitlab" => "GitLab",
        "harbor" => "Harbor",
        other => other,
    }
}

/// The figures that matter first.
fn tiles(report: &Report) -> Markup {
    let health = &report.health;
    let [plain, untagged] = &report.collections;
    let checked = &health.checked;
    html! {
        dl.tiles {
            (tile("#space", "in all", &human_bytes(report.usage.tree.total()), &plural(checked.blobs, "blob")))
            (tile("#repositories", "images", &plural(checked.repositories, "repository"), &plural(checked.tags, "tag")))
            (tile("#collection", "gc would free", &human_bytes(plain.bytes()),
                  &format!("{} with untagged", human_bytes(untagged.bytes()))))
            (tile("#health", "health", &plural(health.errors, "error"), &plural(health.warnings, "warning")))
            (tile("#broken", "can't be pulled", &plural(health.broken.len(), "image"),
                  &format!("of {}", plural(checked.tags, "tag"))))
        }
    }
}

fn tile(link: &str, what: &str, figure: &str, more: &str) -> Markup {
    html! {
        div { dt { a href=(link) { (what) } } dd { strong { (figure) } " " span { (more) } } }
    }
}

/// A size in a cell, which sorts by its bytes.
fn size(bytes: u64) -> Markup {
    html! { td.number data-value=(bytes) { (human_bytes(bytes)) } }
}

/// A count in a cell.
fn number(count: u64) -> Markup {
    html! { td.number data-value=(count) { (count) } }
}

/// A part of a whole in percent, for people.
fn percent(part: u64, whole: u64) -> String {
    let permille = (u128::from(part) * 1000).checked_div(whole.into()).unwrap_or_default();
    match permille {
        0 if part > 0 => "<0.1 %".to_owned(),
        permille => format!("{}.{} %", permille / 10, permille % 10),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_is_rounded_down_and_never_to_nothing() {
        let percents = [(0, 5), (1, 100_000), (1, 3), (5, 5), (0, 0)].map(|(part, whole)| percent(part, whole));
        assert_eq!(percents, ["0.0 %", "<0.1 %", "33.3 %", "100.0 %", "0.0 %"]);
    }
}
