//! An error that is left is never passed over in silence: exit code 3, and what to do about it.

use std::fs;

use super::{errors, repair};
use crate::support::planted::{Planted, blob_path, revision_path};
use crate::support::{Pushed, Scratch};

/// A tree of many images, so that little of it is missing.
fn many() -> Scratch {
    let scratch = Scratch::new();
    for number in 0..12 {
        scratch.image(&format!("lib/{number}"), &format!("image {number}")).tag("latest");
    }
    scratch
}

fn revision(scratch: &Scratch, image: &Pushed) -> std::path::PathBuf {
    scratch.repository("lib/app").join("_manifests/revisions/sha256").join(&*image.digest.hex())
}

#[test]
fn an_error_that_was_not_asked_for_counts_and_is_told_with_what_helps() {
    let scratch = many();
    let dangling = scratch.image("lib/app", "dangling").tag("old");
    let missing = scratch.image("lib/app", "missing").tag("latest");
    fs::remove_dir_all(revision(&scratch, &dangling)).unwrap();
    scratch.lose(dangling.digest);
    fs::remove_file(scratch.blob(missing.layer)).unwrap();
    for words in [&["--all-safe"][..], &["--all-safe", "-n"], &["--only", "link-empty"]] {
        let run = scratch.regtree(["repair"]).with(words).run().code(3);
        let left = run.out();
        let of_content = "1 image cannot be pulled until its content is pushed again or put in with --from\n";
        let of_others = "1 image cannot be pulled until its errors below are repaired\n";
        for text in ["2 errors", "--from SOURCE", " repair --only tag-dangling", of_content, of_others] {
            assert!(left.contains(text), "{words:?}: {text:?} is missing in {left}");
        }
    }
    let run = scratch.run(["repair", "--only", "tag-dangling"]).code(3);
    for text in ["moved to the quarantine: 1 tag\n", "1 error left\n"] {
        assert!(run.out().contains(text), "{}", run.out());
    }
    scratch.image("lib/app", "missing").tag("latest");
    scratch.run(["repair", "--only", "tag-dangling"]).code(0);
}

#[test]
fn an_image_that_needs_a_quarantined_blob_is_reported_as_broken() {
    let scratch = many();
    scratch.image("lib/app", "tagged").tag("latest");
    let untagged = scratch.image("lib/app", "untagged");
    fs::write(scratch.blob(untagged.layer), "wrong").unwrap();
    let dry = repair(&scratch, &["--all-safe", "-n"]).code(3);
    assert_eq!((dry.summary()["errors"].as_u64(), dry.summary()["unmended"].as_u64()), (Some(1), Some(0)));
    let done = repair(&scratch, &["--all-safe"]).code(3);
    assert_eq!((done.actions().len(), done.summary()["errors"].as_u64()), (1, Some(1)));
    assert_eq!(errors(&scratch), ["blob-missing"]);
    // And once more, though there is nothing to do any more.
    let again = repair(&scratch, &["--all-safe"]).code(3);
    assert_eq!((again.actions().len(), again.summary()["errors"].as_u64()), (0, Some(1)));
}

#[test]
fn a_dry_run_says_how_many_images_have_to_be_pushed_again() {
    let scratch = many();
    let image = scratch.image("lib/app", "image").tag("latest").tag("v1");
    fs::write(scratch.blob(image.config), "wrong").unwrap();
    let run = scratch.run(["repair", "--all-safe", "-n"]).code(3);
    let text = "2 images cannot be pulled until their content is pushed again or put in with --from\n";
    assert!(run.out().contains(text), "{}", run.out());
    assert!(run.out().contains("would be moved to the quarantine: 1 blob\n"), "{}", run.out());
    let source = tempfile::tempdir().unwrap();
    fs::write(source.path().join("config"), r#"{"text":"image"}"#).unwrap();
    let from = ["--from", source.path().to_str().unwrap()];
    let run = scratch.regtree(["repair", "--all-safe", "-n"]).with(from).ok();
    assert!(!run.out().contains("cannot be pulled"), "{}", run.out());
    scratch.regtree(["repair", "--all-safe"]).with(from).ok();
}

#[test]
fn what_the_source_has_and_was_not_asked_for_is_named_with_its_code() {
    let scratch = many();
    let image = scratch.image("lib/app", "image").tag("latest");
    scratch.lose(image.layer);
    scratch.unlink("lib/app", image.layer);
    let source = Scratch::new();
    source.image("lib/app", "image");
    let from = ["--from", source.root().to_str().unwrap()];
    for words in [&["--all-safe", "-n"][..], &["--all-safe"], &["--only", "link-empty"]] {
        let run = scratch.regtree(["repair"]).with(words).with(from).run().code(3);
        assert!(run.out().contains(" repair --only reference-missing, with the same --from\n"), "{}", run.out());
        assert!(!run.out().contains("--from SOURCE"), "{}", run.out());
        assert!(!scratch.blob(image.layer).exists());
    }
    // What it does not have must come from elsewhere.
    let empty = tempfile::tempdir().unwrap();
    let other = ["--from", empty.path().to_str().unwrap()];
    let run = scratch.regtree(["repair", "--only", "reference-missing"]).with(other).run().code(3);
    assert!(run.out().contains("push it again, or put it in with another --from\n"), "{}", run.out());
    let run = scratch.regtree(["repair", "--only", "reference-missing"]).with(from).run().code(0);
    assert!(run.out().contains("repaired 1 item\n"), "{}", run.out());
    assert!(run.err().contains("content that was put in stays"), "{}", run.err());
    assert!(scratch.blob(image.layer).exists() && scratch.link("lib/app", image.layer).exists());
}

#[test]
fn what_no_repair_can_know_ends_with_what_to_type() {
    let planted = Planted::new();
    let [amd, arm] = ["amd64", "arm64"].map(|platform| planted.image("lib", platform));
    let index = planted.index("lib", &[&amd, &arm]);
    planted.tag("lib", "v1", &index);
    planted.tag("lib", "v2", &amd);
    planted.plant("repositories/lib/_manifests/tags/v2/current/link", "");
    planted.remove(&revision_path("lib", &arm));
    planted.remove(&blob_path(&arm));
    let said = planted.run(["repair", "--all-safe"]).code(3).out();
    let regtree = format!("regtree --root {}", planted.root().display());
    for expected in [
        format!("{regtree} tag history lib:v2; then: {regtree} tag set lib:v2 DIGEST"),
        format!("{regtree} import SOURCE --only lib --keep-existing-tags"),
    ] {
        assert!(said.contains(&expected), "{expected}\n{said}");
    }
}
