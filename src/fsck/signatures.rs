//! Judges the signatures that registries up to 2.4 stored beside a manifest.

use super::candidate::Blocks;
use super::inspect::Link;
use super::judge::Judge;
use super::links::{Keyed, Links};
use super::repository::{Revision, RevisionLink};
use crate::digest::Digest;
use crate::error::LinkFault;
use crate::judge::references::Facts;
use crate::judge::signatures;
use crate::layout::{self, TreePath};
use crate::manifest::Kind;
use crate::repository::Repository;

impl Judge<'_, '_> {
    /// Judges the signatures of a manifest.
    pub(super) fn signatures(&mut self, revision: &Revision) {
        let digest = revision.digest;
        let directory = self.repository.place.revision(&digest).signatures();
        let links = Links { base: &directory, all: Blocks::None, blocks: |_| Blocks::None, signatures: false };
        let mut is_whole = true;
        for found in links.read(&mut self.inspector).unwrap_or_default() {
            is_whole &= self.signature(&directory, digest, found);
        }
        let is_schema1 = self.read(&digest).is_some_and(|form| form.kind == Kind::Schema1);
        let Ok(name) = self.name().parse() else { return };
        if is_whole && is_schema1 && revision.link != RevisionLink::Deleted {
            signatures::judge(self, &Repository::new(self.inspector.tree, name), digest, &directory);
        }
    }

    fn signature(&mut self, directory: &TreePath, revision: Digest, found: Keyed) -> bool {
        self.needed.insert(found.digest);
        let says = match found.link {
            Link::Right => Ok(()),
            Link::Absent { empty } => {
                if empty {
                    self.inspector.empty(&layout::keyed(directory, &found.digest));
                }
                return true;
            }
            Link::Unseen => return false,
            Link::Other(found) => Err(LinkFault::Mismatch { found: *found }),
            Link::Broken(fault) => Err(*fault),
        };
        signatures::link(self, self.repository.place.clone(), (revision, found.digest), says)
    }
}
