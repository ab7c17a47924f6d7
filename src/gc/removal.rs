//! Looks at links and content again, and removes them, on all threads.

use rayon::prelude::*;

use super::Options;
use super::action::{Action, Kind};
use super::age::FoundBlob;
use super::disposal;
use crate::durable::{ExclusiveWriter, OpenDirectory, Siblings};
use crate::error::{Error, Result};
use crate::layout;

/// What became of an action: whether its item was removed, or why it could not be.
pub(super) type Outcome<'a> = (&'a Action, Result<bool>);

/// Opens the directory of a link or of content. `None` when it is gone, in use, young, or has changed.
pub(super) fn open<'s>(
    siblings: &'s mut Siblings<'_>,
    options: &Options,
    action: &Action,
) -> Result<Option<OpenDirectory<'s>>> {
    let directory = match siblings.open(&action.path) {
        // What is in the place of content is left to `fsck`.
        Err(Error::WrongKind { .. }) if action.kind == Kind::Blob => None,
        opened => opened?,
    };
    let Some(directory) = directory else { return Ok(None) };
    let is_same = if action.kind == Kind::Blob {
        is_same_content(&directory, options, action)?
    } else {
        // A young link was written since the plan was made: something needs it again.
        !directory.metadata_of(layout::LINK)?.is_some_and(|link| options.is_young(link.modified))
    };
    Ok(is_same.then_some(directory))
}

/// Whether a blob is the one that the plan removes.
fn is_same_content(directory: &OpenDirectory<'_>, options: &Options, action: &Action) -> Result<bool> {
    let Some(own) = directory.metadata()? else { return Ok(false) };
    Ok(match FoundBlob::of(own, directory.metadata_of(layout::DATA)?) {
        FoundBlob::File(file) => {
            Some(file.newest) == action.newest && file.size == action.size && !options.is_young(file.newest)
        }
        FoundBlob::Empty(_) | FoundBlob::Other => false,
    })
}

/// Removes links or content. The links of a repository go in order, and the blobs of a fan-out; the first failure there
/// ends that, because what could not be removed may need the rest of its repository.
pub(super) fn on_all_threads<'a>(
    writer: &ExclusiveWriter<'_>,
    options: &Options,
    actions: &[&'a Action],
) -> Vec<Outcome<'a>> {
    let groups: Vec<&[&Action]> = actions.chunk_by(|one, next| are_one_group(one, next)).collect();
    let outcomes: Vec<Vec<Outcome<'_>>> = groups.par_iter().map(|group| one_group(writer, options, group)).collect();
    outcomes.into_iter().flatten().collect()
}

fn are_one_group(one: &Action, next: &Action) -> bool {
    one.repository == next.repository && (one.repository.is_some() || one.path.parent() == next.path.parent())
}

fn one_group<'a>(writer: &ExclusiveWriter<'_>, options: &Options, group: &[&'a Action]) -> Vec<Outcome<'a>> {
    let mut siblings = Siblings::new(writer);
    let mut outcomes = Vec::with_capacity(group.len());
    for action in group {
        let removed = open(&mut siblings, options, action).and_then(|found| match found {
            Some(directory) => disposal::remove(action.kind, directory).map(|()| true),
            None => Ok(false),
        });
        let failed = removed.is_err();
        outcomes.push((*action, removed));
        if failed {
            break;
        }
    }
    outcomes
}
