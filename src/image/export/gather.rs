//! Finds the images that are asked for.

use std::collections::{BTreeMap, HashSet};

use super::{Exporting, Format, Selection};
use crate::digest::Digest;
use crate::error::{Error, Result};
use crate::image::platform::Platforms;
use crate::image::whole::{self, Image, Wanted};
use crate::name::RepositoryName;
use crate::reference::{Reference, Resolved, Shortened};
use crate::tag;

impl Exporting<'_> {
    /// The images that are asked for, with what is about them.
    pub(super) fn gather(&mut self, selections: &[Selection]) -> Result<Vec<Image>> {
        let mut wanted: BTreeMap<RepositoryName, Wanted> = BTreeMap::new();
        for selection in selections {
            match selection {
                Selection::Image(reference) => self.add_image(reference, &mut wanted)?,
                Selection::Repositories(pattern) => {
                    if !self.add_repositories(|name| pattern.is_match(name.as_str()), &mut wanted)? {
                        return Err(Error::NoMatch { pattern: pattern.to_string() });
                    }
                }
                Selection::All => drop(self.add_repositories(|_| true, &mut wanted)?),
            }
        }
        let mut images = Vec::new();
        for (name, wanted) in wanted {
            self.gather_repository(&name, wanted, &mut images)?;
        }
        Ok(images)
    }

    fn add_image(&mut self, reference: &Reference, wanted: &mut BTreeMap<RepositoryName, Wanted>) -> Result<()> {
        let repository = self.registry.repository(&reference.repository)?;
        let Resolved { tag, digest } = reference.target.resolve(&repository, Shortened::Expand)?;
        wanted.entry(reference.repository.clone()).or_default().insert((tag, digest));
        Ok(())
    }

    /// Adds what the chosen repositories have. `false` when none is chosen.
    fn add_repositories(
        &mut self,
        is_chosen: impl Fn(&RepositoryName) -> bool,
        wanted: &mut BTreeMap<RepositoryName, Wanted>,
    ) -> Result<bool> {
        let found = self.registry.repositories();
        let mut any = false;
        for name in found.repositories.into_iter().filter(is_chosen) {
            any = true;
            let repository = self.registry.repository(&name)?;
            let tags = tag::tags(&repository);
            self.damaged(&name, tags.damage)?;
            let wanted = wanted.entry(name.clone()).or_default();
            wanted.extend(tags.tags.into_iter().map(|(tag, digest)| (Some(tag), digest)));
            if self.how.untagged {
                let tagged: HashSet<Digest> = wanted.iter().map(|(_, digest)| *digest).collect();
                for found in crate::repository::revision::revisions(&repository) {
                    match found {
                        Ok(revision) if !tagged.contains(&revision.digest) => {
                            wanted.insert((None, revision.digest));
                        }
                        Ok(_) => {}
                        Err(error) => self.damaged(&name, [error])?,
                    }
                }
            }
        }
        self.exported.damage.extend(found.damage);
        Ok(any)
    }

    /// Notes what can't be read of a repository, or fails where damage is not to be skipped.
    fn damaged(&mut self, repository: &RepositoryName, damage: impl IntoIterator<Item = Error>) -> Result<()> {
        for error in damage {
            self.skip(repository.to_string(), error)?;
        }
        Ok(())
    }

    fn gather_repository(&mut self, name: &RepositoryName, wanted: Wanted, images: &mut Vec<Image>) -> Result<()> {
        let repository = self.registry.repository(name)?;
        let (how, interrupt) = (self.how.clone(), self.watch.interrupt.clone());
        let one = how.format == Format::DockerArchive;
        let platforms = Platforms { wanted: &how.platforms, sparse_index: how.sparse_index, one };
        let mut damage = Vec::new();
        let skip = |image, error| self.skip(image, error);
        let gathered =
            whole::gather_for(&repository, wanted, platforms, how.referrers && !one, &interrupt, &mut damage, skip);
        self.exported.damage.append(&mut damage);
        images.extend(gathered?);
        Ok(())
    }
}
