//! Trees of one's own: filled through the command, damaged by hand.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use regtree::{Digest, Registry};

use super::{Regtree, Run};

/// A registry tree in a temporary directory that is removed with it.
#[derive(Debug)]
pub(crate) struct Scratch {
    directory: tempfile::TempDir,
    now: Option<&'static str>,
}

impl Scratch {
    /// An empty tree, which anybody may read.
    pub(crate) fn new() -> Self {
        let scratch = Self::bare();
        Registry::create(scratch.root()).unwrap();
        scratch
    }

    /// An empty directory.
    pub(crate) fn bare() -> Self {
        let directory = tempfile::tempdir().unwrap();
        // tempfile's own 0700 would keep other users from the tree, whatever its own modes.
        fs::set_permissions(directory.path(), std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
        Self { directory, now: None }
    }

    /// The same, in which it is always that time (RFC 3339) for the command.
    pub(crate) fn at(self, now: &'static str) -> Self {
        Self { now: Some(now), ..self }
    }

    /// The registry's rootdirectory.
    pub(crate) fn root(&self) -> &Path {
        self.directory.path()
    }

    /// `docker/registry/v2`.
    pub(crate) fn v2(&self) -> PathBuf {
        self.root().join("docker/registry/v2")
    }

    /// A path in it, as documents give it: from the root. What is not UTF-8 is replaced.
    pub(crate) fn below_root(&self, path: &Path) -> String {
        path.strip_prefix(self.root()).unwrap().to_string_lossy().into_owned()
    }

    /// A call of the command on this tree.
    pub(crate) fn regtree<A: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = A>) -> Regtree {
        let call = Regtree::at(self.root(), arguments);
        self.now.into_iter().fold(call, Regtree::now)
    }

    /// Runs the command on this tree.
    pub(crate) fn run<A: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = A>) -> Run {
        self.regtree(arguments).run()
    }

    /// Puts a blob through the command, and returns its digest.
    pub(crate) fn put(&self, repository: &str, content: &[u8]) -> Digest {
        self.regtree(["blob", "put", repository]).stdin(content).ok().answer().parse().unwrap()
    }

    /// Where a blob's content lies.
    pub(crate) fn blob(&self, digest: Digest) -> PathBuf {
        let (algorithm, hex) = (algorithm_path(digest), digest.hex());
        self.v2().join(format!("blobs/{algorithm}/{}/{}/data", &hex[..2], &*hex))
    }

    /// Where a repository's link to a blob lies.
    pub(crate) fn link(&self, repository: &str, digest: Digest) -> PathBuf {
        let (algorithm, hex) = (algorithm_path(digest), digest.hex());
        self.repository(repository).join(format!("_layers/{algorithm}/{}/link", &*hex))
    }

    /// A repository's directory.
    pub(crate) fn repository(&self, name: &str) -> PathBuf {
        self.v2().join("repositories").join(name)
    }

    /// Cuts a blob's content off.
    pub(crate) fn truncate(&self, digest: Digest, length: u64) {
        fs::File::options().write(true).open(self.blob(digest)).unwrap().set_len(length).unwrap();
    }

    /// Takes a blob away, with its directory.
    pub(crate) fn lose(&self, digest: Digest) {
        fs::remove_dir_all(self.blob(digest).parent().unwrap()).unwrap();
    }

    /// Takes a repository's link to a blob away, with its directory.
    pub(crate) fn unlink(&self, repository: &str, digest: Digest) {
        fs::remove_dir_all(self.link(repository, digest).parent().unwrap()).unwrap();
    }

    /// Says when a file or directory was changed last.
    pub(crate) fn set_time(path: &Path, time: SystemTime) {
        fs::File::open(path).unwrap().set_times(fs::FileTimes::new().set_modified(time).set_accessed(time)).unwrap();
    }

    /// Makes a file so old, or a directory with all that is in it.
    pub(crate) fn age_all(path: &Path, age: Duration) {
        let time = SystemTime::now() - age;
        walkdir::WalkDir::new(path).into_iter().for_each(|entry| Self::set_time(entry.unwrap().path(), time));
    }

    /// Plants a file, whatever it takes.
    pub(crate) fn plant(path: &Path, content: impl AsRef<[u8]>) {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }

    /// The uploads that are left in a repository.
    pub(crate) fn uploads(&self, repository: &str) -> Vec<PathBuf> {
        match fs::read_dir(self.repository(repository).join("_uploads")) {
            Ok(entries) => entries.map(|entry| entry.unwrap().path()).collect(),
            Err(_) => Vec::new(),
        }
    }
}

/// The directories of an algorithm, `sha256` or `tarsum/v1/sha256`.
fn algorithm_path(digest: Digest) -> String {
    let text = digest.to_string();
    let (algorithm, _) = text.split_once(':').unwrap();
    algorithm.replace("tarsum+", "tarsum/v0/").replace("tarsum.", "tarsum/").replace('+', "/")
}

/// The digest of `content` by an algorithm, computed apart from the code under test.
pub(crate) fn digest_by(algorithm: &str, content: &[u8]) -> Digest {
    use std::io::Write;
    use std::process::{Command, Stdio};

    let mut command = Command::new(format!("{algorithm}sum"));
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(content).unwrap();
    let output = String::from_utf8(child.wait_with_output().unwrap().stdout).unwrap();
    format!("{algorithm}:{}", output.split_whitespace().next().unwrap()).parse().unwrap()
}
