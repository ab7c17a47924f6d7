//! What `tag prune` refuses.

use super::{REPOSITORY, months, prune, set_at, tagged, tags};
use crate::support::refusal::{REFUSED, USAGE, fails, refused};
use crate::support::snapshot;

#[test]
fn no_rule_that_keeps_something_is_a_refusal() {
    let planted = months();
    for rules in [&[][..], &["--older-than", "1d"], &["--only-tag", "*"], &["--age-by", "created", "-n"]] {
        let call = prune(&planted, rules);
        refused(planted.root(), &call, REFUSED, &["no rule says what to keep"]);
        call.run().code(12).says(["hint: say what stays: --keep-last 10, "]);
    }
    for wrong in [
        &["--keep-last", "0"][..],
        &["--keep-daily", "-1"],
        &["--keep-within", "30"],
        &["--keep-tag", "/(/"],
        &["--only-tag", "[a"],
        &["--age-by", "pull"],
        &["--keep-tag", ""],
        &["--keep-tag", "/^v1"],
        &["--only-tag", "v1,v2"],
        // The last would win, and keep less.
        &["--keep-last", "10", "--keep-last", "1"],
        &["--keep-within", "52w", "--keep-within", "1d"],
        &["--keep-daily", "7", "--keep-daily=1"],
        &["--keep-latest-semver", "2", "--keep-latest-semver", "1"],
        &["--keep-last", "1", "--older-than", "7d", "--older-than", "1d"],
        &["--keep-last", "1", "--age-by", "set", "--age-by", "created"],
    ] {
        fails(&prune(&planted, wrong), USAGE, &[]);
    }
    fails(&planted.regtree(["tag", "prune", "--keep-last", "1", "--max-delete", "1GB"]), USAGE, &["a percentage"]);
}

#[test]
fn a_repository_keeps_a_tag_unless_it_may_be_left_empty() {
    let planted = months();
    planted.tagged_image("lib/other", "v1", "another");
    set_at(&planted, "lib/other", "v1", "2020-01-01T00:00:00Z");
    let call = || prune(&planted, &["--keep-tag", "main"]);
    let before = snapshot(&planted.v2());
    // The plan is shown.
    let shown = call().run().code(12).says([
        "error: refused: repository lib/other would be left without a tag",
        "hint: to do it anyway, use --allow-empty",
        "; nothing was removed\n",
    ]);
    assert!(!shown.err().contains("dry run"), "{}", shown.err());
    assert_eq!(shown.lines().len(), 8);
    let dry = call().with(["-n"]).run().code(12);
    assert_eq!(dry.lines(), shown.lines());
    let summary = call().with(["--json"]).run().code(12).json_lines().pop().unwrap();
    assert_eq!((&summary["refused"], &summary["dry_run"]), (&true.into(), &true.into()));
    assert!(snapshot(&planted.v2()) == before);
    call().with(["--allow-empty"]).ok();
    assert!(tags(&planted, "lib/other").is_empty());
    assert_eq!(tags(&planted, REPOSITORY), ["main"]);
    // What has no tag is not left without one.
    call().ok();
}

#[test]
fn more_than_half_of_the_tags_go_only_when_that_is_said() {
    let planted = months();
    let call = |rules: &[&str]| planted.regtree(["tag", "prune"]).with(rules);
    let before = snapshot(&planted.v2());
    let run = call(&["--keep-last", "2"]).run().code(12);
    run.says(["5 tags of 8 would be removed, which is more than half of them", "use --max-delete 63%"]);
    let percent = call(&["--keep-last", "2", "--max-delete", "62%"]).run().code(12);
    percent.says(["which is more than --max-delete allows (62%)", "use --max-delete 63%"]);
    assert!(snapshot(&planted.v2()) == before);
    // All repositories that are looked at count together.
    for tag in ["a", "b", "c"] {
        planted.tagged_image("lib/other", tag, tag);
        set_at(&planted, "lib/other", tag, "2020-06-01T00:00:00Z");
    }
    call(&["--keep-last", "2", "-n"]).ok();
    call(&[REPOSITORY, "--keep-last", "2", "--max-delete", "63%"]).ok();
    assert_eq!(tags(&planted, REPOSITORY).len(), 3);
}

#[test]
fn one_that_works_on_the_tree_meanwhile_is_waited_for_or_named() {
    let planted = tagged(&[("v1", "2020-06-01T00:00:00Z")]);
    let registry = regtree::Registry::open(planted.root()).unwrap();
    let _writer = registry.writer("test", jiff::Timestamp::now(), std::time::Duration::ZERO).unwrap();
    prune(&planted, &["--keep-last", "1"]).run().code(11).silent();
    prune(&planted, &["--keep-last", "1", "-n"]).ok();
}
