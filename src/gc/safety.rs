//! Refuses a plan that looks like a mistake.

use super::action::Kind;
use super::plan::Plan;
use crate::count;
use crate::error::{Error, Result};
use crate::limit::percent_of;
use crate::tree::Tree;

impl Plan {
    /// Returns `Err(SafetyLimit)` when nothing was found that needs any of the tree's content, or when the plan removes
    /// more content than [`Options::max_delete`](super::Options::max_delete) allows. A sweep refuses such a plan.
    pub fn check(&self, tree: &Tree) -> Result<()> {
        if self.nothing_needed && !self.options.allow_rootless {
            let reason = "not one blob here is needed: is --root right?";
            return Err(Error::SafetyLimit { reason: reason.to_owned(), override_option: "--allow-rootless".into() });
        }
        match self.options.max_delete {
            Some(limit) => limit.check(self.count(Kind::Blob).1, || self.all_bytes(tree)),
            None => self.check_default(tree),
        }
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
