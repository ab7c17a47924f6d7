//! Symbolic links, which registries follow: what they lead to is what is served.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use regtree::Digest;

use super::{Checked, fsck, text};
use crate::support::{Pushed, Scratch};

fn image() -> (Scratch, Pushed) {
    let scratch = Scratch::new();
    let image = scratch.image("lib/app", "one").tag("latest");
    scratch.image("other/app", "two").tag("latest");
    (scratch, image)
}

/// Moves a file or directory out of the tree, and leaves a symbolic link to it.
fn lead_away(scratch: &Scratch, path: &Path) -> PathBuf {
    let away = scratch.root().join("away");
    fs::rename(path, &away).unwrap();
    symlink(&away, path).unwrap();
    away
}

fn remove(path: &Path) {
    if path.is_dir() { fs::remove_dir_all(path) } else { fs::remove_file(path) }.unwrap();
}

/// What content, links and their directories lie at.
fn places(scratch: &Scratch, image: &Pushed) -> Vec<PathBuf> {
    let content = [image.layer, image.config, image.digest].map(|digest| scratch.blob(digest));
    let manifests = scratch.repository("lib/app").join("_manifests");
    let hex = image.digest.hex().to_string();
    let mut places: Vec<PathBuf> =
        content.iter().flat_map(|data| [data.clone(), data.parent().unwrap().into()]).collect();
    places.extend([
        scratch.link("lib/app", image.layer),
        manifests.join("revisions/sha256").join(hex).join("link"),
        manifests.join("tags/latest/current/link"),
        manifests.join("tags/latest/current"),
        manifests.join("tags/latest"),
    ]);
    places
}

fn broken(checked: &Checked) -> Vec<String> {
    checked.broken().into_iter().collect()
}

#[test]
fn a_symbolic_link_to_what_belongs_there_is_a_warning_and_one_to_nothing_an_error() {
    let (scratch, image) = image();
    for place in places(&scratch, &image) {
        let away = lead_away(&scratch, &place);
        let found = fsck(&scratch, &["--content"]).code(0);
        assert_eq!(found.codes(), ["symlink"], "{}", place.display());
        let aside = scratch.root().join("aside");
        fs::rename(&away, &aside).unwrap();
        for words in [&[][..], &["--content"]] {
            let found = fsck(&scratch, words).code(3);
            assert_eq!(found.codes(), ["symlink"], "{}", place.display());
            assert_eq!(broken(&found), ["lib/app:latest"], "{}", place.display());
        }
        fs::remove_file(&place).unwrap();
        fs::rename(&aside, &place).unwrap();
    }
}

#[test]
fn history_behind_a_symbolic_link_to_nothing_is_no_error() {
    let (scratch, image) = image();
    let index = scratch.repository("lib/app").join("_manifests/tags/latest/index/sha256");
    let link = index.join(image.digest.hex().to_string()).join("link");
    fs::remove_file(&link).unwrap();
    symlink("/nowhere", &link).unwrap();
    assert_eq!(fsck(&scratch, &[]).code(0).codes(), ["symlink"]);
}

#[test]
fn what_a_symbolic_link_leads_to_is_hashed_as_content_is() {
    let (scratch, image) = image();
    let data = scratch.blob(image.layer);
    let away = lead_away(&scratch, &data);
    let mut content = fs::read(&away).unwrap();
    content[0] ^= 1;
    fs::write(&away, &content).unwrap();
    fsck(&scratch, &[]).code(0);
    let found = fsck(&scratch, &["--content"]).code(3);
    assert_eq!(found.codes(), ["blob-corrupt", "symlink"]);
    assert_eq!(broken(&found), ["lib/app:latest"]);
    // What lies outside of the tree nobody moves.
    assert!(found.findings().all(|finding| finding["repair"].is_null()));
    // Its size is known without hashing it.
    fs::write(&away, &content[1..]).unwrap();
    assert_eq!(fsck(&scratch, &[]).code(3).codes(), ["blob-truncated", "symlink"]);
}

#[test]
fn a_symbolic_link_to_a_device_a_directory_or_itself_does_not_stop_fsck() {
    let (scratch, image) = image();
    let data = scratch.blob(image.layer);
    fs::remove_file(&data).unwrap();
    for target in ["/dev/tty", "/tmp", data.file_name().unwrap().to_str().unwrap()] {
        symlink(target, &data).unwrap();
        let found = fsck(&scratch, &["--content"]).code(3);
        assert_eq!((found.codes(), broken(&found)), (vec!["symlink".to_owned()], vec!["lib/app:latest".to_owned()]));
        fs::remove_file(&data).unwrap();
    }
}

#[test]
fn a_file_in_the_place_of_a_blob_s_directory_is_no_content() {
    let (scratch, image) = image();
    for digest in [image.layer, image.digest] {
        let data = scratch.blob(digest);
        let directory = data.parent().unwrap();
        let content = fs::read(&data).unwrap();
        remove(directory);
        fs::write(directory, "").unwrap();
        let found = fsck(&scratch, &[]).code(3);
        let missing = if digest == image.digest { "manifest-missing" } else { "blob-missing" };
        let error = found.of_severity("error")[0];
        assert_eq!((text(&error["code"]), broken(&found)), (missing.to_owned(), vec!["lib/app:latest".to_owned()]));
        remove(directory);
        Scratch::plant(&data, content);
    }
}

#[test]
fn a_manifest_that_is_missing_for_several_repositories_hits_the_images_of_all() {
    let scratch = Scratch::new();
    let images = ["a/app", "b/app"].map(|name| scratch.image(name, "one").tag("latest"));
    assert_eq!(images[0].digest, images[1].digest);
    let gone = |digest: Digest| remove(scratch.blob(digest).parent().unwrap());
    gone(images[0].digest);
    let found = fsck(&scratch, &[]).code(3);
    let errors = found.of_severity("error");
    assert_eq!((errors.len(), &errors[0]["code"], found.broken().len()), (1, &"manifest-missing".into(), 2));
}
