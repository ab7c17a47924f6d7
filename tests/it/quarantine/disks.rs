//! Blobs and repositories on disks of their own, which a rename does not lead out of.

use std::fs;
use std::path::Path;
use std::process::Command;

use regtree::layout::{Form, TreePath};
use regtree::quarantine::{Item, ItemKind};

use super::{REPOSITORY, blob_and_link, directory, take, things, tree};
use crate::support::Scratch;

const HERE: &str = "quarantine::disks::inside";

#[test]
fn what_lies_on_other_disks_is_taken_and_put_back_there() {
    let mut command = Command::new("unshare");
    if !rustix::process::geteuid().is_root() {
        command.args(["--user", "--map-root-user"]);
    }
    command.arg("--mount").arg(std::env::current_exe().unwrap()).args(["--exact", HERE, "--ignored"]);
    let output = command.output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && said.contains("1 passed"), "{said}");
}

fn mount(path: &Path) {
    let mounted = Command::new("mount").args(["-t", "tmpfs", "none"]).arg(path).status().unwrap();
    assert!(mounted.success());
}

/// The names of all files below a directory.
fn files(path: &Path) -> Vec<String> {
    let entries = walkdir::WalkDir::new(path).into_iter().map(|entry| entry.unwrap());
    let files = entries.filter(|entry| !entry.file_type().is_dir());
    files.map(|entry| entry.file_name().to_str().unwrap().to_owned()).collect()
}

#[test]
#[ignore = "runs in mounts of its own, by the test above"]
fn inside() {
    let scratch = Scratch::new();
    mount(&scratch.v2().join("blobs"));
    mount(&scratch.v2().join("repositories"));
    let [plain, crowded] = ["plain", "crowded"].map(|content| scratch.put(REPOSITORY, content.as_bytes()));
    let beside = scratch.blob(crowded).parent().unwrap().join("data.3b241101-e2bb-4255-8caf-4136c566a962.tmp");
    Scratch::plant(&beside, "left over");
    let misplaced = format!("blobs/sha256/zz/{}", plain.hex());
    Scratch::plant(&scratch.v2().join(&misplaced).join("data"), "misplaced");
    let id = scratch.run(["upload", "start", REPOSITORY]).code(0).answer();
    let before = tree(scratch.root());
    let [link, blob] = blob_and_link(plain);
    let items = || {
        [
            link.clone(),
            blob.clone(),
            Item::blob(crowded, 7),
            Item::new(ItemKind::Directory, TreePath::parse(&misplaced).unwrap()),
            Item::upload(&REPOSITORY.parse().unwrap(), Form::Current, &id.parse().unwrap(), 0),
            Item::new(ItemKind::Directory, TreePath::parse("repositories/lib").unwrap()),
        ]
    };
    for digests in [vec![], vec![crowded.to_string(), plain.to_string()]] {
        let run = take(scratch.root(), items());
        let blobs = scratch.v2().join("blobs/.regtree-quarantine").join(&run);
        assert_eq!(things(&scratch, &run).len(), 0);
        assert_eq!(files(&blobs).len(), 4, "{:?}", files(&blobs));
        // No registry takes anything there for a blob, nor for a repository.
        assert!(!files(&scratch.v2().join("blobs")).contains(&"data".to_owned()));
        scratch.run(["repo", "list"]).code(0).silent();
        scratch.run(["blob", "list"]).code(0).silent();
        assert!(scratch.v2().join("repositories/_regtree-quarantine").join(&run).is_dir());
        scratch.run(["quarantine", "list"]).code(0);
        for digest in &digests {
            scratch.run(["quarantine", "restore", &run, digest, "--verify"]).code(0);
        }
        scratch.run(["quarantine", "restore", &run, "--verify"]).code(0);
        assert_eq!(tree(scratch.root()), before);
        assert!(!directory(&scratch, &run).exists());
    }
    let run = take(scratch.root(), items());
    scratch.run(["quarantine", "purge", "--older-than", "0s"]).code(0).says(["removed 1 runs with 7 things"]);
    assert!(!directory(&scratch, &run).exists());
    assert!(files(&scratch.v2().join("blobs")).is_empty());
    assert_eq!(fs::read_dir(scratch.v2().join("repositories")).unwrap().count(), 0);
}
