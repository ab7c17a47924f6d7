//! The other digests that lead to content, which is compared with them when it is hashed.

use std::collections::BTreeMap;

use super::candidate::Blocks;
use super::inspect::Inspector;
use super::repository::RepositoryView;
use crate::digest::Digest;
use crate::error::Result;
use crate::judge::content::{self, Stored};
use crate::stream::Watch;
use crate::tree::Tree;

/// The aliases of repositories: by the content that they lead to, each once.
pub(super) struct Aliases(BTreeMap<Digest, Vec<Digest>>);

/// An alias, the content that it leads to, and what that is by it.
pub(super) type Judged = (Digest, Digest, Stored);

impl Aliases {
    pub(super) fn of(repositories: &[RepositoryView]) -> Self {
        let mut aliases: BTreeMap<Digest, Vec<Digest>> = BTreeMap::new();
        for (alias, target) in repositories.iter().flat_map(in_repository) {
            let known = aliases.entry(target).or_default();
            if !known.contains(&alias) {
                known.push(alias);
            }
        }
        Self(aliases)
    }

    /// Compares content with the aliases that lead to it, and adds those that it does not match to `wrong`.
    /// `Err(Interrupted)` when a signal came.
    pub(super) fn check(
        &self,
        tree: &Tree,
        target: &Digest,
        buffer: &mut Vec<u8>,
        watch: &Watch<'_>,
        wrong: &mut Vec<Judged>,
    ) -> Result<()> {
        for alias in self.0.get(target).into_iter().flatten() {
            buffer.resize(content::BUFFER, 0);
            let stored = content::hash_as(tree, alias, target, buffer, watch)?;
            wrong.extend((stored != Stored::Right).then_some((*alias, *target, stored)));
        }
        Ok(())
    }
}

fn in_repository(repository: &RepositoryView) -> impl Iterator<Item = (Digest, Digest)> {
    repository.layers.targets().filter(|(key, target)| key != target)
}

/// Reports what does not match, in each repository that has the alias.
pub(super) fn report(
    inspector: &mut Inspector<'_>,
    repositories: &[RepositoryView],
    wrong: &[Judged],
    is_needed: impl Fn(&Digest) -> bool,
) {
    for (alias, target, stored) in wrong {
        let has_it = |repository: &&RepositoryView| in_repository(repository).any(|pair| pair == (*alias, *target));
        for repository in repositories.iter().filter(has_it) {
            let pair = (*alias, *target);
            let finding = stored.alias_finding(inspector.tree, &repository.place, pair, is_needed(alias));
            if let Some(finding) = finding {
                inspector.note(Blocks::Layer(*alias), finding);
            }
        }
    }
}
