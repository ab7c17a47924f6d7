//! The arguments that name a repository and what is in it, for every command.
//!
//! They are two words, such as `library/app v1`, or one reference, such as `library/app:v1` or `library/app@sha256:…`. A
//! command that takes several names takes several references too.

use std::error::Error as StdError;
use std::str::FromStr;

use clap::Args;
use clap::error::{ContextKind, ContextValue, ErrorKind};

use super::subject::About;
use crate::digest::{Digest, DigestError, GivenDigest};
use crate::error::Result;
use crate::name::{RepositoryName, Tag};
use crate::reference::{self, Pinned, Reference, Shortened, Target, Written};
use crate::registry::Registry;
use crate::repository::Repository;
use crate::tag;

type Invalid = Box<dyn StdError + Send + Sync>;

/// A kind of thing in a repository.
pub(super) trait Kind: Clone + std::fmt::Debug + Send + Sync + 'static {
    /// What names one.
    type Target: Clone + std::fmt::Debug + Send + Sync + 'static;
    /// Whether a tag can name one on its own.
    const HAS_TAGS: bool;
    /// The first word: a repository, or a reference.
    const FIRST: &'static str;
    /// The second word.
    const SECOND: &'static str;
    /// The help of the second word.
    const HELP: &'static str;

    /// Parses the second word.
    fn parse(text: &str) -> Result<Self::Target, Invalid>;

    /// The target with the parts of a reference.
    fn of(tag: Option<Tag>, digest: Option<GivenDigest>) -> Result<Self::Target, &'static str>;
}

/// A manifest, by a tag or by a digest.
#[derive(Clone, Debug)]
pub(super) struct Manifest;

impl Kind for Manifest {
    type Target = Target;
    const HAS_TAGS: bool = true;
    const FIRST: &'static str = "REPO[:TAG][@DIGEST]";
    const SECOND: &'static str = "REF";
    const HELP: &'static str = "The manifest, after REPO alone: a tag, a digest, or its first 7 or more digits";

    fn parse(text: &str) -> Result<Target, Invalid> {
        if text.contains(':') { parse_digest(text).map(Target::Digest) } else { Ok(Target::Tag(text.parse()?)) }
    }

    fn of(tag: Option<Tag>, digest: Option<GivenDigest>) -> Result<Target, &'static str> {
        Target::of(tag, digest).ok_or("expected REPO:TAG or REPO@DIGEST")
    }
}

/// A manifest, by its digest. A tag beside that is checked.
#[derive(Clone, Debug)]
pub(super) struct Revision;

impl Kind for Revision {
    type Target = Target;
    const HAS_TAGS: bool = false;
    const FIRST: &'static str = "REPO[@DIGEST]";
    const SECOND: &'static str = "DIGEST";
    const HELP: &'static str = "The manifest, after REPO alone";

    fn parse(text: &str) -> Result<Target, Invalid> {
        Ok(Target::Digest(parse_digest(text)?))
    }

    fn of(tag: Option<Tag>, digest: Option<GivenDigest>) -> Result<Target, &'static str> {
        Target::of(tag, digest).filter(|target| !matches!(target, Target::Tag(_))).ok_or("expected REPO@DIGEST")
    }
}

/// A blob.
#[derive(Clone, Debug)]
pub(super) struct Blob;

impl Kind for Blob {
    type Target = GivenDigest;
    const HAS_TAGS: bool = false;
    const FIRST: &'static str = "REPO[@DIGEST]";
    const SECOND: &'static str = "DIGEST";
    const HELP: &'static str = "The blob, after REPO alone, by any digest that the repository links";

    fn parse(text: &str) -> Result<GivenDigest, Invalid> {
        parse_digest(text)
    }

    fn of(tag: Option<Tag>, digest: Option<GivenDigest>) -> Result<GivenDigest, &'static str> {
        match (tag, digest) {
            (None, Some(digest)) => Ok(digest),
            _ => Err("a tag names a manifest, not a blob: expected REPO@DIGEST"),
        }
    }
}

/// A tag.
#[derive(Clone, Debug)]
pub(super) struct TagName;

/// A tag, and the digest that it must point to, if one is given.
#[derive(Clone, Debug)]
pub(super) enum TagTarget {
    Tag(Tag),
    Pinned(Pinned),
}

impl TagTarget {
    pub(super) fn tag(&self) -> &Tag {
        match self {
            Self::Tag(tag) | Self::Pinned(Pinned { tag, .. }) => tag,
        }
    }
}

impl TagTarget {
    /// The digest that the tag points to.
    pub(super) fn resolve(&self, repository: &Repository<'_>, shortened: Shortened) -> Result<Digest> {
        match self {
            Self::Tag(tag) => tag::get(repository, tag),
            Self::Pinned(pinned) => pinned.resolve(repository, shortened),
        }
    }

    /// Checks what the tag points to, if a digest is given.
    pub(super) fn check(&self, repository: &Repository<'_>, shortened: Shortened) -> Result<()> {
        match self {
            Self::Tag(_) => Ok(()),
            Self::Pinned(pinned) => pinned.resolve(repository, shortened).map(drop),
        }
    }
}

impl Kind for TagName {
    type Target = TagTarget;
    const HAS_TAGS: bool = true;
    const FIRST: &'static str = "REPO[:TAG]";
    const SECOND: &'static str = "TAG";
    const HELP: &'static str = "The tag, after REPO alone";

    fn parse(text: &str) -> Result<TagTarget, Invalid> {
        Ok(TagTarget::Tag(text.parse()?))
    }

    fn of(tag: Option<Tag>, digest: Option<GivenDigest>) -> Result<TagTarget, &'static str> {
        match (tag, digest) {
            (Some(tag), None) => Ok(TagTarget::Tag(tag)),
            (Some(tag), Some(digest)) => Ok(TagTarget::Pinned(Pinned { tag, digest })),
            (None, _) => Err("expected REPO:TAG"),
        }
    }
}

/// A word, as it was parsed on its own.
#[derive(Clone, Debug)]
pub(super) enum Word<T> {
    /// A repository, which the target follows.
    Repository(RepositoryName),
    /// A target, which follows its repository.
    Target(T),
    /// Both in one word.
    Whole(RepositoryName, T),
}

fn parse_digest(text: &str) -> Result<GivenDigest, Invalid> {
    text.parse().map_err(|error| match error {
        DigestError::Format => {
            "invalid checksum digest format (expected sha256:…, whole or its first 7 or more hex digits)".into()
        }
        error => error.into(),
    })
}

/// Parses the first word.
pub(super) fn first<K: Kind>(text: &str) -> Result<Word<K::Target>, Invalid> {
    if GivenDigest::is_meant(text) {
        return Err("that is a digest; the repository comes first".into());
    }
    if text.contains([':', '@']) { whole::<K>(text) } else { Ok(Word::Repository(text.parse()?)) }
}

/// Parses a word after the first.
pub(super) fn next<K: Kind>(text: &str) -> Result<Word<K::Target>, Invalid> {
    let is_reference = text.contains('@') || K::HAS_TAGS && text.contains(':');
    if is_reference && !GivenDigest::is_meant(text) { whole::<K>(text) } else { K::parse(text).map(Word::Target) }
}

fn whole<K: Kind>(text: &str) -> Result<Word<K::Target>, Invalid> {
    let Written { repository, tag, digest } = text.parse()?;
    Ok(Word::Whole(repository, K::of(tag, digest)?))
}

/// One thing in a repository.
#[derive(Debug)]
pub(super) struct One<K: Kind> {
    pub(super) repository: RepositoryName,
    pub(super) target: K::Target,
}

#[derive(Args)]
struct OneWord<K: Kind> {
    /// The repository, or a reference that names both
    #[arg(value_name = K::FIRST, value_parser = first::<K>)]
    repository: Word<K::Target>,
    #[arg(value_name = K::SECOND, help = K::HELP, value_parser = next::<K>)]
    target: Option<Word<K::Target>>,
}

impl<K: Kind> TryFrom<OneWord<K>> for One<K> {
    type Error = clap::Error;

    fn try_from(OneWord { repository, target }: OneWord<K>) -> Result<Self, clap::Error> {
        let mut groups = group::<K>(repository, target.into_iter().collect())?;
        match groups.pop().map(|(repository, mut targets)| (repository, targets.pop(), targets.is_empty())) {
            Some((repository, Some(target), true)) if groups.is_empty() => Ok(Self { repository, target }),
            _ => Err(conflict("two references are given, expected one")),
        }
    }
}

/// Several things in one repository.
///
/// A command that removes them can be repeated after it was cut short, because it removes the parts of all of them in
/// turn. It could not be if they were in several repositories.
#[derive(Debug)]
pub(super) struct Several<K: Kind> {
    pub(super) repository: RepositoryName,
    pub(super) targets: Vec<K::Target>,
}

#[derive(Args)]
struct SeveralWords<K: Kind> {
    /// The repository, or a reference that names both
    #[arg(value_name = K::FIRST, value_parser = first::<K>)]
    repository: Word<K::Target>,
    #[arg(value_name = K::SECOND, help = format!("{}; or more references", K::HELP), value_parser = next::<K>)]
    targets: Vec<Word<K::Target>>,
}

impl<K: Kind> TryFrom<SeveralWords<K>> for Several<K> {
    type Error = clap::Error;

    fn try_from(words: SeveralWords<K>) -> Result<Self, clap::Error> {
        let mut groups = group::<K>(words.repository, words.targets)?;
        match groups.pop() {
            Some((repository, targets)) if groups.is_empty() => Ok(Self { repository, targets }),
            _ => Err(conflict("the references name several repositories, expected one")),
        }
    }
}

/// Targets by their repositories, each of which is named once.
pub(super) type Groups<T> = Vec<(RepositoryName, Vec<T>)>;

/// Joins the words: one repository with its targets, or references.
pub(super) fn group<K: Kind>(
    first: Word<K::Target>,
    rest: Vec<Word<K::Target>>,
) -> Result<Groups<K::Target>, clap::Error> {
    let mut groups: Groups<K::Target> = Vec::new();
    let alone = match &first {
        Word::Repository(repository) => Some(repository.clone()),
        _ => None,
    };
    if alone.is_some() && rest.is_empty() {
        return Err(missing(K::SECOND));
    }
    let first = Some(first).filter(|_| alone.is_none());
    for word in first.into_iter().chain(rest) {
        let (repository, target) = match (word, &alone) {
            (Word::Whole(repository, target), None) => (repository, target),
            (Word::Target(target), Some(repository)) => (repository.clone(), target),
            (Word::Target(_) | Word::Repository(_), None) => {
                return Err(conflict("after a reference, each word must be a reference with its repository"));
            }
            (Word::Whole(..) | Word::Repository(_), Some(_)) => {
                return Err(conflict("the repository is given twice: alone, and in a reference"));
            }
        };
        match groups.iter_mut().find(|(known, _)| *known == repository) {
            Some((_, targets)) => targets.push(target),
            None => groups.push((repository, vec![target])),
        }
    }
    Ok(groups)
}

/// The error for a word that is missing.
pub(super) fn missing(word: &str) -> clap::Error {
    let mut error = clap::Error::new(ErrorKind::MissingRequiredArgument);
    error.insert(
        ContextKind::InvalidArg,
        ContextValue::Strings(vec![if word.starts_with("--") { word.to_owned() } else { format!("<{word}>") }]),
    );
    error
}

/// The error for words that don't fit together.
pub(super) fn conflict(message: &str) -> clap::Error {
    clap::Error::raw(ErrorKind::ArgumentConflict, message)
}

/// Arguments that are checked together after each was parsed: `$arguments` become `$words`.
macro_rules! checked_arguments {
    ($arguments:ty, $words:ty $(, $kind:ident: $bound:path)?) => {
        impl$(<$kind: $bound>)? clap::FromArgMatches for $arguments {
            fn from_arg_matches(matches: &clap::ArgMatches) -> Result<Self, clap::Error> {
                <$words>::from_arg_matches(matches)?.try_into()
            }

            fn update_from_arg_matches(&mut self, matches: &clap::ArgMatches) -> Result<(), clap::Error> {
                *self = Self::from_arg_matches(matches)?;
                Ok(())
            }
        }

        impl$(<$kind: $bound>)? clap::Args for $arguments {
            fn augment_args(command: clap::Command) -> clap::Command {
                <$words>::augment_args(command)
            }

            fn augment_args_for_update(command: clap::Command) -> clap::Command {
                <$words>::augment_args_for_update(command)
            }
        }
    };
}

pub(super) use checked_arguments;

checked_arguments!(One<K>, OneWord<K>, K: Kind);
checked_arguments!(Several<K>, SeveralWords<K>, K: Kind);

/// Where an image goes: a repository, and perhaps a tag.
#[derive(Clone, Debug)]
pub(super) struct Destination {
    pub(super) repository: RepositoryName,
    pub(super) tag: Option<Tag>,
}

impl FromStr for Destination {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        match text.parse()? {
            Written { repository, tag, digest: None } => Ok(Self { repository, tag }),
            Written { .. } => Err("expected REPO or REPO:TAG, without a digest".into()),
        }
    }
}

/// Content of the tree, or the manifest of a reference.
#[derive(Clone, Debug)]
pub(super) enum Content {
    Digest(GivenDigest),
    Reference(Reference),
}

impl FromStr for Content {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        let is_reference = text.contains([':', '@']) && !GivenDigest::is_meant(text);
        if is_reference { Ok(Self::Reference(text.parse()?)) } else { parse_digest(text).map(Self::Digest) }
    }
}

impl Content {
    /// Its digest.
    pub(super) fn resolve(&self, registry: &Registry) -> anyhow::Result<Digest> {
        match self {
            Self::Digest(given) => Ok(reference::content(registry.tree(), given)?),
            Self::Reference(Reference { repository: name, target }) => {
                let repository = registry.repository(name).about(name, None)?;
                Ok(target.resolve(&repository, Shortened::Expand).about(name, None)?.digest)
            }
        }
    }
}
