//! Uploads that are worked on twice, killed, interrupted or changed behind our back, and what they cost to read.

mod again;
mod failure;
mod kill;
mod lock;
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
        self.hanging_call(&self.upload("resume"), content)
    }

    /// The same of another call that takes content in.
    fn hanging_call(&self, call: &Regtree, content: &[u8]) -> Child {
        let before = fs::metadata(self.data()).unwrap().len();
        let mut command = call.command();
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        child.stdin.as_mut().unwrap().write_all(content).unwrap();
        self.await_length(before + content.len() as u64);
        child
    }

    #[track_caller]
    fn await_length(&self, length: u64) {
        wait_for("the bytes do not arrive", || fs::metadata(self.data()).unwrap().len() == length);
    }

    /// Removes what regtree itself knows of uploads.
    fn forget_record(&self) {
        let records = self.scratch.root().join(".regtree/uploads");
        // There are none where nothing can be proven.
        assert!(fs::remove_dir_all(records).is_ok() || !self.is_provable());
    }

    /// The records that regtree keeps of uploads.
    fn records(&self) -> Vec<PathBuf> {
        let directories = ["uploads", "commits"].map(|kind| self.scratch.root().join(".regtree").join(kind));
        let found = directories.iter().filter_map(|directory| fs::read_dir(directory).ok());
        found.flatten().map(|entry| entry.unwrap().path()).collect()
    }

    /// Whether it can be told here who else has a file open: on local file systems, an overlay not among them.
    fn is_provable(&self) -> bool {
        const LOCAL: [u32; 6] = [0xef53, 0x5846_5342, 0x9123_683e, 0xf2f5_2010, 0x2fc1_2fc1, 0x0102_1994];
        let kind = rustix::fs::statfs(self.scratch.root()).unwrap().f_type;
        LOCAL.iter().any(|local| u32::try_from(kind) == Ok(*local))
    }
}

#[track_caller]
fn wait_for(otherwise: &str, mut condition: impl FnMut() -> bool) {
    let begin = Instant::now();
    while !condition() {
        assert!(begin.elapsed() < Duration::from_secs(30), "{otherwise}");
        thread::sleep(Duration::from_millis(5));
    }
}
