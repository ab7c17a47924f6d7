//! `tag prune`: which tags go, and what keeps the others.

mod ages;
mod companions;
mod kill;
mod policy;
mod refusals;
mod stopped;
mod told;

use jiff::Timestamp;

use crate::support::planted::{Planted, tag_path};
use crate::support::{Regtree, Scratch};

const REPOSITORY: &str = "lib/app";
/// Half of the tags and more may go.
const MANY: [&str; 2] = ["--max-delete", "100%"];

/// The time of the tests: whatever is set later is from the future.
const NOW: &str = "2020-06-30T12:00:00Z";

/// A tree at that time, in which each of these tags points to an image of its own and was set when that is said.
fn tagged(tags: &[(&str, &str)]) -> Planted {
    let planted = Planted::within(Scratch::new().at(NOW));
    for (tag, time) in tags {
        planted.tagged_image(REPOSITORY, tag, tag);
        set_at(&planted, REPOSITORY, tag, time);
    }
    planted
}

/// Says when a tag was set.
fn set_at(planted: &Planted, repository: &str, tag: &str, time: &str) {
    let time: Timestamp = time.parse().unwrap();
    Scratch::set_time(&planted.at(&tag_path(repository, tag)).join("current/link"), time.into());
}

/// `tag prune …`, without the limits on how much may go.
fn prune(planted: &Planted, rules: &[&str]) -> Regtree {
    planted.regtree(["tag", "prune"]).with(rules).with(MANY)
}

#[track_caller]
fn tags(planted: &Planted, repository: &str) -> Vec<String> {
    planted.run(["tag", "list", repository, "-q"]).lines()
}

/// One tag a month from January on, each on the first; and a second one in June.
fn months() -> Planted {
    tagged(&[
        ("1.0", "2020-01-01T00:00:00Z"),
        ("1.1", "2020-02-01T00:00:00Z"),
        ("1.2", "2020-03-01T00:00:00Z"),
        ("2.0", "2020-04-01T00:00:00Z"),
        ("2.1", "2020-05-01T00:00:00Z"),
        ("2.2", "2020-06-01T00:00:00Z"),
        ("latest", "2020-06-01T00:00:00Z"),
        ("main", "2020-06-20T00:00:00Z"),
    ])
}

#[test]
fn each_rule_keeps_what_it_says_and_the_rest_goes() {
    for (rules, expected) in [
        (&["--keep-last", "1"][..], "main"),
        // Two are equally old.
        (&["--keep-last", "2"], "2.2 latest main"),
        (&["--keep-within", "20d"], "2.2 latest main"),
        (&["--keep-within", "18d"], "main"),
        (&["--keep-hourly", "3"], "2.1 2.2 latest main"),
        (&["--keep-daily", "2"], "2.2 latest main"),
        (&["--keep-weekly", "1", "--keep-monthly", "2"], "2.1 main"),
        (&["--keep-yearly", "5"], "main"),
        (&["--keep-tag", "1.*", "--keep-tag", "/^lat/"], "1.0 1.1 1.2 latest"),
        (&["--keep-latest-semver", "2"], "2.1 2.2"),
        (&["--keep-last", "1", "--keep-latest-semver", "1", "--keep-tag", "1.0"], "1.0 2.2 main"),
        (&["--keep-last", "1", "--older-than", "100d"], "2.0 2.1 2.2 latest main"),
        (&["--keep-last", "1", "--only-tag", "1.*"], "1.2 2.0 2.1 2.2 latest main"),
    ] {
        let planted = months();
        prune(&planted, rules).ok();
        assert_eq!(tags(&planted, REPOSITORY).join(" "), expected, "{rules:?}");
    }
}

#[test]
fn only_tags_go_and_those_of_one_digest_are_separate() {
    let planted = months();
    let image = planted.tagged_image(REPOSITORY, "2.2-copy", "2.2");
    set_at(&planted, REPOSITORY, "2.2-copy", "2020-01-02T00:00:00Z");
    planted.tagged_image("lib/other", "v1", "another");
    let before = crate::support::snapshot(&planted.v2());
    let dry = prune(&planted, &[REPOSITORY, "--keep-last", "2", "-n"]).ok();
    assert!(crate::support::snapshot(&planted.v2()) == before);
    dry.says(["note: would remove 6 of 9 tags in 1 repository; nothing was removed (dry run)"]);
    let dry = prune(&planted, &[REPOSITORY, "--keep-last", "2", "-n"]).ok().lines();
    let run = prune(&planted, &[REPOSITORY, "--keep-last", "2"]).ok();
    assert_eq!(run.lines(), dry);
    assert_eq!(dry.len(), 6);
    assert!(dry.contains(&format!("lib/app:2.2-copy@{image}")), "{dry:?}");
    run.says(["note: removed 6 of 9 tags in 1 repository"]);
    let after = crate::support::snapshot(&planted.v2());
    let gone: Vec<_> = before.keys().filter(|path| !after.contains_key(*path)).collect();
    assert!(gone.iter().all(|path| path.to_str().unwrap().contains("lib/app/_manifests/tags/")), "{gone:?}");
    assert!(after.iter().all(|(path, content)| before.get(path) == Some(content)));
    assert_eq!(tags(&planted, "lib/other"), ["v1"]);
    // Each can be set again, from what was printed.
    for line in &dry {
        let (reference, digest) = line.split_once('@').unwrap();
        let (repository, tag) = reference.split_once(':').unwrap();
        planted.run(["tag", "set", repository, tag, digest]).code(0);
    }
    assert_eq!(tags(&planted, REPOSITORY).len(), 9);
}

#[test]
fn without_a_name_every_repository_is_pruned_on_its_own() {
    let planted = months();
    for repository in ["ci/one", "ci/two", "ci/two/deep"] {
        for (tag, day) in [("a", 1), ("b", 2)] {
            planted.tagged_image(repository, tag, tag);
            set_at(&planted, repository, tag, &format!("2020-06-{day:02}T00:00:00Z"));
        }
    }
    assert_eq!(prune(&planted, &["--keep-last", "1", "-n"]).ok().lines().len(), 7 + 3);
    assert_eq!(prune(&planted, &["ci/*", "lib/app", "--keep-last", "1", "-n"]).ok().lines().len(), 2 + 7);
    prune(&planted, &["ci/**", "--keep-last", "1"]).ok();
    for repository in ["ci/one", "ci/two", "ci/two/deep"] {
        assert_eq!(tags(&planted, repository), ["b"]);
    }
    assert_eq!(tags(&planted, REPOSITORY).len(), 8);
    prune(&planted, &["ci/nothing", "--keep-last", "1"]).run().code(4).silent();
    prune(&planted, &["cu/*", "--keep-last", "1"]).run().code(4).silent();
}

#[test]
fn the_quarantine_gives_the_tags_back() {
    let planted = months();
    let before = tags(&planted, REPOSITORY);
    let run = prune(&planted, &["--keep-last", "1", "--quarantine"]).ok().says(["to put all of it back: "]);
    assert_eq!(tags(&planted, REPOSITORY), ["main"]);
    let lines = run.lines();
    let name = lines.last().unwrap().strip_prefix("quarantine run ").unwrap();
    planted.run(["quarantine", "restore", name]).code(0);
    assert_eq!(tags(&planted, REPOSITORY), before);
    planted.run(["fsck"]).code(0);
    // The ages are as they were.
    assert_eq!(prune(&planted, &["--keep-last", "2", "-n"]).ok().lines().len(), 5);
}
