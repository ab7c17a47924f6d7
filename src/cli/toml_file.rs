//! Files that a person writes for regtree, in TOML. Whatever is wrong with one is an error that names the line and the key:
//! what is meant to be kept could be removed otherwise.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::count::bytes;

/// The largest file that is read, in bytes.
const FILE_MAX: u64 = 64 * 1024;

/// Why a file can't be used.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("{}{}: {reason}", file.display(), line.map(|line| format!(", line {line}")).unwrap_or_default())]
pub(super) struct TomlError {
    pub(super) file: PathBuf,
    pub(super) line: Option<usize>,
    /// The key that is wrong, if one is.
    pub(super) key: Option<String>,
    pub(super) reason: String,
}

impl TomlError {
    /// The file can't be read.
    pub(super) fn unread(file: PathBuf, error: &io::Error) -> Self {
        Self { file, line: None, key: None, reason: error.to_string() }
    }
}

/// The text of a file.
pub(super) fn read(file: &Path) -> io::Result<String> {
    let mut text = String::new();
    File::open(file)?.take(FILE_MAX + 1).read_to_string(&mut text)?;
    if text.len() as u64 > FILE_MAX {
        return Err(io::Error::other(format!("it has more than {}", bytes(FILE_MAX))));
    }
    Ok(text)
}

/// A file's text, and where it is from.
#[derive(Clone, Copy)]
pub(super) struct TomlFile<'t> {
    pub(super) file: &'t Path,
    pub(super) text: &'t str,
}

impl<'t> TomlFile<'t> {
    pub(super) fn parse(self) -> Result<Spanned<DeTable<'t>>, TomlError> {
        DeTable::parse(self.text).map_err(|error| {
            self.wrong(error.span().map(|span| span.start), None, format!("it is not TOML: {}", error.message()))
        })
    }

    /// The number of the line at an offset.
    pub(super) fn line(self, at: usize) -> usize {
        self.text.as_bytes().iter().take(at).filter(|&&byte| byte == b'\n').count() + 1
    }

    pub(super) fn wrong(self, at: Option<usize>, key: Option<&str>, reason: String) -> TomlError {
        let (line, key) = (at.map(|at| self.line(at)), key.map(str::to_owned));
        TomlError { file: self.file.to_owned(), line, key, reason }
    }

    /// A value is not what its key wants.
    pub(super) fn wrong_value(self, value: &Spanned<DeValue<'_>>, key: &str, want: &str) -> TomlError {
        self.wrong(Some(value.span().start), Some(key), format!("{key}: {want}"))
    }

    /// There is no such key. Names those that there are, and the one that is meant, if one is near.
    pub(super) fn unknown(self, key: &Spanned<impl AsRef<str>>, known: &[&str]) -> TomlError {
        let name = key.get_ref().as_ref();
        let distance = |known: &&&str| strsim::damerau_levenshtein(name, known);
        let near = known.iter().min_by_key(distance).filter(|near| distance(near) <= name.len() / 3);
        let near = near.map(|near| format!("; did you mean {near}?")).unwrap_or_default();
        let reason = format!("there is no key {name:?}; the keys are {}{near}", known.join(", "));
        self.wrong(Some(key.span().start), Some(name), reason)
    }
}
