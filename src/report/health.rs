//! What is wrong with a tree, by severity and code.

use std::time::Duration;

use crate::error::Result;
use crate::finding::{Code, Finding, Image, Severity};
use crate::fsck::{self, Counts, Options};
use crate::stream::Watch;
use crate::tree::Tree;

/// How many findings of a group are shown.
const SHOWN: usize = 100;

/// What is wrong with a tree.
#[derive(Debug)]
pub(crate) struct Health {
    /// How many errors there are.
    pub(crate) errors: u64,
    /// How many warnings.
    pub(crate) warnings: u64,
    /// How many findings that are only worth knowing.
    pub(crate) infos: u64,
    /// The tagged images that can't be pulled whole.
    pub(crate) broken: Vec<Image>,
    /// How much was checked.
    pub(crate) checked: Counts,
    /// Whether something could not be read.
    pub(crate) is_partial: bool,
    /// The findings, the worst first.
    pub(crate) groups: Vec<Group>,
}

/// The findings of one severity with one code.
#[derive(Debug)]
pub(crate) struct Group {
    /// How bad they are.
    pub(crate) severity: Severity,
    /// What is wrong.
    pub(crate) code: Code,
    /// How many there are.
    pub(crate) count: u64,
    /// Whether a repair knows what to do about any of them.
    pub(crate) is_repairable: bool,
    /// The first of them.
    pub(crate) findings: Vec<Finding>,
}

impl Health {
    /// Checks a tree, without hashing content.
    pub(super) fn look(tree: &Tree, now: jiff::Timestamp, pauses: Vec<Duration>, watch: &Watch<'_>) -> Result<Self> {
        let report = fsck::check(tree, &Options { pauses, ..Options::new(now) }, watch)?;
        let [errors, warnings, infos] = [Severity::Error, Severity::Warning, Severity::Info].map(|of| report.count(of));
        let (broken, checked, is_partial) = (report.broken, report.counts, report.is_partial);
        Ok(Self { errors, warnings, infos, broken, checked, is_partial, groups: grouped(report.findings) })
    }
}

/// The findings by severity and code, in their order.
fn grouped(findings: Vec<Finding>) -> Vec<Group> {
    let mut groups: Vec<Group> = Vec::new();
    for finding in findings {
        let (severity, code) = (finding.severity, finding.code);
        if groups.last().is_none_or(|last| (last.severity, last.code) != (severity, code)) {
            groups.push(Group { severity, code, count: 0, is_repairable: false, findings: Vec::new() });
        }
        let Some(group) = groups.last_mut() else { continue };
        group.count += 1;
        group.is_repairable |= finding.repair.is_some();
        if group.findings.len() < SHOWN {
            group.findings.push(finding);
        }
    }
    groups
}
