//! Judges what tags point to, and have pointed to.

use super::candidate::Blocks;
use super::judge::Judge;
use super::repository::{Folder, RevisionLink, Tag};
use crate::digest::Digest;
use crate::finding::{Code, Finding, Harm, Repair, Subject};

impl Judge<'_, '_> {
    /// Reports a tag, or an entry of its history, whose manifest the repository does not have.
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
        // If the directory of all manifests is missing, it has to come back; the tags must not be removed.
        let is_there = self.repository.folders.revisions == Folder::There;
        let repairable = |finding: Finding, repair| if is_there { finding.repaired_by(repair) } else { finding };
        if let Some(target) = tag.current.filter(|target| !has(target)) {
            let message = format!("the tag points to {target}, which the repository does not have");
            let subject = Subject::Tag(place.clone(), tag.name.clone());
            let finding = self.inspector.at(subject, Code::TagDangling, Harm::Certain, message).of_content(target);
            self.inspector.note(Blocks::Tag, repairable(finding, Repair::RemoveTag));
        }
        let past = tag.past.iter().filter(|digest| Some(**digest) != tag.current && !has(digest));
        for digest in past {
            let subject = Subject::PastTag(place.clone(), tag.name.clone(), *digest);
            let message = format!("the tag once pointed to {digest}, which the repository no longer has");
            let finding = self.inspector.at(subject, Code::TagIndexDangling, Harm::None, message);
            self.inspector.note(Blocks::None, repairable(finding, Repair::RemoveLink));
        }
    }
}
