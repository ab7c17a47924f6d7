//! Reads a path, and says which file of the tree it is.

use super::{Area, Entry, Form, Item, PREFIX, TreePath};
use crate::digest::{Algorithm, Digest, TarsumVersion};
use crate::name::RepositoryName;

impl TreePath {
    /// Reads a path relative to `docker/registry/v2`. `None` when it is outside of the two areas, or has an empty
    /// component, `.`, `..` or a NUL. So every path that is returned stays inside the tree.
    pub fn parse(text: &str) -> Option<Self> {
        let (first, below) = text.split_once('/').unwrap_or((text, ""));
        let area = [Area::Blobs, Area::Repositories].into_iter().find(|area| area.name() == first)?;
        if below.is_empty() {
            // `blobs/` has an empty component, as `blobs//data` has.
            return (text == first).then(|| area.path());
        }
        below.split('/').try_fold(area.path(), |path, name| path.child(name))
    }

    /// The file that this directory is there for: a blob's content; the link of a layer, a manifest or a tag. Any other path
    /// stands for itself.
    pub(crate) fn main_file(&self) -> Self {
        let is_main = |file: &Self| match Entry::parse(file) {
            Some(Entry::Blob(_)) => true,
            Some(Entry::InRepository { item, .. }) => !matches!(item, Item::UploadData(_)),
            Some(Entry::LeftOver { .. }) | None => false,
        };
        let files = [self.data(), self.link(), self.current().link()];
        files.into_iter().find(is_main).unwrap_or_else(|| self.clone())
    }

    /// The path from the root, for programs.
    pub(crate) fn below_root(&self) -> String {
        format!("{PREFIX}/{self}")
    }
}

impl Entry {
    /// The file that `path` is the path of; `None` for a directory, and for a file that does not belong in the tree.
    pub(crate) fn parse(path: &TreePath) -> Option<Self> {
        let names: Vec<&str> = path.below_area().split('/').collect();
        Self::parse_names(path.area(), &names)
    }

    fn parse_names(area: Area, names: &[&str]) -> Option<Self> {
        let (last, directories) = names.split_last()?;
        if let Some((file, id)) = split_temporary(last) {
            let mut names = directories.to_vec();
            names.push(file);
            let of = Self::parse_names(area, &names)?;
            return match of {
                Self::LeftOver { .. } => None,
                of => Some(Self::LeftOver { of: Box::new(of), id }),
            };
        }
        match area {
            Area::Blobs => parse_blob(names).map(Self::Blob),
            Area::Repositories => parse_in_repository(names),
        }
    }
}

/// Splits `link.<uuid>.tmp` into `link` and the UUID. Registries write the UUID in lower case, with dashes.
pub(super) fn split_temporary(name: &str) -> Option<(&str, uuid::Uuid)> {
    let (file, id) = name.strip_suffix(".tmp")?.rsplit_once('.')?;
    let parsed = uuid::Uuid::try_parse(id).ok()?;
    (!file.is_empty() && parsed.to_string() == id).then_some((file, parsed))
}

fn parse_blob(names: &[&str]) -> Option<Digest> {
    let [algorithm @ .., fan_out, hex, "data"] = names else { return None };
    let digest = parse_digest(algorithm, hex)?;
    (hex[..2] == **fan_out).then_some(digest)
}

/// Reads the digest in a path: the names of `algorithm` are `sha256`, or `tarsum`, `v1` and `sha256`.
fn parse_digest(algorithm: &[&str], hex: &str) -> Option<Digest> {
    let (tarsum, algorithm) = match algorithm {
        [algorithm] => (None, *algorithm),
        ["tarsum", version, algorithm] => (Some(TarsumVersion::from_directory(version)?), *algorithm),
        _ => return None,
    };
    Digest::from_parts(tarsum, Algorithm::from_name(algorithm)?, hex).ok()
}

fn parse_in_repository(names: &[&str]) -> Option<Entry> {
    let (at, form, item) = split_current(names).or_else(|| split_alpha(names))?;
    let repository: RepositoryName = names[..at].join("/").parse().ok()?;
    Some(Entry::InRepository { repository, form, item })
}

/// Splits a path of the current layout. No component of a name begins with an underscore, so the first component that
/// does ends the name.
fn split_current(names: &[&str]) -> Option<(usize, Form, Item)> {
    let at = names.iter().position(|name| name.starts_with('_'))?;
    Some((at, Form::Current, parse_item(Form::Current, &names[at..])?))
}

/// Splits a path of the alphas' layout. A name may itself contain `layers` or `manifests` there, so the end of the path
/// decides: the shortest tail that is a file of a repository.
fn split_alpha(names: &[&str]) -> Option<(usize, Form, Item)> {
    (1..names.len()).rev().find_map(|at| Some((at, Form::Alpha, parse_item(Form::Alpha, &names[at..])?)))
}

fn parse_item(form: Form, names: &[&str]) -> Option<Item> {
    let (folder, names) = names.split_first()?;
    if *folder == form.layers() {
        return parse_link(names).map(Item::LayerLink);
    }
    if *folder == form.manifests() {
        return parse_in_manifests(names);
    }
    if *folder == form.uploads() {
        return parse_in_uploads(names);
    }
    None
}

fn parse_link(names: &[&str]) -> Option<Digest> {
    let [algorithm @ .., hex, "link"] = names else { return None };
    parse_digest(algorithm, hex)
}

fn parse_in_manifests(names: &[&str]) -> Option<Item> {
    match names {
        ["tags", tag, "current", "link"] => Some(Item::TagCurrent(tag.parse().ok()?)),
        ["tags", tag, "index", link @ ..] => Some(Item::TagIndex(tag.parse().ok()?, parse_link(link)?)),
        ["revisions", rest @ ..] => parse_in_revisions(rest),
        _ => None,
    }
}

fn parse_in_revisions(names: &[&str]) -> Option<Item> {
    let Some(at) = names.iter().position(|name| *name == "signatures") else {
        return parse_link(names).map(Item::RevisionLink);
    };
    let [algorithm @ .., hex] = &names[..at] else { return None };
    let revision = parse_digest(algorithm, hex)?;
    let signature = parse_link(&names[at + 1..])?;
    Some(Item::SignatureLink { revision, signature })
}

fn parse_in_uploads(names: &[&str]) -> Option<Item> {
    match names {
        [id, "startedat"] => Some(Item::UploadStartedAt(id.parse().ok()?)),
        [id, "data"] => Some(Item::UploadData(id.parse().ok()?)),
        [id, "hashstates", algorithm, offset] => Some(Item::HashState {
            upload: id.parse().ok()?,
            algorithm: Algorithm::from_name(algorithm)?,
            offset: parse_offset(offset)?,
        }),
        _ => None,
    }
}

/// Reads a decimal number without leading zeros, as every registry writes it.
fn parse_offset(text: &str) -> Option<u64> {
    let offset: u64 = text.parse().ok()?;
    (offset.to_string() == text).then_some(offset)
}
