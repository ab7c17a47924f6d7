//! Blobs and repositories on disks of their own, which a rename does not lead out of.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use regtree::quarantine::ItemKind;

use super::collection::{WORDS, collect, grown, runs};
use super::{REPOSITORY, blob_and_link, directory, in_repository, item, take, things, tree};
use crate::support::Scratch;
use crate::support::peers::garbage_collect;

#[test]
fn content_on_other_disks_is_quarantined_and_put_back_there() {
    in_mounts_of_its_own("quarantine::disks::inside");
}

#[test]
fn a_collection_of_other_disks_moves_to_them_and_no_registry_minds() {
    in_mounts_of_its_own("quarantine::disks::collected_inside");
}

#[test]
fn where_no_journal_can_be_written_nothing_is_moved() {
    in_mounts_of_its_own("quarantine::disks::full_inside");
}

#[test]
fn a_collection_of_another_disk_killed_at_any_change_it_makes_loses_nothing() {
    in_mounts_of_its_own("quarantine::disks::killed_inside");
}

fn in_mounts_of_its_own(test: &str) {
    let mut command = Command::new("unshare");
    if !rustix::process::geteuid().is_root() {
        command.args(["--user", "--map-root-user"]);
    }
    command.arg("--mount").arg(std::env::current_exe().unwrap()).args(["--exact", test, "--ignored"]);
    let output = command.output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && said.contains("1 passed"), "{said}");
}

/// A file system of its own, gone when dropped.
struct Disk(PathBuf);

impl Disk {
    fn at(path: PathBuf) -> Self {
        Self::with("mode=755", path)
    }

    fn with(options: &str, path: PathBuf) -> Self {
        let mounted = Command::new("mount").args(["-t", "tmpfs", "-o", options, "none"]).arg(&path).status().unwrap();
        assert!(mounted.success());
        Self(path)
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        let gone = Command::new("umount").arg(&self.0).status();
        assert!(std::thread::panicking() || gone.unwrap().success());
    }
}

fn area_disks(scratch: &Scratch) -> [Disk; 2] {
    ["blobs", "repositories"].map(|area| Disk::at(scratch.v2().join(area)))
}

/// The names of all files below a directory.
fn files(path: &Path) -> Vec<String> {
    let entries = walkdir::WalkDir::new(path).into_iter().map(|entry| entry.unwrap());
    let files = entries.filter(|entry| !entry.file_type().is_dir());
    files.map(|entry| entry.file_name().to_str().unwrap().to_owned()).collect()
}

#[test]
#[ignore = "runs in mounts of its own, by a test above"]
fn inside() {
    let scratch = Scratch::new();
    let _disks = area_disks(&scratch);
    let [plain, crowded] = ["plain", "crowded"].map(|content| scratch.layer(REPOSITORY, content.as_bytes()));
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
            super::blob(crowded, 7),
            item(ItemKind::Directory, &misplaced),
            in_repository(ItemKind::Upload, &format!("_uploads/{id}")),
            item(ItemKind::Directory, "repositories/lib"),
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
        // fsck knows what is regtree's own.
        let found = scratch.run(["fsck", "--json"]);
        assert!(!found.out().contains("regtree-quarantine"), "{}", found.out());
        for digest in &digests {
            scratch.run(["quarantine", "restore", &run, digest, "--verify"]).code(0);
        }
        scratch.run(["quarantine", "restore", &run, "--verify"]).code(0);
        assert_eq!(tree(scratch.root()), before);
        assert!(!directory(&scratch, &run).exists());
    }
    let run = take(scratch.root(), items());
    scratch.run(["quarantine", "purge", "--older-than", "0s"]).code(0).says(["removed 1 run with 7 items"]);
    assert!(!directory(&scratch, &run).exists());
    assert!(files(&scratch.v2().join("blobs")).is_empty());
    assert_eq!(fs::read_dir(scratch.v2().join("repositories")).unwrap().count(), 0);
}

#[test]
#[ignore = "runs in mounts of its own, by a test above"]
fn collected_inside() {
    let scratch = Scratch::new();
    let _disks = area_disks(&scratch);
    let elsewhere = grown();
    let copied = Command::new("cp").arg("-a").arg(elsewhere.v2()).arg(scratch.v2().parent().unwrap()).status().unwrap();
    assert!(copied.success());
    let before = tree(scratch.root());
    let (run, moved) = collect(&scratch);
    assert_eq!(things(&scratch, &run).len(), 0);
    let blobs = scratch.v2().join("blobs/.regtree-quarantine").join(&run);
    let names = files(&blobs);
    assert_eq!(names.len(), moved.iter().filter(|event| event["kind"] == "blob").count());
    let flat = format!("sha256-{}", regtree::Digest::of(b"stale").hex());
    assert!(names.contains(&flat) && blobs.join(flat).is_file(), "{names:?}");
    // Neither our next collection nor the registry's takes anything there for its own.
    scratch.run(["gc", "--min-age", "0"]).code(0);
    let (code, said) = garbage_collect(scratch.root());
    assert_eq!(code, Some(0), "{said}");
    assert_eq!(files(&blobs), names);
    scratch.run(["quarantine", "restore", &run]).code(0);
    assert_eq!(tree(scratch.root()), before);
    // What is needed again comes back from there too.
    let (run, _) = collect(&scratch);
    let stale = regtree::Digest::of(b"stale");
    Scratch::plant(&scratch.link(REPOSITORY, stale), stale.to_string());
    let said = scratch.run(["gc"]).code(0).out();
    assert!(said.contains(&format!("put back {stale} from run {run}")), "{said}");
    assert_eq!(fs::read(scratch.blob(stale)).unwrap(), b"stale");
}

#[test]
#[ignore = "runs in mounts of its own, by a test above"]
fn full_inside() {
    let scratch = grown();
    let private = scratch.root().join(".regtree");
    fs::create_dir_all(&private).unwrap();
    let _disk = Disk::with("mode=755,size=64k", private.clone());
    let before = tree(scratch.root());
    let filler = private.join("filler");
    // Room for a journal's beginning, and for none that names everything.
    fs::write(&filler, vec![0; 60 * 1024]).unwrap();
    scratch.run(WORDS).code(1).says(["No space left on device", "journal"]);
    assert!(tree(scratch.root()) == before);
    fs::write(&filler, vec![0; 64 * 1024]).unwrap();
    scratch.run(WORDS).code(1).says(["No space left on device"]);
    assert!(tree(scratch.root()) == before);
    fs::remove_file(&filler).unwrap();
    assert!(runs(&scratch).is_empty());
    let (run, _) = collect(&scratch);
    scratch.run(["quarantine", "restore", &run]).code(0);
    assert!(tree(scratch.root()) == before);
}

#[test]
#[ignore = "runs in mounts of its own, by a test above"]
fn killed_inside() {
    let prepare = || {
        let scratch = grown();
        let private = scratch.root().join(".regtree");
        fs::create_dir_all(&private).unwrap();
        // The root's own disk is another than those of content and links.
        (Disk::at(private), scratch)
    };
    super::kill::loses_nothing_when_killed(prepare, |(_, scratch)| scratch);
}
