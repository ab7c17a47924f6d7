//! Finds what is about another manifest: signatures, attestations and other referrers.
//!
//! A referrer names its subject in its `subject` field, or has a tag that was made for the subject. **A referrer stays
//! with its subject, in whatever repository of the tree the subject is kept.** The other way round it keeps nothing: a
//! subject may go although something is about it.

use std::cell::{LazyCell, OnceCell};
use std::collections::{HashMap, HashSet};

use super::{MustKeep, Policy};
use crate::digest::Digest;
use crate::scan::{DigestId, FaultKind, Scan, Scanned, ScannedTag};

/// What cosign adds to the name of a tag.
const SUFFIXES: [&str; 3] = ["sig", "att", "sbom"];

/// A manifest of a repository that is about another.
#[derive(Clone, Copy, Debug)]
pub(super) struct Referrer {
    pub(super) manifest: DigestId,
    pub(super) subject: DigestId,
}

/// What is about what, in all repositories. Empty where untagged manifests are kept, because then nothing depends on it.
#[derive(Debug, Default)]
pub(super) struct Subjects<'s> {
    /// By the number of the repository.
    referrers: HashMap<usize, Vec<Referrer>>,
    /// The names of the tags that stay only with their subject, by the number of the repository.
    dependent: HashMap<usize, HashSet<&'s str>>,
    /// The repositories whose tags were made for manifests that are kept elsewhere, with the number of these tags.
    elsewhere: Vec<(usize, usize)>,
    by_subject: OnceCell<HashMap<DigestId, Vec<DigestId>>>,
}

impl<'s> Subjects<'s> {
    pub(super) fn new(scan: &'s Scan, policy: Policy<'_>, must_keep: &MustKeep) -> Self {
        let mut subjects = Self::default();
        if policy.delete_untagged {
            subjects.add_by_field(scan);
        }
        if policy.delete_untagged && policy.delete_dangling_referrers {
            subjects.add_by_tag(scan, policy, must_keep);
        }
        subjects
    }

    fn add_by_field(&mut self, scan: &Scan) {
        if scan.graph.nodes().all(|(_, node)| node.subject.is_none()) {
            return;
        }
        for (index, repository) in scan.repositories.iter().enumerate() {
            let manifests = repository.revisions.iter().filter_map(|revision| scan.digests.find(&revision.digest));
            let about = |manifest| Some(Referrer { manifest, subject: scan.graph.node(manifest)?.subject? });
            let referrers: Vec<Referrer> = manifests.filter_map(about).collect();
            if !referrers.is_empty() {
                self.referrers.insert(index, referrers);
            }
        }
    }

    fn add_by_tag(&mut self, scan: &'s Scan, policy: Policy<'_>, must_keep: &MustKeep) {
        let made: Vec<_> = scan.repositories.iter().map(|repository| made_for_others(scan, repository)).collect();
        let once = LazyCell::new(|| once_here(scan, &made.iter().flatten().map(|(.., subject)| *subject).collect()));
        // What can't be read may be the subject's content.
        let unseen = must_keep.all_content || must_keep.opaque.contains(&true);
        for (index, (repository, tags)) in scan.repositories.iter().zip(&made).enumerate() {
            if tags.is_empty() || must_keep.keeps_all(&policy, index, repository) {
                continue;
            }
            let is_named = !policy.only.is_empty();
            if !is_named && !unseen && !tags.iter().any(|(.., subject)| once.contains(subject)) {
                self.elsewhere.push((index, tags.len()));
                continue;
            }
            for (tag, manifest, subject) in tags {
                let subject = scan.digests.find(subject);
                let stays =
                    if subject.is_some_and(|name| is_here(scan, name)) { must_keep.all_content } else { unseen };
                if stays {
                    continue;
                }
                self.dependent.entry(index).or_default().insert(&tag.name);
                let referrer = subject.map(|subject| Referrer { manifest: *manifest, subject });
                self.referrers.entry(index).or_default().extend(referrer);
            }
        }
    }

    /// Whether nothing is about anything.
    pub(super) fn is_empty(&self) -> bool {
        self.referrers.is_empty()
    }

    /// The manifests of a repository that are about others.
    pub(super) fn of(&self, repository: usize) -> &[Referrer] {
        self.referrers.get(&repository).map_or(&[], Vec::as_slice)
    }

    /// The tags of a repository that stay only with their subject.
    pub(super) fn dependent(&self, repository: usize) -> Option<&HashSet<&'s str>> {
        self.dependent.get(&repository)
    }

    /// The repositories whose tags were made for manifests that are kept elsewhere, with the number of these tags.
    pub(super) fn elsewhere(&self) -> &[(usize, usize)] {
        &self.elsewhere
    }

    /// The manifests that are about `subject`, in all repositories.
    pub(super) fn about(&self, subject: DigestId) -> &[DigestId] {
        let all = self.by_subject.get_or_init(|| {
            let mut all: HashMap<DigestId, Vec<DigestId>> = HashMap::new();
            for referrer in self.referrers.values().flatten() {
                all.entry(referrer.subject).or_default().push(referrer.manifest);
            }
            all
        });
        all.get(&subject).map_or(&[], Vec::as_slice)
    }
}

/// Whether there is content under a digest. Its directory alone is none.
fn is_here(scan: &Scan, name: DigestId) -> bool {
    let is_bare = || scan.graph.faults.get(&name).is_some_and(|fault| fault.kind == FaultKind::Missing);
    scan.digests.is_blob(name) && !is_bare()
}

/// Those of `subjects` of which the tree has content, a link, or what the removal of a link leaves.
fn once_here(scan: &Scan, subjects: &HashSet<Digest>) -> HashSet<Digest> {
    let is_stored = |digest: &Digest| scan.digests.find(digest).is_some_and(|name| scan.digests.is_blob(name));
    let linked = scan.repositories.iter().flat_map(|repository| linked(scan, repository));
    let linked = linked.filter(|digest| subjects.contains(digest));
    subjects.iter().copied().filter(is_stored).chain(linked).collect()
}

/// Every digest by which a repository links something, points to it, or did so once.
fn linked<'s>(scan: &'s Scan, repository: &'s Scanned) -> impl Iterator<Item = Digest> + 's {
    let revisions = repository.revisions.iter().map(|revision| revision.digest);
    let tagged = repository.tags.iter().filter_map(|tag| tag.target);
    let layers = repository.layers.iter().map(|name| scan.digests.digest(*name));
    let aliases = repository.aliases.iter().flat_map(|(key, target)| [*key, *target]);
    revisions.chain(repository.deleted_revisions.iter().copied()).chain(tagged).chain(layers).chain(aliases)
}

/// The content that tags were made for. Whether it is there, and what it is about itself, shows only when it is read.
pub(crate) fn named_by_tags(scan: &Scan) -> Vec<DigestId> {
    let made = scan.repositories.iter().flat_map(|repository| made_for_others(scan, repository));
    made.filter_map(|(.., subject)| scan.digests.find(&subject)).collect()
}

/// The tags of a repository that were made for another manifest, each with its own manifest and the other one. Only a
/// tag that points to a manifest of the repository counts.
pub(crate) fn made_for_others<'s>(scan: &Scan, repository: &'s Scanned) -> Vec<(&'s ScannedTag, DigestId, Digest)> {
    let tags = repository.tags.iter().filter_map(|tag| {
        let (manifest, subject) = made_for(scan, tag)?;
        Some((tag, manifest, subject))
    });
    let tags: Vec<_> = tags.collect();
    if tags.is_empty() {
        return tags;
    }
    let revisions: HashSet<Digest> = repository.revisions.iter().map(|revision| revision.digest).collect();
    tags.into_iter().filter(|(tag, ..)| tag.target.is_some_and(|target| revisions.contains(&target))).collect()
}

/// The manifest of a tag that was made for another manifest, and that other one.
///
/// A name without a suffix is not enough: people tag images by all kinds of hashes. It has to be an index of which
/// everything that it lists is about the subject. A tag that names its own manifest was made to keep that.
fn made_for(scan: &Scan, tag: &ScannedTag) -> Option<(DigestId, Digest)> {
    let (subject, suffix) = subject_of(&tag.name)?;
    let target = tag.target.filter(|target| *target != subject)?;
    let manifest = scan.digests.find(&target)?;
    let is_list = suffix.is_some() || lists_only(scan, manifest, scan.digests.find(&subject));
    is_list.then_some((manifest, subject))
}

/// Whether a manifest is an index that lists nothing, or only manifests about `subject`.
fn lists_only(scan: &Scan, manifest: DigestId, subject: Option<DigestId>) -> bool {
    let Some(index) = scan.graph.node(manifest).filter(|node| node.is_index) else { return false };
    let is_about = |child: &DigestId| {
        let about = scan.graph.node(*child).and_then(|node| node.subject);
        about.is_some() && about == subject
    };
    scan.graph.children(index).iter().all(is_about)
}

/// The manifest that a tag names, and the suffix: by `sha256-<hex>` clients list referrers, and cosign adds `.sig`,
/// `.att` or `.sbom`.
pub(crate) fn subject_of(tag: &str) -> Option<(Digest, Option<&str>)> {
    let (algorithm, rest) = tag.split_once('-')?;
    let (encoded, suffix) = match rest.split_once('.') {
        Some((encoded, suffix)) if SUFFIXES.contains(&suffix) => (encoded, Some(suffix)),
        Some(_) => return None,
        None => (rest, None),
    };
    Some((format!("{algorithm}:{encoded}").parse().ok()?, suffix))
}

/// How many digits of a digest the name of a tag has room for.
const DIGITS: usize = 64;

/// The beginning of the digest that a tag is named after, whatever the tag points to: of a SHA-512 it is half of the
/// digits, more would be no tag.
pub(crate) fn beginning_of_subject(tag: &str) -> Option<String> {
    let (algorithm, rest) = tag.split_once('-').filter(|(algorithm, _)| ["sha256", "sha512"].contains(algorithm))?;
    let encoded = SUFFIXES.iter().find_map(|suffix| rest.strip_suffix(suffix)?.strip_suffix('.')).unwrap_or(rest);
    let is_hex = encoded.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    (is_hex && encoded.len() == DIGITS).then(|| format!("{algorithm}:{encoded}"))
}

/// The content of the tree that a tag is named after, whatever the tag points to.
pub(crate) fn subjects_by_name(scan: &Scan, tag: &str) -> Vec<DigestId> {
    let Some(begin) = beginning_of_subject(tag) else { return Vec::new() };
    let mut subjects = scan.digests.beginning_with(&begin);
    if begin.parse::<Digest>().is_err() {
        // A manifest under another digest is the content that its alias names.
        let aliases = scan.repositories.iter().flat_map(|repository| &repository.aliases);
        let named = aliases.filter(|(key, _)| key.to_string().starts_with(&begin));
        subjects.extend(named.filter_map(|(_, target)| scan.digests.find(target)));
    }
    subjects
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_has_room_for_half_of_a_sha512() {
        let digits = "0a".repeat(32);
        for (tag, expected) in [
            (format!("sha256-{digits}"), Some(format!("sha256:{digits}"))),
            (format!("sha512-{digits}"), Some(format!("sha512:{digits}"))),
            (format!("sha512-{digits}.att"), Some(format!("sha512:{digits}"))),
            (format!("sha512-{digits}.txt"), None),
            (format!("sha512-{digits}00"), None),
            (format!("sha1-{digits}"), None),
            (format!("sha256-{}", digits.to_uppercase()), None),
        ] {
            assert_eq!(beginning_of_subject(&tag), expected, "{tag}");
        }
    }

    #[test]
    fn the_subject_of_a_tag_is_in_its_name() {
        let digest = Digest::of(b"subject");
        let tag = digest.to_string().replace(':', "-");
        assert_eq!(subject_of(&tag), Some((digest, None)));
        for suffix in ["sig", "att", "sbom"] {
            assert_eq!(subject_of(&format!("{tag}.{suffix}")), Some((digest, Some(suffix))));
        }
        for other in ["v1", "latest-2", "sha256-abc", &format!("{tag}.txt"), &tag[1..]] {
            assert_eq!(subject_of(other), None, "{other}");
        }
    }
}
