//! Judges what tags point to, and have pointed to.

use super::candidate::Blocks;
use super::judge::Judge;
use super::repository::{BrokenTag, Folder, RevisionLink, Tag};
use crate::digest::Digest;
use crate::finding::{Code, Finding, Harm, Repair, Subject};
use crate::judge::link;

impl Judge<'_, '_> {
    /// Reports a tag, or an entry of its history, whose manifest the repository does not have.
    pub(super) fn tag(&mut self, tag: &Tag) {
        if let Some(broken) = &tag.broken {
            self.broken_tag(tag, broken);
        }
        // What can't be listed is not absent.
        if self.repository.folders.revisions == Folder::Unseen {
            return;
        }
        let has = |digest: &Digest| self.repository.has(digest);
        let place = &self.repository.place;
        // If the directory of all manifests is missing, it has to come back; the tags must not be removed.
        let is_there = self.repository.folders.revisions == Folder::There;
        let repairable = |finding: Finding, repair| if is_there { finding.repaired_by(repair) } else { finding };
        if let Some(target) = tag.current.filter(|target| !has(target)) {
            let subject = Subject::Tag(place.clone(), tag.name.clone());
            let (code, repair, message) = if self.unlinked.contains(&target) {
                let message = "is whole, but has no link: registries don't serve it";
                (Code::RevisionLinkMissing, Repair::LinkRevision, message)
            } else {
                (Code::TagDangling, Repair::QuarantineTag, "the repository does not have")
            };
            let message = format!("the tag points to {target}, which {message}");
            let finding = self.inspector.at(subject, code, Harm::Certain, message).of_content(target);
            self.inspector.note(Blocks::Tag, repairable(finding, repair));
        }
        let past = tag.past.iter().filter(|digest| Some(**digest) != tag.current && !has(digest));
        for digest in past {
            let subject = Subject::PastTag(place.clone(), tag.name.clone(), *digest);
            let message = format!("the tag once pointed to {digest}, which the repository no longer has");
            let finding = self.inspector.at(subject, Code::TagIndexDangling, Harm::None, message);
            // The history of a tag that has lost its link is all that says what it pointed to.
            let finding = if tag.current.is_some() { repairable(finding, Repair::QuarantineLink) } else { finding };
            self.inspector.note(Blocks::None, finding);
        }
    }

    /// Reports a tag whose link is broken. It is repaired if all that is wrong is white space around the digest of a
    /// manifest that is whole here. Nothing else says what the tag pointed to.
    fn broken_tag(&mut self, tag: &Tag, broken: &BrokenTag) {
        let subject = Subject::Tag(self.repository.place.clone(), tag.name.clone());
        let mut finding = link::broken(self.inspector.tree, subject, &broken.fault, Harm::Certain);
        let is_here = |digest: &Digest| {
            let link = self.repository.revision(digest).map(|revision| revision.link);
            link == Some(RevisionLink::Right) && self.read(digest).is_some_and(|form| !form.is_opaque)
        };
        if let Some(meant) = broken.meant.filter(is_here) {
            finding = finding.of_content(meant).expects(&meant).repaired_by(Repair::RewriteLink);
        } else {
            finding.message.push_str("; tag history shows what the tag pointed to, and tag set sets it again");
        }
        self.inspector.note(Blocks::Tag, finding);
    }
}
