//! The peers: Debian's `docker-registry` on a free loopback port, `skopeo`, `umoci`, `podman`, `buildah`, `curl`, and
//! plain HTTP.

use std::fs;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use regtree::Digest;

use super::mounted::NAMESPACES;

/// How long a registry may take to listen: it shares two cores with all other tests.
const PATIENCE: Duration = Duration::from_mins(1);
const CONFIGURATION: &str = "config.yml";
/// What it signs the states of uploads with.
const SECRET: &str = "rosebud";

/// A running registry, stopped when dropped.
#[derive(Debug)]
pub(crate) struct DockerRegistry {
    child: Child,
    port: u16,
    config: tempfile::TempDir,
}

/// An HTTP reply.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) headers: ureq::http::HeaderMap,
    pub(crate) body: Vec<u8>,
}

impl Reply {
    /// A header's text.
    pub(crate) fn header(&self, name: &str) -> String {
        self.headers.get(name).map(|value| value.to_str().unwrap().to_owned()).unwrap_or_default()
    }
}

/// A port that is free now, and that no other test of this process gets. Another process may be quicker, which is why a
/// registry that ends at once is started again.
///
/// It is below those that the kernel gives to clients: one of these would take it before the registry does.
fn free_port() -> u16 {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let mut ports = std::iter::repeat_with(|| {
        let number = std::process::id() + NEXT.fetch_add(1, Ordering::Relaxed);
        u16::try_from(12_000 + number % 20_000).unwrap()
    });
    ports.find(|port| TcpListener::bind((Ipv4Addr::LOCALHOST, *port)).is_ok()).unwrap()
}

/// Whether a registry answers there. Another test process may listen for a moment, to see whether the port is free.
fn is_served(port: u16) -> bool {
    let ask = || -> std::io::Result<Vec<u8>> {
        let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port))?;
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.write_all(b"GET /v2/ HTTP/1.0\r\n\r\n")?;
        let mut begin = Vec::new();
        stream.take(5).read_to_end(&mut begin)?;
        Ok(begin)
    };
    // Where nobody listens, a client may be given the very port that it connects to, and meet itself.
    ask().is_ok_and(|begin| begin == b"HTTP/")
}

impl DockerRegistry {
    /// Serves the tree in `root`.
    pub(crate) fn serve(root: &Path) -> Self {
        Self::serve_behind(&[], root)
    }

    /// Serves the tree in `root`, with more in its configuration.
    pub(crate) fn serve_configured(root: &Path, more: &str) -> Self {
        Self::bring_up(&[], root, more)
    }

    /// Serves the tree in `root`, behind another command, such as `setpriv`.
    pub(crate) fn serve_behind(prefix: &[&str], root: &Path) -> Self {
        Self::bring_up(prefix, root, "")
    }

    fn bring_up(prefix: &[&str], root: &Path, more: &str) -> Self {
        for _ in 0..5 {
            if let Some(registry) = Self::try_serve(prefix, root, more) {
                return registry;
            }
        }
        panic!("docker-registry does not come up");
    }

    fn try_serve(prefix: &[&str], root: &Path, more: &str) -> Option<Self> {
        let port = free_port();
        let config = configure(root, port, more);
        let mut command = docker_registry(prefix, "serve", &config);
        let child = command.spawn().unwrap_or_else(|error| {
            panic!("docker-registry can't be run ({error}): tests/run.sh installs what the tests need")
        });
        let mut registry = Self { child, port, config };
        let begin = Instant::now();
        while begin.elapsed() < PATIENCE {
            if registry.child.try_wait().unwrap().is_some() {
                return None;
            }
            if is_served(port) {
                return Some(registry);
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        None
    }

    /// `127.0.0.1:port`.
    pub(crate) fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// Its configuration file.
    pub(crate) fn configuration(&self) -> PathBuf {
        self.config.path().join(CONFIGURATION)
    }

    pub(crate) fn get(&self, path: &str) -> Reply {
        self.request("GET", path, &[], b"")
    }

    pub(crate) fn head(&self, path: &str) -> Reply {
        self.request("HEAD", path, &[], b"")
    }

    /// Any request; a status of 400 or more is a reply like any other.
    pub(crate) fn request(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Reply {
        request(&self.address(), method, path, headers, body)
    }

    /// The path of an upload that has so many bytes.
    ///
    /// The registry takes up no upload without a signed note of its own that says how far it is. Another instance of
    /// the same secret would have written this one, after another had appended.
    pub(crate) fn upload_path(repository: &str, id: &str, offset: u64) -> String {
        let note = serde_json::json!({
            "Name": repository, "UUID": id, "Offset": offset, "StartedAt": "2020-01-01T00:00:00Z",
        });
        let note = note.to_string();
        let signed = [&sign(SECRET.as_bytes(), note.as_bytes()), note.as_bytes()].concat();
        format!("/v2/{repository}/blobs/uploads/{id}?_state={}", base64url(&signed))
    }

    /// Pushes a blob by HTTP, in one PUT, by the digest given.
    pub(crate) fn push_blob(&self, repository: &str, digest: &str, content: &[u8]) -> Reply {
        let begun = self.request("POST", &format!("/v2/{repository}/blobs/uploads/"), &[], b"");
        assert_eq!(begun.status, 202, "{begun:?}");
        let location = begun.header("location");
        let separator = if location.contains('?') { '&' } else { '?' };
        let path = format!("{location}{separator}digest={digest}");
        self.request("PUT", &path, &[("content-type", "application/octet-stream")], content)
    }
}

impl Drop for DockerRegistry {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

/// Asks the server at `address` for a path, or a whole URL. A status of 400 or more is a reply like any other.
pub(crate) fn request(address: &str, method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Reply {
    let url = if path.starts_with("http") { path.to_owned() } else { format!("http://{address}{path}") };
    let agent: ureq::Agent = ureq::Agent::config_builder()
        .http_status_as_error(false)
        .timeout_global(Some(PATIENCE))
        .max_redirects(0)
        .build()
        .into();
    let mut request = ureq::http::Request::builder().method(method).uri(url);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let mut response = agent.run(request.body(body).unwrap()).unwrap();
    let mut content = Vec::new();
    response.body_mut().as_reader().read_to_end(&mut content).unwrap();
    Reply { status: response.status().as_u16(), headers: response.headers().clone(), body: content }
}

/// HMAC-SHA256 (RFC 2104), by a key of less than a block.
fn sign(key: &[u8], message: &[u8]) -> Vec<u8> {
    let padded = |pad: u8| -> Vec<u8> { (0..64).map(|i| key.get(i).unwrap_or(&0) ^ pad).collect() };
    let inner = Digest::of(&[&padded(0x36), message].concat());
    Digest::of(&[&padded(0x5c), inner.hash()].concat()).hash().to_vec()
}

/// Base64 of URLs (RFC 4648 §5), padded.
fn base64url(bytes: &[u8]) -> String {
    const DIGITS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let mut text = String::new();
    for group in bytes.chunks(3) {
        let bits = (0..3).fold(0, |bits, i| bits << 8 | usize::from(*group.get(i).unwrap_or(&0)));
        for i in 0..4 {
            text.push(if i > group.len() { '=' } else { DIGITS[bits >> (18 - 6 * i) & 63].into() });
        }
    }
    text
}

/// The exit code of the registry's own garbage collection of the tree in `root`, and what it said.
pub(crate) fn garbage_collect(root: &Path) -> (Option<i32>, String) {
    garbage_collect_with(root, &[])
}

/// The same, with these arguments.
pub(crate) fn garbage_collect_with(root: &Path, arguments: &[&str]) -> (Option<i32>, String) {
    let config = configure(root, 0, "");
    let mut command = docker_registry(&[], "garbage-collect", &config);
    let output = command.args(arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).output().unwrap();
    let said = [output.stdout, output.stderr].concat();
    (output.status.code(), String::from_utf8_lossy(&said).into_owned())
}

fn docker_registry(prefix: &[&str], verb: &str, config: &tempfile::TempDir) -> Command {
    let words = [prefix, &["docker-registry", verb]].concat();
    let mut command = Command::new(words[0]);
    command.args(&words[1..]).arg(config.path().join(CONFIGURATION));
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command
}

/// The registry's configuration, in a directory that any user may read.
fn configure(root: &Path, port: u16, more: &str) -> tempfile::TempDir {
    let directory = tempfile::tempdir().unwrap();
    fs::set_permissions(directory.path(), std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    fs::write(directory.path().join(CONFIGURATION), configuration(root, port) + more).unwrap();
    directory
}

/// A registry purges old uploads up to an hour after it begins, at times at once: it would change trees that tests compare.
fn configuration(root: &Path, port: u16) -> String {
    let root = serde_json::to_string(root.to_str().unwrap()).unwrap();
    format!(
        "version: 0.1\nlog: {{level: error}}\nstorage:\n  filesystem: {{rootdirectory: {root}}}\n  delete: {{enabled: true}}\n  \
         maintenance: {{uploadpurging: {{enabled: false}}}}\n\
         compatibility: {{schema1: {{enabled: true}}}}\nhttp: {{addr: '127.0.0.1:{port}', secret: {SECRET}}}\n"
    )
}

/// Runs skopeo, which must succeed, and returns what it printed.
pub(crate) fn skopeo(arguments: &[&str]) -> String {
    run(Command::new("skopeo").arg("--insecure-policy").args(arguments))
}

/// Runs skopeo, which need not succeed, and returns its exit code and what it said.
#[cfg(feature = "serve")]
pub(crate) fn try_skopeo(arguments: &[&str]) -> (Option<i32>, String) {
    try_run(Command::new("skopeo").arg("--insecure-policy").args(arguments))
}

/// Runs curl with no settings but these, and returns its exit code and what it said.
#[cfg(feature = "serve")]
pub(crate) fn curl(arguments: &[&str]) -> (Option<i32>, String) {
    try_run(Command::new("curl").args(["--disable", "--silent", "--show-error", "--noproxy", "*"]).args(arguments))
}

/// Does what [`skopeo`] does, but not as root.
pub(crate) fn skopeo_as_nobody(arguments: &[&str]) -> String {
    if !rustix::process::geteuid().is_root() {
        return skopeo(arguments);
    }
    let nobody = ["--reuid", "65534", "--regid", "65534", "--clear-groups", "skopeo", "--insecure-policy"];
    run(Command::new("setpriv").args(nobody).args(arguments))
}

/// They want directories below /run, which only root may make: a tmpfs is there while the command runs.
const WITH_RUN: &str = r#"mount -t tmpfs tmpfs /run && exec "$@""#;

/// A storage of podman and buildah, away from the user's own.
#[derive(Debug)]
pub(crate) struct Containers<'d> {
    storage: tempfile::TempDir,
    /// Where they run.
    directory: &'d Path,
}

impl<'d> Containers<'d> {
    pub(crate) fn beside(directory: &'d Path) -> Self {
        let storage = tempfile::tempdir().unwrap();
        let settings = "[engine]\nlock_type = \"file\"\nevents_logger = \"none\"\n";
        fs::write(storage.path().join("containers.conf"), settings).unwrap();
        Self { storage, directory }
    }

    /// Runs podman or buildah, and returns what it prints.
    pub(crate) fn run(&self, program: &str, arguments: &[&str]) -> String {
        let [ours, mapped] = NAMESPACES;
        let namespace = if rustix::process::geteuid().is_root() { ours } else { mapped };
        let place = |name: &str| self.storage.path().join(name);
        let mut command = Command::new("unshare");
        command.args(namespace).args(["sh", "-c", WITH_RUN, "sh", program, "--storage-driver", "vfs"]);
        command.arg("--root").arg(place("storage")).arg("--runroot").arg(place("run")).args(arguments);
        run(command.env("CONTAINERS_CONF", place("containers.conf")).current_dir(self.directory))
    }
}

/// Runs `umoci`.
pub(crate) fn umoci(arguments: &[&str]) -> String {
    run(Command::new("umoci").args(arguments))
}

/// Runs a command that must succeed, and returns what it prints.
fn run(command: &mut Command) -> String {
    let output = output(command);
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// Runs a command, and returns its exit code and all that it said.
#[cfg(feature = "serve")]
fn try_run(command: &mut Command) -> (Option<i32>, String) {
    let output = output(command);
    let said = [output.stdout, output.stderr].concat();
    (output.status.code(), String::from_utf8_lossy(&said).into_owned())
}

fn output(command: &mut Command) -> Output {
    command
        .output()
        .unwrap_or_else(|error| panic!("{command:?} can't be run ({error}): tests/run.sh installs what the tests need"))
}
