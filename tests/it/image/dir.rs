//! What skopeo calls `dir:`, as a source.

use std::fs;
use std::path::{Path, PathBuf};

use super::tags;
use crate::support::image::{Image, file_name, index_of};
use crate::support::scratch::digest_by;
use crate::support::{Scratch, snapshot};

/// Writes an index of images as skopeo does with `copy --all`.
fn directory_in(scratch: &Scratch, images: &[&Image]) -> PathBuf {
    let directory = scratch.root().join("skopeo");
    fs::create_dir(&directory).unwrap();
    let write = |name: &str, content: &[u8]| fs::write(directory.join(name), content).unwrap();
    write("version", b"Directory Transport Version: 1.1\n");
    write("manifest.json", &index_of(images));
    for image in images {
        write(&format!("{}.manifest.json", file_name(&image.manifest)), &image.manifest);
        image.blobs().iter().for_each(|blob| write(&file_name(blob), blob));
    }
    directory
}

fn planted() -> (Scratch, PathBuf, [Image; 2]) {
    let (scratch, images) = (Scratch::new(), [Image::of("amd64", 1), Image::of("arm64", 7)]);
    let directory = directory_in(&scratch, &[&images[0], &images[1]]);
    (scratch, directory, images)
}

fn import<'d>(directory: &'d Path, more: &[&'d str]) -> Vec<&'d str> {
    [&["import", directory.to_str().unwrap()], more].concat()
}

#[test]
fn an_image_comes_in_with_its_children_under_the_name_that_is_given() {
    let (scratch, directory, images) = planted();
    scratch.regtree(import(&directory, &[])).run().code(2).says(["names no repository", "--repository"]);
    scratch.regtree(import(&directory, &["--repository", "lib/app"])).ok();
    assert!(tags(&scratch, "lib/app").is_empty());
    scratch.regtree(import(&directory, &["--repository", "lib/app", "--tag", "v1"])).ok();
    let digest = digest_by("sha256", &index_of(&[&images[0], &images[1]])).to_string();
    assert_eq!(tags(&scratch, "lib/app")["v1"], digest);
    scratch.regtree(["manifest", "verify", "--all", "--content"]).ok();
    let listed = scratch.regtree(import(&directory, &["--list", "--json"])).ok().out();
    assert!(listed.contains(&digest), "{listed}");
}

#[test]
fn what_is_missing_or_changed_is_refused_and_leaves_no_tag() {
    let (_, _, [_, image]) = planted();
    let child = format!("{}.manifest.json", file_name(&image.manifest));
    let layer = file_name(&image.layers[0]);
    for (name, content, said) in [
        (&*child, None, "its content is missing"),
        (&*child, Some("{}"), "it does not match its digest"),
        (&*layer, None, "is missing"),
        (&*layer, Some("changed"), "expected"),
        ("manifest.json", None, "it is missing"),
        ("manifest.json", Some("[]"), "manifest"),
    ] {
        let (scratch, directory, _) = planted();
        let path = directory.join(name);
        match content {
            Some(content) => fs::write(&path, content).unwrap(),
            None => fs::remove_file(&path).unwrap(),
        }
        let call = scratch.regtree(import(&directory, &["--repository", "lib/app", "--tag", "v1"]));
        call.run().code(5).says([said]);
        let listed = scratch.run(["tag", "list", "lib/app"]);
        assert!(listed.exit() == Some(4) || listed.out().is_empty(), "{}", listed.out());
    }
}

/// Its digest is that of a part of it.
#[test]
fn a_signed_schema1_manifest_is_refused() {
    let (scratch, directory, _) = planted();
    let schema1 =
        r#"{"schemaVersion":1,"name":"a","tag":"b","architecture":"amd64","fsLayers":[],"history":[],"signatures":[]}"#;
    fs::write(directory.join("manifest.json"), schema1).unwrap();
    let before = snapshot(&scratch.root().join("docker"));
    let call = scratch.regtree(import(&directory, &["--repository", "lib/app", "--tag", "v1"]));
    call.run().code(5).says(["it is a signed schema1 manifest", "manifest put"]);
    assert_eq!(snapshot(&scratch.root().join("docker")), before);
}

#[test]
fn a_directory_is_known_by_its_version_or_by_the_format() {
    let (scratch, directory, _) = planted();
    let named = ["--repository", "lib/app"];
    scratch
        .regtree(import(&directory, &[&named[..], &["--format", "oci"]].concat()))
        .run()
        .code(5)
        .says(["oci-layout"]);
    fs::write(directory.join("version"), "1.1").unwrap();
    for format in [&[][..], &["--format", "dir"]] {
        let run = scratch.regtree(import(&directory, &[&named[..], format].concat())).run();
        run.code(5).says(["skopeo wrote"]);
    }
}

/// A file is not taken for what it is where something else is asked for.
#[test]
fn an_archive_is_neither_a_directory_nor_a_tree() {
    let scratch = Scratch::new();
    let archive = scratch.root().join("images.tar");
    fs::write(&archive, super::archive::pack(&Image::new().layout())).unwrap();
    let call = ["import", archive.to_str().unwrap(), "--repository", "lib/app"];
    for format in ["dir", "tree"] {
        let said = format!("it is not a directory, but {format} must be one");
        scratch.regtree(call).with(["--format", format]).run().code(5).says([&*said]);
        let piped = scratch.regtree(["import", "-", "--repository", "lib/app", "--format", format]);
        piped.stdin(fs::read(&archive).unwrap()).run().code(5).says([&*said]);
    }
    scratch.regtree(call).ok();
}
