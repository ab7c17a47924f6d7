//! What came back is served by the real registry.

use super::collection::{collect, grown};
use super::{REPOSITORY, things};
use crate::support::image::Image;
use crate::support::peers::{DockerRegistry, garbage_collect, skopeo};

#[test]
fn an_image_that_was_put_back_is_served_and_pulled() {
    let scratch = grown();
    let image = Image::new();
    for blob in image.blobs() {
        scratch.layer(REPOSITORY, blob);
    }
    let put = scratch.regtree(["manifest", "put", REPOSITORY]).stdin(&*image.manifest);
    let digest = put.ok().answer();
    let (run, _) = collect(&scratch);
    let path = format!("/v2/{REPOSITORY}/manifests/{digest}");
    assert_eq!(DockerRegistry::serve(scratch.root()).get(&path).status, 404);
    scratch.run(["quarantine", "restore", &run]).code(0);

    let registry = DockerRegistry::serve(scratch.root());
    let place = tempfile::tempdir().unwrap();
    for reference in [format!("@{digest}"), ":v1".to_owned()] {
        let source = format!("docker://{}/{REPOSITORY}{reference}", registry.address());
        let target = format!("dir:{}", place.path().join(&reference[1..3]).display());
        skopeo(&["copy", "--src-tls-verify=false", &source, &target]);
    }
    assert_eq!(std::fs::read(place.path().join("sh/manifest.json")).unwrap(), image.manifest);
    assert_eq!(registry.get("/v2/empty/tags/list").status, 404, "it never had tags");
}

#[test]
fn the_registrys_own_collection_leaves_the_quarantine_alone() {
    let scratch = grown();
    let (run, _) = collect(&scratch);
    let before = things(&scratch, &run).len();
    let (code, said) = garbage_collect(scratch.root());
    assert_eq!(code, Some(0), "{said}");
    assert_eq!(things(&scratch, &run).len(), before);
    scratch.run(["quarantine", "restore", &run]).code(0);
}
