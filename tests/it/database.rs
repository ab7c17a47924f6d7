//! Trees of registries that keep their metadata in a database: what is needed can't be told from the tree.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::PathBuf;

use regtree::Digest;

use crate::support::{Scratch, snapshot};

/// What GitLab's registry leaves beside `v2` while its database is in use.
fn lock(scratch: &Scratch) -> PathBuf {
    scratch.root().join("docker/registry/lockfiles/database-in-use")
}

/// A tree with an image, an upload, something in the quarantine, and a blob that only a database knows.
fn gitlab() -> (Scratch, Digest) {
    let scratch = Scratch::new();
    let garbage = Digest::of(b"garbage");
    Scratch::plant(&scratch.blob(garbage), b"garbage");
    scratch.image("lib", "one").tag("v1");
    scratch.run(["gc", "--min-age", "0", "--quarantine"]).code(0);
    assert!(!scratch.blob(garbage).exists());
    scratch.run(["upload", "start", "lib"]).code(0);
    let known = Digest::of(b"only the database knows it");
    Scratch::plant(&scratch.blob(known), b"only the database knows it");
    Scratch::plant(&lock(&scratch), b"");
    (scratch, known)
}

/// Calls that change a tree, and whether they have a dry run that works on this tree.
fn calls(scratch: &Scratch) -> Vec<(Vec<String>, bool)> {
    let image = scratch.image("lib", "one");
    let [digest, layer] = [image.digest, image.layer].map(|digest| digest.to_string());
    let manifest = scratch.blob(image.digest).to_str().unwrap().to_owned();
    let upload = scratch.uploads("lib")[0].file_name().unwrap().to_str().unwrap().to_owned();
    let run = fs::read_dir(scratch.root().join(".regtree/quarantine")).unwrap().next().unwrap().unwrap().file_name();
    let calls: [(&str, bool); 19] = [
        ("gc --min-age 0", true),
        ("gc --min-age 0 --quarantine --allow-rootless --max-delete 100%", true),
        ("repair --all-safe", true),
        ("blob put lib", false),
        ("blob mount LAYER --from lib --to other", false),
        ("blob delete lib LAYER --force", true),
        ("upload start lib", false),
        ("upload resume lib UPLOAD", false),
        ("upload commit lib UPLOAD --digest LAYER", false),
        ("upload cancel lib UPLOAD", false),
        ("upload purge --older-than 0", true),
        ("manifest put lib MANIFEST", false),
        ("manifest delete lib DIGEST --with-tags --force", true),
        ("tag set lib v2 DIGEST", false),
        ("tag delete lib v1", true),
        ("repo delete lib", true),
        ("quarantine restore RUN", true),
        ("quarantine purge --older-than 0", true),
        ("init ROOT", false),
    ];
    let said = |word: &str| match word {
        "LAYER" => layer.clone(),
        "DIGEST" => digest.clone(),
        "UPLOAD" => upload.clone(),
        "MANIFEST" => manifest.clone(),
        "RUN" => run.to_str().unwrap().to_owned(),
        "ROOT" => scratch.root().to_str().unwrap().to_owned(),
        word => word.to_owned(),
    };
    calls.into_iter().map(|(call, dry)| (call.split(' ').map(said).collect(), dry)).collect()
}

#[test]
fn a_tree_of_gitlab_s_database_is_changed_by_no_command() {
    let (scratch, known) = gitlab();
    let calls = calls(&scratch);
    // A dry run of repair may note what it hashed.
    let all = || {
        let mut all = snapshot(scratch.root());
        all.retain(|path, _| !path.starts_with(".regtree/verified"));
        all
    };
    let before = all();
    for (words, has_dry_run) in &calls {
        let call = if words[0] == "init" { crate::support::Regtree::new(words) } else { scratch.regtree(words) };
        let run = call.clone().stdin("content").run().code(12).silent();
        run.says(["database of GitLab's registry", "hint: once", lock(&scratch).to_str().unwrap()]);
        let error = call.clone().stdin("content").with(["--json"]).run().code(12).json_error();
        assert_eq!((&error["code"], &error["detail"]["database"]), (&"REFUSED".into(), &"gitlab".into()), "{words:?}");
        if *has_dry_run {
            let dry = call.with(["--dry-run"]).run().code(12).says(["database of GitLab's registry"]);
            assert!(words[0] != "gc" || dry.out().contains("would "), "the plan is shown: {}", dry.out());
        }
        assert!(all() == before, "{words:?}");
    }
    assert!(scratch.blob(known).exists());
}

#[test]
fn fsck_and_du_note_gitlab_s_database_and_work() {
    let (scratch, _) = gitlab();
    for command in ["fsck", "du"] {
        scratch.run([command]).code(0).says(["note: a database of GitLab's registry"]);
        assert_eq!(scratch.run([command, "--json"]).code(0).json_lines().last().unwrap()["database"], "gitlab");
    }
    fs::remove_file(lock(&scratch)).unwrap();
    for command in ["fsck", "du"] {
        assert!(!scratch.run([command]).code(0).err().contains("database"));
        assert!(scratch.run([command, "--json"]).code(0).json_lines().last().unwrap()["database"].is_null());
    }
}

#[test]
fn lock_files_that_can_not_be_read_count_as_in_use() {
    let (scratch, known) = gitlab();
    let folder = lock(&scratch).parent().unwrap().to_owned();
    fs::set_permissions(&folder, PermissionsExt::from_mode(0o000)).unwrap();
    let gc = || scratch.regtree(["gc", "--min-age", "0", "-n"]).unprivileged().run();
    gc().code(12).says(["can't be looked at: Permission denied"]);
    fs::remove_dir_all(&folder).unwrap();
    fs::write(&folder, "").unwrap();
    gc().code(12);
    fs::remove_file(&folder).unwrap();
    symlink("/nowhere/at/all", &folder).unwrap();
    gc().code(12);
    assert!(scratch.blob(known).exists());
}

#[test]
fn gitlab_s_tree_without_a_database_is_collected() {
    let (scratch, unknown) = gitlab();
    fs::rename(lock(&scratch), lock(&scratch).with_file_name("filesystem-in-use")).unwrap();
    scratch.run(["gc", "--min-age", "0"]).code(0);
    assert!(!scratch.blob(unknown).exists());
    assert!(lock(&scratch).with_file_name("filesystem-in-use").exists());
}
