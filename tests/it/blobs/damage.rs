//! Damage in the place of a link or of content.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Command;

use regtree::Digest;

use crate::support::refusal::{CONTENT, DAMAGED, MALFORMED_NAME, OTHER, fails, refused, text, tree};
use crate::support::scratch::digest_by;
use crate::support::{Regtree, Scratch};

/// What a link to `key` must not hold, each with what is said of it.
fn broken_links(key: Digest) -> Vec<(Vec<u8>, String)> {
    let (key, other) = (key.to_string(), digest_by("sha512", OTHER).to_string());
    vec![
        (Vec::new(), "it is empty".to_owned()),
        (b"\n".to_vec(), r#"found "\n""#.to_owned()),
        (format!("{key}\n").into(), format!(r#"found "{key}\n""#)),
        (format!(" {key}").into(), format!(r#"found " {key}""#)),
        (key[..40].into(), format!(r#"found "{}""#, &key[..40])),
        (b"garbage \x1b[2J".to_vec(), r#"found "garbage \u{1b}[2J""#.to_owned()),
        (vec![0xff; 71], "expected a digest and nothing else".to_owned()),
        (vec![0; 71], r#"found "\0\0"#.to_owned()),
        ("../".repeat(2000).into(), "(6000 bytes)".to_owned()),
        (other.clone().into(), format!("found {other}")),
    ]
}

/// Expects every command that goes through the link of `key` to name it and `fault`, and the rest to work around it.
fn is_told_broken(scratch: &Scratch, key: Digest, fault: &str) {
    let (link, name) = (scratch.link("lib/app", key), key.to_string());
    for call in [
        &["get", "lib/app", &name][..],
        &["get", "lib/app", &name, "--range", "0-1"],
        &["stat", "lib/app", &name],
        &["mount", &name, "--from", "lib/app", "--to", "lib/new"],
        &["delete", "lib/app", &name, "--all-aliases"],
    ] {
        let call = scratch.regtree(["blob"]).with(call);
        refused(scratch.root(), &call, DAMAGED, &["lib/app", &name, text(&link), fault]);
        call.run().says([format!("blob put lib/app FILE --digest {name}")]);
    }
    // The names in the directories are enough here.
    assert!(scratch.run(["blob", "list", "lib/app"]).code(0).lines().contains(&name));
    listed_with_damage(scratch, &["blob", "list", "lib/app", "--long"], text(&link));
    listed_with_damage(scratch, &["blob", "stat", "--all-repos", &name], text(&link));
}

/// Expects a listing to go on, and to end in exit code 3 with a warning, or an event in JSON, that names `path`.
#[track_caller]
fn listed_with_damage(scratch: &Scratch, call: &[&str], path: &str) {
    let before = tree(scratch.root());
    scratch.run(call).code(3).says(["warning: ", path]);
    let events = scratch.regtree(call).with(["--json"]).run().code(3).out();
    assert!(events.contains("damage") && events.contains(path), "{events}");
    assert_eq!(tree(scratch.root()), before);
}

#[test]
fn a_broken_link_is_told_and_putting_the_content_again_heals_it() {
    let scratch = Scratch::new();
    let key = scratch.put("lib/app", CONTENT);
    let link = scratch.link("lib/app", key);
    for (content, fault) in broken_links(key) {
        fs::write(&link, content).unwrap();
        is_told_broken(&scratch, key, &fault);
        assert_eq!(scratch.put("lib/app", CONTENT), key);
        assert_eq!(fs::read(&link).unwrap(), key.to_string().into_bytes());
        scratch.run(["blob", "stat", "lib/app", &key.to_string()]).code(0);
    }
    let other = Digest::of(OTHER);
    fs::write(&link, other.to_string()).unwrap();
    is_told_broken(&scratch, key, &format!("expected the digest of its path, found {other}"));
}

#[test]
fn a_broken_alias_is_told_and_putting_the_content_again_heals_it() {
    let scratch = Scratch::new();
    let target = scratch.put("lib/app", CONTENT);
    let alias = digest_by("sha512", CONTENT);
    let name = alias.to_string();
    let put = scratch.regtree(["blob", "put", "lib/app", "--digest", &name]).stdin(CONTENT);
    put.clone().ok();
    let link = scratch.link("lib/app", alias);
    // As a registry's own mount leaves it: a name that no blob is stored under.
    let itself = (name.clone().into_bytes(), format!("expected the sha256 digest of its content, found {name}"));
    for (content, fault) in broken_links(alias).into_iter().chain([itself]) {
        fs::write(&link, content).unwrap();
        is_told_broken(&scratch, alias, &fault);
        scratch.run(["blob", "get", "lib/app", &target.to_string()]).code(0);
        assert_eq!(put.clone().ok().answer(), target.to_string());
        assert_eq!(fs::read(&link).unwrap(), target.to_string().into_bytes());
        assert_eq!(scratch.run(["blob", "get", "lib/app", &name]).code(0).bytes(), CONTENT);
    }
}

#[test]
fn an_alias_for_other_content_is_found_out_by_reading() {
    let scratch = Scratch::new();
    let other = scratch.put("lib/app", OTHER);
    let alias = digest_by("sha512", CONTENT);
    Scratch::plant(&scratch.link("lib/app", alias), other.to_string());
    let found = digest_by("sha512", OTHER).to_string();
    let file = scratch.root().join("got");
    let get = scratch.regtree(["blob", "get", "lib/app", &alias.to_string(), "-o"]).with([&file]);
    refused(scratch.root(), &get, DAMAGED, &["lib/app", text(&scratch.blob(other)), &alias.to_string(), &found]);
}

#[test]
fn a_broken_link_can_be_deleted() {
    let scratch = Scratch::new();
    let key = scratch.put("lib/app", CONTENT);
    for (content, _) in broken_links(key) {
        let link = scratch.link("lib/app", key);
        fs::write(&link, content).unwrap();
        assert_eq!(scratch.run(["blob", "delete", "lib/app", &key.to_string()]).code(0).answer(), key.to_string());
        assert!(!link.exists() && scratch.blob(key).exists());
        scratch.put("lib/app", CONTENT);
    }
}

/// What may lie where a file belongs, by what messages call it.
const NO_FILES: [&str; 4] = ["a directory", "a symbolic link", "a symbolic link", "a special file"];

/// Replaces the file at `path` by the `n`th of [`NO_FILES`].
fn replace_by(n: usize, scratch: &Scratch, path: &Path) {
    let outside = scratch.root().join(format!("outside{n}"));
    fs::rename(path, &outside).unwrap();
    match n {
        0 => Scratch::plant(&path.join("inside"), "sentinel"),
        // It leads to the very content; and to nowhere.
        1 => symlink(&outside, path).unwrap(),
        2 => symlink("nowhere", path).unwrap(),
        _ => assert!(Command::new("mkfifo").arg(path).status().unwrap().success()),
    }
}

#[test]
fn only_a_regular_file_is_content() {
    for (n, found) in NO_FILES.into_iter().enumerate() {
        let scratch = Scratch::new();
        let digest = scratch.put("lib/app", CONTENT);
        let (path, name) = (scratch.blob(digest), digest.to_string());
        replace_by(n, &scratch, &path);
        for call in [
            &["get", "lib/app", &name][..],
            &["stat", "lib/app", &name],
            &["mount", &name, "--from", "lib/app", "--to", "lib/new"],
            &["put", "lib/app"],
            &["put", "lib/new"],
        ] {
            let call = scratch.regtree(["blob"]).with(call).stdin(CONTENT);
            refused(scratch.root(), &call, DAMAGED, &[text(&path), found, "a regular file"]);
        }
        scratch.run(["blob", "stat", "lib/app", &name]).says(["expected a regular file"]);
        for call in [&["blob", "list"][..], &["blob", "list", "--long"], &["blob", "list", "lib/app", "--long"]] {
            listed_with_damage(&scratch, call, text(&path));
        }
    }
}

#[test]
fn only_a_regular_file_is_a_link() {
    for (n, found) in NO_FILES.into_iter().enumerate() {
        let scratch = Scratch::new();
        let digest = scratch.put("lib/app", CONTENT);
        scratch.run(["blob", "mount", &digest.to_string(), "--from", "lib/app", "--to", "lib/other"]).code(0);
        let (path, name) = (scratch.link("lib/app", digest), digest.to_string());
        replace_by(n, &scratch, &path);
        for call in [
            &["get", "lib/app", &name][..],
            &["stat", "lib/app", &name],
            &["delete", "lib/app", &name],
            &["mount", &name, "--from", "lib/app", "--to", "lib/new"],
            &["mount", &name, "--from", "lib/other", "--to", "lib/app"],
            &["put", "lib/app"],
        ] {
            let call = scratch.regtree(["blob"]).with(call).stdin(CONTENT);
            refused(scratch.root(), &call, DAMAGED, &[text(&path), found, "a regular file"]);
        }
        listed_with_damage(&scratch, &["blob", "list", "lib/app"], text(&path));
    }
}

/// Content that is none of `CONTENT`, with what it is called.
fn corrupted() -> [Vec<u8>; 4] {
    let mut flipped = CONTENT.to_vec();
    flipped[3] ^= 1;
    [flipped, CONTENT[..7].to_vec(), [CONTENT, b"more"].concat(), Vec::new()]
}

#[test]
fn corrupt_content_is_never_taken_for_the_blob() {
    let scratch = Scratch::new();
    let digest = scratch.put("lib/app", CONTENT);
    let (path, name) = (scratch.blob(digest), digest.to_string());
    let out = scratch.root().join("out");
    fs::create_dir(&out).unwrap();
    Scratch::plant(&out.join("existing"), "precious");
    for content in corrupted() {
        fs::write(&path, &content).unwrap();
        let found = Digest::of(&content).to_string();
        let names = ["lib/app", text(&path), &name, &found];
        let get = scratch.regtree(["blob", "get", "lib/app", &name]);
        let printed = get.clone().run().code(5).says(names);
        assert_eq!(printed.bytes(), content);
        // Neither a new file nor a changed one, nor a temporary beside it: `out` lies in the root.
        for file in ["new", "existing"] {
            refused(scratch.root(), &get.clone().with(["-o"]).with([out.join(file)]), DAMAGED, &names);
        }
    }
    scratch.regtree(["blob", "put", "lib/app"]).stdin(CONTENT).ok();
    assert_eq!(scratch.run(["blob", "get", "lib/app", &name]).code(0).bytes(), CONTENT);
}

#[test]
fn a_directory_is_no_repository_by_a_name_that_no_repository_has() {
    for name in ["Bad", "lib/_x/y", "lib/a..b", "-edge", "lib/a b", "lib/\u{1b}[2J"] {
        let scratch = Scratch::new();
        scratch.put("lib/app", CONTENT);
        let path = scratch.repository(name);
        fs::create_dir_all(path.join("_layers")).unwrap();
        if name.contains("/_") {
            // No repository lies below a repository's own folders.
            assert_eq!(scratch.run(["repo", "list"]).code(0).answer(), "lib/app");
            continue;
        }
        let listed = scratch.run(["repo", "list"]).code(3).says(["warning: ", "is not a repository name"]);
        assert_eq!(listed.answer(), "lib/app");
        assert!(listed.err().contains(text(&path)) || name.contains('\u{1b}'), "{listed:?}");
        assert!(!listed.err().contains('\u{1b}'), "{listed:?}");
        let events = scratch.run(["repo", "list", "--json"]).code(3).json_lines();
        let damage: Vec<_> = events.iter().filter(|event| event["type"] == "damage").collect();
        assert_eq!(damage.len(), 1, "{events:?}");
        assert_eq!(damage[0]["code"], "NAME_INVALID");
        assert_eq!(damage[0]["detail"]["path"], scratch.below_root(&path));
        let list = Regtree::at(scratch.root(), ["blob", "list", "--"]).with([name]);
        list.run().code(2).silent().says(["error: "]);
    }
    let scratch = Scratch::new();
    fs::create_dir_all(scratch.repository("Bad/_layers")).unwrap();
    fails(&scratch.regtree(["blob", "list", "Bad"]), MALFORMED_NAME, &["'Bad'", "upper case"]);
}

#[test]
fn a_directory_whose_name_is_no_text_is_told() {
    let scratch = Scratch::new();
    scratch.put("lib/app", CONTENT);
    let path = scratch.repository("lib").join(OsStr::from_bytes(b"b\xffd"));
    fs::create_dir_all(path.join("_layers")).unwrap();
    let listed = scratch.run(["repo", "list"]).code(3).says(["warning: ", text(&scratch.repository("lib"))]);
    assert_eq!(listed.answer(), "lib/app");
}
