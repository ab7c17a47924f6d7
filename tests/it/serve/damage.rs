//! Damage: no client ends up with wrong content, and the log says why.

use std::fs;

use super::limits::raw;
use crate::support::planted::{Planted, blob_path, layer_path, revision_path, sha256, tag_path};
use crate::support::served::Served;

/// Content of several pieces.
fn content() -> Vec<u8> {
    (0..=255).cycle().take(300_000).collect()
}

fn flip(planted: &Planted, digest: &str, at: usize) {
    let path = planted.at(&blob_path(digest));
    let mut content = fs::read(&path).unwrap();
    content[at] ^= 1;
    fs::write(path, content).unwrap();
}

#[test]
fn a_damaged_blob_is_cut_off_before_its_end() {
    for (at, cut_to) in [(0, None), (299_999, None), (150_000, Some(200_000)), (0, Some(65_536)), (0, Some(1))] {
        let planted = Planted::new();
        let digest = planted.layer("app", content());
        flip(&planted, &digest, at);
        if let Some(length) = cut_to {
            let file = fs::OpenOptions::new().write(true).open(planted.at(&blob_path(&digest))).unwrap();
            file.set_len(length).unwrap();
        }
        let stored = fs::read(planted.at(&blob_path(&digest))).unwrap();
        let served = Served::serve(planted.root());
        let request = format!("GET /v2/app/blobs/{digest} HTTP/1.1\r\nHost: x\r\n\r\n");
        let reply = raw(served.address(), request.as_bytes());
        let (head, body) = reply.split_at(reply.windows(4).position(|end| end == b"\r\n\r\n").unwrap() + 4);
        let head = String::from_utf8_lossy(head);
        assert!(head.contains(&format!("Content-Length: {}\r\n", stored.len())), "{head}");
        assert!(body.len() < stored.len() && stored.starts_with(body), "{} of {}", body.len(), stored.len());

        // Of a damaged blob not even a part is given, for a client would put it to the bytes that it has.
        let path = format!("/v2/app/blobs/{digest}");
        assert_eq!(served.request("GET", &path, &[("range", "bytes=0-0")]).status, 404);
        let said = served.stop();
        assert_eq!(said.matches("cut off: ").count(), 1, "{said}");
        assert_eq!(said.matches(&planted.at(&blob_path(&digest)).display().to_string()).count(), 2, "{said}");

        let served = Served::serve_with(planted.root(), &["--no-verify"]);
        assert!(served.get(&path).body == stored);
        assert_eq!(served.request("GET", &path, &[("range", "bytes=0-0")]).body, stored[..1]);
    }
}

#[test]
fn the_head_of_an_answer_arrives_though_all_of_its_content_is_withheld() {
    let planted = Planted::new();
    let digest = planted.layer("app", "content");
    flip(&planted, &digest, 3);
    let served = Served::serve(planted.root());
    let request = format!("GET /v2/app/blobs/{digest} HTTP/1.1\r\nHost: x\r\n\r\n");
    // A client that gets nothing at all may think that its connection was too old, and try again.
    for _ in 0..100 {
        let reply = String::from_utf8(raw(served.address(), request.as_bytes())).unwrap();
        assert!(reply.starts_with("HTTP/1.1 200 OK\r\n") && reply.ends_with("\r\n\r\n"), "{reply}");
    }
}

#[test]
fn an_empty_blob_is_served_only_if_it_is_one() {
    let planted = Planted::new();
    let (empty, emptied) = (planted.layer("app", ""), planted.layer("app", "content"));
    planted.plant(&blob_path(&emptied), "");
    let served = Served::serve(planted.root());
    let reply = served.get(&format!("/v2/app/blobs/{empty}"));
    assert_eq!((reply.status, reply.header("content-length").as_str()), (200, "0"));
    assert_eq!(served.get(&format!("/v2/app/blobs/{emptied}")).status, 404);
}

#[test]
fn an_alias_that_says_wrong_is_damage_too() {
    let planted = Planted::new();
    let (one, alias) = (planted.layer("app", "one"), planted.alias("app", "other"));
    planted.plant(&layer_path("app", &alias), &one);
    let served = Served::serve(planted.root());
    let request = format!("GET /v2/app/blobs/{alias} HTTP/1.1\r\nHost: x\r\n\r\n");
    assert!(raw(served.address(), request.as_bytes()).ends_with(b"\r\n\r\n"));
    assert!(served.stop().contains("cut off: "));
}

#[test]
fn other_damage_is_answered_as_if_nothing_were_there_and_the_log_says_what_it_is() {
    let planted = Planted::new();
    let plant = |tag: &str| planted.tagged_image("app", tag, tag);
    let [corrupt, linkless, lost, unknown] = ["corrupt", "linkless", "lost", "broken-link"].map(plant);
    flip(&planted, &corrupt, 3);
    planted.remove(&(revision_path("app", &linkless) + "/link"));
    planted.remove(&blob_path(&lost));
    planted.plant(&(revision_path("app", &unknown) + "/link"), "");
    plant("broken-tag");
    planted.plant(&(tag_path("app", "broken-tag") + "/current/link"), "\n");
    let layer = planted.layer("app", "a layer");
    planted.plant(&layer_path("app", &layer), "junk");
    let kindless = planted.manifest("app", &serde_json::json!({ "schemaVersion": 7 }));
    planted.tag("app", "kindless", &kindless);

    let served = Served::serve(planted.root());
    for tag in ["corrupt", "linkless", "lost", "broken-link", "broken-tag", "kindless"] {
        let reply = served.get(&format!("/v2/app/manifests/{tag}"));
        assert_eq!(reply.status, 404, "{tag}");
        assert!(reply.body.starts_with(b"{\"errors\":[{\"code\":\"MANIFEST_UNKNOWN\""), "{tag}");
    }
    assert_eq!(served.get(&format!("/v2/app/blobs/{layer}")).status, 404);
    let said = served.stop();
    for line in said.lines().filter(|line| line.contains(" GET ")) {
        assert!(line.contains(" 404 ") && line.contains(" ms: "), "{line}");
    }
    for digest in [&corrupt, &linkless, &lost, &unknown, &layer, &kindless] {
        assert!(said.contains(digest.as_str()), "{digest}: {said}");
    }
}

#[test]
fn a_list_that_can_t_be_read_whole_is_not_served() {
    let planted = Planted::new();
    // As a user; root may read everything.
    if !rustix::process::geteuid().is_root() {
        return;
    }
    for repository in ["open", "shut"] {
        planted.tagged_image(repository, "v1", "an image");
    }
    let (user, shut) = ("61236", planted.at("repositories/shut/_manifests"));
    let change = |program: &str, arguments: &[&str], path: &std::path::Path| {
        assert!(std::process::Command::new(program).args(arguments).arg(path).status().unwrap().success());
    };
    change("chown", &["-R", user], planted.root());
    change("chown", &["root"], &shut);
    change("chmod", &["700"], &shut);
    let mut command = std::process::Command::new("setpriv");
    command.args(["--reuid", user, "--regid", user, "--clear-groups", env!("CARGO_BIN_EXE_regtree"), "serve"]);
    command.args(["--listen", "127.0.0.1:0", "--root"]).arg(planted.root());
    let served = Served::start(command);
    assert_eq!(served.get("/v2/open/tags/list").status, 200);
    for path in ["/v2/shut/tags/list", "/v2/shut/manifests/v1", &format!("/v2/shut/referrers/{}", sha256(b"x"))] {
        let reply = served.get(path);
        assert!(
            reply.status == 500 && reply.body.starts_with(b"{\"errors\":[{\"code\":\"UNKNOWN\""),
            "{path}: {reply:?}"
        );
    }
    assert!(served.stop().contains("ermission denied"));
}

#[test]
fn a_broken_tag_is_listed_as_a_registry_lists_it() {
    let planted = Planted::new();
    for tag in ["b", "a"] {
        planted.tagged_image("app", tag, tag);
    }
    planted.plant(&(tag_path("app", "a") + "/current/link"), "");
    let served = Served::serve(planted.root());
    assert_eq!(served.get("/v2/app/tags/list").body, b"{\"name\":\"app\",\"tags\":[\"a\",\"b\"]}\n");
    let said = served.stop();
    assert!(said.contains("200") && said.contains("the link") || said.contains("tag a"), "{said}");
}
