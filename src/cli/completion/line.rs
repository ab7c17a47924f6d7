//! What the line says so far: which tree is meant, and which repository in it.

use std::ffi::OsString;

use clap::{ArgMatches, FromArgMatches};

use crate::cli::site::Site;
use crate::cli::test_settings::TestSettings;
use crate::cli::{Global, root, threads};
use crate::name::RepositoryName;
use crate::registry::Registry;
use crate::repository::Repository;

/// The line up to the word that is completed.
pub(super) struct Line {
    pub(super) registry: Registry,
    repository: Option<RepositoryName>,
    /// Whether the command works on blobs, so that a digest is a blob's.
    pub(super) is_of_blobs: bool,
}

impl Line {
    /// Reads the line, which need not be a whole command. `None` where no tree can be opened.
    pub(super) fn read(before: &[OsString]) -> Option<Self> {
        let found = crate::cli::command().ignore_errors(true).try_get_matches_from(before).ok()?;
        let mut global = Global::from_arg_matches(&found).ok()?;
        global.places = TestSettings::read().ok()?.places;
        global.site = Site::read(&global.places).ok()?;
        let root = root::find(&global).ok()?.root;
        threads::start(global.site.jobs());
        let registry = Registry::open(root).ok()?;
        let is_of_blobs = found.subcommand_name() == Some("blob");
        Some(Self { registry, repository: repository(innermost(&found)), is_of_blobs })
    }

    /// The repository that the line names.
    pub(super) fn repository(&self) -> Option<Repository<'_>> {
        self.repository.clone().map(|name| Repository::new(self.registry.tree(), name))
    }
}

fn innermost(found: &ArgMatches) -> &ArgMatches {
    found.subcommand().map_or(found, |(_, inner)| innermost(inner))
}

/// The argument `repository`, alone or at the beginning of a reference.
fn repository(found: &ArgMatches) -> Option<RepositoryName> {
    let text = found.try_get_raw("repository").ok()??.next()?.to_str()?;
    text.split([':', '@']).next()?.parse().ok()
}
