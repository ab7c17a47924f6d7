//! A command that runs meanwhile.

use std::fs;
use std::path::Path;
use std::process::{Child, Command};
use std::time::{Duration, Instant};

/// Waits until a process has opened a file.
#[track_caller]
pub(crate) fn wait_until_open(process: u32, path: &Path) {
    let is_open = || {
        let Ok(open) = fs::read_dir(format!("/proc/{process}/fd")) else { return false };
        open.flatten().any(|entry| fs::read_link(entry.path()).is_ok_and(|target| target == path))
    };
    let begin = Instant::now();
    while !is_open() {
        assert!(begin.elapsed() < Duration::from_mins(1), "{} is never read", path.display());
        std::thread::sleep(Duration::from_millis(1));
    }
}

/// Sends a signal, as `-INT`.
#[track_caller]
pub(crate) fn signal(child: &Child, name: &str) {
    assert!(Command::new("kill").args([name, &child.id().to_string()]).status().unwrap().success());
}
