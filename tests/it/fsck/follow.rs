//! Symbolic links, which registries follow. `fsck` looks at where they lead, and reads nothing through them: they may
//! lead to any file of the system.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use regtree::Digest;

use super::{Checked, fsck, text};
use crate::support::strace::strace;
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
fn content_behind_a_symbolic_link_is_not_hashed_and_only_its_size_counts() {
    let (scratch, image) = image();
    let data = scratch.blob(image.layer);
    let away = lead_away(&scratch, &data);
    let mut content = fs::read(&away).unwrap();
    content[0] ^= 1;
    fs::write(&away, &content).unwrap();
    let all = fsck(&scratch, &["--content"]).code(0);
    assert_eq!(all.codes(), ["symlink"]);
    assert_eq!(all.summary()["content"]["blobs"], all.summary()["checked"]["blobs"].as_u64().unwrap() - 1);
    assert!(text(&all.findings().next().unwrap()["message"]).contains("verified nothing behind it"));
    // A registry serves it with this size, whatever its bytes are.
    fs::write(&away, &content[1..]).unwrap();
    for words in [&[][..], &["--content"]] {
        let found = fsck(&scratch, words).code(3);
        assert_eq!(found.codes(), ["reference-size-mismatch", "symlink"]);
        assert_eq!(broken(&found), ["lib/app:latest"]);
        assert!(found.findings().all(|finding| finding["repair"].is_null()));
    }
}

/// All that each command says, with and without `--json`.
fn said(scratch: &Scratch, image: &Pushed) -> String {
    let manifest = format!("lib/app@{}", image.digest);
    let calls: [&[&str]; 7] = [
        &["fsck", "--content"],
        &["repair", "--all-safe", "-n"],
        &["gc", "-n", "--delete-untagged"],
        &["manifest", "verify", &manifest, "--content"],
        &["tag", "list", "lib/app"],
        &["tag", "get", "lib/app:latest"],
        &["upload", "list", "lib/app"],
    ];
    let mut said = String::new();
    for call in calls {
        for more in [&[][..], &["--json"]] {
            let run = scratch.regtree(call).with(more).run();
            said.push_str(&(run.out() + &run.err()));
        }
    }
    said
}

#[test]
fn no_byte_of_a_file_outside_of_the_tree_is_printed() {
    let (scratch, image) = image();
    let secret = scratch.root().join("secret");
    fs::write(&secret, "root:$6$hunter2:19000::").unwrap();
    let upload = scratch.repository("lib/app").join("_uploads/11111111-1111-4111-8111-111111111111");
    Scratch::plant(&upload.join("data"), "");
    let places = places(&scratch, &image).into_iter().filter(|place| place.is_file());
    for place in places.chain([upload.join("startedat")]) {
        let aside = scratch.root().join("aside");
        let is_there = fs::rename(&place, &aside).is_ok();
        for link in [|from: &Path, to: &Path| symlink(from, to), |from: &Path, to: &Path| fs::hard_link(from, to)] {
            link(&secret, &place).unwrap();
            assert!(!said(&scratch, &image).contains("hunter2"), "{}", place.display());
            fs::remove_file(&place).unwrap();
        }
        if is_there {
            fs::rename(&aside, &place).unwrap();
        }
    }
    fsck(&scratch, &["--content"]).code(0);
}

#[test]
fn nothing_is_opened_through_a_symbolic_link() {
    let (scratch, image) = image();
    for place in places(&scratch, &image) {
        let away = lead_away(&scratch, &place);
        let trace = scratch.root().join("trace");
        let words = ["-y", "-e", "trace=openat,openat2,open", "-o", trace.to_str().unwrap()];
        fsck_behind(&scratch, &words).code(0);
        let opened = fs::read_to_string(&trace).unwrap();
        assert!(opened.contains("blobs") && !opened.contains("/away"), "{}: {opened}", place.display());
        fs::remove_file(&place).unwrap();
        fs::rename(&away, &place).unwrap();
    }
}

fn fsck_behind(scratch: &Scratch, words: &[&str]) -> Checked {
    super::checked(scratch.regtree(["fsck", "--json", "--content"]).behind(strace(words)))
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
