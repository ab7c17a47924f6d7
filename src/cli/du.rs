//! `regtree du`.

mod table;

use std::cmp::Reverse;
use std::io::IsTerminal;

use serde_json::{Value, json};
pub(super) use table::MEANINGS;

use super::selector::{self, Selector};
use super::{Context, Exit, interrupt, progress};
use crate::du::{self, Amount, Breakdown, LayerUsage, Measure, Options, RepositoryUsage, TagUsage, Usage};
use crate::gc::Finding;
use crate::pattern::Pattern;
use crate::stream::Watch;

/// How many layers --layers shows without --top.
const LAYERS: usize = 10;

/// Show what uses the space
///
/// For each repository, du shows three sizes: all content that it links or its manifests need (total), the part that
/// repo delete and gc would free (freeable), and the part that others need too (shared). Repositories overlap, so these
/// sizes don't add up. Then du shows the whole tree, with each byte counted in one line: these lines add up to what du
/// -s counts of docker/registry/v2 and .regtree.
///
/// On a wide terminal each line has a bar, whose filled part is the freeable part. The size of a blob is that of its
/// content; its directory is overhead. Files that belong neither to blobs nor to repositories have a line of their own
/// (strays). If blobs or repositories is a symbolic link to another disk, its target is counted, unlike in du.
#[derive(Debug, clap::Args)]
#[command(after_long_help = "\
Exit codes:
  0    counted
  2    malformed name or pattern
  3    counted, but something could not be followed or read
  4    unknown repository, or a pattern that matches none
  10   no tree

Examples:
  regtree du --top 10
  regtree du 'library/*' --tags --sort total
  regtree du --layers --top 3
  regtree du --json | jq .tree.garbage")]
pub(super) struct Du {
    /// The repositories, by name or pattern (* and ? do not match a slash, ** does); all if omitted
    #[arg(value_name = "REPO|GLOB", value_parser = selector::parse)]
    repositories: Vec<Selector>,
    /// Show tags: all content that each leads to, and what tag delete and gc --delete-untagged would free
    #[arg(long)]
    tags: bool,
    /// Show the largest layers (10, or as many as --top asks for), and which repositories share them
    #[arg(long)]
    layers: bool,
    /// Show only the first N repositories, tags or layers
    #[arg(long, value_name = "N")]
    top: Option<usize>,
    /// How to sort repositories and tags
    #[arg(long, value_name = "BY", value_enum, default_value = "freeable")]
    sort: Sort,
    /// Count the lengths of files, not the space that they use on disk
    #[arg(long)]
    apparent: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Sort {
    /// Space that could be freed, largest first.
    #[value(alias = "unique")]
    Freeable,
    /// All content, largest first.
    Total,
    /// The name.
    Name,
}

impl Du {
    pub(super) fn run(self, context: &mut Context) -> anyhow::Result<Exit> {
        let registry = context.registry()?;
        selector::check_names(&self.repositories, &registry)?;
        let progress = progress::observer(context.global.progress, &context.output);
        let watch = Watch { progress: &*progress, interrupt: interrupt::catch()? };
        let chosen = |repository: &str| {
            self.repositories.is_empty() || self.repositories.iter().any(|selector| selector.selects(repository))
        };
        let options = Options {
            measure: if self.apparent { Measure::Apparent } else { Measure::Allocated },
            tags: self.tags,
            layers: if self.layers { self.top.unwrap_or(LAYERS) } else { 0 },
            ..Options::default()
        };
        let mut usage = du::measure(registry.tree(), options, &chosen, &watch)?;
        let chooses = |pattern: &Pattern| usage.repositories.iter().any(|row| pattern.is_match(&row.name));
        selector::patterns(&self.repositories).check(chooses)?;
        self.arrange(&mut usage);
        if context.output.is_json() {
            let mut document = self.document(&usage);
            document["database"] = context.note_database(&registry).into();
            document["cache"] = context.note_cache(&registry).into();
            context.output.event("usage", document)?;
        } else {
            for finding in &usage.findings {
                context.output.warn(format_args!("{}: {}", finding.code, finding.message));
            }
            let stdout = std::io::stdout();
            let columns = stdout.is_terminal().then(|| super::terminal::columns(stdout));
            let mut table = table::Table { output: &mut context.output, columns };
            table.print(&usage, self.tags, self.layers)?;
            context.note_database(&registry);
            context.note_cache(&registry);
        }
        Ok(Exit::damage_if(!usage.findings.is_empty()))
    }

    fn arrange(&self, usage: &mut Usage) {
        // The rows come sorted by name, and a stable sort keeps that order among equal rows.
        let key = |amount: Amount| match self.sort {
            Sort::Freeable => (Reverse(amount.unique), Reverse(amount.total)),
            Sort::Total => (Reverse(amount.total), Reverse(amount.unique)),
            Sort::Name => (Reverse(0), Reverse(0)),
        };
        usage.repositories.sort_by_key(|row| key(row.amount));
        usage.tags.sort_by_key(|row| key(row.amount));
        let top = self.top.unwrap_or(usize::MAX);
        usage.repositories.truncate(top);
        usage.tags.truncate(top);
    }

    fn document(&self, usage: &Usage) -> Value {
        let mut document = json!({
            "measure": if self.apparent { "apparent" } else { "allocated" },
            "repositories": usage.repositories.iter().map(repository).collect::<Vec<_>>(),
            "tree": tree(&usage.tree),
            "totals": usage.totals,
            "stored": usage.stored,
        });
        if self.tags {
            document["tags"] = usage.tags.iter().map(tag).collect();
        }
        if self.layers {
            document["layers"] = usage.layers.iter().map(layer).collect();
        }
        document["findings"] = usage.findings.iter().map(finding).collect();
        document
    }
}

/// The lines of a tree, and their sum.
pub(super) fn tree(breakdown: &Breakdown) -> Value {
    let mut lines: serde_json::Map<String, Value> =
        breakdown.lines().into_iter().map(|(name, bytes)| (name.to_owned(), bytes.into())).collect();
    lines.insert("total".to_owned(), breakdown.total().into());
    lines.into()
}

pub(super) fn repository(row: &RepositoryUsage) -> Value {
    amounts(json!({ "repository": row.name, "name": row.name }), row.amount)
}

pub(super) fn tag(row: &TagUsage) -> Value {
    amounts(json!({ "repository": row.repository, "tag": row.tag, "digest": row.digest }), row.amount)
}

fn amounts(mut row: Value, amount: Amount) -> Value {
    row["total"] = amount.total.into();
    // The first name of it, which scripts may know.
    row["unique"] = amount.unique.into();
    row["freeable"] = amount.unique.into();
    row["shared"] = amount.shared().into();
    row
}

pub(super) fn layer(row: &LayerUsage) -> Value {
    json!({ "digest": row.digest, "size": row.bytes, "bytes": row.bytes, "repositories": row.repositories })
}

pub(super) fn finding(finding: &Finding) -> Value {
    // A path need not be UTF-8.
    let path = finding.path.as_ref().map(|path| path.to_string_lossy());
    json!({ "code": finding.code, "repository": finding.repository, "path": path, "message": finding.message })
}
