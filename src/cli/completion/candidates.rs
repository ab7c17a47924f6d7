//! What a tree has for an argument.

use super::line::Line;
use crate::quarantine;
use crate::repository::{Repository, find, revision};
use crate::stream::Interrupt;
use crate::{scan, tag, upload};

/// If there are more repositories, their names are completed part by part.
const MANY: usize = 200;
/// How much of a digest must be there before those of the whole tree are offered.
const BEGINNING: usize = "sha256:00".len();

/// What an argument wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wanted {
    /// A repository, or a reference that begins with it.
    Reference(After),
    /// A tag of the repository.
    Tag,
    /// A digest in the repository, or in the tree.
    Digest,
    /// A tag or a digest.
    TagOrDigest,
    /// A digest in the tree, or a reference.
    DigestOrReference(After),
    /// A run of the quarantine.
    Run,
    /// An upload of the repository.
    Upload,
}

/// What may come after the name of a repository in one word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct After {
    tag: bool,
    digest: bool,
}

impl Wanted {
    /// What an argument wants whose value is called `name` in the help.
    pub(super) fn by(name: &str) -> Option<Self> {
        let after = After { tag: name.contains(":TAG"), digest: name.contains("@DIGEST") || name.contains("@]DIGEST") };
        match name {
            "TAG" => Some(Self::Tag),
            "DIGEST" => Some(Self::Digest),
            "REF" => Some(Self::TagOrDigest),
            "RUN" => Some(Self::Run),
            "ID" => Some(Self::Upload),
            "OLD" | "GLOB" => Some(Self::Reference(after)),
            "REFERENCE" => Some(Self::Reference(After { tag: true, digest: true })),
            name if name.ends_with("]DIGEST") || name.starts_with("DIGEST|") => Some(Self::DigestOrReference(after)),
            name if name.starts_with("REPO") => Some(Self::Reference(after)),
            _ => None,
        }
    }
}

/// The candidates that begin with `current`.
pub(super) fn of(wanted: Wanted, current: &str, line: &Line) -> Vec<String> {
    let tree = line.registry.tree();
    let mut all = match wanted {
        Wanted::Reference(after) => references(current, after, line),
        Wanted::Tag => line.repository().map(|of| tags(&of)).unwrap_or_default(),
        Wanted::Digest => match line.repository() {
            Some(of) => digests(&of, line.is_of_blobs),
            None => digests_of_all(current, line),
        },
        Wanted::TagOrDigest => {
            let both = line.repository().map(|of| [tags(&of), digests(&of, line.is_of_blobs)].concat());
            both.unwrap_or_default()
        }
        Wanted::DigestOrReference(after) => [digests_of_all(current, line), references(current, after, line)].concat(),
        Wanted::Run => quarantine::run_ids(tree).into_iter().map(|id| id.as_str().to_owned()).collect(),
        Wanted::Upload => {
            let uploads = line.repository().map(|of| upload::uploads(tree, of.name())).unwrap_or_default();
            uploads.into_iter().flatten().map(|upload| upload.id.as_str().to_owned()).collect()
        }
    };
    all.retain(|candidate| candidate.starts_with(current));
    all
}

/// Repositories; after the name of one and a colon its tags, and after an `@` its digests.
fn references(current: &str, after: After, line: &Line) -> Vec<String> {
    let Some(at) = current.find(['@', ':']) else { return repositories(current, line) };
    let Ok(name) = current[..at].parse() else { return Vec::new() };
    let of = Repository::new(line.registry.tree(), name);
    let found = match current.as_bytes()[at] {
        b':' if after.tag => tags(&of),
        b'@' if after.digest => digests(&of, line.is_of_blobs),
        _ => Vec::new(),
    };
    found.into_iter().map(|found| format!("{}{found}", &current[..=at])).collect()
}

/// The names of repositories, or if there are many, the parts that come next.
fn repositories(current: &str, line: &Line) -> Vec<String> {
    let mut names = find::beginning_with(line.registry.tree(), current, MANY);
    if names.len() <= MANY && !names.iter().any(|name| name.ends_with('/')) {
        return names;
    }
    for name in &mut names {
        if let Some(slash) = name[current.len()..].find('/') {
            name.truncate(current.len() + slash + 1);
        }
    }
    names.dedup();
    names
}

fn tags(of: &Repository<'_>) -> Vec<String> {
    tag::tags(of).tags.into_iter().map(|(tag, _)| tag.to_string()).collect()
}

/// The digests of blobs that a repository links, or of its manifests.
fn digests(of: &Repository<'_>, blobs: bool) -> Vec<String> {
    if blobs {
        return of.keys().flatten().map(|(digest, _)| digest.to_string()).collect();
    }
    revision::revisions(of).flatten().map(|revision| revision.digest.to_string()).collect()
}

/// The digests of all blobs of the tree, once enough of one is there.
fn digests_of_all(current: &str, line: &Line) -> Vec<String> {
    if current.len() < BEGINNING {
        return vec!["sha256:".to_owned()];
    }
    let (blobs, _) = scan::list_blobs(line.registry.tree(), &Interrupt::default());
    blobs.into_iter().map(|digest| digest.to_string()).collect()
}
