//! Counts what is in a tree, and notes on the way what shows who wrote it.

use std::collections::BTreeSet;

use jiff::Timestamp;
use rayon::prelude::*;

use super::marks::Mark;
use crate::digest::Digest;
use crate::error::Result;
use crate::layout::{Entry, Form, Place};
use crate::name::RepositoryName;
use crate::repository::Repository;
use crate::repository::find::{self, FoundPlaces};
use crate::repository::revision::{self, Revision};
use crate::scan;
use crate::stream::{Interrupt, Watch};
use crate::tag::{self, FoundTags};
use crate::tree::{Neighbours, Tree};
use crate::upload;

/// What is in a tree.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Contents {
    /// How many repositories.
    pub repositories: u64,
    /// How many tags point somewhere.
    pub tags: u64,
    /// How many manifests the repositories link, each counted in every repository.
    pub manifests: u64,
    /// How many blobs.
    pub blobs: u64,
    /// The bytes of the blobs, if these were asked for.
    pub bytes: Option<u64>,
    /// The unfinished uploads.
    pub uploads: Uploads,
    /// How many places could not be read, or are not what they should be. Nothing there is counted.
    pub damaged: u64,
}

/// Unfinished uploads.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Uploads {
    /// How many.
    pub count: u64,
    /// The bytes that they have received.
    pub bytes: u64,
    /// When the oldest began.
    pub oldest: Option<Timestamp>,
}

/// What one repository adds.
#[derive(Default)]
struct Part {
    repositories: u64,
    tags: u64,
    manifests: u64,
    uploads: Uploads,
    damaged: u64,
    marks: BTreeSet<Mark>,
}

impl Part {
    fn add(mut self, other: Self) -> Self {
        self.uploads = self.uploads.and(other.uploads);
        self.repositories += other.repositories;
        self.tags += other.tags;
        self.manifests += other.manifests;
        self.damaged += other.damaged;
        self.marks.extend(other.marks);
        self
    }

    fn add_revisions(&mut self, repository: &Repository<'_>, place: &Place) {
        let marks =
            |revision: &Revision, neighbours: &mut Neighbours<'_>| Mark::of_revision(place, revision, neighbours);
        for found in revision::revisions_with(repository, place.form, marks) {
            match found {
                Ok((_, marks)) => {
                    self.manifests += 1;
                    self.marks.extend(marks);
                }
                Err(_) => self.damaged += 1,
            }
        }
    }

    fn add_uploads(&mut self, repository: &Repository<'_>, form: Form) {
        for found in upload::uploads_in(repository.tree(), repository.name(), form) {
            match found {
                Ok(upload) if upload.cancelled => {}
                Ok(upload) => {
                    self.marks.extend(Mark::of_upload(&upload));
                    let one = Uploads { count: 1, bytes: upload.size, oldest: upload.since() };
                    self.uploads = self.uploads.and(one);
                }
                Err(_) => self.damaged += 1,
            }
        }
    }
}

impl Uploads {
    fn and(self, other: Self) -> Self {
        let oldest = self.oldest.into_iter().chain(other.oldest).min();
        Self { count: self.count + other.count, bytes: self.bytes + other.bytes, oldest }
    }
}

pub(super) fn read(tree: &Tree, sizes: bool, interrupt: &Interrupt) -> Result<(Contents, Vec<Mark>)> {
    let FoundPlaces { places, unseen, in_the_way, foreign, .. } = find::places(tree, &Watch::silent(interrupt));
    let damaged = unseen.len() + in_the_way.len() + foreign.len();
    // A repository with folders of both layouts is there twice, side by side.
    let repositories: Vec<&[Place]> = places.chunk_by(|one, next| one.directory == next.directory).collect();
    let read = repositories.par_iter().filter(|_| interrupt.signal().is_none()).map(|places| part(tree, places));
    let mut sum = read.reduce(Part::default, Part::add);
    let (blobs, unread) = scan::list_blobs(tree, interrupt);
    let bytes = sizes.then(|| blobs.par_iter().map(|digest| size(tree, &Entry::Blob(*digest))).sum());
    interrupt.check()?;
    if blobs.iter().any(Digest::is_tarsum) {
        sum.marks.insert(Mark::TarsumBlobs);
    }
    let contents = Contents {
        repositories: sum.repositories,
        tags: sum.tags,
        manifests: sum.manifests,
        blobs: blobs.len() as u64,
        bytes,
        uploads: sum.uploads,
        damaged: sum.damaged + (damaged + unread.len()) as u64,
    };
    Ok((contents, sum.marks.into_iter().collect()))
}

fn size(tree: &Tree, blob: &Entry) -> u64 {
    tree.metadata(&blob.path()).ok().flatten().map_or(0, |found| found.size)
}

/// Counts what a repository has in each of its layouts.
fn part(tree: &Tree, places: &[Place]) -> Part {
    let name = places.first().and_then(|place| place.directory.below_area().parse::<RepositoryName>().ok());
    // No registry serves what has no valid name.
    let Some(name) = name else { return Part { damaged: 1, ..Part::default() } };
    let repository = Repository::new(tree, name);
    let mut part = Part { repositories: 1, ..Part::default() };
    let mut found = FoundTags::default();
    for place in places {
        tag::look_into(&repository, place.form, &mut found);
        part.marks.extend(Mark::of_folders(tree, place));
        part.add_revisions(&repository, place);
        part.add_uploads(&repository, place.form);
    }
    part.tags = found.tags.len() as u64;
    part.damaged += found.damage.len() as u64;
    part
}
