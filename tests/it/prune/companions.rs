//! Tags that were made for another image: they stay as long as any tag leads to that.

use super::{REPOSITORY, prune, set_at, tagged, tags};
use crate::support::planted::{Planted, blob_path, hex_of, revision_path};

const SUFFIXES: [&str; 4] = ["", ".sig", ".att", ".sbom"];

fn made_for(subject: &str, suffix: &str) -> String {
    format!("sha256-{}{suffix}", hex_of(subject))
}

/// A tag that was made for `subject` long ago: an image with a suffix, without one an index that lists a referrer.
fn sign(planted: &Planted, repository: &str, subject: &str, suffix: &str) -> String {
    let words = format!("{suffix} of {subject}");
    let digest = if suffix.is_empty() {
        planted.index(repository, &[&planted.referrer(repository, subject, &words)])
    } else {
        planted.image(repository, &words)
    };
    let tag = made_for(subject, suffix);
    planted.tag(repository, &tag, &digest);
    set_at(planted, repository, &tag, "2019-01-01T00:00:00Z");
    tag
}

/// A tree with an image `old` and an image `new`, each signed in every way; and the tags of their signatures.
fn signed() -> (Planted, Vec<String>, Vec<String>) {
    let planted = tagged(&[]);
    let mut made = Vec::new();
    for (tag, day) in [("old", 1), ("new", 2)] {
        let image = planted.tagged_image(REPOSITORY, tag, tag);
        set_at(&planted, REPOSITORY, tag, &format!("2020-06-0{day}T00:00:00Z"));
        made.push(SUFFIXES.iter().map(|suffix| sign(&planted, REPOSITORY, &image, suffix)).collect());
    }
    let [of_old, of_new] = <[Vec<String>; 2]>::try_from(made).unwrap();
    (planted, of_old, of_new)
}

fn sorted(mut all: Vec<String>, more: &[&str]) -> Vec<String> {
    all.extend(more.iter().map(|tag| (*tag).to_owned()));
    all.sort();
    all
}

#[test]
fn they_go_with_the_last_tag_of_their_image_and_take_no_place() {
    let (planted, of_old, of_new) = signed();
    prune(&planted, &["--keep-last", "2"]).ok();
    assert_eq!(tags(&planted, REPOSITORY).len(), 10);
    let run = prune(&planted, &["--keep-last", "1", "--explain"]).ok();
    assert_eq!(tags(&planted, REPOSITORY), sorted(of_new.clone(), &["new"]));
    let line = |tag: &str| run.lines().into_iter().find(|line| line.contains(&format!(":{tag} "))).unwrap();
    for tag in of_new {
        assert!(line(&tag).starts_with("keep ") && line(&tag).ends_with("  subject"), "{}", line(&tag));
    }
    for tag in of_old {
        assert!(line(&tag).starts_with("remove "), "{}", line(&tag));
    }
    planted.run(["fsck", "-q"]).code(0);
    // A collection that removes such tags finds no more of them.
    let collection =
        planted.run(["gc", "--delete-untagged", "--delete-dangling-referrers", "--min-age", "0", "-n", "--json"]);
    let removed = collection.json_lines().into_iter().filter(|event| event["kind"] == "tag");
    assert_eq!(removed.count(), 0);
}

#[test]
fn the_quarantine_takes_and_gives_them_back_together() {
    let (planted, ..) = signed();
    let before = tags(&planted, REPOSITORY);
    let run = prune(&planted, &["--keep-last", "1", "--quarantine", "--json"]).ok().json_lines();
    let name = run.last().unwrap()["run"].as_str().unwrap();
    assert_eq!(tags(&planted, REPOSITORY).len(), 5);
    planted.run(["quarantine", "restore", name]).code(0);
    assert_eq!(tags(&planted, REPOSITORY), before);
}

#[test]
fn they_stay_while_a_tag_anywhere_leads_to_their_image_as_a_child_too() {
    for is_child in [false, true] {
        for elsewhere in [REPOSITORY, "lib/other"] {
            let (planted, of_old, of_new) = signed();
            let old = planted.image(REPOSITORY, "old");
            planted.revision(elsewhere, &old);
            let again = if is_child { planted.index(elsewhere, &[&old]) } else { old };
            planted.tag(elsewhere, "again", &again);
            set_at(&planted, elsewhere, "again", "2020-06-03T00:00:00Z");
            let names = [REPOSITORY, "--keep-tag", "new", "--keep-tag", "again"];
            prune(&planted, &names).ok();
            let here = if elsewhere == REPOSITORY { &["again", "new"][..] } else { &["new"] };
            let expected = sorted([of_old.clone(), of_new].concat(), here);
            assert_eq!(tags(&planted, REPOSITORY), expected, "{is_child} {elsewhere}");
            // With the other tag they go.
            let all = [REPOSITORY, elsewhere, "--keep-tag", "new", "--allow-empty"];
            prune(&planted, &all).ok();
            assert_eq!(tags(&planted, REPOSITORY).len(), 5, "{is_child} {elsewhere}");
        }
    }
}

#[test]
fn those_in_another_repository_stay_unless_that_is_pruned_too() {
    let planted = tagged(&[("new", "2020-06-02T00:00:00Z")]);
    let old = planted.tagged_image(REPOSITORY, "old", "old");
    set_at(&planted, REPOSITORY, "old", "2020-06-01T00:00:00Z");
    let tag = sign(&planted, "lib/signatures", &old, ".sig");
    prune(&planted, &[REPOSITORY, "--keep-last", "1"]).ok();
    assert_eq!(tags(&planted, "lib/signatures"), [tag]);
    prune(&planted, &["--keep-last", "1", "--allow-empty"]).ok();
    assert!(tags(&planted, "lib/signatures").is_empty());
}

#[test]
fn patterns_and_ages_keep_them_too() {
    let rules: [(&[&str], usize); 4] = [
        (&["--keep-last", "1"], 5),
        (&["--keep-last", "1", "--keep-tag", "*.sig"], 6),
        (&["--keep-last", "1", "--older-than", "700d"], 10),
        // Nothing that is looked at leads to an image that is signed.
        (&["--keep-last", "1", "--only-tag", "v*"], 10),
    ];
    for (rules, left) in rules {
        let (planted, ..) = signed();
        prune(&planted, rules).ok();
        assert_eq!(tags(&planted, REPOSITORY).len(), left, "{rules:?}");
    }
}

#[test]
fn where_only_some_tags_are_looked_at_no_other_goes() {
    let (planted, of_old, of_new) = signed();
    planted.tagged_image(REPOSITORY, "older", "older");
    set_at(&planted, REPOSITORY, "older", "2020-05-01T00:00:00Z");
    prune(&planted, &["--keep-tag", "new", "--only-tag", "old"]).ok();
    let all = [of_old.clone(), of_new.clone()].concat();
    assert_eq!(tags(&planted, REPOSITORY), sorted(all, &["new", "older"]));
    assert_eq!(of_old.len(), 4);
    prune(&planted, &["--keep-tag", "new", "--only-tag", "/^sha256-/"]).ok();
    assert_eq!(tags(&planted, REPOSITORY), sorted(of_new, &["new", "older"]));
}

/// A tag by which clients list the referrers of `subject`, set long ago.
fn list(planted: &Planted, subject: &str, index: &str) -> String {
    let tag = made_for(subject, "");
    planted.tag(REPOSITORY, &tag, index);
    set_at(planted, REPOSITORY, &tag, "2019-01-01T00:00:00Z");
    tag
}

#[test]
fn a_list_that_lacks_a_referrer_or_whose_referrers_lack_their_subject_stays_with_its_image() {
    for is_missing in [true, false] {
        let planted = tagged(&[("new", "2020-06-03T00:00:00Z")]);
        let image = planted.tagged_image(REPOSITORY, "v1", "v1");
        set_at(&planted, REPOSITORY, "v1", "2020-06-02T00:00:00Z");
        let referrer = if is_missing {
            planted.referrer(REPOSITORY, &image, "a referrer")
        } else {
            planted.image(REPOSITORY, "of which nothing says what it is about")
        };
        let tag = list(&planted, &image, &planted.index(REPOSITORY, &[&referrer]));
        if is_missing {
            planted.remove(&blob_path(&referrer));
            planted.remove(&revision_path(REPOSITORY, &referrer));
        }
        prune(&planted, &["--keep-last", "2"]).ok().silent();
        assert_eq!(tags(&planted, REPOSITORY), ["new", &tag, "v1"], "{is_missing}");
        // Its age keeps it too, and takes no place of another.
        set_at(&planted, REPOSITORY, &tag, "2020-06-04T00:00:00Z");
        let run = prune(&planted, &["--keep-last", "1"]).ok();
        assert_eq!(run.lines(), [format!("{REPOSITORY}:v1@{image}")], "{is_missing}");
        assert_eq!(tags(&planted, REPOSITORY), ["new", &tag], "{is_missing}");
    }
}

#[test]
fn a_list_for_a_sha512_is_named_after_half_of_it() {
    let planted = tagged(&[("new", "2020-06-03T00:00:00Z")]);
    planted.tag(REPOSITORY, "v1", &planted.index(REPOSITORY, &[]));
    let subject = planted.alias(REPOSITORY, planted.index_of(&[]).to_string());
    set_at(&planted, REPOSITORY, "v1", "2020-06-02T00:00:00Z");
    let tag = format!("sha512-{}", &hex_of(&subject)[..64]);
    planted.tag(REPOSITORY, &tag, &planted.index(REPOSITORY, &[&planted.image(REPOSITORY, "a referrer")]));
    set_at(&planted, REPOSITORY, &tag, "2019-01-01T00:00:00Z");
    prune(&planted, &["--keep-tag", "new", "--keep-tag", "v1"]).ok().silent();
    assert_eq!(tags(&planted, REPOSITORY), ["new", &tag, "v1"]);
    prune(&planted, &["--keep-tag", "new"]).ok();
    assert_eq!(tags(&planted, REPOSITORY), ["new"]);
}

#[test]
fn what_is_about_a_signature_stays_as_long_as_that() {
    // Its own repository may be pruned or not, and a rule or nothing may keep the signature.
    for (elsewhere, rules) in [
        (REPOSITORY, &["--keep-tag", "new", "--keep-tag", "*.sbom"][..]),
        ("lib/other", &[REPOSITORY, "--keep-tag", "new"]),
        ("lib/other", &["lib/*", "--keep-tag", "new", "--keep-tag", "*.sbom", "--allow-empty"]),
    ] {
        let planted = tagged(&[("new", "2020-06-02T00:00:00Z")]);
        let old = planted.tagged_image(REPOSITORY, "old", "old");
        set_at(&planted, REPOSITORY, "old", "2020-06-01T00:00:00Z");
        let sbom = planted.image(elsewhere, "an sbom");
        planted.revision(REPOSITORY, &sbom);
        planted.tag(elsewhere, &made_for(&old, ".sbom"), &sbom);
        set_at(&planted, elsewhere, &made_for(&old, ".sbom"), "2019-01-01T00:00:00Z");
        let signature = sign(&planted, REPOSITORY, &sbom, ".sig");
        let of_signature = sign(&planted, REPOSITORY, &planted.image(REPOSITORY, &format!(".sig of {sbom}")), ".att");
        prune(&planted, rules).ok();
        let left = tags(&planted, REPOSITORY);
        assert!(left.contains(&signature) && left.contains(&of_signature), "{elsewhere} {rules:?}: {left:?}");
        assert!(!left.contains(&"old".to_owned()));
        // All of them go together.
        prune(&planted, &["--keep-tag", "new", "--allow-empty"]).ok();
        assert_eq!(tags(&planted, REPOSITORY), ["new"], "{elsewhere} {rules:?}");
    }
}

#[test]
fn one_whose_image_never_was_here_stays_for_a_reason_of_its_own() {
    let planted = tagged(&[("new", "2020-06-02T00:00:00Z")]);
    let never = format!("sha256:{}", "0".repeat(64));
    let tag = sign(&planted, REPOSITORY, &never, ".sig");
    let run = prune(&planted, &["--keep-last", "1", "--explain"]).ok();
    let row = |line: &String| line.contains(&tag) && line.ends_with("  subject-unknown");
    assert!(run.lines().iter().any(row), "{}", run.out());
}

#[test]
fn a_tag_named_like_a_hash_of_its_own_is_judged_like_any_other() {
    let planted = tagged(&[("new", "2020-06-02T00:00:00Z")]);
    let other = planted.image(REPOSITORY, "what the hash is of");
    planted.tag(REPOSITORY, &made_for(&other, ""), &planted.image(REPOSITORY, "an image, and no list of referrers"));
    set_at(&planted, REPOSITORY, &made_for(&other, ""), "2020-06-03T00:00:00Z");
    prune(&planted, &["--keep-last", "1"]).ok();
    assert_eq!(tags(&planted, REPOSITORY), [made_for(&other, "")]);
}
