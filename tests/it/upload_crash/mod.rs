//! Uploads that are worked on twice, killed, interrupted or changed behind our back, and what they cost to read.

mod failure;
mod kill;
mod order;
mod others;
mod reading;

use std::fs;
use std::io::Write;
use std::path::PathBuf;
use std::process::{Child, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use regtree::Digest;

use crate::support::{Regtree, Scratch, assert_sound};

const REPOSITORY: &str = "lib/app";

/// Content of a length, the same each time.
fn content(length: usize) -> Vec<u8> {
    (0..length).map(|i| u8::try_from((i * 7 + i / 251) % 256).unwrap()).collect()
}

/// An upload of its own tree.
struct Session {
    scratch: Scratch,
    id: String,
}

impl Session {
    fn start() -> Self {
        let scratch = Scratch::new();
        let id = scratch.run(["upload", "start", REPOSITORY]).code(0).answer();
        Self { scratch, id }
    }

    /// One that has received this.
    fn with(content: &[u8]) -> Self {
        let session = Self::start();
        session.upload("resume").stdin(content).ok();
        session
    }

    /// `regtree upload VERB REPOSITORY ID`.
    fn upload(&self, verb: &str) -> Regtree {
        self.scratch.regtree(["upload", verb, REPOSITORY, &self.id])
    }

    fn commit(&self, digest: Digest) -> Regtree {
        self.upload("commit").with(["--digest", &digest.to_string()])
    }

    fn directory(&self) -> PathBuf {
        self.scratch.repository(REPOSITORY).join("_uploads").join(&self.id)
    }

    fn data(&self) -> PathBuf {
        self.directory().join("data")
    }

    /// What it has, which status must agree with.
    #[track_caller]
    fn received(&self) -> Vec<u8> {
        let data = fs::read(self.data()).unwrap();
        let status = self.upload("status").with(["--json"]).ok().json();
        assert_eq!(status["size"], data.len(), "{status}");
        data
    }

    #[track_caller]
    fn assert_stored(&self, digest: Digest, content: &[u8]) {
        let get = self.scratch.run(["blob", "get", REPOSITORY, &digest.to_string()]).code(0);
        assert!(get.bytes() == content, "{} bytes", get.bytes().len());
        assert_sound(&self.scratch);
    }

    /// Starts a resume that has taken in `content` and waits for more.
    fn hanging(&self, content: &[u8]) -> Child {
        let before = fs::metadata(self.data()).unwrap().len();
        let mut command = self.upload("resume").command();
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        child.stdin.as_mut().unwrap().write_all(content).unwrap();
        let begin = Instant::now();
        while fs::metadata(self.data()).unwrap().len() != before + content.len() as u64 {
            assert!(begin.elapsed() < Duration::from_secs(30), "the bytes do not arrive");
            thread::sleep(Duration::from_millis(5));
        }
        child
    }

    /// Removes what regtree itself knows of uploads.
    fn forget_record(&self) {
        fs::remove_dir_all(self.scratch.root().join(".regtree/uploads")).unwrap();
    }
}
