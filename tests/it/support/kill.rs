//! The command, killed on its way.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use super::{Regtree, Run};

/// Whatever changes a tree.
const CHANGES: [(&str, libc::c_long); 15] = [
    ("mkdir", libc::SYS_mkdir),
    ("rename", libc::SYS_rename),
    ("unlink", libc::SYS_unlink),
    ("mkdirat", libc::SYS_mkdirat),
    ("fchmod", libc::SYS_fchmod),
    ("write", libc::SYS_write),
    ("pwrite64", libc::SYS_pwrite64),
    ("copy_file_range", libc::SYS_copy_file_range),
    ("ftruncate", libc::SYS_ftruncate),
    ("fsync", libc::SYS_fsync),
    ("fdatasync", libc::SYS_fdatasync),
    ("syncfs", libc::SYS_syncfs),
    ("renameat", libc::SYS_renameat),
    ("renameat2", libc::SYS_renameat2),
    ("unlinkat", libc::SYS_unlinkat),
];

/// Kills what `prepare` returns at each change that it makes, and has `examine` look at what is left, which is told how
/// many kills there were before. Returns how many there were.
pub(crate) fn at_every_change<T>(prepare: impl Fn() -> (T, Regtree), examine: impl Fn(&T, &str, usize)) -> usize {
    at_changes(1, prepare, examine)
}

/// As [`at_every_change`], at every `step`-th of a kind only: for what changes so much that all would take minutes.
pub(crate) fn at_changes<T>(
    step: usize,
    prepare: impl Fn() -> (T, Regtree),
    examine: impl Fn(&T, &str, usize),
) -> usize {
    let mut kills = 0;
    for (call, _) in CHANGES {
        for nth in (1..).step_by(step) {
            let (subject, regtree) = prepare();
            let run = killed_at(&regtree, call, nth);
            if run.signal() != Some(9) {
                run.code(0);
                break;
            }
            examine(&subject, &format!("{call} {nth}"), kills);
            kills += 1;
        }
    }
    kills
}

/// Kills a call before the `nth` call of a system call, one of [`CHANGES`].
pub(crate) fn killed_at(regtree: &Regtree, call: &str, nth: usize) -> Run {
    let number = CHANGES.iter().find(|(name, _)| *name == call).unwrap().1;
    let (number, nth) = (number.to_string(), nth.to_string());
    regtree.clone().behind([killer().as_os_str(), number.as_ref(), nth.as_ref()]).run()
}

/// The program that kills another. It is built once.
fn killer() -> &'static Path {
    static KILLER: OnceLock<PathBuf> = OnceLock::new();
    KILLER.get_or_init(|| {
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/support/kill_at.c");
        let place = Path::new(env!("CARGO_TARGET_TMPDIR"));
        // Another run of the tests may be about to build it, or run it.
        let (built, killer) = (place.join(format!("kill_at.{}", std::process::id())), place.join("kill_at"));
        let mut cc = Command::new("cc");
        cc.args(["-O1", "-Wall", "-Wextra", "-Werror", "-o"]).args([&built, &source]);
        assert!(cc.status().unwrap().success());
        std::fs::rename(built, &killer).unwrap();
        killer
    })
}
