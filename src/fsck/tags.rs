//! What tags point to, and ever pointed to.

use super::clue::Cause;
use super::judge::Judge;
use super::repository::{RevisionLink, Tag};
use crate::digest::Digest;
use crate::finding::{Code, Finding, Harm, Repair};

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
        let mut clues = Vec::new();
        if let Some(target) = tag.current.filter(|target| !has(target)) {
            let message = format!("the tag points to {target}, which the repository does not have");
            let finding = self.eye.at(&tag.link(), Code::TagDangling, Harm::Certain, message);
            clues.push((Cause::Tag, target, finding.mended_by(Repair::RemoveTag)));
        }
        let past = tag.past.iter().filter(|digest| Some(**digest) != tag.current && !has(digest));
        for digest in past {
            let index = tag.directory.history();
            let path = crate::layout::entry_in(&index, digest).link();
            let message = format!("the tag once pointed to {digest}, which the repository no longer has");
            let finding = self.eye.at(&path, Code::TagIndexDangling, Harm::None, message);
            clues.push((Cause::None, *digest, finding.mended_by(Repair::RemoveLink)));
        }
        for (cause, digest, finding) in clues {
            self.eye.note(cause, Finding { tag: Some(tag.name.clone()), digest: Some(digest), ..finding });
        }
    }
}
