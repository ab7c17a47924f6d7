//! A link is a permission: an image that only names content of another repository does not get a link to it.

use std::fs;

use serde_json::json;

use crate::support::image::{Image, blob_name};
use crate::support::planted::{Planted, sha256};
use crate::support::refusal::text;

#[test]
fn content_that_a_source_only_names_is_not_linked() {
    let planted = Planted::new();
    let secret = planted.layer("private/app", "a layer that only private/app has");
    let config = planted.layer("other/app", "{}");
    let mut manifest = planted.image_of(&config, &[&secret]);
    // Registries take a manifest whose layer is elsewhere, as its `urls` say.
    manifest["layers"][0]["mediaType"] = json!("application/vnd.oci.image.layer.nondistributable.v1.tar");
    manifest["layers"][0]["urls"] = json!(["https://example.org/layer"]);
    let manifest = planted.manifest("other/app", &manifest);
    planted.tag("other/app", "v1", &manifest);
    let root = text(planted.scratch.root());
    planted.run(["copy", "other/app:v1", "third/app:v1"]).code(0);
    planted.run(["import", root, "--only", "other/app", "--prefix", "fourth"]).code(0);
    for repository in ["third/app", "fourth/other/app"] {
        assert!(planted.has_revision(repository, &manifest) && planted.links(repository, &config), "{repository}");
        assert!(!planted.links(repository, &secret), "{repository} may read it now");
    }
    // A layout that names a layer of the tree, and does not have it.
    let image = Image::new();
    let place = tempfile::tempdir().unwrap();
    image.lay_out(place.path());
    fs::remove_file(place.path().join(blob_name(&image.layers[0]))).unwrap();
    planted.layer("private/app", &image.layers[0]);
    let import = || planted.run(["import", text(place.path()), "--repository", "lib/app", "--tag", "v1"]);
    import().code(5).says(["layer", &sha256(&image.layers[0]), "missing"]);
    assert!(!planted.links("lib/app", &sha256(&image.layers[0])));
    // What the repository has by now, it keeps.
    planted.link("lib/app", &sha256(&image.layers[0]));
    import().code(0);
}
