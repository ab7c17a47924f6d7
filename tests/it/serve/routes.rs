//! What is served, and what is refused.

use serde_json::{Value, json};

use crate::support::planted::{Planted, blob_path, hex_of, schema1, sha256, sha512, tag_path};
use crate::support::served::Served;

const INDEX: &str = "application/vnd.oci.image.index.v1+json";

/// The code of an error in the API's shape.
#[track_caller]
fn code(body: &[u8]) -> String {
    let document: Value = serde_json::from_slice(body).unwrap();
    document["errors"][0]["code"].as_str().unwrap().to_owned()
}

#[test]
fn a_manifest_is_served_by_tag_and_digest_in_its_own_kind() {
    let planted = Planted::new();
    let image = planted.tagged_image("library/app", "v1", "an image");
    let index = planted.index("library/app", &[&image]);
    planted.tag("library/app", "all", &index);
    let served = Served::serve(planted.root());
    for (reference, digest, kind) in [
        ("v1", &image, "application/vnd.oci.image.manifest.v1+json"),
        (&image, &image, "application/vnd.oci.image.manifest.v1+json"),
        ("all", &index, INDEX),
    ] {
        let path = format!("/v2/library/app/manifests/{reference}");
        // What the client accepts chooses nothing.
        for accept in [&[][..], &[("accept", "application/vnd.docker.distribution.manifest.v2+json")][..]] {
            let [get, head] = ["GET", "HEAD"].map(|method| served.request(method, &path, accept));
            assert_eq!(get.body, std::fs::read(planted.at(&blob_path(digest))).unwrap());
            assert_eq!((head.body.len(), head.header("content-length")), (0, get.body.len().to_string()));
            for reply in [get, head] {
                assert_eq!((reply.status, reply.header("content-type")), (200, kind.to_owned()));
                assert_eq!(reply.header("docker-content-digest"), *digest);
                assert_eq!(reply.header("docker-distribution-api-version"), "registry/2.0");
                assert_eq!(reply.header("etag"), format!("\"{digest}\""));
            }
        }
        let known = served.request("GET", &path, &[("if-none-match", &format!("\"{digest}\""))]);
        assert_eq!((known.status, known.body.len(), known.header("etag")), (304, 0, format!("\"{digest}\"")));
    }
    for (reference, expected) in [("v2", "MANIFEST_UNKNOWN"), (&sha512(b"x"), "MANIFEST_UNKNOWN")] {
        let reply = served.get(&format!("/v2/library/app/manifests/{reference}"));
        assert_eq!((reply.status, code(&reply.body).as_str()), (404, expected));
    }
}

#[test]
fn a_blob_is_served_whole_or_in_part_and_an_alias_by_its_own_digest() {
    let planted = Planted::new();
    let content: Vec<u8> = (0..=255).cycle().take(200_000).collect();
    let digest = planted.layer("a/b", &content);
    let alias = planted.alias("a/b", &content);
    let served = Served::serve(planted.root());
    for asked in [&digest, &alias] {
        let path = format!("/v2/a/b/blobs/{asked}");
        let whole = served.get(&path);
        assert!(whole.status == 200 && whole.body == content);
        assert_eq!(whole.header("docker-content-digest"), digest);
        assert_eq!(whole.header("cache-control"), "max-age=31536000");
        assert_eq!(whole.header("content-type"), "application/octet-stream");
        let head = served.head(&path);
        assert_eq!((head.status, head.body.len(), head.header("content-length").as_str()), (200, 0, "200000"));

        for (range, part) in [
            ("bytes=0-0", 0..1),
            ("bytes=100000-150000", 100_000..150_001),
            ("bytes=199999-", 199_999..200_000),
            ("bytes=-7", 199_993..200_000),
        ] {
            let reply = served.request("GET", &path, &[("range", range)]);
            assert_eq!(reply.status, 206, "{range}");
            let said = format!("bytes {}-{}/200000", part.start, part.end - 1);
            assert_eq!((reply.header("content-range"), reply.header("content-length")), (said, part.len().to_string()));
            assert!(reply.body == content[part], "{range}");
        }
        for range in ["bytes=200000-", "bytes=5-2", "junk"] {
            let reply = served.request("GET", &path, &[("range", range)]);
            assert_eq!((reply.status, reply.header("content-range").as_str()), (416, "bytes */200000"), "{range}");
            assert_eq!(code(&reply.body), "RANGE_INVALID");
        }
        let known = served.request("GET", &path, &[("if-none-match", &format!("\"{digest}\""))]);
        assert_eq!((known.status, known.body.len()), (304, 0));
        let other = [("range", "bytes=0-0"), ("if-range", "\"other\"")];
        assert_eq!(served.request("GET", &path, &other).status, 200);
    }
    // Another repository has no link to it.
    let reply = served.get(&format!("/v2/a/blobs/{digest}"));
    assert_eq!((reply.status, code(&reply.body).as_str()), (404, "BLOB_UNKNOWN"));
}

#[test]
fn lists_come_in_parts_that_lead_to_each_other() {
    let planted = Planted::new();
    for repository in ["b", "a-b", "a/b", "a"] {
        let digest = planted.image(repository, repository);
        for tag in ["z", "latest", "10", "9"] {
            planted.tag(repository, tag, &digest);
        }
    }
    planted.plant("repositories/empty/_manifests/tags/.keep", "");
    planted.remove("repositories/empty/_manifests/tags/.keep");
    let served = Served::serve(planted.root());
    let walk = |start: &str, field: &str| {
        let (mut next, mut names) = (start.to_owned(), Vec::new());
        while !next.is_empty() {
            let reply = served.get(&next);
            let document: Value = serde_json::from_slice(&reply.body).unwrap();
            names.extend(document[field].as_array().unwrap().iter().map(|name| name.as_str().unwrap().to_owned()));
            let link = reply.header("link");
            next = link.strip_prefix('<').and_then(|link| link.split('>').next()).unwrap_or_default().to_owned();
        }
        names
    };
    for n in 1..6 {
        let repositories = walk(&format!("/v2/_catalog?n={n}"), "repositories");
        assert_eq!(repositories, ["a", "a/b", "a-b", "b", "empty"], "{n}");
        assert_eq!(walk(&format!("/v2/a/b/tags/list?n={n}"), "tags"), ["10", "9", "latest", "z"], "{n}");
    }
    assert_eq!(served.get("/v2/empty/tags/list").body, b"{\"name\":\"empty\",\"tags\":[]}\n");
    assert_eq!(served.get("/v2/_catalog?n=0").body, b"{\"repositories\":[]}\n");
    let head = served.head("/v2/a/tags/list");
    assert_eq!((head.status, head.body.len()), (200, 0));
    assert_eq!(head.header("content-length"), served.get("/v2/a/tags/list").body.len().to_string());
    // There are clients that ask for all tags in this way.
    assert_eq!(served.get("/v2/a/tags/list?n=10000").body, served.get("/v2/a/tags/list").body);
    for path in ["/v2/_catalog?n=1001", "/v2/a/tags/list?n=-1", "/v2/a/tags/list?n=many"] {
        let reply = served.get(path);
        assert_eq!((reply.status, code(&reply.body).as_str()), (400, "PAGINATION_NUMBER_INVALID"), "{path}");
    }
    let reply = served.get("/v2/none/tags/list");
    assert_eq!((reply.status, code(&reply.body).as_str()), (404, "NAME_UNKNOWN"));
}

#[test]
fn referrers_are_an_index_and_can_be_filtered() {
    let planted = Planted::new();
    let image = planted.tagged_image("app", "v1", "an image");
    let referrer = planted.referrer("app", &image, "a signature");
    let served = Served::serve(planted.root());
    let path = format!("/v2/app/referrers/{image}");
    let reply = served.get(&path);
    assert_eq!((reply.status, reply.header("content-type").as_str()), (200, INDEX));
    assert_eq!(reply.header("oci-filters-applied"), "");
    let index: Value = serde_json::from_slice(&reply.body).unwrap();
    assert_eq!((&index["schemaVersion"], &index["mediaType"]), (&json!(2), &json!(INDEX)));
    let [found] = index["manifests"].as_array().unwrap().as_slice() else { panic!("{index}") };
    assert_eq!(found["digest"], json!(referrer));
    let kind = found["artifactType"].as_str().unwrap();

    for (wanted, count) in [(kind, 1), ("application/other", 0)] {
        let reply = served.get(&format!("{path}?artifactType={}", wanted.replace('+', "%2B")));
        let index: Value = serde_json::from_slice(&reply.body).unwrap();
        assert_eq!(index["manifests"].as_array().unwrap().len(), count, "{wanted}");
        assert_eq!(reply.header("oci-filters-applied"), "artifactType");
    }
    // A client has listed one that is there and says nothing of it, and one that is gone.
    let listed = planted.index("app", &[&planted.image("app", "listed"), &sha256(b"gone")]);
    planted.tag("app", &image.replace(':', "-"), &listed);
    let index: Value = serde_json::from_slice(&served.get(&path).body).unwrap();
    assert_eq!(index["manifests"].as_array().unwrap().len(), 2, "{index}");

    let none = served.get(&format!("/v2/app/referrers/sha256:{}", "0".repeat(64)));
    assert_eq!((none.status, none.header("content-type").as_str()), (200, INDEX));
    let reply = served.get(&format!("/v2/none/referrers/{image}"));
    assert_eq!((reply.status, code(&reply.body).as_str()), (404, "NAME_UNKNOWN"));
}

#[test]
fn schema1_is_served_with_its_signatures_or_not_at_all() {
    let truth = crate::support::vectors::tree("2.4.1");
    let served = Served::serve(truth.root());
    let mut signed = 0;
    for line in truth.run(["repo", "list"]).out().lines() {
        for tag in truth.run(["tag", "list", line]).out().lines() {
            let bytes = truth.run(["manifest", "get", line, tag, "--signed"]);
            if bytes.exit() != Some(0) {
                continue;
            }
            signed += 1;
            let reply = served.get(&format!("/v2/{line}/manifests/{tag}"));
            assert_eq!(reply.header("content-type"), "application/vnd.docker.distribution.manifest.v1+prettyjws");
            assert_eq!(String::from_utf8(reply.body).unwrap(), bytes.out());
        }
    }
    assert!(signed > 0);

    let planted = Planted::new();
    let layer = planted.layer("old", "a layer");
    let manifest = planted.manifest("old", &schema1("old", &[&layer]));
    planted.tag("old", "1", &manifest);
    let served = Served::serve(planted.root());
    let reply = served.get("/v2/old/manifests/1");
    assert_eq!((reply.status, code(&reply.body).as_str()), (404, "MANIFEST_UNKNOWN"));
    let said = served.stop();
    assert!(said.contains("signatures") && said.contains(hex_of(&manifest)), "{said}");
}

#[test]
fn a_layer_of_an_old_registry_is_served_by_its_tarsum() {
    let mut count = 0;
    for version in ["2.0.0-alpha.0", "2.0.0-alpha.3", "2.0.0"] {
        let tree = crate::support::vectors::tree(version);
        let served = Served::serve(tree.root());
        for repository in tree.run(["repo", "list"]).out().lines() {
            for link in tree.run(["blob", "list", repository, "--long", "--json"]).json_lines() {
                let digest = link["digest"].as_str().unwrap();
                if !digest.starts_with("tarsum") {
                    continue;
                }
                count += 1;
                let reply = served.get(&format!("/v2/{repository}/blobs/{digest}"));
                assert_eq!(reply.status, 200, "{version} {digest}");
                assert_eq!(reply.header("docker-content-digest"), link["target"].as_str().unwrap_or(digest));
                assert!(reply.body == tree.run(["blob", "get", repository, digest]).bytes(), "{version} {digest}");
            }
        }
        let said = served.stop();
        assert!(!said.contains("cut off") && !said.contains("not verified"), "{said}");
    }
    assert!(count >= 10, "{count}");
}

#[test]
fn whatever_would_change_something_is_refused() {
    let planted = Planted::new();
    let digest = planted.layer("app", "a layer");
    let before = crate::support::snapshot(planted.root());
    let served = Served::serve(planted.root());
    let blob = format!("/v2/app/blobs/{digest}");
    for (method, path) in [
        ("POST", "/v2/app/blobs/uploads/"),
        ("GET", "/v2/app/blobs/uploads/"),
        ("GET", "/v2/app/blobs/uploads/0000"),
        ("PATCH", "/v2/app/blobs/uploads/0000"),
        ("PUT", "/v2/app/manifests/v1"),
        ("DELETE", "/v2/app/manifests/v1"),
        ("DELETE", &blob),
        ("OPTIONS", "/v2/"),
        ("POST", "/v2/"),
        ("POST", "/elsewhere"),
    ] {
        let reply = served.request(method, path, &[]);
        assert_eq!((reply.status, code(&reply.body).as_str()), (405, "UNSUPPORTED"), "{method} {path}");
        assert_eq!(reply.header("allow"), "GET, HEAD");
    }
    drop(served);
    assert_eq!(crate::support::snapshot(planted.root()), before);
}

#[test]
fn each_request_sees_the_tree_as_it_is() {
    let planted = Planted::new();
    let [old, new] = ["old", "new"].map(|words| planted.image("app", words));
    planted.tag("app", "v1", &old);
    let served = Served::serve(planted.root());
    let tagged = || served.get("/v2/app/manifests/v1").header("docker-content-digest");
    assert_eq!(tagged(), old);
    planted.plant(&(tag_path("app", "v1") + "/current/link"), &new);
    assert_eq!(tagged(), new);

    let layer = planted.layer("app", "right");
    let path = format!("/v2/app/blobs/{layer}");
    planted.plant(&blob_path(&layer), "");
    assert_eq!(served.get(&path).status, 404);
    planted.plant(&blob_path(&layer), "right");
    assert_eq!(served.get(&path).body, b"right");

    // The whole tree may be moved away and come back.
    let away = planted.root().with_extension("away");
    std::fs::rename(planted.root().join("docker"), &away).unwrap();
    assert_eq!((served.get("/v2/").status, served.get("/v2/app/manifests/v1").status), (503, 503));
    std::fs::rename(&away, planted.root().join("docker")).unwrap();
    assert_eq!(tagged(), new);
}
