//! What each repository needs, for who wants to know and removes nothing.

use super::action::Finding;
use super::{Options, doubt};
use crate::error::Error;
use crate::finding::Code;
use crate::reach::{Edges, Within, mark};
use crate::scan::{DigestId, DigestSet, Doubt, Scan};
use crate::stream::Interrupt;
use crate::tree::Tree;

/// What a collection would keep that takes nothing for young.
#[derive(Debug)]
pub struct Uses {
    /// All content that is in use.
    pub needed: DigestSet,
    /// What is wrong.
    pub findings: Vec<Finding>,
}

/// What one repository needs.
#[derive(Clone, Copy, Debug)]
pub struct Needs<'u> {
    /// The repository, by its place among those scanned.
    pub repository: usize,
    /// All that it needs, each once, be it there or not.
    pub names: &'u [DigestId],
    /// Whether that is all it links, for something in it can't be followed.
    pub opaque: bool,
    /// What its manifests lead to.
    pub(crate) within: &'u Within<'u>,
}

/// Marks as a collection does, and shows `look` what each repository needs.
pub fn uses(
    tree: &Tree,
    scan: &mut Scan,
    options: &Options,
    interrupt: &Interrupt,
    mut look: impl FnMut(&Scan, Needs<'_>),
) -> Uses {
    let doubts = doubt::look(tree, scan, options, interrupt);
    let (scan, opaque) = (&*scan, &doubts.reserve.opaque);
    let needed = mark(&Edges::new(scan, options.policy()), &doubts.reserve, |repository, _, used| {
        let (names, within) = (used.reached(), used.within);
        look(scan, Needs { repository, names, opaque: opaque[repository], within });
    });
    Uses { needed, findings: doubts.findings }
}

impl Finding {
    /// Something that could not be read, and casts no doubt on what is in use.
    pub fn of(error: &Error) -> Self {
        let path = error.path().map(std::path::Path::to_owned);
        Self {
            code: Code::of(error),
            doubt: Doubt::None,
            repository: None,
            path,
            message: doubt::sentence(error),
            mendable: false,
        }
    }
}
