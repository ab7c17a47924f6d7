//! What a directory holds, to see whether it changed.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// Every path below `root`, with kind, mode, owner and content. Times are left out.
pub(crate) fn snapshot(root: &Path) -> BTreeMap<PathBuf, String> {
    let mut found = BTreeMap::new();
    for entry in walkdir::WalkDir::new(root) {
        let entry = entry.unwrap();
        let metadata = fs::symlink_metadata(entry.path()).unwrap();
        let content = if metadata.is_file() {
            format!("{:?}", regtree::Digest::of(&fs::read(entry.path()).unwrap()))
        } else if metadata.is_symlink() {
            fs::read_link(entry.path()).unwrap().display().to_string()
        } else {
            String::new()
        };
        let owner = (metadata.uid(), metadata.gid());
        let path = entry.path().strip_prefix(root).unwrap().to_owned();
        found.insert(path, format!("{:o} {owner:?} {content}", metadata.mode()));
    }
    found
}
