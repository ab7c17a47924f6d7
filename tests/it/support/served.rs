//! `regtree serve`, run for a test.

use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Child, ChildStderr, Command, Stdio};

use super::peers::{Reply, request};
use super::running::signal;
use super::schema;

/// A running server, stopped when dropped.
#[derive(Debug)]
pub(crate) struct Served {
    child: Child,
    address: String,
    /// The first line of its answer.
    listening: String,
    stderr: Option<BufReader<ChildStderr>>,
}

impl Served {
    /// Serves the tree in `root` on a free port.
    pub(crate) fn serve(root: &Path) -> Self {
        Self::serve_with(root, &[])
    }

    /// Serves the tree in `root` on a free port, with more arguments.
    pub(crate) fn serve_with(root: &Path, more: &[&str]) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_regtree"));
        command.args(["serve", "--listen", "127.0.0.1:0", "--root"]).arg(root).args(more);
        Self::start(command)
    }

    /// Runs a command that ends as `regtree serve` on a free port.
    pub(crate) fn start(mut command: Command) -> Self {
        Self::try_start(&mut command).unwrap_or_else(|(code, said)| panic!("it does not listen ({code:?}): {said}"))
    }

    /// The same. `Err` has the exit code and what it said, where it does not listen.
    pub(crate) fn try_start(command: &mut Command) -> Result<Self, (Option<i32>, String)> {
        let command = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let mut first = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut first).unwrap();
        let stderr = child.stderr.take().map(BufReader::new);
        let mut served = Self { child, address: first.trim().to_owned(), listening: first.clone(), stderr };
        if first.starts_with('{') {
            schema::check_document("serve", first.trim());
            let listening: serde_json::Value = serde_json::from_str(&first).unwrap();
            listening["address"].as_str().unwrap().clone_into(&mut served.address);
        }
        if !served.address.is_empty() {
            return Ok(served);
        }
        let said = served.said();
        Err((served.exit(), said))
    }

    /// `127.0.0.1:port`.
    pub(crate) fn address(&self) -> &str {
        &self.address
    }

    /// The first line that it prints.
    pub(crate) fn listening(&self) -> &str {
        &self.listening
    }

    /// The process.
    pub(crate) fn child(&self) -> &Child {
        &self.child
    }

    pub(crate) fn get(&self, path: &str) -> Reply {
        self.request("GET", path, &[])
    }

    pub(crate) fn head(&self, path: &str) -> Reply {
        self.request("HEAD", path, &[])
    }

    pub(crate) fn request(&self, method: &str, path: &str, headers: &[(&str, &str)]) -> Reply {
        request(&self.address, method, path, headers, b"")
    }

    /// Stops it by SIGTERM, and returns what it [said](Self::ended).
    pub(crate) fn stop(self) -> String {
        signal(&self.child, "-TERM");
        self.ended()
    }

    /// Waits until it ends, and returns its exit code.
    pub(crate) fn exit(mut self) -> Option<i32> {
        self.child.wait().unwrap().code()
    }

    /// Waits until it ends, which must be well, and returns what it said on stderr.
    pub(crate) fn ended(mut self) -> String {
        let said = self.said();
        assert_eq!(self.child.wait().unwrap().code(), Some(0), "{said}");
        said
    }

    fn said(&mut self) -> String {
        let mut said = String::new();
        self.stderr.take().unwrap().read_to_string(&mut said).unwrap();
        said
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}
