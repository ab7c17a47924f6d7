//! Repositories and blobs that are not there.

use crate::support::Scratch;
use crate::support::refusal::{CONTENT, NO_BLOB, NO_REPOSITORY, OTHER, refused, text};
use crate::support::scratch::digest_by;

/// Every command that wants a blob of a repository to be there, once for each way to call it.
fn wanting<'a>(repository: &'a str, digest: &'a str) -> [Vec<&'a str>; 7] {
    [
        vec!["get", repository, digest],
        vec!["get", repository, digest, "--range", "0-1"],
        vec!["stat", repository, digest],
        vec!["delete", repository, digest],
        vec!["delete", repository, digest, "--all-aliases"],
        vec!["delete", repository, digest, "--dry-run"],
        vec!["mount", digest, "--from", repository, "--to", "lib/new"],
    ]
}

#[test]
fn an_unknown_repository_is_named() {
    let scratch = Scratch::new();
    let digest = scratch.put("lib/app", CONTENT).to_string();
    // A directory that only holds repositories is none itself.
    for repository in ["lib/none", "none", "lib", "lib/app/none"] {
        let path = scratch.repository(repository);
        let calls = wanting(repository, &digest).into_iter().chain([vec!["list", repository]]);
        for call in calls {
            let call = scratch.regtree(["blob"]).with(call);
            refused(scratch.root(), &call, NO_REPOSITORY, &[repository, text(&path)]);
            call.run().says([format!(
                "hint: to list the repositories: regtree --root {} repo list",
                scratch.root().display()
            )]);
        }
    }
}

#[test]
fn an_unknown_blob_is_named_with_its_repository_and_the_link_it_lacks() {
    let scratch = Scratch::new();
    scratch.put("lib/app", CONTENT);
    for algorithm in ["sha256", "sha384", "sha512"] {
        let digest = digest_by(algorithm, OTHER);
        let (path, name) = (scratch.link("lib/app", digest), digest.to_string());
        for call in wanting("lib/app", &name) {
            let call = scratch.regtree(["blob"]).with(call);
            refused(scratch.root(), &call, NO_BLOB, &["lib/app", &name, text(&path)]);
            call.run().says([format!(
                "hint: to list its blobs: regtree --root {} blob list lib/app",
                scratch.root().display()
            )]);
        }
    }
}

#[test]
fn content_without_a_link_is_unknown_however_well_the_tree_knows_it() {
    let scratch = Scratch::new();
    scratch.put("lib/app", CONTENT);
    let digest = scratch.put("lib/other", OTHER);
    let (path, name) = (scratch.link("lib/app", digest), digest.to_string());
    for call in wanting("lib/app", &name) {
        let call = scratch.regtree(["blob"]).with(call);
        refused(scratch.root(), &call, NO_BLOB, &["lib/app", &name, text(&path)]);
        let hint = format!(
            "hint: its content exists; to see which repositories link it: regtree --root {}",
            scratch.root().display()
        );
        call.run().says([format!("{hint} blob stat --all-repos {name}")]);
    }
}

#[test]
fn one_unknown_digest_among_several_stops_all_of_them() {
    let scratch = Scratch::new();
    let known = [CONTENT, b"second"].map(|content| scratch.put("lib/app", content).to_string());
    let unknown = digest_by("sha256", OTHER).to_string();
    for command in [&["stat"][..], &["delete"], &["delete", "--dry-run"], &["delete", "--all-aliases"]] {
        let call = scratch.regtree(["blob"]).with(command).with(["lib/app", &known[0], &unknown, &known[1]]);
        refused(scratch.root(), &call, NO_BLOB, &["lib/app", &unknown]);
    }
}

#[test]
fn a_blob_that_no_repository_links_is_unknown_everywhere() {
    let scratch = Scratch::new();
    let digest = scratch.put("lib/app", CONTENT).to_string();
    let unknown = digest_by("sha256", OTHER).to_string();
    let everywhere = |digest: &str| scratch.regtree(["blob", "stat", "--all-repos", digest]);
    refused(scratch.root(), &everywhere(&unknown), NO_BLOB, &["no repository", &unknown]);
    scratch.run(["blob", "delete", "lib/app", &digest]).code(0);
    refused(scratch.root(), &everywhere(&digest), NO_BLOB, &["no repository", &digest]);
    everywhere(&digest).run().says(["content exists"]);
}

#[test]
fn a_link_without_content_is_an_unknown_blob_whose_place_is_named() {
    let scratch = Scratch::new();
    let digest = scratch.put("lib/app", CONTENT);
    let (path, name) = (scratch.blob(digest), digest.to_string());
    std::fs::remove_file(&path).unwrap();
    let calls = wanting("lib/app", &name).into_iter().filter(|call| call[0] != "delete");
    for call in calls {
        let call = scratch.regtree(["blob"]).with(call);
        refused(scratch.root(), &call, NO_BLOB, &["lib/app", &name, text(&path)]);
        let hint = format!("regtree --root {} blob put lib/app FILE --digest {name}", scratch.root().display());
        call.run().says([hint]);
    }
    let listed = scratch.run(["blob", "list", "lib/app", "--long"]).code(3).answer();
    assert!(listed.contains("missing") && listed.contains(&name), "{listed}");
}
