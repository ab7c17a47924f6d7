//! The other blob commands, and listing repositories.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::PermissionsExt;

use regtree::Digest;
use serde_json::json;

use crate::support::scratch::digest_by;
use crate::support::strace::strace;
use crate::support::{Regtree, Scratch};

/// A tree with one blob in `lib/app`, linked by all its digests.
fn aliased() -> (Scratch, [Digest; 3]) {
    let scratch = Scratch::new();
    let digests = ["sha256", "sha384", "sha512"].map(|algorithm| digest_by(algorithm, b"content"));
    for digest in digests {
        let put = scratch.regtree(["blob", "put", "lib/app", "--digest", &digest.to_string()]);
        put.stdin("content").ok();
    }
    (scratch, digests)
}

#[test]
fn stat_shows_the_descriptor_and_tells_an_alias() {
    let (scratch, [sha256, _, sha512]) = aliased();
    let stat = |digest: Digest| scratch.run(["blob", "stat", "lib/app", &digest.to_string(), "--json"]).code(0).json();
    let expected = |asked: Digest| {
        json!({
            "media_type": "application/octet-stream", "mediaType": "application/octet-stream", "size": 7,
            "digest": sha256, "asked": asked,
            "alias": asked != sha256, "repository": "lib/app", "type": "blob", "schema_version": 1,
        })
    };
    assert_eq!(stat(sha256), expected(sha256));
    assert_eq!(stat(sha512), expected(sha512));
    let text = scratch.run(["blob", "stat", "lib/app", &sha512.to_string()]).code(0).lines();
    assert_eq!(
        text,
        [
            format!("asked:      {sha512} (alias)"),
            format!("digest:     {sha256}"),
            "size:       7 bytes".to_owned(),
            "media type: application/octet-stream".to_owned(),
        ]
    );
    let both = ["blob", "stat", "lib/app", &sha256.to_string(), &sha512.to_string(), "--json"];
    assert_eq!(scratch.run(both).code(0).json_lines(), [expected(sha256), expected(sha512)]);
}

#[test]
fn stat_lists_the_repositories_that_link_a_blob_by_any_digest() {
    let (scratch, [sha256, _, sha512]) = aliased();
    scratch.put("other", b"content");
    scratch.put("unrelated", b"something else");
    let mount = ["blob", "mount", &sha512.to_string(), "--from", "lib/app", "--to", "by/alias"];
    scratch.run(mount).code(0);
    fs::remove_file(scratch.link("by/alias", sha256)).unwrap();
    let all = |digest: Digest| scratch.run(["blob", "stat", "--all-repos", &digest.to_string()]).code(0).lines();
    assert_eq!(all(sha256), ["by/alias", "lib/app", "other"]);
    assert_eq!(all(sha512), ["by/alias", "lib/app"]);
    let document = scratch.run(["blob", "stat", "--json", "--all-repos", &sha256.to_string()]).code(0).json();
    let link = |name: &str, link: Digest| json!({ "repository": name, "name": name, "link": link });
    let repositories = [link("by/alias", sha512), link("lib/app", sha256), link("other", sha256)];
    let expected = json!({
        "digest": sha256, "repositories": repositories, "damage": [], "type": "blob", "schema_version": 1,
    });
    assert_eq!(document, expected);
    fs::write(scratch.link("other", sha256), "").unwrap();
    let damaged = scratch.run(["blob", "stat", "--all-repos", &sha256.to_string()]).code(3);
    assert_eq!(damaged.lines(), ["by/alias", "lib/app"]);
    damaged.says(["warning: the link", "in repository other is broken: it is empty"]);
}

#[test]
fn a_blob_that_nobody_links_is_unknown_though_its_content_exists() {
    let (scratch, [sha256, ..]) = aliased();
    scratch.run(["blob", "delete", "lib/app", "--all-aliases", &sha256.to_string()]).code(0);
    assert!(scratch.blob(sha256).exists());
    for get in [&["blob", "get", "lib/app"][..], &["blob", "stat", "lib/app"], &["blob", "stat", "--all-repos"]] {
        scratch.run([get, &[&sha256.to_string()]].concat()).code(4).silent().says([sha256.to_string()]);
    }
}

#[test]
fn a_manifest_is_not_taken_for_garbage() {
    let scratch = Scratch::bare();
    Regtree::new(["demo", "--quiet"]).with([scratch.root()]).ok();
    let tag = scratch.repository("demo/app/_manifests/tags/v1/current/link");
    let manifest = fs::read_to_string(tag).unwrap();
    let all = scratch.run(["blob", "stat", "--all-repos", &manifest]).code(4);
    all.says(["no repository links blob", "as a layer, but it is a manifest of demo/app"]);
    let get = scratch.run(["blob", "get", "demo/app", &manifest]).code(4);
    get.says(["it is a manifest there", &format!("manifest get demo/app {manifest}")]);
    let error = scratch.run(["blob", "stat", "--json", "--all-repos", &manifest]).code(4).json_error();
    assert_eq!(error["detail"]["manifest_of"], json!(["demo/app"]));
}

#[test]
fn get_gives_the_content_by_each_digest_to_a_pipe_or_a_file() {
    let (scratch, digests) = aliased();
    let file = scratch.root().join("out");
    for digest in digests.map(|digest| digest.to_string()) {
        assert_eq!(scratch.run(["blob", "get", "lib/app", &digest]).code(0).bytes(), b"content");
        assert_eq!(scratch.run(["blob", "get", "lib/app", &digest, "-o", "-"]).code(0).bytes(), b"content");
        scratch.run(["blob", "get", "lib/app", &digest, "-o", file.to_str().unwrap()]).code(0).silent();
        assert_eq!(fs::read(&file).unwrap(), b"content");
        fs::remove_file(&file).unwrap();
    }
    let json = scratch.run(["blob", "get", "lib/app", &digests[2].to_string(), "--json", "-o", file.to_str().unwrap()]);
    let document = json.code(0).json();
    assert_eq!((&document["size"], &document["digest"]), (&json!(7), &json!(digests[0])));
}

#[test]
fn a_file_that_is_written_is_like_any_other_programs() {
    let scratch = Scratch::new();
    let digest = scratch.put("lib/app", b"content").to_string();
    let get = |file: &str| scratch.regtree(["blob", "get", "lib/app", &digest, "-o", file]).within(scratch.root());
    get("new").ok();
    fs::write(scratch.root().join("other"), "").unwrap();
    let mode = |name: &str| fs::metadata(scratch.root().join(name)).unwrap().permissions().mode();
    assert_eq!(mode("new"), mode("other"), "0666 less the umask");

    // A symbolic link stays one; a device stays a device.
    std::os::unix::fs::symlink("other", scratch.root().join("link")).unwrap();
    get("link").ok();
    assert!(scratch.root().join("link").is_symlink());
    assert_eq!(fs::read(scratch.root().join("other")).unwrap(), b"content");
    get("/dev/null").ok();
    assert!(!fs::metadata("/dev/null").unwrap().is_file());
    get("docker").run().code(1).says(["cannot write docker"]);
    get("none/new").run().code(1).says(["cannot write none/new", "No such file"]);

    // An existing file keeps its mode; what standard output was redirected to is written on, not replaced.
    fs::set_permissions(scratch.root().join("other"), fs::Permissions::from_mode(0o600)).unwrap();
    get("other").ok();
    assert_eq!(mode("other") & 0o7777, 0o600);
    let log = fs::OpenOptions::new().create(true).append(true).open(scratch.root().join("log")).unwrap();
    for _ in 0..2 {
        assert!(get("/dev/stdout").command().stdout(log.try_clone().unwrap()).status().unwrap().success());
    }
    assert_eq!(fs::read(scratch.root().join("log")).unwrap(), b"contentcontent");
    let names: BTreeSet<_> = fs::read_dir(scratch.root()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(names, [".regtree", "docker", "link", "log", "new", "other"].map(Into::into).into());
}

#[test]
fn a_range_is_exact() {
    let scratch = Scratch::new();
    let content: Vec<u8> = (0..=255).cycle().take(1_000_000).collect();
    let digest = scratch.put("lib/app", &content).to_string();
    let get = |range: &str| scratch.run(["blob", "get", "lib/app", &digest, "--range", range]);
    for (range, expected) in [
        ("0-0", &content[..1]),
        ("0-999999", &content[..]),
        ("999999-999999", &content[999_999..]),
        ("300000-700000", &content[300_000..=700_000]),
        ("999990-", &content[999_990..]),
    ] {
        assert!(get(range).code(0).bytes() == expected, "{range}");
    }
    for range in ["1000000-", "0-1000000", "1000000-1000001", "5-18446744073709551615"] {
        get(range).code(2).silent().says([range, &digest, "1000000 bytes"]);
    }
    for range in ["1-0", "x", "", "-5", "1"] {
        scratch.run(["blob", "get", "lib/app", &digest, &format!("--range={range}")]).code(2).silent();
    }
    let empty = scratch.put("lib/app", b"").to_string();
    scratch.run(["blob", "get", "lib/app", &empty, "--range", "0-"]).code(2).says(["0 bytes"]);
    assert!(scratch.run(["blob", "get", "lib/app", &empty]).code(0).bytes().is_empty());
}

#[test]
fn a_range_of_damaged_content_is_not_verified_as_the_help_says() {
    let scratch = Scratch::new();
    let digest = scratch.put("lib/app", b"content");
    fs::write(scratch.blob(digest), "cOntent").unwrap();
    let get = ["blob", "get", "lib/app", &digest.to_string(), "--range", "1-3"];
    assert_eq!(scratch.run(get).code(0).bytes(), b"Ont");
    assert!(Regtree::new(["blob", "get", "--help"]).ok().out().contains("is not verified"));
}

#[test]
fn delete_takes_the_link_and_nothing_else() {
    let (scratch, [sha256, sha384, sha512]) = aliased();
    let other = scratch.put("other", b"content");
    let delete = |digest: Digest| scratch.run(["blob", "delete", "lib/app", &digest.to_string()]);
    assert_eq!(delete(sha512).code(0).answer(), sha512.to_string());
    delete(sha512).code(4);
    scratch.run(["blob", "get", "lib/app", &sha512.to_string()]).code(4);
    // Content, the canonical link, other aliases, other repositories and the link's directory stay.
    for (repository, digest) in [("lib/app", sha256), ("lib/app", sha384), ("other", other)] {
        scratch.run(["blob", "get", repository, &digest.to_string()]).code(0);
    }
    assert!(scratch.link("lib/app", sha512).parent().unwrap().is_dir());
    delete(sha256).code(0);
    assert_eq!(scratch.run(["blob", "get", "lib/app", &sha384.to_string()]).code(0).bytes(), b"content");
}

#[test]
fn delete_with_all_aliases_takes_every_name_whichever_is_given() {
    for which in 0..3 {
        let (scratch, digests) = aliased();
        let kept = scratch.put("lib/app", b"something else");
        let given = digests[which].to_string();
        let gone = scratch.run(["blob", "delete", "lib/app", &given, "--all-aliases"]).code(0).lines();
        let expected: BTreeSet<String> = digests.iter().map(ToString::to_string).collect();
        assert_eq!(gone.into_iter().collect::<BTreeSet<_>>(), expected);
        assert_eq!(scratch.run(["blob", "list", "lib/app"]).code(0).lines(), [kept.to_string()]);
    }
}

#[test]
fn a_dry_run_of_delete_says_the_same_and_removes_nothing() {
    let (scratch, [sha256, _, sha512]) = aliased();
    let before = crate::support::snapshot(scratch.root());
    let arguments = ["blob", "delete", "lib/app", &sha256.to_string(), &sha512.to_string(), "--all-aliases"];
    let dry = scratch.run([&arguments[..], &["-n"]].concat()).code(0).says(["nothing was removed (dry run)"]);
    assert_eq!(crate::support::snapshot(scratch.root()), before);
    assert_eq!(dry.lines(), scratch.run(arguments).code(0).lines());
    let json = scratch.put("lib/app", b"x").to_string();
    let event = scratch.run(["blob", "delete", "lib/app", &json, "-n", "--json"]).code(0).json();
    assert_eq!(
        event,
        json!({ "repository": "lib/app", "digest": json, "dry_run": true, "gone": false, "type": "unlink", "schema_version": 1 })
    );
}

#[test]
fn a_link_that_is_broken_or_dangles_can_be_deleted() {
    let scratch = Scratch::new();
    let digest = scratch.put("lib/app", b"content");
    fs::write(scratch.link("lib/app", digest), "").unwrap();
    scratch.run(["blob", "delete", "lib/app", &digest.to_string()]).code(0);
    scratch.put("lib/app", b"content");
    fs::remove_file(scratch.blob(digest)).unwrap();
    scratch.run(["blob", "delete", "lib/app", &digest.to_string()]).code(0);
    assert!(scratch.run(["blob", "list", "lib/app"]).code(0).out().is_empty());
}

#[test]
fn mount_links_the_canonical_digest_and_copies_nothing() {
    let (scratch, [sha256, _, sha512]) = aliased();
    let files = || walkdir::WalkDir::new(scratch.v2().join("blobs")).into_iter().count();
    let before = files();
    let mount = |digest: Digest, to: &str| {
        scratch.run(["blob", "mount", &digest.to_string(), "--from", "lib/app", "--to", to]).code(0).answer()
    };
    assert_eq!(mount(sha256, "by/canonical"), sha256.to_string());
    assert_eq!(mount(sha512, "by/alias"), sha256.to_string());
    assert_eq!(files(), before);
    let links = |name: &str| scratch.run(["blob", "list", name]).code(0).lines();
    assert_eq!(links("by/canonical"), [sha256.to_string()]);
    assert_eq!(links("by/alias"), [sha256.to_string(), sha512.to_string()]);
    // A registry would write the alias's own digest here, which leads nowhere.
    assert_eq!(fs::read_to_string(scratch.link("by/alias", sha512)).unwrap(), sha256.to_string());
    assert_eq!(scratch.run(["blob", "get", "by/alias", &sha512.to_string()]).code(0).bytes(), b"content");
    mount(sha256, "by/canonical");
}

#[test]
fn mount_passes_on_nothing_that_is_not_there() {
    let scratch = Scratch::new();
    let digest = scratch.put("lib/app", b"content");
    fs::remove_file(scratch.blob(digest)).unwrap();
    let mount = ["blob", "mount", &digest.to_string(), "--from", "lib/app", "--to", "other"];
    scratch.run(mount).code(4).says(["its content is missing", "lib/app", &digest.to_string()]);
    assert!(!scratch.repository("other").exists());
}

#[test]
fn list_streams_sorted_digests_of_the_tree_or_a_repository() {
    let scratch = Scratch::new();
    let mut all: Vec<String> = (0..50).map(|i| scratch.put("many", &[i]).to_string()).collect();
    let alone = scratch.put("one", b"alone").to_string();
    all.push(alone.clone());
    all.sort();
    assert_eq!(scratch.run(["blob", "list"]).code(0).lines(), all);
    assert_eq!(scratch.run(["blob", "list", "one"]).code(0).answer(), alone);
    assert_eq!(scratch.run(["blob", "list", "one", "--long"]).code(0).lines(), [format!("{alone}           5 B")]);
    assert_eq!(
        scratch.run(["blob", "list", "one", "--json"]).code(0).json(),
        json!({
            "digest": alone, "type": "blob", "schema_version": 1,
        })
    );
    let long = scratch.run(["blob", "list", "--long", "--json"]).code(0).json_lines();
    assert_eq!(long.iter().map(|line| line["size"].as_u64().unwrap()).sum::<u64>(), 55);
}

#[test]
fn a_long_list_shows_aliases_and_what_is_missing() {
    let (scratch, [sha256, sha384, sha512]) = aliased();
    let long = || scratch.run(["blob", "list", "lib/app", "--long"]);
    let line = |size: &str, key: Digest| {
        let alias = if key == sha256 { String::new() } else { format!("  -> {sha256}") };
        format!("{key}  {size:>12}{alias}")
    };
    assert_eq!(long().code(0).lines(), [sha256, sha384, sha512].map(|key| line("7 B", key)));
    fs::remove_file(scratch.blob(sha256)).unwrap();
    assert_eq!(long().code(3).lines(), [sha256, sha384, sha512].map(|key| line("missing", key)));
    // Names cost nothing and promise nothing.
    scratch.run(["blob", "list", "lib/app"]).code(0);
}

/// How often a listing of the tree asks for a file's state, counted by strace.
fn looks(scratch: &Scratch, arguments: &[&str]) -> usize {
    let trace = scratch.root().join("trace");
    let strace = strace(&["-e", "trace=%%stat", "-o", trace.to_str().unwrap()]);
    scratch.regtree(arguments).behind(strace).run().code(0);
    // A call that another thread interrupts has two lines.
    fs::read_to_string(trace)
        .unwrap()
        .lines()
        .filter(|line| line.contains("stat") && !line.contains("resumed>"))
        .count()
}

#[test]
fn a_listing_takes_one_look_for_each_blob() {
    let scratch = Scratch::new();
    scratch.put("many", b"first");
    let calls: [&[&str]; 2] = [&["blob", "list"], &["blob", "list", "many"]];
    let before = calls.map(|call| looks(&scratch, call));
    for i in 0..60_u8 {
        scratch.put("many", &[i]);
    }
    assert_eq!(calls.map(|call| looks(&scratch, call)), before.map(|before| before + 60));
}

#[test]
fn repositories_are_found_by_any_of_their_folders_wherever_they_nest() {
    let scratch = Scratch::new();
    for path in
        ["b/_layers", "a/_manifests", "a/b/c/_uploads", "a-b/_layers", "Host.example/x/_layers", "empty/nothing"]
    {
        fs::create_dir_all(scratch.repository(path)).unwrap();
    }
    fs::write(scratch.repository("a/README"), "a stray file").unwrap();
    // A repository of today may well be called as the alphas called their folders.
    let alike = [
        "lib/layers",
        "lib/layers/tarsum/v1",
        "lib/manifests/revisions/sha256/x",
        "lib/manifests/tags",
        "lib/uploads/x",
    ];
    for name in alike {
        fs::create_dir_all(scratch.repository(name).join("_layers")).unwrap();
    }
    let names = [&["Host.example/x", "a", "a-b", "a/b/c", "b"][..], &alike].concat();
    assert_eq!(scratch.run(["repo", "list"]).code(0).lines(), names);
    let events = scratch.run(["repo", "list", "--json"]).code(0).json_lines();
    let name = "Host.example/x";
    assert_eq!(events[0], json!({ "repository": name, "name": name, "type": "repository", "schema_version": 1 }));
    assert_eq!(events.len(), names.len());
}

#[test]
fn damage_in_a_listing_is_an_event_in_json() {
    let scratch = Scratch::new();
    let digest = scratch.put("lib/app", b"content");
    fs::remove_file(scratch.blob(digest)).unwrap();
    fs::create_dir(scratch.blob(digest)).unwrap();
    let events = scratch.run(["blob", "list", "--json"]).code(3).json_lines();
    let path = scratch.blob(digest);
    assert_eq!(
        events,
        [json!({
            "code": "DAMAGED", "message": format!("{} is a directory, expected a regular file", path.display()),
            "detail": { "path": scratch.below_root(&path), "expected": "a regular file", "found": "a directory" },
            "type": "damage", "schema_version": 1,
        })]
    );
}
