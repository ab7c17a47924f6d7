//! Says what links lead to, and makes the findings about broken links and about something else in the place of a file.

use crate::digest::Digest;
use crate::error::LinkFault;
use crate::finding::{Code, Finding, Harm, Repair, Subject};
use crate::tree::{EntryKind, Tree};

/// What a layer link leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LinkTarget {
    /// To the content with the digest of its path.
    Straight,
    /// To content that is stored under another digest.
    To(Digest),
    /// Nowhere: the link is broken, which is reported where it is read.
    Nowhere,
    /// It is unknown whether there is a link: its directory can't be read, which is reported there.
    Unseen,
    /// There is no link, and its directory is left, as a deletion through the API leaves it.
    Deleted,
    /// There is no link.
    Absent,
}

impl LinkTarget {
    /// Whether there is a link, broken or not: what it belongs to was pushed here.
    pub(crate) fn is_link(self) -> bool {
        !matches!(self, Self::Absent | Self::Deleted | Self::Unseen)
    }
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

/// The finding about a broken link.
pub(crate) fn broken(tree: &Tree, subject: Subject, fault: &LinkFault, harm: Harm) -> Finding {
    let (code, key) = (Code::of_link(fault), subject.digest());
    let found = match fault {
        LinkFault::Empty => String::new(),
        LinkFault::Malformed { found } => found.clone(),
        LinkFault::Mismatch { found } | LinkFault::Alias { found } => found.to_string(),
    };
    let finding = Finding::new(tree, subject, code, harm, format!("the link is broken: {fault}")).found(&found);
    let finding = match key {
        Some(key) if code != Code::AliasBroken => finding.expects(&key),
        _ => finding,
    };
    let is_plain = code != Code::AliasBroken && key.is_some_and(|key| key.is_canonical());
    if is_plain { finding.repaired_by(Repair::RewriteLink) } else { finding }
}

/// The code for something in the place of a file or directory, by its [kind](EntryKind::describe).
pub(crate) fn odd_code(kind: &str) -> Code {
    if kind == EntryKind::Symlink.describe() { Code::Symlink } else { Code::FileUnexpected }
}

/// The finding about something in the place of a file.
pub(crate) fn odd_file(
    tree: &Tree,
    subject: impl Into<Subject>,
    kind: &'static str,
    leads: bool,
    harm: Harm,
) -> Finding {
    let finding = odd(tree, subject, kind, leads, harm);
    if finding.code == Code::Symlink { finding } else { finding.expects(&EntryKind::File.describe()) }
}

/// The finding about something where it does not belong. For a symbolic link, `leads` says whether it leads to what a
/// registry looks for.
pub(crate) fn odd(tree: &Tree, subject: impl Into<Subject>, kind: &'static str, leads: bool, harm: Harm) -> Finding {
    let code = odd_code(kind);
    let is_link = code == Code::Symlink;
    let message = match () {
        () if is_link && leads => {
            "a symbolic link: registries follow it; regtree never does, and verified nothing behind it".to_owned()
        }
        () if is_link => "a symbolic link that leads nowhere: registries find nothing there".to_owned(),
        () => format!("{kind} that does not belong there"),
    };
    // A link that a registry can follow harms nothing now.
    let harm = if is_link && leads { Harm::Possible } else { harm };
    Finding::new(tree, subject, code, harm, message).found(&kind)
}
