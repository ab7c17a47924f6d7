//! Damage of kinds that no tree of the test data has.

use std::fs;
use std::os::unix::fs::symlink;

use serde_json::json;

use super::{fsck, place, text};
use crate::support::image::{Image, index_of};
use crate::support::vectors::tree;
use crate::support::{Pushed, Scratch};

fn image() -> (Scratch, Pushed) {
    let scratch = Scratch::new();
    let image = scratch.image("lib/app", "one").tag("latest");
    (scratch, image)
}

fn hex(digest: regtree::Digest) -> String {
    digest.hex().to_string()
}

#[test]
fn a_layer_of_another_size_is_hashed_though_nothing_else_is_wrong_anywhere() {
    let (scratch, image) = image();
    scratch.image("other/app", "one").tag("latest");
    let layer = scratch.blob(image.layer);
    let content = fs::read(&layer).unwrap();
    fs::write(&layer, &content[1..]).unwrap();
    let found = fsck(&scratch, &[]).code(3);
    assert_eq!(found.codes(), ["blob-truncated"]);
    let broken: Vec<_> = found.broken().into_iter().collect();
    assert_eq!(broken, ["lib/app:latest", "other/app:latest"]);
    fs::write(&layer, [&content[..], b"more"].concat()).unwrap();
    assert_eq!(fsck(&scratch, &[]).code(3).codes(), ["blob-corrupt"]);
}

#[test]
fn a_link_to_nothing_that_nobody_tagged_is_a_warning() {
    let (scratch, image) = image();
    fs::remove_dir_all(scratch.repository("lib/app").join("_manifests/tags/latest")).unwrap();
    scratch.lose(image.digest);
    let found = fsck(&scratch, &[]).code(0);
    assert!(found.codes().contains(&"revision-dangling".to_owned()), "{:?}", found.codes());
    assert!(found.broken().is_empty());
}

#[test]
fn a_child_that_is_linked_and_gone_is_an_error_and_one_never_pushed_a_warning() {
    let scratch = Scratch::new();
    let images = [Image::of("amd64", 1), Image::of("arm64", 7)];
    for image in &images {
        for blob in image.blobs() {
            scratch.put("lib/app", blob);
        }
        scratch.regtree(["manifest", "put", "lib/app"]).stdin(&*image.manifest).ok();
    }
    let index = index_of(&[&images[0], &images[1]]);
    scratch.regtree(["manifest", "put", "lib/app", "--tag", "multi"]).stdin(index).ok();
    assert!(fsck(&scratch, &["--content"]).code(0).codes().is_empty());
    let child = regtree::Digest::of(&images[1].manifest);
    let blob = scratch.blob(child).parent().unwrap().to_owned();
    let kept = fs::read(blob.join("data")).unwrap();
    fs::remove_file(blob.join("data")).unwrap();
    let found = fsck(&scratch, &[]).code(3);
    let error = found.of_severity("error")[0];
    assert_eq!(
        (&error["code"], &error["images"][0]["platform"]),
        (&"index-child-missing".into(), &"linux/arm64".into())
    );
    // Of the link nothing is left, and of the content neither.
    let revision = scratch.repository("lib/app").join("_manifests/revisions/sha256").join(hex(child));
    fs::remove_dir_all(&revision).unwrap();
    let found = fsck(&scratch, &[]).code(3);
    assert_eq!(found.of_severity("error")[0]["code"], "index-child-missing");
    // The content alone says that it was here.
    fs::write(blob.join("data"), kept).unwrap();
    assert_eq!(fsck(&scratch, &[]).code(3).of_severity("error")[0]["code"], "index-child-missing");
}

#[test]
fn a_child_that_only_another_repository_has_was_never_here() {
    let scratch = Scratch::new();
    let images = [Image::of("amd64", 1), Image::of("arm64", 7)];
    let index = index_of(&[&images[0], &images[1]]);
    for (repository, has) in [("lib/whole", &images[..]), ("lib/sparse", &images[..1])] {
        for image in has {
            for blob in image.blobs() {
                scratch.put(repository, blob);
            }
            scratch.regtree(["manifest", "put", repository]).stdin(&*image.manifest).ok();
        }
    }
    scratch.regtree(["manifest", "put", "lib/whole", "--tag", "multi"]).stdin(&*index).ok();
    let digest = regtree::Digest::of(&index);
    let manifests = scratch.repository("lib/sparse").join("_manifests");
    Scratch::plant(&manifests.join("revisions/sha256").join(hex(digest)).join("link"), digest.to_string());
    Scratch::plant(&manifests.join("tags/multi/current/link"), digest.to_string());
    let found = fsck(&scratch, &[]).code(3);
    let finding = found.of_severity("error")[0];
    assert_eq!(found.codes(), ["index-child-missing"]);
    assert!(text(&finding["message"]).contains("though the tree has its content"), "{finding}");
    // Its config says that it was, and so does a link to itself as to a layer.
    for part in [&images[1].config, &images[1].manifest] {
        scratch.put("lib/sparse", part);
        let message = text(&fsck(&scratch, &[]).code(3).of_severity("error")[0]["message"]);
        assert!(message.contains("was here"), "{message}");
        scratch.unlink("lib/sparse", regtree::Digest::of(part));
        let message = text(&fsck(&scratch, &[]).code(3).of_severity("error")[0]["message"]);
        assert!(message.contains("was never pushed here"), "{message}");
    }
}

#[test]
fn a_tag_that_says_nothing_is_an_image_that_can_t_be_pulled() {
    let (scratch, _) = image();
    fs::remove_dir_all(scratch.repository("lib/app").join("_manifests/tags/latest/current")).unwrap();
    let found = fsck(&scratch, &[]).code(3);
    let finding = found.findings().next().unwrap();
    assert_eq!((&finding["code"], &finding["severity"]), (&"tag-without-current".into(), &"warning".into()));
    assert_eq!(found.broken().into_iter().collect::<Vec<_>>(), ["lib/app:latest"]);
}

#[test]
fn content_without_any_repositories_is_an_error() {
    let (scratch, _) = image();
    fs::remove_dir_all(scratch.v2().join("repositories")).unwrap();
    for words in [&[][..], &["--repository", "lib/app"]] {
        let found = fsck(&scratch, words).code(3);
        assert_eq!(found.codes(), ["repositories-missing"]);
        assert!(text(&found.findings().next().unwrap()["message"]).contains("mounted"));
    }
}

#[test]
fn a_manifest_larger_than_any_that_is_read_is_told_and_hashed() {
    let (scratch, _) = image();
    let large = format!("{{\"schemaVersion\":2,\"x\":\"{}\"}}", "a".repeat(65 << 20));
    let digest = scratch.put("lib/app", large.as_bytes());
    let manifests = scratch.repository("lib/app").join("_manifests");
    Scratch::plant(&manifests.join("revisions/sha256").join(hex(digest)).join("link"), digest.to_string());
    assert_eq!(fsck(&scratch, &[]).code(3).codes(), ["manifest-too-large"]);
    let mut changed = large.into_bytes();
    changed[66_000_000] = b'b';
    fs::write(scratch.blob(digest), changed).unwrap();
    assert_eq!(fsck(&scratch, &[]).code(3).codes(), ["blob-corrupt"]);
}

#[test]
fn fsck_says_what_repairs_a_finding_and_whether_content_was_hashed() {
    let (scratch, image) = image();
    let whole = scratch.run(["fsck"]).code(0);
    assert!(whole.lines().last().unwrap().ends_with("; content not hashed (add --content)") && whole.err().is_empty());
    fs::write(scratch.link("lib/app", image.layer), "").unwrap();
    let told = scratch.run(["fsck", "--content"]).code(3).says(["repair --all-safe -n"]);
    assert!(
        told.lines()[0].ends_with("; repair: rewrite-link") && !told.out().contains("not hashed"),
        "{}",
        told.out()
    );
}

#[test]
fn history_of_what_was_deleted_is_known_to_be_that() {
    let (scratch, image) = image();
    scratch.image("lib/app", "two").tag("latest");
    let revisions = scratch.repository("lib/app").join("_manifests/revisions/sha256");
    fs::remove_dir_all(revisions.join(hex(image.digest))).unwrap();
    let found = fsck(&scratch, &[]).code(0);
    let finding = found.findings().next().unwrap();
    assert_eq!((found.codes(), text(&finding["tag"])), (vec!["tag-index-dangling".to_owned()], "latest".to_owned()));
    assert_eq!((&finding["severity"], &finding["repair"]), (&"info".into(), &"quarantine-link".into()));
    assert_ne!(finding["safe"], true);
}

#[test]
fn what_does_not_belong_anywhere_is_told_wherever_it_lies() {
    let (scratch, image) = image();
    let repository = scratch.repository("lib/app");
    let strays = [
        scratch.v2().join("repositories/stray"),
        scratch.v2().join("repositories/lib/stray"),
        repository.join("stray"),
        repository.join("_layers/stray"),
        repository.join("_layers/sha256/stray"),
        scratch.link("lib/app", image.layer).with_file_name("stray"),
        repository.join("_manifests/stray"),
        repository.join("_manifests/revisions/stray"),
        repository.join("_manifests/revisions/sha256").join(hex(image.digest)).join("stray"),
        repository.join("_manifests/tags/latest/stray"),
        repository.join("_manifests/tags/latest/current/stray"),
        repository.join("_manifests/tags/latest/index/stray"),
        repository.join("_uploads/stray"),
        scratch.v2().join("blobs/stray"),
        scratch.v2().join("blobs/sha256/stray"),
        scratch.blob(image.layer).with_file_name("stray"),
    ];
    assert!(fsck(&scratch, &[]).code(0).codes().is_empty());
    for stray in &strays {
        let below = stray.strip_prefix(scratch.v2()).unwrap().to_str().unwrap().to_owned();
        Scratch::plant(stray, "");
        let found = fsck(&scratch, &[]).code(0);
        assert_eq!(found.found().into_iter().collect::<Vec<_>>(), [("file-unexpected".to_owned(), below.clone())]);
        fs::remove_file(stray).unwrap();
        symlink("/nowhere", stray).unwrap();
        let found = fsck(&scratch, &[]).code(0);
        assert_eq!(found.found().into_iter().collect::<Vec<_>>(), [("symlink".to_owned(), below)]);
        fs::remove_file(stray).unwrap();
    }
}

#[test]
fn a_name_that_is_no_text_is_told_too() {
    use std::os::unix::ffi::OsStrExt;

    let (scratch, _) = image();
    let name = std::ffi::OsStr::from_bytes(b"not\xfftext");
    for directory in ["repositories", "repositories/lib/app/_manifests/tags", "blobs/sha256"] {
        let path = scratch.v2().join(directory).join(name);
        fs::create_dir(&path).unwrap();
        let found = fsck(&scratch, &[]).code(0);
        assert_eq!(found.codes(), ["file-unexpected"], "{directory}");
        fs::remove_dir(&path).unwrap();
    }
}

#[test]
fn a_repository_of_layers_only_is_worth_knowing() {
    let scratch = Scratch::new();
    scratch.put("lib/app", b"content");
    let found = fsck(&scratch, &[]).code(0);
    let finding = found.findings().next().unwrap();
    assert_eq!((&finding["code"], &finding["severity"]), (&"repository-incomplete".into(), &"info".into()));
    assert_eq!(finding["repair"], serde_json::Value::Null, "nothing is wrong");
    let repaired = scratch.run(["repair", "--all-safe", "--json"]).code(0).json_lines();
    assert!(!repaired.iter().any(|event| event["type"] == "repair"), "{repaired:?}");
    assert!(!scratch.repository("lib/app").join("_manifests").exists());
}

#[test]
fn an_index_without_content_of_its_own_needs_no_layers() {
    let scratch = Scratch::new();
    let index = json!({ "schemaVersion": 2, "mediaType": crate::support::image::INDEX, "manifests": [] }).to_string();
    scratch.regtree(["manifest", "put", "lib/app", "--tag", "none"]).stdin(index).ok();
    let layers = scratch.repository("lib/app").join("_layers");
    if layers.exists() {
        fs::remove_dir_all(layers).unwrap();
    }
    let found = fsck(&scratch, &[]).code(0);
    let finding = found.findings().next().unwrap();
    assert_eq!((&finding["code"], &finding["severity"]), (&"repository-incomplete".into(), &"warning".into()));
}

#[test]
fn names_do_not_move_the_cursor() {
    let (scratch, _) = image();
    Scratch::plant(&scratch.v2().join("repositories/lib/\x1b[2J\nerror: fake"), "");
    let told = scratch.run(["fsck"]).code(0);
    assert!(!told.out().contains('\x1b') && !told.lines().iter().any(|line| line.starts_with("error: fake")));
}

#[test]
fn the_tag_of_a_finding_is_told() {
    let (scratch, _) = image();
    fs::write(scratch.repository("lib/app").join("_manifests/tags/latest/current/link"), "").unwrap();
    let found = fsck(&scratch, &[]).code(3);
    let finding = found.findings().next().unwrap();
    assert_eq!((text(&finding["tag"]), text(&finding["repository"])), ("latest".to_owned(), "lib/app".to_owned()));
}

#[test]
fn a_signature_that_fits_nothing_is_told() {
    let scratch = tree("2.4.1");
    let base = fsck(&scratch, &["--content"]).code(0);
    let signatures: Vec<_> = walkdir::WalkDir::new(scratch.v2().join("repositories"))
        .into_iter()
        .map(|entry| entry.unwrap().into_path())
        .filter(|path| path.ends_with("link") && path.iter().any(|part| part == "signatures"))
        .filter(|path| path.ancestors().nth(4).unwrap().join("link").exists())
        .collect();
    let revision = signatures[0].ancestors().nth(4).unwrap();
    let garbage = scratch.put("lib/other", b"no signature");
    Scratch::plant(&revision.join("signatures/sha256").join(hex(garbage)).join("link"), garbage.to_string());
    let found = fsck(&scratch, &["--content"]);
    let new: Vec<_> = found.found().difference(&base.found()).map(|(code, _)| code.clone()).collect();
    assert_eq!(new, ["repository-incomplete", "signature-invalid"]);
}

#[test]
fn a_manifest_that_a_registry_would_refuse_is_told_with_its_image() {
    let (scratch, _) = image();
    let refused = json!({
        "schemaVersion": 2, "mediaType": crate::support::image::MANIFEST, "layers": [],
        "config": { "mediaType": crate::support::image::CONFIG, "digest": "sha256:0", "size": 1 },
    });
    let digest = scratch.put("lib/app", refused.to_string().as_bytes());
    let manifests = scratch.repository("lib/app").join("_manifests");
    let revision = manifests.join("revisions/sha256").join(hex(digest)).join("link");
    Scratch::plant(&revision, digest.to_string());
    Scratch::plant(&manifests.join("tags/odd/current/link"), digest.to_string());
    let found = fsck(&scratch, &[]).code(3);
    let finding = found.findings().find(|finding| finding["code"] == "manifest-invalid").unwrap();
    let path = revision.strip_prefix(scratch.v2()).unwrap().to_str().unwrap();
    assert_eq!((place(finding), text(&finding["manifest"])), (path.to_owned(), digest.to_string()));
    assert_eq!(found.broken().into_iter().collect::<Vec<_>>(), ["lib/app:odd"]);
}

#[test]
fn what_the_first_alphas_wrote_is_known_to_be_theirs() {
    let found = fsck(&tree("2.0.0-alpha.0"), &["--content"]).code(0);
    let legacy = found.findings().filter(|finding| finding["code"] == "legacy-layout");
    assert_eq!(legacy.map(|finding| text(&finding["severity"])).collect::<Vec<_>>(), ["info"; 3]);
}
