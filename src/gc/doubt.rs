//! Finds what can't be followed, and what gc must keep because of that.

use std::cell::{LazyCell, OnceCell};
use std::collections::{HashMap, HashSet};
use std::fmt::Display;
use std::path::PathBuf;

use super::action::Finding;
use super::{Options, unlinked};
use crate::count;
use crate::digest::Digest;
use crate::error::Error;
use crate::finding::Code;
use crate::judge::absence;
use crate::judge::content::{self, Stored};
use crate::judge::manifest::{self, Read};
use crate::judge::references::hides_references;
use crate::layout::{Entry, TreePath};
use crate::reach::{self, MustKeep};
use crate::repository::{cache, link};
use crate::scan::{Damage, DigestId, DigestSet, Doubt, Fault, FaultKind, Scan, Scanned};
use crate::stream::Interrupt;
use crate::tree::{Tree, digests};

/// What can't be followed in a tree, and what that keeps.
pub(super) struct Doubts {
    pub(super) must_keep: MustKeep,
    /// Whether links may be hidden, so that no content may be removed.
    pub(super) keep_all_content: bool,
    pub(super) findings: Vec<Finding>,
}

/// Finds what can't be followed, and what may be needed because of that.
pub(super) fn look(tree: &Tree, scan: &mut Scan, options: &Options, interrupt: &Interrupt) -> Doubts {
    let mut doubts = Doubts { must_keep: MustKeep::new(scan), keep_all_content: false, findings: Vec::new() };
    for damage in &scan.damage {
        doubts.note(scan, damage);
    }
    // A cache fetches what it lacks when that is pulled, so nothing that is absent is in doubt there.
    let is_cache = cache::is_cache(tree);
    let excuses_children = absence::excuses_children(tree);
    let lost = Lost { scan, options, is_cache, excuses_children, revisions: OnceCell::new() };
    let broken = broken_indexes(&lost);
    for (index, repository) in scan.repositories.iter().enumerate() {
        // One of the findings says why.
        let mut names = repository.revisions.iter().filter_map(|revision| scan.digests.find(&revision.digest));
        doubts.must_keep.opaque[index] |= names.any(|name| broken.contains(name));
        let findings = of_repository(tree, &lost, (index, repository), &broken);
        doubts.must_keep.opaque[index] |= findings.iter().any(|finding| finding.doubt == Doubt::Repository);
        doubts.findings.extend(findings);
    }
    for index in (0..scan.repositories.len()).filter(|index| doubts.must_keep.opaque[*index]).collect::<Vec<_>>() {
        // Anything that this repository names may be a manifest.
        let (named, unread) = everything(tree, scan, &scan.repositories[index]);
        for (error, doubt) in unread {
            doubts.note(scan, &Damage::new(Some(index), doubt, error));
        }
        let named: Vec<DigestId> = named.into_iter().map(|digest| scan.name(digest)).collect();
        scan.read_more(tree, named.clone(), interrupt);
        doubts.must_keep.revisions.entry(index).or_default().extend(named);
    }
    doubts.must_keep.unlinked = unlinked::children(tree, scan);
    doubts.must_keep.all_content = doubts.keep_all_content;
    if options.delete_untagged && options.delete_dangling_referrers {
        scan.read_more(tree, reach::named_by_tags(scan), interrupt);
    }
    doubts
}

impl Doubts {
    fn note(&mut self, scan: &Scan, damage: &Damage) {
        let repository = damage.repository.map(|index| &scan.repositories[index]);
        if let (Some(index), Doubt::Repository | Doubt::Tree) = (damage.repository, damage.doubt) {
            self.must_keep.opaque[index] = true;
        }
        self.keep_all_content |= damage.doubt == Doubt::Tree;
        self.findings.push(Finding {
            code: Code::of(&damage.error),
            doubt: damage.doubt,
            repository: repository.map(|repository| repository.text().to_owned()),
            path: damage.error.path().map(std::path::Path::to_owned),
            message: sentence(&damage.error),
            // Only the link itself says what a tag points to, so nothing can repair that link.
            repairable: !matches!(damage.error, Error::StrangeLink { digest: None, .. }),
        });
    }
}

pub(super) fn sentence(error: &Error) -> String {
    match std::error::Error::source(error) {
        Some(source) if !error.to_string().ends_with(&source.to_string()) => format!("{error}: {source}"),
        _ => error.to_string(),
    }
}

/// The indexes that lead, directly or through other indexes, to a child that is missing or can't be read.
fn broken_indexes(lost: &Lost<'_>) -> DigestSet {
    let scan = lost.scan;
    let mut broken = DigestSet::new(&scan.digests);
    let mut indexes: HashMap<DigestId, Vec<DigestId>> = HashMap::new();
    let mut pending = Vec::new();
    for (index, node) in scan.graph.nodes() {
        for child in scan.graph.children(node) {
            indexes.entry(*child).or_default().push(index);
            if lost.is_lost(index, *child) && broken.insert(index) {
                pending.push(index);
            }
        }
    }
    while let Some(child) = pending.pop() {
        for index in indexes.get(&child).into_iter().flatten() {
            if broken.insert(*index) {
                pending.push(*index);
            }
        }
    }
    broken
}

/// Finds the lost children of indexes: it is unknown what they reference.
///
/// Intact content that is no manifest references nothing: build caches list their layers as children. Content that is
/// too large to be read references nothing either, if it does not begin as a manifest does, its index gives it a media
/// type of no manifest, and no repository links it as a manifest.
struct Lost<'l> {
    scan: &'l Scan,
    options: &'l Options,
    is_cache: bool,
    /// Whether indexes may have children that are missing, whatever the options say.
    excuses_children: bool,
    /// The manifests of all repositories, which are gathered when the first such content is found.
    revisions: OnceCell<DigestSet>,
}

impl Lost<'_> {
    /// Whether a tag keeps nothing whose manifest has no link.
    fn lets_go(&self) -> bool {
        self.options.delete_dangling_tags || self.is_cache
    }

    /// Whether there is content with this digest, right or wrong.
    fn is_there(&self, digest: &Digest) -> bool {
        let Self { scan, .. } = self;
        let is_missing = |name| scan.graph.faults.get(&name).is_some_and(|fault| fault.kind == FaultKind::Missing);
        scan.digests.find(digest).is_some_and(|name| scan.digests.is_blob(name) && !is_missing(name))
    }

    fn is_lost(&self, index: DigestId, child: DigestId) -> bool {
        let Self { scan, options, excuses_children, .. } = self;
        let may_be_absent = options.allow_sparse_indexes || *excuses_children;
        let absent = !may_be_absent && !scan.digests.is_blob(child);
        absent
            || scan.graph.faults.get(&child).is_some_and(|fault| match fault.kind {
                FaultKind::Whole => false,
                FaultKind::Unlike => !scan.graph.is_other(index, child) || self.is_revision(child),
                FaultKind::Missing => !may_be_absent,
                FaultKind::Damaged => true,
            })
    }

    fn is_revision(&self, child: DigestId) -> bool {
        let names = &self.scan.digests;
        let all = || {
            let mut all = DigestSet::new(names);
            let revisions = self.scan.repositories.iter().flat_map(|repository| &repository.revisions);
            for name in revisions.filter_map(|revision| names.find(&revision.digest)) {
                all.insert(name);
            }
            all
        };
        self.revisions.get_or_init(all).contains(child)
    }
}

/// What is wrong with a repository. gc keeps all of it because of that.
fn finding(repository: &Scanned, code: Code, path: PathBuf, message: String) -> Finding {
    let repository = Some(repository.text().to_owned());
    Finding { code, doubt: Doubt::Repository, repository, path: Some(path), message, repairable: true }
}

fn of_repository(
    tree: &Tree,
    lost: &Lost<'_>,
    (index, repository): (usize, &Scanned),
    broken: &DigestSet,
) -> Vec<Finding> {
    let scan = lost.scan;
    let mut findings = Vec::new();
    let finding = |code, path, message| finding(repository, code, path, message);
    if let Err(reason) = &repository.name {
        let path = tree.locate(&repository.place.directory);
        let message = format!("{} is not a repository name: {reason}", path.display());
        findings.push(Finding { doubt: Doubt::None, ..finding(Code::NameInvalid, path, message) });
    }
    let known: HashSet<Digest> = repository.revisions.iter().map(|revision| revision.digest).collect();
    let codes = LazyCell::new(|| missing_codes(scan, repository));
    let otherwise = LazyCell::new(|| {
        if is_partly_unseen(tree, scan, (index, repository)) { Code::ManifestMissing } else { Code::RevisionDangling }
    });
    // Of what a broken link names, that link is reported.
    for revision in repository.revisions.iter().filter(|revision| !revision.only_named) {
        let digest = revision.digest;
        let Some(name) = scan.digests.find(&digest) else { continue };
        let link = || {
            let place = &repository.place;
            if revision.misplaced { place.layer_link(&digest) } else { place.revision(&digest).link() }
        };
        let fault = scan.graph.faults.get(&name);
        if !scan.digests.is_blob(name) || fault.is_some_and(|fault| fault.kind == FaultKind::Missing) {
            if lost.is_cache {
                continue;
            }
            let code = codes.get(&name).copied().unwrap_or(*otherwise);
            let blob = Entry::Blob(digest).path();
            let path = tree.locate(&if code == Code::RevisionDangling { link() } else { blob });
            let message = format!("manifest {digest} is linked, but its content is missing");
            findings.push(finding(code, path, message));
        } else if let Some(fault) = fault {
            findings.push(unfollowed(tree, repository, &digest, &link(), fault));
        } else if scan.graph.node(name).is_some_and(|node| node.is_over_large) {
            let message = format!("manifest {digest} is larger than a registry accepts");
            findings.push(finding(Code::ManifestTooLarge, tree.locate(&link()), message));
        } else if broken.contains(name) {
            let is_lost = |child: DigestId| lost.is_lost(name, child) || broken.contains(child);
            findings.extend(lost_children(tree, scan, repository, (name, &known), is_lost));
        }
    }
    findings.extend(of_tags(tree, lost, repository, broken));
    findings
}

/// What is wrong with the tags of a repository.
fn of_tags(tree: &Tree, lost: &Lost<'_>, repository: &Scanned, broken: &DigestSet) -> Vec<Finding> {
    let scan = lost.scan;
    let mut findings = Vec::new();
    // Without revisions every tag dangles; the missing directory is already reported.
    let tags = if repository.has_revisions { &repository.tags[..] } else { &[] };
    for tag in tags {
        let current = repository.place.tag(&tag.name).current();
        let mut report = |doubt, code, path: &TreePath, message| {
            findings.push(Finding { doubt, ..finding(repository, code, tree.locate(path), message) });
        };
        let whole = |digest: &Digest| scan.digests.find(digest).filter(|name| scan.graph.is_whole(*name));
        let Some(target) = tag.target else {
            let kept = tag.past.iter().filter(|past| whole(past).is_some()).count();
            if kept > 0 {
                let manifests = count::plural(kept, "manifest");
                let message = format!("tag {} does not say what it points to: its history keeps {manifests}", tag.name);
                report(Doubt::None, Code::TagWithoutCurrent, &current, message);
            }
            continue;
        };
        if !tag.is_dangling || lost.lets_go() {
            continue;
        }
        if let Some(name) = whole(&target) {
            let is_followed = scan.graph.node(name).is_some() && !broken.contains(name);
            let doubt = if is_followed { Doubt::None } else { Doubt::Repository };
            let message = format!("tag {} points to {target}, which is whole, but has no link", tag.name);
            report(doubt, Code::RevisionLinkMissing, &current.link(), message);
            continue;
        }
        // What a deletion left, and a collection since.
        let is_deleted = || repository.deleted_revisions.contains(&target);
        if lost.is_there(&target) || !is_deleted() {
            let message = format!("tag {} points to {target}, of which the repository has no record", tag.name);
            report(Doubt::Repository, Code::TagDangling, &current.link(), message);
        }
    }
    findings
}

/// The finding for a manifest that can't be followed, with the code by which `fsck` reports it.
fn unfollowed(tree: &Tree, repository: &Scanned, digest: &Digest, link: &TreePath, fault: &Fault) -> Finding {
    let finding = |code, path, reason: &dyn Display| {
        let message = format!("manifest {digest} can't be followed: {reason}");
        finding(repository, code, tree.locate(path), message)
    };
    let blob = Entry::Blob(*digest).path();
    let (_, looked) = content::look(tree, digest);
    let read = if looked == Stored::Right { manifest::read_one(tree, digest) } else { looked.into() };
    match read {
        // Its content is still in the quarantine, and will be put back.
        Read::Wrong(stored) if *stored == Stored::Missing && fault.kind == FaultKind::Whole => {
            finding(Code::ManifestInvalid, link, fault)
        }
        Read::Wrong(stored) => {
            let path = if let Stored::NotAFile { path, .. } = &*stored { path } else { &blob };
            finding(stored.code().unwrap_or(Code::Unreadable), path, &stored)
        }
        Read::Right(form) => match form.problems.iter().find(|_| form.is_opaque) {
            Some(found) => finding(found.code, link, &found.message),
            // The content has become right since the scan.
            None => finding(Code::Unreadable, &blob, fault),
        },
    }
}

/// The children of an index that are lost, or lead to one that is, and that the repository does not link. Linked
/// children are reported on their own.
fn lost_children(
    tree: &Tree,
    scan: &Scan,
    repository: &Scanned,
    (index, known): (DigestId, &HashSet<Digest>),
    is_lost: impl Fn(DigestId) -> bool,
) -> Vec<Finding> {
    let children = scan.graph.node(index).map(|node| scan.graph.children(node)).unwrap_or_default();
    let lost = children.iter().filter(|child| is_lost(**child)).map(|child| scan.digests.digest(*child));
    let unlinked = lost.filter(|child| !known.contains(child));
    let of_child = |child: Digest| {
        let reason = match scan.digests.find(&child).and_then(|name| scan.graph.faults.get(&name)) {
            Some(fault) => format!("is not linked, and can't be followed: {fault}"),
            None => "is missing, or needs something that is missing".to_owned(),
        };
        let message = format!("child {child} of index {} {reason}", scan.digests.digest(index));
        let path = tree.locate(&repository.place.revision(&child).link());
        // If another repository links the child, what repairs it is reported there.
        Finding { repairable: false, ..finding(repository, Code::IndexChildMissing, path, message) }
    };
    unlinked.map(of_child).collect()
}

/// Whether some manifests or tags of a repository can't be read, so that they may need any of its manifests.
fn is_partly_unseen(tree: &Tree, scan: &Scan, (index, repository): (usize, &Scanned)) -> bool {
    let [_, manifests, _] = repository.place.own();
    let manifests = tree.locate(&manifests);
    let of_it = scan.damage.iter().filter(|damage| damage.repository == Some(index)).map(|damage| &damage.error);
    of_it
        .filter(|error| hides_references(error))
        .any(|error| error.path().is_some_and(|path| path.starts_with(&manifests)))
}

/// The code by which `fsck` and `repair` report a manifest without content. It depends on what needs the manifest.
fn missing_codes(scan: &Scan, repository: &Scanned) -> HashMap<DigestId, Code> {
    let nodes =
        repository.revisions.iter().filter_map(|revision| scan.graph.node(scan.digests.find(&revision.digest)?));
    let children = nodes.flat_map(|node| scan.graph.children(node)).map(|child| (*child, Code::IndexChildMissing));
    let tagged = repository.tags.iter().filter_map(|tag| scan.digests.find(tag.target.as_ref()?));
    children.chain(tagged.map(|name| (name, Code::ManifestMissing))).collect()
}

/// Every digest that is in the path or the content of any link of a repository; and what can't be read there, with what
/// must be kept because of that.
fn everything(tree: &Tree, scan: &Scan, repository: &Scanned) -> (Vec<Digest>, Vec<(Error, Doubt)>) {
    let place = &repository.place;
    let mut unread = Vec::new();
    let mut named: Vec<Digest> = repository.deleted_revisions.clone();
    named.extend(repository.tags.iter().filter_map(|tag| tag.target));
    for past in repository.tags.iter().flat_map(|tag| digests::keyed(tree, &place.history(&tag.name))) {
        match past {
            Ok(digest) => named.push(digest),
            Err(error @ Error::Misplaced { .. }) => unread.push((error, Doubt::None)),
            // It is unknown what is named there.
            Err(error) => unread.push((error, Doubt::Tree)),
        }
    }
    let layers = repository.layers.iter().map(|name| scan.digests.digest(*name));
    for digest in layers.chain(repository.aliases.iter().map(|(key, _)| *key)) {
        named.push(digest);
        match link::read(tree, &place.layer_link(&digest)) {
            // A broken link adds nothing: the digest in its path is added in any case.
            Ok(said) => named.extend(said.and_then(Result::ok)),
            Err(error) => unread.push((error, Doubt::Repository)),
        }
    }
    (named, unread)
}
