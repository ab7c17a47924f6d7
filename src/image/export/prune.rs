//! Removes from a layout what this export does not have: images that the tree no longer has, and content that nothing
//! in the layout names.
//!
//! Only entries that regtree wrote go. **What can't be read may name anything, and then nothing is removed.** The index
//! is replaced before any content goes, so a layout is whole at every moment.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use super::Exporting;
use super::index::{self, Key};
use crate::count;
use crate::digest::Digest;
use crate::durable::{OutputDirectory, TEMPORARY};
use crate::error::{Error, Result};
use crate::image::layout::{self, Entry, Layout};
use crate::image::whole::Image;
use crate::limit::{Limit, percent_of};
use crate::manifest::{MAX_PUT, Manifest};
use crate::stream::Interrupt;

/// What was removed from a layout.
#[derive(Debug, Default)]
#[non_exhaustive]
pub struct Pruned {
    /// The images that the layout no longer names: the name, and the digest.
    pub images: Vec<(String, Digest)>,
    /// How many blobs were removed, and their bytes.
    pub blobs: (u64, u64),
}

/// What is to be removed from a layout.
pub(super) struct Plan {
    /// The entries that stay, beside those of the images that are exported.
    pub(super) kept: Vec<Entry>,
    gone: Vec<Entry>,
    files: Vec<(PathBuf, u64)>,
    all_images: usize,
    all_bytes: u64,
}

impl Exporting<'_> {
    /// Decides what to remove from a layout, unless not all images could be read: what is missing may need it.
    pub(super) fn plan_pruning(&self, directory: &OutputDirectory, known: &[Entry], images: &[Image]) -> Result<Plan> {
        if !self.exported.skipped.is_empty() || !self.exported.damage.is_empty() {
            let reason = "nothing is pruned, because not all images could be read".to_owned();
            return Err(Error::Refused { reason });
        }
        let plan = Plan::new(directory, known, images, &self.watch.interrupt)?;
        plan.check(self.how.max_delete)?;
        Ok(plan)
    }
}

impl Plan {
    /// Decides what to remove from the layout in `directory`, whose index has the entries `known`.
    ///
    /// The errors are those of what can't be read.
    fn new(directory: &OutputDirectory, known: &[Entry], images: &[Image], interrupt: &Interrupt) -> Result<Self> {
        let exported: HashSet<Key> = index::keys(images).collect();
        let stays = |entry: &Entry| entry.own_repository.is_none() || exported.contains(&Key::of_entry(entry));
        let (kept, gone): (Vec<_>, Vec<_>) = known.iter().cloned().partition(stays);
        let mut needed = of_images(images);
        // The others were just exported.
        let foreign = kept.iter().filter(|entry| !exported.contains(&Key::of_entry(entry)));
        follow(&Layout::open(directory.path())?, foreign.map(|entry| entry.digest), &mut needed, interrupt)?;
        let (mut files, mut all_bytes) = (Vec::new(), 0);
        for (name, size) in directory.files(Path::new(layout::BLOBS))? {
            all_bytes += size;
            if is_unneeded(&name, &needed) {
                files.push((name, size));
            }
        }
        // As many as there are if nothing is removed. So the next run, which finds all of them, decides the same.
        let is_image = |entry: &&Entry| entry.signature_of.is_none();
        let is_other = |entry: &&Entry| is_image(entry) && !exported.contains(&Key::of_entry(entry));
        let all_images = images.len() + kept.iter().filter(is_other).count() + gone.iter().filter(is_image).count();
        Ok(Self { kept, gone, files, all_images, all_bytes })
    }

    /// Refuses to remove most of a layout: a part of the tree may be missing.
    fn check(&self, limit: Option<Limit>) -> Result<()> {
        let removed = self.bytes();
        if let Some(limit) = limit {
            return limit.check(removed, || Ok(self.all_bytes));
        }
        let images = self.gone_images().count();
        if removed <= self.all_bytes / 2 && images <= self.all_images / 2 {
            return Ok(());
        }
        let percent = percent_of(removed, self.all_bytes);
        let (images, all) = (count::plural(images as u64, "image"), self.all_images);
        let removed = count::bytes(removed);
        let reason = format!(
            "{images} of {all} and {removed} would be removed, {percent} of all content: is a part of the tree missing?"
        );
        Err(Error::SafetyLimit { reason, override_option: format!("--max-delete {percent}").into() })
    }

    /// Removes the content, after the index was replaced.
    pub(super) fn remove(self, directory: &OutputDirectory) -> Result<Pruned> {
        let bytes = self.bytes();
        directory.remove(self.files.iter().map(|(name, _)| &**name))?;
        let images = self.gone_images().map(|entry| (entry.describe(), entry.digest)).collect();
        Ok(Pruned { images, blobs: (self.files.len() as u64, bytes) })
    }

    fn gone_images(&self) -> impl Iterator<Item = &Entry> {
        self.gone.iter().filter(|entry| entry.signature_of.is_none())
    }

    fn bytes(&self) -> u64 {
        self.files.iter().map(|(_, size)| size).sum()
    }
}

/// Whether a file is content that nothing needs, or what a killed export left of some.
fn is_unneeded(name: &Path, needed: &HashSet<Digest>) -> bool {
    let temporary = name.to_str().and_then(|name| name.strip_suffix(TEMPORARY));
    match temporary {
        Some(name) => layout::digest_of(Path::new(name)).is_some(),
        None => layout::digest_of(name).is_some_and(|digest| !needed.contains(&digest)),
    }
}

/// All that the images name.
fn of_images(images: &[Image]) -> HashSet<Digest> {
    let contents = images.iter().flat_map(|image| image.whole.contents.iter().map(|content| content.key));
    contents.chain(images.iter().map(|image| image.whole.digest)).collect()
}

/// Adds all that these manifests of a layout lead to. A child that the layout does not have leads nowhere.
fn follow(
    layout: &Layout,
    entries: impl Iterator<Item = Digest>,
    needed: &mut HashSet<Digest>,
    interrupt: &Interrupt,
) -> Result<()> {
    let mut pending: Vec<Digest> = entries.collect();
    let mut seen = HashSet::new();
    while let Some(digest) = pending.pop() {
        interrupt.check()?;
        needed.insert(digest);
        if !seen.insert(digest) || !may_be_manifest(layout, &digest)? {
            continue;
        }
        let bytes = layout.manifest(digest)?;
        // What is no manifest names nothing.
        let Ok(manifest) = Manifest::read(&bytes) else { continue };
        needed.extend(manifest.retained().map(|(digest, _)| digest));
        let subject = manifest.subject.iter().filter_map(|subject| subject.digest.ok());
        pending.extend(manifest.children().chain(subject));
    }
    Ok(())
}

/// Whether the layout has this content, and it is no larger than a manifest may be.
fn may_be_manifest(layout: &Layout, digest: &Digest) -> Result<bool> {
    let Some((file, path)) = layout.open_content(digest)? else { return Ok(false) };
    let found = file.metadata().map_err(|error| Error::io("look at", path, error))?;
    Ok(found.len() <= MAX_PUT as u64)
}
