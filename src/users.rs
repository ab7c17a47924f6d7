//! Finds what needs some content: every repository, tag and manifest that leads to it, and the platform that it is for.
//!
//! Manifests are followed as a [collection](crate::gc) follows them that keeps untagged ones: through indexes, to
//! signatures stored beside a manifest, and to the same content under another digest. A link alone is not a need.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use crate::digest::Digest;
use crate::error::Result;
use crate::gc::{self, Finding, Needs, Options};
use crate::judge::manifest::{Read, read_one};
use crate::layout::Entry;
use crate::reach::{References, Way, ways};
use crate::scan::{DigestId, Nothing, Scan, Scanned};
use crate::stream::{Interrupt, Watch};
use crate::tree::Tree;

/// A manifest that needs the content, and what leads to it.
#[derive(Clone, Debug)]
pub(crate) struct User {
    /// The path of the repository.
    pub(crate) repository: String,
    /// The tag that leads to it; `None` for an untagged manifest.
    pub(crate) tag: Option<String>,
    /// The manifest that names the content, or is it.
    pub(crate) manifest: Digest,
    /// The platform that an index on the way gives it.
    pub(crate) platform: Option<String>,
    /// The manifest that the tag points to, or the untagged one where the way begins.
    pub(crate) root: Digest,
}

impl User {
    /// Untagged manifests come after the tags of their repository.
    fn order(&self) -> impl Ord + '_ {
        let Self { repository, tag, platform, manifest, root } = self;
        (repository, tag.is_none(), tag, platform, manifest, root)
    }
}

/// What needs some content.
#[derive(Debug)]
pub(crate) struct Users {
    /// Every user, sorted.
    pub(crate) all: Vec<User>,
    /// Whether the tree has the content.
    pub(crate) is_there: bool,
    /// What can't be followed, and so may need the content.
    pub(crate) findings: Vec<Finding>,
}

/// Finds what needs the content `digest`. `Err(Interrupted)` when a signal came.
pub(crate) fn users(tree: &Tree, digest: Digest, now: jiff::Timestamp, interrupt: &Interrupt) -> Result<Users> {
    // What manifests say of it counts, though the tree may lack it.
    let mut scan = Scan::read_with(tree, Arc::new(Nothing), &[digest], &Watch::silent(interrupt))?;
    let options = Options { min_age: Duration::ZERO, ..Options::new(now) };
    let mut users = Vec::new();
    let mut platforms = Platforms { tree, read: HashMap::new() };
    let uses = gc::uses(tree, &mut scan, &options, interrupt, |scan, needs| {
        if let Some(content) = scan.digests.find(&digest) {
            users.extend(Search { scan, needs, content, platforms: &mut platforms }.run());
        }
    });
    users.sort_by(|one, other| one.order().cmp(&other.order()));
    Ok(Users { all: users, is_there: is_there(tree, &scan, digest)?, findings: uses.findings })
}

/// Whether the tree has the content, under this digest or under the one to which an alias leads.
fn is_there(tree: &Tree, scan: &Scan, digest: Digest) -> Result<bool> {
    let aliases = scan.repositories.iter().flat_map(|repository| &repository.aliases);
    let targets = aliases.filter(|(key, _)| *key == digest).map(|(_, target)| *target);
    for stored in targets.chain([digest]) {
        if tree.metadata(&Entry::Blob(stored).path())?.is_some() {
            return Ok(true);
        }
    }
    Ok(false)
}

/// The search in one repository.
struct Search<'s, 'p, 't> {
    scan: &'s Scan,
    needs: Needs<'s>,
    content: DigestId,
    platforms: &'p mut Platforms<'t>,
}

impl Search<'_, '_, '_> {
    fn run(mut self) -> Vec<User> {
        let Needs { within, names, .. } = self.needs;
        let (scan, content) = (self.scan, self.content);
        if !names.contains(&content) && !within.aliases(content).iter().any(|alias| names.contains(alias)) {
            return Vec::new();
        }
        let repository = &scan.repositories[self.needs.repository];
        let tags: Vec<(&str, DigestId)> =
            within.targets(repository).map(|(tag, target)| (tag.name.as_str(), target)).collect();
        let revisions = repository.revisions.iter().filter_map(|revision| scan.digests.find(&revision.digest));
        let roots: HashSet<DigestId> = tags.iter().map(|(_, target)| *target).chain(revisions).collect();
        let found: HashMap<DigestId, Vec<Way>> =
            roots.into_iter().map(|root| (root, ways(within, root, content))).collect();
        // An untagged manifest to which another leads is not shown on its own.
        let mut below: HashSet<DigestId> =
            found.values().flatten().flat_map(|way| way.iter().skip(1)).copied().collect();
        if found.values().flatten().any(|way| !way.is_empty()) {
            below.insert(content);
        }
        let mut users = Vec::new();
        for (root, ways) in &found {
            let mut named: Vec<Option<&str>> =
                tags.iter().filter(|(_, target)| target == root).map(|(tag, _)| Some(*tag)).collect();
            if named.is_empty() && !below.contains(root) {
                named.push(None);
            }
            for (way, tag) in ways.iter().flat_map(|way| named.iter().map(move |tag| (way, *tag))) {
                users.push(self.user(repository, tag, *root, way));
            }
        }
        users
    }

    fn user(&mut self, repository: &Scanned, tag: Option<&str>, root: DigestId, way: &Way) -> User {
        let digest = |id| self.scan.digests.digest(id);
        let steps: Vec<Digest> = way.iter().chain([&self.content]).map(|id| digest(*id)).collect();
        User {
            repository: repository.text().to_owned(),
            tag: tag.map(str::to_owned),
            manifest: digest(way.last().copied().unwrap_or(root)),
            // The nearest index counts that gives one.
            platform: steps.windows(2).rev().find_map(|pair| self.platforms.of(pair[0], &pair[1])),
            root: digest(root),
        }
    }
}

/// The platforms that indexes give their children. Each index is read once.
struct Platforms<'t> {
    tree: &'t Tree,
    read: HashMap<Digest, HashMap<Digest, String>>,
}

impl Platforms<'_> {
    fn of(&mut self, index: Digest, child: &Digest) -> Option<String> {
        let tree = self.tree;
        let platforms = self.read.entry(index).or_insert_with(|| match read_one(tree, &index) {
            Read::Right(form) => {
                let parts = form.parts.iter();
                parts.filter_map(|part| Some((part.digest(), part.platform.as_deref()?.to_owned()))).collect()
            }
            Read::Wrong(_) => HashMap::new(),
        });
        platforms.get(child).cloned()
    }
}
