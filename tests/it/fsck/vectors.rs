//! Trees that fourteen registry versions wrote: nothing is wrong but what their truth files say.

use std::collections::BTreeSet;

use super::{fsck, text};
use crate::support::snapshot;
use crate::support::vectors::{tree, truth, versions};

#[test]
fn every_version_s_tree_has_no_error_but_those_in_its_truth_file() {
    for version in versions() {
        let (scratch, truth) = (tree(&version), truth(&version));
        let mut dangling = BTreeSet::new();
        for (name, repository) in truth["repositories"].as_object().unwrap() {
            for (tag, expected) in repository["tags"].as_object().unwrap() {
                if expected["revision_exists"] == false {
                    // As 2.1 and 2.2 leave it: the manifest itself stays until it is collected.
                    let has_content = !truth["blobs"][text(&expected["digest"])].is_null();
                    let code = if has_content { "revision-link-missing" } else { "tag-dangling" };
                    dangling.insert((name.clone(), tag.clone(), code.to_owned()));
                }
            }
        }
        let checked = fsck(&scratch, &["--content"]).code(if dangling.is_empty() { 0 } else { 3 });
        let mut errors = BTreeSet::new();
        for error in checked.of_severity("error") {
            errors.insert((text(&error["repository"]), text(&error["tag"]), text(&error["code"])));
        }
        assert_eq!(errors, dangling, "{version}");
        let broken: BTreeSet<String> = dangling.iter().map(|(name, tag, _)| format!("{name}:{tag}")).collect();
        assert_eq!(checked.broken(), broken, "{version}");
    }
}

/// What else is told of them, each for a reason:
/// * a cancelled upload of 2.0.0 that left a hash state and nothing else, and one of which only the state at 0 was written;
/// * the revisions of 2.1.0, which lie where it put them.
#[test]
fn of_every_version_s_tree_these_warnings_are_told() {
    for version in versions() {
        let expected: &[(&str, usize)] = match &*version {
            "2.0.0" => &[("hash-state-invalid", 1), ("upload-without-startedat", 1)],
            "2.1.0" => &[("revision-misplaced", 5)],
            _ => &[],
        };
        let checked = fsck(&tree(&version), &[]);
        let mut codes: Vec<String> =
            checked.of_severity("warning").iter().map(|finding| text(&finding["code"])).collect();
        codes.sort();
        let expected: Vec<String> =
            expected.iter().flat_map(|(code, count)| std::iter::repeat_n((*code).to_owned(), *count)).collect();
        assert_eq!(codes, expected, "{version}");
    }
}

#[test]
fn what_was_looked_at_is_counted() {
    for version in versions() {
        let (scratch, truth) = (tree(&version), truth(&version));
        let checked = fsck(&scratch, &["--content"]);
        let counts = &checked.summary()["checked"];
        let blobs = truth["blobs"].as_object().unwrap();
        assert_eq!(counts["blobs"], blobs.len(), "{version}");
        let tags: usize = truth["repositories"]
            .as_object()
            .unwrap()
            .values()
            .map(|repository| repository["tags"].as_object().unwrap().len())
            .sum();
        assert_eq!(counts["tags"], tags, "{version}");
        let content = &checked.summary()["content"];
        assert_eq!(content["blobs"], blobs.len(), "{version}");
        let bytes: u64 = blobs.values().map(|blob| blob["size"].as_u64().unwrap()).sum();
        assert_eq!(content["bytes"], bytes, "{version}");
    }
}

#[test]
fn nothing_of_a_tree_is_changed() {
    for version in ["2.4.1", "main"] {
        let scratch = tree(version);
        let before = snapshot(scratch.root());
        fsck(&scratch, &[]).code(0);
        assert!(snapshot(scratch.root()) == before, "{version}");
        fsck(&scratch, &["--content"]).code(0);
        let after = snapshot(scratch.root()).into_iter().filter(|(path, _)| !path.starts_with(".regtree"));
        assert!(after.collect::<std::collections::BTreeMap<_, _>>() == before, "{version}");
    }
}

#[test]
fn text_and_json_tell_the_same() {
    for version in ["2.0.0", "2.1.0", "main"] {
        let scratch = tree(version);
        let checked = fsck(&scratch, &[]);
        let told = scratch.run(["-v", "fsck"]).code(checked.run.exit().unwrap());
        let lines = told.lines();
        for finding in checked.findings() {
            let path = scratch.root().join(text(&finding["path"]));
            let begin = format!("{}: {}: {}: ", text(&finding["severity"]), text(&finding["code"]), path.display());
            assert_eq!(lines.iter().filter(|line| line.starts_with(&begin)).count(), 1, "{version} {begin}: {lines:?}");
        }
        let summary = checked.summary();
        let counts = ["error", "warning", "info"].map(|severity| {
            let count = summary[&format!("{severity}s")].as_u64().unwrap();
            format!("{count} {severity}{}", if count == 1 { "" } else { "s" })
        });
        assert!(lines.last().unwrap().starts_with(&counts.join(", ")), "{lines:?}");
    }
}
