//! What tags point to, and ever pointed to.

use super::clue::Cause;
use super::judge::Judge;
use super::repository::{RevisionLink, Tag};
use crate::digest::Digest;
use crate::finding::{Code, Harm, Repair, Subject};

impl Judge<'_, '_> {
    /// Whether the repository has what a tag points to.
    pub(super) fn tag(&mut self, tag: &Tag) {
        let has = |digest: &Digest| {
            let revision = self.repository.revision(digest);
            revision.is_some_and(|revision| revision.link != RevisionLink::Deleted)
        };
        if !self.repository.has.revisions {
            return;
        }
        let place = &self.repository.place;
        if let Some(target) = tag.current.filter(|target| !has(target)) {
            let message = format!("the tag points to {target}, which the repository does not have");
            let subject = Subject::Tag(place.clone(), tag.name.clone());
            let finding = self.eye.at(subject, Code::TagDangling, Harm::Certain, message).of_content(target);
            self.eye.note(Cause::Tag, finding.repaired_by(Repair::RemoveTag));
        }
        let past = tag.past.iter().filter(|digest| Some(**digest) != tag.current && !has(digest));
        for digest in past {
            let subject = Subject::PastTag(place.clone(), tag.name.clone(), *digest);
            let message = format!("the tag once pointed to {digest}, which the repository no longer has");
            let finding = self.eye.at(subject, Code::TagIndexDangling, Harm::None, message);
            self.eye.note(Cause::None, finding.repaired_by(Repair::RemoveLink));
        }
    }
}
