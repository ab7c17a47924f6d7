//! What links lead to, and the findings about broken links and about something else in the place of a file.

use crate::digest::Digest;
use crate::error::LinkFault;
use crate::finding::{Code, Finding, Harm, Repair};
use crate::layout::TreePath;
use crate::tree::{Kind, Tree};

/// What a layer link leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Leads {
    /// To the content with the digest of its path.
    Straight,
    /// To content that is stored under another digest.
    To(Digest),
    /// Nowhere: the link is broken, which is reported where it is read.
    Nowhere,
    /// There is no link.
    Absent,
}

/// The state of a manifest's link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RevisionLink {
    /// The link is as it should be.
    Right,
    /// The link is among the layer links, where registry 2.1.0 put it.
    Misplaced,
    /// The link is broken, which is reported where it is read.
    Broken,
    /// The link is gone, and its directory is left.
    Deleted,
}

/// The finding about a broken link. `key` is the digest in its path, if there is one.
pub(crate) fn broken(tree: &Tree, path: &TreePath, key: Option<Digest>, fault: &LinkFault, harm: Harm) -> Finding {
    let code = Code::of_link(fault);
    let found = match fault {
        LinkFault::Empty => String::new(),
        LinkFault::Malformed { found } => found.clone(),
        LinkFault::Mismatch { found } | LinkFault::Alias { found } => found.to_string(),
    };
    let finding = super::at(tree, path, code, harm, format!("the link is broken: {fault}"));
    let expected = key.filter(|_| code != Code::AliasBroken).map(|key| key.to_string());
    let finding = Finding { digest: key, expected, found: Some(found), ..finding };
    // A link that says another digest has no repair: it is unknown which of the two was meant.
    let is_plain = matches!(code, Code::LinkEmpty | Code::LinkMalformed) && key.is_some_and(|key| key.is_canonical());
    if is_plain { finding.mended_by(Repair::RewriteLink) } else { finding }
}

/// The code for something in the place of a file or directory, by its [kind](Kind::describe).
pub(crate) fn odd_code(kind: &str) -> Code {
    if kind == Kind::Symlink.describe() { Code::Symlink } else { Code::FileUnexpected }
}

/// The finding about something in the place of a file. For a symbolic link, `leads` says whether it leads to what a
/// registry looks for.
pub(crate) fn odd(finding: Finding, kind: &'static str, leads: bool, harm: Harm) -> Finding {
    let code = odd_code(kind);
    let is_link = code == Code::Symlink;
    let message = match () {
        () if is_link && leads => "a symbolic link: registries follow it; gc and repair never do".to_owned(),
        () if is_link => "a symbolic link that leads nowhere: registries find nothing there".to_owned(),
        () => format!("{kind} that does not belong there"),
    };
    // A link that a registry can follow harms nothing now.
    let harm = if is_link && leads { Harm::Possible } else { harm };
    let expected = (!is_link).then(|| Kind::File.describe().to_owned());
    Finding { code, severity: code.severity(harm), expected, found: Some(kind.to_owned()), message, ..finding }
}
