//! skopeo reads what was exported, and writes what is imported; a registry serves it.

use super::{layout_in, names};
use crate::support::Scratch;
use crate::support::image::{Image, lay_out_index};
use crate::support::peers::{DockerRegistry, skopeo};

#[test]
fn skopeo_reads_a_layout_and_what_skopeo_wrote_is_served() {
    let scratch = Scratch::new();
    let source = scratch.root().join("source");
    lay_out_index(&[&Image::of("amd64", 1), &Image::of("arm64", 7)], &source);
    let source = source.to_str().unwrap();
    scratch.regtree(["import", source, "--repository", "lib/app", "--tag", "v1"]).ok();
    let layout = layout_in(&scratch);
    scratch.regtree(["export", "lib/app:v1", "-o", layout.to_str().unwrap()]).ok();
    // skopeo copies what regtree exported to a layout of its own, with another name.
    let from = format!("oci:{}:lib/app:v1", layout.display());
    let copied = scratch.root().join("copied");
    skopeo(&["copy", "--all", &from, &format!("oci:{}:quay.io/team/copy:v2", copied.display())]);
    let other = Scratch::new();
    other.regtree(["import", copied.to_str().unwrap()]).ok();
    let registry = DockerRegistry::serve(other.root());
    let pulled = scratch.root().join("pulled");
    let image = format!("docker://{}/team/copy:v2", registry.address());
    skopeo(&["copy", "--all", "--src-tls-verify=false", &image, &format!("oci:{}:x", pulled.display())]);
    let digest = &names(&layout)["lib/app:v1"];
    assert_eq!(&names(&pulled)["x"], digest);
    assert_eq!(&other.regtree(["tag", "get", "team/copy", "v2"]).ok().answer(), digest);
}

#[test]
fn skopeo_reads_an_archive() {
    let scratch = Scratch::new();
    let source = scratch.root().join("source");
    lay_out_index(&[&Image::of("amd64", 1), &Image::of("arm64", 7)], &source);
    scratch.regtree(["import", source.to_str().unwrap(), "--repository", "lib/app", "--tag", "v1"]).ok();
    let archive = scratch.root().join("app.tar");
    scratch.regtree(["export", "lib/app:v1", "-o", archive.to_str().unwrap()]).ok();
    let copied = scratch.root().join("copied");
    let from = format!("oci-archive:{}:lib/app:v1", archive.display());
    skopeo(&["copy", "--all", &from, &format!("oci:{}:x", copied.display())]);
    assert_eq!(names(&copied)["x"], scratch.regtree(["tag", "get", "lib/app", "v1"]).ok().answer());
}

#[test]
fn a_directory_that_skopeo_wrote_is_served_and_pulled() {
    let scratch = Scratch::new();
    let source = scratch.root().join("source");
    lay_out_index(&[&Image::of("amd64", 1), &Image::of("arm64", 7)], &source);
    let directory = scratch.root().join("directory");
    skopeo(&["copy", "--all", &format!("oci:{}", source.display()), &format!("dir:{}", directory.display())]);
    let call = ["import", directory.to_str().unwrap(), "--repository", "lib/app", "--tag", "v1"];
    scratch.regtree(call).ok();
    let registry = DockerRegistry::serve(scratch.root());
    let pulled = scratch.root().join("pulled");
    let image = format!("docker://{}/lib/app:v1", registry.address());
    skopeo(&["copy", "--all", "--src-tls-verify=false", &image, &format!("oci:{}:x", pulled.display())]);
    assert_eq!(names(&pulled)["x"], names(&source)["-"]);
}
