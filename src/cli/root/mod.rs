//! Finds the root, by the first rule that applies.

mod places;
mod registry_config;

use std::fmt;
use std::path::{Path, PathBuf};

pub(super) use places::Places;

use serde_json::{Value, json};

use super::{Exit, Global};
use crate::error::{Error, Result};
use crate::tree::Configuration;

const ROOT_VARIABLE: &str = "REGTREE_ROOT";

/// Where a tree is said to be, by which rule, and what is said about it.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Found {
    pub(super) root: PathBuf,
    pub(super) rule: Rule,
    /// What the registry's configuration says, if one is read.
    pub(super) configuration: Option<Configuration>,
}

/// The rules that say where the root is, in the order in which they are tried.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Rule {
    /// `--root` names it.
    Option,
    /// The registry's configuration that `--registry-config` names.
    RegistryConfig(PathBuf),
    /// `REGTREE_ROOT` names it.
    Environment,
    /// The site's file names it.
    Site(PathBuf),
    /// The registry's configuration in one of the places where registries have it.
    InstalledConfig(PathBuf),
    /// It is the first of a registry's usual directories that exists.
    UsualDirectory,
    /// Nothing says where it is, and no usual directory exists. The first of these is the root.
    Nothing,
}

impl Rule {
    /// Its stable name.
    pub(super) fn name(&self) -> &'static str {
        match self {
            Self::Option => "option",
            Self::RegistryConfig(_) => "registry-config",
            Self::Environment => "environment",
            Self::Site(_) => "site",
            Self::InstalledConfig(_) => "installed-config",
            Self::UsualDirectory => "usual-directory",
            Self::Nothing => "nothing",
        }
    }

    /// The file that names the root, if one does.
    pub(super) fn file(&self) -> Option<&Path> {
        match self {
            Self::RegistryConfig(file) | Self::Site(file) | Self::InstalledConfig(file) => Some(file),
            Self::Option | Self::Environment | Self::UsualDirectory | Self::Nothing => None,
        }
    }
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Option => f.write_str("--root"),
            Self::RegistryConfig(file) => write!(f, "--registry-config {}", file.display()),
            Self::Environment => write!(f, "the environment variable {ROOT_VARIABLE}"),
            Self::Site(file) => write!(f, "root in {}", file.display()),
            Self::InstalledConfig(file) => write!(f, "the registry's configuration {}", file.display()),
            Self::UsualDirectory => f.write_str("the first usual directory that exists"),
            Self::Nothing => f.write_str("no rule: no usual directory exists"),
        }
    }
}

/// The root, by the first rule that applies. This does not check that it is a tree.
///
/// Once a rule leads to a configuration, no later rule is tried. If that configuration can't be used, this is an error,
/// because another tree may be meant than the one that a later rule finds.
pub(super) fn find(global: &Global) -> Result<Found> {
    let alone = |root, rule| Ok(Found { root, rule, configuration: None });
    if let Some(root) = &global.root {
        return alone(root.clone(), Rule::Option);
    }
    if let Some(file) = &global.registry_config {
        return registry_config::read(file, Rule::RegistryConfig(file.clone()));
    }
    if let Some(root) = variable(ROOT_VARIABLE) {
        return alone(root, Rule::Environment);
    }
    if let Some((root, file)) = global.site.root() {
        return alone(root, Rule::Site(file));
    }
    if let Some(file) = global.places.registry_configs().into_iter().find(|file| places::is_there(file)) {
        return registry_config::read(&file, Rule::InstalledConfig(file.clone()));
    }
    let [first, ..] = global.places.roots();
    match global.places.roots().into_iter().find(|root| places::is_there(root)) {
        Some(root) => alone(root, Rule::UsualDirectory),
        None => alone(first, Rule::Nothing),
    }
}

/// Where the root was looked for, in the order of the rules, each with whether its rule applies. The last one decided.
pub(super) fn looked(global: &Global) -> Vec<(String, bool)> {
    let looked = |place: &str, applies| (place.to_owned(), applies);
    let site = global.site.file.clone().unwrap_or_else(|| global.places.site_config());
    let named = [
        looked("--root", global.root.is_some()),
        looked("--registry-config", global.registry_config.is_some()),
        looked(ROOT_VARIABLE, variable(ROOT_VARIABLE).is_some()),
        looked(&site.to_string_lossy(), global.site.root().is_some()),
    ];
    let tried = tried(global).into_iter().map(|path| looked(&path.to_string_lossy(), places::is_there(&path)));
    let all: Vec<_> = named.into_iter().chain(tried).collect();
    let decided = all.iter().position(|(_, applies)| *applies).map_or(all.len(), |at| at + 1);
    all.into_iter().take(decided).collect()
}

/// As [`looked`], for programs.
pub(super) fn looked_document(global: &Global) -> Value {
    looked(global).into_iter().map(|(place, applies)| json!({ "place": place, "applies": applies })).collect()
}

/// Where the root was looked for, for programs, if an error says that there is no tree in it. The error may be about
/// another tree, which was given to the command by itself.
pub(super) fn looked_before(error: &Error, global: &Global) -> Option<Value> {
    let is_of_root = find(global).map_or(true, |found| error.path() == Some(&found.root));
    (Exit::from(error) == Exit::NoTree && is_of_root).then(|| looked_document(global))
}

/// What can be looked for where neither an option nor the environment says where the tree is, in this order.
pub(super) fn tried(global: &Global) -> Vec<PathBuf> {
    global.places.registry_configs().into_iter().chain(global.places.roots()).collect()
}

/// An environment variable that holds a path. An empty one counts as unset.
fn variable(name: &str) -> Option<PathBuf> {
    std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from)
}
