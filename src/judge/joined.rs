//! Joins the findings of one kind in one manifest. **Whatever a manifest names, it costs a few findings**: a push may
//! name tens of thousands of layers that are not there.

use std::collections::HashSet;

use super::Blocks;
use crate::digest::Digest;
use crate::finding::{Code, Finding, Repair, Severity, Subject};

/// This many findings of one kind in one manifest are reported each on its own. Of more, this many are named.
pub(crate) const NAMED: usize = 10;

/// The findings of one manifest, by kind.
#[derive(Default)]
pub(super) struct Joined(Vec<Group>);

/// The findings of one kind in one manifest.
struct Group {
    kind: Kind,
    named: Vec<(Blocks, Digest, Finding)>,
    seen: HashSet<Digest>,
    /// How many there are besides those that were seen.
    left_out: u64,
}

#[derive(Clone, Copy, PartialEq, Eq)]
struct Kind {
    code: Code,
    severity: Severity,
    repair: Option<Repair>,
    /// Whether it makes anything unavailable.
    blocks: bool,
}

impl Joined {
    /// Adds a finding about `digest`.
    pub(super) fn add(&mut self, blocks: Blocks, digest: Digest, finding: Finding) {
        let Finding { code, severity, repair, .. } = finding;
        let kind = Kind { code, severity, repair, blocks: blocks != Blocks::None };
        let known = self.0.iter().position(|group| group.kind == kind);
        let at = known.unwrap_or_else(|| {
            self.0.push(Group { kind, named: Vec::new(), seen: HashSet::new(), left_out: 0 });
            self.0.len() - 1
        });
        let group = &mut self.0[at];
        if group.seen.insert(digest) && group.named.len() < NAMED {
            group.named.push((blocks, digest, finding));
        }
    }

    /// Counts what was left out of the manifest when it was read: it is like what was kept, and nothing has it.
    pub(super) fn add_left_out(&mut self, code: Code, blocks: bool, count: u64) {
        let is_alike = |group: &&mut Group| {
            let Kind { code: other, repair, blocks: others, .. } = group.kind;
            other == code && others == blocks && repair != Some(Repair::RewriteLink)
        };
        if let Some(group) = self.0.iter_mut().find(is_alike) {
            group.left_out += count;
        }
    }

    /// Reports all: a few each on its own, many as one finding about what the manifest says.
    pub(super) fn report(self, manifest: Digest, document: &Subject, mut report: impl FnMut(Blocks, Finding)) {
        for Group { kind, named, seen, left_out } in self.0 {
            let count = seen.len() as u64 + left_out;
            if count <= NAMED as u64 {
                for (blocks, digest, finding) in named {
                    report(blocks, finding.of_manifest(manifest).of_content(digest));
                }
                continue;
            }
            let digests: Vec<Digest> = named.iter().map(|(_, digest, _)| *digest).collect();
            let Some((_, _, first)) = named.into_iter().next() else { continue };
            let blocks = if kind.blocks { Blocks::Revision(manifest) } else { Blocks::None };
            report(blocks, first.joined(document.clone(), count, digests).of_manifest(manifest));
        }
    }
}
