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
            return Err(Error::SafetyLimit { reason: reason.to_owned(), override_option: "--allow-rootless" });
        }
        let Some(limit) = self.options.max_delete else { return Ok(()) };
        let (allowed, said) = match limit {
            Limit::Bytes(bytes) => (bytes, count::bytes(bytes)),
            Limit::Percent(percent) => {
                let all = self.all_bytes(tree)?;
                (share(all, percent), format!("{percent}% of {}", count::bytes(all)))
            }
        };
        let removed = self.count(Kind::Blob).1;
        if removed <= allowed {
            return Ok(());
        }
        let removed = count::bytes(removed);
        let reason = format!("{removed} would be removed, which is more than --max-delete allows ({said})");
        Err(Error::SafetyLimit { reason, override_option: "a higher --max-delete" })
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
