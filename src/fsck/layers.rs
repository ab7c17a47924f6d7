//! Reports layer links that are broken, or lead nowhere.

use super::blobs::Occupant;
use super::candidate::Blocks;
use super::judge::Judge;
use super::repository::RevisionLink;
use crate::digest::Digest;
use crate::finding::{Harm, Subject};
use crate::judge::references;

impl Judge<'_, '_> {
    /// Reports the broken links, and those that lead to missing content although nothing needs them.
    pub(super) fn layers(&mut self) {
        let layers = &self.repository.layers;
        for (digest, fault) in &layers.broken {
            let is_needed = self.needed.contains(digest);
            let harm = if is_needed { Harm::Certain } else { Harm::Possible };
            let subject = Subject::Layer(self.repository.place.clone(), *digest);
            self.inspector.broken(Blocks::Layer(*digest), subject, fault, harm);
        }
        for (key, target) in layers.targets() {
            let is_needed = self.needed.contains(&key) || self.needed.contains(&target);
            if self.blobs.occupant(&target) != Occupant::Absent || is_needed || self.is_misplaced(&key) {
                continue;
            }
            let reason = self.may_be_needed([&key, &target]);
            let finding = references::dangling(self, &key, &target, reason.as_deref());
            self.inspector.note(Blocks::None, finding);
        }
    }

    fn may_be_needed(&self, digests: [&Digest; 2]) -> Option<String> {
        let mentions = digests.iter().any(|digest| self.mentioned.contains(*digest));
        let mentions = mentions.then(|| references::MENTIONED.to_owned());
        mentions.or_else(|| self.doubt.clone())
    }

    fn is_misplaced(&self, digest: &Digest) -> bool {
        self.repository.revision(digest).is_some_and(|revision| revision.link == RevisionLink::Misplaced)
    }
}
