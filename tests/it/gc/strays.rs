//! Files of others in the directories of blobs, and directories that are no repository's.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use serde_json::Value;

use crate::support::planted::{Planted, blob_path};
use crate::support::schema::below_v2;
use crate::support::{Run, Scratch};

/// An image, and garbage in whose directory somebody left a file, beside what an interrupted write left.
fn with_stranger() -> (Planted, String) {
    let planted = Planted::new();
    planted.tagged_image("team/app", "v1", "one");
    let garbage = planted.blob("needed by nothing");
    let data = planted.at(&blob_path(&garbage));
    Scratch::plant(&data.with_file_name("data.bak"), "mine");
    let temporary = "data.11111111-2222-4333-8444-555555555555.tmp";
    Scratch::plant(&data.with_file_name(temporary), "left");
    planted.age(24 * 30);
    (planted, garbage)
}

/// The names in the directory of a blob.
fn names(planted: &Planted, digest: &str) -> Vec<String> {
    let directory = planted.at(&blob_path(digest)).parent().unwrap().to_owned();
    let names = fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<_> = names.collect();
    names.sort();
    names
}

fn removed(run: &Run) -> Vec<Value> {
    let events = run.json_lines();
    events.iter().filter(|event| event["type"] == "remove").map(|event| below_v2(&event["changes"]).into()).collect()
}

#[test]
fn somebody_s_file_in_a_blob_s_directory_stays_and_only_the_blob_goes() {
    let (planted, garbage) = with_stranger();
    let dry = planted.run(["gc", "-n", "--json"]).code(0);
    assert_eq!(names(&planted, &garbage).len(), 3);
    let run = planted.run(["gc", "--json"]).code(0);
    assert_eq!(removed(&run), removed(&dry));
    let summary = |run: &Run| run.json_lines().pop().unwrap();
    let mut planned = summary(&dry);
    planned["dry_run"] = false.into();
    assert_eq!(summary(&run), planned);
    assert_eq!(names(&planted, &garbage), ["data.bak"]);
    // And so it stays.
    planted.age(24 * 30);
    let again = planted.run(["gc", "--json"]).code(0);
    assert_eq!(removed(&again), [] as [Value; 0]);
    assert_eq!(names(&planted, &garbage), ["data.bak"]);
}

#[test]
fn temporary_files_go_with_their_blob() {
    let (planted, garbage) = with_stranger();
    let data = planted.at(&blob_path(&garbage));
    fs::remove_file(data.with_file_name("data.bak")).unwrap();
    planted.age(24 * 30);
    planted.run(["gc"]).code(0);
    assert!(!data.parent().unwrap().exists());
}

#[test]
fn somebody_s_file_stays_when_the_blob_is_moved_to_the_quarantine_and_put_back() {
    let (planted, garbage) = with_stranger();
    let run = planted.run(["gc", "--quarantine", "--json"]).code(0);
    let id = run.json_lines().last().unwrap()["quarantine"].as_str().unwrap().to_owned();
    assert!(names(&planted, &garbage).contains(&"data.bak".to_owned()) && !planted.has(&garbage));
    planted.run(["quarantine", "restore", &id, "--verify"]).code(0);
    assert!(names(&planted, &garbage).contains(&"data.bak".to_owned()) && planted.has(&garbage));
    assert_eq!(fs::read(planted.at(&blob_path(&garbage))).unwrap(), b"needed by nothing");
    // Once more, and for good.
    planted.age(24 * 30);
    planted.run(["gc", "--quarantine"]).code(0);
    planted.run(["quarantine", "purge", "--older-than", "0s"]).code(0);
    assert!(names(&planted, &garbage).contains(&"data.bak".to_owned()) && !planted.has(&garbage));
    assert_eq!(fs::read_dir(planted.root().join(".regtree/quarantine")).unwrap().count(), 0);
}

#[test]
fn somebody_s_file_stays_when_a_repair_takes_corrupt_content_away_and_puts_in_the_right_one() {
    let planted = Planted::new();
    planted.tagged_image("team/app", "v1", "one");
    let layer = planted.layer("team/app", "layer of one");
    let data = planted.at(&blob_path(&layer));
    fs::write(&data, "wrong").unwrap();
    Scratch::plant(&data.with_file_name("data.bak"), "mine");
    let source = tempfile::tempdir().unwrap();
    fs::write(source.path().join("layer"), "layer of one").unwrap();
    planted.run(["repair", "--all-safe", "--from", source.path().to_str().unwrap()]).code(0);
    assert_eq!(names(&planted, &layer), ["data", "data.bak"]);
    assert_eq!(fs::read(&data).unwrap(), b"layer of one");
}

/// A tree with garbage and this directory below `repositories`, which cannot be listed.
fn with_unreadable(name: &str) -> (Planted, String) {
    let planted = Planted::new();
    planted.tagged_image("team/app", "v1", "one");
    let garbage = planted.blob("needed by nothing");
    let directory = planted.at(&format!("repositories/{name}"));
    fs::create_dir_all(&directory).unwrap();
    planted.age(24 * 30);
    fs::set_permissions(directory, PermissionsExt::from_mode(0o000)).unwrap();
    (planted, garbage)
}

/// What a user who is not root would remove, and with which exit code.
fn plan(planted: &Planted) -> (i32, Vec<Value>) {
    let run = planted.regtree(["gc", "-n", "--json"]).unprivileged().run();
    (run.exit().unwrap(), removed(&run))
}

#[test]
fn a_directory_that_is_no_repository_s_keeps_no_content_though_it_cannot_be_listed() {
    for name in ["lost+found", ".Trash-1000", "#recycle", "@eaDir", "a/LOST", "team/.snapshot"] {
        let (planted, garbage) = with_unreadable(name);
        let (code, gone) = plan(&planted);
        // Not everything was looked at.
        assert_eq!(code, 3, "{name}");
        assert!(
            gone.iter().any(|path| path.as_str().unwrap().contains(&garbage["sha256:".len()..])),
            "{name}: {gone:?}"
        );
        let run = planted.regtree(["fsck", "--json"]).unprivileged().run().code(3);
        let events = run.json_lines();
        let finding = events.iter().find(|event| event["path"].as_str().is_some_and(|path| path.ends_with(name)));
        let finding = finding.unwrap_or_else(|| panic!("{name}: {}", run.out()));
        assert_eq!((&finding["severity"], &finding["repair"]), (&"warning".into(), &Value::Null), "{finding}");
        let message = finding["message"].as_str().unwrap();
        assert!(message.ends_with("no repository has such a name, so no content is kept because of it"), "{message}");
        fs::set_permissions(planted.at(&format!("repositories/{name}")), PermissionsExt::from_mode(0o755)).unwrap();
    }
}

#[test]
fn a_directory_beside_those_of_blobs_keeps_no_content_though_it_cannot_be_listed() {
    for (name, keeps) in [("lost+found", false), ("0", false), ("AB", false), ("ab", true)] {
        let planted = Planted::new();
        planted.tagged_image("team/app", "v1", "one");
        let garbage = planted.blob("needed by nothing");
        let directory = planted.at(&format!("blobs/sha256/{name}"));
        assert!(!directory.exists());
        fs::create_dir(&directory).unwrap();
        planted.age(24 * 30);
        fs::set_permissions(&directory, PermissionsExt::from_mode(0o000)).unwrap();
        let (code, gone) = plan(&planted);
        assert_eq!((code, gone.is_empty()), (3, keeps), "{name}: {gone:?}");
        let run = planted.regtree(["fsck", "--json"]).unprivileged().run().code(3);
        let events = run.json_lines();
        let finding = events.iter().find(|event| event["path"].as_str().is_some_and(|path| path.ends_with(name)));
        assert_eq!(finding.unwrap()["severity"], if keeps { "error" } else { "warning" }, "{name}");
        fs::set_permissions(&directory, PermissionsExt::from_mode(0o755)).unwrap();
        assert!(planted.has(&garbage));
    }
}

#[test]
fn the_owner_of_a_directory_that_is_no_repository_s_is_right() {
    let (planted, _) = with_unreadable("lost+found");
    if !rustix::process::geteuid().is_root() {
        return;
    }
    let directory = planted.at("repositories/lost+found");
    fs::set_permissions(&directory, PermissionsExt::from_mode(0o700)).unwrap();
    for entry in walkdir::WalkDir::new(planted.root()).into_iter().map(Result::unwrap) {
        if entry.path() != directory {
            std::os::unix::fs::chown(entry.path(), Some(65534), Some(65534)).unwrap();
        }
    }
    // Root can list it. The registry can't, and need not.
    let run = planted.run(["fsck", "--json"]).code(0);
    let events = run.json_lines();
    let finding = events.iter().find(|event| event["code"] == "permissions").unwrap();
    assert_eq!((&finding["severity"], &finding["repair"]), (&"warning".into(), &Value::Null), "{finding}");
    planted.run(["repair", "--all-safe"]).code(0);
    let found = fs::metadata(directory).unwrap();
    assert_eq!((std::os::unix::fs::MetadataExt::uid(&found), found.permissions().mode() & 0o777), (0, 0o700));
}

#[test]
fn a_registry_s_user_frees_content_beside_a_lost_and_found_of_root_s() {
    let (planted, garbage) = with_unreadable("lost+found");
    if !rustix::process::geteuid().is_root() {
        return;
    }
    let is_theirs = |path: &std::path::Path| !path.ends_with("lost+found");
    for entry in walkdir::WalkDir::new(planted.root()).into_iter().map(Result::unwrap) {
        if is_theirs(entry.path()) {
            std::os::unix::fs::chown(entry.path(), Some(65534), Some(65534)).unwrap();
        }
    }
    planted.regtree(["gc"]).unprivileged().run().code(3);
    assert!(!planted.has(&garbage));
    planted.run(["manifest", "verify", "--all", "--content"]).code(0);
}

#[test]
fn a_directory_that_may_be_a_repository_s_keeps_all_content_while_it_cannot_be_listed() {
    // The first part of a name may be a host, in letters of any case.
    for name in ["lost", "LOST", "team/lost", "my-host.example", "a.b/c__d", "layers"] {
        let (planted, _) = with_unreadable(name);
        assert_eq!(plan(&planted), (3, vec![]), "{name}");
        planted.regtree(["fsck"]).unprivileged().run().code(3);
        fs::set_permissions(planted.at(&format!("repositories/{name}")), PermissionsExt::from_mode(0o755)).unwrap();
    }
}

#[test]
fn what_is_readable_below_a_name_of_no_repository_keeps_what_it_links() {
    let planted = Planted::new();
    planted.tagged_image("team/app", "v1", "one");
    let image = planted.tagged_image("lost+found/app", "v1", "two");
    planted.age(24 * 30);
    planted.run(["gc", "--delete-untagged"]);
    assert!(planted.has(&image) && planted.has_revision("lost+found/app", &image));
}
