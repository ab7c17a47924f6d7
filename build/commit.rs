// Finds the commit that a directory is a clone or a package of. Git's own files are read, so git need not be installed,
// and nothing is an error: whoever has no clone gets no commit.

use std::fs;
use std::path::{Path, PathBuf};

/// A commit, and the files that say which one it is.
pub(crate) struct Commit {
    pub(crate) id: String,
    #[allow(dead_code, reason = "cargo alone looks at the files")]
    pub(crate) files: Vec<PathBuf>,
}

/// The commit of the project in `directory`, from its clone, or from what cargo writes into a package. A clone above
/// the directory is another project's.
pub(crate) fn of(directory: &Path) -> Option<Commit> {
    of_clone(directory).or_else(|| of_package(directory))
}

fn of_clone(directory: &Path) -> Option<Commit> {
    let git = git_directory(&directory.join(".git"))?;
    let head = git.join("HEAD");
    let text = fs::read_to_string(&head).ok()?;
    let Some(name) = text.trim().strip_prefix("ref: ") else { return commit(text.trim(), vec![head]) };
    // A further worktree has its own HEAD, and shares the branches.
    let shared = fs::read_to_string(git.join("commondir")).map_or_else(|_| git.clone(), |path| git.join(path.trim()));
    let (branch, packed) = (shared.join(name), shared.join("packed-refs"));
    if let Ok(id) = fs::read_to_string(&branch) {
        return commit(id.trim(), vec![head, branch]);
    }
    let lines = fs::read_to_string(&packed).ok()?;
    let id = lines.lines().find_map(|line| line.strip_suffix(name)?.strip_suffix(' '))?;
    commit(id, vec![head, packed])
}

/// `.git` is a directory, or a file that says where that is.
fn git_directory(path: &Path) -> Option<PathBuf> {
    if path.is_dir() {
        return Some(path.to_owned());
    }
    let text = fs::read_to_string(path).ok()?;
    Some(path.parent()?.join(text.trim().strip_prefix("gitdir: ")?))
}

/// `cargo package` notes the commit in a file.
fn of_package(directory: &Path) -> Option<Commit> {
    let file = directory.join(".cargo_vcs_info.json");
    let text = fs::read_to_string(&file).ok()?;
    let (_, rest) = text.split_once("\"sha1\"")?;
    let id = rest.split('"').nth(1)?.to_owned();
    commit(&id, vec![file])
}

fn commit(id: &str, files: Vec<PathBuf>) -> Option<Commit> {
    let is_id = id.len() >= 40 && id.bytes().all(|byte| byte.is_ascii_hexdigit());
    is_id.then(|| Commit { id: id.to_owned(), files })
}
