//! `quarantine restore` puts items back as they were.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use regtree::Digest;
use regtree::quarantine::{Item, ItemKind};

use super::{
    NOW, REPOSITORY, blob, blob_and_link, directory, in_repository, item, layer_link, take, take_at, things, tree,
};
use crate::support::Scratch;

/// A tree with everything that can be taken, and that.
fn full() -> (Scratch, Vec<Item>) {
    let scratch = Scratch::new();
    let config = scratch.put(REPOSITORY, b"{}");
    let manifest = format!(
        r#"{{"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json","config":{{"mediaType":"application/vnd.oci.image.config.v1+json","digest":"{config}","size":2}},"layers":[]}}"#
    );
    let put = scratch.regtree(["manifest", "put", REPOSITORY, "--tag", "v1", "--tag", "v2"]).stdin(manifest.clone());
    let revision: Digest = put.ok().answer().parse().unwrap();
    let id = scratch.run(["upload", "start", REPOSITORY]).code(0).answer();
    scratch.regtree(["upload", "resume", REPOSITORY, &id]).stdin("received").ok();
    fs::set_permissions(scratch.blob(config), PermissionsExt::from_mode(0o640)).unwrap();
    fs::set_permissions(scratch.link(REPOSITORY, config).parent().unwrap(), PermissionsExt::from_mode(0o2750)).unwrap();
    Scratch::plant(&scratch.repository("lib/stray/file"), "a stray");
    std::os::unix::fs::symlink("elsewhere", scratch.repository("lib/planted")).unwrap();
    let (tags, hex) = ("_manifests/tags", revision.hex());
    let items = vec![
        in_repository(ItemKind::TagIndex, &format!("{tags}/v1/index/sha256/{}", &*hex)).digest(revision),
        in_repository(ItemKind::Tag, &format!("{tags}/v2")),
        in_repository(ItemKind::Revision, &format!("_manifests/revisions/sha256/{}", &*hex)).digest(revision),
        layer_link(config),
        blob(config, 2),
        blob(revision, manifest.len() as u64),
        in_repository(ItemKind::Upload, &format!("_uploads/{id}")).size(8),
        item(ItemKind::File, "repositories/lib/stray/file"),
        item(ItemKind::File, "repositories/lib/planted"),
        item(ItemKind::Directory, &format!("blobs/sha256/{}", &config.hex()[..2])),
        item(ItemKind::Directory, "repositories/lib").repository("lib"),
    ];
    (scratch, items)
}

#[test]
fn take_and_restore_gives_the_identical_tree() {
    let (scratch, items) = full();
    let before = tree(scratch.root());
    let count = items.len();
    let run = take(scratch.root(), items);
    assert!(!scratch.repository("lib").exists());
    assert_eq!(things(&scratch, &run).len(), count);
    let listed = scratch.run(["quarantine", "list", "--json"]).code(0).json();
    assert_eq!(
        (&listed["run"], &listed["kind"], &listed["items"]),
        (&run.as_str().into(), &"gc".into(), &count.into())
    );
    assert_eq!(listed["began"], NOW);
    let shown = scratch.run(["quarantine", "show", &run]).code(0).lines();
    assert_eq!(shown.len(), count, "{shown:?}");
    assert!(shown[0].contains("tag-index") && shown[0].contains("tags/v1/index/sha256"), "{shown:?}");
    let dry = scratch.run(["quarantine", "restore", &run, "--dry-run", "-v"]).code(0).prints("would put back 11 items");
    assert_eq!(things(&scratch, &run).len(), count);
    let done = scratch.run(["quarantine", "restore", &run, "--verify", "-v"]).code(0).says(["1 item already in place"]);
    // The blob makes its fan-out again.
    let is_fan_out = |path: &String| path.starts_with("blobs/") && path.len() == "blobs/sha256/00".len();
    let (mut done, mut dry) = (done.lines(), dry.lines());
    let sums = (done.pop().unwrap(), dry.pop().unwrap());
    assert!(
        sums.0.starts_with("put back 10 items of ") && sums.1.starts_with("would put back 11 items of "),
        "{sums:?}"
    );
    dry.retain(|path| !is_fan_out(path));
    assert_eq!(done, dry);
    assert_eq!(tree(scratch.root()), before);
    assert!(!directory(&scratch, &run).exists());
    scratch.run(["quarantine", "list"]).code(0).silent();
    scratch.run(["quarantine", "restore", &run]).code(4).says([&run]);
}

#[test]
fn no_link_goes_back_whose_content_is_gone_from_the_quarantine() {
    for data_alone in [false, true] {
        let (scratch, items) = full();
        let other = scratch.put("other", b"other");
        let lost = items.iter().find(|item| item.kind == ItemKind::Blob).unwrap().digest.unwrap();
        let run = take(scratch.root(), items.into_iter().chain([blob(other, 5)]));
        let place = things(&scratch, &run).into_iter().find(|path| path.ends_with(lost.to_string().replace(':', "-")));
        let place = place.unwrap();
        if data_alone { fs::remove_file(place.join("data")) } else { fs::remove_dir_all(&place) }.unwrap();
        let tags = scratch.repository(REPOSITORY).join("_manifests/tags");
        for words in [&["-n"][..], &[]] {
            let call = scratch.run([&["quarantine", "restore", &*run], words].concat()).code(3);
            call.says(["its content no longer exists, or could not be put back", "something of its repository"]);
            assert!(!scratch.link(REPOSITORY, lost).exists() && !tags.join("v2").exists(), "{words:?}");
        }
        assert!(scratch.blob(other).exists(), "the other repository's content is back");
        assert!(directory(&scratch, &run).exists());
        let found = scratch.run(["fsck", "--content", "--json"]).json_lines();
        let codes: Vec<&str> = found.iter().filter_map(|event| event["code"].as_str()).collect();
        assert!(!codes.contains(&"blob-missing") && !codes.contains(&"layer-link-dangling"), "{codes:?}");
    }
}

#[test]
fn only_what_is_asked_for_goes_back() {
    let scratch = Scratch::new();
    let [one, two] = ["one", "two"].map(|content| scratch.put(REPOSITORY, content.as_bytes()));
    let run = take(scratch.root(), [one, two].into_iter().flat_map(blob_and_link));
    let absent = Digest::of(b"absent").to_string();
    scratch.run(["quarantine", "restore", &run, &absent]).code(4).says([&absent]);
    scratch.run(["quarantine", "restore", &run, &two.to_string()]).code(0).prints("put back 2 items");
    assert_eq!(scratch.run(["blob", "get", REPOSITORY, &two.to_string()]).code(0).bytes(), b"two");
    scratch.run(["blob", "get", REPOSITORY, &one.to_string()]).code(4);
    assert_eq!(scratch.run(["quarantine", "show", &run]).code(0).lines().len(), 2);
    assert_eq!(scratch.run(["quarantine", "show", &run, "--all"]).code(0).lines().len(), 4);
    let journal = fs::read_to_string(directory(&scratch, &run).join("journal")).unwrap();
    assert_eq!(journal.matches(r#""type":"restore""#).count(), 2, "{journal}");
    // Again: it is done already.
    scratch.run(["quarantine", "restore", &run, &two.to_string()]).code(0).prints("put back 0 items");
    scratch.run(["quarantine", "restore", &run]).code(0).says(["is now empty and was removed"]);
}

#[test]
fn what_is_there_again_is_dropped_and_what_is_something_else_is_left_alone() {
    let scratch = Scratch::new();
    let [same, other] = ["same", "other"].map(|content| scratch.put(REPOSITORY, content.as_bytes()));
    let run = take(scratch.root(), [same, other].into_iter().flat_map(blob_and_link));
    for content in ["same", "other"] {
        scratch.put(REPOSITORY, content.as_bytes());
    }
    fs::write(scratch.blob(other), "OTHER").unwrap();
    let before = tree(scratch.root());
    let said = scratch.run(["quarantine", "restore", &run]).code(3);
    said.says(["something else is in its place", "it is kept in", "3 items already in place"])
        .prints("put back 0 items");
    assert_eq!(tree(scratch.root()), before);
    assert_eq!(things(&scratch, &run).len(), 1);
    let events = scratch.run(["quarantine", "restore", &run, "--json"]).code(3).json_lines();
    assert!(events[0]["detail"]["kept"].as_str().unwrap().contains(&run), "{events:?}");
    scratch.lose(other);
    scratch.run(["quarantine", "restore", &run]).code(0);
    assert_eq!(fs::read(scratch.blob(other)).unwrap(), b"other");
}

#[test]
fn an_empty_directory_is_no_obstacle() {
    let scratch = Scratch::new();
    let digest = scratch.put(REPOSITORY, b"content");
    let run = take(scratch.root(), blob_and_link(digest));
    fs::create_dir_all(scratch.blob(digest).parent().unwrap()).unwrap();
    scratch.run(["quarantine", "restore", &run]).code(0);
    assert_eq!(scratch.run(["blob", "get", REPOSITORY, &digest.to_string()]).code(0).bytes(), b"content");
}

#[test]
fn a_repository_that_is_there_again_gets_back_what_it_lacks() {
    let scratch = Scratch::new();
    let [one, two] = ["one", "two"].map(|content| scratch.put(REPOSITORY, content.as_bytes()));
    let id = scratch.run(["upload", "start", REPOSITORY]).code(0).answer();
    let before = tree(scratch.root());
    let whole = item(ItemKind::Directory, "repositories/lib");
    let [link, blob] = blob_and_link(one);
    let run = take(scratch.root(), [link, blob, whole]);
    scratch.run(["quarantine", "restore", &run, &one.to_string()]).code(0);
    assert!(!scratch.link(REPOSITORY, two).exists());
    Scratch::plant(&scratch.link(REPOSITORY, two), "other");
    scratch.run(["quarantine", "restore", &run]).code(3).says(["something else is in its place"]);
    fs::remove_file(scratch.link(REPOSITORY, two)).unwrap();
    let lines = scratch.run(["quarantine", "restore", &run, "-v"]).code(0).lines();
    assert_eq!(lines, ["repositories/lib", "put back 1 item of 0 bytes"]);
    assert_eq!(tree(scratch.root()), before);
    scratch.run(["upload", "status", REPOSITORY, &id]).code(0);
}

#[test]
fn a_damaged_blob_goes_back_unless_it_is_to_be_verified() {
    let scratch = Scratch::new();
    let digest = scratch.put(REPOSITORY, b"content");
    fs::write(scratch.blob(digest), "damaged").unwrap();
    let run = take(scratch.root(), [blob(digest, 7)]);
    scratch.run(["quarantine", "restore", &run, "--verify"]).code(3).says(["hashes to"]);
    assert!(!scratch.blob(digest).exists());
    scratch.run(["quarantine", "restore", &run]).code(0);
    assert_eq!(fs::read(scratch.blob(digest)).unwrap(), b"damaged");
}

#[test]
fn a_blob_may_be_taken_come_back_and_be_taken_again() {
    use std::time::Duration;

    use regtree::Registry;
    use regtree::quarantine::Run;

    let scratch = Scratch::new();
    let digest = scratch.put(REPOSITORY, b"content");
    let registry = Registry::open(scratch.root()).unwrap();
    let now = NOW.parse().unwrap();
    let writer = registry.exclusive_writer("test", now, Duration::ZERO).unwrap();
    let mut run = Run::begin(&writer, "repair", now).unwrap();
    for content in ["damaged", "content"] {
        fs::create_dir_all(scratch.blob(digest).parent().unwrap()).unwrap();
        fs::write(scratch.blob(digest), content).unwrap();
        assert!(run.take_one(blob(digest, 7)).unwrap());
    }
    assert!(!run.take_one(blob(digest, 7)).unwrap());
    let id = run.id().to_string();
    run.finish().unwrap();
    drop(writer);
    assert_eq!(things(&scratch, &id).len(), 2);
    // The newest first; the older one then finds its place taken by what is right, which is all that it should have been.
    scratch.run(["quarantine", "restore", &id]).code(0);
    assert_eq!(fs::read(scratch.blob(digest)).unwrap(), b"content");
    assert!(!scratch.root().join(".regtree/quarantine").join(&id).exists());
}

#[test]
fn a_run_that_took_nothing_leaves_nothing() {
    use regtree::Registry;
    use regtree::quarantine::Run;

    let scratch = Scratch::new();
    let registry = Registry::open(scratch.root()).unwrap();
    let now = NOW.parse().unwrap();
    let writer = registry.exclusive_writer("test", now, std::time::Duration::ZERO).unwrap();
    let mut run = Run::begin(&writer, "gc", now).unwrap();
    assert!(run.note([blob(Digest::of(b"absent"), 6)]).unwrap().is_empty());
    for path in ["blobs", "repositories", "blobs/.regtree-quarantine/x", "repositories/_regtree-quarantine"] {
        let error = run.note([item(ItemKind::Directory, path)]).unwrap_err();
        assert!(error.to_string().contains("refused"), "{error}");
    }
    assert!(!run.finish().unwrap());
    assert_eq!(fs::read_dir(scratch.root().join(".regtree/quarantine")).unwrap().count(), 0);
}

#[test]
fn purge_removes_what_is_old() {
    let scratch = Scratch::new();
    let [one, two] = ["one", "two"].map(|content| scratch.put(REPOSITORY, content.as_bytes()));
    let old = take_at(scratch.root(), "2020-01-01T00:00:00Z", "repair", [blob(one, 3)]);
    let new = take_at(scratch.root(), &jiff::Timestamp::now().to_string(), "gc", [blob(two, 3)]);
    let purge = ["quarantine", "purge", "--older-than", "14d"];
    let dry = scratch.run([&purge[..], &["-n"]].concat()).code(0).says(["would remove 1 run with 1 item of 3 bytes"]);
    assert_eq!(dry.answer(), old);
    assert!(directory(&scratch, &old).exists());
    let events = scratch.run([&purge[..], &["--json"]].concat()).code(0).json_lines();
    assert_eq!((&events[0]["run"], &events[0]["kind"]), (&old.as_str().into(), &"repair".into()));
    assert_eq!((&events[1]["runs"], &events[1]["bytes"]), (&1.into(), &3.into()));
    assert!(!directory(&scratch, &old).exists() && directory(&scratch, &new).exists());
    scratch.run(purge).code(0).silent();
    scratch.run(["quarantine", "restore", &new]).code(0);
}

#[test]
fn restore_and_purge_want_the_tree_for_themselves() {
    let scratch = Scratch::new();
    let run = take(scratch.root(), [blob(scratch.put(REPOSITORY, b"one"), 3)]);
    let registry = regtree::Registry::open(scratch.root()).unwrap();
    let writer = registry.writer("test", NOW.parse().unwrap(), std::time::Duration::ZERO).unwrap();
    scratch.run(["quarantine", "restore", &run]).code(11);
    scratch.run(["quarantine", "purge", "--older-than", "0s"]).code(11);
    for reading in [&["restore", &run, "-n"][..], &["purge", "--older-than", "0s", "-n"], &["list"], &["show", &run]] {
        scratch.run([&["quarantine"], reading].concat()).code(0);
    }
    drop(writer);
}
