//! Decides which repository and tag an image of a source gets.
//!
//! Sources name images in their own ways: regtree notes the exact repository, containerd and buildx a whole reference
//! with a host, skopeo and podman often a tag alone.

use std::str::FromStr;

use super::layout::Entry;
use crate::digest::Digest;
use crate::error::{Error, Result};
use crate::name::{RepositoryName, Tag};
use crate::pattern::Patterns;

/// The tag of a reference that has none, as for docker.
const DEFAULT_TAG: &str = "latest";
/// Docker's own registry, whose images of one component belong to `library`.
const DOCKER_HOSTS: [&str; 2] = ["docker.io", "index.docker.io"];
const DOCKER_LIBRARY: &str = "library";

/// How to name what is imported.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Names {
    /// The repository of all images, whatever the source calls them.
    pub repository: Option<RepositoryName>,
    /// The tag of the one image, whatever the source calls it.
    pub tag: Option<Tag>,
    /// Whether the host of a reference is kept, as the first component.
    pub keep_host: bool,
    /// Repositories that get another name. The first that fits counts.
    pub renames: Vec<Rename>,
    /// What is put in front of every repository.
    pub prefix: Option<RepositoryName>,
    /// The repositories to import, by the names that the source gives them.
    pub only: Patterns,
}

/// A repository, with those below it, that gets another name: `FROM=TO`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rename {
    from: RepositoryName,
    to: RepositoryName,
}

/// Why a text is not a [`Rename`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected FROM=TO, both repository names")]
pub struct RenameError;

impl FromStr for Rename {
    type Err = RenameError;

    fn from_str(text: &str) -> Result<Self, RenameError> {
        let (from, to) = text.split_once('=').ok_or(RenameError)?;
        let name = |text: &str| text.parse::<RepositoryName>().map_err(|_| RenameError);
        Ok(Self { from: name(from)?, to: name(to)? })
    }
}

impl Rename {
    fn apply(&self, name: &str) -> Option<String> {
        let rest = name.strip_prefix(self.from.as_str())?;
        (rest.is_empty() || rest.starts_with('/')).then(|| format!("{}{rest}", self.to))
    }
}

/// The repository and the tag that an image gets.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Name {
    pub(super) repository: RepositoryName,
    /// `None` for a manifest without a tag.
    pub(super) tag: Option<Tag>,
}

impl std::fmt::Display for Name {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.repository)?;
        self.tag.as_ref().map_or(Ok(()), |tag| write!(f, ":{tag}"))
    }
}

/// What a source says of an image's name.
#[derive(Debug, Default, PartialEq, Eq)]
struct Said {
    repository: Option<String>,
    tag: Option<String>,
}

impl Names {
    /// The name of an entry; `None` when it is not among those to import.
    ///
    /// `Err(ImageUnnamed)` when nothing names its repository, `Err(SourceInvalid)` when its name is none that a
    /// registry stores.
    pub(super) fn of(&self, entry: &Entry, source: &std::path::Path) -> Result<Option<Name>> {
        let said = self.said(entry);
        let invalid = |reason: String| super::invalid(source, format!("image {}", entry.digest), reason);
        let repository = match (&self.repository, said.repository) {
            (Some(repository), _) => repository.clone(),
            (None, Some(text)) => {
                text.parse().map_err(|error| invalid(format!("{text:?} is not a repository name: {error}")))?
            }
            (None, None) => {
                return Err(Error::ImageUnnamed { path: source.to_owned(), digest: entry.digest, tag: said.tag });
            }
        };
        if !self.only.is_match(repository.as_str()) {
            return Ok(None);
        }
        let tag = match (&self.tag, said.tag) {
            (Some(tag), _) => Some(tag.clone()),
            (None, None) => None,
            (None, Some(text)) => {
                Some(text.parse().map_err(|error| invalid(format!("{text:?} is not a tag: {error}")))?)
            }
        };
        let renamed = self.renames.iter().find_map(|rename| rename.apply(repository.as_str()));
        let name = renamed.unwrap_or_else(|| repository.to_string());
        let name = self.prefix.as_ref().map_or_else(|| name.clone(), |prefix| format!("{prefix}/{name}"));
        let repository =
            name.parse().map_err(|error| invalid(format!("{name:?} is not a repository name: {error}")))?;
        Ok(Some(Name { repository, tag }))
    }

    fn said(&self, entry: &Entry) -> Said {
        if let Some(repository) = &entry.own_repository {
            let tag = entry.ref_name.as_deref().and_then(|name| name.strip_prefix(&**repository)?.strip_prefix(':'));
            return Said { repository: Some(repository.clone()), tag: tag.map(str::to_owned) };
        }
        match (&entry.containerd_name, &entry.ref_name) {
            (Some(reference), _) => self.parse(reference),
            // A tag has neither of these; image-spec allows both forms.
            (None, Some(name)) if name.contains(['/', ':', '@']) => self.parse(name),
            (None, Some(tag)) => Said { repository: None, tag: Some(tag.clone()) },
            (None, None) => Said::default(),
        }
    }

    /// Takes a reference apart, `[HOST[:PORT]/]NAME[:TAG][@DIGEST]`.
    fn parse(&self, reference: &str) -> Said {
        let (name, digest) = match reference.split_once('@') {
            Some((name, digest)) => (name, digest.parse::<Digest>().ok()),
            None => (reference, None),
        };
        let (name, tag) = match name.rsplit_once(':') {
            Some((name, tag)) if !tag.contains('/') => (name, Some(tag)),
            _ => (name, None),
        };
        let tag = tag.or_else(|| digest.is_none().then_some(DEFAULT_TAG)).map(str::to_owned);
        Said { repository: Some(self.without_host(name)), tag }
    }

    fn without_host(&self, name: &str) -> String {
        let Some((host, rest)) = name.split_once('/') else { return name.to_owned() };
        let is_host = host.contains(['.', ':']) || host == "localhost";
        if !is_host {
            return name.to_owned();
        }
        let rest = if DOCKER_HOSTS.contains(&host) && !rest.contains('/') {
            format!("{DOCKER_LIBRARY}/{rest}")
        } else {
            rest.to_owned()
        };
        if self.keep_host { format!("{host}/{rest}") } else { rest }
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test may")]
mod tests {
    use std::path::Path;

    use super::*;

    fn entry(containerd: Option<&str>, ref_name: Option<&str>, own: Option<&str>) -> Entry {
        Entry {
            containerd_name: containerd.map(str::to_owned),
            ref_name: ref_name.map(str::to_owned),
            own_repository: own.map(str::to_owned),
            ..Entry::new(Digest::of(b""), 0)
        }
    }

    fn text(names: &Names, entry: &Entry) -> String {
        match names.of(entry, Path::new("source")) {
            Ok(Some(Name { repository, tag: Some(tag) })) => format!("{repository}:{tag}"),
            Ok(Some(Name { repository, tag: None })) => repository.to_string(),
            Ok(None) => "skipped".to_owned(),
            Err(error) => error.to_string(),
        }
    }

    #[test]
    fn a_host_is_dropped_only_if_it_is_one() {
        for (said, expected) in [
            ("docker.io/nginx:1", "library/nginx:1"),
            ("docker.io/library/nginx:1", "library/nginx:1"),
            ("index.docker.io/nginx", "library/nginx:latest"),
            ("quay.io/team/app:v1", "team/app:v1"),
            ("localhost/app:v1", "app:v1"),
            ("localhost:5000/app", "app:latest"),
            ("team/app:v1", "team/app:v1"),
            ("app:v1", "app:v1"),
            ("registry/app:v1", "registry/app:v1"),
        ] {
            assert_eq!(text(&Names::default(), &entry(Some(said), None, None)), expected, "{said}");
            assert_eq!(text(&Names::default(), &entry(None, Some(said), None)), expected, "{said}");
        }
        let digest = Digest::of(b"x");
        let named = entry(Some(&format!("quay.io/app@{digest}")), None, None);
        assert_eq!(text(&Names::default(), &named), "app");
        let keep = Names { keep_host: true, ..Names::default() };
        assert_eq!(text(&keep, &entry(Some("docker.io/nginx:1"), None, None)), "docker.io/library/nginx:1");
        let port = text(&keep, &entry(Some("localhost:5000/app:1"), None, None));
        assert!(port.contains("not a repository name"), "{port}");
    }

    #[test]
    fn a_tag_alone_wants_a_repository() {
        let tagged = entry(None, Some("v1"), None);
        assert!(matches!(Names::default().of(&tagged, Path::new("s")), Err(Error::ImageUnnamed { .. })));
        let names = Names { repository: Some("team/app".parse().unwrap()), ..Names::default() };
        assert_eq!(text(&names, &tagged), "team/app:v1");
        assert_eq!(text(&names, &entry(None, None, None)), "team/app");
        let names = Names { tag: Some("v2".parse().unwrap()), ..names };
        assert_eq!(text(&names, &tagged), "team/app:v2");
    }

    #[test]
    fn what_regtree_exported_keeps_its_repository() {
        // The host would be dropped, were it not ours.
        let own = entry(None, Some("docker.io/nginx:v1"), Some("docker.io/nginx"));
        assert_eq!(text(&Names::default(), &own), "docker.io/nginx:v1");
        assert_eq!(text(&Names::default(), &entry(None, None, Some("a/b"))), "a/b");
    }

    #[test]
    fn repositories_are_chosen_renamed_and_prefixed() {
        let names = Names {
            only: vec!["team/**".parse().unwrap()].into(),
            renames: vec!["team/app=apps".parse().unwrap()],
            prefix: Some("mirror".parse().unwrap()),
            ..Names::default()
        };
        for (said, expected) in [
            ("team/app:1", "mirror/apps:1"),
            ("team/app/sub:1", "mirror/apps/sub:1"),
            ("team/apple:1", "mirror/team/apple:1"),
            ("other/app:1", "skipped"),
        ] {
            assert_eq!(text(&names, &entry(None, Some(said), None)), expected);
        }
        assert!("team".parse::<Rename>().is_err() && "a=B c".parse::<Rename>().is_err());
    }
}
