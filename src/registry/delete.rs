//! Removes a repository: its links, tags and uploads. Content is kept until `gc` collects it. Repositories below the
//! removed one, whose names begin with its name, are kept.
//!
//! Tags are removed first, then revisions, then layers. **So a run that is cut short leaves no tag without its
//! manifest, and no manifest without its layers.** What it leaves is still a repository, and another run finishes the
//! removal.

use std::collections::HashSet;

use super::Census;
use crate::durable::ExclusiveRemover;
use crate::error::{Error, Result};
use crate::layout::{Entry, Form, Item, Place, TreePath};
use crate::name::RepositoryName;
use crate::repository::{Repository, Unreadable, find};
use crate::tree::{EntryKind, Tree};
use crate::upload::{self, Upload};

/// The removal of a repository.
#[derive(Debug)]
pub struct Removal {
    /// How much it removes.
    pub census: Census,
    /// Folders that belong to the repository alone, in the order in which they are removed.
    links: Vec<TreePath>,
    uploads: Vec<Upload>,
    uploads_folder: Option<TreePath>,
    old: Old,
    /// The repository's directory and those above, outermost first. Each is removed if it is empty by then.
    directories: Vec<TreePath>,
}

/// What the repository has in the layout of the alphas, whose folders may contain other repositories too.
#[derive(Debug, Default)]
struct Old {
    /// Files of the repository, in the order in which they are removed.
    files: Vec<TreePath>,
    /// The directories around them, each before those in it.
    directories: Vec<TreePath>,
}

impl Removal {
    /// Removes the repository. The tree's lock is held alone, so no other process of regtree adds to the repository
    /// meanwhile.
    pub fn execute(&self, remover: &(impl ExclusiveRemover + ?Sized)) -> Result<()> {
        let writer = remover.writer();
        for folder in &self.links {
            remover.take_directory(folder)?;
        }
        for upload in &self.uploads {
            let take = |directory: &TreePath| upload::take(remover, directory).map(|()| true);
            upload::cancel_by(writer, upload, writer.wait(), |_| true, take)?;
        }
        if let Some(folder) = &self.uploads_folder {
            remover.take_directory(folder)?;
        }
        for file in &self.old.files {
            remover.take_file(file)?;
        }
        for directory in self.old.directories.iter().rev() {
            remover.take_empty(std::slice::from_ref(directory))?;
        }
        remover.take_empty(&self.directories)
    }
}

/// Plans the removal of `repository`, and returns the damage in it, which is removed too.
///
/// Returns `Err(RepositoryUnknown)` when there is none; the empty directory that is left when a run is cut short at its
/// end still counts as one. Returns `Err` too when something else is in the place of one of its folders. With
/// [`Unreadable::Refuse`], returns `Err(SafetyLimit)` when a directory can't be listed, or something in it can't be
/// read; else that is part of the damage.
pub fn plan_delete(repository: &Repository<'_>, unreadable: Unreadable) -> Result<(Removal, Vec<Error>)> {
    let (tree, name) = (repository.tree(), repository.name());
    let directory = Place::of(name, Form::Current).directory;
    let refuse = |unread: &[Error]| unreadable.check(format_args!("what is in repository {name}"), unread);
    match repository.exists().and_then(|exists| Ok(exists || is_empty_directory(tree, &directory)?)) {
        Ok(true) => {}
        Ok(false) => return Err(repository.unknown()),
        Err(error) => {
            if matches!(error, Error::Io { .. }) {
                refuse(std::slice::from_ref(&error))?;
            }
            return Err(error);
        }
    }
    let (census, mut damage) = Census::take(repository);
    // A tag of which an earlier run left only a part.
    damage.retain(|error| !matches!(error, Error::TagUnknown { .. }));
    let (mut unread, mut damage): (Vec<Error>, Vec<Error>) =
        damage.into_iter().partition(|error| matches!(error, Error::Io { .. }));
    for folder in Place::of(name, Form::Current).own() {
        unlistable(tree, &folder, &mut unread);
    }
    refuse(&unread)?;
    for folder in Place::of(name, Form::Current).own() {
        if let Some(found) = tree.metadata(&folder)?.filter(|found| found.kind != EntryKind::Directory) {
            return Err(tree.wrong_kind(&folder, "a directory", found.kind));
        }
    }
    let [layers, manifests, uploads_folder] = Place::of(name, Form::Current).own();
    let (tags, revisions) = (Place::of(name, Form::Current).tags(), Place::of(name, Form::Current).revisions());
    let removal = Removal {
        census,
        links: existing(tree, [tags, revisions, manifests, layers])?,
        uploads: uploads(tree, name)?,
        uploads_folder: existing(tree, [uploads_folder])?.pop(),
        old: old(tree, name, &mut unread)?,
        directories: directory.descent(),
    };
    let mut seen = HashSet::new();
    unread.retain(|error| error.path().is_none_or(|path| seen.insert(path.to_owned())));
    refuse(&unread)?;
    damage.append(&mut unread);
    Ok((removal, damage))
}

/// Adds an error for each directory from `path` down that can't be listed: its removal would stop there.
fn unlistable(tree: &Tree, path: &TreePath, unread: &mut Vec<Error>) {
    match tree.list(path) {
        Ok(listed) => {
            let directories = listed.into_iter().flatten().filter(|entry| entry.kind == EntryKind::Directory);
            for below in directories.filter_map(|entry| entry.text().and_then(|name| path.child(name))) {
                unlistable(tree, &below, unread);
            }
        }
        Err(error @ Error::Io { .. }) => unread.push(error),
        // What is in a directory's place is found by others.
        Err(_) => {}
    }
}

fn is_empty_directory(tree: &Tree, path: &TreePath) -> Result<bool> {
    let found = tree.metadata(path)?;
    if found.is_none_or(|found| found.kind != EntryKind::Directory) {
        return Ok(false);
    }
    Ok(tree.list(path)?.is_some_and(|listed| listed.is_empty()))
}

/// Those of `paths` that are directories. Anything else is removed with the directory around it.
fn existing(tree: &Tree, paths: impl IntoIterator<Item = TreePath>) -> Result<Vec<TreePath>> {
    let mut existing = Vec::new();
    for path in paths {
        match tree.metadata(&path) {
            Ok(Some(found)) if found.kind == EntryKind::Directory => existing.push(path),
            Ok(_) | Err(Error::WrongKind { .. }) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(existing)
}

/// The uploads in the current layout. They are cancelled one by one, because regtree may have records of them.
fn uploads(tree: &Tree, name: &RepositoryName) -> Result<Vec<Upload>> {
    let mut uploads = Vec::new();
    for upload in upload::uploads(tree, name).into_iter().flatten() {
        if tree.metadata(&Place::of(name, Form::Current).upload(&upload.id))?.is_some() {
            uploads.push(upload);
        }
    }
    Ok(uploads)
}

/// Finds the files of `name` in the folders of the alphas. Other repositories may be there, in either layout; their
/// files are kept. A directory that can't be listed is added to `unread`.
fn old(tree: &Tree, name: &RepositoryName, unread: &mut Vec<Error>) -> Result<Old> {
    let mut files: Vec<(u8, TreePath)> = Vec::new();
    let mut directories = Vec::new();
    let mut pending = match find::is_alpha(tree, &Place::of(name, Form::Current).directory) {
        Err(error @ Error::Io { .. }) => {
            unread.push(error);
            Vec::new()
        }
        Err(error) => return Err(error),
        Ok(true) => existing(tree, Place::of(name, Form::Alpha).own())?,
        Ok(false) => Vec::new(),
    };
    while let Some(directory) = pending.pop() {
        let listed = match tree.list(&directory) {
            Err(error @ Error::Io { .. }) => {
                unread.push(error);
                continue;
            }
            listed => listed?.unwrap_or_default(),
        };
        for entry in listed {
            let Some(path) = entry.text().and_then(|name| directory.child(name)) else { continue };
            match entry.kind {
                EntryKind::Directory if !path.file_name().starts_with('_') => pending.push(path),
                EntryKind::File => files.extend(rank(name, &path).map(|rank| (rank, path))),
                _ => {}
            }
        }
        directories.push(directory);
    }
    files.sort();
    Ok(Old { files: files.into_iter().map(|(_, path)| path).collect(), directories })
}

/// The position of a file in the order of removal; `None` if it is no file of `name` in the layout of the alphas.
fn rank(name: &RepositoryName, path: &TreePath) -> Option<u8> {
    let entry = match Entry::parse(path)? {
        Entry::LeftOver { of, .. } => *of,
        entry => entry,
    };
    match entry {
        Entry::InRepository { repository, form: Form::Alpha, item } if repository == *name => Some(match item {
            Item::TagCurrent(_) => 0,
            Item::TagIndex(..) => 1,
            Item::RevisionLink(_) | Item::SignatureLink { .. } => 2,
            Item::LayerLink(_) => 3,
            Item::UploadStartedAt(_) | Item::UploadData(_) | Item::HashState { .. } => 4,
        }),
        _ => None,
    }
}
