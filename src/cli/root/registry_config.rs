//! Reads the registry's own configuration: which root it names, and what else it says about the tree.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use saphyr::{LoadableYamlNode, Yaml};
use saphyr_parser::{Event, Parser};

use super::{Found, Rule, variable};
use crate::count::bytes;
use crate::error::{Error, Result};
use crate::tree::Configuration;

/// The root where a configuration names the file system driver, and no directory.
const DEFAULT: &str = "/var/lib/registry";
/// The largest configuration that is read, in bytes, and how deep it may be nested. Real ones have a few KB and 5 levels.
const CONFIG_MAX: u64 = 1024 * 1024;
const DEPTH_MAX: usize = 64;
/// The variable that overrides the configuration's rootdirectory for the registry, and so for regtree.
const REGISTRY_VARIABLE: &str = "REGISTRY_STORAGE_FILESYSTEM_ROOTDIRECTORY";
/// The variable that overrides `proxy.remoteurl` in the same way.
const PROXY_VARIABLE: &str = "REGISTRY_PROXY_REMOTEURL";
/// The realm that Harbor sets for its registry.
const HARBOR_REALM: &str = "harbor-registry-basic-realm";
/// The sections below `storage` that are not drivers.
const NO_DRIVERS: [&str; 5] = ["cache", "delete", "maintenance", "redirect", "tag"];

/// What the environment sets in place of the configuration.
#[derive(Clone, Debug, Default)]
struct Overriding {
    root: Option<PathBuf>,
    upstream: Option<PathBuf>,
}

impl Overriding {
    fn read() -> Self {
        Self { root: variable(REGISTRY_VARIABLE), upstream: variable(PROXY_VARIABLE) }
    }
}

/// Reads the registry's configuration in `path`, which `rule` led to. `Err(Configuration)` when it is not one, or its
/// storage is not a file system.
pub(super) fn read(path: &Path, rule: Rule) -> Result<Found> {
    read_with(path, rule, &Overriding::read())
}

fn read_with(path: &Path, rule: Rule, overriding: &Overriding) -> Result<Found> {
    let unusable = |reason: String| Error::Configuration { path: path.to_owned(), reason };
    let mut text = String::new();
    let file = File::open(path).and_then(|file| file.take(CONFIG_MAX + 1).read_to_string(&mut text));
    file.map_err(|error| Error::io("read", path, error))?;
    if text.len() as u64 > CONFIG_MAX {
        return Err(unusable(format!("it has more than {}", bytes(CONFIG_MAX))));
    }
    check_depth(&text).map_err(unusable)?;
    let documents = Yaml::load_from_str(&text).map_err(|error| unusable(format!("it is not YAML: {error}")))?;
    let document = documents.first();
    let storage = document.and_then(|document| document.as_mapping_get("storage"));
    let in_file = storage.map_or(Ok(None), |storage| rootdirectory(storage).map_err(unusable))?;
    let root = match (&overriding.root, storage) {
        (Some(root), _) => root.clone(),
        (None, Some(_)) => in_file.unwrap_or_else(|| DEFAULT.into()),
        (None, None) => return Err(unusable("it has no storage section".to_owned())),
    };
    let configuration = Configuration {
        is_cache: overriding.upstream.is_some() || document.is_some_and(has_upstream),
        is_sparse: document.is_some_and(is_sparse),
        is_harbor: document.is_some_and(is_harbor),
    };
    Ok(Found { root, rule, configuration: Some(configuration) })
}

/// Whether `proxy.remoteurl` names a registry to fetch from.
fn has_upstream(document: &Yaml<'_>) -> bool {
    let url = document.as_mapping_get("proxy").and_then(|proxy| proxy.as_mapping_get("remoteurl"));
    url.and_then(|url| url.as_str()).is_some_and(|url| !url.is_empty())
}

/// Whether `validation.manifests.indexes.platforms` lets children of an index be missing: all, or those of platforms that
/// are not listed.
fn is_sparse(document: &Yaml<'_>) -> bool {
    let keys = ["validation", "manifests", "indexes", "platforms"];
    let platforms = keys.into_iter().try_fold(document, |section, key| section.as_mapping_get(key));
    platforms.and_then(|platforms| platforms.as_str()).is_some_and(|checks| matches!(checks, "none" | "list"))
}

/// Whether a way to log in has the realm that Harbor sets.
fn is_harbor(document: &Yaml<'_>) -> bool {
    let ways = document.as_mapping_get("auth").and_then(|ways| ways.as_mapping());
    let realm = |way: &Yaml<'_>| way.as_mapping_get("realm").and_then(|realm| realm.as_str()) == Some(HARBOR_REALM);
    ways.is_some_and(|ways| ways.values().any(realm))
}

/// Checks how deep the collections of a YAML text are nested. What reads it into memory calls itself for each level.
fn check_depth(text: &str) -> std::result::Result<(), String> {
    let mut depth = 0_usize;
    for event in Parser::new_from_str(text) {
        match event.map_err(|error| format!("it is not YAML: {error}"))?.0 {
            Event::SequenceStart(..) | Event::MappingStart(..) => depth += 1,
            Event::SequenceEnd | Event::MappingEnd => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth > DEPTH_MAX {
            return Err(format!("it is nested more than {DEPTH_MAX} levels deep"));
        }
    }
    Ok(())
}

/// `storage.filesystem.rootdirectory`; `None` where the file system driver is named without one.
fn rootdirectory(storage: &Yaml<'_>) -> std::result::Result<Option<PathBuf>, String> {
    let no_file_system =
        |driver: &str| format!("its storage driver is {driver:?}, and regtree works on \"filesystem\" only");
    if let Some(driver) = storage.as_str() {
        return if driver == "filesystem" { Ok(None) } else { Err(no_file_system(driver)) };
    }
    let Some(sections) = storage.as_mapping() else {
        return Err("its storage section is not a mapping".to_owned());
    };
    let drivers = sections.keys().filter_map(|key| key.as_str()).filter(|key| !NO_DRIVERS.contains(key));
    if let Some(driver) = drivers.into_iter().find(|driver| *driver != "filesystem") {
        return Err(no_file_system(driver));
    }
    let Some(filesystem) = storage.as_mapping_get("filesystem") else {
        return Err("its storage section names no driver".to_owned());
    };
    match filesystem.as_mapping_get("rootdirectory") {
        None => Ok(None),
        Some(value) if value.is_null() => Ok(None),
        Some(value) => match value.as_str() {
            Some(root) if !root.is_empty() => Ok(Some(root.into())),
            _ => Err("its storage.filesystem.rootdirectory is not a path".to_owned()),
        },
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, clippy::disallowed_methods, reason = "a test may")]
mod tests {
    use super::*;

    fn read(text: &str, overriding: &Overriding) -> Result<Found> {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("config.yml");
        std::fs::write(&file, text).unwrap();
        read_with(&file, Rule::Option, overriding)
    }

    #[test]
    fn the_registrys_own_configuration_says_where() {
        let debian =
            "version: 0.1\nstorage:\n  filesystem:\n    rootdirectory: /srv/registry\n  delete:\n    enabled: true\n";
        let over = Overriding { root: Some("/over".into()), upstream: None };
        for (text, root) in [
            (debian, "/srv/registry"),
            ("storage: {filesystem: {rootdirectory: '/a b', maxthreads: 100}}", "/a b"),
            ("storage:\n  filesystem:\n  cache: {blobdescriptor: inmemory}\n", DEFAULT),
            ("storage:\n  filesystem: {}\n", DEFAULT),
            ("storage: filesystem\n", DEFAULT),
        ] {
            assert_eq!(read(text, &Overriding::default()).unwrap().root, Path::new(root), "{text}");
            assert_eq!(read(text, &over).unwrap().root, Path::new("/over"), "{text}");
        }
        assert_eq!(read("version: 0.1\n", &over).unwrap().root, Path::new("/over"));
    }

    #[test]
    fn the_configuration_says_what_the_registry_is() {
        let configuration = |more: &str, overriding: &Overriding| {
            read(&format!("storage: filesystem\n{more}\n"), overriding).unwrap().configuration.unwrap()
        };
        let none = Overriding::default();
        let platforms = |checks: &str| format!("validation: {{manifests: {{indexes: {{platforms: {checks}}}}}}}");
        for (more, is_cache, is_sparse, is_harbor) in [
            ("", false, false, false),
            ("proxy:\n  remoteurl: https://registry-1.docker.io\n  username: me", true, false, false),
            ("proxy: {remoteurl: ''}", false, false, false),
            ("proxy:", false, false, false),
            ("proxy: on", false, false, false),
            (&platforms("none"), false, true, false),
            (&platforms("list"), false, true, false),
            (&platforms("all"), false, false, false),
            ("validation: {manifests: none}", false, false, false),
            ("auth: {htpasswd: {realm: harbor-registry-basic-realm, path: /etc/registry/passwd}}", false, false, true),
            ("auth: {htpasswd: {realm: basic-realm}}", false, false, false),
            ("auth: none", false, false, false),
        ] {
            assert_eq!(configuration(more, &none), Configuration { is_cache, is_sparse, is_harbor }, "{more}");
        }
        let upstream = Overriding { upstream: Some("https://mirror".into()), root: None };
        assert!(configuration("", &upstream).is_cache);
    }
}
