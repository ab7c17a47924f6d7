//! The treemap, as SVG. Each part has its name and size as a title, and leads to its row in a table.

use std::collections::HashMap;

use maud::{Markup, html};

use super::squarify::{Rect, squarify};
use super::{percent, shown};
use crate::cli::count::human_bytes;
use crate::cli::du::MEANINGS;
use crate::du::Breakdown;
use crate::report::{Node, NodeKind, Report};

const SPACE: Rect = Rect { x: 0.0, y: 0.0, width: 800.0, height: 480.0 };
/// What is narrower is not seen, even after zooming in.
const LEAST: f64 = 0.4;
/// The largest and the smallest letters.
const LETTERS: (f64, f64) = (13.0, 4.0);

/// The map of a whole tree.
pub(super) fn of(report: &Report) -> Markup {
    let map = Map { total: report.map.bytes, rows: rows(report) };
    html! {
        div.map {
            svg #map viewBox={ "0 0 " (SPACE.width) " " (SPACE.height) } role="group"
                aria-label="Map of the space: the tables below have the same figures" {
                @for (line, rect) in placed(&report.map, SPACE) { (map.node(line, rect, 1, "#breakdown", &line.name)) }
            }
        }
    }
}

/// The rows of the tables, by the kind and the name of what they show.
fn rows(report: &Report) -> HashMap<(NodeKind, String), String> {
    let usage = &report.usage;
    let repositories = usage.repositories.iter().take(super::tables::ROWS).map(|row| row.name.clone()).enumerate();
    let repositories = repositories.map(|(at, name)| ((NodeKind::Repository, name), format!("#repository-{at}")));
    let layers = usage.layers.iter().map(|row| row.digest.to_string()).enumerate();
    let layers = layers.map(|(at, digest)| ((NodeKind::Layer, digest), format!("#layer-{at}")));
    let lines = usage.tree.lines().map(|(name, _)| ((NodeKind::Line, name.to_owned()), format!("#line-{name}")));
    repositories.chain(layers).chain(lines).collect()
}

/// The children of a node, each with its place.
fn placed(node: &Node, space: Rect) -> impl Iterator<Item = (&Node, Rect)> {
    let mut children: Vec<&Node> = node.children.iter().collect();
    // The lines of a tree come in an order of their own.
    children.sort_by_key(|child| std::cmp::Reverse(child.bytes));
    let sizes: Vec<u64> = children.iter().map(|child| child.bytes).collect();
    children.into_iter().zip(squarify(&sizes, space))
}

struct Map {
    total: u64,
    rows: HashMap<(NodeKind, String), String>,
}

impl Map {
    /// A node and what is in it. `above` is where the node around it leads.
    fn node(&self, node: &Node, rect: Rect, depth: u8, above: &str, line: &str) -> Markup {
        if rect.width < LEAST || rect.height < LEAST {
            return html! {};
        }
        let name = name(node);
        let link = self.rows.get(&(node.kind, node.name.clone())).map_or(above, String::as_str);
        let title = format!("{name}: {} ({})", human_bytes(node.bytes), percent(node.bytes, self.total));
        let top = if node.children.is_empty() { 0.0 } else { header(rect, depth) };
        let zoom = || [rect.x, rect.y, rect.width, rect.height].map(round).join(" ");
        let zoom = (!node.children.is_empty()).then(zoom);
        // Lines and repositories are enough to step through; a pointer reaches the rest.
        let skipped = (depth > 2).then_some("-1");
        html! {
            a href=(link) class={ "of-" (line) " depth-" (depth) } data-zoom=[zoom] tabindex=[skipped] {
                title { (title) }
                rect x=(round(rect.x)) y=(round(rect.y)) width=(round(rect.width)) height=(round(rect.height)) {}
                (label(&name, rect, top))
            }
            @if !node.children.is_empty() {
                @for (child, rect) in placed(node, rect.inside(border(rect), top)) {
                    (self.node(child, rect, depth + 1, link, line))
                }
            }
        }
    }
}

fn round(length: f64) -> String {
    format!("{length:.2}")
}

/// How the table calls a line.
fn line_name(line: &str) -> &str {
    let names = Breakdown::default().lines().into_iter().zip(MEANINGS);
    names.into_iter().find(|((of, _), _)| *of == line).map_or(line, |(_, (name, _))| name)
}

/// How a node is called: a digest is shortened.
fn name(node: &Node) -> String {
    match node.kind {
        NodeKind::Layer => node.name.chars().take(19).collect(),
        NodeKind::Line => line_name(&node.name).to_owned(),
        _ => shown(&node.name),
    }
}

fn border(rect: Rect) -> f64 {
    if rect.width.min(rect.height) > 12.0 { 1.5 } else { 0.25 }
}

/// The height of the strip with the name of a node that is divided.
fn header(rect: Rect, depth: u8) -> f64 {
    let height = if depth == 1 { 16.0 } else { 12.0 };
    if rect.height > 2.5 * height && rect.width > 3.0 * height { height } else { 0.0 }
}

/// The name in its node, as large as it fits; nothing where it would be too small to read.
#[expect(clippy::cast_precision_loss, reason = "no name has that many letters")]
fn label(name: &str, rect: Rect, top: f64) -> Markup {
    let height = if top > 0.0 { top } else { rect.height };
    let letters = name.chars().count().max(1) as f64;
    let (largest, smallest) = LETTERS;
    let size = largest.min(height * 0.75).min((rect.width - 4.0) / (letters * 0.62));
    html! {
        @if size >= smallest {
            text x=(round(rect.x + 3.0)) y=(round(rect.y + size.mul_add(0.35, height.min(1.6 * size) / 2.0 + 0.5)))
                font-size=(round(size)) { (name) }
        }
    }
}
