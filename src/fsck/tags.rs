//! What tags point to, and ever pointed to.

use super::candidate::Blocks;
use super::judge::Judge;
use super::repository::{Folder, RevisionLink, Tag};
use crate::digest::Digest;
use crate::finding::{Code, Finding, Harm, Repair, Subject};

impl Judge<'_, '_> {
    /// Whether the repository has what a tag points to.
    pub(super) fn tag(&mut self, tag: &Tag) {
        let has = |digest: &Digest| {
            let revision = self.repository.revision(digest);
            revision.is_some_and(|revision| revision.link != RevisionLink::Deleted)
        };
        // What can't be listed is not absent.
        if self.repository.folders.revisions == Folder::Unseen {
            return;
        }
        let place = &self.repository.place;
        // Where the directory of manifests is missing as a whole, it is what has to come back, not the tags that have to go.
        let is_there = self.repository.folders.revisions == Folder::There;
        let mended = |finding: Finding, repair| if is_there { finding.repaired_by(repair) } else { finding };
        if let Some(target) = tag.current.filter(|target| !has(target)) {
            let message = format!("the tag points to {target}, which the repository does not have");
            let subject = Subject::Tag(place.clone(), tag.name.clone());
            let finding = self.inspector.at(subject, Code::TagDangling, Harm::Certain, message).of_content(target);
            self.inspector.note(Blocks::Tag, mended(finding, Repair::RemoveTag));
        }
        let past = tag.past.iter().filter(|digest| Some(**digest) != tag.current && !has(digest));
        for digest in past {
            let subject = Subject::PastTag(place.clone(), tag.name.clone(), *digest);
            let message = format!("the tag once pointed to {digest}, which the repository no longer has");
            let finding = self.inspector.at(subject, Code::TagIndexDangling, Harm::None, message);
            self.inspector.note(Blocks::None, mended(finding, Repair::RemoveLink));
        }
    }
}
