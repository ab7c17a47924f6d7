//! Finds what each repository needs, for commands that remove nothing.

use super::action::Finding;
use super::{Options, doubt};
use crate::error::Error;
use crate::finding::Code;
use crate::reach::{Edges, Within, mark};
use crate::scan::{DigestId, DigestSet, Doubt, Scan};
use crate::stream::Interrupt;
use crate::tree::Tree;

/// What a collection would keep if nothing were young.
#[derive(Debug)]
pub(crate) struct Uses {
    /// All content that is needed.
    pub needed: DigestSet,
    /// What is wrong.
    pub findings: Vec<Finding>,
}

/// What one repository needs.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Needs<'u> {
    /// The number of the repository in the scan.
    pub repository: usize,
    /// Everything that it needs, each digest once, whether or not the content is there.
    pub names: &'u [DigestId],
    /// Whether that is everything that it links, because something in it can't be followed.
    pub opaque: bool,
    /// The edges in the repository.
    pub(crate) within: &'u Within<'u>,
}

/// Marks as a collection does, and calls `look` with what each repository needs.
pub(crate) fn uses(
    tree: &Tree,
    scan: &mut Scan,
    options: &Options,
    interrupt: &Interrupt,
    mut look: impl FnMut(&Scan, Needs<'_>),
) -> Uses {
    let doubts = doubt::look(tree, scan, options, interrupt);
    let (scan, opaque) = (&*scan, &doubts.must_keep.opaque);
    let needed = mark(&Edges::new(scan, options.policy(), &doubts.must_keep), |repository, _, used| {
        let (names, within) = (used.reached(), used.within);
        look(scan, Needs { repository, names, opaque: opaque[repository], within });
    });
    Uses { needed, findings: doubts.findings }
}

impl Finding {
    /// The finding for something that could not be read. gc keeps nothing because of it.
    pub(crate) fn of(error: &Error) -> Self {
        let path = error.path().map(std::path::Path::to_owned);
        Self {
            code: Code::of(error),
            doubt: Doubt::None,
            repository: None,
            path,
            message: doubt::sentence(error),
            repairable: false,
        }
    }
}
