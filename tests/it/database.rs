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
    let calls: [(&str, bool); 20] = [
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
        ("tag prune lib --keep-tag other --allow-empty --max-delete 100%", true),
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
            let dry = call.clone().with(["--dry-run"]).run().code(12).says(["database of GitLab's registry"]);
            assert!(words[0] != "gc" || dry.out().contains("would "), "the plan is shown: {}", dry.out());
            if words[0] == "gc" {
                let dry = call.with(["--dry-run", "--json"]).run().code(12).json_lines();
                assert_eq!(dry.last().unwrap()["refused"], true, "{dry:?}");
            }
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

/// The tree of a Harbor, with what Harbor keeps beside it.
fn harbor(beside: &[&str]) -> (tempfile::TempDir, PathBuf) {
    let data = tempfile::tempdir().unwrap();
    for name in beside {
        fs::create_dir(data.path().join(name)).unwrap();
    }
    let scratch = Scratch::new();
    scratch.image("lib", "one").tag("v1");
    // Newer versions write no tag.
    scratch.image("lib", "pushed of late");
    Scratch::plant(&scratch.blob(Digest::of(b"garbage")), b"garbage");
    let root = data.path().join("registry");
    let copied = std::process::Command::new("cp").arg("-a").arg(scratch.root()).arg(&root).status().unwrap();
    assert!(copied.success());
    (data, root)
}

/// What removes tags, or what has none.
fn removals() -> [Vec<String>; 6] {
    let image = Scratch::new().image("lib", "one").digest.to_string();
    let calls = [
        "gc --min-age 0 --delete-untagged",
        "gc --delete-untagged --quarantine --allow-rootless --max-delete 100%",
        "tag delete lib v1",
        "tag prune lib --keep-tag other --allow-empty --max-delete 100%",
        "manifest delete lib IMAGE --with-tags --force --allow-unreadable",
        "repo delete lib",
    ];
    calls.map(|call| call.replace("IMAGE", &image).split(' ').map(str::to_owned).collect())
}

fn refuses(call: &dyn Fn(&[String]) -> crate::support::Regtree, root: &std::path::Path) {
    let before = snapshot(&root.join("docker"));
    for words in removals() {
        for dry in [&[][..], &["--dry-run"]] {
            let run = call(&words).with(dry).run().code(12).says(["Harbor", "hint: delete it in Harbor"]);
            assert!(!dry.is_empty() || !run.out().contains("removed"), "{words:?}: {}", run.out());
            let run = call(&words).with(dry).with(["--json"]).run().code(12);
            assert!(run.err().contains(r#""database":"harbor""#), "{words:?}: {}", run.err());
        }
        assert!(snapshot(&root.join("docker")) == before, "{words:?}");
    }
}

#[test]
fn in_a_harbor_nothing_goes_for_want_of_a_tag_and_plain_gc_works() {
    let (_data, root) = harbor(&["database", "job_logs"]);
    let call = |words: &[String]| crate::support::Regtree::at(&root, words);
    refuses(&call, &root);
    // However the tree is named.
    let link = root.with_file_name("link to it");
    symlink(&root, &link).unwrap();
    for named in [root.join("docker/registry/v2"), link] {
        crate::support::Regtree::at(&named, ["tag", "delete", "lib", "v1"]).run().code(12);
    }
    for command in ["fsck", "du"] {
        let call = || crate::support::Regtree::at(&root, [command]);
        call().run().code(0).says(["note: this is the tree of a Harbor"]);
        assert_eq!(call().with(["--json"]).ok().json_lines().last().unwrap()["database"], "harbor");
    }
    let gc = crate::support::Regtree::at(&root, ["gc", "--min-age", "0"]).run().code(0);
    assert!(!gc.err().contains("--delete-untagged"), "{}", gc.err());
    let files = snapshot(&root.join("docker"));
    let data = files.keys().filter(|path| path.ends_with("data")).count();
    assert_eq!(data, 6, "two images stay, and what nothing needs is gone");
}

#[test]
fn one_directory_beside_a_tree_makes_no_harbor_and_its_realm_does() {
    let (data, root) = harbor(&["redis"]);
    fs::write(data.path().join("secret"), "a file").unwrap();
    let config = data.path().join("config.yml");
    let write = |realm: &str| {
        let auth = format!("auth: {{htpasswd: {{realm: {realm}, path: /etc/registry/passwd}}}}");
        let storage = format!("storage: {{filesystem: {{rootdirectory: '{}'}}}}", root.display());
        fs::write(&config, format!("{storage}\n{auth}\n")).unwrap();
    };
    let call =
        |words: &[String]| crate::support::Regtree::new(["--registry-config", config.to_str().unwrap()]).with(words);
    write("harbor-registry-basic-realm");
    refuses(&call, &root);
    write("basic-realm");
    for words in removals() {
        call(&words).with(["--dry-run", "--max-delete", "100%"].iter().take(if words[0] == "gc" { 3 } else { 1 })).ok();
    }
}
