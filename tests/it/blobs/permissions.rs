//! Files and directories that the user may not read or write. All of it runs as a user who is not root, in a tree of
//! that user's own.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use regtree::Digest;

use crate::support::denied::{DENIED, Moded, UNREADABLE, UNWRITABLE, denied, during, give_away};
use crate::support::refusal::{CONTENT, IO, OTHER, fails, text, tree};
use crate::support::{Regtree, Scratch};

/// A tree of the unprivileged user's, with one blob in `lib/app`.
fn owned() -> (Scratch, Digest) {
    let scratch = Scratch::new();
    let digest = scratch.put("lib/app", CONTENT);
    give_away(scratch.root());
    (scratch, digest)
}

#[test]
fn an_unreadable_blob_is_named_and_what_needs_no_reading_works() {
    let (scratch, digest) = owned();
    let (data, name) = (scratch.blob(digest), digest.to_string());
    let unreadable = (&*data, UNREADABLE);
    let out = scratch.root().join("got");
    denied(&scratch, unreadable, &scratch.regtree(["blob", "get", "lib/app", &name]), &data);
    denied(&scratch, unreadable, &scratch.regtree(["blob", "get", "lib/app", &name, "-o"]).with([&out]), &data);
    let put = scratch.regtree(["blob", "put", "lib/new"]).stdin(CONTENT);
    denied(&scratch, unreadable, &put, &data);
    during(unreadable, scratch.regtree(["blob", "stat", "lib/app", &name])).code(0);
    during(unreadable, scratch.regtree(["blob", "list", "lib/app", "--long"])).code(0);
}

#[test]
fn an_unreadable_link_is_named_and_is_damage_in_a_listing() {
    let (scratch, digest) = owned();
    let (link, name) = (scratch.link("lib/app", digest), digest.to_string());
    let unreadable = (&*link, UNREADABLE);
    for call in [
        &["get", "lib/app", &name][..],
        &["stat", "lib/app", &name],
        &["mount", &name, "--from", "lib/app", "--to", "lib/new"],
        &["put", "lib/app"],
    ] {
        denied(&scratch, unreadable, &scratch.regtree(["blob"]).with(call).stdin(CONTENT), &link);
    }
    during(unreadable, scratch.regtree(["blob", "list", "lib/app"])).code(0);
    for listing in [&["list", "lib/app", "--long"][..], &["stat", "--all-repos", &name]] {
        let call = scratch.regtree(["blob"]).with(listing);
        during(unreadable, call.clone()).code(3).says(["warning: ", text(&link), DENIED]);
        assert!(during(unreadable, call.with(["--json"])).code(3).out().contains(text(&link)));
    }
}

#[test]
fn an_unreadable_directory_of_blobs_is_damage_and_ends_no_listing() {
    let (scratch, digest) = owned();
    let kept = scratch.put("lib/app", OTHER).to_string();
    let fan_out = scratch.blob(digest).ancestors().nth(2).unwrap().to_owned();
    let unreadable = (&*fan_out, UNREADABLE);
    give_away(scratch.root());
    let name = digest.to_string();
    for call in [&["get", "lib/app", &name][..], &["stat", "lib/app", &name], &["put", "lib/app"]] {
        denied(&scratch, unreadable, &scratch.regtree(["blob"]).with(call).stdin(CONTENT), &fan_out);
    }
    let listed = during(unreadable, scratch.regtree(["blob", "list"])).code(3).says([text(&fan_out), DENIED]);
    assert_eq!(listed.answer(), kept);
}

#[test]
fn an_unreadable_repository_is_damage_and_ends_no_listing() {
    let (scratch, digest) = owned();
    scratch.put("lib/zoo", OTHER);
    give_away(scratch.root());
    let (directory, name) = (scratch.repository("lib/app"), digest.to_string());
    let unreadable = (&*directory, UNREADABLE);
    for call in [
        &["get", "lib/app", &name][..],
        &["stat", "lib/app", &name],
        &["list", "lib/app"],
        &["delete", "lib/app", &name],
        &["mount", &name, "--from", "lib/app", "--to", "lib/new"],
        &["put", "lib/app"],
    ] {
        denied(&scratch, unreadable, &scratch.regtree(["blob"]).with(call).stdin(OTHER), &directory);
    }
    let list = scratch.regtree(["repo", "list"]);
    let listed = during(unreadable, list.clone()).code(3).says(["warning: ", text(&directory), DENIED]);
    assert_eq!(listed.answer(), "lib/zoo");
    let events = during(unreadable, list.with(["--json"])).code(3).json_lines();
    assert!(
        events
            .iter()
            .any(|event| event["type"] == "damage" && event["detail"]["path"] == scratch.below_root(&directory))
    );
    let layers = scratch.repository("lib/app/_layers");
    let listing = scratch.regtree(["blob", "list", "lib/app"]);
    during((&layers, UNREADABLE), listing).code(3).says([text(&layers), DENIED]);
}

#[test]
fn an_unreadable_root_is_not_taken_for_a_missing_one() {
    let (scratch, _) = owned();
    let v2 = scratch.v2();
    for path in [scratch.root().to_owned(), v2.clone(), v2.join("blobs"), v2.join("repositories")] {
        for call in [&["repo", "list"][..], &["blob", "list"], &["blob", "put", "lib/new"]] {
            denied(&scratch, (&path, UNREADABLE), &scratch.regtree(call).stdin(OTHER), &path);
        }
    }
}

/// The directories that a put of new content to `lib/app` writes in.
fn written_in(scratch: &Scratch, digest: Digest) -> [PathBuf; 4] {
    let app = scratch.repository("lib/app");
    let blobs = scratch.blob(digest).ancestors().nth(3).unwrap().to_owned();
    [app.join("_uploads"), app.join("_layers/sha256"), blobs, app]
}

#[test]
fn a_put_into_an_unwritable_directory_leaves_nothing() {
    let (scratch, digest) = owned();
    let [uploads, links, blobs, _] = written_in(&scratch, digest);
    let put = scratch.regtree(["blob", "put", "lib/app"]).stdin(OTHER);
    for directory in [&uploads, &links, &blobs] {
        denied(&scratch, (directory, UNWRITABLE), &put, directory);
    }
    let repositories = scratch.v2().join("repositories");
    let new = scratch.regtree(["blob", "put", "new/app"]).stdin(OTHER);
    denied(&scratch, (&repositories, UNWRITABLE), &new, &repositories.join("new"));
    denied(&scratch, (&blobs, UNWRITABLE), &new, &blobs);
    put.unprivileged().ok();
}

#[test]
fn a_link_that_cannot_be_written_or_removed_is_named() {
    let (scratch, digest) = owned();
    let name = digest.to_string();
    let link = scratch.link("lib/app", digest);
    let unwritable = (link.parent().unwrap(), UNWRITABLE);
    denied(&scratch, unwritable, &scratch.regtree(["blob", "delete", "lib/app", &name]), &link);
    during(unwritable, scratch.regtree(["blob", "delete", "lib/app", &name, "--dry-run"])).code(0);
    fs::write(&link, "").unwrap();
    denied(&scratch, unwritable, &scratch.regtree(["blob", "put", "lib/app"]).stdin(CONTENT), &link);
    scratch.put("lib/app", CONTENT);
    give_away(scratch.root());
    let lib = scratch.repository("lib");
    let mount = scratch.regtree(["blob", "mount", &name, "--from", "lib/app", "--to", "lib/new"]);
    denied(&scratch, (&lib, UNWRITABLE), &mount, &lib.join("new"));
}

#[test]
fn an_unwritable_file_is_replaced_all_the_same() {
    let (scratch, digest) = owned();
    let (link, data) = (scratch.link("lib/app", digest), scratch.blob(digest));
    for path in [&link, &data] {
        fs::write(path, "").unwrap();
        fs::set_permissions(path, Permissions::from_mode(0o444)).unwrap();
    }
    scratch.regtree(["blob", "put", "lib/app"]).stdin(CONTENT).unprivileged().ok();
    let got = scratch.regtree(["blob", "get", "lib/app", &digest.to_string()]).unprivileged().ok();
    assert_eq!(got.bytes(), CONTENT);
}

#[test]
fn a_file_that_cannot_be_written_appears_not_at_all() {
    let (scratch, digest) = owned();
    let out = scratch.root().join("out");
    fs::create_dir(&out).unwrap();
    Scratch::plant(&out.join("existing"), "precious");
    give_away(&out);
    for file in ["new", "existing", "missing/new"].map(|file| out.join(file)) {
        let get = scratch.regtree(["blob", "get", "lib/app", &digest.to_string(), "-o"]).with([&file]);
        if file.parent() == Some(&out) {
            denied(&scratch, (&out, UNWRITABLE), &get, &file);
        } else {
            fails(&get, IO, &[text(&file), "No such file"]);
        }
    }
}

#[test]
fn a_source_or_configuration_that_cannot_be_read_is_named() {
    let (scratch, _) = owned();
    let file = scratch.root().join("file");
    Scratch::plant(&file, OTHER);
    give_away(&file);
    let put = scratch.regtree(["blob", "put", "lib/new"]).with([&file]);
    denied(&scratch, (&file, UNREADABLE), &put, &file);
    let list = Regtree::new(["repo", "list", "--registry-config"]).with([&file]);
    denied(&scratch, (&file, UNREADABLE), &list, &file);
}

#[test]
fn a_tree_of_somebody_else_can_be_read_and_is_not_written() {
    let (scratch, digest) = owned();
    let name = digest.to_string();
    let directories: Vec<PathBuf> = walkdir::WalkDir::new(scratch.root())
        .into_iter()
        .map(|entry| entry.unwrap().into_path())
        .filter(|path| path.is_dir())
        .collect();
    let before = tree(scratch.root());
    let moded: Vec<_> = directories.iter().map(|directory| Moded::new(directory, UNWRITABLE)).collect();
    for (call, code) in [
        (&["get", "lib/app", &name][..], 0),
        (&["stat", "lib/app", &name], 0),
        (&["list"], 0),
        (&["put", "lib/app"], 1),
        (&["put", "lib/new"], 1),
        (&["delete", "lib/app", &name], 1),
        (&["mount", &name, "--from", "lib/app", "--to", "lib/new"], 1),
    ] {
        scratch.regtree(["blob"]).with(call).stdin(OTHER).unprivileged().run().code(code);
    }
    drop(moded);
    assert_eq!(tree(scratch.root()), before);
}

#[test]
fn unlistable_hash_states_prevent_a_purge_but_no_other_use_of_the_upload() {
    let (scratch, _) = owned();
    let id = scratch.run(["upload", "start", "lib/app"]).code(0).answer();
    scratch.regtree(["upload", "resume", "lib/app", &id]).stdin("content").ok();
    let upload = scratch.repository("lib/app").join("_uploads").join(&id);
    give_away(scratch.root());
    let states = upload.join("hashstates/sha256");
    let unreadable = (&*states, UNREADABLE);
    let status = during(unreadable, scratch.regtree(["upload", "status", "lib/app", &id])).code(0);
    assert_eq!(status.lines()[2], "hash states: not readable");
    // It says when it began, and counts from then; without that, its newest file may be one that nobody can see.
    let purge = scratch.regtree(["upload", "purge", "--older-than", "0s", "-n"]);
    during(unreadable, purge.clone()).code(0).says(["would remove 1 upload of"]);
    std::fs::remove_file(upload.join("startedat")).unwrap();
    during(unreadable, purge).code(3).silent().says([text(&states), DENIED]);
    during(unreadable, scratch.regtree(["upload", "list"])).code(3).silent().says([text(&states), DENIED]);
    let digest = Digest::of(b"content").to_string();
    during(unreadable, scratch.regtree(["upload", "commit", "lib/app", &id, "--digest", &digest])).code(1);
    scratch.run(["blob", "get", "lib/app", &digest]).code(0);
}
