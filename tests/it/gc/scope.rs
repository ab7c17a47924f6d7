//! From where content and links may be removed, and what the output shows.

use std::fs;

use super::planted::{Planted, sha256};
use super::{NOW, NOW_UNTAGGED, assert_whole, collect};
use crate::support::snapshot;

/// Two repositories with a stale layer each, and one that both link.
fn two() -> (Planted, [String; 3]) {
    let planted = Planted::new();
    planted.tagged_image("team/app", "v1", "an image");
    planted.tagged_image("other", "v1", "another image");
    let stale = [planted.layer("team/app", "one stale layer"), planted.layer("other", "another stale layer")];
    let shared = planted.layer("team/app", "a shared stale layer");
    planted.link("other", &shared);
    let [one, another] = stale;
    (planted, [one, another, shared])
}

#[test]
fn content_is_removed_only_if_every_link_to_it_is_in_a_matching_repository() {
    let (planted, [one, another, shared]) = two();
    let before = snapshot(&planted.repository("other"));
    let collection = collect(&planted.scratch, &[&NOW[..], &["--repository", "team/*"]].concat()).code(0);
    assert_eq!(collection.gone.blobs, [one.clone()].into());
    let links = [one, shared.clone()].map(|digest| ("team/app".to_owned(), digest));
    assert_eq!(collection.gone.layer_links, links.into());
    assert!(planted.has(&another) && planted.has(&shared));
    assert!(snapshot(&planted.repository("other")) == before);
    assert_whole(&planted.scratch);
}

#[test]
fn a_pattern_that_matches_nothing_is_an_error_and_nothing_goes() {
    let (planted, _) = two();
    let before = snapshot(&planted.v2());
    for more in [&[][..], &["--repository", "**"]] {
        let run = planted.regtree(["gc"]).with(NOW_UNTAGGED).with(["--repository", "nobody/*"]).with(more);
        run.run().code(4).silent().says(["nobody/*", "does not match a slash"]);
    }
    assert!(snapshot(&planted.v2()) == before);
}

#[test]
fn several_patterns_are_collected_each() {
    let (planted, _) = two();
    let dry = |words: &[&str]| planted.regtree(["gc", "-nv"]).with(NOW).with(words).run().code(0).out();
    let all = dry(&[]);
    assert!(all.lines().count() > 5, "{all}");
    assert_eq!(dry(&["--repository", "team/*", "--repository", "other"]), all);
    assert_ne!(dry(&["--repository", "other"]), all);
}

#[test]
fn marking_spans_the_tree_whatever_may_be_removed() {
    let planted = Planted::new();
    planted.tagged_image("lib", "v1", "an image");
    let layer = sha256(b"layer of an image");
    planted.link("team/app", &layer);
    let collection = collect(&planted.scratch, &[&NOW[..], &["--repository", "team/*"]].concat()).code(0);
    assert_eq!(collection.gone.layer_links, [("team/app".to_owned(), layer.clone())].into());
    assert!(planted.has(&layer));
    assert_whole(&planted.scratch);
}

#[test]
fn the_text_names_what_goes_with_its_size_and_v_lists_it() {
    let (planted, [one, another, shared]) = two();
    let brief = planted.regtree(["gc", "--dry-run"]).with(NOW).ok();
    let said = brief.out() + &brief.err();
    for digest in [&one, &another, &shared] {
        assert!(!said.contains(digest.as_str()), "{said}");
    }
    assert!(said.contains('3'), "{said}");
    let long = planted.regtree(["gc", "--dry-run", "-v"]).with(NOW).ok();
    let said = long.out() + &long.err();
    for digest in [&one, &another, &shared] {
        assert!(said.contains(digest.as_str()), "{said}");
    }
    // One who runs it beside a registry has to drop the registry's cache.
    let run = planted.regtree(["gc"]).with(NOW).ok();
    assert!((run.out() + &run.err()).contains("cache"), "{}{}", run.out(), run.err());
}

#[test]
fn a_report_says_how_much_more_the_untagged_would_free() {
    let planted = Planted::new();
    planted.tagged_image("lib", "v1", "an image");
    planted.image("lib", "an untagged image");
    let run = planted.regtree(["gc", "--dry-run"]).with(NOW).ok();
    assert!((run.out() + &run.err()).contains("--delete-untagged"), "{}{}", run.out(), run.err());
}

#[test]
fn a_vanished_root_is_an_error_and_not_an_empty_tree() {
    let planted = Planted::new();
    fs::remove_dir_all(planted.root().join("docker")).unwrap();
    let run = planted.regtree(["gc"]).with(NOW).run();
    assert!(!matches!(run.exit(), Some(0 | 3)), "{}", run.out());
}

#[test]
fn any_number_of_jobs_finds_the_same() {
    let (planted, _) = two();
    let plan = |jobs: &str| {
        let words = [&NOW_UNTAGGED[..], &["--dry-run", "--jobs", jobs]].concat();
        collect(&planted.scratch, &words).code(0).removals()
    };
    let one = plan("1");
    assert!(!one.is_empty());
    for jobs in ["2", "3", "8"] {
        assert_eq!(plan(jobs), one, "{jobs} jobs");
    }
}

#[test]
fn directories_left_empty_go_and_the_skeleton_stays() {
    let (planted, [one, _, shared]) = two();
    collect(&planted.scratch, &NOW).code(0);
    for digest in [&one, &shared] {
        let link = planted.at(&super::planted::layer_path("team/app", digest));
        assert!(!link.parent().unwrap().exists(), "{}", link.display());
        let blob = planted.at(&super::planted::blob_path(digest));
        assert!(!blob.parent().unwrap().exists(), "{}", blob.display());
    }
    for directory in ["blobs/sha256", "repositories", "repositories/team/app/_layers/sha256"] {
        assert!(planted.at(directory).is_dir(), "{directory}");
    }
}
