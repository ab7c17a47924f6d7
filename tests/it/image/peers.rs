//! Other tools read what was exported, and write what is imported; a registry serves it.

use std::collections::BTreeMap;
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use super::{layout_in, names};
use crate::support::image::{Image, file_name, lay_out_index};
use crate::support::peers::{Containers, DockerRegistry, skopeo, skopeo_as_nobody, umoci};
use crate::support::{Scratch, snapshot};

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
fn what_is_in_a_registry_is_copied_by_skopeo_first_as_the_hint_says() {
    let scratch = Scratch::new();
    let image = scratch.image("lib/app", "an image").tag("v1");
    let registry = DockerRegistry::serve(scratch.root());
    let broken = Scratch::new();
    broken.regtree(["import", scratch.root().to_str().unwrap()]).ok();
    fs::write(broken.blob(image.layer), "damage").unwrap();
    let from = format!("docker://{}/lib/app:v1", registry.address());
    let copied = broken.root().join("copied");
    let mut hints = Vec::new();
    for words in [&["repair", "--all-safe", "--from", &from][..], &["import", &from]] {
        let run = broken.regtree(words).run().code(2);
        assert!(run.err().contains("is not on this disk"), "{}", run.err());
        hints.push(run.err().split_once("skopeo copy").unwrap().1.trim().replace("DIR", copied.to_str().unwrap()));
        let error = broken.regtree(words).with(["--json"]).run().code(2).json_error();
        assert_eq!((&error["code"], &error["detail"]["given"]), (&"UNSUPPORTED".into(), &from.clone().into()));
    }
    assert_eq!(hints[0], hints[1]);
    let words: Vec<&str> = ["copy", "--src-tls-verify=false"].into_iter().chain(hints[0].split(' ')).collect();
    skopeo(&words);
    let directory = format!("dir:{}", copied.display());
    broken.regtree(["repair", "--all-safe", "--from", &directory]).run().code(0);
    broken.regtree(["manifest", "verify", "lib/app:v1", "--content"]).run().code(0);
    broken.regtree(["import", &directory, "--repository", "lib/other", "--tag", "v1"]).ok();
    assert_eq!(broken.regtree(["tag", "get", "lib/other", "v1"]).ok().answer(), image.digest.to_string());
    let address = from.strip_prefix("docker://").unwrap();
    let browsed = format!("https://{address}");
    broken
        .regtree(["import", &browsed])
        .run()
        .code(2)
        .says([&*format!("skopeo copy --all docker://{address} dir:DIR")]);
}

#[test]
fn skopeo_reads_an_archive() {
    let scratch = Scratch::new();
    let source = scratch.root().join("source");
    lay_out_index(&[&Image::of("amd64", 1), &Image::of("arm64", 7)], &source);
    scratch.regtree(["import", source.to_str().unwrap(), "--repository", "lib/app", "--tag", "v1"]).ok();
    let archive = scratch.root().join("app.tar");
    scratch.regtree(["export", "lib/app:v1", "-o", archive.to_str().unwrap()]).ok();
    // Also where it may not give the directories that it makes to root.
    let place = tempfile::tempdir().unwrap();
    let copied = place.path().join("copied");
    fs::set_permissions(place.path(), Permissions::from_mode(0o777)).unwrap();
    fs::set_permissions(scratch.root(), Permissions::from_mode(0o755)).unwrap();
    let from = format!("oci-archive:{}:lib/app:v1", archive.display());
    skopeo_as_nobody(&["copy", "--all", &from, &format!("oci:{}:x", copied.display())]);
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

/// The root file system of an image, as umoci unpacks it.
fn unpacked(layout: &Path, name: &str) -> BTreeMap<PathBuf, String> {
    let place = tempfile::tempdir().unwrap();
    let bundle = place.path().join("bundle");
    let image = format!("{}:{name}", layout.display());
    umoci(&["unpack", "--rootless", "--image", &image, bundle.to_str().unwrap()]);
    snapshot(&bundle.join("rootfs"))
}

#[test]
fn umoci_unpacks_the_same_root_file_system_from_what_was_exported() {
    let scratch = Scratch::new();
    let [plain, source, saved] = ["plain", "source", "saved.tar"].map(|name| scratch.root().join(name));
    Image::new().lay_out(&plain);
    // umoci finds an image by its name alone.
    let named = format!("oci:{}:v1", source.display());
    skopeo(&["copy", &format!("oci:{}", plain.display()), &named]);
    skopeo(&["copy", &named, &format!("docker-archive:{}:quay.io/saved/app:v1", saved.display())]);
    scratch.regtree(["import", source.to_str().unwrap(), "--repository", "lib/app"]).ok();
    // Its layers are compressed anew.
    scratch.regtree(["import", saved.to_str().unwrap()]).ok();
    let layout = layout_in(&scratch);
    scratch.regtree(["export", "--all", "-o", layout.to_str().unwrap()]).ok();
    let expected = unpacked(&source, "v1");
    assert!(expected.contains_key(Path::new("content")), "{expected:?}");
    assert_eq!(unpacked(&layout, "lib/app:v1"), expected);
    // umoci knows only the manifests of the OCI, and skopeo converts what it pulls.
    let registry = DockerRegistry::serve(scratch.root());
    let (saved, converted) =
        (format!("docker://{}/saved/app:v1", registry.address()), scratch.root().join("converted"));
    let converting = ["copy", "--format", "oci", "--src-tls-verify=false", &saved];
    skopeo(&[&converting[..], &[&format!("oci:{}:v1", converted.display())]].concat());
    assert_eq!(unpacked(&converted, "v1"), expected);
}

#[test]
fn podman_and_buildah_take_what_was_exported() {
    let (scratch, image) = (Scratch::new(), Image::new());
    let source = scratch.root().join("source");
    image.lay_out(&source);
    scratch.regtree(["import", source.to_str().unwrap(), "--repository", "lib/app", "--tag", "v1"]).ok();
    let layout = layout_in(&scratch);
    let [archive, docker] = ["app.tar", "docker.tar"].map(|name| scratch.root().join(name));
    scratch.regtree(["export", "lib/app:v1", "-o", layout.to_str().unwrap()]).ok();
    scratch.regtree(["export", "lib/app:v1", "-o", archive.to_str().unwrap()]).ok();
    let format = ["--format", "docker-archive"];
    scratch.regtree(["export", "lib/app:v1", "-o", docker.to_str().unwrap()]).with(format).ok();
    // They call an image by the digest of its config.
    let id = file_name(&image.config);
    for program in ["buildah", "podman"] {
        // They make a name of the path, which must be in lower case.
        let containers = Containers::beside(scratch.root());
        assert_eq!(containers.run(program, &["pull", "--quiet", "oci:layout:lib/app:v1"]).trim(), id, "{program}");
    }
    for archive in ["app.tar", "docker.tar"] {
        let containers = Containers::beside(scratch.root());
        containers.run("podman", &["load", "--quiet", "--input", archive]);
        assert_eq!(containers.run("podman", &["images", "--quiet", "--no-trunc"]).trim(), format!("sha256:{id}"));
    }
}
