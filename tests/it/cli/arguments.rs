//! Arguments that no command can work with.

use std::process::{Command, Stdio};

use regtree::digest::GivenDigest;
use regtree::{Reference, RepositoryName, Tag};

use crate::support::refusal::{
    CONTENT, MALFORMED_DIGEST, MALFORMED_NAME, NO_SUCH_RANGE, OTHER, REFUSED, USAGE, refused,
};
use crate::support::{Regtree, Scratch};

/// Texts that are no whole digest, each with what is said of it.
fn no_digests() -> Vec<(String, &'static str)> {
    let hex = "ab".repeat(32);
    vec![
        (String::new(), "format"),
        ("sha256".to_owned(), "format"),
        ("sha256:".to_owned(), "format"),
        (hex.clone(), "format"),
        (format!(":{hex}"), "format"),
        (format!("sha256:{}", "AB".repeat(32)), "format"),
        (format!("SHA256:{hex}"), "format"),
        (format!("sha256:{}", "g".repeat(64)), "format"),
        (format!(" sha256:{hex}"), "format"),
        (format!("sha256:{hex}@{hex}"), "length"),
        (format!("sha256:{}", &hex[1..]), "64 hex digits, found 63"),
        (format!("sha256:{hex}a"), "64 hex digits, found 65"),
        ("sha256:abc".to_owned(), "64 hex digits, found 3"),
        (format!("sha384:{hex}"), "96 hex digits, found 64"),
        (format!("sha512:{hex}"), "128 hex digits, found 64"),
        ("tarsum.v1+sha256:00".to_owned(), "64 hex digits, found 2"),
        ("tarsum.v1+md5:00".to_owned(), "unsupported"),
        (format!("tarsum+sha256:{}", "AB".repeat(32)), "format"),
        ("a+b.c_d-e:A=_-9".to_owned(), "unsupported"),
        ("a++b:00".to_owned(), "format"),
        ("a..b:00".to_owned(), "format"),
        ("a:b:c".to_owned(), "format"),
        (format!("md5:{}", "ab".repeat(16)), "unsupported"),
        (format!("blake3:{hex}"), "unsupported"),
        ("../../../../etc/passwd".to_owned(), "format"),
        ("sha256:../../../../etc/passwd".to_owned(), "length"),
        (format!("sha256:{}{}", "../".repeat(20), "abcd"), "format"),
        (format!("../sha256:{hex}"), "format"),
    ]
}

/// Those that are no shortened digest either.
fn no_digests_at_all() -> Vec<(String, &'static str)> {
    let rule = |text: &str, rule| match text {
        "sha256:abc" => "7 hex digits or more, found 3",
        "tarsum.v1+sha256:00" => "7 hex digits or more, found 2",
        "sha256:../../../../etc/passwd" => "format",
        _ => rule,
    };
    let refused = no_digests().into_iter().filter(|(text, _)| text.parse::<GivenDigest>().is_err());
    refused.map(|(text, of_whole)| (text.clone(), rule(&text, of_whole))).collect()
}

#[test]
fn a_malformed_digest_is_shown_with_the_rule_that_it_breaks() {
    let scratch = Scratch::new();
    let known = scratch.put("lib/app", CONTENT).to_string();
    for (digest, rule) in no_digests() {
        let call = scratch.regtree(["blob", "put", "lib/new", "--digest", &digest]).stdin(OTHER);
        refused(scratch.root(), &call, MALFORMED_DIGEST, &[&format!("'{digest}'"), rule]);
    }
    for (digest, rule) in no_digests_at_all() {
        let digest = digest.as_str();
        for call in [
            &["get", "lib/app", digest][..],
            &["stat", "lib/app", digest],
            &["stat", "lib/app", &known, digest],
            &["delete", "lib/app", &known, digest],
            &["mount", digest, "--from", "lib/app", "--to", "lib/new"],
        ] {
            let call = scratch.regtree(["blob"]).with(call).stdin(OTHER);
            refused(scratch.root(), &call, MALFORMED_DIGEST, &[&format!("'{digest}'"), rule]);
        }
    }
}

/// Texts that are no repository name, each with what is said of it.
fn no_names() -> Vec<(String, &'static str)> {
    let long = ["a", &"b".repeat(256)].concat();
    let table = [
        ("", "empty"),
        ("/", "empty component"),
        ("/etc", "empty component"),
        ("lib/app/", "empty component"),
        ("lib//app", "empty component"),
        ("..", "begin and end"),
        (".", "begin and end"),
        ("../escape", "begin and end"),
        ("../../../../escape", "begin and end"),
        ("lib/../escape", "begin and end"),
        ("lib/./app", "begin and end"),
        ("lib/app/..", "begin and end"),
        ("lib/app/_layers", "begin and end"),
        ("_uploads", "begin and end"),
        ("lib/app-", "begin and end"),
        ("lib/App", "upper case"),
        ("Lib", "upper case"),
        ("Lib_x/app", "\"Lib_x\" has upper case"),
        ("lib/a..b", "separate"),
        ("lib/a___b", "separate"),
        ("lib/a.-b", "separate"),
        ("lib/a b", "not allowed"),
        ("lib/é", "not allowed"),
        ("lib/app:v1", "not allowed"),
        ("lib.com:5000/app", "':' is not allowed"),
        ("[::1]/app", "'[' is not allowed"),
        ("lib\\app", "not allowed"),
    ];
    let mut names: Vec<_> = table.map(|(name, rule)| (name.to_owned(), rule)).into();
    names.push((long, "257 bytes, 255 are allowed"));
    names.push(("a".repeat(256), "256 bytes, 255 are allowed"));
    names.push((format!("a/{}", "b".repeat(256)), "256 bytes, 255 are allowed"));
    names.push((format!("{}/b", "a".repeat(256)), "256 bytes, 255 are allowed"));
    names.push((format!("a_b/{}", ["a"; 127].join("/")), "257 bytes, 255 are allowed"));
    names
}

#[test]
fn a_malformed_name_is_shown_with_the_rule_that_it_breaks() {
    let scratch = Scratch::new();
    let known = scratch.put("lib/app", CONTENT).to_string();
    for (name, rule) in no_names() {
        assert!(name.parse::<RepositoryName>().is_err(), "{name}");
        let name = name.as_str();
        for call in [
            &["put", name][..],
            &["list", name],
            &["mount", &known, "--from", name, "--to", "lib/new"],
            &["mount", &known, "--from", "lib/app", "--to", name],
        ] {
            let call = scratch.regtree(["blob"]).with(call).stdin(OTHER);
            refused(scratch.root(), &call, MALFORMED_NAME, &[&format!("'{name}'"), rule]);
        }
        // Here a reference may stand, of which this is no repository.
        let rule = match name {
            "lib/app:v1" => "a tag names a manifest",
            "lib.com:5000/app" | "[::1]/app" => "is not a tag",
            _ => rule,
        };
        for verb in ["get", "stat", "delete"] {
            let call = scratch.regtree(["blob", verb, name, &known]);
            refused(scratch.root(), &call, MALFORMED_NAME, &[&format!("'{name}'"), rule]);
        }
    }
}

#[test]
fn a_malformed_tag_or_reference_says_which_rule_it_breaks() {
    let long = "t".repeat(129);
    for (tag, rule) in [
        ("", "empty"),
        ("..", "begin with"),
        (".hidden", "begin with"),
        ("-v1", "begin with"),
        ("../v1", "not allowed"),
        ("a/b", "not allowed"),
        ("a b", "not allowed"),
        ("v1\n", "not allowed"),
        (&long, "129 bytes, 128 are allowed"),
    ] {
        let error = tag.parse::<Tag>().unwrap_err().to_string();
        assert!(error.contains(rule), "{tag:?}: {error}");
        let error = format!("lib/app:{tag}").parse::<Reference>().unwrap_err().to_string();
        assert!(error.contains(rule) || tag.contains('/'), "{tag:?}: {error}");
    }
    assert!(long[1..].parse::<Tag>().is_ok());
}

#[test]
fn a_malformed_size_or_range_is_wrong_usage() {
    let scratch = Scratch::new();
    let known = scratch.put("lib/app", CONTENT).to_string();
    for size in ["", "x", "1.5", "1k", "99999999999999999999"] {
        let call = scratch.regtree(["blob", "put", "lib/new", "--size", size]).stdin(OTHER);
        refused(scratch.root(), &call, USAGE, &["--size", &format!("'{size}'")]);
    }
    for range in ["", "5", "a-b", "3-1", "0-1-2", "../"] {
        let call = scratch.regtree(["blob", "get", "lib/app", &known, "--range", range]);
        refused(scratch.root(), &call, USAGE, &["--range", &format!("'{range}'")]);
    }
}

#[test]
fn a_range_that_the_blob_does_not_have_prints_nothing_and_names_its_size() {
    let scratch = Scratch::new();
    let known = scratch.put("lib/app", CONTENT);
    let (digest, size) = (known.to_string(), CONTENT.len());
    let file = scratch.root().join("part");
    for range in [format!("0-{size}"), format!("{size}-"), format!("{size}-{size}"), "0-99999999".to_owned()] {
        let call = scratch.regtree(["blob", "get", "lib/app", &digest, "--range", &range]);
        let names = [&*range, &digest, &size.to_string()];
        refused(scratch.root(), &call, NO_SUCH_RANGE, &names);
        refused(scratch.root(), &call.with(["-o"]).with([&file]), NO_SUCH_RANGE, &names);
    }
    let empty = scratch.put("lib/app", b"").to_string();
    let call = scratch.regtree(["blob", "get", "lib/app", &empty, "--range", "0-"]);
    refused(scratch.root(), &call, NO_SUCH_RANGE, &["0-", &empty]);
}

#[test]
fn dots_in_a_files_own_path_are_the_users_to_write() {
    let scratch = Scratch::new();
    let digest = scratch.put("lib/app", CONTENT).to_string();
    let directory = scratch.root().join("a/b");
    std::fs::create_dir_all(&directory).unwrap();
    scratch.regtree(["blob", "get", "lib/app", &digest, "-o", "../../got"]).within(&directory).ok();
    assert_eq!(std::fs::read(scratch.root().join("got")).unwrap(), CONTENT);
    let put = scratch.regtree(["blob", "put", "lib/other", "../../got"]).within(&directory);
    assert_eq!(put.ok().answer(), digest);
}

/// Runs `call` with a terminal for its output; returns its exit code and what the terminal showed.
fn on_a_terminal(call: &Regtree) -> (Option<i32>, String) {
    let call = call.command();
    let words = std::iter::once(call.get_program()).chain(call.get_args());
    let line = words.map(|word| format!("'{}'", word.to_str().unwrap())).collect::<Vec<_>>().join(" ");
    let mut script = Command::new("script");
    let output = script.args(["-qec", &line, "/dev/null"]).stdin(Stdio::null()).output().unwrap();
    (output.status.code(), String::from_utf8_lossy(&output.stdout).into_owned())
}

#[test]
fn binary_content_is_not_written_to_a_terminal_unless_that_is_asked_for() {
    let scratch = Scratch::new();
    let content = "no text: \0";
    let digest = scratch.put("lib/app", content.as_bytes()).to_string();
    let get = scratch.regtree(["blob", "get", "lib/app", &digest]);
    for refusing in [get.clone(), get.clone().with(["--range", "0-3"]), get.clone().with(["--json"])] {
        let (code, shown) = on_a_terminal(&refusing);
        assert_eq!(code, Some(REFUSED.0), "{shown}");
        assert!(shown.contains("terminal") && shown.contains("-o") && !shown.contains(content), "{shown}");
        assert_eq!(shown.contains(REFUSED.1), shown.starts_with('{'), "{shown}");
    }
    let (code, shown) = on_a_terminal(&get.with(["-o", "-"]));
    assert_eq!((code, shown.contains(content)), (Some(0), true), "{shown}");
}

#[test]
fn list_and_delete_have_short_names() {
    let scratch = Scratch::new();
    scratch.image("lib/app", "one").tag("v1");
    assert_eq!(scratch.run(["tag", "ls", "lib/app"]).code(0).lines(), ["v1"]);
    assert_eq!(scratch.run(["tag", "rm", "lib/app", "v1"]).code(0).lines(), ["v1"]);
    assert_eq!(scratch.run(["repo", "ls"]).code(0).lines(), ["lib/app"]);
}

#[test]
fn a_new_repository_that_no_client_can_name_is_noted() {
    let scratch = Scratch::new();
    let put = || scratch.regtree(["blob", "put", "Team/app"]).stdin("content").ok();
    put().says(["note: no client can name repository Team/app"]);
    assert!(put().err().is_empty(), "it is there already");
    scratch.run(["upload", "start", "Other/app"]).code(0).says(["no client can name repository Other/app"]);
}
