//! Files and directories that the user may not read or write.

use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt, lchown};
use std::path::Path;

use super::refusal::{IO, fails, text, tree, unchanged};
use super::{Regtree, Run, Scratch};

/// Who [`Regtree::unprivileged`] is.
const NOBODY: u32 = 65534;
pub(crate) const DENIED: &str = "Permission denied";
pub(crate) const UNREADABLE: u32 = 0o000;
pub(crate) const UNWRITABLE: u32 = 0o555;

/// Gives `path` and all below it to the unprivileged user; where the tests run as one, it is theirs already.
pub(crate) fn give_away(path: &Path) {
    if rustix::process::geteuid().is_root() {
        for entry in walkdir::WalkDir::new(path) {
            lchown(entry.unwrap().path(), Some(NOBODY), Some(NOBODY)).unwrap();
        }
    }
}

/// A mode that lasts until this is dropped, so that the directory can be looked into and removed afterwards.
pub(crate) struct Moded<'a>(&'a Path, Permissions);

impl<'a> Moded<'a> {
    pub(crate) fn new(path: &'a Path, mode: u32) -> Self {
        let before = fs::symlink_metadata(path).unwrap().permissions();
        fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
        Self(path, before)
    }
}

impl Drop for Moded<'_> {
    fn drop(&mut self) {
        fs::set_permissions(self.0, self.1.clone()).unwrap();
    }
}

/// Expects `call` to be denied while `path` has `mode`, to name `named`, and to change nothing.
#[track_caller]
pub(crate) fn denied(scratch: &Scratch, (path, mode): (&Path, u32), call: &Regtree, named: &Path) {
    let before = tree(scratch.root());
    let moded = Moded::new(path, mode);
    fails(&call.clone().unprivileged(), IO, &[text(named), DENIED]);
    drop(moded);
    unchanged(scratch.root(), &before, call);
}

/// What comes of `call` while `path` has `mode`.
pub(crate) fn during((path, mode): (&Path, u32), call: Regtree) -> Run {
    let _moded = Moded::new(path, mode);
    call.unprivileged().run()
}
