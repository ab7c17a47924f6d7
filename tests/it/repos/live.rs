//! Repositories that regtree removed, as the real registry sees them.

use serde_json::Value;

use crate::support::Scratch;
use crate::support::peers::DockerRegistry;

#[test]
fn a_repository_that_regtree_removed_is_unknown_and_a_nested_one_is_served() {
    let scratch = Scratch::new();
    scratch.image("app", "one").tag("v1");
    let nested = scratch.image("app/nested", "one").tag("v1");
    let registry = DockerRegistry::serve(scratch.root());
    let catalogue = || -> Value { serde_json::from_slice(&registry.get("/v2/_catalog").body).unwrap() };
    let manifest = |name: &str| {
        let accept = [("accept", "application/vnd.oci.image.manifest.v1+json")];
        registry.request("GET", &format!("/v2/{name}/manifests/v1"), &accept, b"")
    };
    assert_eq!(catalogue()["repositories"], serde_json::json!(["app", "app/nested"]));
    assert_eq!(registry.get("/v2/app/tags/list").status, 200);
    scratch.run(["repo", "delete", "app"]).code(0);
    assert_eq!(catalogue()["repositories"], serde_json::json!(["app/nested"]));
    assert_eq!(registry.get("/v2/app/tags/list").status, 404);
    assert_eq!(manifest("app").status, 404);
    let served = manifest("app/nested");
    assert_eq!((served.status, &served.body), (200, &nested.bytes));
    for digest in [nested.config, nested.layer] {
        assert_eq!(registry.get(&format!("/v2/app/nested/blobs/{digest}")).status, 200);
    }
    // It can be pushed to again.
    assert_eq!(registry.push_blob("app", &nested.layer.to_string(), b"layer one").status, 201);
}
