//! Tags that are set to another manifest, set back, and repaired.

use std::fs;
use std::time::Duration;

use serde_json::json;

use super::{REPOSITORY, current, history, past, pointed_to, set, tag};
use crate::support::denied::{Moded, UNREADABLE, UNWRITABLE, give_away};
use crate::support::{Scratch, snapshot};

#[test]
fn a_tag_that_is_moved_remembers_where_it_was_and_can_go_back() {
    let scratch = Scratch::new();
    let images = ["one", "two", "three"].map(|text| scratch.image(REPOSITORY, text).tag("v1").digest);
    for (digest, hours) in images.iter().zip([3, 2, 1]) {
        Scratch::age_all(&past(&scratch, "v1", *digest), Duration::from_hours(hours));
    }
    let [one, two, three] = images.map(|digest| digest.to_string());
    assert_eq!(history(&scratch, "v1"), [&*three, &two, &one]);
    let lines = tag(&scratch, "history", &["v1"]).ok().lines();
    assert!(lines[0].starts_with("* ") && lines[0].ends_with(&three), "{lines:?}");
    assert!(lines[1].starts_with("  ") && lines[1].ends_with(&two), "{lines:?}");

    let back = set(&scratch, "v1", images[0]).ok();
    assert_eq!(back.answer(), one);
    back.says([format!("pointed to {three} before")]);
    assert_eq!(pointed_to(&scratch, "v1"), images[0]);
    assert_eq!(history(&scratch, "v1"), [one.clone(), three.clone(), two.clone()]);

    // What is deleted stays in the past, and says so.
    scratch.run(["manifest", "delete", REPOSITORY, &two]).code(0);
    fs::remove_file(scratch.blob(images[2])).unwrap();
    let lines = tag(&scratch, "history", &["v1"]).ok().lines();
    assert!(!lines[0].contains("missing"), "{lines:?}");
    assert!(lines[1].ends_with(&format!("{three}  missing")), "{lines:?}");
    assert!(lines[2].ends_with(&format!("{two}  missing")), "{lines:?}");
    let event = tag(&scratch, "history", &["v1", "--json"]).ok().json_lines().remove(2);
    let expected = (json!("past"), json!(two), json!(false), json!(true));
    let found = [&event["type"], &event["digest"], &event["current"], &event["missing"]].map(Clone::clone);
    assert_eq!(found, <[_; 4]>::from(expected));
    for gone in [images[1], images[2]] {
        set(&scratch, "v1", gone).run().code(4).silent().says([gone.to_string()]);
    }
    assert_eq!(pointed_to(&scratch, "v1"), images[0]);
}

#[test]
fn a_dry_run_of_set_checks_all_and_writes_nothing() {
    let scratch = Scratch::new();
    let one = scratch.image(REPOSITORY, "one").tag("v1").digest;
    let two = scratch.image(REPOSITORY, "two").tag("v2").digest;
    let before = snapshot(scratch.root());
    let dry = |tag: &str, target: &str| scratch.regtree(["tag", "set", REPOSITORY, tag, target, "-n"]);
    assert_eq!(
        dry("v1", "v2").ok().says([format!("would move tag v1 of repository {REPOSITORY} from {one}")]).answer(),
        two.to_string()
    );
    dry("v3", "v2").ok().says(["would make tag v3"]);
    dry("v2", "v2").ok().says(["points there already"]);
    let answer = dry("v1", "v2").with(["--json"]).ok().json();
    assert_eq!((&answer["before"], &answer["dry_run"]), (&json!(one.to_string()), &json!(true)));
    dry("v1", "nosuch").run().code(4).silent();
    dry("v1", &format!("sha256:{}", "0".repeat(64))).run().code(4).silent();
    dry("no tag", "v2").run().code(2).silent();
    assert!(snapshot(scratch.root()) == before);
    let answer = set(&scratch, "v1", two).with(["--json"]).ok().json();
    assert_eq!((&answer["before"], &answer["dry_run"]), (&json!(one.to_string()), &json!(false)));
}

#[test]
fn a_current_link_without_its_entry_is_history_too() {
    let scratch = Scratch::new();
    let image = scratch.image(REPOSITORY, "one").tag("v1");
    fs::remove_file(past(&scratch, "v1", image.digest)).unwrap();
    assert_eq!(history(&scratch, "v1"), [image.digest.to_string()]);
}

#[test]
fn setting_a_broken_tag_mends_it() {
    let scratch = Scratch::new();
    let image = scratch.image(REPOSITORY, "one").tag("v1").tag("v2");
    for content in [&b""[..], b"garbage \x1b[2J", &image.digest.to_string().as_bytes()[..40]] {
        fs::write(current(&scratch, "v1"), content).unwrap();
        tag(&scratch, "get", &["v1"]).run().code(5).silent().says(["v1", "is broken", "hint: ", "tag history"]);
        tag(&scratch, "list", &[]).run().code(3).says(["v1", "is broken"]);
        tag(&scratch, "history", &["v1"]).run().code(3).says(["is broken"]);
        set(&scratch, "v1", image.digest).ok();
        assert_eq!(pointed_to(&scratch, "v1"), image.digest);
    }
    fs::remove_file(current(&scratch, "v1")).unwrap();
    tag(&scratch, "get", &["v1"]).run().code(4);
    set(&scratch, "v1", image.digest).ok();
    assert_eq!(tag(&scratch, "list", &[]).ok().lines(), ["v1", "v2"]);
}

#[test]
fn a_broken_tag_can_be_deleted() {
    let scratch = Scratch::new();
    for damage in ["empty", "missing", "directory"] {
        scratch.image(REPOSITORY, "one").tag("v1").tag("v2");
        let link = current(&scratch, "v1");
        match damage {
            "empty" => fs::write(&link, "").unwrap(),
            _ => fs::remove_file(&link).unwrap(),
        }
        if damage == "directory" {
            fs::create_dir(&link).unwrap();
        }
        assert_eq!(tag(&scratch, "delete", &["v1"]).ok().answer(), "v1", "{damage}");
        assert_eq!(tag(&scratch, "list", &[]).ok().lines(), ["v2"], "{damage}");
    }
}

#[test]
fn a_tag_is_not_set_to_content_that_is_empty_or_none() {
    let scratch = Scratch::new();
    let image = scratch.image(REPOSITORY, "one");
    let content = scratch.blob(image.digest);
    fs::write(&content, "").unwrap();
    set(&scratch, "v1", image.digest)
        .run()
        .code(5)
        .silent()
        .says(["does not match its digest", content.to_str().unwrap()]);
    fs::remove_file(&content).unwrap();
    fs::create_dir(&content).unwrap();
    set(&scratch, "v1", image.digest).run().code(5).silent().says(["is a directory", content.to_str().unwrap()]);
    assert!(tag(&scratch, "list", &[]).ok().lines().is_empty());
}

#[test]
fn what_could_not_be_written_is_named_and_not_called_a_blob() {
    let scratch = Scratch::new();
    let image = scratch.image(REPOSITORY, "one").tag("v1");
    give_away(scratch.root());
    let tags = scratch.repository(REPOSITORY).join("_manifests/tags");
    let _denied = Moded::new(&tags, UNWRITABLE);
    let run = scratch.regtree(["tag", "set", REPOSITORY, "v2", "v1"]).unprivileged().run().code(1);
    let begin = format!("error: repository {REPOSITORY}: cannot create directory {}", tags.join("v2").display());
    assert!(run.err().starts_with(&begin), "{}", run.err());
    let content = scratch.blob(image.digest);
    let _unread = Moded::new(&content, UNREADABLE);
    let run = scratch.regtree(["manifest", "get", REPOSITORY, "v1"]).unprivileged().run().code(1);
    assert!(run.err().starts_with(&format!("error: manifest {} of repository", image.digest)), "{}", run.err());
}
