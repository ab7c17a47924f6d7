//! Real clients pull from a tree that is served, and get what is in it: skopeo, podman, curl.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use serde_json::Value;

use crate::support::image::{Image, file_name, index_of, lay_out_index, noise};
use crate::support::mounted::Mounted;
use crate::support::peers::{Containers, curl, skopeo, try_skopeo};
use crate::support::planted::{Planted, blob_path, hex_of, sha256};
use crate::support::served::Served;
use crate::support::{Regtree, Scratch, snapshot, vectors};

/// Two images and their index.
fn images() -> ([Image; 2], String) {
    let images = [Image::of("amd64", 1), Image::of("arm64", 7)];
    let index = sha256(&index_of(&[&images[0], &images[1]]));
    (images, index)
}

/// Puts them in a tree, as `lib/app:v1`.
fn import(root: &Path, [amd64, arm64]: &[Image; 2]) {
    let source = tempfile::tempdir().unwrap();
    lay_out_index(&[amd64, arm64], source.path());
    let source = source.path().to_str().unwrap();
    Regtree::at(root, ["import", source, "--repository", "lib/app", "--tag", "v1"]).ok();
}

/// What skopeo has to name to pull it.
fn docker(served: &Served, image: &str) -> String {
    format!("docker://{}/{image}", served.address())
}

/// Copies an image with these options, and returns the directory.
fn copy(image: &str, options: &[&str]) -> tempfile::TempDir {
    let directory = tempfile::tempdir().unwrap();
    let target = format!("dir:{}", directory.path().display());
    skopeo(&[&["copy", "--quiet", "--src-tls-verify=false"], options, &[image, &target]].concat());
    directory
}

/// The content of a file of a copy.
fn content(directory: &Path, name: &str) -> Vec<u8> {
    fs::read(directory.join(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// The names of the files that a copy of this manifest has beside it.
fn files_of(directory: &Path, manifest: &[u8]) -> BTreeSet<String> {
    let manifest: Value = serde_json::from_slice(manifest).unwrap();
    let list = |field: &str| manifest[field].as_array().cloned().unwrap_or_default();
    let hex = |descriptor: &Value| hex_of(descriptor["digest"].as_str().unwrap()).to_owned();
    let mut files: BTreeSet<String> = list("layers").iter().map(hex).collect();
    files.extend(manifest["config"].is_object().then(|| hex(&manifest["config"])));
    for child in list("manifests") {
        let name = hex(&child) + ".manifest.json";
        files.extend(files_of(directory, &content(directory, &name)));
        files.insert(name);
    }
    files
}

/// Whether every file of a copy has the content that it is named by.
fn is_right(directory: &Path) -> bool {
    let names = fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut named = names.filter(|name| name.len() >= 64);
    named.all(|name| file_name(&content(directory, &name)) == name[..64])
}

/// Expects a copy to be the manifest with this digest, with all that it leads to.
#[track_caller]
fn assert_is(directory: &Path, digest: &str) {
    let manifest = content(directory, "manifest.json");
    assert_eq!(sha256(&manifest), digest);
    let mut expected = files_of(directory, &manifest);
    expected.extend(["manifest.json", "version"].map(str::to_owned));
    let found = fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    assert_eq!(found.collect::<BTreeSet<_>>(), expected);
    assert!(is_right(directory));
}

#[test]
fn skopeo_copies_an_image_by_tag_by_digest_by_platform_and_whole() {
    let (scratch, (images, index)) = (Scratch::new(), images());
    import(scratch.root(), &images);
    let served = Served::serve(scratch.root());
    let [amd64, arm64] = images.map(|image| sha256(&image.manifest));
    let by_tag = docker(&served, "lib/app:v1");
    assert_is(copy(&by_tag, &["--all"]).path(), &index);
    for (architecture, digest) in [("amd64", &amd64), ("arm64", &arm64)] {
        let platform = ["--override-arch", architecture, "--override-os", "linux"];
        let directory = tempfile::tempdir().unwrap();
        let target = format!("dir:{}", directory.path().display());
        skopeo(&[&platform[..], &["copy", "--quiet", "--src-tls-verify=false", &by_tag, &target]].concat());
        assert_is(directory.path(), digest);
        assert_is(copy(&docker(&served, &format!("lib/app@{digest}")), &[]).path(), digest);
    }
    assert_is(copy(&docker(&served, &format!("lib/app@{index}")), &["--all"]).path(), &index);
}

#[test]
fn skopeo_copies_every_tag_of_trees_that_registries_wrote() {
    for version in ["2.3.0", "2.8.2-debian", "main"] {
        let (truth, tree) = (vectors::truth(version), vectors::tree(version));
        let served = Served::serve(tree.root());
        let mut copied = 0;
        for (name, repository) in truth["repositories"].as_object().unwrap() {
            for (tag, tagged) in repository["tags"].as_object().unwrap() {
                let digest = tagged["digest"].as_str().unwrap();
                // skopeo takes no schema1 of an invented history, no index of indexes, and no layer by its sha512.
                let manifest = &repository["manifests"][digest];
                if manifest["kind"] == "schema1" || tag == "deep" || manifest.to_string().contains("sha512:") {
                    continue;
                }
                assert_is(copy(&docker(&served, &format!("{name}:{tag}")), &["--all"]).path(), digest);
                copied += 1;
            }
        }
        assert!(copied > 2, "{version}");
    }
}

#[test]
fn skopeo_inspects_schema1_with_its_signatures() {
    let tree = vectors::tree("2.4.1");
    let served = Served::serve(tree.root());
    let inspected = skopeo(&["inspect", "--raw", "--tls-verify=false", &docker(&served, "lib:legacy")]);
    assert_eq!(tree.run(["manifest", "get", "lib", "legacy", "--signed"]).out(), inspected);
}

#[test]
fn skopeo_inspects_an_image_and_lists_the_tags() {
    let (scratch, (images, index)) = (Scratch::new(), images());
    import(scratch.root(), &images);
    scratch.regtree(["tag", "set", "lib/app", "latest", &sha256(&images[0].manifest)]).ok();
    let served = Served::serve(scratch.root());
    let inspect = |options: &[&str], image: &str| {
        let image = docker(&served, image);
        skopeo(&[&["inspect", "--tls-verify=false"], options, &[&image]].concat())
    };
    let inspected: Value = serde_json::from_str(&inspect(&[], "lib/app:latest")).unwrap();
    assert_eq!(inspected["Digest"], sha256(&images[0].manifest));
    assert_eq!(inspected["RepoTags"], serde_json::json!(["latest", "v1"]));
    assert_eq!(sha256(inspect(&["--raw"], "lib/app:v1").as_bytes()), index);
    assert_eq!(inspect(&["--raw", "--config"], "lib/app:latest").as_bytes(), images[0].config);
    let listed = skopeo(&["list-tags", "--tls-verify=false", &docker(&served, "lib/app")]);
    let listed: Value = serde_json::from_str(&listed).unwrap();
    assert_eq!(listed["Tags"], serde_json::json!(["latest", "v1"]));
}

#[test]
fn podman_pulls_an_image() {
    let (scratch, (images, _)) = (Scratch::new(), images());
    import(scratch.root(), &images);
    let served = Served::serve(scratch.root());
    let containers = Containers::beside(scratch.root());
    // It calls an image by the digest of its config.
    for (architecture, image) in ["amd64", "arm64"].into_iter().zip(&images) {
        let from = docker(&served, "lib/app:v1");
        let pull = ["pull", "--quiet", "--tls-verify=false", "--arch", architecture, &from];
        assert_eq!(containers.run("podman", &pull).trim(), file_name(&image.config));
    }
}

#[test]
fn curl_goes_on_where_a_download_ended() {
    let planted = Planted::new();
    let whole = noise(3, 300_000);
    let (digest, alias) = (planted.layer("app", &whole), planted.alias("app", &whole));
    let served = Served::serve(planted.root());
    for asked in [digest, alias] {
        let url = format!("http://{}/v2/app/blobs/{asked}", served.address());
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("layer");
        let output = ["--output", file.to_str().unwrap(), &url];
        // It asks once more when it has all.
        for (options, length) in [(["--range", "0-99999"], 100_000), (["-C", "-"], 300_000), (["-C", "-"], 300_000)] {
            assert_eq!(curl(&[&options[..], &output].concat()), (Some(0), String::new()));
            assert!(fs::read(&file).unwrap() == whole[..length], "{length}");
        }
    }
}

/// The digests of what refers to a manifest, of what refers to that, and so on.
fn referrers(served: &Served, subject: &str) -> BTreeSet<String> {
    let index: Value = serde_json::from_slice(&served.get(&format!("/v2/app/referrers/{subject}")).body).unwrap();
    let found = index["manifests"].as_array().unwrap().iter();
    let found: Vec<String> = found.map(|found| found["digest"].as_str().unwrap().to_owned()).collect();
    let further = found.iter().flat_map(|referrer| referrers(served, referrer)).collect::<Vec<_>>();
    found.into_iter().chain(further).collect()
}

#[test]
fn a_walk_along_the_referrers_finds_each_with_its_content() {
    let planted = Planted::new();
    let image = planted.tagged_image("app", "v1", "an image");
    planted.tagged_image("app", "v2", "another");
    let [signature, list] = ["a signature", "a list"].map(|words| planted.referrer("app", &image, words));
    let of_list = planted.referrer("app", &list, "a signature of the list");
    let served = Served::serve(planted.root());
    let found = referrers(&served, &image);
    assert_eq!(found, BTreeSet::from([signature, list, of_list]));
    for digest in found {
        let manifest = served.get(&format!("/v2/app/manifests/{digest}")).body;
        assert_eq!(sha256(&manifest), digest);
        assert_is(copy(&docker(&served, &format!("app@{digest}")), &[]).path(), &digest);
    }
}

#[test]
fn pulls_go_on_while_other_commands_work_on_the_tree() {
    let (scratch, (images, index)) = (Scratch::new(), images());
    import(scratch.root(), &images);
    let [amd64, arm64] = images.each_ref().map(|image| sha256(&image.manifest));
    scratch.regtree(["tag", "set", "lib/app", "moving", &amd64]).ok();
    let served = Served::serve(scratch.root());
    let is_over = AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| {
            for round in 0..12 {
                let garbage = noise(round + 100, 70_000);
                scratch.regtree(["blob", "put", "lib/app"]).stdin(garbage).ok();
                let target = if round % 2 == 0 { &arm64 } else { &amd64 };
                scratch.regtree(["tag", "set", "lib/app", "moving", target]).ok();
                scratch.regtree(["gc", "--min-age", "0"]).ok();
            }
            is_over.store(true, Ordering::Relaxed);
        });
        scope.spawn(|| {
            let blobs: Vec<String> = images.iter().flat_map(Image::blobs).map(sha256).collect();
            while !is_over.load(Ordering::Relaxed) {
                for digest in &blobs {
                    assert_eq!(sha256(&served.get(&format!("/v2/lib/app/blobs/{digest}")).body), *digest);
                }
                let moving = served.get("/v2/lib/app/manifests/moving");
                let digest = moving.header("docker-content-digest");
                assert!(digest == amd64 || digest == arm64, "{moving:?}");
                assert_eq!(sha256(&moving.body), digest);
                assert_eq!(
                    served.get("/v2/lib/app/tags/list").body,
                    b"{\"name\":\"lib/app\",\"tags\":[\"moving\",\"v1\"]}\n"
                );
            }
        });
        while !is_over.load(Ordering::Relaxed) {
            assert_is(copy(&docker(&served, "lib/app:v1"), &["--all"]).path(), &index);
        }
    });
    let said = served.stop();
    assert!(said.lines().filter(|line| line.contains("/v2/lib")).all(|line| line.contains(" 200 ")), "{said}");
}

#[test]
fn a_read_only_mount_is_served() {
    let (mut mounted, (images, index)) = (Mounted::tree("size=16m"), images());
    import(&mounted.root, &images);
    mounted.remount("ro");
    let before = snapshot(&mounted.root);
    let served = Served::serve(&mounted.root);
    assert_is(copy(&docker(&served, "lib/app:v1"), &["--all"]).path(), &index);
    let url = format!("http://{}/v2/lib/app/blobs/{}", served.address(), sha256(&images[0].layers[1]));
    let file = tempfile::NamedTempFile::new().unwrap();
    assert_eq!(curl(&["--fail", "--output", file.path().to_str().unwrap(), &url]), (Some(0), String::new()));
    assert!(fs::read(file.path()).unwrap() == images[0].layers[1]);
    let said = served.stop();
    assert!(!said.contains("Read-only"), "{said}");
    assert!(snapshot(&mounted.root) == before);
}

/// What may be wrong with content: other bytes, fewer, none, more.
const DAMAGE: [fn(&mut Vec<u8>); 5] = [
    |content| content[0] ^= 1,
    |content| *content.last_mut().unwrap() ^= 1,
    |content| content.truncate(content.len() / 2),
    Vec::clear,
    |content| content.push(b' '),
];

#[test]
fn no_client_ends_up_with_a_damaged_file() {
    let planted = Planted::new();
    let config = planted.layer("app", r#"{"architecture":"amd64","os":"linux"}"#);
    let (large, small) = (planted.layer("app", noise(1, 300_000)), planted.layer("app", noise(2, 3_000)));
    let manifest = planted.manifest("app", &planted.image_of(&config, &[&large, &small]));
    planted.tag("app", "v1", &manifest);
    let served = Served::serve(planted.root());
    let image = docker(&served, "app:v1");
    assert_is(copy(&image, &[]).path(), &manifest);

    for digest in [&large, &small, &config, &manifest] {
        let right = fs::read(planted.at(&blob_path(digest))).unwrap();
        for damage in DAMAGE {
            let mut wrong = right.clone();
            damage(&mut wrong);
            planted.plant(&blob_path(digest), &wrong);

            let directory = tempfile::tempdir().unwrap();
            let target = format!("dir:{}", directory.path().display());
            let (code, said) = try_skopeo(&["copy", "--quiet", "--src-tls-verify=false", &image, &target]);
            assert!(code != Some(0), "{digest}: {said}");
            assert!(is_right(directory.path()), "{digest}");

            let file = directory.path().join("file");
            let path = if *digest == manifest { "manifests" } else { "blobs" };
            let url = format!("http://{}/v2/app/{path}/{digest}", served.address());
            let (code, said) = curl(&["--output", file.to_str().unwrap(), &url]);
            let got = fs::read(&file).unwrap_or_default();
            if *digest == manifest || wrong.is_empty() {
                // There is nothing to cut, or it is known before it is sent.
                assert!(code == Some(0) && got.starts_with(b"{\"errors\":"), "{said}");
            } else {
                assert_eq!(code, Some(18), "{digest}: {said}");
                assert!(got.len() < wrong.len() && wrong.starts_with(&got), "{digest}: {} bytes", got.len());
            }
        }
        planted.plant(&blob_path(digest), &right);
    }
    assert_is(copy(&image, &[]).path(), &manifest);
}
