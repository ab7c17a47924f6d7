//! Where a tree is looked for when nothing says where it is: in a directory that takes the place of `/`.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};

use crate::support::refusal::{CONTENT, IO, NO_TREE, fails, text};
use crate::support::{Regtree, Scratch, snapshot};

const THREE: &str = "etc/distribution/config.yml";
const TWO: &str = "etc/docker/registry/config.yml";
const DIRECTORY: &str = "var/lib/registry";
const DEBIANS: &str = "var/lib/docker-registry";

/// A machine with nothing installed.
struct Machine(Scratch);

impl Machine {
    fn new() -> Self {
        Self(Scratch::bare())
    }

    fn at(&self, path: &str) -> PathBuf {
        self.0.root().join(path)
    }

    /// Makes a tree there, with a repository of this name.
    fn tree(&self, path: &str, repository: &str) -> &Self {
        fs::create_dir_all(self.at(path)).unwrap();
        Regtree::new(["init"]).with([self.at(path)]).ok();
        Regtree::at(&self.at(path), ["blob", "put", repository]).stdin(CONTENT).ok();
        self
    }

    /// Installs a registry's configuration that names a root.
    fn config(&self, path: &str, root: &Path) -> &Self {
        let text = format!("version: 0.1\nstorage:\n  filesystem:\n    rootdirectory: {}\n", root.display());
        self.plant(path, &text)
    }

    fn plant(&self, path: &str, text: &str) -> &Self {
        Scratch::plant(&self.at(path), text);
        self
    }

    fn list(&self) -> Regtree {
        Regtree::new(["repo", "list"]).installed(self.0.root())
    }
}

#[test]
#[cfg_attr(not(debug_assertions), ignore = "a release build looks in the usual places only")]
fn the_usual_places_are_tried_in_order_and_after_what_was_named() {
    let machine = Machine::new();
    let list = |expected: &str| assert_eq!(machine.list().ok().answer(), expected);
    machine.tree(DEBIANS, "in/debians-directory");
    list("in/debians-directory");
    machine.tree(DIRECTORY, "in/directory");
    list("in/directory");
    machine.tree("srv/two", "by/two").config(TWO, &machine.at("srv/two"));
    list("by/two");
    machine.tree("srv/three", "by/three").config(THREE, &machine.at("srv/three"));
    list("by/three");
    machine.tree("srv/named", "named");
    let named = machine.at("srv/named");
    assert_eq!(machine.list().env("REGTREE_ROOT", &named).ok().answer(), "named");
    assert_eq!(machine.list().with(["--root"]).with([&named]).ok().answer(), "named");
    let two = machine.list().with(["--registry-config"]).with([machine.at(TWO)]);
    assert_eq!(two.env("REGTREE_ROOT", &named).ok().answer(), "by/two");
    // As in the registry's container, where the variable overrides its configuration.
    let over = machine.list().env("REGISTRY_STORAGE_FILESYSTEM_ROOTDIRECTORY", &named);
    assert_eq!(over.ok().answer(), "named");
}

#[test]
#[cfg_attr(not(debug_assertions), ignore = "a release build looks in the usual places only")]
fn the_detail_says_by_which_rule_the_root_was_found() {
    let machine = Machine::new();
    machine.tree(DIRECTORY, "one");
    let root = machine.at(DIRECTORY);
    let says = |call: Regtree, rule: &str| {
        let tree = format!("detail: tree {}/docker/registry/v2, from {rule}\n", root.display());
        call.with(["-v"]).ok().says([tree]);
    };
    says(machine.list(), "the first usual directory that exists");
    says(machine.list().env("REGTREE_ROOT", &root), "the environment variable REGTREE_ROOT");
    says(machine.list().with(["--root"]).with([&root]), "--root");
    machine.config(TWO, &root);
    let file = machine.at(TWO);
    says(machine.list(), &format!("the registry's configuration {}", file.display()));
    says(machine.list().with(["--registry-config"]).with([&file]), &format!("--registry-config {}", file.display()));
}

#[test]
#[cfg_attr(not(debug_assertions), ignore = "a release build looks in the usual places only")]
fn where_nothing_is_the_hint_says_what_was_tried_and_asks_for_the_disk_first() {
    let machine = Machine::new();
    let run = machine.list().run().code(10).silent();
    let root = machine.at(DIRECTORY);
    run.says([
        &*format!("error: {} is not a registry tree: it does not exist", root.display()),
        "hint: is its disk mounted? to make a new, empty tree there: regtree init ",
        &*format!("none of these exists: {}, ", machine.at(THREE).display()),
        &*[TWO, DIRECTORY, DEBIANS].map(|path| text(&machine.at(path)).to_owned()).join(", "),
        "choose the tree with --root DIR, --registry-config FILE or REGTREE_ROOT",
    ]);
    // A disk that is not mounted is not passed over for another tree.
    machine.tree(DEBIANS, "another");
    fs::create_dir_all(&root).unwrap();
    let run = machine.list().run().code(10).silent();
    run.says([text(&root), "the root comes from the first usual directory that exists; is its disk mounted?"]);
    fs::remove_dir(&root).unwrap();
    symlink(machine.at("mnt/disk"), &root).unwrap();
    machine.list().run().code(10).silent().says([text(&root), "does not exist", "is its disk mounted?"]);
    fs::remove_file(&root).unwrap();
    let gone = machine.at("mnt/disk/registry");
    machine.config(TWO, &gone);
    let run = machine.list().run().code(10).silent();
    run.says([
        text(&gone),
        &format!("the root comes from the registry's configuration {}; is its", machine.at(TWO).display()),
    ]);
}

#[test]
#[cfg_attr(not(debug_assertions), ignore = "a release build looks in the usual places only")]
fn an_installed_configuration_that_is_of_no_use_is_not_passed_over() {
    let machine = Machine::new();
    machine.tree(DIRECTORY, "another");
    let file = machine.at(TWO);
    for (content, reason) in
        [("storage:\n  s3: {bucket: x}\n", "\"s3\""), ("a: [", "not YAML"), ("version: 0.1\n", "no storage section")]
    {
        machine.plant(TWO, content);
        let before = snapshot(machine.0.root());
        fails(&machine.list(), NO_TREE, &[text(&file), reason]);
        machine.list().run().code(10).says(["hint: nothing else says where the tree is: choose it with --root DIR"]);
        assert_eq!(snapshot(machine.0.root()), before);
        // Whoever names the tree does not need it.
        machine.list().with(["--root"]).with([machine.at(DIRECTORY)]).ok();
    }
    fs::set_permissions(&file, PermissionsExt::from_mode(0o600)).unwrap();
    let unprivileged = machine.list().unprivileged();
    if rustix::process::geteuid().is_root() {
        fails(&unprivileged, IO, &[text(&file), "Permission denied"]);
        unprivileged.run().code(1).says(["hint: nothing else says where the tree is"]);
    }
    // What a --registry-config names wrongly is the user's own affair.
    let named = machine.list().with(["--registry-config"]).with([&file]).run().code(10).err();
    assert!(!named.contains("nothing else says"), "{named}");
}
