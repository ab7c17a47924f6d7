//! Reports what could not be looked at, where a decision was made without it.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use super::action::Finding;
use crate::finding::Code;
use crate::tree::{Moment, Tree};

/// The findings that were reported, so that each is reported once.
#[derive(Debug, Default)]
pub(super) struct Reported {
    known: HashSet<(Code, Option<PathBuf>)>,
}

impl Reported {
    pub(super) fn of(findings: &[Finding]) -> Self {
        let mut reported = Self::default();
        reported.new_of(findings.to_vec());
        reported
    }

    /// Those of `findings` that were not reported before.
    pub(super) fn new_of(&mut self, findings: Vec<Finding>) -> Vec<Finding> {
        let is_new = |finding: &Finding| self.known.insert((finding.code, finding.path.clone()));
        findings.into_iter().filter(is_new).collect()
    }

    /// Notes that a failure at `path` is reported elsewhere.
    pub(super) fn add_path(&mut self, path: &Path) {
        self.known.insert((Code::Unreadable, Some(path.to_owned())));
    }

    /// The findings about what could not be read since `moment` and is neither reported nor below what is.
    pub(super) fn unread(&mut self, tree: &Tree, moment: Moment) -> Vec<Finding> {
        let paths: HashSet<PathBuf> = self.known.iter().filter_map(|(_, path)| path.clone()).collect();
        let is_told = |path: &Path| path.ancestors().any(|above| paths.contains(above));
        let unread = tree.unread_since(moment).into_iter().filter(|error| !error.path().is_some_and(is_told));
        self.new_of(unread.map(|error| Finding::of(&error)).collect())
    }
}
