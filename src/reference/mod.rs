//! References to images and blobs, as they are written everywhere: `repository:tag`, `repository@digest`, or both.
//!
//! This module has the text, and `resolve` finds what it means. A user may shorten a digest to its first digits. Then
//! **only directories are read that can have it**: the fan-out directory of the tree, or the links of one repository.
//!
//! - Where a tag can stand, a tag of that name is meant. Only if there is none, the text may be a shortened digest.
//! - With an algorithm (`sha256:456bf45`) or after an `@`, a digest is meant.
//! - `repository:tag@digest` is the manifest that the tag points to, which must have that digest.

mod resolve;

use std::fmt;
use std::str::FromStr;

pub use resolve::{Resolved, Shortened};
pub(crate) use resolve::{blob, content};

use crate::digest::{DigestError, GivenDigest};
use crate::name::{NameError, RepositoryName, Tag};

/// Why a text is not a reference.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ReferenceError {
    /// Neither `:tag` nor `@digest` follows the repository.
    #[error("it names no tag and no digest (expected repository:tag or repository@digest)")]
    Bare,
    /// The part before the tag or digest is not a repository name.
    #[error("{text:?} is not a repository name: {source}")]
    Repository {
        /// The part before the tag or digest.
        text: String,
        /// The rule it breaks.
        source: NameError,
    },
    /// The part after the colon is not a tag.
    #[error("{text:?} is not a tag: {source}")]
    Tag {
        /// The part after the colon.
        text: String,
        /// The rule it breaks.
        source: NameError,
    },
    /// The part after the `@` is not a digest.
    #[error("{text:?} is not a digest: {source}")]
    Digest {
        /// The part after the `@`.
        text: String,
        /// What is wrong with it.
        source: DigestError,
    },
}

/// `repository[:tag][@digest]`, as it is written. Nothing is added or rewritten: `foo` stays `foo`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Written {
    /// The repository.
    pub(crate) repository: RepositoryName,
    /// The tag, if there is one.
    pub(crate) tag: Option<Tag>,
    /// The digest, if there is one.
    pub(crate) digest: Option<GivenDigest>,
}

impl FromStr for Written {
    type Err = ReferenceError;

    fn from_str(text: &str) -> Result<Self, ReferenceError> {
        let (name, digest) = match text.split_once('@') {
            Some((name, text)) => (name, Some(digest(text)?)),
            None => (text, None),
        };
        let (name, tag) = match name.rsplit_once(':') {
            Some((name, text)) => (name, Some(tag(text)?)),
            None => (name, None),
        };
        let repository = name.parse().map_err(|source| ReferenceError::Repository { text: name.to_owned(), source })?;
        Ok(Self { repository, tag, digest })
    }
}

fn digest(text: &str) -> Result<GivenDigest, ReferenceError> {
    text.parse().map_err(|source| ReferenceError::Digest { text: text.to_owned(), source })
}

fn tag(text: &str) -> Result<Tag, ReferenceError> {
    text.parse().map_err(|source| ReferenceError::Tag { text: text.to_owned(), source })
}

/// What names one manifest in a repository.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// The manifest that the tag points to now. If there is no such tag, it may be a shortened digest.
    Tag(Tag),
    /// The manifest with this digest.
    Digest(GivenDigest),
    /// The manifest that the tag points to now, which must have this digest.
    Both(Pinned),
}

impl Target {
    /// The target with these parts; `None` when there are none.
    pub(crate) fn of(tag: Option<Tag>, digest: Option<GivenDigest>) -> Option<Self> {
        match (tag, digest) {
            (Some(tag), None) => Some(Self::Tag(tag)),
            (None, Some(digest)) => Some(Self::Digest(digest)),
            (Some(tag), Some(digest)) => Some(Self::Both(Pinned { tag, digest })),
            (None, None) => None,
        }
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tag(tag) => write!(f, ":{tag}"),
            Self::Digest(digest) => write!(f, "@{digest}"),
            Self::Both(Pinned { tag, digest }) => write!(f, ":{tag}@{digest}"),
        }
    }
}

/// A tag, and the digest that it must point to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pinned {
    /// The tag.
    pub tag: Tag,
    /// The digest.
    pub digest: GivenDigest,
}

/// An image: `repository:tag`, `repository@digest`, or `repository:tag@digest`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reference {
    /// The repository.
    pub repository: RepositoryName,
    /// What names the manifest in it.
    pub target: Target,
}

impl FromStr for Reference {
    type Err = ReferenceError;

    fn from_str(text: &str) -> Result<Self, ReferenceError> {
        let Written { repository, tag, digest } = text.parse()?;
        let target = Target::of(tag, digest).ok_or(ReferenceError::Bare)?;
        Ok(Self { repository, target })
    }
}

impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.repository, self.target)
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test may")]
mod tests {
    use super::*;

    #[test]
    fn references_keep_their_text_and_name_the_part_that_is_wrong() {
        let digest = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
        let texts = [
            "foo:latest",
            "a/b:v1",
            &format!("foo@{digest}"),
            &format!("Foo.com/bar@{digest}"),
            &format!("foo:tag@{digest}"),
            "foo@sha256:e3b0c44",
        ];
        for text in texts {
            assert_eq!(text.parse::<Reference>().unwrap().to_string(), *text);
        }
        let parse = |text: &str| text.parse::<Reference>().unwrap_err();
        assert_eq!(parse("foo"), ReferenceError::Bare);
        assert!(matches!(parse("Foo:x"), ReferenceError::Repository { .. }));
        assert!(matches!(parse("foo:"), ReferenceError::Tag { .. }));
        assert!(matches!(parse("foo:5000/bar"), ReferenceError::Tag { .. }));
        let short = DigestError::TooShort { found: 1 };
        assert_eq!(parse("foo@sha256:0"), ReferenceError::Digest { text: "sha256:0".to_owned(), source: short });
        assert!(matches!(parse(&format!("foo:5000/bar@{digest}")), ReferenceError::Tag { .. }));
    }
}
