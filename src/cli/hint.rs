//! The hint for an error: if possible, a command that can be pasted.

use std::borrow::Cow;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use super::{Global, quarantine, root};
use crate::count;
use crate::digest::Digest;
use crate::error::{Error, Missing, Refusal, RefusalCode};
use crate::finding::{Code, REPAIRABLE};
use crate::layout;
use crate::name::RepositoryName;
use crate::registry::{Registry, linked_in};
use crate::repository::Repository;
use crate::repository::revision;

pub(super) fn of(error: &Error, global: &Global) -> Option<String> {
    let regtree = command(global);
    let hint = match error {
        Error::NotExported { source, .. } => return of(source, global),
        Error::NotATree { path, .. } => not_a_tree(path, global),
        Error::Configuration { path, .. } | Error::Io { path, .. } if is_installed_config(path, global) => {
            "nothing else says where the tree is: choose it with --root DIR, --registry-config FILE or REGTREE_ROOT"
                .to_owned()
        }
        Error::RepositoryUnknown { .. } => format!("to list the repositories: {regtree} repo list"),
        Error::NoMatch { pattern } => {
            let top = pattern.split('/').next().unwrap_or_default();
            format!("* does not match a slash, ** does ('{top}/**'); to list the repositories: {regtree} repo list")
        }
        Error::BlobUnknown { manifest: true, repository, digest, .. } => {
            format!("to read it: {regtree} manifest get {repository} {digest}")
        }
        Error::ManifestUnknown { repository, missing: Missing::Link, .. } => {
            format!("to list its manifests: {regtree} manifest list {repository}")
        }
        Error::ManifestUnknown { repository, digest, missing: Missing::Content, .. } => {
            format!("to put the content back: {regtree} manifest put {repository} FILE --digest {digest}")
        }
        Error::TargetUnknown { repository, .. } => {
            format!("to list its tags and manifests: {regtree} manifest list {repository} --long")
        }
        Error::PrefixUnknown { repository, of, .. } => {
            let repository = repository.as_ref().map(|name| format!(" {name}")).unwrap_or_default();
            format!("to list every {of}: {regtree} {of} list{repository}")
        }
        Error::DigestShortened { whole: Some(digest), .. } => format!("did you mean {digest}"),
        Error::TagUnknown { repository, .. } => format!("to list its tags: {regtree} tag list {repository}"),
        Error::BrokenTag { repository, tag, .. } => {
            format!("to see what it pointed to: {regtree} tag history {repository} {tag}")
        }
        Error::BlobUnknown { digest, content: true, .. } => {
            format!("its content exists; to see which repositories link it: {regtree} blob stat --all-repos {digest}")
        }
        Error::BlobUnknown { repository, .. } => format!("to list its blobs: {regtree} blob list {repository}"),
        Error::UploadUnknown { repository, .. } => {
            format!("to list its uploads: {regtree} upload list {repository}")
        }
        Error::BrokenLink { repository, digest, path, .. } if layout::is_of_revision(path) => {
            format!(
                "to repair the link, put the manifest again: {regtree} manifest put {repository} FILE --digest {digest}"
            )
        }
        Error::Corrupt { repository, expected, .. } if is_manifest(repository, *expected, global) => {
            format!(
                "to repair it, put the manifest again: {regtree} manifest put {repository} FILE --digest {expected}"
            )
        }
        Error::ContentMissing { repository, digest, .. } if is_manifest(repository, *digest, global) => {
            format!("to put the content back: {regtree} manifest put {repository} FILE --digest {digest}")
        }
        Error::ContentMissing { repository, digest, .. } => {
            format!("to put the content back: {regtree} blob put {repository} FILE --digest {digest}")
        }
        Error::BrokenLink { repository, digest, .. } if !digest.is_tarsum() => {
            format!("to repair the link, put the content again: {regtree} blob put {repository} FILE --digest {digest}")
        }
        Error::Corrupt { repository, expected, .. } | Error::NotAnArchive { repository, expected, .. } => {
            format!(
                "to repair it, put the right content again: {regtree} blob put {repository} FILE --digest {expected}"
            )
        }
        Error::ManifestInvalid { repository, refusals, .. } => return what_is_missing(repository, refusals, global),
        Error::OffsetMismatch { found, .. } => format!("continue with --offset {found}"),
        Error::SafetyLimit { override_option, .. } => format!("to do it anyway, use {override_option}"),
        Error::InUse { override_option, .. } => format!("to do it anyway, use {override_option}"),
        Error::InDatabase { path: Some(path), .. } => {
            format!("once the registry no longer uses its database, remove that file: rm {}", quote_path(path))
        }
        Error::InDatabase { database: "harbor", .. } => {
            "delete it in Harbor, and run Harbor's garbage collection; plain gc, fsck and repair work here".to_owned()
        }
        Error::Io { path, .. } if error.io_kind() == Some(ErrorKind::PermissionDenied) => {
            return owner(path, global);
        }
        Error::Io { .. } if error.io_kind() == Some(ErrorKind::AddrInUse) => {
            "perhaps the registry still runs there; --listen 127.0.0.1:0 takes a free port, and prints it".to_owned()
        }
        Error::Io { path, .. } if quarantine::is_full(error) && is_in_tree(path, global) => {
            format!("to see what can be removed, which needs no space: {regtree} gc -n")
        }
        Error::SourceElsewhere { source_name } => {
            // skopeo names a registry otherwise than a browser does.
            let address = source_name.strip_prefix("https://").or_else(|| source_name.strip_prefix("http://"));
            let image = address.map_or(source_name.clone(), |address| format!("docker://{address}"));
            format!("to get a copy first, and then give that: skopeo copy --all {} dir:DIR", quote(image.into()))
        }
        Error::ImageUnnamed { tag: Some(_), .. } => "name its repository with --repository NAME".to_owned(),
        Error::ImageUnnamed { tag: None, .. } => {
            "name it with --repository NAME --tag TAG; without a tag, the next gc --delete-untagged removes it"
                .to_owned()
        }
        Error::PlatformWanted { available, .. } => {
            format!("choose it with --platform {}", available.first().map_or("OS/ARCH", String::as_str))
        }
        Error::NotQuarantined { .. } => format!("to list the runs: {regtree} quarantine list"),
        Error::Locked { .. } if global.wait_lock.is_none() => "wait for it with --wait-lock 30s".to_owned(),
        _ => return None,
    };
    Some(hint)
}

fn is_in_tree(path: &Path, global: &Global) -> bool {
    open(global).is_some_and(|registry| path.starts_with(registry.tree().path()))
}

/// The hint for something in the tree that belongs to another user, who may do what this one may not.
fn owner(path: &Path, global: &Global) -> Option<String> {
    let registry = open(global)?;
    let mut ancestors = path.ancestors().take_while(|ancestor| ancestor.starts_with(registry.tree().root()));
    let uid = ancestors.find_map(|ancestor| rustix::fs::lstat(ancestor).ok())?.st_uid;
    (uid != rustix::process::geteuid().as_raw()).then(|| format!("run it as the owner of the tree (uid {uid})"))
}

/// The commands that put what a manifest references and its repository lacks.
fn what_is_missing(repository: &RepositoryName, refusals: &[Refusal], global: &Global) -> Option<String> {
    const SHOWN: usize = 3;
    let unknown = refusals.iter().filter(|refusal| refusal.code == RefusalCode::ManifestBlobUnknown);
    let unknown: Vec<(&str, Digest)> =
        unknown.filter_map(|refusal| Some((refusal.role?, refusal.digest.as_deref()?.parse().ok()?))).collect();
    if unknown.is_empty() {
        return None;
    }
    let registry = open(global);
    let elsewhere = |digest| Some(linked_in(registry.as_ref()?, digest).0.first()?.0.clone());
    let command = |(role, digest): &(&str, Digest)| {
        let regtree = command(global);
        let what = match elsewhere(*digest) {
            _ if *role == "child" => format!("manifest put {repository} FILE --digest {digest}"),
            Some(other) => format!("blob mount {digest} --from {other} --to {repository}"),
            None => format!("blob put {repository} FILE --digest {digest}"),
        };
        format!("{regtree} {what} ({role})")
    };
    let commands: Vec<String> = unknown.iter().take(SHOWN).map(command).collect();
    let more = match unknown.len().saturating_sub(SHOWN) {
        0 => String::new(),
        more => format!("; and {more} more"),
    };
    let commands = commands.join("; ");
    Some(format!("first put what is missing: {commands}{more}; or store it without, with --skip-references"))
}

fn open(global: &Global) -> Option<Registry> {
    root::find(global).ok().and_then(|found| Registry::open(found.root).ok())
}

/// Whether the digest is that of a manifest of the repository, so that it is put again as a manifest.
fn is_manifest(repository: &RepositoryName, digest: Digest, global: &Global) -> bool {
    open(global).is_some_and(|registry| {
        let repository = Repository::new(registry.tree(), repository.clone());
        revision::find(&repository, digest).is_ok_and(|found| found.is_some())
    })
}

/// The hint for a root that is not a tree. A user who names a directory inside a tree means the tree.
fn not_a_tree(path: &Path, global: &Global) -> String {
    let canonical = path.canonicalize().unwrap_or_default();
    if let Some(root) = canonical.ancestors().skip(1).find(|ancestor| ancestor.join(layout::PREFIX).is_dir()) {
        return format!("it is inside a tree; did you mean --root {}", quote_path(root));
    }
    let below = trees_below(path);
    if let Some(root) = below.first() {
        let others = match below.len() {
            1 => String::new(),
            trees => format!(", the first of {}", count::plural(trees, "tree")),
        };
        return format!("the tree is a level below; did you mean --root {}{others}", quote_path(root));
    }
    let advice = if is_free(path) {
        format!("is its disk mounted? to make a new, empty tree there: regtree init {}", quote_path(path))
    } else {
        "it has other content: is it the right directory, and is its disk mounted?".to_owned()
    };
    match root::find(global).map(|found| found.rule) {
        Ok(root::Rule::Option) | Err(_) => advice,
        Ok(root::Rule::Nothing) => format!("{advice}; {}", how_to_choose(global)),
        Ok(rule) => format!("the root comes from {rule}; {advice}"),
    }
}

/// Whether an error is about the configuration that was read because nothing else says where the tree is.
fn is_installed_config(path: &Path, global: &Global) -> bool {
    root::find(global).is_err()
        && global.registry_config.is_none()
        && root::tried(global).iter().any(|tried| tried == path)
}

/// Where nothing says which tree is meant: what was looked for, and what says it.
fn how_to_choose(global: &Global) -> String {
    let tried = root::tried(global).iter().map(|path| path.display().to_string()).collect::<Vec<_>>().join(", ");
    format!("none of these exists: {tried}; choose the tree with --root DIR, --registry-config FILE or REGTREE_ROOT")
}

/// The trees in the directories of `path`, sorted: Harbor, for one, keeps its tree in `registry` beside other things.
fn trees_below(path: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(path).into_iter().flatten();
    let below = entries.filter_map(|entry| Some(entry.ok()?.path()));
    let mut trees: Vec<PathBuf> = below.filter(|below| below.join(layout::PREFIX).is_dir()).collect();
    trees.sort();
    trees
}

/// Whether a new tree at `path` would be beside nothing else: it does not exist, or is an empty directory.
fn is_free(path: &Path) -> bool {
    match std::fs::read_dir(path) {
        Ok(mut entries) => entries.next().is_none(),
        Err(error) => error.kind() == ErrorKind::NotFound,
    }
}

/// The command that repairs findings with this code; `None` when a person has to look at them.
pub(super) fn repair(code: Code, global: &Global) -> Option<String> {
    let regtree = command(global);
    let source = match code {
        // A collection removes these.
        Code::DirectoryEmpty => return Some(format!("{regtree} gc")),
        code if !REPAIRABLE.contains(&code) => return None,
        Code::ManifestMissing
        | Code::IndexChildMissing
        | Code::RevisionDangling
        | Code::BlobCorrupt
        | Code::BlobEmpty
        | Code::BlobMissing
        | Code::BlobTruncated => " --from SOURCE",
        _ => "",
    };
    Some(format!("{regtree} repair --only {code}{source}"))
}

/// `regtree` with the options that say where the tree is, as they were given.
pub(super) fn command(global: &Global) -> String {
    command_at(global.root.as_deref(), global.registry_config.as_deref())
}

/// `regtree` with those of these options that are given.
pub(super) fn command_at(root: Option<&Path>, registry_config: Option<&Path>) -> String {
    let mut command = "regtree".to_owned();
    for (option, value) in [("--root", root), ("--registry-config", registry_config)] {
        if let Some(path) = value {
            command.extend([" ", option, " ", &*quote_path(path)]);
        }
    }
    command
}

/// The path, quoted for a shell if necessary.
pub(super) fn quote_path(path: &Path) -> Cow<'_, str> {
    quote(path.to_string_lossy())
}

/// The text, quoted for a shell if necessary.
pub(super) fn quote(text: Cow<'_, str>) -> Cow<'_, str> {
    let plain = |c: char| c.is_ascii_alphanumeric() || "/._-+=:@,%".contains(c);
    if !text.is_empty() && text.chars().all(plain) {
        return text;
    }
    format!("'{}'", text.replace('\'', r"'\''")).into()
}
