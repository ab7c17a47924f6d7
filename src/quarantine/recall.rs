//! Finds the blobs in the quarantine that the tree needs again, and puts them back.
//!
//! **A registry that runs during a collection may link content in the same moment in which the collection removes it.**
//! Nothing can prevent that. But the next run finds a repository that names content which the tree lacks and the
//! quarantine has. If the repository is `entitled` to it, it goes back.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::fs::File;
use std::sync::Arc;

use super::entitled::{Claims, claims};
use super::id::RunId;
use super::index::{Held, lacks};
use super::item::NotedItem;
use super::restore::{put_back, sync};
use super::run_directory::RunDirectory;
use super::verdict::{RestoreVerdict, is_whole, judge};
use crate::digest::Digest;
use crate::durable::ExclusiveWriter;
use crate::error::{Error, Result};
use crate::scan::{Returned, Returning, Scan};
use crate::stream::{Interrupt, Watch};
use crate::tree::Tree;

/// The blobs that the tree needs again, and that the quarantine has.
#[derive(Debug, Default)]
pub struct Recall {
    blobs: Arc<RecalledBlobs>,
    /// The blobs that stay in the quarantine though something in the tree mentions them, sorted.
    pub mentioned: Vec<Mentioned>,
    /// The parts of the quarantine that could not be read.
    pub damage: Vec<Error>,
}

/// A blob of the quarantine that repositories only mention. Nothing shows that they had it, so it does not come back.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Mentioned {
    /// Its digest.
    pub digest: Digest,
    /// The newest run that has it.
    pub run: RunId,
    /// The paths of the repositories, sorted.
    pub repositories: Vec<String>,
}

/// The blobs, sorted. Each is in the newest run that has it whole.
#[derive(Clone, Debug, Default)]
struct RecalledBlobs(BTreeMap<Digest, RecalledBlob>);

#[derive(Clone, Debug)]
struct RecalledBlob {
    run: RunId,
    noted: NotedItem,
    returned: Returned,
}

/// Finds the blobs in `held` that the tree needs again and lacks. `scan` is one of the tree that knows the digests of
/// `held`. Returns a scan of the tree as it will be when they are back.
///
/// Each blob is hashed, because `repair` moved damaged ones to the quarantine. A manifest that comes back may need more
/// blobs, so this repeats until nothing is added.
pub(crate) fn with_recall(tree: &Tree, mut scan: Scan, mut held: Held, watch: &Watch<'_>) -> Result<(Scan, Recall)> {
    let mut damage = std::mem::take(&mut held.damage);
    let (mut blobs, mut seen) = (RecalledBlobs::default(), HashSet::new());
    loop {
        let before = blobs.0.len();
        let Claims { entitled, mentioned } =
            if held.blobs.is_empty() { Claims::default() } else { claims(tree, &scan, &held) };
        for digest in entitled.into_iter().filter(|digest| seen.insert(*digest) && lacks(tree, digest)) {
            if let Some(blob) = newest(tree, &held.blobs[&digest], &mut damage, &watch.interrupt)? {
                blobs.0.insert(digest, blob);
            }
        }
        if blobs.0.len() == before {
            let mentioned = still_held(tree, &held, mentioned, &mut damage);
            return Ok((scan, Recall { blobs: Arc::new(blobs), mentioned, damage }));
        }
        scan = Scan::read_with(tree, Arc::new(blobs.clone()), &held.digests(), watch)?;
    }
}

/// Those of the blobs that the tree lacks and that a run has.
fn still_held(
    tree: &Tree,
    held: &Held,
    mentioned: BTreeMap<Digest, BTreeSet<String>>,
    damage: &mut Vec<Error>,
) -> Vec<Mentioned> {
    let mut found = Vec::new();
    for (digest, repositories) in mentioned.into_iter().filter(|(digest, _)| lacks(tree, digest)) {
        match held.newest(tree, &digest, None) {
            Ok(None) => {}
            Ok(Some(run)) => {
                let (run, repositories) = (run.clone(), repositories.into_iter().collect());
                found.push(Mentioned { digest, run, repositories });
            }
            Err(error) => damage.push(error),
        }
    }
    found
}

impl Recall {
    /// The blobs, sorted, each with the run that has it.
    pub fn blobs(&self) -> impl Iterator<Item = (&Digest, &RunId)> {
        self.blobs.0.iter().map(|(digest, blob)| (digest, &blob.run))
    }

    /// The number of blobs.
    pub fn len(&self) -> usize {
        self.blobs.0.len()
    }

    /// Whether no blob comes back.
    pub fn is_empty(&self) -> bool {
        self.blobs.0.is_empty()
    }

    /// Whether this blob comes back.
    pub(crate) fn contains(&self, digest: &Digest) -> bool {
        self.blobs.0.contains_key(digest)
    }

    /// The blobs that come back, for a scan of the tree as it will be.
    pub(crate) fn returning(&self) -> Arc<dyn Returning> {
        Arc::<RecalledBlobs>::clone(&self.blobs)
    }

    /// Puts all blobs back, and syncs. Calls `each` with every blob that is back, and returns the errors of those that
    /// are not. A signal stops it early.
    pub(crate) fn put_back(
        &self,
        writer: &ExclusiveWriter<'_>,
        interrupt: &Interrupt,
        mut each: impl FnMut(&Digest, &RunId) -> Result<()>,
    ) -> Result<Vec<Error>> {
        let (mut touched, mut failures) = (BTreeSet::new(), Vec::new());
        for (digest, RecalledBlob { run, noted, .. }) in &self.blobs.0 {
            if interrupt.signal().is_some() {
                break;
            }
            match restore(writer, digest, run, noted, interrupt) {
                Ok(()) => {
                    touched.insert(run);
                    each(digest, run)?;
                }
                Err(error) => failures.push(error),
            }
        }
        for run in touched {
            let Some(directory) = RunDirectory::open(writer.tree(), run)? else { continue };
            sync(writer, &directory)?;
            if directory.read_journal()?.changes.is_empty() {
                writer.remove_empty_run(run.as_str())?;
            }
        }
        Ok(failures)
    }
}

impl Returning for RecalledBlobs {
    fn digests(&self) -> Vec<Digest> {
        self.0.keys().copied().collect()
    }

    fn returned(&self, digest: &Digest) -> Option<Returned> {
        self.0.get(digest).map(|blob| blob.returned)
    }

    fn open(&self, tree: &Tree, digest: &Digest) -> Result<Option<File>> {
        let Some(RecalledBlob { run, noted, .. }) = self.0.get(digest) else { return Ok(None) };
        let Some(directory) = RunDirectory::open(tree, run)? else { return Ok(None) };
        match directory.find(noted)? {
            Some(spot) => directory.open_content(noted, spot),
            None => Ok(None),
        }
    }
}

/// The blob in the newest run that has it whole, if it can be moved to its place. Runs that can't be read are added to
/// `damage`.
fn newest(
    tree: &Tree,
    runs: &[(RunId, NotedItem)],
    damage: &mut Vec<Error>,
    interrupt: &Interrupt,
) -> Result<Option<RecalledBlob>> {
    for (run, noted) in runs {
        interrupt.check()?;
        match look(tree, run, noted, interrupt) {
            Ok(None) => {}
            Ok(found) => return Ok(found),
            Err(error) => damage.push(error),
        }
    }
    Ok(None)
}

fn look(tree: &Tree, run: &RunId, noted: &NotedItem, interrupt: &Interrupt) -> Result<Option<RecalledBlob>> {
    let Some(directory) = RunDirectory::open(tree, run)? else { return Ok(None) };
    let Some(spot) = directory.find(noted)? else { return Ok(None) };
    if !is_whole(&directory, noted, spot, interrupt)? {
        return Ok(None);
    }
    Ok(match judge(&directory, noted, false, interrupt)? {
        RestoreVerdict::Free(spot, _) => {
            let (run, noted) = (run.clone(), noted.clone());
            directory.returned(&noted, spot)?.map(|returned| RecalledBlob { run, noted, returned })
        }
        RestoreVerdict::Same(_) | RestoreVerdict::Partly(..) | RestoreVerdict::NotHeld => None,
    })
}

fn restore(
    writer: &ExclusiveWriter<'_>,
    digest: &Digest,
    run: &RunId,
    noted: &NotedItem,
    interrupt: &Interrupt,
) -> Result<()> {
    let tree = writer.tree();
    if !lacks(tree, digest) {
        return Ok(());
    }
    let directory = RunDirectory::find_run(tree, run)?;
    match judge(&directory, noted, false, interrupt)? {
        RestoreVerdict::Free(spot, to) => put_back(writer, &directory, noted, spot, &to),
        RestoreVerdict::Same(_) | RestoreVerdict::Partly(..) | RestoreVerdict::NotHeld => {
            Err(Error::NotQuarantined { what: digest.to_string(), path: directory.path() })
        }
    }
}
