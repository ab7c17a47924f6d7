//! The places where registries are installed: their configurations and their directories.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

/// Where registry 3, and registry 2 and Debian's docker-registry, have their configuration.
const REGISTRY_CONFIGS: [&str; 2] = ["etc/distribution/config.yml", "etc/docker/registry/config.yml"];
/// The rootdirectory of the registry, and of Debian's docker-registry.
const ROOTS: [&str; 2] = ["var/lib/registry", "var/lib/docker-registry"];
/// What the site sets for all users of regtree.
const SITE_CONFIG: &str = "etc/regtree.toml";

/// Where a machine has what is in the same place on every machine. Tests choose another directory than `/`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in super::super) struct Places {
    base: PathBuf,
}

impl Default for Places {
    fn default() -> Self {
        Self::below("/")
    }
}

impl Places {
    pub(in super::super) fn below(base: impl Into<PathBuf>) -> Self {
        Self { base: base.into() }
    }

    /// What the site sets for all users of regtree.
    pub(in super::super) fn site_config(&self) -> PathBuf {
        self.base.join(SITE_CONFIG)
    }

    /// The registry's configurations, in the order in which they are looked for.
    pub(super) fn registry_configs(&self) -> [PathBuf; 2] {
        REGISTRY_CONFIGS.map(|path| self.base.join(path))
    }

    /// The registry's usual directories, in the order in which they are looked for.
    pub(super) fn roots(&self) -> [PathBuf; 2] {
        ROOTS.map(|path| self.base.join(path))
    }
}

/// Whether something is there, or can't be looked at: then it must not be passed over. A symbolic link is there even if
/// it leads to a disk that is not mounted.
pub(super) fn is_there(path: &Path) -> bool {
    let found = path.symlink_metadata();
    found.map_or_else(|error| !matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory), |_| true)
}
