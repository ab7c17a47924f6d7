//! Sources of missing or wrong content: another tree, an OCI image layout, or any files.
//!
//! Content is hashed before it is planned with, and hashed again on its way into the tree.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use walkdir::WalkDir;

use crate::digest::hash::Hashed;
use crate::digest::{Algorithm, Digest};
use crate::error::{Error, Result};
use crate::judge::permission;
use crate::layout::{Entry, Place};
use crate::stream::{self, Interrupt};
use crate::tree::Tree;

/// A file that every OCI image layout has.
const OCI_LAYOUT: &str = "oci-layout";

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
    /// An OCI image layout: `blobs/<algorithm>/<hex>`.
    Layout,
    /// Files of any name.
    Files,
}

/// Content that was found in a source, and is right.
#[derive(Debug, Default)]
pub(super) struct FoundContent {
    found: BTreeMap<Digest, (PathBuf, u64)>,
}

impl FoundContent {
    /// The size of `digest` in bytes, if it was found.
    pub(super) fn size(&self, digest: &Digest) -> Option<u64> {
        self.found.get(digest).map(|(_, size)| *size)
    }

    /// Opens content that was found.
    pub(super) fn open_content(&self, digest: &Digest) -> Result<File> {
        let (path, _) = self.found.get(digest).expect("only what was found is planned with");
        let failed = |error| Error::io("open", path, error);
        open(path).map_err(failed)?.ok_or_else(|| failed(ErrorKind::NotFound.into()))
    }
}

impl Source {
    /// The tree, image layout or directory at `path`. `Err(Io)` for anything else.
    pub fn open(path: &Path) -> Result<Self> {
        let no_source = |kind, what: &str| {
            let text =
                format!("{what}: a source is another registry's root, an OCI image layout, or a directory of files");
            Error::io("take content from", path, std::io::Error::new(kind, text))
        };
        let is_directory =
            std::fs::metadata(path).map_err(|error| no_source(error.kind(), &error.to_string()))?.is_dir();
        if !is_directory {
            return Err(no_source(ErrorKind::NotADirectory, "it is not a directory"));
        }
        let kind = match Tree::open(path) {
            Ok(tree) => SourceKind::Tree(Box::new(tree)),
            Err(Error::NotATree { .. }) if path.join(OCI_LAYOUT).is_file() => SourceKind::Layout,
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

    /// Looks for content, and hashes what it finds. A file that has the name of wanted content and other bytes is
    /// reported.
    pub(super) fn find(&self, wanted: &BTreeSet<Digest>, interrupt: &Interrupt) -> Result<(FoundContent, Vec<Error>)> {
        // A tarsum is no hash of the bytes, so it can't be checked.
        let wanted: BTreeSet<Digest> = wanted.iter().copied().filter(|digest| digest.algorithm().is_some()).collect();
        let mut search = Search { wanted, interrupt, content: FoundContent::default(), refused: Vec::new() };
        if let SourceKind::Files = self.kind {
            search.all_files(&self.path)?;
        } else {
            for digest in search.wanted.clone() {
                search.named(&self.locate(&digest), digest)?;
            }
        }
        Ok((search.content, search.refused))
    }

    /// The file with the content, if its path follows from the digest.
    fn locate(&self, digest: &Digest) -> PathBuf {
        let hex = digest.hex();
        match (&self.kind, digest.algorithm()) {
            (SourceKind::Tree(tree), _) => tree.locate(&Entry::Blob(*digest).path()),
            (_, Some(algorithm)) => self.path.join("blobs").join(algorithm.name()).join(&*hex),
            (_, None) => self.path.join(&*hex),
        }
    }
}

struct Search<'s> {
    wanted: BTreeSet<Digest>,
    interrupt: &'s Interrupt,
    content: FoundContent,
    refused: Vec<Error>,
}

impl Search<'_> {
    /// Hashes a file that has the name of `digest`.
    fn named(&mut self, path: &Path, digest: Digest) -> Result<()> {
        let Some(hashed) = self.hash(path)? else { return Ok(()) };
        match digest.algorithm().and_then(|algorithm| hashed.by(algorithm)) {
            Some(found) if found == digest => drop(self.content.found.insert(digest, (path.to_owned(), hashed.size))),
            _ => self.refuse(path, digest, &hashed),
        }
        Ok(())
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
            if self.content.found.len() == self.wanted.len() {
                break;
            }
            let Some(hashed) = self.hash(&path)? else { continue };
            let digests = Algorithm::ALL.into_iter().filter_map(|algorithm| hashed.by(algorithm));
            let right: Vec<Digest> = digests.filter(|digest| self.wanted.contains(digest)).collect();
            for digest in &right {
                self.content.found.insert(*digest, (path.clone(), hashed.size));
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
        let file = match open(path) {
            Ok(Some(file)) => file,
            Ok(None) => return Ok(None),
            Err(error) => {
                self.refused.push(Error::io("read", path, error));
                return Ok(None);
            }
        };
        let algorithms: BTreeSet<Algorithm> = self.wanted.iter().filter_map(Digest::algorithm).collect();
        match stream::hash_file(file, algorithms, self.interrupt) {
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

/// Opens a regular file. `None` when there is none: a pipe must not block.
fn open(path: &Path) -> std::io::Result<Option<File>> {
    match std::fs::metadata(path) {
        Ok(found) if found.is_file() => File::open(path).map(Some),
        Ok(_) => Ok(None),
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => Ok(None),
        Err(error) => Err(error),
    }
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
