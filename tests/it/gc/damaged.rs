//! Trees with one damage each: nothing is removed that an image needs, and what gc keeps in doubt is reported.

use std::collections::BTreeSet;

use serde_json::Value;

use super::{Collection, Gone, NOW, NOW_UNTAGGED, collect};
use crate::support::vectors::{damage, damaged, damaged_trees, tree};
use crate::support::{Scratch, snapshot};

/// The trees where a rule of "doubt keeps" applies, and how far it reaches. All others are collected with exit code 0.
///
/// The whole tree, where what is hidden has no name:
/// * a symbolic link below `repositories/` (whatever it leads to, a loop too);
/// * tags without a `revisions` directory.
///
/// One repository, where the path still names a digest:
/// * an empty or malformed link of a revision or a tag, an alias of itself, a revision's link that names another. The links
///   of layers under sha256 and those of a tag's history are not among them: their names say what is in them, and a history
///   keeps nothing, so they are not even opened;
/// * a manifest that is missing, cut, flipped, empty or over-large;
/// * a tag whose revision directory is absent;
/// * a child of an index that is nowhere. Where only its revision is gone, its content is still there to be read.
///
/// No doubt comes of layers and configs that are missing or wrong: a manifest that can be read says what it needs. None of
/// missing `_layers` or `tags`, a tag without `current`, stray files, odd uploads, empty directories, invalid names: they
/// hide nothing. None of blobs in wrong places, behind symbolic links, without permission or by a wrong name: those are
/// left alone. None of unknown kinds, schema1, aliases, wrong sizes, keys twice,
/// deep nesting that no registry parses, and misplaced revision links: they are followed.
const DOUBTS: [(&str, &str); 19] = [
    ("repo-without-revisions", "tree"),
    ("symlink-loop", "tree"),
    ("symlink-repository", "tree"),
    ("alias-to-itself", "repository"),
    ("index-child-missing", "repository"),
    ("manifest-bit-flipped", "repository"),
    ("manifest-digest-flipped", "repository"),
    ("manifest-empty", "repository"),
    ("manifest-huge", "repository"),
    ("manifest-truncated", "repository"),
    ("revision-blob-missing", "repository"),
    ("revision-link-empty", "repository"),
    ("revision-link-newline", "repository"),
    ("revision-link-other-digest", "repository"),
    ("revision-link-upper-case", "repository"),
    ("tag-link-empty", "repository"),
    ("tag-link-garbage", "repository"),
    ("tag-link-partial", "repository"),
    ("tag-missing-revision", "repository"),
];

fn doubt(tree: &str) -> Option<&'static str> {
    DOUBTS.iter().find(|(name, _)| *name == tree).map(|(_, doubt)| *doubt)
}

fn strings(value: &Value) -> BTreeSet<String> {
    value.as_array().unwrap().iter().map(|text| text.as_str().unwrap().to_owned()).collect()
}

/// What came of collecting a damaged tree, or several complaints about it.
fn complaints(tree: &str, words: &[&str], spared: &[&str], removable: &[&str]) -> Vec<String> {
    let (scratch, truth) = (damaged(tree), damage(tree));
    let outside = scratch.root().join("outside");
    let before = outside.exists().then(|| snapshot(&outside));
    let collection = collect(&scratch, words);
    let gone = &collection.gone.blobs;
    let of =
        |fields: &[&str]| -> BTreeSet<String> { fields.iter().flat_map(|field| strings(&truth[*field])).collect() };
    let lost: Vec<_> = of(spared).intersection(gone).cloned().collect();
    let foreign: Vec<_> = gone.difference(&of(removable)).cloned().collect();
    let mut complaints = Vec::new();
    let mut expect = |right: bool, complaint: String| {
        if !right {
            complaints.push(format!("{tree} {words:?}: {complaint}"));
        }
    };
    expect(lost.is_empty(), format!("{lost:?} are lost"));
    expect(foreign.is_empty(), format!("{foreign:?} were not to go"));
    expect(outside.exists().then(|| snapshot(&outside)) == before, "what is outside was touched".to_owned());
    expect_doubt(tree, &collection, &mut expect);
    let again = collect(&scratch, words);
    expect(again.removals().is_empty(), format!("a second run removes {:?}", again.removals()));
    complaints
}

fn expect_doubt(tree: &str, collection: &Collection, expect: &mut impl FnMut(bool, String)) {
    let found = (collection.run.exit(), collection.doubts());
    let doubts: BTreeSet<String> = doubt(tree).map(str::to_owned).into_iter().collect();
    let code = if doubts.is_empty() { 0 } else { 3 };
    let findings: Vec<_> = collection.of_type("finding").map(ToString::to_string).collect();
    expect(found == (Some(code), doubts), format!("{found:?}, {findings:#?}, {}", collection.run.err()));
    let opaque = !collection.opaque().is_empty();
    // Of a repository that casts doubt on all others nothing goes either.
    let expected = doubt(tree) == Some("repository") || tree == "repo-without-revisions";
    expect(opaque == expected, format!("opaque: {:?}", collection.opaque()));
    if doubt(tree) == Some("tree") {
        expect(collection.gone.blobs.is_empty(), "content goes in spite of the doubt".to_owned());
        expect(collection.summary()["content_kept_for_doubt"] == true, "the summary says no doubt".to_owned());
    }
}

#[track_caller]
fn none(complaints: &[String]) {
    assert!(complaints.is_empty(), "{} complaints:\n{}", complaints.len(), complaints.join("\n"));
}

#[test]
fn what_an_image_of_a_damaged_tree_needs_survives_a_collection() {
    let (spared, removable) = (["must_survive_blobs", "should_survive_blobs"], ["removable_blobs"]);
    let all = damaged_trees().into_iter().flat_map(|tree| complaints(&tree, &NOW, &spared, &removable));
    none(&all.collect::<Vec<_>>());
}

#[test]
fn what_an_intact_image_of_a_damaged_tree_needs_survives_the_deletion_of_untagged_manifests() {
    // Manifests without a tag may go now, and with them what should survive otherwise.
    let removable = ["removable_blobs", "should_survive_blobs"];
    let spared = ["must_survive_blobs"];
    let all = damaged_trees().into_iter().flat_map(|tree| complaints(&tree, &NOW_UNTAGGED, &spared, &removable));
    none(&all.collect::<Vec<_>>());
}

#[test]
fn every_doubt_is_of_a_tree_that_there_is() {
    let trees = damaged_trees();
    assert!(DOUBTS.iter().all(|(name, _)| trees.iter().any(|tree| tree == name)));
}

#[test]
fn an_opaque_repository_loses_nothing_and_the_others_are_collected() {
    let scratch = damaged("revision-link-empty");
    let orphan = Gone::between(&super::files(&scratch), &BTreeSet::new());
    let before = snapshot(&scratch.repository("lib/app"));
    let collection = collect(&scratch, &["--min-age", "0", "--uploads-older-than", "0", "--delete-untagged"]).code(3);
    assert_eq!(collection.opaque(), BTreeSet::from(["lib/app".to_owned()]));
    assert!(snapshot(&scratch.repository("lib/app")) == before);
    assert!(!orphan.is_empty() && !collection.gone.revisions.is_empty());
    assert!(collection.gone.revisions.iter().all(|(repository, _)| repository == "lib"));
}

#[test]
fn a_doubt_is_told_with_its_path_and_what_repairs_it() {
    let scratch: Scratch = damaged("revision-link-empty");
    let path = damage("revision-link-empty")["paths"][0].as_str().unwrap().to_owned();
    let collection = collect(&scratch, &NOW).code(3);
    let finding = collection.of_type("finding").find(|finding| finding["doubt"] == "repository").unwrap();
    assert!(finding["path"].as_str().unwrap().ends_with(&path), "{finding}");
    assert_eq!(finding["repository"], "lib/app");
    assert!(finding["code"].is_string() && finding["message"].is_string(), "{finding}");
    let text = damaged("revision-link-empty").regtree(["gc"]).with(NOW).run().code(3);
    let said = text.out() + &text.err();
    assert!(said.contains("lib/app") && said.contains("repair"), "{said}");
}

#[test]
fn the_command_that_gc_hints_at_has_something_to_repair() {
    let (mut tried, mut idle) = (0, Vec::new());
    for (name, _) in DOUBTS {
        let scratch = damaged(name);
        let source = tree(damage(name)["derived_from"].as_str().unwrap());
        for finding in collect(&scratch, &NOW).code(3).of_type("finding").filter(|finding| finding["doubt"] != "none") {
            let Some(command) = finding["repair"].as_str() else { continue };
            let (_, words) = command.split_once(" repair ").unwrap();
            let words: Vec<&str> = words.split(' ').collect();
            let words = words.iter().map(|word| if *word == "SOURCE" { source.root().to_str().unwrap() } else { word });
            let run = scratch.regtree(["repair", "--json", "-n"]).with(words).run();
            let summary = run.json_lines().pop().unwrap_or_else(|| panic!("{name}: {command}: {}", run.err()));
            if summary["repairs"].as_object().is_none_or(serde_json::Map::is_empty) {
                idle.push(format!("{name}: {command}: {summary}"));
            }
            tried += 1;
        }
    }
    none(&idle);
    assert!(tried >= 11, "{tried}");
}
