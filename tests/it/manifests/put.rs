//! How a manifest is stored: what is written, in an order that leaves no dangling link, and what is repaired.

use std::fs;
use std::path::{Path, PathBuf};
use std::thread;

use regtree::Digest;
use serde_json::{Value, json};

use super::{REPOSITORY, got, put};
use crate::support::kill::at_every_change;
use crate::support::mounted::{Mounted, starved};
use crate::support::strace::{changes, position};
use crate::support::{Regtree, Run, Scratch, assert_sound, snapshot};

const INDEX: &str = r#"{"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json","manifests":[]}"#;
const SIGNED: &[u8] = include_bytes!("../../vectors/schema1/valid/es256.json");

fn digest() -> Digest {
    Digest::of(INDEX.as_bytes())
}

/// The files below `docker/registry/v2`.
fn files(scratch: &Scratch) -> Vec<String> {
    let v2 = scratch.v2();
    let entries = walkdir::WalkDir::new(&v2).sort_by_file_name().into_iter().map(|entry| entry.unwrap().into_path());
    let files = entries.filter(|path| path.is_file());
    files.map(|path| path.strip_prefix(&v2).unwrap().to_str().unwrap().to_owned()).collect()
}

/// Whether it is what a killed write leaves, which registries pass over.
fn is_temporary(file: &str) -> bool {
    file.rsplit('.').next() == Some("tmp")
}

fn manifests(scratch: &Scratch) -> PathBuf {
    scratch.repository(REPOSITORY).join("_manifests")
}

fn revision(scratch: &Scratch, digest: Digest) -> PathBuf {
    manifests(scratch).join(format!("revisions/sha256/{}/link", digest.hex()))
}

/// The two links of a tag.
fn tag(scratch: &Scratch, tag: &str, digest: Digest) -> [PathBuf; 2] {
    let directory = manifests(scratch).join("tags").join(tag);
    [directory.join("current/link"), directory.join(format!("index/sha256/{}/link", digest.hex()))]
}

#[test]
fn content_revision_and_tags_are_written_and_nothing_else() {
    let scratch = Scratch::new();
    let stored = put(&scratch, INDEX).with(["--tag", "v1", "-t", "latest", "--json"]).ok().json();
    let (digest, hex) = (digest().to_string(), digest().hex().to_string());
    let expected = json!({
        "mediaType": "application/vnd.oci.image.index.v1+json",
        "media_type": "application/vnd.oci.image.index.v1+json", "size": INDEX.len(), "digest": digest,
        "outcome": "stored", "repository": REPOSITORY, "tags": ["v1", "latest"],
        "type": "manifest", "schema_version": 1,
    });
    assert_eq!(stored, expected);
    let manifests = format!("repositories/{REPOSITORY}/_manifests");
    let links = [
        format!("{manifests}/revisions/sha256/{hex}/link"),
        format!("{manifests}/tags/latest/current/link"),
        format!("{manifests}/tags/latest/index/sha256/{hex}/link"),
        format!("{manifests}/tags/v1/current/link"),
        format!("{manifests}/tags/v1/index/sha256/{hex}/link"),
    ];
    let blob = format!("blobs/sha256/{}/{hex}/data", &hex[..2]);
    assert_eq!(files(&scratch), [&[blob][..], &links].concat());
    for link in links {
        assert_eq!(fs::read_to_string(scratch.v2().join(link)).unwrap(), digest);
    }
    // Without it a collector of 3.x stops.
    assert!(scratch.repository(REPOSITORY).join("_layers").is_dir());
}

#[test]
fn putting_again_says_so_and_a_tag_that_moves_keeps_its_past() {
    let scratch = Scratch::new();
    let outcome = |run: Run| run.json()["outcome"].as_str().unwrap().to_owned();
    let call = put(&scratch, INDEX).with(["--tag", "v1", "--json"]);
    assert_eq!([outcome(call.clone().ok()), outcome(call.ok())], ["stored", "existed"]);
    let other = format!("{INDEX}\n");
    put(&scratch, &*other).with(["--tag", "v1"]).ok();
    assert_eq!(got(&scratch, "v1"), other.as_bytes());
    assert_eq!(got(&scratch, &digest().to_string()), INDEX.as_bytes());
    for digest in [digest(), Digest::of(other.as_bytes())] {
        let [current, past] = tag(&scratch, "v1", digest);
        assert_eq!(fs::read_to_string(past).unwrap(), digest.to_string());
        assert_eq!(fs::read_to_string(current).unwrap(), Digest::of(other.as_bytes()).to_string());
    }
}

#[test]
fn without_a_tag_there_is_an_empty_directory_of_tags_all_the_same() {
    let scratch = Scratch::new();
    put(&scratch, INDEX).ok();
    // Without it a collector of 3.x loses the manifest.
    assert!(fs::read_dir(manifests(&scratch).join("tags")).unwrap().next().is_none());
    scratch.run(["fsck", "--strict"]).code(0);
    assert_eq!(got(&scratch, &digest().to_string()), INDEX.as_bytes());
}

#[test]
fn a_manifest_comes_from_a_file_too() {
    let scratch = Scratch::new();
    let file = scratch.root().join("manifest.json");
    fs::write(&file, INDEX).unwrap();
    for source in [file.to_str().unwrap(), "-"] {
        let call = scratch.regtree(["manifest", "put", REPOSITORY, source]).stdin(INDEX);
        assert_eq!(call.ok().answer(), digest().to_string());
    }
    let out = scratch.root().join("out.json");
    scratch.regtree(["manifest", "get", REPOSITORY, &digest().to_string(), "-o"]).with([&out]).ok().silent();
    assert_eq!(fs::read_to_string(out).unwrap(), INDEX);
}

#[test]
fn a_manifest_is_shown_indented_to_people() {
    let scratch = Scratch::new();
    put(&scratch, INDEX).with(["--tag", "v1"]).ok();
    let pretty = scratch.regtree(["manifest", "get", REPOSITORY, "v1", "--pretty"]).ok();
    assert!(pretty.lines().len() > 3, "{}", pretty.out());
    assert_eq!(pretty.json(), serde_json::from_str::<Value>(INDEX).unwrap());
}

#[test]
fn a_damaged_manifest_is_replaced_by_putting_it_again() {
    let scratch = Scratch::new();
    put(&scratch, INDEX).with(["--tag", "v1"]).ok();
    let flipped = INDEX.replace("schema", "sChema");
    let longer = format!("{INDEX} and more");
    for damage in ["", &INDEX[..30], &flipped, &longer] {
        fs::write(scratch.blob(digest()), damage).unwrap();
        scratch.run(["manifest", "get", REPOSITORY, "v1"]).code(5).silent();
        let said = format!("replaced a damaged manifest of {} bytes", damage.len());
        put(&scratch, INDEX).ok().says([said]);
        assert_eq!(got(&scratch, "v1"), INDEX.as_bytes());
    }
    assert_sound(&scratch);
}

#[test]
fn broken_links_are_mended_by_putting_it_again() {
    let scratch = Scratch::new();
    let call = put(&scratch, INDEX).with(["--tag", "v1"]);
    call.clone().ok();
    let links = [&[revision(&scratch, digest())][..], &tag(&scratch, "v1", digest())].concat();
    for link in links {
        for broken in ["", "sha256:", &format!("{}\n", digest()), &Digest::of(b"other").to_string()] {
            fs::write(&link, broken).unwrap();
            call.clone().ok();
            assert_eq!(fs::read_to_string(&link).unwrap(), digest().to_string(), "{}", link.display());
        }
        fs::remove_file(&link).unwrap();
        call.clone().ok();
        assert!(link.exists());
    }
}

/// What a call must do, and what lies where when it has done so.
fn signed_put(scratch: &Scratch) -> Regtree {
    put(scratch, SIGNED).with(["--skip-references", "--keep-signatures", "--tag", "v1"])
}

/// Expects every link of the repository to lead to what is there and right.
#[track_caller]
fn assert_true(scratch: &Scratch, when: &str) {
    assert_sound(scratch);
    for file in files(scratch) {
        if !file.ends_with("/link") {
            continue;
        }
        let target: Digest = fs::read_to_string(scratch.v2().join(&file)).unwrap().parse().unwrap();
        assert!(scratch.blob(target).exists(), "{when}: {file} leads nowhere");
        if file.contains("/tags/") {
            assert!(revision(scratch, target).exists(), "{when}: {file} is a tag of no revision");
        }
    }
}

#[test]
fn a_put_killed_at_any_change_leaves_no_dangling_link_and_can_be_run_again() {
    let tagged = || {
        let scratch = Scratch::new();
        put(&scratch, INDEX).with(["--tag", "v1"]).ok();
        scratch
    };
    let whole = tagged();
    signed_put(&whole).ok();
    let expected = files(&whole);
    assert_eq!(expected.len(), 9, "{expected:#?}");
    let moved = fs::read_to_string(&tag(&whole, "v1", digest())[0]).unwrap();
    let kills = at_every_change(
        || {
            let scratch = tagged();
            let call = signed_put(&scratch);
            (scratch, call)
        },
        |scratch, when, _| {
            assert_true(scratch, when);
            let found = fs::read_to_string(&tag(scratch, "v1", digest())[0]).unwrap();
            assert!(found == digest().to_string() || found == moved, "{when}: {found}");
            signed_put(scratch).ok();
            assert_true(scratch, when);
            let left = files(scratch).into_iter().filter(|file| !is_temporary(file));
            assert_eq!(left.collect::<Vec<_>>(), expected, "{when}");
            assert_eq!(fs::read_to_string(&tag(scratch, "v1", digest())[0]).unwrap(), moved, "{when}");
        },
    );
    assert!(kills > 30, "{kills} kills: strace does not do what it is asked to");
}

#[test]
fn a_put_that_runs_out_of_space_at_any_step_leaves_nothing() {
    let mut mounted = Mounted::tree("size=16m");
    let put = mounted.regtree(["manifest", "put", REPOSITORY, "--skip-references", "--keep-signatures"]);
    let put = put.with(["--tag", "v1", "--tag", "v2"]).stdin(SIGNED);
    assert!(starved(&mut mounted, &put) > 20);
    mounted.regtree(["manifest", "get", REPOSITORY, "v1", "--signed"]).ok();
}

#[test]
fn puts_at_the_same_time_all_succeed() {
    let scratch = Scratch::new();
    let contents: Vec<String> = (0..3).map(|blanks| format!("{INDEX}{}", "\n".repeat(blanks))).collect();
    thread::scope(|scope| {
        // Each three times: some find what others are about to write.
        for content in contents.iter().cycle().take(9) {
            let call =
                put(&scratch, content.as_str()).with(["--tag", "same", "--tag", &format!("of-{}", content.len())]);
            scope.spawn(|| assert_eq!(call.ok().answer(), Digest::of(content.as_bytes()).to_string()));
        }
    });
    assert_true(&scratch, "after all");
    assert!(!files(&scratch).iter().any(|file| is_temporary(file)), "{:#?}", files(&scratch));
    for content in &contents {
        assert_eq!(got(&scratch, &format!("of-{}", content.len())), content.as_bytes());
        assert!(tag(&scratch, "same", Digest::of(content.as_bytes()))[1].exists());
    }
    let last = got(&scratch, "same");
    assert!(contents.iter().any(|content| content.as_bytes() == last));
}

#[test]
fn a_manifest_that_does_not_fit_leaves_nothing() {
    let mounted = Mounted::tree("size=1m");
    let long = format!("{INDEX}{}", " ".repeat(2 << 20));
    let before = snapshot(&mounted.root.join("docker"));
    for tag in ["v1", "v2"] {
        let call = mounted.regtree(["manifest", "put", REPOSITORY, "--tag", tag]).stdin(long.clone());
        call.run().code(1).silent().says(["No space left on device", REPOSITORY]);
        assert!(snapshot(&mounted.root.join("docker")) == before);
    }
    mounted.regtree(["manifest", "put", REPOSITORY]).stdin(INDEX).ok();
}

#[test]
fn content_is_on_the_disk_before_the_revision_that_before_the_tags_and_all_before_the_answer() {
    let scratch = Scratch::new();
    let hex = digest().hex().to_string();
    let changes = changes(&scratch, put(&scratch, INDEX).with(["--tag", "v1"]));
    let blob = format!("blobs/sha256/{}/{hex}", &hex[..2]);
    let manifests = format!("repositories/{REPOSITORY}/_manifests");
    let places = [
        format!("{blob}/data"),
        format!("{manifests}/revisions/sha256/{hex}/link"),
        format!("{manifests}/tags/v1/index/sha256/{hex}/link"),
        format!("{manifests}/tags/v1/current/link"),
    ];
    let mut placed: Vec<usize> = places.iter().map(|path| position(&changes, &format!("renameat {path}"))).collect();
    placed.push(position(&changes, "write stdout"));
    assert!(placed.is_sorted(), "{changes:#?}");
    for (path, at) in places.iter().zip(placed.windows(2)) {
        let file = format!("fsync {path}.");
        assert!(changes[..at[0]].iter().any(|change| change.starts_with(&file)), "{file}: {changes:#?}");
        // From the file up, everything that may be new.
        for directory in Path::new(path).ancestors().skip(1).filter(|path| !path.as_os_str().is_empty()) {
            let wanted = format!("fsync {}", directory.display());
            assert!(changes[at[0]..at[1]].contains(&wanted), "{wanted}: {changes:#?}");
        }
    }
}

#[test]
fn a_directory_in_the_place_of_a_link_is_found_before_anything_is_written() {
    let scratch = Scratch::new();
    let [current, _] = tag(&scratch, "t2", digest());
    fs::create_dir_all(&current).unwrap();
    let before = snapshot(&scratch.v2());
    let call = put(&scratch, INDEX).with(["--tag", "t1", "--tag", "t2"]);
    call.run().code(5).silent().says([current.to_str().unwrap(), "is a directory"]);
    assert!(snapshot(&scratch.v2()) == before);
}

#[test]
fn nothing_is_written_through_a_symbolic_link() {
    for place in ["_manifests", "_manifests/tags", "_manifests/tags/v1", "_layers"] {
        let scratch = Scratch::new();
        let outside = tempfile::tempdir().unwrap();
        let link = scratch.repository(REPOSITORY).join(place);
        fs::create_dir_all(link.parent().unwrap()).unwrap();
        std::os::unix::fs::symlink(outside.path(), &link).unwrap();
        let before = snapshot(scratch.root());
        let run = put(&scratch, INDEX).with(["--tag", "v1"]).run().code(5).silent();
        run.says([link.to_str().unwrap(), "symbolic link"]);
        assert!(fs::read_dir(outside.path()).unwrap().next().is_none(), "{place}");
        let mut after = snapshot(scratch.root());
        after.retain(|path, _| !path.starts_with(".regtree"));
        assert!(after == before, "{place}");
    }
}

#[test]
fn a_tag_that_is_given_twice_is_set() {
    let scratch = Scratch::new();
    put(&scratch, INDEX).with(["--tag", "v1", "--tag", "v1"]).ok();
    assert_eq!(got(&scratch, "v1"), INDEX.as_bytes());
    assert!(!files(&scratch).iter().any(|file| is_temporary(file)));
}

#[test]
fn a_file_that_is_there_is_replaced_whole_by_what_is_got() {
    let scratch = Scratch::new();
    put(&scratch, INDEX).with(["--tag", "v1"]).ok();
    let out = scratch.root().join("out.json");
    fs::write(&out, "x".repeat(1000)).unwrap();
    let get = scratch.regtree(["manifest", "get", REPOSITORY, "v1", "-o"]).with([&out]);
    let said = get.clone().with(["--json"]).ok().json();
    assert_eq!((&said["digest"], &said["size"]), (&json!(digest()), &json!(INDEX.len())));
    assert_eq!(fs::read_to_string(&out).unwrap(), INDEX);
    fs::write(scratch.blob(digest()), "damaged").unwrap();
    get.run().code(5).silent();
    assert_eq!(fs::read_to_string(out).unwrap(), INDEX);
}
