//! Prints amounts in columns, and on a terminal with bars.

use std::fmt::Display;

use crate::cli::count::human_bytes;
use crate::cli::escape::escaped;
use crate::cli::output::Output;
use crate::du::{Amount, LayerUsage, Usage};

const BAR: u64 = 24;
const SIZE: usize = 12;
/// The width of the name of a line of the tree.
const NAME: usize = 10;
/// How many of the repositories that share a layer are named.
const SHARERS: usize = 3;

/// The name and the meaning of each line of the tree.
pub(in crate::cli) const MEANINGS: [(&str, &str); 9] = [
    ("unique", "needed by the tagged images of one repository"),
    ("shared", "needed by those of several"),
    ("untagged", "needed by untagged manifests only"),
    ("garbage", "content that nothing needs"),
    ("in doubt", "content that gc keeps: what can't be read may need it"),
    ("uploads", "not finished"),
    ("quarantine", "taken out of the tree"),
    ("overhead", "directories, links and the rest"),
    ("strays", "beside blobs and repositories"),
];

pub(super) struct Table<'o> {
    pub(super) output: &'o mut Output,
    /// The width of the terminal; `None` for a pipe.
    pub(super) columns: Option<usize>,
}

impl Table<'_> {
    pub(super) fn print(&mut self, usage: &Usage, tags: bool, layers: bool) -> anyhow::Result<()> {
        if tags {
            let rows = usage.tags.iter().map(|row| (format!("{}:{}", row.repository, row.tag), row.amount));
            self.amounts("TAG", &rows.collect::<Vec<_>>())?;
        }
        if layers {
            self.layers(&usage.layers)?;
        }
        if !tags && !layers {
            let rows = usage.repositories.iter().map(|row| (row.name.clone(), row.amount));
            self.amounts("REPOSITORY", &rows.collect::<Vec<_>>())?;
        }
        self.tree(usage)
    }

    fn amounts(&mut self, what: &str, rows: &[(String, Amount)]) -> anyhow::Result<()> {
        let longest = rows.iter().map(|(name, _)| escaped(name).chars().count()).max().unwrap_or(0);
        let bars = self.has_room(3 * SIZE + longest);
        self.row(["FREEABLE", "SHARED", "TOTAL"], bars.then(|| " ".repeat(width(BAR))), what)?;
        let largest = rows.iter().map(|(_, amount)| amount.total).max().unwrap_or(0);
        for (name, amount) in rows {
            let sizes = [amount.unique, amount.shared(), amount.total].map(human_bytes);
            self.row(sizes, bars.then(|| bar(*amount, largest)), name)?;
        }
        self.output.line("")
    }

    fn layers(&mut self, rows: &[LayerUsage]) -> anyhow::Result<()> {
        self.output.line(format_args!("{:19}  {:>12}  REPOSITORIES", "LAYER", "SIZE"))?;
        for row in rows {
            let mut sharers = row.repositories.iter().take(SHARERS).cloned().collect::<Vec<_>>().join(", ");
            if row.repositories.len() > SHARERS {
                sharers = format!("{sharers} and {} more", row.repositories.len() - SHARERS);
            }
            let (size, digest) = (human_bytes(row.bytes), self.output.digest(&row.digest));
            self.output.line(format_args!("{digest}  {size:>12}  {sharers}"))?;
        }
        self.output.line("")
    }

    fn tree(&mut self, usage: &Usage) -> anyhow::Result<()> {
        let total = usage.tree.total();
        let longest = MEANINGS.iter().map(|(_, meaning)| NAME + 2 + meaning.len()).max().unwrap_or(0);
        let bars = self.has_room(SIZE + longest);
        for ((line, bytes), (name, meaning)) in usage.tree.lines().into_iter().zip(MEANINGS) {
            if matches!(line, "doubtful" | "strays") && bytes == 0 {
                continue;
            }
            let amount = Amount { total: bytes, unique: bytes };
            let bar = bars.then(|| bar(amount, total));
            self.line(bytes, bar, format_args!("{name:NAME$}  {meaning}"))?;
        }
        self.line(total, bars.then(|| " ".repeat(width(BAR))), "total")?;
        if self.columns.is_some()
            && let Some(factor) = dedup_factor(usage)
        {
            self.output.line("")?;
            self.output.line(format_args!("each byte of content is in use {factor} times (dedup factor)"))?;
        }
        Ok(())
    }

    /// Whether a bar fits on the line beside `rest` columns: a row must not wrap.
    fn has_room(&self, rest: usize) -> bool {
        self.columns.is_some_and(|columns| rest + 2 + width(BAR) + 2 <= columns)
    }

    fn row(&mut self, sizes: [impl Display; 3], bar: Option<String>, name: &str) -> anyhow::Result<()> {
        let [unique, shared, total] = sizes.map(|size| size.to_string());
        let bar = bar.map(|bar| bar + "  ").unwrap_or_default();
        self.output.line(format_args!("{unique:>SIZE$}{shared:>SIZE$}{total:>SIZE$}  {bar}{name}"))
    }

    fn line(&mut self, bytes: u64, bar: Option<String>, text: impl Display) -> anyhow::Result<()> {
        let bar = bar.map(|bar| bar + "  ").unwrap_or_default();
        self.output.line(format_args!("{:>SIZE$}  {bar}{text}", human_bytes(bytes)))
    }
}

/// How often a byte of content is in use on average, with two decimals.
fn dedup_factor(usage: &Usage) -> Option<String> {
    let hundredths = (u128::from(usage.totals) * 100).checked_div(usage.stored.into())?;
    Some(format!("{}.{:02}", hundredths / 100, hundredths % 100))
}

fn width(columns: u64) -> usize {
    usize::try_from(columns).unwrap_or(usize::MAX)
}

/// A bar whose length is the total, and whose filled part is the unique part.
fn bar(amount: Amount, largest: u64) -> String {
    let columns = |bytes: u64| {
        let columns = (u128::from(bytes) * u128::from(BAR)).checked_div(largest.into()).unwrap_or(0);
        usize::try_from(columns).unwrap_or(usize::MAX)
    };
    let (filled, all) = (columns(amount.unique), columns(amount.total));
    format!("{}{}{}", "█".repeat(filled), "░".repeat(all - filled), " ".repeat(width(BAR) - all))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bar_is_in_proportion_and_as_wide_as_any_other() {
        let of = |unique, total, largest| bar(Amount { total, unique }, largest);
        assert_eq!(of(10, 10, 10), "█".repeat(24));
        assert_eq!(of(5, 10, 10), "█".repeat(12) + &"░".repeat(12));
        assert_eq!(of(0, 5, 10), "░".repeat(12) + &" ".repeat(12));
        assert_eq!(of(0, 0, 0), " ".repeat(24));
        assert_eq!(of(u64::MAX, u64::MAX, u64::MAX), "█".repeat(24));
    }
}
