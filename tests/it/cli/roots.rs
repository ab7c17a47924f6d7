//! Roots: where the tree is said to be, and what happens when it is not there.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use crate::support::refusal::{CONTENT, IO, NO_TREE, OTHER, USAGE, fails, text};
use crate::support::{Regtree, Scratch, snapshot};

const DIGEST: &str = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

/// Every command that works on a tree.
const COMMANDS: [&[&str]; 8] = [
    &["blob", "put", "lib/app"],
    &["blob", "get", "lib/app", DIGEST],
    &["blob", "stat", "lib/app", DIGEST],
    &["blob", "stat", "--all-repos", DIGEST],
    &["blob", "list"],
    &["blob", "delete", "lib/app", DIGEST],
    &["blob", "mount", DIGEST, "--from", "lib/app", "--to", "lib/new"],
    &["repo", "list"],
];

/// Expects no command to take `root` for a tree, nor to make one of it or anything else in `around`.
#[track_caller]
fn is_no_tree(around: &Path, root: &Path, reason: &str) {
    let before = snapshot(around);
    for command in COMMANDS {
        let call = Regtree::at(root, command).stdin(OTHER);
        fails(&call, NO_TREE, &[text(root), reason]);
    }
    assert_eq!(snapshot(around), before);
}

#[test]
fn what_is_no_tree_gets_a_hint_and_nothing_is_created() {
    let around = Scratch::bare();
    let at = |name: &str| around.root().join(name);
    fs::create_dir(at("empty")).unwrap();
    fs::create_dir_all(at("half/docker/registry")).unwrap();
    fs::create_dir_all(at("elsewhere/docker/registry/v1")).unwrap();
    Scratch::plant(&at("file"), "");
    Scratch::plant(&at("blocked/docker/registry/v2"), "");
    symlink(at("missing"), at("dangling")).unwrap();
    for (root, reason) in [
        ("missing", "does not exist"),
        ("missing/docker/registry/v2", "does not exist"),
        ("dangling", "does not exist"),
        ("empty", "no docker/registry/v2"),
        ("half", "no docker/registry/v2"),
        ("elsewhere", "no docker/registry/v2"),
        ("elsewhere/docker/registry/v1", "no docker/registry/v2"),
    ] {
        let root = at(root);
        is_no_tree(around.root(), &root, reason);
        let run = Regtree::at(&root, ["repo", "list"]).run().code(10).says(["hint: ", "is its disk mounted?"]);
        // Only where nothing is, a new tree may be meant.
        let is_free = fs::read_dir(&root).is_ok_and(|mut entries| entries.next().is_none()) || !root.exists();
        let init = format!("regtree init {}", root.display());
        assert_eq!(run.err().contains(&init), is_free, "{}", run.err());
    }
    // Where a file is in the way, `init` would be no help.
    for root in ["file", "blocked"] {
        let root = at(root);
        is_no_tree(around.root(), &root, "not a directory");
        assert!(!Regtree::at(&root, ["repo", "list"]).run().code(10).err().contains("hint:"));
    }
}

#[test]
fn a_root_one_level_too_high_gets_the_directory_below_and_never_init() {
    let around = Scratch::bare();
    let at = |name: &str| around.root().join(name);
    fs::create_dir_all(at("data/database")).unwrap();
    fs::create_dir_all(at("data/registry/docker/registry/v2")).unwrap();
    fs::create_dir_all(at("two/b/docker/registry/v2")).unwrap();
    fs::create_dir_all(at("two/a b/docker/registry/v2")).unwrap();
    Scratch::plant(&at("layout/oci-layout"), "{}");
    let before = snapshot(around.root());
    for (root, hint) in [
        ("data", format!("the tree is a level below; did you mean --root {}\n", text(&at("data/registry")))),
        (
            "two",
            format!("the tree is a level below; did you mean --root '{}', the first of 2 trees", text(&at("two/a b"))),
        ),
        ("layout", "it has other content: is it the right directory, and is its disk mounted?".to_owned()),
    ] {
        for command in COMMANDS {
            let run = Regtree::at(&at(root), command).stdin(OTHER).run().code(10).silent().says([&hint]);
            assert!(!run.err().contains("regtree init"), "{}", run.err());
        }
    }
    assert_eq!(snapshot(around.root()), before);
    Regtree::at(&at("data/registry"), ["fsck"]).ok();
}

#[test]
fn a_hint_can_be_pasted_whatever_the_root_is_called() {
    let around = Scratch::bare();
    let root = around.root().join("it's a root");
    let shown = format!("regtree init '{}'", text(&root).replace('\'', r"'\''"));
    Regtree::at(&root, ["repo", "list"]).run().code(10).silent().says([shown]);
}

#[test]
fn an_area_that_links_to_nowhere_is_a_disk_that_is_not_mounted() {
    for area in ["blobs", "repositories"] {
        let scratch = Scratch::new();
        scratch.put("lib/app", CONTENT);
        let area = scratch.v2().join(area);
        fs::rename(&area, scratch.root().join("moved")).unwrap();
        symlink(scratch.root().join("nowhere"), &area).unwrap();
        fs::remove_dir_all(scratch.root().join(".regtree")).unwrap();
        let before = snapshot(scratch.root());
        for command in COMMANDS {
            let call = scratch.regtree(command).stdin(OTHER);
            fails(&call, NO_TREE, &[text(&area), "symbolic link to nowhere", "mounted"]);
        }
        assert_eq!(snapshot(scratch.root()), before);
    }
}

#[test]
fn init_leaves_a_tree_that_is_there_as_it_is() {
    let scratch = Scratch::new();
    scratch.put("lib/app", CONTENT);
    // A registry makes these anew when it needs them.
    fs::create_dir_all(scratch.repository("lib/app/_uploads")).unwrap();
    let before = snapshot(scratch.root());
    for directory in [scratch.root().to_owned(), scratch.v2()] {
        let init = Regtree::new(["init"]).with([&directory]);
        init.clone().ok().says(["already", "nothing was changed"]);
        assert_eq!(init.with(["--json"]).ok().json()["created"], false);
    }
    assert_eq!(snapshot(scratch.root()), before);
}

#[test]
fn init_where_no_directory_can_be_made_names_the_path() {
    let around = Scratch::bare();
    let file = around.root().join("file");
    Scratch::plant(&file, "");
    let before = snapshot(around.root());
    for directory in [file.clone(), file.join("below")] {
        fails(&Regtree::new(["init"]).with([&directory]), IO, &[text(&file)]);
    }
    assert_eq!(snapshot(around.root()), before);
}

/// A registry's configuration, beside the tree that it names.
fn configured(scratch: &Scratch, root: &Path) -> PathBuf {
    let file = scratch.root().join("config.yml");
    let text = format!(
        "version: 0.1\nstorage:\n  filesystem:\n    rootdirectory: {}\n  delete:\n    enabled: true\nhttp:\n  addr: :5000\n",
        root.display()
    );
    Scratch::plant(&file, text);
    file
}

/// Two trees, each with a repository of its own name.
fn two_trees() -> (Scratch, Scratch) {
    let (one, two) = (Scratch::new(), Scratch::new());
    one.put("one", CONTENT);
    two.put("two", CONTENT);
    (one, two)
}

const OVERRIDE: &str = "REGISTRY_STORAGE_FILESYSTEM_ROOTDIRECTORY";

#[test]
fn the_root_is_the_most_explicit_one_that_was_named() {
    let (one, two) = two_trees();
    let config = configured(&one, one.root());
    let list = Regtree::new(["repo", "list"]);
    let from_config = list.clone().with(["--registry-config"]).with([&config]);
    let at_one = list.clone().with(["--root"]).with([one.root()]);
    for (call, repository) in [
        (list.clone().env("REGTREE_ROOT", one.root()), "one"),
        (at_one.clone(), "one"),
        (at_one.clone().env("REGTREE_ROOT", two.root()), "one"),
        (at_one.clone().env(OVERRIDE, two.root()), "one"),
        (from_config.clone(), "one"),
        (from_config.clone().env("REGTREE_ROOT", two.root()), "one"),
        (from_config.clone().env(OVERRIDE, two.root()), "two"),
        (from_config.clone().env(OVERRIDE, ""), "one"),
        // The registry's variable says nothing without the registry's configuration.
        (list.clone().env("REGTREE_ROOT", one.root()).env(OVERRIDE, two.root()), "one"),
    ] {
        assert_eq!(call.ok().answer(), repository);
    }
    fails(&from_config.with(["--root"]).with([two.root()]), USAGE, &["--root", "--registry-config"]);
}

#[test]
fn a_configuration_that_is_none_of_a_file_system_is_named_with_the_reason() {
    let scratch = Scratch::new();
    let file = scratch.root().join("config.yml");
    let call = Regtree::new(["repo", "list", "--registry-config"]).with([&file]);
    fails(&call, IO, &[text(&file), "No such file"]);
    for (content, reason) in [
        ("", "no storage section"),
        ("version: 0.1\n", "no storage section"),
        ("a: [", "not YAML"),
        ("storage:\n  s3: {bucket: x}\n", "\"s3\""),
        ("storage: inmemory\n", "\"inmemory\""),
        ("storage: 7\n", "not a mapping"),
        ("storage:\n  delete: {enabled: true}\n", "names no driver"),
        ("storage:\n  filesystem: {rootdirectory: 7}\n", "not a path"),
    ] {
        Scratch::plant(&file, content);
        let before = snapshot(scratch.root());
        fails(&call, NO_TREE, &[text(&file), reason]);
        assert_eq!(snapshot(scratch.root()), before);
    }
    fails(&Regtree::new(["repo", "list", "--registry-config"]).with([scratch.root()]), IO, &[text(scratch.root())]);
}

#[test]
fn a_root_that_a_configuration_names_wrongly_is_no_tree() {
    let scratch = Scratch::new();
    let missing = scratch.root().join("missing");
    let config = configured(&scratch, &missing);
    let call = Regtree::new(["repo", "list", "--registry-config"]).with([&config]);
    fails(&call, NO_TREE, &[text(&missing), "does not exist"]);
    fails(&Regtree::new(["repo", "list"]).env("REGTREE_ROOT", &missing), NO_TREE, &[text(&missing)]);
    assert!(!missing.exists());
}

#[test]
fn the_tree_itself_may_be_given_as_the_root() {
    let scratch = Scratch::new();
    let v2 = scratch.v2();
    let digest = Regtree::at(&v2, ["blob", "put", "lib/app"]).stdin(CONTENT).ok().answer();
    assert_eq!(Regtree::at(&v2, ["blob", "get", "lib/app", &digest]).ok().bytes(), CONTENT);
    let by_name = Regtree::at(Path::new("."), ["repo", "list"]).within(&v2).ok();
    assert_eq!(by_name.answer(), "lib/app");
    assert!(scratch.root().join(".regtree").is_dir());
    assert!(!v2.join("docker").exists() && !v2.join(".regtree").exists());
}

#[test]
fn reading_makes_no_private_state() {
    let scratch = Scratch::new();
    let digest = scratch.put("lib/app", CONTENT).to_string();
    fs::remove_dir_all(scratch.root().join(".regtree")).unwrap();
    let before = snapshot(scratch.root());
    for (call, code) in [
        (&["blob", "get", "lib/app", &digest][..], 0),
        (&["blob", "get", "lib/app", DIGEST], 4),
        (&["blob", "stat", "lib/app", &digest], 0),
        (&["blob", "stat", "--all-repos", &digest], 0),
        (&["blob", "list"], 0),
        (&["blob", "list", "lib/app", "--long"], 0),
        (&["blob", "delete", "lib/app", &digest, "--dry-run"], 0),
        (&["blob", "delete", "lib/none", &digest], 4),
        (&["repo", "list"], 0),
    ] {
        scratch.run(call).code(code);
        assert_eq!(snapshot(scratch.root()), before, "{call:?}");
    }
}

#[test]
fn a_configuration_too_large_or_nested_too_deep_is_refused() {
    let scratch = Scratch::new();
    let file = scratch.root().join("config.yml");
    let deep = [("- ".repeat(50_000), "levels deep"), ("[".repeat(50_000), "is not YAML")];
    let maps = ("{a: ".repeat(50_000), "is not YAML");
    let large = (format!("# {}\n", "x".repeat(2_000_000)), "has more than");
    for (text, reason) in deep.into_iter().chain([maps, large]) {
        fs::write(&file, text).unwrap();
        let list = Regtree::new(["repo", "list", "--registry-config"]).with([&file]).run();
        list.code(10).silent().says([reason, file.to_str().unwrap()]);
    }
}
