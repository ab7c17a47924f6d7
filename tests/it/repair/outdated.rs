//! What changed between the look and its turn stays: a look takes hours, and a registry may run.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::time::Duration;

use regtree::finding::Code;
use regtree::fsck::Content;
use regtree::repair::{self, Done, Options, Wanted};
use regtree::stream::Watch;
use regtree::{Digest, Registry};

use super::{errors, repair as run_repair};
use crate::support::{Scratch, snapshot};

/// Plans, lets `change` happen, and does what was planned.
fn repair_around(scratch: &Scratch, codes: &[Code], change: impl FnOnce()) -> Done {
    let registry = Registry::open(scratch.root()).unwrap();
    let now = jiff::Timestamp::now();
    let wanted = Wanted::Only(codes.iter().copied().collect());
    let mut options = Options::new(wanted, now);
    options.content = Some(Content::new(now, 1));
    options.pauses = vec![Duration::ZERO];
    options.assume_blobs_lost = true;
    let watch = Watch::none();
    let plan = repair::plan(registry.tree(), options, &watch).unwrap();
    assert!(!plan.actions.is_empty(), "nothing is planned");
    change();
    let writer = registry.exclusive_writer("repair", now, Duration::ZERO).unwrap();
    repair::execute(&writer, plan, &watch, |_| {}).unwrap().1
}

#[track_caller]
fn assert_left(done: &Done, count: usize) {
    assert!(done.failures.is_empty(), "{:?}", done.failures);
    assert_eq!((done.actions.len(), done.outdated.len(), &done.quarantine), (0, count, &None), "{done:?}");
}

#[test]
fn content_that_was_healed_meanwhile_stays_and_what_is_wrong_beside_it_goes() {
    let scratch = Scratch::new();
    let image = scratch.image("lib/app", "image").tag("latest");
    let (layer, config) = (scratch.blob(image.layer), scratch.blob(image.config));
    for path in [&layer, &config] {
        fs::write(path, "wrong").unwrap();
    }
    let done = repair_around(&scratch, &[Code::BlobCorrupt, Code::BlobTruncated], || {
        fs::write(&layer, "layer image").unwrap();
    });
    assert_eq!((done.actions.len(), done.outdated.len()), (1, 1), "{done:?}");
    assert_eq!(fs::read(&layer).unwrap(), b"layer image");
    assert!(!config.exists());
}

#[test]
fn a_tag_that_was_pushed_meanwhile_stays_and_so_does_its_history() {
    for moves in [false, true] {
        let scratch = Scratch::new();
        let old = scratch.image("lib/app", "old").tag("latest");
        let image = scratch.image("lib/app", "image").tag("latest");
        for digest in [old.digest, image.digest] {
            let revisions = scratch.repository("lib/app").join("_manifests/revisions/sha256");
            fs::remove_dir_all(revisions.join(&*digest.hex())).unwrap();
            scratch.lose(digest);
        }
        let mut before = None;
        let done = repair_around(&scratch, &[Code::TagDangling, Code::TagIndexDangling], || {
            if moves {
                // Its history names what the tag pointed to before: that is as dangling as it was.
                scratch.image("lib/app", "another").tag("latest");
                scratch.image("lib/app", "old");
            } else {
                scratch.image("lib/app", "image").tag("latest");
                scratch.image("lib/app", "old").tag("latest");
            }
            before = Some(snapshot(&scratch.repository("lib/app").join("_manifests/tags")));
        });
        assert!(done.actions.is_empty() && !done.outdated.is_empty(), "{moves}: {done:?}");
        assert!(before == Some(snapshot(&scratch.repository("lib/app").join("_manifests/tags"))));
        assert_eq!(errors(&scratch), [""; 0]);
    }
}

#[test]
fn a_link_that_was_written_meanwhile_stays_as_it_is() {
    let scratch = Scratch::new();
    let image = scratch.image("lib/app", "image").tag("latest");
    let other = scratch.put("lib/app", b"other");
    let link = scratch.link("lib/app", image.layer);
    fs::write(&link, "").unwrap();
    // Whatever it says now, somebody has written it.
    let done = repair_around(&scratch, &[Code::LinkEmpty], || fs::write(&link, other.to_string()).unwrap());
    assert_left(&done, 1);
    assert_eq!(fs::read_to_string(&link).unwrap(), other.to_string());
    // A link to what has gone meanwhile would lie.
    fs::write(&link, "").unwrap();
    let done = repair_around(&scratch, &[Code::LinkEmpty], || fs::remove_file(scratch.blob(image.layer)).unwrap());
    assert_left(&done, 1);
    assert_eq!(fs::read(&link).unwrap(), b"");
}

#[test]
fn a_link_whose_content_came_meanwhile_stays_and_so_does_an_alias_of_it() {
    let scratch = Scratch::new();
    scratch.image("lib/app", "image").tag("latest");
    let (target, alias) = (Digest::of(b"later"), crate::support::scratch::digest_by("sha512", b"later"));
    for key in [target, alias] {
        Scratch::plant(&scratch.link("lib/app", key), target.to_string());
    }
    let done = repair_around(&scratch, &[Code::LayerLinkDangling], || {
        Scratch::plant(&scratch.blob(target), "later");
    });
    assert_left(&done, 2);
    // The manifest of a revision too.
    let untagged = scratch.image("lib/app", "untagged");
    let manifest = scratch.blob(untagged.digest);
    fs::remove_file(&manifest).unwrap();
    let done = repair_around(&scratch, &[Code::RevisionDangling], || fs::write(&manifest, &untagged.bytes).unwrap());
    assert_left(&done, 1);
}

#[test]
fn an_upload_or_a_temporary_that_is_written_to_meanwhile_stays() {
    let scratch = Scratch::new();
    let image = scratch.image("lib/app", "image").tag("latest");
    let upload = scratch.repository("lib/app").join("_uploads/0192d1f2-7f3c-7b42-a57e-0123456789ab");
    Scratch::plant(&upload.join("startedat"), "2020-01-01T00:00:00Z");
    Scratch::plant(&upload.join("data"), "received");
    let link = scratch.link("lib/app", image.layer);
    let temporary = link.with_file_name("link.0192d1f2-7f3c-7b42-a57e-0123456789ab.tmp");
    fs::write(&temporary, "sha256:").unwrap();
    Scratch::age_all(&upload, Duration::from_hours(1000));
    Scratch::age_all(&temporary, Duration::from_hours(1000));
    let done = repair_around(&scratch, &[Code::UploadStale, Code::TemporaryLeftOver], || {
        fs::write(upload.join("data"), "received more").unwrap();
        fs::write(&temporary, "sha256:ab").unwrap();
    });
    assert_left(&done, 2);
    // And what was written to before the look is not planned with.
    let done = run_repair(&scratch, &["--all-safe"]).code(0);
    assert_eq!((done.actions(), done.of_type("left").len()), (vec![], 2));
    Scratch::age_all(&upload, Duration::from_hours(1000));
    Scratch::age_all(&temporary, Duration::from_hours(1000));
    assert_eq!(run_repair(&scratch, &["--all-safe"]).code(0).actions().len(), 2);
}

#[test]
fn a_mode_that_was_set_meanwhile_stays() {
    let scratch = Scratch::new();
    let image = scratch.image("lib/app", "image").tag("latest");
    let blob = scratch.blob(image.layer);
    fs::set_permissions(&blob, PermissionsExt::from_mode(0o000)).unwrap();
    let done = repair_around(&scratch, &[Code::Permissions], || {
        fs::set_permissions(&blob, PermissionsExt::from_mode(0o600)).unwrap();
    });
    assert_left(&done, 1);
    assert_eq!(fs::metadata(&blob).unwrap().permissions().mode() & 0o7777, 0o600);
}
