//! What to do about an error: a command that can be pasted.

use std::borrow::Cow;
use std::path::Path;

use super::Global;
use crate::error::Error;

/// The hint that goes with `error`, if there is a good one.
pub(super) fn of(error: &Error, global: &Global) -> Option<String> {
    let regtree = command(global);
    let hint = match error {
        Error::NotATree { path, .. } => {
            format!("to make a new, empty tree there: regtree init {}", quote_path(path))
        }
        Error::RepositoryUnknown { .. } => format!("{regtree} repo list"),
        Error::BlobUnknown { digest, content: true, .. } => {
            format!("its content exists; to see who has it: {regtree} blob stat --all-repos {digest}")
        }
        Error::BlobUnknown { repository, .. } => format!("{regtree} blob list {repository}"),
        Error::ContentMissing { repository, digest, .. } => {
            format!("to put the content back: {regtree} blob put {repository} FILE --digest {digest}")
        }
        Error::BrokenLink { repository, digest, .. } if !digest.is_tarsum() => {
            format!("to mend the link, put the content again: {regtree} blob put {repository} FILE --digest {digest}")
        }
        Error::Corrupt { repository, expected, .. } => format!(
            "to heal it, put the right content again: \
             {regtree} blob put {repository} FILE --digest {expected} --verify-existing"
        ),
        Error::Locked { .. } => "wait for it with --wait-lock 30s".to_owned(),
        _ => return None,
    };
    Some(hint)
}

/// The command as it was called, as far as it says where the tree is.
fn command(global: &Global) -> String {
    let mut command = "regtree".to_owned();
    for (option, value) in [("--root", &global.root), ("--registry-config", &global.registry_config)] {
        if let Some(path) = value {
            command.extend([" ", option, " ", &*quote_path(path)]);
        }
    }
    command
}

/// A path as a shell takes it.
pub(super) fn quote_path(path: &Path) -> Cow<'_, str> {
    let text = path.to_string_lossy();
    let plain = |c: char| c.is_ascii_alphanumeric() || "/._-+=:@,%".contains(c);
    if !text.is_empty() && text.chars().all(plain) {
        return text;
    }
    format!("'{}'", text.replace('\'', r"'\''")).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_survive_a_shell() {
        for (path, quoted) in [("/var/lib/registry", "/var/lib/registry"), ("a b", "'a b'"), ("it's", r"'it'\''s'")] {
            assert_eq!(quote_path(Path::new(path)), quoted);
        }
    }
}
