//! What a site sets for all of its users: `/etc/regtree.toml`, or the file that `REGTREE_CONFIG` names.

use std::fs;
use std::path::PathBuf;

use crate::support::refusal::{CONTENT, Failure, USAGE, fails, text};
use crate::support::{Regtree, Scratch, snapshot};

const WRONG: Failure = (USAGE.0, "CONFIGURATION");

/// A tree with an image and a blob that nothing needs, and a site's file beside it.
struct Configured {
    scratch: Scratch,
    around: Scratch,
}

impl Configured {
    fn new(text: &str) -> Self {
        let (scratch, around) = (Scratch::new(), Scratch::bare());
        scratch.image("demo/app", "one").tag("v1");
        scratch.put("demo/app", CONTENT);
        Scratch::plant(&around.root().join("etc/regtree.toml"), text);
        Self { scratch, around }
    }

    fn file(&self) -> PathBuf {
        self.around.root().join("etc/regtree.toml")
    }

    fn call(&self, arguments: &[&str]) -> Regtree {
        Regtree::new(arguments).env("REGTREE_ROOT", self.scratch.root()).env("REGTREE_CONFIG", self.file())
    }

    fn quarantined(&self) -> usize {
        self.scratch.run(["quarantine", "list", "--json"]).code(0).lines().len()
    }
}

#[test]
fn what_the_site_sets_counts_unless_an_option_is_given() {
    let site = Configured::new("min-age = '0'\nquarantine = true\njobs = 1\n");
    let removes = |arguments: &[&str], count: usize| {
        let printed = site.call(&["gc", "--dry-run", "--json"]).with(arguments).ok();
        let removed = printed.json_lines().into_iter().filter(|line| line["kind"] == "blob").count();
        assert_eq!(removed, count, "{arguments:?}: {}", printed.out());
    };
    removes(&["--min-age", "1h"], 0);
    removes(&["--no-quarantine", "--jobs", "2"], 1);
    removes(&[], 1);
    site.call(&["gc", "--no-quarantine", "--quarantine", "--min-age", "1h"]).ok();
    assert_eq!(site.quarantined(), 0);
    site.call(&["gc"]).ok();
    assert_eq!(site.quarantined(), 1);
    site.scratch.put("demo/app", b"more");
    site.call(&["gc", "--quarantine", "--no-quarantine"]).ok();
    assert_eq!(site.quarantined(), 1);
    site.call(&["tag", "delete", "demo/app", "v1"]).ok();
    assert_eq!(site.quarantined(), 2);
    site.scratch.image("demo/app", "one").tag("v2");
    site.call(&["tag", "delete", "demo/app", "v2", "--no-quarantine"]).ok();
    assert_eq!(site.quarantined(), 2);
    // --explain is no quarantine, so what the site sets does not forbid it.
    let digest = site.scratch.put("demo/app", b"even more").to_string();
    site.call(&["gc", "--explain", &digest]).ok();
}

#[test]
fn help_shows_what_the_site_sets_and_works_whatever_is_in_the_file() {
    let site = Configured::new("min-age = '3d'\n");
    let help = |site: &Configured| site.call(&["gc", "-h"]).ok().out();
    assert!(help(&site).contains("[default: 3d]"), "{}", help(&site));
    fs::write(site.file(), "???").unwrap();
    assert!(help(&site).contains("[default: 24h]"), "{}", help(&site));
    site.call(&["--version"]).ok();
    // Wrong usage is said first: it is nearer.
    site.call(&["gc", "--nonsense"]).run().code(2).says(["--nonsense"]);
}

#[test]
fn a_file_that_cant_be_understood_stops_every_command() {
    let site = Configured::new("");
    let file = site.file();
    for (content, said) in [
        ("min-ages = '7d'\n", "line 1: there is no key \"min-ages\"; the keys are root, min-age"),
        ("root = '/srv'\njobs = 'two'\n", "line 2: jobs: expected a number from 1 to 256"),
        ("\n\nquarantine\n", "line 3: it is not TOML"),
    ] {
        fs::write(&file, content).unwrap();
        let before = snapshot(site.scratch.root());
        for command in [&["repo", "list"][..], &["gc", "--min-age", "0"], &["blob", "put", "demo/new"]] {
            fails(&site.call(command), WRONG, &[text(&file), said]);
        }
        assert_eq!(snapshot(site.scratch.root()), before);
    }
    fs::write(&file, "jobs = 'two'").unwrap();
    let error = site.call(&["repo", "list", "--json"]).run().code(2).json_error();
    assert_eq!(
        error["detail"],
        serde_json::json!({
            "path": file, "line": 1, "key": "jobs", "reason": "jobs: expected a number from 1 to 256",
        })
    );
    fs::write(&file, "#".repeat(70_000)).unwrap();
    fails(&site.call(&["repo", "list"]), WRONG, &[text(&file), "it has more than"]);
    fs::write(&file, b"root = '/\xff'").unwrap();
    fails(&site.call(&["repo", "list"]), WRONG, &[text(&file), "UTF-8"]);
}

#[test]
fn a_file_that_is_named_must_be_there() {
    let site = Configured::new("");
    fs::remove_file(site.file()).unwrap();
    fails(&site.call(&["repo", "list"]), WRONG, &[text(&site.file()), "No such file"]);
    site.call(&["repo", "list"]).env("REGTREE_CONFIG", "").ok();
}

#[test]
#[cfg_attr(not(debug_assertions), ignore = "a release build looks in the usual places only")]
fn the_root_in_it_comes_after_what_is_named_and_before_what_is_installed() {
    let site = Configured::new("");
    fs::write(site.file(), format!("root = \"{}\"\n", site.scratch.root().display())).unwrap();
    let (other, installed) = (Scratch::new(), site.around.root().join("etc/docker/registry/config.yml"));
    other.put("other", CONTENT);
    let text = format!("storage: {{filesystem: {{rootdirectory: {}}}}}\n", other.root().display());
    Scratch::plant(&installed, text);
    let list = Regtree::new(["repo", "list"]).installed(site.around.root());
    assert_eq!(list.clone().ok().answer(), "demo/app");
    assert_eq!(list.clone().env("REGTREE_ROOT", other.root()).ok().answer(), "other");
    assert_eq!(list.clone().with(["--registry-config"]).with([&installed]).ok().answer(), "other");
    let from = format!("from root in {}\n", site.file().display());
    list.clone().with(["-v"]).ok().says([from]);
    // The file that REGTREE_CONFIG names takes its place.
    let named = site.around.root().join("named.toml");
    fs::write(&named, "root = '/nowhere/registry'").unwrap();
    let run = list.clone().env("REGTREE_CONFIG", &named).run().code(10);
    run.says(["/nowhere/registry", &format!("the root comes from root in {}", named.display())]);
    fs::remove_file(site.file()).unwrap();
    assert_eq!(list.ok().answer(), "other");
}
