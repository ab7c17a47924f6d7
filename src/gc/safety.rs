//! Refuses a plan that looks like a mistake.

use super::action::Kind;
use super::plan::Plan;
use crate::count;
use crate::error::{Error, Result};
use crate::tree::Tree;

/// How much of a tree's content may be removed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Limit {
    /// A percentage of the bytes of all content.
    Percent(f64),
    /// A number of bytes.
    Bytes(u64),
}

impl Plan {
    /// Returns `Err(SafetyLimit)` when nothing was found that needs any of the tree's content, or when the plan removes
    /// more content than [`Options::max_delete`](super::Options::max_delete) allows. A sweep refuses such a plan.
    pub fn check(&self, tree: &Tree) -> Result<()> {
        if self.nothing_needed && !self.options.allow_rootless {
            let reason = "nothing in the tree needs any of its content: is this the right tree?";
            return Err(Error::SafetyLimit { reason: reason.to_owned(), override_option: "--allow-rootless".into() });
        }
        match self.options.max_delete {
            Some(limit) => self.check_limit(tree, limit),
            None => self.check_default(tree),
        }
    }

    fn check_limit(&self, tree: &Tree, limit: Limit) -> Result<()> {
        let removed = self.count(Kind::Blob).1;
        let (allowed, said, needed) = match limit {
            Limit::Bytes(bytes) => (bytes, count::bytes(bytes), removed.to_string()),
            Limit::Percent(percent) => {
                let all = self.all_bytes(tree)?;
                (share(all, percent), format!("{percent}% of {}", count::bytes(all)), percent_of(removed, all))
            }
        };
        if removed <= allowed {
            return Ok(());
        }
        let removed = count::bytes(removed);
        let reason = format!("{removed} would be removed, which is more than --max-delete allows ({said})");
        Err(Error::SafetyLimit { reason, override_option: format!("--max-delete {needed}").into() })
    }

    /// A run that removes most of a tree looks as if a part of the tree were missing. Small trees may lose most of
    /// their content.
    fn check_default(&self, tree: &Tree) -> Result<()> {
        let (blobs, removed) = self.count(Kind::Blob);
        // What is kept has to be at least as much as what goes, or a ninth of that.
        let enough = match blobs {
            0..20 => return Ok(()),
            20..100 => removed.div_ceil(9),
            100.. => removed,
        };
        if self.keeps(tree, enough)? {
            return Ok(());
        }
        let percent = percent_of(removed, self.all_bytes(tree)?);
        let (blobs, removed) = (count::plural(blobs, "blob"), count::bytes(removed));
        let reason = format!("{blobs} with {removed} would be removed, {percent} of all content: is a part missing?");
        Err(Error::SafetyLimit { reason, override_option: format!("--max-delete {percent}").into() })
    }
}

#[expect(
    clippy::cast_precision_loss,
    clippy::cast_sign_loss,
    clippy::cast_possible_truncation,
    reason = "a part of a percent of a tree's bytes does not matter"
)]
fn share(bytes: u64, percent: f64) -> u64 {
    (bytes as f64 * percent / 100.0) as u64
}

/// The percentage, rounded up, that `part` is of `all`. As a limit it allows `part`.
fn percent_of(part: u64, all: u64) -> String {
    let percent = (u128::from(part) * 100).div_ceil(u128::from(all.max(1)));
    format!("{percent}%")
}
