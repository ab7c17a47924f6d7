//! What can't be read is never taken for absent by the commands that delete: they refuse, and change nothing.

use std::fs;
use std::os::unix::fs::{PermissionsExt, lchown};
use std::path::{Path, PathBuf};

use crate::support::strace::strace;
use crate::support::{Pushed, Run, Scratch, snapshot};

/// A repository with a tagged image, of which the unprivileged user is the owner.
fn owned() -> (Scratch, Pushed) {
    let scratch = Scratch::new();
    let image = scratch.image("lib", "one").tag("v1");
    scratch.run(["upload", "start", "lib"]).code(0);
    if rustix::process::geteuid().is_root() {
        for entry in walkdir::WalkDir::new(scratch.root()) {
            lchown(entry.unwrap().path(), Some(65534), Some(65534)).unwrap();
        }
    }
    (scratch, image)
}

/// Runs a command as the unprivileged user while `path` may not be read.
fn run_without(scratch: &Scratch, path: &Path, words: &[&str]) -> Run {
    let before = fs::metadata(path).unwrap().permissions();
    fs::set_permissions(path, PermissionsExt::from_mode(0o000)).unwrap();
    let run = scratch.regtree(words).unprivileged().run();
    // It may be gone by now.
    fs::set_permissions(path, before).ok();
    run
}

#[test]
fn a_tag_or_manifest_that_may_not_be_read_keeps_the_manifest_and_the_blobs() {
    let (scratch, image) = owned();
    let [digest, layer] = [image.digest, image.layer].map(|digest| digest.to_string());
    let manifests = scratch.repository("lib/_manifests");
    let revision = manifests.join(format!("revisions/sha256/{}", image.digest.hex()));
    let before = snapshot(&scratch.v2());
    let tags = ["tags", "tags/v1", "tags/v1/current", "tags/v1/current/link"].map(|path| manifests.join(path));
    for path in &tags {
        for words in [
            &["manifest", "delete", "lib", &digest][..],
            &["manifest", "delete", "lib", &digest, "-n"],
            &["manifest", "delete", "lib", &digest, "--with-tags"],
            &["manifest", "delete", "lib", &digest, "--force"],
            &["blob", "delete", "lib", &layer, "--force"],
        ] {
            let run = run_without(&scratch, path, words).code(12).silent();
            run.says(["Permission denied", path.to_str().unwrap(), "use --allow-unreadable"]);
            assert_eq!(snapshot(&scratch.v2()), before, "{words:?} {path:?}");
        }
    }
    let hidden = [manifests.join("revisions"), revision.clone(), revision.join("link"), scratch.blob(image.digest)];
    for path in &hidden {
        for option in [&[][..], &["--force"], &["-n"]] {
            let words = [&["blob", "delete", "lib", &layer], option].concat();
            let run = run_without(&scratch, path, &words).code(12).silent();
            // Where the tag still leads to the manifest, the manifest is known to need it.
            assert!(run.err().contains("--allow-unreadable") || !option.contains(&"--force"), "{}", run.err());
            assert_eq!(snapshot(&scratch.v2()), before, "{words:?} {path:?}");
        }
    }
    let words = ["blob", "delete", "lib", &layer, "--allow-unreadable"];
    run_without(&scratch, &hidden[3], &words).code(3).says(["warning: ", "Permission denied"]);
    assert!(!scratch.link("lib", image.layer).exists());
    let words = ["manifest", "delete", "lib", &digest, "--allow-unreadable"];
    run_without(&scratch, &tags[0], &words).code(3).says(["warning: ", "Permission denied"]);
    assert!(!revision.exists() && tags[3].exists());
}

#[test]
fn a_repository_of_which_a_directory_can_not_be_listed_is_not_removed() {
    let (scratch, _) = owned();
    let before = snapshot(&scratch.v2());
    let all = walkdir::WalkDir::new(scratch.repository("lib")).into_iter().map(Result::unwrap);
    let directories: Vec<PathBuf> =
        all.filter(|entry| entry.file_type().is_dir()).map(walkdir::DirEntry::into_path).collect();
    assert!(directories.len() > 15, "{directories:?}");
    for path in &directories {
        for option in [&[][..], &["-n"]] {
            let words = [&["repo", "delete", "lib"], option].concat();
            run_without(&scratch, path, &words).code(12).silent().says(["Permission denied", "--allow-unreadable"]);
            assert_eq!(snapshot(&scratch.v2()), before, "{path:?}");
        }
    }
    // Whoever may remove it all the same can say so.
    let tag = scratch.repository("lib/_manifests/tags/v1/current/link");
    run_without(&scratch, &tag, &["repo", "delete", "lib"]).code(12).silent();
    run_without(&scratch, &tag, &["repo", "delete", "lib", "--allow-unreadable"]).code(3).says(["warning: "]);
    assert!(!scratch.repository("lib").exists());
}

#[test]
fn no_failed_call_makes_a_deletion_take_what_is_needed() {
    let scratch = Scratch::new();
    let image = scratch.image("lib", "one").tag("v1");
    let [digest, layer] = [image.digest, image.layer].map(|digest| digest.to_string());
    let before = snapshot(&scratch.v2());
    for words in [&["manifest", "delete", "lib", &*digest], &["blob", "delete", "lib", &layer]] {
        for call in ["openat", "openat2", "getdents64", "statx", "read"] {
            for nth in 1..=24 {
                let inject = format!("inject={call}:error=EIO:when={nth}");
                let run = scratch.regtree(words).behind(strace(&["-e", &inject])).run();
                assert_ne!(run.exit(), Some(0), "{words:?} {inject}");
                assert!(snapshot(&scratch.v2()) == before, "{words:?} {inject}");
            }
        }
    }
    for call in ["openat", "openat2", "getdents64", "statx"] {
        for nth in (1..=60).step_by(3) {
            let inject = format!("inject={call}:error=EIO:when={nth}");
            let dry = scratch.regtree(["repo", "delete", "lib", "-n"]).behind(strace(&["-e", &inject])).run();
            assert!(dry.exit() != Some(3), "what can't be read refuses: {inject}");
        }
    }
    assert!(snapshot(&scratch.v2()) == before);
}
