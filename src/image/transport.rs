//! What skopeo calls a transport: the word before a source.

use std::path::Path;

use crate::error::{Error, Result};

/// The words before something on a disk. What that is shows by itself.
const LOCAL: [&str; 4] = ["oci:", "dir:", "oci-archive:", "docker-archive:"];
/// The words before something that is not on a disk, or not as files that others may read.
const ELSEWHERE: [&str; 5] = ["docker://", "docker-daemon:", "containers-storage:", "https://", "http://"];

/// The path of a source without the word. A path that exists is left as it is. `Err(SourceElsewhere)` where the word says
/// that it is not on a disk.
pub(crate) fn path(source: &Path) -> Result<&Path> {
    let Some(text) = source.to_str().filter(|_| !source.exists()) else { return Ok(source) };
    if ELSEWHERE.iter().any(|word| text.starts_with(word)) {
        return Err(Error::SourceElsewhere { source_name: text.to_owned() });
    }
    let bare = LOCAL.iter().find_map(|word| text.strip_prefix(word)).map(Path::new);
    Ok(bare.filter(|bare| bare.exists()).unwrap_or(source))
}
