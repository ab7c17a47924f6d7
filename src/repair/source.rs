//! Sources of missing or wrong content: another tree, an OCI image layout, or any files.
//!
//! Content is hashed before it is planned with, and hashed again on its way into the tree.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::io::{Cursor, ErrorKind, Read};
use std::path::{Path, PathBuf};

use walkdir::WalkDir;

use crate::digest::hash::Hashed;
use crate::digest::{Algorithm, Digest};
use crate::error::{Error, Result};
use crate::image::{layout, transport};
use crate::judge::permission;
use crate::layout::{Entry, Place};
use crate::manifest;
use crate::stream::{self, Interrupt};
use crate::tree::Tree;

/// A source of content.
#[derive(Debug)]
pub struct Source {
    path: PathBuf,
    kind: SourceKind,
}

#[derive(Debug)]
enum SourceKind {
    /// A registry's tree.
    Tree(Box<Tree>),
    /// An OCI image layout.
    Layout,
    /// Files of any name.
    Files,
}

/// Content that was found in a source, and is right.
#[derive(Debug, Default)]
pub(super) struct FoundContent {
    found: BTreeMap<Digest, (Origin, u64)>,
}

/// Where content was found.
#[derive(Debug)]
enum Origin {
    File(PathBuf),
    /// A manifest of the tree, which embeds it.
    Manifest(Digest),
}

impl FoundContent {
    /// The size of `digest` in bytes, if it was found.
    pub(super) fn size(&self, digest: &Digest) -> Option<u64> {
        self.found.get(digest).map(|(_, size)| *size)
    }

    /// Whether a manifest of the tree has it.
    pub(super) fn is_embedded(&self, digest: &Digest) -> bool {
        matches!(self.found.get(digest), Some((Origin::Manifest(_), _)))
    }

    /// Opens content that was found.
    pub(super) fn open_content(&self, tree: &Tree, digest: &Digest) -> Result<Box<dyn Read>> {
        let (origin, _) = self.found.get(digest).expect("only what was found is planned with");
        let path = match origin {
            Origin::File(path) => path.clone(),
            Origin::Manifest(manifest) => match read_embedded(tree, manifest, digest)? {
                Some(content) => return Ok(Box::new(Cursor::new(content))),
                None => tree.locate(&Entry::Blob(*manifest).path()),
            },
        };
        match layout::open_regular(&path)? {
            Some(file) if matches!(origin, Origin::File(_)) => Ok(Box::new(file)),
            _ => Err(Error::io("open", &path, std::io::Error::from(ErrorKind::NotFound))),
        }
    }

    /// Adds what manifests of the tree embed; `embedded` has the manifest of each.
    pub(super) fn add_embedded(
        &mut self,
        tree: &Tree,
        wanted: &BTreeSet<Digest>,
        embedded: &HashMap<Digest, Digest>,
    ) -> Result<()> {
        for (digest, manifest) in wanted.iter().filter_map(|digest| Some((digest, embedded.get(digest)?))) {
            if let Some(content) = read_embedded(tree, manifest, digest)? {
                self.found.insert(*digest, (Origin::Manifest(*manifest), content.len() as u64));
            }
        }
        Ok(())
    }
}

impl Source {
    /// The tree, image layout or directory at `path`, which may have skopeo's `oci:` or `dir:` before it. `Err(Io)` for
    /// anything else, `Err(SourceElsewhere)` for what is not on a disk, such as `docker://…`.
    pub fn open(path: &Path) -> Result<Self> {
        let path = transport::path(path)?;
        let no_source = |kind, what: &str| {
            let text = format!(
                "{what}: a source is another registry's root, an OCI image layout (oci:DIR), or a directory of files"
            );
            Error::io("take content from", path, std::io::Error::new(kind, text))
        };
        let is_directory =
            std::fs::metadata(path).map_err(|error| no_source(error.kind(), &error.to_string()))?.is_dir();
        if !is_directory {
            return Err(no_source(ErrorKind::NotADirectory, "it is not a directory"));
        }
        let kind = match Tree::open(path) {
            Ok(tree) => SourceKind::Tree(Box::new(tree)),
            Err(Error::NotATree { .. }) if layout::is_layout(path) => SourceKind::Layout,
            Err(Error::NotATree { .. }) => {
                std::fs::read_dir(path).map_err(|error| no_source(error.kind(), &error.to_string()))?;
                SourceKind::Files
            }
            Err(error @ Error::Io { .. }) => return Err(error),
            // That it can't be used as a root says nothing about the tree that is repaired.
            Err(error) => return Err(no_source(ErrorKind::Other, &error.to_string())),
        };
        Ok(Self { path: path.to_owned(), kind })
    }

    /// Whether it is a tree in which this repository links the content.
    pub(super) fn has_link(&self, repository: &Place, digest: &Digest) -> Result<bool> {
        match &self.kind {
            SourceKind::Tree(tree) => permission::has_link(tree, repository, digest),
            SourceKind::Layout | SourceKind::Files => Ok(false),
        }
    }

    /// Looks for content, hashes what it finds, and adds that to `content`. A file that has the name of wanted content
    /// and other bytes is returned as an error.
    pub(super) fn find(
        &self,
        content: &mut FoundContent,
        mut wanted: BTreeSet<Digest>,
        interrupt: &Interrupt,
    ) -> Result<Vec<Error>> {
        // A tarsum is no hash of the bytes: other bytes may have it too.
        wanted.retain(|digest| digest.algorithm().is_some());
        let mut search = Search { wanted, interrupt, content, found: 0, refused: Vec::new() };
        if let SourceKind::Files = self.kind {
            search.all_files(&self.path)?;
        } else {
            for digest in search.wanted.clone() {
                let Some(path) = self.locate(&digest) else { continue };
                search.named(&path, digest)?;
            }
        }
        Ok(search.refused)
    }

    /// The file with the content, if its path follows from the digest.
    fn locate(&self, digest: &Digest) -> Option<PathBuf> {
        match &self.kind {
            SourceKind::Tree(tree) => Some(tree.locate(&Entry::Blob(*digest).path())),
            SourceKind::Layout => layout::content_path(digest).map(|path| self.path.join(path)),
            SourceKind::Files => None,
        }
    }
}

struct Search<'s> {
    wanted: BTreeSet<Digest>,
    interrupt: &'s Interrupt,
    content: &'s mut FoundContent,
    /// How much of what is wanted was found.
    found: usize,
    refused: Vec<Error>,
}

impl Search<'_> {
    /// Hashes a file that has the name of `digest`.
    fn named(&mut self, path: &Path, digest: Digest) -> Result<()> {
        let Some(hashed) = self.hash(path)? else { return Ok(()) };
        match digest.algorithm().and_then(|algorithm| hashed.by(algorithm)) {
            Some(found) if found == digest => self.add(path, digest, hashed.size),
            _ => self.refuse(path, digest, &hashed),
        }
        Ok(())
    }

    fn add(&mut self, path: &Path, digest: Digest, size: u64) {
        let before = self.content.found.insert(digest, (Origin::File(path.to_owned()), size));
        self.found += usize::from(before.is_none());
    }

    fn refuse(&mut self, path: &Path, digest: Digest, hashed: &Hashed) {
        let (path, found) = (path.display(), hashed.canonical());
        let reason = format!("{path} is named {digest}, but hashes to {found}: it is not used");
        self.refused.push(Error::Refused { reason });
    }

    /// Hashes all files below a directory, first those whose names say that they are wanted.
    fn all_files(&mut self, directory: &Path) -> Result<()> {
        let mut listed = Listed::below(directory);
        self.refused.append(&mut listed.refused);
        self.refused.extend(listed.symbolic_links());
        let with_name = |path: PathBuf| (self.called(&path), path);
        let mut files: Vec<(Option<Digest>, PathBuf)> = listed.files.into_iter().map(with_name).collect();
        files.sort_by_key(|(named, path)| (named.is_none(), path.clone()));
        for (named, path) in files {
            if self.found == self.wanted.len() {
                break;
            }
            let Some(hashed) = self.hash(&path)? else { continue };
            let digests = Algorithm::ALL.into_iter().filter_map(|algorithm| hashed.by(algorithm));
            let right: Vec<Digest> = digests.filter(|digest| self.wanted.contains(digest)).collect();
            for digest in &right {
                self.add(&path, *digest, hashed.size);
            }
            if let Some(named) = named.filter(|_| right.is_empty()) {
                self.refuse(&path, named, &hashed);
            }
        }
        Ok(())
    }

    /// The wanted content whose hex digits are in the name of a file.
    fn called(&self, path: &Path) -> Option<Digest> {
        let name = path.file_name()?.to_str()?;
        let runs = name.split(|character: char| !matches!(character, '0'..='9' | 'a'..='f'));
        let by = |run: &str, algorithm: Algorithm| {
            // A letter before the digits may look like a digit.
            let starts = (run.len() + 1).saturating_sub(2 * algorithm.size());
            let texts = (0..starts).map(|start| &run[start..start + 2 * algorithm.size()]);
            let digests = texts.filter_map(|hex| format!("{}:{hex}", algorithm.name()).parse().ok());
            digests.into_iter().find(|digest| self.wanted.contains(digest))
        };
        runs.into_iter().find_map(|run| Algorithm::ALL.into_iter().find_map(|algorithm| by(run, algorithm)))
    }

    /// `None` when there is no file, or when it can't be read, which is reported.
    fn hash(&mut self, path: &Path) -> Result<Option<Hashed>> {
        let file = match layout::open_regular(path) {
            Ok(Some(file)) => file,
            Ok(None) => return Ok(None),
            Err(error) => {
                self.refused.push(error);
                return Ok(None);
            }
        };
        match stream::hash_file(file, self.wanted.iter().copied(), self.interrupt) {
            Ok(hashed) => Ok(Some(hashed)),
            Err(error) => {
                let error = self.interrupt.or(Error::io("read", path, error));
                if let Error::Interrupted { .. } = error {
                    return Err(error);
                }
                self.refused.push(error);
                Ok(None)
            }
        }
    }
}

/// The content that a manifest of the tree embeds.
fn read_embedded(tree: &Tree, manifest: &Digest, digest: &Digest) -> Result<Option<Vec<u8>>> {
    let bytes = tree.read_small(&Entry::Blob(*manifest).path(), manifest::MAX_READ as u64 + 1)?;
    Ok(bytes.and_then(|bytes| manifest::embedded(&bytes, digest)))
}

/// The files below a directory of any shape. Symbolic links are not followed, because they may form a circle.
#[derive(Default)]
struct Listed {
    files: Vec<PathBuf>,
    symlinks: Vec<PathBuf>,
    /// What could not be listed. The rest may still have everything that is wanted.
    refused: Vec<Error>,
}

impl Listed {
    fn below(directory: &Path) -> Self {
        let mut listed = Self::default();
        for entry in WalkDir::new(directory).min_depth(1) {
            match entry {
                Ok(entry) if entry.file_type().is_file() => listed.files.push(entry.into_path()),
                Ok(entry) if entry.file_type().is_symlink() => listed.symlinks.push(entry.into_path()),
                Ok(_) => {}
                Err(error) => {
                    let path = error.path().unwrap_or(directory).to_owned();
                    // The other kind of error is a loop, which can't occur without following links.
                    let error = error.into_io_error().unwrap_or_else(|| ErrorKind::Other.into());
                    listed.refused.push(Error::io("list", path, error));
                }
            }
        }
        listed
    }

    /// The error for the directories that were passed over, if there are any.
    fn symbolic_links(&self) -> Option<Error> {
        let first = self.symlinks.first()?;
        let more = match self.symlinks.len() - 1 {
            0 => String::new(),
            more => format!(", and so are {more} more"),
        };
        let reason = format!("it is a symbolic link, which is not followed{more}");
        Some(Error::io("take", first, std::io::Error::other(reason)))
    }
}
