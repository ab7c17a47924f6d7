//! Divides each line of the breakdown among the repositories and tags that alone need the content.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use super::Line;
use super::holdings::Holdings;
use super::tags::Tagged;
use crate::digest::Digest;
use crate::scan::{DigestId, DigestSet, Scan};

/// How many of the largest blobs of the tree are named.
const NAMED: usize = 1000;

/// The content in one line of the breakdown that one repository needs alone, and in that one tag.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Share {
    /// The line.
    pub(crate) line: Line,
    /// The path of the repository; `None` for what several need, or none.
    pub(crate) repository: Option<String>,
    /// The tag; `None` for what several tags lead to, or none.
    pub(crate) tag: Option<String>,
    /// How many blobs there are.
    pub(crate) blobs: u64,
    /// Their bytes.
    pub(crate) bytes: u64,
    /// Those of them that are among the largest of the tree, the largest first.
    pub(crate) largest: Vec<(Digest, u64)>,
}

/// Whose a blob is: its line, repository and tag.
type Owner<'o> = (Line, Option<&'o str>, Option<&'o str>);

/// Divides all content. **Each blob is in one share**, so the shares of a line add up to it.
pub(super) fn divide(
    scan: &Scan,
    sizes: &[u64],
    line: impl Fn(DigestId) -> Line,
    holdings: &Holdings,
    tags: &Tagged,
) -> Vec<Share> {
    let (targets, named) = (tags.named(scan), largest(scan, sizes));
    let owner = |name: DigestId| -> Owner<'_> {
        let line = line(name);
        let repository = holdings.keeper_name(name).filter(|_| matches!(line, Line::Unique | Line::Untagged));
        let tag = tags.keeper(name).map(|number| targets[number]);
        let own = tag.filter(|(of, _)| line == Line::Unique && Some(*of) == repository);
        (line, repository, own.map(|(_, tag)| tag))
    };
    let mut shares: BTreeMap<Owner<'_>, Share> = BTreeMap::new();
    for name in scan.digests.blobs() {
        let (line, repository, tag) = owner(name);
        let share = shares.entry((line, repository, tag)).or_insert_with(|| Share {
            line,
            repository: repository.map(str::to_owned),
            tag: tag.map(str::to_owned),
            blobs: 0,
            bytes: 0,
            largest: Vec::new(),
        });
        let bytes = sizes[name.index()];
        share.blobs += 1;
        share.bytes += bytes;
        if named.contains(name) {
            share.largest.push((scan.digests.digest(name), bytes));
        }
    }
    let mut shares: Vec<Share> = shares.into_values().collect();
    for share in &mut shares {
        share.largest.sort_by_key(|(digest, bytes)| (Reverse(*bytes), *digest));
    }
    shares
}

/// The largest blobs of the tree.
fn largest(scan: &Scan, sizes: &[u64]) -> DigestSet {
    let mut all: Vec<DigestId> = scan.digests.blobs().collect();
    all.sort_by_key(|name| (Reverse(sizes[name.index()]), *name));
    let mut largest = DigestSet::new(&scan.digests);
    for name in all.into_iter().take(NAMED) {
        largest.insert(name);
    }
    largest
}
