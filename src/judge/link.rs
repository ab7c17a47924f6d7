//! What links lead to, and what a broken one, or something else in the place of a file, is as a finding.

use crate::digest::Digest;
use crate::error::LinkFault;
use crate::finding::{Code, Finding, Harm, Repair};
use crate::layout::TreePath;
use crate::tree::{Kind, Tree};

/// What a layer link leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Leads {
    /// To the content of that name.
    Straight,
    /// To content that is stored under another digest.
    To(Digest),
    /// Nowhere: it is broken, which is reported where it is read.
    Nowhere,
    /// There is none.
    Absent,
}

/// What a manifest's link is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RevisionLink {
    /// As it should be.
    Right,
    /// Among those of layers, where registry 2.1.0 put it.
    Misplaced,
    /// Broken, which is reported where it is read.
    Broken,
    /// Gone; its directory stayed.
    Deleted,
}

/// A broken link. `key` is the digest in its path, if there is one.
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
    // What another digest was meant for nobody can tell.
    let is_plain = matches!(code, Code::LinkEmpty | Code::LinkMalformed) && key.is_some_and(|key| key.is_canonical());
    if is_plain { finding.mended_by(Repair::RewriteLink) } else { finding }
}

/// The code of what is in the place of a file or directory, by what [it is](Kind::describe).
pub(crate) fn odd_code(kind: &str) -> Code {
    if kind == Kind::Symlink.describe() { Code::Symlink } else { Code::FileUnexpected }
}

/// The finding about something in the place of a file; of a symbolic link, whether it leads to what a registry looks for.
pub(crate) fn odd(finding: Finding, kind: &'static str, leads: bool, harm: Harm) -> Finding {
    let code = odd_code(kind);
    let is_link = code == Code::Symlink;
    let message = match () {
        () if is_link && leads => "a symbolic link: registries follow it; gc and repair never do".to_owned(),
        () if is_link => "a symbolic link that leads nowhere: registries find nothing there".to_owned(),
        () => format!("{kind} that does not belong there"),
    };
    // What a registry finds all the same harms nothing.
    let harm = if is_link && leads { Harm::Possible } else { harm };
    let expected = (!is_link).then(|| Kind::File.describe().to_owned());
    Finding { code, severity: code.severity(harm), expected, found: Some(kind.to_owned()), message, ..finding }
}
