//! Hashing content: all of it, parts, by chance, for a time, and only what is due.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use regtree::Digest;
use serde_json::Value;

use super::{Checked, fsck, text};
use crate::support::Scratch;

/// Four images in two repositories, and what is in each file of content.
fn images() -> (Scratch, Vec<Digest>) {
    let scratch = Scratch::new();
    let mut digests = BTreeSet::new();
    for (repository, word) in [("lib/app", "one"), ("lib/app", "two"), ("lib/other", "three"), ("lib/other", "four")] {
        let image = scratch.image(repository, word).tag(word);
        digests.extend([image.digest, image.config, image.layer]);
    }
    assert_eq!(digests.len(), 12);
    (scratch, digests.into_iter().collect())
}

/// Changes a byte, and nothing that tells of it.
fn rot(scratch: &Scratch, digest: Digest) {
    let path = scratch.blob(digest);
    let modified = fs::metadata(&path).unwrap().modified().unwrap();
    let mut content = fs::read(&path).unwrap();
    *content.last_mut().unwrap() ^= 1;
    fs::write(&path, content).unwrap();
    Scratch::set_time(&path, modified);
}

fn content(checked: &Checked) -> &Value {
    &checked.summary()["content"]
}

/// The layers that were found wrong.
fn corrupt(checked: &Checked) -> BTreeSet<String> {
    let corrupt = checked.findings().filter(|finding| finding["code"] == "blob-corrupt");
    corrupt.map(|finding| text(&finding["digest"])).collect()
}

fn all(digests: &[Digest]) -> BTreeSet<String> {
    digests.iter().map(ToString::to_string).collect()
}

/// Configs and layers: manifests are always hashed.
fn rotten() -> (Scratch, Vec<Digest>) {
    let scratch = Scratch::new();
    let mut digests = Vec::new();
    for word in ["one", "two", "three", "four", "five", "six", "seven", "eight"] {
        let image = scratch.image("lib/app", word).tag(word);
        digests.extend([image.config, image.layer]);
    }
    for digest in &digests {
        rot(&scratch, *digest);
    }
    digests.sort();
    (scratch, digests)
}

#[test]
fn content_is_hashed_only_where_that_is_asked_for() {
    let (scratch, digests) = rotten();
    let checked = fsck(&scratch, &[]).code(0);
    assert_eq!((checked.codes(), content(&checked)), (Vec::new(), &Value::Null));
    let checked = fsck(&scratch, &["--content"]).code(3);
    assert_eq!(corrupt(&checked), all(&digests));
    assert_eq!(checked.broken().len(), 8);
    for finding in checked.findings() {
        assert_eq!(finding["expected"], finding["digest"]);
        assert_ne!(finding["found"], finding["digest"]);
        assert_eq!(finding["images"].as_array().unwrap().len(), 1, "{finding}");
    }
}

#[test]
fn all_parts_together_find_all_that_is_wrong_each_once() {
    let (scratch, digests) = rotten();
    let mut found = Vec::new();
    let mut hashed = 0;
    for part in 1..=5 {
        let checked = fsck(&scratch, &["--content-subset", &format!("{part}/5")]);
        found.extend(corrupt(&checked));
        hashed += content(&checked)["blobs"].as_u64().unwrap();
    }
    assert_eq!(found.len(), digests.len());
    assert_eq!(found.into_iter().collect::<BTreeSet<_>>(), all(&digests));
    assert_eq!(hashed, 24);
}

#[test]
fn a_random_sample_reports_its_seed_and_is_repeated_by_it() {
    let (scratch, _) = rotten();
    let first = fsck(&scratch, &["--content-subset", "50%"]);
    assert_eq!(content(&first)["blobs"], 12);
    let seed = content(&first)["seed"].to_string();
    let second = fsck(&scratch, &["--content-subset", "50%", "--seed", &seed]);
    assert_eq!(corrupt(&first), corrupt(&second));
    let others: BTreeSet<_> = (0..8)
        .map(|seed| corrupt(&fsck(&scratch, &["--content-subset", "50%", "--seed", &seed.to_string()])))
        .collect();
    assert!(others.len() > 1);
    let told = scratch.run(["fsck", "--content-subset", "50%"]);
    assert!(told.out().contains("--seed "), "{}", told.out());
    // By digest there is no chance.
    assert_eq!(content(&fsck(&scratch, &["--content-subset", "1/2"]))["seed"], Value::Null);
}

#[test]
fn so_many_bytes_are_hashed_as_were_asked_for() {
    let (scratch, _) = images();
    let checked = fsck(&scratch, &["--content-subset", "1KiB"]).code(0);
    let bytes = content(&checked)["bytes"].as_u64().unwrap();
    assert!((1024..2048).contains(&bytes), "{bytes}");
    let checked = fsck(&scratch, &["--content-subset", "1TiB"]).code(0);
    assert_eq!(content(&checked)["blobs"], 12);
}

#[test]
fn runs_that_stop_for_time_go_on_where_the_last_one_was() {
    let (scratch, digests) = images();
    let mut words: Vec<String> = ["--max-duration", "0", "--jobs", "1"].map(str::to_owned).to_vec();
    for (run, digest) in digests.iter().enumerate() {
        let checked = fsck(&scratch, &words.iter().map(String::as_str).collect::<Vec<_>>()).code(0);
        let content = content(&checked);
        assert_eq!(content["blobs"], 1, "every run gets on");
        if run + 1 < digests.len() {
            assert_eq!((&content["stopped"], &content["resume_after"]), (&"time".into(), &digest.to_string().into()));
        } else {
            assert_eq!((&content["stopped"], &content["resume_after"]), (&Value::Null, &Value::Null));
        }
        words.truncate(4);
        words.extend(["--resume-after".to_owned(), digest.to_string()]);
    }
    let told = scratch.run(["fsck", "--max-duration", "0", "--jobs", "1"]).code(0);
    assert!(told.out().contains(&format!("--resume-after {}", digests[0])), "{}", told.out());
    let whole = fsck(&scratch, &["--max-duration", "1h"]).code(0);
    assert_eq!((&content(&whole)["blobs"], &content(&whole)["stopped"]), (&12.into(), &Value::Null));
}

fn ledger(scratch: &Scratch) -> PathBuf {
    scratch.root().join(".regtree/verified/blobs")
}

#[test]
fn what_was_found_right_lately_is_passed_over_until_it_changes() {
    let (scratch, digests) = images();
    let due = |scratch: &Scratch| {
        let checked = fsck(scratch, &["--content", "--unverified-for", "30d"]);
        let content = content(&checked).clone();
        (content["blobs"].as_u64().unwrap(), content["passed_over"].as_u64().unwrap(), corrupt(&checked))
    };
    assert_eq!(due(&scratch), (12, 0, BTreeSet::new()));
    assert_eq!(due(&scratch), (0, 12, BTreeSet::new()));
    assert_eq!(content(&fsck(&scratch, &["--content"]).code(0))["blobs"], 12, "it is asked for only then");
    // Its time.
    let layer = digests.iter().find(|digest| fs::read(scratch.blob(**digest)).unwrap().starts_with(b"layer")).unwrap();
    Scratch::set_time(&scratch.blob(*layer), std::time::SystemTime::now());
    assert_eq!(due(&scratch), (1, 11, BTreeSet::new()));
    // Its file.
    let content = fs::read(scratch.blob(*layer)).unwrap();
    let modified = fs::metadata(scratch.blob(*layer)).unwrap().modified().unwrap();
    let other = scratch.root().join("other");
    fs::write(&other, &content).unwrap();
    Scratch::set_time(&other, modified);
    fs::rename(&other, scratch.blob(*layer)).unwrap();
    assert_eq!(due(&scratch), (1, 11, BTreeSet::new()));
    // Its content, though its time was set back.
    let mut other = content.clone();
    other[0] ^= 1;
    let seen = fs::metadata(scratch.blob(*layer)).unwrap().modified().unwrap();
    fs::write(scratch.blob(*layer), &other).unwrap();
    Scratch::set_time(&scratch.blob(*layer), seen);
    assert_eq!(due(&scratch).2, BTreeSet::from([layer.to_string()]));
    // Its content, which is due until it is right.
    fs::write(scratch.blob(*layer), b"another").unwrap();
    for _ in 0..2 {
        let checked = fsck(&scratch, &["--content", "--unverified-for", "30d"]).code(3);
        assert_eq!(checked.findings().map(|finding| text(&finding["digest"])).collect::<Vec<_>>(), [layer.to_string()]);
    }
    fs::write(scratch.blob(*layer), &content).unwrap();
    assert_eq!(due(&scratch), (1, 11, BTreeSet::new()));
    // Nothing was right in the future.
    assert_eq!(self::content(&fsck(&scratch, &["--content", "--unverified-for", "0"]))["blobs"].as_u64(), Some(12));
}

#[test]
fn a_ledger_that_is_gone_or_garbage_costs_time_only() {
    let (scratch, _) = images();
    let due = || {
        let checked = fsck(&scratch, &["--content", "--unverified-for", "30d"]).code(0);
        content(&checked)["blobs"].as_u64().unwrap()
    };
    assert_eq!(due(), 12);
    let written = fs::read_to_string(ledger(&scratch)).unwrap();
    assert_eq!(written.lines().count(), 12);
    fs::remove_dir_all(scratch.root().join(".regtree")).unwrap();
    assert_eq!(due(), 12);
    for garbage in [&b"\xff\xfe\0"[..], b"one two three\n", &b"9".repeat(100_000)] {
        fs::write(ledger(&scratch), garbage).unwrap();
        assert_eq!(due(), 12);
    }
    // One line of twelve.
    let cut: Vec<&str> = written.split_inclusive('\n').skip(1).collect();
    fs::write(ledger(&scratch), cut.concat()).unwrap();
    assert_eq!(due(), 1);
    assert_eq!(due(), 0);
}

#[test]
fn what_runs_at_once_note_adds_up() {
    let (scratch, digests) = images();
    let call = |part: usize| scratch.regtree(["fsck", "--content-subset", &format!("{part}/4")]);
    std::thread::scope(|scope| {
        for part in 1..=4 {
            scope.spawn(move || call(part).ok());
        }
    });
    let checked = fsck(&scratch, &["--content", "--unverified-for", "30d"]).code(0);
    assert_eq!(content(&checked)["passed_over"], 12);
    // What one finds wrong another's older note does not make right.
    let note = fs::read_to_string(ledger(&scratch)).unwrap();
    rot(&scratch, digests[0]);
    fsck(&scratch, &["--content"]).code(3);
    let line = |text: &str| text.lines().find(|line| line.starts_with(&*digests[0].hex())).unwrap().to_owned();
    assert_ne!(line(&note), line(&fs::read_to_string(ledger(&scratch)).unwrap()));
}

#[test]
fn what_was_right_in_the_future_is_due() {
    let (scratch, _) = images();
    fsck(&scratch, &["--content"]).code(0);
    let note = fs::read_to_string(ledger(&scratch)).unwrap();
    let later = |line: &str| {
        let mut words: Vec<&str> = line.split(' ').collect();
        words[1] = "99999999999";
        words.join(" ") + "\n"
    };
    fs::write(ledger(&scratch), note.lines().map(later).collect::<String>()).unwrap();
    let due = || content(&fsck(&scratch, &["--content", "--unverified-for", "30d"]).code(0))["blobs"].clone();
    assert_eq!((due(), due()), (12.into(), 0.into()));
}

#[test]
fn where_the_ledger_can_t_be_written_that_is_said_and_all_is_hashed() {
    let (scratch, _) = images();
    let before = fs::metadata(scratch.root()).unwrap().permissions();
    fs::set_permissions(scratch.root(), PermissionsExt::from_mode(0o555)).unwrap();
    let state = scratch.root().join(".regtree");
    if state.exists() {
        fs::set_permissions(&state, PermissionsExt::from_mode(0o555)).unwrap();
    }
    let run = scratch.regtree(["fsck", "--content"]).unprivileged().run();
    fs::set_permissions(scratch.root(), before).unwrap();
    let run = run.code(0).says([".regtree/verified", "Permission denied"]);
    assert!(run.out().contains("hashed 12 blobs"), "{}", run.out());
    assert!(!ledger(&scratch).exists());
}

#[test]
fn only_the_content_that_some_repositories_need_is_hashed() {
    let (scratch, _) = images();
    let checked = fsck(&scratch, &["--content", "--repository", "lib/o*"]).code(0);
    assert_eq!((&content(&checked)["blobs"], &checked.summary()["checked"]["repositories"]), (&6.into(), &1.into()));
    let (scratch, _) = rotten();
    let other = scratch.image("lib/sound", "sound").tag("sound");
    assert!(fsck(&scratch, &["--content", "--repository", "lib/sound"]).code(0).codes().is_empty());
    rot(&scratch, other.layer);
    let checked = fsck(&scratch, &["--content", "--repository", "*/sound"]).code(3);
    assert_eq!(corrupt(&checked), BTreeSet::from([other.layer.to_string()]));
}
