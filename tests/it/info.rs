//! What `regtree info` says of a tree, and where it says that there is none.

use std::fs;
use std::os::unix::fs::symlink;
use std::process::{Child, Command, Stdio};

use serde_json::{Value, json};

use crate::support::denied::{DENIED, UNREADABLE, during, give_away};
use crate::support::mounted::Mounted;
use crate::support::refusal::{CONTENT, NO_TREE};
use crate::support::strace::strace;
use crate::support::{Regtree, Scratch, snapshot, vectors};

fn info(scratch: &Scratch) -> Value {
    scratch.run(["info", "--json"]).code(0).json()
}

/// The lines of the text that begin with this label.
fn line(scratch: &Scratch, label: &str) -> String {
    let text = scratch.run(["info"]).code(0).out();
    let line = text.lines().find_map(|line| line.strip_prefix(label)).unwrap_or_else(|| panic!("{label} in {text}"));
    line.trim().to_owned()
}

/// A process that is killed with this.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        self.0.kill().ok();
        self.0.wait().ok();
    }
}

#[test]
fn it_counts_what_the_lists_have_in_the_trees_of_every_registry_and_in_damaged_ones() {
    let sound = vectors::versions().into_iter().map(|version| vectors::tree(&version));
    for scratch in sound.chain(vectors::damaged_trees().iter().map(|name| vectors::damaged(name))) {
        let listed = scratch.run(["repo", "list", "--long", "--json"]).json_lines();
        let repositories: Vec<&Value> = listed.iter().filter(|line| line["type"] == "repository").collect();
        let sum = |key: &str| repositories.iter().map(|line| line[key].as_u64().unwrap()).sum::<u64>();
        let found = info(&scratch);
        assert_eq!(found["repositories"], repositories.len(), "{found}");
        for (key, in_list) in [("tags", "tags"), ("manifests", "revisions")] {
            assert_eq!(found[key], sum(in_list), "{key}: {found}");
        }
        assert_eq!(found["uploads"]["count"], sum("uploads"), "{found}");
    }
}

#[test]
fn it_says_which_registries_the_tree_shows() {
    let marks = |version: &str| {
        let found = info(&vectors::tree(version));
        let marks = found["written_by"].as_array().unwrap();
        marks.iter().map(|mark| mark["mark"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    let has = |version: &str, mark: &str| assert!(marks(version).iter().any(|found| found == mark), "{version} {mark}");
    for version in vectors::versions() {
        let begins = |versions: &[&str]| versions.iter().any(|begin| version.starts_with(begin));
        if version == "2.0.0-alpha.0" {
            has(&version, "alpha-folders");
            has(&version, "tarsum-blobs");
        }
        if version == "2.1.0" {
            has(&version, "misplaced-revisions");
        }
        if begins(&["2.0", "2.1", "2.2", "2.3", "2.4"]) {
            has(&version, "signatures");
        } else {
            let is_new = |mark: &String| mark == "timed-uploads" && !begins(&["2."]);
            assert!(marks(&version).iter().all(is_new), "{version}: {:?}", marks(&version));
        }
    }
    let text = |version: &str| line(&vectors::tree(version), "written by:");
    assert_eq!(text("2.8.3"), "unknown version, 2.0 or later");
    assert!(text("2.4.1").starts_with("at least 2.0 to 2.4 (signatures)"), "{}", text("2.4.1"));
}

#[test]
fn it_sums_up_uploads_the_quarantine_and_what_was_hashed() {
    let scratch = Scratch::new().at("2026-11-22T00:00:00Z");
    scratch.image("demo/app", "one").tag("v1");
    let garbage = scratch.put("demo/app", CONTENT);
    assert_eq!(line(&scratch, "hashed:"), "never: fsck --content hashes all content");
    assert_eq!(line(&scratch, "quarantine:"), "empty");
    assert_eq!(line(&scratch, "uploads:"), "none unfinished");
    assert_eq!(info(&scratch)["bytes"], Value::Null);
    let bytes = scratch.run(["info", "--json", "--sizes"]).code(0).json()["bytes"].as_u64().unwrap();
    scratch.run(["gc", "--quarantine", "--min-age", "0"]).code(0);
    let after = scratch.run(["info", "--json", "--sizes"]).code(0).json();
    assert_eq!(after["bytes"], bytes - CONTENT.len() as u64);
    assert!(!scratch.blob(garbage).exists());
    let quarantine = &after["quarantine"];
    assert_eq!((&quarantine["runs"], &quarantine["oldest"]), (&json!(1), &json!("2026-11-22T00:00:00Z")));
    assert!(quarantine["bytes"].as_u64().unwrap() >= CONTENT.len() as u64, "{quarantine}");
    assert!(line(&scratch, "quarantine:").ends_with(", the oldest of 2026-11-22T00:00:00Z"));
    let upload = scratch.run(["upload", "start", "demo/app"]).code(0).answer();
    scratch.regtree(["upload", "resume", "demo/app", &upload, "--offset", "0"]).stdin("12345").ok();
    let uploads = json!({ "count": 1, "bytes": 5, "oldest": "2026-11-22T00:00:00Z" });
    assert_eq!(info(&scratch)["uploads"], uploads);
    scratch.run(["fsck", "--content"]).code(0);
    let verified = info(&scratch)["verified"].clone();
    assert_eq!((&verified["right"], &verified["wrong"]), (&json!(3), &json!(0)), "{verified}");
    assert!(verified["last"].as_str().unwrap().starts_with("2026-11-22T00:00:0"), "{verified}");
    let damaged = scratch.image("demo/app", "two").tag("v2").layer;
    let size = usize::try_from(fs::metadata(scratch.blob(damaged)).unwrap().len()).unwrap();
    fs::write(scratch.blob(damaged), "x".repeat(size)).unwrap();
    scratch.run(["fsck", "--content"]).code(3);
    assert_eq!(info(&scratch)["verified"]["wrong"], 1);
    assert!(line(&scratch, "hashed:").ends_with("; 1 blob did not match"), "{}", line(&scratch, "hashed:"));
}

#[test]
fn it_names_the_processes_that_have_the_tree_open_or_hold_its_lock() {
    let scratch = Scratch::new();
    let digest = scratch.put("demo/app", CONTENT);
    assert_eq!((&info(&scratch)["open_in"], &info(&scratch)["holders"]), (&json!([]), &json!([])));
    assert!(line(&scratch, "open in:").contains("no process; an idle registry has nothing open"));
    // It ends when its input does, so also when the test is killed.
    let waiting = || {
        let mut command = Command::new("cat");
        command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
        command
    };
    let reader = Running(waiting().stderr(fs::File::open(scratch.blob(digest)).unwrap()).spawn().unwrap());
    let visitor = Running(waiting().current_dir(scratch.v2()).spawn().unwrap());
    // A neighbour's name begins like ours.
    let beside = format!("{}-beside", scratch.root().display());
    fs::create_dir(&beside).unwrap();
    let _neighbour = Running(waiting().current_dir(&beside).spawn().unwrap());
    let mut expected = [reader.0.id(), visitor.0.id()];
    expected.sort_unstable();
    assert_eq!(info(&scratch)["open_in"], json!(expected.map(|pid| json!({ "pid": pid, "command": "cat" }))));
    assert!(line(&scratch, "open in:").contains(&format!("cat (process {})", reader.0.id())));
    let put = scratch.regtree(["blob", "put", "demo/app"]);
    let mut holder = Running(put.command().stdin(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap());
    let holders = (0..500).find_map(|_| {
        std::thread::sleep(std::time::Duration::from_millis(10));
        Some(info(&scratch)["holders"].clone()).filter(|holders| *holders != json!([]))
    });
    let holders = holders.expect("blob put holds the lock while it reads");
    assert_eq!((&holders[0]["pid"], &holders[0]["command"]), (&json!(holder.0.id()), &json!("blob put")));
    assert!(line(&scratch, "lock:").starts_with("regtree blob put (process "));
    drop(holder.0.stdin.take());
    holder.0.wait().unwrap();
    fs::remove_dir(&beside).unwrap();
}

#[test]
fn it_names_another_file_system_and_a_read_only_one() {
    let mut mounted = Mounted::tree("size=4m,nr_inodes=200");
    let scratch = Scratch::new();
    fs::remove_dir_all(scratch.v2().join("blobs")).unwrap();
    symlink(mounted.root.join("docker/registry/v2/blobs"), scratch.v2().join("blobs")).unwrap();
    let found = info(&scratch);
    assert_eq!(
        (&found["blobs_file_system"]["size"], &found["blobs_file_system"]["inodes"]),
        (&json!(4 << 20), &json!(200))
    );
    assert_eq!(found["repositories_file_system"], Value::Null);
    assert_eq!(found["writable"], true);
    assert!(line(&scratch, "blobs on:").contains(" of 4.00 MiB free, "), "{}", line(&scratch, "blobs on:"));
    mounted.remount("ro");
    let found = mounted.regtree(["info", "--json"]).ok().json();
    assert_eq!((&found["file_system"]["read_only"], &found["writable"]), (&json!(true), &json!(false)));
}

/// As btrfs does, and a tmpfs that is mounted so. `json` checks the schema.
#[test]
fn a_file_system_may_set_no_limit_on_files() {
    let mounted = Mounted::tree("size=4m,nr_inodes=0");
    let found = mounted.regtree(["info", "--json"]).ok().json();
    let file_system = &found["file_system"];
    assert_eq!(file_system["size"], 4 << 20);
    assert_eq!((&file_system["inodes"], &file_system["inodes_available"]), (&Value::Null, &Value::Null));
    assert!(!mounted.regtree(["info"]).ok().out().contains("inodes"));
}

#[test]
fn it_changes_nothing_and_says_what_another_user_may_do() {
    let scratch = Scratch::new();
    scratch.image("demo/app", "one").tag("v1");
    fs::remove_dir_all(scratch.root().join(".regtree")).unwrap();
    let before = snapshot(scratch.root());
    assert_eq!(info(&scratch)["writable"], true);
    assert_eq!(snapshot(scratch.root()), before);
    if rustix::process::geteuid().is_root() {
        let run = scratch.regtree(["info", "--json"]).unprivileged().ok().json();
        assert_eq!((&run["writable"], &run["owner"], &run["tags"]), (&json!(false), &json!(0), &json!(1)));
        assert!(run["processes_unseen"].as_u64().unwrap() > 0, "{run}");
        let text = scratch.regtree(["info"]).unprivileged().ok().out();
        assert!(text.contains("no; the tree belongs to uid 0") && text.contains("only root can check "), "{text}");
    }
}

#[test]
fn it_says_whose_the_tree_is() {
    let scratch = Scratch::new();
    assert_eq!((&info(&scratch)["database"], &info(&scratch)["cache"]), (&Value::Null, &json!(false)));
    Scratch::plant(&scratch.root().join("docker/registry/lockfiles/database-in-use"), "");
    assert_eq!(info(&scratch)["database"], "gitlab");
    assert!(line(&scratch, "database:").contains("GitLab"));
    let cache = Scratch::new();
    Scratch::plant(&cache.root().join("scheduler-state.json"), "{}");
    assert_eq!(info(&cache)["cache"], true);
}

#[test]
fn it_says_where_each_default_comes_from() {
    let scratch = Scratch::new();
    let file = scratch.root().join("site.toml");
    fs::write(&file, "# ours\nmin-age = '3d'\n\nquarantine = true\n").unwrap();
    let call = |arguments: &[&str]| scratch.regtree(["info"]).with(arguments).env("REGTREE_CONFIG", &file).ok();
    let settings = call(&["--json"]).json()["settings"].clone();
    let of = |name: &str| settings.as_array().unwrap().iter().find(|setting| setting["name"] == name).unwrap().clone();
    // It happens to lie in the root.
    let file_text = scratch.below_root(&file);
    assert_eq!(of("min-age"), json!({ "name": "min-age", "value": "3d", "path": file_text, "line": 2 }));
    assert_eq!(of("quarantine"), json!({ "name": "quarantine", "value": "true", "path": file_text, "line": 4 }));
    assert_eq!(
        of("uploads-older-than"),
        json!({ "name": "uploads-older-than", "value": "7d", "path": null, "line": null })
    );
    let text = call(&[]).out();
    let lines: Vec<String> = text.lines().map(|line| line.split_whitespace().collect::<Vec<_>>().join(" ")).collect();
    for expected in [
        &format!("configuration: {}", file.display()),
        "min-age 3d line 2",
        "uploads-older-than 7d built in",
        "jobs one per processor built in",
    ] {
        assert!(lines.iter().any(|line| line == expected), "{expected}\n{text}");
    }
}

#[test]
fn where_there_is_no_tree_it_says_where_it_looked() {
    let around = Scratch::bare();
    let nowhere = around.root().join("nowhere");
    let call = Regtree::new(["info"]).env("REGTREE_ROOT", &nowhere);
    let run = call.clone().run().code(NO_TREE.0).says(["error: ", "does not exist", "is its disk mounted?"]);
    let lines: Vec<String> =
        run.lines().iter().map(|line| line.split_whitespace().collect::<Vec<_>>().join(" ")).collect();
    assert_eq!(
        lines[..6],
        [
            &format!("root: {} (the environment variable REGTREE_ROOT)", nowhere.display()),
            "tree: none",
            "looked at, in this order:",
            "--root no",
            "--registry-config no",
            "REGTREE_ROOT used",
        ]
    );
    let run = call.with(["--json"]).run().code(NO_TREE.0);
    let document = run.json();
    assert_eq!((&document["tree"], &document["root_from"]["rule"]), (&Value::Null, &json!("environment")));
    assert_eq!(document["looked"][2], json!({ "place": "REGTREE_ROOT", "applies": true }));
    let error = run.json_error();
    assert_eq!((&error["code"], &error["detail"]["looked"]), (&json!("NOT_A_TREE"), &document["looked"]));
    // Every command says it, unless another tree is missing than the one that is looked for.
    let listing = Regtree::new(["repo", "list", "--json"]).env("REGTREE_ROOT", &nowhere).run().code(NO_TREE.0);
    assert_eq!(listing.json_error()["detail"]["looked"], document["looked"]);
    let scratch = Scratch::new();
    scratch.image("demo/app", "one").tag("v1");
    let copy = ["copy", "--json", "demo/app:v1", "demo/app", "--to", nowhere.to_str().unwrap()];
    let error = scratch.run(copy).code(NO_TREE.0).json_error();
    assert!(error["detail"].get("looked").is_none(), "{error}");
}

#[test]
fn tags_with_broken_links_are_not_counted_as_tag_list_does_not_list_them() {
    let scratch = Scratch::new();
    scratch.image("demo/app", "one").tag("v1");
    for tag in ["empty", "long", "moved"] {
        scratch.run(["tag", "set", "demo/app", tag, "v1"]).code(0);
    }
    let tags = scratch.repository("demo/app").join("_manifests/tags");
    fs::write(tags.join("empty/current/link"), "").unwrap();
    fs::write(tags.join("long/current/link"), "x".repeat("sha256:".len() + 64)).unwrap();
    fs::rename(tags.join("moved/current"), tags.join("elsewhere")).unwrap();
    symlink("../elsewhere", tags.join("moved/current")).unwrap();
    assert_eq!(scratch.run(["tag", "list", "demo/app"]).code(3).out(), "v1\n");
    let found = info(&scratch);
    // The directory that was moved away is a tag without a link.
    assert_eq!((&found["tags"], &found["damaged_places"]), (&json!(1), &json!(4)), "{found}");
}

#[test]
fn little_is_opened_in_each_repository() {
    let calls = |repositories: u32| {
        let scratch = Scratch::new();
        for number in 0..repositories {
            scratch.image(&format!("app-{number}"), "one").tag("v1");
        }
        let trace = scratch.root().join("trace");
        scratch.regtree(["info"]).behind(strace(&["-e", "trace=openat2", "-o", trace.to_str().unwrap()])).ok();
        fs::read_to_string(trace).unwrap().lines().filter(|line| line.contains("openat2(")).count()
    };
    let (few, more) = (calls(2), calls(42));
    let each = (more - few) / 40;
    // Itself, its tags, the link of one, tarsums, the kinds of its manifests, their links, and its uploads.
    assert!(each <= 7, "{each} directories and files are opened for each repository");
}

#[test]
#[cfg_attr(not(debug_assertions), ignore = "a release build looks in the usual places only")]
fn where_nothing_says_where_it_is_every_place_was_looked_at() {
    let around = Scratch::bare();
    let document = Regtree::new(["info", "--json"]).installed(around.root()).run().code(NO_TREE.0).json();
    let looked = document["looked"].as_array().unwrap();
    assert!(looked.iter().all(|looked| looked["applies"] == false), "{document}");
    assert_eq!((looked.len(), &document["root_from"]["rule"]), (8, &json!("nothing")));
}

#[test]
fn a_quarantine_that_can_t_be_read_is_not_called_empty() {
    let scratch = Scratch::new();
    let private = scratch.root().join(".regtree");
    fs::create_dir_all(&private).unwrap();
    give_away(scratch.root());
    let text = during((&private, UNREADABLE), scratch.regtree(["info"])).code(3);
    let out = text.out();
    for unknown in ["quarantine:    unknown", "imports:       unknown", "hashed:        unknown"] {
        assert!(out.contains(unknown), "{unknown} in {out}");
    }
    assert!(text.err().contains(DENIED), "{}", text.err());
    let documents = during((&private, UNREADABLE), scratch.regtree(["info", "--json"])).code(3).json_lines();
    assert_eq!(documents[0]["quarantine"], Value::Null);
    assert_eq!(documents[0]["staged_imports"], Value::Null);
    assert!(documents[1..].iter().all(|document| document["type"] == "damage"), "{documents:?}");
    assert!(documents.len() > 1);
}
