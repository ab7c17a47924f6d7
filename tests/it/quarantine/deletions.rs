//! `tag`, `blob`, `manifest` and `repo delete --quarantine`: all that they take can be put back as it was.

use std::fs;
use std::path::PathBuf;

use super::collection::runs;
use super::tree;
use crate::support::kill::at_every_change;
use crate::support::{Regtree, Scratch, assert_sound, snapshot};

const REPOSITORY: &str = "lib/app";

/// A repository with an image that has two tags with histories, another image, an upload, and one below it.
fn filled() -> Scratch {
    let scratch = Scratch::new();
    scratch.image(REPOSITORY, "former").tag("v1").tag("v2");
    scratch.image(REPOSITORY, "present").tag("v1").tag("v2").tag("latest");
    scratch.image("lib/app/below", "present").tag("v1");
    let upload = scratch.repository(REPOSITORY).join("_uploads/49c7033d-8881-4914-9c95-d56c28397fe8");
    Scratch::plant(&upload.join("startedat"), "2015-01-01T00:00:00Z");
    Scratch::plant(&upload.join("data"), "received");
    scratch
}

/// An alpha's repository.
fn alpha() -> Scratch {
    let scratch = Scratch::new();
    scratch.image(REPOSITORY, "one").tag("v1");
    for folder in ["layers", "manifests", "uploads"] {
        let current = scratch.repository(REPOSITORY).join(format!("_{folder}"));
        fs::rename(current, scratch.repository(REPOSITORY).join(folder)).unwrap();
    }
    scratch
}

/// Each deletion of `filled`, by its words.
fn deletions(scratch: &Scratch) -> Vec<Vec<String>> {
    let manifest = scratch.run(["tag", "get", REPOSITORY, "latest"]).code(0).answer();
    let layers = scratch.run(["blob", "list", REPOSITORY]).code(0).lines();
    let words = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>();
    vec![
        words(&["tag", "delete", REPOSITORY, "v1", "latest"]),
        words(&["manifest", "delete", REPOSITORY, &manifest, "--with-tags"]),
        words(&["blob", "delete", REPOSITORY, &layers[0], &layers[1], "--force"]),
        words(&["repo", "delete", REPOSITORY, "lib/app/below"]),
    ]
}

fn aside(scratch: &Scratch, words: &[String]) -> Regtree {
    scratch.regtree(words).with(["--quarantine"])
}

#[test]
fn a_deletion_leaves_the_same_tree_with_the_quarantine_and_comes_back_as_it_was() {
    for index in 0..4 {
        let (scratch, removed) = (filled(), filled());
        let before = tree(scratch.root());
        let words = &deletions(&scratch)[index];
        let dry =
            aside(&scratch, words).with(["-n"]).ok().says(["would move", " to the quarantine; nothing was removed"]);
        assert!(!scratch.root().join(".regtree/quarantine").exists() && !dry.out().contains("quarantine run"));
        assert_eq!(tree(scratch.root()), before);
        let done = aside(&scratch, words).ok();
        let run = runs(&scratch).remove(0);
        assert_eq!(done.lines().last().unwrap(), &format!("quarantine run {run}"));
        done.says([format!(
            "to put all of it back: regtree --root {} quarantine restore {run}",
            scratch.root().display()
        )]);
        removed.run(words).code(0);
        assert_eq!(snapshot(&scratch.v2()), snapshot(&removed.v2()), "{words:?} leaves another tree");
        let listed = scratch.run(["quarantine", "list"]).code(0).answer();
        assert!(listed.contains(&words[..2].join(" ")), "{listed}");
        scratch.run(["quarantine", "restore", &run]).code(0).says(["is now empty and was removed"]);
        assert_eq!(tree(scratch.root()), before, "{words:?} does not come back");
    }
}

#[test]
fn json_names_the_run() {
    for index in 0..4 {
        let scratch = filled();
        let events = aside(&scratch, &deletions(&scratch)[index]).with(["--json"]).ok().json_lines();
        assert_eq!(events.last().unwrap()["quarantine"].as_str().unwrap(), runs(&scratch)[0]);
    }
}

#[test]
fn a_deletion_killed_at_any_change_can_be_run_again_and_all_comes_back() {
    for index in 0..3 {
        comes_back_when_killed(filled, |scratch| deletions(scratch).swap_remove(index));
    }
    // One repository: of several, those that are gone are unknown when it is run again.
    let words = ["repo", "delete", REPOSITORY].map(str::to_owned);
    comes_back_when_killed(filled, |_| words.to_vec());
    comes_back_when_killed(alpha, |_| words.to_vec());
}

/// The files of the tree. Empty directories alone are no repository of an alpha, so nothing finishes their removal.
fn files(scratch: &Scratch) -> Vec<(PathBuf, String)> {
    snapshot(&scratch.v2()).into_iter().filter(|(_, text)| text.starts_with("100")).collect()
}

fn comes_back_when_killed(prepare: impl Fn() -> Scratch, words: impl Fn(&Scratch) -> Vec<String>) {
    let before = snapshot(&prepare().v2());
    let undisturbed = prepare();
    aside(&undisturbed, &words(&undisturbed)).ok();
    let after = files(&undisturbed);
    let kills = at_every_change(
        || {
            let scratch = prepare();
            let words = words(&scratch);
            let call = aside(&scratch, &words);
            ((scratch, words), call)
        },
        |(scratch, words), when, kills| {
            assert_sound(scratch);
            // Whether it is finished first or not, all comes back.
            if kills % 2 == 0 {
                let again = aside(scratch, words).run();
                let is_done = again.exit() == Some(4) || again.exit() == Some(0) && again.err().contains("put all");
                assert!(is_done || again.exit() == Some(0), "{when}: {}", again.err());
                assert_eq!(files(scratch), after, "{when}: {words:?}");
            }
            for run in runs(scratch).iter().rev() {
                scratch.run(["quarantine", "restore", run]).code(0);
            }
            assert_eq!(snapshot(&scratch.v2()), before, "{when}: {words:?}");
            assert!(runs(scratch).is_empty(), "{when}");
        },
    );
    assert!(kills > 15, "{kills} kills: strace does not do what it is asked to");
}

#[test]
fn a_link_whose_content_was_collected_stays_in_the_quarantine() {
    let scratch = Scratch::new();
    let image = scratch.image(REPOSITORY, "one").tag("v1");
    scratch.run(["manifest", "delete", REPOSITORY, &image.digest.to_string(), "--with-tags", "--quarantine"]).code(0);
    scratch.run(["gc", "--min-age", "0", "--allow-rootless"]).code(0);
    let run = runs(&scratch).remove(0);
    let restored = scratch.run(["quarantine", "restore", &run]).code(3);
    restored.says(["its content was collected since"]);
    scratch.run(["tag", "get", REPOSITORY, "v1"]).code(4);
    assert_eq!(runs(&scratch), [run], "what can't be put back is kept");
}

#[test]
fn a_tag_that_is_there_again_keeps_what_it_points_to() {
    let scratch = filled();
    let former = scratch.run(["tag", "history", REPOSITORY, "v1"]).code(0).lines().pop().unwrap();
    let former = former.split_whitespace().find(|word| word.starts_with("sha256:")).unwrap().to_owned();
    scratch.run(["tag", "delete", REPOSITORY, "v1", "--quarantine"]).code(0);
    scratch.run(["tag", "set", REPOSITORY, "v1", &former]).code(0);
    let run = runs(&scratch).remove(0);
    scratch.run(["quarantine", "restore", &run]).code(3).says(["something else is in its place"]);
    assert_eq!(scratch.run(["tag", "get", REPOSITORY, "v1"]).code(0).answer(), former);
}

#[test]
fn a_purge_takes_runs_by_name() {
    let scratch = filled();
    for tag in ["v1", "v2"] {
        scratch.run(["tag", "delete", REPOSITORY, tag, "--quarantine"]).code(0);
    }
    let found = runs(&scratch);
    let unknown = "20200101T000000Z-0123abcd";
    scratch.run(["quarantine", "purge", &found[0], unknown]).code(4).silent().says([unknown]);
    scratch.run(["quarantine", "purge"]).code(2).silent().says(["--older-than"]);
    scratch.run(["quarantine", "purge", "nonsense"]).code(2).silent();
    assert_eq!(scratch.run(["quarantine", "purge", &found[1], "-n"]).code(0).lines(), [&*found[1]]);
    assert_eq!(runs(&scratch), found);
    assert_eq!(scratch.run(["quarantine", "purge", &found[1], &found[1]]).code(0).lines(), [&*found[1]]);
    assert_eq!(runs(&scratch), found[..1]);
}
