//! Disks that are full, and disks that are read-only: a small tmpfs in a mount namespace of its own, which the tests
//! reach through its process.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use super::{CONTENT, IO, OTHER, fails, refused, text, tree, unchanged};
use crate::support::scratch::digest_by;
use crate::support::{Regtree, Scratch};

const NO_SPACE: &str = "No space left on device";

/// A limit that would end the process by a signal, SIGXFSZ, if it did not see to that.
const LIMITED: [&str; 3] = ["prlimit", "--fsize=65536", "--core=0"];

/// Mounts a tmpfs at `$1` with the options `$2`, and then remounts it for each line of options that it reads.
const SCRIPT: &str = r#"
mount -t tmpfs -o "$2" tmpfs "$1" && echo done || exit
while read -r options && mount -o "remount,$options" tmpfs "$1"; do echo done; done
"#;

/// Root may mount; anybody else may where they are root in a namespace of their own.
const NAMESPACES: [&[&str]; 2] = [&["--mount"], &["--user", "--map-root-user", "--mount"]];

/// A tmpfs that goes with the process that sees it.
pub(crate) struct Mounted {
    process: Child,
    orders: Option<ChildStdin>,
    answers: BufReader<ChildStdout>,
    pub(crate) root: PathBuf,
    _mountpoint: Scratch,
}

impl Mounted {
    /// A tree on a tmpfs with these options.
    pub(crate) fn tree(options: &str) -> Self {
        let mut mounted = NAMESPACES.into_iter().filter_map(|namespace| Self::try_mount(namespace, options));
        let mounted = mounted.next().expect("neither `unshare --mount` nor `unshare --user` lets us mount a tmpfs");
        Regtree::new(["init"]).with([&mounted.root]).ok();
        mounted
    }

    fn try_mount(namespace: &[&str], options: &str) -> Option<Self> {
        let mountpoint = Scratch::bare();
        let mut command = Command::new("unshare");
        command.args(namespace).args(["sh", "-c", SCRIPT, "sh"]).arg(mountpoint.root()).arg(options);
        let mut process = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let root = Path::new("/proc").join(process.id().to_string()).join("root");
        let root = root.join(mountpoint.root().strip_prefix("/").unwrap());
        let answers = BufReader::new(process.stdout.take().unwrap());
        let orders = process.stdin.take();
        let mut mounted = Self { process, orders, answers, root, _mountpoint: mountpoint };
        mounted.is_done().then_some(mounted)
    }

    fn is_done(&mut self) -> bool {
        let mut answer = String::new();
        self.answers.read_line(&mut answer).unwrap();
        answer == "done\n"
    }

    /// Changes the mount's options.
    fn remount(&mut self, options: &str) {
        writeln!(self.orders.as_mut().unwrap(), "{options}").unwrap();
        assert!(self.is_done(), "{options}");
    }

    pub(crate) fn regtree<const N: usize>(&self, arguments: [&str; N]) -> Regtree {
        Regtree::at(&self.root, arguments)
    }

    /// Puts `CONTENT` in `lib/app`, and returns its digest.
    fn put(&self) -> String {
        self.regtree(["blob", "put", "lib/app"]).stdin(CONTENT).ok().answer()
    }

    #[track_caller]
    fn still_has(&self, digest: &str) {
        assert_eq!(self.regtree(["blob", "get", "lib/app", digest]).ok().bytes(), CONTENT);
        assert_eq!(self.regtree(["repo", "list"]).ok().answer(), "lib/app");
    }

    /// How many inodes the file system has in use.
    fn inodes(&self) -> u64 {
        let found = rustix::fs::statvfs(&self.root).unwrap();
        found.f_files - found.f_ffree
    }
}

impl Drop for Mounted {
    fn drop(&mut self) {
        // The end of its input ends it, and its namespace.
        self.orders.take();
        self.process.wait().unwrap();
    }
}

#[test]
fn content_that_does_not_fit_leaves_nothing() {
    let mounted = Mounted::tree("size=1m");
    let digest = mounted.put();
    for repository in ["lib/app", "lib/new"] {
        let put = mounted.regtree(["blob", "put", repository]).stdin(vec![7; 3 << 20]);
        refused(&mounted.root, &put, IO, &[text(&mounted.root), NO_SPACE]);
        mounted.still_has(&digest);
    }
    // What a failed put took is free again.
    mounted.regtree(["blob", "put", "lib/app"]).stdin(vec![7; 500 << 10]).ok();
}

#[test]
fn on_a_full_disk_reading_and_deleting_work_and_putting_fails() {
    let mounted = Mounted::tree("size=1m");
    let digest = mounted.put();
    let filler = fs::File::options().append(true).create(true).open(mounted.root.join("filler")).unwrap();
    let full = std::iter::repeat_with(|| (&filler).write_all(&[0; 4096])).find_map(Result::err).unwrap();
    assert_eq!(full.kind(), std::io::ErrorKind::StorageFull);
    for repository in ["lib/app", "lib/new"] {
        let put = mounted.regtree(["blob", "put", repository]).stdin(OTHER);
        refused(&mounted.root, &put, IO, &[text(&mounted.root), NO_SPACE]);
    }
    mounted.still_has(&digest);
    assert_eq!(mounted.regtree(["blob", "delete", "lib/app", &digest]).ok().answer(), digest);
}

/// Calls `call` with no free inode, with one, and so on until it succeeds: each file and directory takes one, so each
/// step that makes one is in its turn the first to find no space. Returns how often the call failed, each time without
/// a trace.
#[track_caller]
pub(crate) fn starved(mounted: &mut Mounted, call: &Regtree) -> u64 {
    for free in 0..100 {
        let inodes = mounted.inodes() + free;
        mounted.remount(&format!("nr_inodes={inodes}"));
        let before = tree(&mounted.root);
        let run = call.clone().run();
        if run.err().is_empty() {
            run.code(0);
            return free;
        }
        run.code(1).silent().says(["error: ", text(&mounted.root), NO_SPACE]);
        unchanged(&mounted.root, &before, call);
    }
    panic!("it never succeeds");
}

#[test]
fn a_put_that_runs_out_of_space_at_any_step_leaves_nothing() {
    let mut mounted = Mounted::tree("size=16m");
    let digest = mounted.put();
    let alias = digest_by("sha512", OTHER).to_string();
    let put = mounted.regtree(["blob", "put", "lib/new", "--digest", &alias]).stdin(OTHER);
    assert!(starved(&mut mounted, &put) > 8);
    assert_eq!(mounted.regtree(["blob", "get", "lib/app", &digest]).ok().bytes(), CONTENT);
    assert_eq!(mounted.regtree(["blob", "get", "lib/new", &alias]).ok().bytes(), OTHER);
}

#[test]
fn a_mount_that_runs_out_of_space_at_any_step_leaves_nothing() {
    let mut mounted = Mounted::tree("size=16m");
    let digest = mounted.put();
    let mount = mounted.regtree(["blob", "mount", &digest, "--from", "lib/app", "--to", "lib/new"]);
    assert!(starved(&mut mounted, &mount) > 3);
    assert_eq!(mounted.regtree(["blob", "get", "lib/new", &digest]).ok().bytes(), CONTENT);
}

#[test]
fn a_read_only_disk_can_be_read_and_says_why_it_is_not_written() {
    let mut mounted = Mounted::tree("size=1m");
    let digest = mounted.put();
    mounted.remount("ro");
    let read_only = "Read-only file system";
    let app = mounted.root.join("docker/registry/v2/repositories/lib/app");
    let lib = app.parent().unwrap();
    let link = app.join("_layers/sha256").join(&digest["sha256:".len()..]).join("link");
    for (call, named) in [
        (&["put", "lib/app"][..], app.join("_uploads")),
        (&["put", "lib/new"], lib.join("new")),
        (&["delete", "lib/app", &digest], link),
        (&["mount", &digest, "--from", "lib/app", "--to", "lib/new"], lib.join("new")),
    ] {
        let call = mounted.regtree(["blob"]).with(call).stdin(OTHER);
        refused(&mounted.root, &call, IO, &[text(&named), read_only]);
    }
    mounted.still_has(&digest);
    for call in [
        &["stat", "lib/app", &digest][..],
        &["stat", "--all-repos", &digest],
        &["list"],
        &["list", "lib/app", "--long"],
        &["delete", "lib/app", &digest, "--dry-run"],
    ] {
        mounted.regtree(["blob"]).with(call).ok();
    }
}

#[test]
fn a_file_that_may_not_grow_leaves_nothing() {
    let scratch = Scratch::new();
    scratch.put("lib/app", CONTENT);
    for repository in ["lib/app", "lib/new"] {
        let put = scratch.regtree(["blob", "put", repository]).stdin(vec![7; 1 << 20]).behind(LIMITED);
        refused(scratch.root(), &put, IO, &[text(&scratch.repository(repository)), "File too large"]);
    }
}

#[test]
fn a_file_that_does_not_fit_is_told() {
    let scratch = Scratch::new();
    let digest = scratch.put("lib/app", CONTENT).to_string();
    let get = scratch.regtree(["blob", "get", "lib/app", &digest]);
    fails(&get.clone().with(["-o", "/dev/full"]), IO, &["/dev/full", NO_SPACE]);
    let out = scratch.root().join("out");
    let long = scratch.put("lib/app", &vec![7; 1 << 20]).to_string();
    let get = scratch.regtree(["blob", "get", "lib/app", &long, "-o"]).with([&out]).behind(LIMITED);
    refused(scratch.root(), &get, IO, &[text(&out), "File too large"]);
}
