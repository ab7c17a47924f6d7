//! Tags that regtree set and took away, as the real registry sees them.

use serde_json::{Value, json};

use super::{REPOSITORY, set, tag};
use crate::support::Scratch;
use crate::support::peers::DockerRegistry;

fn served(registry: &DockerRegistry, name: &str) -> (u16, String) {
    let accept = [("accept", "application/vnd.oci.image.manifest.v1+json")];
    let reply = registry.request("GET", &format!("/v2/{REPOSITORY}/manifests/{name}"), &accept, b"");
    let digest = reply.header("docker-content-digest");
    (reply.status, digest)
}

/// The tags that both list.
#[track_caller]
fn tags(registry: &DockerRegistry, scratch: &Scratch) -> Vec<String> {
    let reply = registry.get(&format!("/v2/{REPOSITORY}/tags/list"));
    let mut document: Value = serde_json::from_slice(&reply.body).unwrap();
    let theirs: Option<Vec<String>> = serde_json::from_value(document["tags"].take()).unwrap();
    let mut theirs = theirs.unwrap_or_default();
    theirs.sort();
    assert_eq!(tag(scratch, "list", &[]).ok().lines(), theirs);
    theirs
}

#[test]
fn the_registry_serves_what_regtree_tags_and_no_more() {
    let scratch = Scratch::new();
    let [one, two] = ["one", "two"].map(|text| scratch.image(REPOSITORY, text));
    let registry = DockerRegistry::serve(scratch.root());
    assert_eq!(served(&registry, "v1").0, 404);
    for (name, image) in [("v1", &one), ("v2", &one), ("v1", &two)] {
        set(&scratch, name, image.digest).ok();
        assert_eq!(served(&registry, name), (200, image.digest.to_string()));
    }
    assert_eq!(tags(&registry, &scratch), ["v1", "v2"]);
    tag(&scratch, "delete", &["v1"]).ok();
    assert_eq!(served(&registry, "v1").0, 404);
    assert_eq!(served(&registry, "v2"), (200, one.digest.to_string()));
    assert_eq!(served(&registry, &two.digest.to_string()).0, 200, "the manifest stays");
    assert_eq!(tags(&registry, &scratch), ["v2"]);
    // The registry moves it; the past is one.
    let headers = [("content-type", "application/vnd.oci.image.manifest.v1+json")];
    let pushed = registry.request("PUT", &format!("/v2/{REPOSITORY}/manifests/v2"), &headers, &two.bytes);
    assert_eq!(pushed.status, 201, "{pushed:?}");
    let past = tag(&scratch, "history", &["v2", "--json"]).ok().json_lines();
    let past: Vec<_> = past.iter().map(|event| (event["digest"].clone(), event["current"].clone())).collect();
    assert_eq!(past.len(), 2);
    assert!(past.contains(&(json!(two.digest.to_string()), json!(true))), "{past:?}");
    assert!(past.contains(&(json!(one.digest.to_string()), json!(false))), "{past:?}");
}
