//! `tag`: names that point to manifests, set, read, listed, looked back at, and taken away.

mod bad_input;
mod kill;
mod live;
mod set;
mod vectors;

use std::path::PathBuf;

use regtree::Digest;
use serde_json::json;

use crate::support::{Regtree, Scratch, snapshot};

const REPOSITORY: &str = "lib/app";

/// `tag VERB lib/app …`.
fn tag(scratch: &Scratch, verb: &str, arguments: &[&str]) -> Regtree {
    scratch.regtree(["tag", verb, REPOSITORY]).with(arguments)
}

/// Lets a tag of `lib/app` point to a manifest.
fn set(scratch: &Scratch, name: &str, digest: Digest) -> Regtree {
    tag(scratch, "set", &[name, &digest.to_string()])
}

/// What a tag of `lib/app` points to.
#[track_caller]
fn pointed_to(scratch: &Scratch, name: &str) -> Digest {
    tag(scratch, "get", &[name]).ok().answer().parse().unwrap()
}

/// The path of a tag's current link in `lib/app`.
fn current(scratch: &Scratch, name: &str) -> PathBuf {
    scratch.repository(REPOSITORY).join(format!("_manifests/tags/{name}/current/link"))
}

/// The path of an entry in the history of a tag in `lib/app`.
fn past(scratch: &Scratch, name: &str, digest: Digest) -> PathBuf {
    scratch.repository(REPOSITORY).join(format!("_manifests/tags/{name}/index/sha256/{}/link", &*digest.hex()))
}

/// The digests of a tag's history as it is listed.
#[track_caller]
fn history(scratch: &Scratch, name: &str) -> Vec<String> {
    let events = tag(scratch, "history", &[name, "--json"]).ok().json_lines();
    events.iter().map(|event| event["digest"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn a_list_is_sorted_and_long_says_what_each_tag_is() {
    let scratch = Scratch::new();
    let image = scratch.image(REPOSITORY, "one").tag("v1.10").tag("latest").tag("V2");
    assert_eq!(tag(&scratch, "list", &[]).ok().lines(), ["V2", "latest", "v1.10"]);
    let long = tag(&scratch, "list", &["--long"]).ok().lines();
    let (digest, size) = (image.digest.to_string(), image.bytes.len());
    assert_eq!(long.len(), 3);
    for (line, name) in long.iter().zip(["V2", "latest", "v1.10"]) {
        let words: Vec<&str> = line.split_whitespace().collect();
        assert_eq!(words[..5], [name, &digest, "oci-manifest", &size.to_string(), "B"]);
        assert!(words[5].ends_with('Z') && words[5].len() == 20, "{line}");
    }
    let event = tag(&scratch, "list", &["--json"]).ok().json_lines().remove(0);
    let plain = json!({
        "repository": REPOSITORY, "tag": "V2", "digest": digest, "type": "tag", "schema_version": 1,
    });
    assert_eq!(event, plain);
    let event = tag(&scratch, "list", &["--json", "--long"]).ok().json_lines().remove(0);
    assert_eq!(
        (&event["kind"], &event["size"], &event["missing"]),
        (&json!("oci-manifest"), &json!(size), &json!(false))
    );
    assert!(event["since"].as_str().unwrap().ends_with('Z'), "{event}");
}

#[test]
fn get_prints_the_digest_and_json_names_all() {
    let scratch = Scratch::new();
    let image = scratch.image(REPOSITORY, "one").tag("v1");
    assert_eq!(pointed_to(&scratch, "v1"), image.digest);
    let document = tag(&scratch, "get", &["v1", "--json"]).ok().json();
    let digest = image.digest.to_string();
    let expected =
        json!({ "repository": REPOSITORY, "tag": "v1", "digest": digest, "type": "tag", "schema_version": 1 });
    assert_eq!(document, expected);
}

#[test]
fn delete_takes_the_tag_and_leaves_its_siblings_and_the_manifest() {
    let scratch = Scratch::new();
    let image = scratch.image(REPOSITORY, "one").tag("v1").tag("v2").tag("v3");
    let before = snapshot(&scratch.v2());
    let dry = tag(&scratch, "delete", &["v1", "v2", "-n"]).ok().says(["nothing was removed (dry run)"]);
    assert_eq!(snapshot(&scratch.v2()), before);
    assert_eq!(dry.lines(), ["v1", "v2"]);
    assert_eq!(tag(&scratch, "delete", &["v1", "v2", "v1"]).ok().lines(), dry.lines());
    let after = snapshot(&scratch.v2());
    let gone = before.keys().filter(|path| !after.contains_key(*path));
    assert!(gone.clone().all(|path| path.to_str().unwrap().contains("/tags/v")), "{:?}", gone.collect::<Vec<_>>());
    assert_eq!(tag(&scratch, "list", &[]).ok().lines(), ["v3"]);
    assert_eq!(pointed_to(&scratch, "v3"), image.digest);
    scratch.run(["manifest", "get", REPOSITORY, &image.digest.to_string()]).code(0);
    tag(&scratch, "get", &["v1"]).run().code(4);
    let event = tag(&scratch, "delete", &["v3", "--json"]).ok().json();
    let digest = image.digest.to_string();
    assert_eq!((&event["tag"], &event["digest"], &event["dry_run"]), (&json!("v3"), &json!(digest), &json!(false)));
    // The folder that a registry looks for stays.
    assert!(tag(&scratch, "list", &[]).ok().lines().is_empty());
    assert!(scratch.repository(REPOSITORY).join("_manifests/tags").is_dir());
}

#[test]
fn a_tag_may_be_called_as_a_folder_of_the_alphas_is() {
    let scratch = Scratch::new();
    scratch.image("lib", "outer").tag("v1");
    // A repository like any other, below the folder where an alpha would keep the tags of lib.
    let image = scratch.image("lib/manifests/tags/v1", "inner").tag("v1");
    scratch.image("lib/manifests/tags", "inner").tag("v1");
    assert_eq!(scratch.run(["tag", "list", "lib"]).code(0).says([""; 0]).lines(), ["v1"]);
    scratch.run(["tag", "delete", "lib", "_manifests"]).code(4);
    scratch.run(["tag", "delete", "lib", "v1"]).code(0);
    for name in ["lib/manifests/tags/v1", "lib/manifests/tags"] {
        assert_eq!(scratch.run(["tag", "get", name, "v1"]).code(0).answer(), image.digest.to_string());
    }
}
