//! A small tmpfs in a mount namespace of its own, which the tests reach through its process: it can be full, or read-only.

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use super::refusal::{CONTENT, text, tree, unchanged};
use super::{Regtree, Scratch};

pub(crate) const NO_SPACE: &str = "No space left on device";

/// Mounts a tmpfs at `$1` with the options `$2`, and then remounts it for each line of options that it reads.
const SCRIPT: &str = r#"
mount -t tmpfs -o "$2" tmpfs "$1" && echo done || exit
while read -r options && mount -o "remount,$options" tmpfs "$1"; do echo done; done
"#;

/// Root may mount; anybody else may where they are root in a namespace of their own.
pub(crate) const NAMESPACES: [&[&str]; 2] = [&["--mount"], &["--user", "--map-root-user", "--mount"]];

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
    pub(crate) fn remount(&mut self, options: &str) {
        writeln!(self.orders.as_mut().unwrap(), "{options}").unwrap();
        assert!(self.is_done(), "{options}");
    }

    pub(crate) fn regtree<const N: usize>(&self, arguments: [&str; N]) -> Regtree {
        Regtree::at(&self.root, arguments)
    }

    /// Puts `CONTENT` in `lib/app`, and returns its digest.
    pub(crate) fn put(&self) -> String {
        self.regtree(["blob", "put", "lib/app"]).stdin(CONTENT).ok().answer()
    }

    #[track_caller]
    pub(crate) fn still_has(&self, digest: &str) {
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

/// Calls `call` with no free inode, with one, and so on until it succeeds: each file and directory takes one, so each
/// step that makes one is in its turn the first to find no space. Returns how often the call failed, each time without
/// a trace.
#[track_caller]
pub(crate) fn starved(mounted: &mut Mounted, call: &Regtree) -> u64 {
    let before = tree(&mounted.root);
    starved_with(mounted, call, |mounted| unchanged(&mounted.root, &before, call))
}

/// The same for a call that leaves what it did before it failed; `examine` looks at that.
#[track_caller]
pub(crate) fn starved_with(mounted: &mut Mounted, call: &Regtree, examine: impl Fn(&Mounted)) -> u64 {
    let used = mounted.inodes();
    for free in 0..200 {
        mounted.remount(&format!("nr_inodes={}", used + free));
        let run = call.clone().run();
        if run.exit() == Some(0) {
            return free;
        }
        run.code(1).says(["error: ", text(&mounted.root), NO_SPACE]);
        examine(mounted);
    }
    panic!("it never succeeds");
}
