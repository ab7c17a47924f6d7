//! Finds empty directories and empty repositories.

use std::collections::{HashMap, HashSet};

use super::Options;
use super::action::{Action, Kind};
use super::age::FoundBlob;
use crate::digest::Digest;
use crate::error::Result;
use crate::layout::{self, Form, TreePath};
use crate::quarantine::BlobParts;
use crate::scan::{DigestId, DigestSet, Scan, Scanned};
use crate::tree::{self, Tree};

/// The removal of a directory whose link is gone, if the directory is not young and nothing in it counts.
pub(super) fn leaf(tree: &Tree, options: &Options, path: &TreePath) -> Option<Action> {
    let found = tree.metadata(path).ok().flatten()?;
    let is_old = found.kind == tree::EntryKind::Directory && !options.is_young(found.modified);
    (is_old && is_leaf(tree, path).unwrap_or(false)).then(|| Action::new(Kind::Directory, path.clone()))
}

/// Whether a link's directory is empty but for signatures, whose manifest is no longer known.
pub(super) fn is_leaf(tree: &Tree, path: &TreePath) -> Result<bool> {
    let Some(listed) = tree.list(path)? else { return Ok(false) };
    Ok(listed.iter().all(|entry| entry.kind == tree::EntryKind::Directory && entry.text() == Some("signatures")))
}

/// Whether a directory contains no files, at any depth.
pub(super) fn is_empty(tree: &Tree, directory: &TreePath) -> Result<bool> {
    for entry in tree.list(directory)?.unwrap_or_default() {
        match entry.text().and_then(|name| directory.child(name)) {
            Some(path) if entry.kind == tree::EntryKind::Directory && is_empty(tree, &path)? => {}
            _ => return Ok(false),
        }
    }
    Ok(true)
}

/// The removals of blob directories without content, and of fan-outs that are empty when the blobs in `gone` are
/// removed.
pub(super) fn directories(
    tree: &Tree,
    scan: &Scan,
    options: &Options,
    gone: &[(DigestId, FoundBlob)],
) -> Result<Vec<Action>> {
    let mut actions = Vec::new();
    let mut emptied: HashMap<TreePath, HashMap<String, Digest>> = HashMap::new();
    let held = held_fan_outs(scan, gone);
    for (name, found) in gone {
        let digest = scan.digests.digest(*name);
        let path = layout::blob_directory(&digest);
        match found {
            FoundBlob::File(_) => {}
            FoundBlob::Empty(modified) if !options.is_young(*modified) => {
                // gc does not remove files that it does not know.
                if tree.list(&path)?.is_none_or(|listed| !listed.is_empty()) {
                    continue;
                }
                actions.push(Action::new(Kind::Directory, path.clone()));
            }
            FoundBlob::Empty(_) | FoundBlob::Other => continue,
        }
        let fan_out = path.parent().expect("a blob is in a fan-out");
        emptied.entry(fan_out).or_default().insert(path.file_name().to_owned(), digest);
    }
    emptied.retain(|fan_out, _| !held.contains(fan_out));
    actions.extend(scan.empty_fan_outs.iter().filter_map(|fan_out| leaf(tree, options, fan_out)));
    for (fan_out, names) in emptied {
        let listed = tree.list(&fan_out)?.unwrap_or_default();
        // Files of others stay, with the directory of their blob.
        let goes = |digest: &Digest| matches!(BlobParts::of(tree, digest), Ok(BlobParts::Directory));
        let is_alone = |name: &str| names.get(name).is_some_and(goes);
        if listed.iter().all(|entry| entry.text().is_some_and(is_alone)) {
            actions.push(Action::new(Kind::Directory, fan_out));
        }
    }
    // Inner directories come first.
    actions.sort_by(|a, b| b.path.below_area().len().cmp(&a.path.below_area().len()).then_with(|| a.path.cmp(&b.path)));
    Ok(actions)
}

/// The fan-outs in which some content is kept: these need not be listed again.
fn held_fan_outs(scan: &Scan, gone: &[(DigestId, FoundBlob)]) -> HashSet<TreePath> {
    let mut removed = DigestSet::new(&scan.digests);
    for (name, _) in gone {
        removed.insert(*name);
    }
    let (mut held, mut last) = (HashSet::new(), None);
    for name in scan.digests.blobs().filter(|name| !removed.contains(*name)) {
        let digest = scan.digests.digest(name);
        // The names are sorted, so the names of one fan-out, which have the same first byte, follow each other.
        let first = digest.sha256().map(|hash| hash[0]);
        if first.is_none() || first != last {
            held.extend(layout::blob_directory(&digest).parent());
        }
        last = first;
    }
    held
}

/// Whether only directories will be left of a repository, and none of them is young.
pub(super) fn is_repository(
    tree: &Tree,
    options: &Options,
    repository: &Scanned,
    removed: &HashSet<&TreePath>,
) -> bool {
    let left = |directories: Vec<TreePath>| directories.iter().any(|path| !removed.contains(path));
    let place = &repository.place;
    // The folders of one that an alpha wrote may be repositories of today, so they stay.
    if place.form != Form::Current {
        return false;
    }
    // This finds most repositories that are kept without a look at the disk.
    let revisions = repository.revisions.iter().map(|revision| place.revision(&revision.digest)).collect();
    let tags = repository.tags.iter().filter_map(|tag| place.tags().child(&tag.name)).collect();
    if left(revisions) || left(tags) {
        return false;
    }
    place.own().iter().all(|folder| will_be_empty(tree, options, folder, removed).unwrap_or(false))
}

/// Whether a directory contains only old directories, and what will be removed. `Err` when something can't be read.
fn will_be_empty(tree: &Tree, options: &Options, directory: &TreePath, removed: &HashSet<&TreePath>) -> Result<bool> {
    let mut pending = vec![directory.clone()];
    while let Some(directory) = pending.pop() {
        if removed.contains(&directory) {
            continue;
        }
        let Some(found) = tree.metadata(&directory)? else { continue };
        if found.kind != tree::EntryKind::Directory || options.is_young(found.modified) {
            return Ok(false);
        }
        for entry in tree.list(&directory)?.unwrap_or_default() {
            match entry.text().and_then(|name| directory.child(name)) {
                Some(path) if entry.kind == tree::EntryKind::Directory => pending.push(path),
                _ => return Ok(false),
            }
        }
    }
    Ok(true)
}
