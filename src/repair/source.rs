//! Where content comes from that is missing or wrong: another tree, an OCI image layout, or any files.
//!
//! All that is found is hashed before it is planned with, and hashed again on its way into the tree.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::{ErrorKind, Read};
use std::path::{Path, PathBuf};

use crate::digest::hash::Hashed;
use crate::digest::{Algorithm, Digest, HashingReader};
use crate::error::{Error, Result};
use crate::layout::Entry;
use crate::stream::Interrupt;
use crate::tree::Tree;

/// What every OCI image layout has in it.
const OCI_LAYOUT: &str = "oci-layout";

/// Where content may be had.
#[derive(Debug)]
pub struct Source {
    path: PathBuf,
    kind: Kind,
}

#[derive(Debug)]
enum Kind {
    /// A registry's tree.
    Tree(Box<Tree>),
    /// An OCI image layout: `blobs/<algorithm>/<hex>`.
    Layout,
    /// Files of any name.
    Files,
}

/// Content that was found, and is right.
#[derive(Debug, Default)]
pub(super) struct Stock {
    found: BTreeMap<Digest, (PathBuf, u64)>,
}

impl Stock {
    /// How many bytes `digest` has, if it was found.
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
    /// The tree, image layout or directory at `path`.
    pub fn open(path: &Path) -> Result<Self> {
        let kind = match Tree::open(path) {
            Ok(tree) => Kind::Tree(Box::new(tree)),
            Err(Error::NotATree { .. }) if path.join(OCI_LAYOUT).is_file() => Kind::Layout,
            Err(Error::NotATree { .. }) => {
                std::fs::read_dir(path).map_err(|error| Error::io("list", path, error))?;
                Kind::Files
            }
            Err(error) => return Err(error),
        };
        Ok(Self { path: path.to_owned(), kind })
    }

    /// Looks for content, and hashes what is found. Of what is called like some, and is something else, it is told.
    pub(super) fn find(&self, wanted: &BTreeSet<Digest>, interrupt: &Interrupt) -> Result<(Stock, Vec<Error>)> {
        // A tarsum is no hash of the bytes: nobody could tell whether it is right.
        let wanted: BTreeSet<Digest> = wanted.iter().copied().filter(|digest| digest.algorithm().is_some()).collect();
        let mut search = Search { wanted, interrupt, stock: Stock::default(), refused: Vec::new() };
        if let Kind::Files = self.kind {
            search.all_files(&self.path)?;
        } else {
            for digest in search.wanted.clone() {
                search.named(&self.locate(&digest), digest)?;
            }
        }
        Ok((search.stock, search.refused))
    }

    /// Where content lies, if its name says that.
    fn locate(&self, digest: &Digest) -> PathBuf {
        let hex = digest.hex();
        match (&self.kind, digest.algorithm()) {
            (Kind::Tree(tree), _) => tree.locate(&Entry::Blob(*digest).path()),
            (_, Some(algorithm)) => self.path.join("blobs").join(algorithm.name()).join(&*hex),
            (_, None) => self.path.join(&*hex),
        }
    }
}

struct Search<'s> {
    wanted: BTreeSet<Digest>,
    interrupt: &'s Interrupt,
    stock: Stock,
    refused: Vec<Error>,
}

impl Search<'_> {
    /// Looks at a file that is called like `digest`.
    fn named(&mut self, path: &Path, digest: Digest) -> Result<()> {
        let Some(hashed) = self.hash(path)? else { return Ok(()) };
        match digest.algorithm().and_then(|algorithm| hashed.by(algorithm)) {
            Some(found) if found == digest => drop(self.stock.found.insert(digest, (path.to_owned(), hashed.size))),
            _ => self.refuse(path, digest, &hashed),
        }
        Ok(())
    }

    fn refuse(&mut self, path: &Path, digest: Digest, hashed: &Hashed) {
        let (path, found) = (path.display(), hashed.canonical());
        let reason = format!("{path} is called {digest}, and hashes to {found}: it is not taken");
        self.refused.push(Error::Refused { reason });
    }

    /// Looks at all files below a directory, those first whose names say that they are wanted.
    fn all_files(&mut self, directory: &Path) -> Result<()> {
        let mut files = Vec::new();
        list(directory, &mut files)?;
        let named = |path: &PathBuf| {
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            self.wanted.iter().find(|digest| name.contains(&*digest.hex())).copied()
        };
        let mut files: Vec<(Option<Digest>, PathBuf)> = files.into_iter().map(|path| (named(&path), path)).collect();
        files.sort_by_key(|(named, path)| (named.is_none(), path.clone()));
        for (named, path) in files {
            if self.stock.found.len() == self.wanted.len() {
                break;
            }
            let Some(hashed) = self.hash(&path)? else { continue };
            let digests = Algorithm::ALL.into_iter().filter_map(|algorithm| hashed.by(algorithm));
            let right: Vec<Digest> = digests.filter(|digest| self.wanted.contains(digest)).collect();
            for digest in &right {
                self.stock.found.insert(*digest, (path.clone(), hashed.size));
            }
            if let Some(named) = named.filter(|_| right.is_empty()) {
                self.refuse(&path, named, &hashed);
            }
        }
        Ok(())
    }

    /// `None` when there is no file, or it can't be read, which is told.
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
        match hash(file, algorithms, self.interrupt) {
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

/// Hashes all of a file.
pub(super) fn hash(
    file: File,
    algorithms: impl IntoIterator<Item = Algorithm>,
    interrupt: &Interrupt,
) -> std::io::Result<Hashed> {
    let mut reader = HashingReader::new(interrupt.stops(file), algorithms);
    let mut buffer = vec![0; 256 * 1024];
    while reader.read(&mut buffer)? > 0 {}
    Ok(reader.finish())
}

/// Opens a regular file. `None` when there is none: a pipe is not waited for.
fn open(path: &Path) -> std::io::Result<Option<File>> {
    match std::fs::metadata(path) {
        Ok(found) if found.is_file() => File::open(path).map(Some),
        Ok(_) => Ok(None),
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => Ok(None),
        Err(error) => Err(error),
    }
}

/// All files below a directory. No symbolic link is followed on the way, for it may lead round in a circle.
fn list(directory: &Path, files: &mut Vec<PathBuf>) -> Result<()> {
    let failed = |error| Error::io("list", directory, error);
    for entry in std::fs::read_dir(directory).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        let kind = entry.file_type().map_err(failed)?;
        if kind.is_dir() {
            list(&entry.path(), files)?;
        } else if kind.is_file() {
            files.push(entry.path());
        }
    }
    Ok(())
}
