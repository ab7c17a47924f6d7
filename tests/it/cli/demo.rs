//! `demo`: the tree is as promised, and what is printed is what the commands print.

use std::fs;

use regtree::{Digest, Registry, RepositoryName, blob};

use crate::support::peers::{DockerRegistry, skopeo};
use crate::support::{Regtree, Scratch, nothing_installed};

fn demo(scratch: &Scratch) -> serde_json::Value {
    Regtree::new(["demo", "--json"]).env("TMPDIR", scratch.root()).ok().json()
}

#[test]
fn a_fresh_directory_is_used_when_none_is_named() {
    let scratch = Scratch::bare();
    let first = demo(&scratch)["root"].as_str().unwrap().to_owned();
    let second = demo(&scratch)["root"].as_str().unwrap().to_owned();
    assert_ne!(first, second);
    assert!(first.starts_with(scratch.root().to_str().unwrap()), "{first}");
    Registry::open(first).unwrap();
}

#[test]
fn a_directory_with_something_in_it_is_refused() {
    let scratch = Scratch::bare();
    fs::write(scratch.root().join("precious"), "data").unwrap();
    Regtree::new(["demo", scratch.root().to_str().unwrap()]).run().code(12).silent().says(["is not empty"]);
    assert_eq!(fs::read_dir(scratch.root()).unwrap().count(), 1);
}

#[test]
fn every_command_prints_what_the_demo_says_it_prints() {
    let scratch = Scratch::bare();
    let demo = demo(&scratch);
    let root = std::path::Path::new(demo["root"].as_str().unwrap());
    let commands = demo["commands"].as_array().unwrap();
    assert!(commands.len() >= 6);
    for command in commands {
        let words: Vec<&str> = command["command"].as_str().unwrap().split(' ').skip(1).collect();
        let code = i32::try_from(command["exit"].as_i64().unwrap()).unwrap();
        let run = Regtree::new(words).env("REGTREE_ROOT", root).run().code(code);
        assert_eq!((run.out().into(), run.err().into()), (command["stdout"].clone(), command["stderr"].clone()));
    }
    let codes: Vec<_> = commands.iter().map(|command| command["exit"].as_i64().unwrap()).collect();
    assert!(codes.contains(&5), "the damaged layer is found: {codes:?}");
}

#[test]
fn the_text_can_be_pasted_and_heals_the_damage() {
    let scratch = Scratch::bare();
    let directory = scratch.root().join("a tree");
    let text = Regtree::new(["demo", "a tree"]).within(scratch.root()).ok().out();
    let program = env!("CARGO_BIN_EXE_regtree");
    assert!(text.contains(&format!("$ export REGTREE_ROOT='{}'", directory.display())), "{text}");
    // All the lines that a reader is shown, as a shell takes them.
    let script: Vec<&str> = text.lines().filter_map(|line| line.strip_prefix("$ ")).collect();
    let output =
        std::process::Command::new("bash").args(["-c", &script.join("\n")]).envs(nothing_installed()).output().unwrap();
    let (out, err) = (String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap());
    assert!(text.contains(program), "{text}");
    assert!(out.ends_with("srv/index.html\n"), "healed, got, and listed by tar:\n{out}\n{err}");
    assert!(err.contains("replaced a damaged blob"), "{err}");
    assert!(!directory.exists(), "the last line cleans up");
}

#[test]
fn the_real_registry_serves_the_demos_images_and_skopeo_pulls_them() {
    let scratch = Scratch::bare();
    let demo = demo(&scratch);
    let registry = DockerRegistry::serve(std::path::Path::new(demo["root"].as_str().unwrap()));
    let target = tempfile::tempdir().unwrap();
    for image in ["demo/app:v1", "demo/app:multi"] {
        let source = format!("docker://{}/{image}", registry.address());
        let target = format!("dir:{}", target.path().join(image.replace('/', "-")).display());
        skopeo(&["copy", "--quiet", "--all", "--src-tls-verify=false", &source, &target]);
    }
    let tags: serde_json::Value = serde_json::from_slice(&registry.get("/v2/demo/app/tags/list").body).unwrap();
    let mut tags: Vec<_> = tags["tags"].as_array().unwrap().iter().map(|tag| tag.as_str().unwrap()).collect();
    tags.sort_unstable();
    assert_eq!(tags, ["multi", "v1"]);
    let catalog: serde_json::Value = serde_json::from_slice(&registry.get("/v2/_catalog").body).unwrap();
    assert_eq!(catalog["repositories"], serde_json::json!(["demo/app", "demo/web"]));
}

#[test]
fn the_tree_has_what_the_help_promises() {
    let scratch = Scratch::bare();
    let root = demo(&scratch)["root"].as_str().unwrap().to_owned();
    let repositories = std::path::Path::new(&root).join("docker/registry/v2/repositories");
    let names = |path: &str| fs::read_dir(repositories.join(path)).unwrap().count();
    assert_eq!(names("demo/app/_manifests/tags/v1/index/sha256"), 2, "a tag that was moved");
    assert_eq!(names("demo/app/_manifests/revisions/sha256"), 5, "two of v1, the index and its two children");
    let registry = Registry::open(&root).unwrap();
    let blobs: Vec<_> = blob::blobs(registry.tree()).map(|blob| blob.unwrap().0).collect();
    let repositories = registry.repositories().repositories;
    let has = |name: &RepositoryName, digest: &Digest| blob::stat(&registry.repository(name).unwrap(), *digest).is_ok();
    let linked = |digest: &Digest| repositories.iter().filter(|name| has(name, digest)).count();
    assert_eq!(blobs.iter().filter(|digest| linked(digest) == 2).count(), 1, "a shared layer");
    let manifests = 6;
    assert_eq!(blobs.iter().filter(|digest| linked(digest) == 0).count(), manifests + 1, "and one blob of garbage");
}
