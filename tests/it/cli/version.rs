//! What the program says that it was built from.

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::support::{Regtree, Scratch};

// The part of build.rs that finds the commit.
#[path = "../../../build/commit.rs"]
mod commit;

#[test]
fn the_version_is_one_line_and_with_verbose_says_what_it_was_built_from() {
    let short = format!("regtree {}\n", env!("CARGO_PKG_VERSION"));
    for call in [&["--version"][..], &["-V"]] {
        assert_eq!(Regtree::new(call).ok().out(), short);
    }
    let long = Regtree::new(["-vV"]).ok();
    for call in [&["-Vv"][..], &["--version", "-v"], &["-v", "--version"], &["--version", "--verbose"], &["-V", "-v"]] {
        assert_eq!(Regtree::new(call).ok().out(), long.out(), "{call:?}");
    }
    let lines = long.lines();
    assert_eq!(lines[0], short.trim_end());
    let value = |label: &str| lines.iter().find_map(|line| line.strip_prefix(label)).unwrap().to_owned();
    let commit = value("commit: ");
    assert!(commit == "unknown" || commit.len() >= 40, "{commit}");
    assert!(value("target: ").contains("linux"), "{lines:?}");
    assert!(value("features: ").split(", ").any(|feature| feature == "cli"), "{lines:?}");
    if cfg!(all(feature = "dynamic-completion", feature = "schema1-signatures", feature = "serve")) {
        // A build with all of them names all of them.
        let manifest: &str = include_str!("../../../Cargo.toml");
        let features = manifest.split("[features]\n").nth(1).unwrap().split("\n[").next().unwrap();
        let names = features.lines().filter(|line| line.starts_with(|first: char| first.is_ascii_lowercase()));
        let mut names: Vec<&str> = names.filter_map(|line| line.split_once(" = ")).map(|(name, _)| name).collect();
        names.retain(|name| *name != "default");
        assert_eq!(value("features: ").split(", ").collect::<Vec<_>>(), names);
    }
    assert!(value("reads: ").contains("2.0.0-alpha.0") && value("writes: ").contains("2.0.0-alpha.2"), "{lines:?}");
    // A command's own --verbose says nothing of it, and neither does a word that only begins with a hyphen.
    assert_eq!(Regtree::new(["--version", "--color", "never"]).ok().out(), short);
}

fn git(directory: &Path, arguments: &[&str]) -> String {
    let mut command = Command::new("git");
    command.args(["-c", "user.name=a", "-c", "user.email=a@example.com"]).args(arguments).current_dir(directory);
    let output = command.env("GIT_CONFIG_GLOBAL", "/dev/null").output().unwrap();
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

#[test]
fn the_commit_is_that_of_the_clone_however_git_keeps_it() {
    let around = Scratch::bare();
    let clone = around.root().join("clone");
    fs::create_dir(&clone).unwrap();
    let found = |directory: &Path| commit::of(directory).map(|commit| commit.id);
    assert_eq!(found(&clone), None);
    git(&clone, &["init", "--quiet", "--initial-branch", "main"]);
    assert_eq!(found(&clone), None, "nothing was committed yet");
    git(&clone, &["commit", "--quiet", "--allow-empty", "--message", "one"]);
    let id = git(&clone, &["rev-parse", "HEAD"]);
    assert_eq!(found(&clone).as_ref(), Some(&id));
    git(&clone, &["pack-refs", "--all"]);
    assert_eq!(found(&clone).as_ref(), Some(&id));
    git(&clone, &["worktree", "add", "--quiet", "-b", "topic", "../worktree"]);
    let worktree = around.root().join("worktree");
    git(&worktree, &["commit", "--quiet", "--allow-empty", "--message", "two"]);
    assert_eq!(found(&worktree), Some(git(&worktree, &["rev-parse", "HEAD"])));
    assert_eq!(found(&clone).as_ref(), Some(&id));
    git(&clone, &["checkout", "--quiet", "--detach"]);
    assert_eq!(found(&clone).as_ref(), Some(&id));
    // A project that was unpacked in somebody's clone has no commit of its own.
    let inside = clone.join("regtree-0.1.0");
    fs::create_dir(&inside).unwrap();
    assert_eq!(found(&inside), None);
    fs::write(inside.join(".cargo_vcs_info.json"), format!("{{\n  \"git\": {{\n    \"sha1\": \"{id}\"\n  }}\n}}"))
        .unwrap();
    assert_eq!(found(&inside), Some(id));
}
