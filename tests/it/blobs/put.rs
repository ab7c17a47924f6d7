//! `blob put`: what is stored, what is healed, and what a failure or a kill leaves behind.

use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use regtree::Digest;
use serde_json::json;

use crate::support::kill::killed_at;
use crate::support::scratch::digest_by;
use crate::support::strace::{changes, position};
use crate::support::{Regtree, Run, Scratch, assert_sound, snapshot};

/// Content of a length, the same each time.
fn content(length: usize) -> Vec<u8> {
    (0..length).map(|i| u8::try_from((i * 7 + i / 251) % 256).unwrap()).collect()
}

/// The temporaries left anywhere in the tree.
fn cancelled(scratch: &Scratch) -> Vec<std::path::PathBuf> {
    let entries = walkdir::WalkDir::new(scratch.root()).into_iter().map(|entry| entry.unwrap().into_path());
    entries.filter(|path| path.extension().is_some_and(|extension| extension == "tmp")).collect()
}

#[test]
fn a_dry_run_reads_and_checks_the_content_and_writes_nothing() {
    let scratch = Scratch::new();
    let stored = scratch.put("lib/app", b"content");
    let damaged = scratch.put("lib/app", b"other content");
    fs::write(scratch.blob(damaged), b"other").unwrap();
    let before = snapshot(scratch.root());
    let dry = |content: &str| scratch.regtree(["blob", "put", "lib/new", "-n"]).stdin(content);
    assert_eq!(dry("new").ok().says(["would store 3 bytes"]).answer(), Digest::of(b"new").to_string());
    assert_eq!(dry("content").ok().says(["would only link it"]).answer(), stored.to_string());
    dry("other content").ok().says(["would replace a damaged blob of 5 bytes with the right one of 13 bytes"]);
    let sha512 = digest_by("sha512", b"new").to_string();
    let answer = dry("new").with(["--digest", &sha512, "--json"]).ok().json();
    assert_eq!(
        [&answer["outcome"], &answer["dry_run"], &answer["alias"]],
        [&json!("stored"), &json!(true), &json!(sha512)]
    );
    dry("old").with(["--digest", &sha512]).run().code(5).silent();
    dry("new").with(["--size", "2"]).run().code(5).silent().says(["at least 3"]);
    assert!(snapshot(scratch.root()) == before);
    assert_eq!(scratch.regtree(["blob", "put", "lib/new", "--json"]).stdin("new").ok().json()["dry_run"], false);
}

#[test]
fn content_of_any_length_is_stored_under_the_digest_that_others_compute() {
    let scratch = Scratch::new();
    for length in [0, 1, 63, 64, 65, 262_143, 262_144, 262_145, 3_000_000] {
        let content = content(length);
        let digest = scratch.put("lib/app", &content);
        assert_eq!(digest, digest_by("sha256", &content));
        assert_eq!(fs::read(scratch.blob(digest)).unwrap(), content);
        assert_eq!(fs::read_to_string(scratch.link("lib/app", digest)).unwrap(), digest.to_string());
    }
    assert!(scratch.uploads("lib/app").is_empty());
    assert!(cancelled(&scratch).is_empty());
}

#[test]
fn a_file_a_dash_and_nothing_are_where_content_comes_from() {
    let scratch = Scratch::new();
    let file = scratch.root().join("layer");
    fs::write(&file, "from a file").unwrap();
    let from_file = scratch.run(["blob", "put", "lib/app", file.to_str().unwrap()]).code(0).answer();
    assert_eq!(from_file, Digest::of(b"from a file").to_string());
    for arguments in [&["blob", "put", "lib/app", "-"][..], &["blob", "put", "lib/app"]] {
        let from_stdin = scratch.regtree(arguments).stdin("from standard input").ok().answer();
        assert_eq!(from_stdin, Digest::of(b"from standard input").to_string());
    }
}

#[test]
fn what_is_expected_is_checked_and_another_digest_becomes_an_alias() {
    let scratch = Scratch::new();
    let sha256 = Digest::of(b"content");
    for algorithm in ["sha256", "sha384", "sha512"] {
        let asked = digest_by(algorithm, b"content");
        let put = ["blob", "put", "lib/app", "--size", "7", "--digest", &asked.to_string()];
        assert_eq!(scratch.regtree(put).stdin("content").ok().answer(), sha256.to_string());
        assert_eq!(fs::read_to_string(scratch.link("lib/app", asked)).unwrap(), sha256.to_string());
    }
    // Blobs are stored under sha256 only.
    assert_eq!(fs::read_dir(scratch.v2().join("blobs")).unwrap().count(), 1);
}

#[test]
fn the_answer_in_json_says_what_became_of_it() {
    let scratch = Scratch::new();
    let alias = digest_by("sha512", b"content").to_string();
    let put = || scratch.regtree(["blob", "put", "a/b", "--json", "--digest", &alias]).stdin("content").ok().json();
    let digest = Digest::of(b"content").to_string();
    let expected = json!({
        "media_type": "application/octet-stream", "mediaType": "application/octet-stream", "size": 7,
            "digest": digest, "alias": alias, "dry_run": false, "outcome": "stored",
        "repository": "a/b", "type": "blob", "schema_version": 1,
    });
    assert_eq!(put(), expected);
    assert_eq!(put()["outcome"], "existed");
    scratch.truncate(digest.parse().unwrap(), 3);
    let healed = put();
    assert_eq!((&healed["outcome"], &healed["damaged_size"]), (&json!("replaced"), &json!(3)));
}

#[test]
fn a_blob_of_the_wrong_size_is_healed_by_putting_it_again() {
    let scratch = Scratch::new();
    for damage in ["", "cont", "content and more"] {
        let digest = scratch.put("lib/app", b"content");
        fs::write(scratch.blob(digest), damage).unwrap();
        let put = scratch.regtree(["blob", "put", "lib/app"]).stdin("content").ok();
        let said = format!("replaced a damaged blob of {} bytes with the right one of 7 bytes", damage.len());
        assert_eq!(put.says([said]).answer(), digest.to_string());
        assert_eq!(fs::read(scratch.blob(digest)).unwrap(), b"content");
        assert!(scratch.uploads("lib/app").is_empty());
    }
}

#[test]
fn without_reading_only_a_wrong_size_is_noticed() {
    let scratch = Scratch::new();
    let digest = scratch.put("lib/app", b"content");
    let put = |words: &[&str]| scratch.regtree(["blob", "put", "lib/app"]).with(words).stdin("content").ok();
    assert_eq!(put(&["--json"]).json()["verified"], true);
    fs::write(scratch.blob(digest), "cOntent").unwrap();
    put(&["--no-verify-existing"]).says(["a blob of this digest and size, which was not read"]);
    assert_eq!(put(&["--no-verify-existing", "--json"]).json()["verified"], false);
    assert_eq!(fs::read(scratch.blob(digest)).unwrap(), b"cOntent");
    scratch.truncate(digest, 3);
    assert_eq!(put(&["--no-verify-existing", "--json"]).json()["outcome"], "replaced");
    let both = ["blob", "put", "lib/app", "--verify-existing", "--no-verify-existing"];
    scratch.regtree(both).stdin("content").run().code(2);
}

#[test]
fn putting_the_right_bytes_over_wrong_ones_of_the_same_size_ends_with_the_right_ones() {
    let scratch = Scratch::new();
    let digest = scratch.put("lib/app", b"content");
    // The option is from the time when only the size was compared.
    for option in [&[][..], &["--verify-existing"]] {
        fs::write(scratch.blob(digest), "cOntent").unwrap();
        let put = scratch.regtree(["blob", "put", "lib/app"]).with(option).stdin("content");
        put.clone().ok().says(["replaced a damaged blob"]);
        assert_eq!(fs::read(scratch.blob(digest)).unwrap(), b"content");
        assert_eq!(scratch.run(["blob", "get", "lib/app", &digest.to_string()]).code(0).bytes(), b"content");
        let again = put.ok();
        assert_eq!((again.answer(), again.err().contains("replaced")), (digest.to_string(), false));
    }
}

#[test]
fn a_reader_of_a_damaged_blob_is_not_disturbed_by_its_healing() {
    let scratch = Scratch::new();
    let digest = scratch.put("lib/app", b"content");
    fs::write(scratch.blob(digest), "damaged").unwrap();
    let mut reader = fs::File::open(scratch.blob(digest)).unwrap();
    scratch.regtree(["blob", "put", "lib/app"]).stdin("content").ok();
    let mut read = String::new();
    std::io::Read::read_to_string(&mut reader, &mut read).unwrap();
    assert_eq!(read, "damaged");
}

#[test]
fn a_stream_that_is_longer_than_said_is_not_taken_in() {
    let scratch = Scratch::new();
    let before = snapshot(&scratch.root().join("docker"));
    let mut command = scratch.regtree(["blob", "put", "lib/app", "--size", "1000"]).command();
    let mut child = command.stdin(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    // Endless, as far as the other side is concerned.
    while stdin.write_all(&[0; 4096]).is_ok() {}
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(5));
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains("expected 1000 bytes, found at least 1001"), "{said}");
    assert_eq!(snapshot(&scratch.root().join("docker")), before);
}

#[test]
fn memory_stays_small_however_much_comes() {
    let scratch = Scratch::new();
    let mut command = scratch.regtree(["blob", "put", "lib/app"]).command();
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all(&content(128 * 1024 * 1024)).unwrap();
    let status = fs::read_to_string(format!("/proc/{}/status", child.id())).unwrap();
    drop(stdin);
    assert!(child.wait().unwrap().success());
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    let kib: u64 = peak.trim().trim_end_matches(" kB").parse().unwrap();
    // A debug build of the program itself takes more than half of this.
    assert!(kib < 32 * 1024, "{kib} KiB");
}

/// Starts a put that has received something and waits for more.
fn hanging(scratch: &Scratch, stdin: Stdio) -> std::process::Child {
    let mut command = scratch.regtree(["blob", "put", "lib/app"]).command();
    let child = command.stdin(stdin).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let begin = Instant::now();
    while !scratch.uploads("lib/app").iter().any(|upload| upload.join("data").exists()) {
        assert!(begin.elapsed() < Duration::from_secs(30), "the put does not begin");
        std::thread::sleep(Duration::from_millis(5));
    }
    child
}

#[test]
fn a_signal_ends_a_put_that_waits_and_nothing_is_left() {
    for (signal, code) in [("INT", 130), ("TERM", 143)] {
        let scratch = Scratch::new();
        let before = snapshot(&scratch.root().join("docker"));
        let mut child = hanging(&scratch, Stdio::piped());
        let stdin = child.stdin.take();
        let killed = Command::new("kill").args(["-s", signal, &child.id().to_string()]).status().unwrap();
        assert!(killed.success());
        let output = child.wait_with_output().unwrap();
        drop(stdin);
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(code), "{said}");
        assert!(said.contains(&format!("interrupted (SIG{signal})")), "{said}");
        assert_eq!(snapshot(&scratch.root().join("docker")), before);
    }
}

#[test]
fn a_killed_put_leaves_an_upload_as_a_registry_keeps_it() {
    let scratch = Scratch::new();
    let mut child = hanging(&scratch, Stdio::piped());
    child.stdin.as_mut().unwrap().write_all(b"some bytes").unwrap();
    let uploads = scratch.uploads("lib/app");
    let begin = Instant::now();
    while fs::read(uploads[0].join("data")).unwrap() != b"some bytes" {
        assert!(begin.elapsed() < Duration::from_secs(30), "the bytes do not arrive");
        std::thread::sleep(Duration::from_millis(5));
    }
    child.kill().unwrap();
    child.wait().unwrap();
    assert_eq!(uploads.len(), 1);
    assert!(uploads[0].file_name().unwrap().to_str().unwrap().parse::<uuid::Uuid>().is_ok());
    let started = fs::read_to_string(uploads[0].join("startedat")).unwrap();
    assert!(started.len() == 20 && started.ends_with('Z') && started.parse::<jiff::Timestamp>().is_ok(), "{started}");
    assert_eq!(fs::read(uploads[0].join("data")).unwrap(), b"some bytes");
    assert!(regtree::Registry::open(scratch.root()).unwrap().repositories().damage.is_empty());
}

#[test]
fn a_put_killed_at_any_change_leaves_a_sound_tree_and_can_be_run_again() {
    let content = content(100_000);
    let alias = digest_by("sha512", &content).to_string();
    let arguments = ["blob", "put", "lib/app", "--digest", &alias];
    let mut kills = 0;
    for call in ["mkdirat", "fchmod", "write", "fsync", "renameat", "unlinkat"] {
        for nth in 1.. {
            let scratch = Scratch::new();
            let run = killed_at(&scratch.regtree(arguments).stdin(&*content), call, nth);
            assert_sound(&scratch);
            if run.signal() != Some(9) {
                run.code(0);
                break;
            }
            kills += 1;
            let again = scratch.regtree(arguments).stdin(content.clone()).ok().answer();
            assert_sound(&scratch);
            assert_eq!(fs::read(scratch.blob(again.parse().unwrap())).unwrap(), content, "{call} {nth}");
        }
    }
    assert!(kills > 30, "{kills} kills: strace does not do what it is asked to");
}

#[test]
fn a_put_killed_while_it_heals_leaves_the_old_blob_or_the_right_one() {
    let digest = Digest::of(b"content");
    for nth in 1.. {
        let scratch = Scratch::new();
        scratch.put("lib/app", b"content");
        scratch.truncate(digest, 3);
        let run = killed_at(&scratch.regtree(["blob", "put", "lib/app"]).stdin("content"), "renameat", nth);
        let found = fs::read(scratch.blob(digest)).unwrap();
        assert!(found == b"con" || found == b"content", "{found:?}");
        if run.signal() != Some(9) {
            break;
        }
    }
}

#[test]
fn content_is_on_the_disk_before_its_link_and_all_of_it_before_the_answer() {
    let scratch = Scratch::new();
    let digest = Digest::of(b"content");
    let hex = digest.hex();
    let blob = format!("blobs/sha256/{}/{}", &hex[..2], &hex[..]);
    let layers = "repositories/lib/app/_layers/sha256".to_owned();
    let changes = changes(&scratch, scratch.regtree(["blob", "put", "lib/app"]).stdin("content"));
    let position = |what: &str| position(&changes, what);
    let uploaded = position("fsync repositories/lib/app/_uploads/");
    let published = position(&format!("renameat {blob}/data"));
    let linked = position(&format!("renameat {layers}/{}/link", &hex[..]));
    let answered = position("write stdout");
    assert!(uploaded < published && published < linked && linked < answered, "{changes:#?}");
    // From the file up, everything that may be new: between the content's rename and the link, and before the answer.
    let synced_between = |from: usize, to: usize, directory: &str| {
        let wanted = format!("fsync {directory}");
        assert!(changes[from..to].contains(&wanted), "{wanted}: {changes:#?}");
    };
    for directory in Path::new(&blob).ancestors().filter(|directory| !directory.as_os_str().is_empty()) {
        synced_between(published, linked, directory.to_str().unwrap());
    }
    for directory in Path::new(&layers).join(&hex[..]).ancestors().filter(|path| !path.as_os_str().is_empty()) {
        synced_between(linked, answered, directory.to_str().unwrap());
    }
    // The link itself, under its temporary name.
    let temporary = format!("fsync {layers}/{}/link.", &hex[..]);
    assert!(changes[..linked].iter().any(|change| change.starts_with(&temporary)), "{changes:#?}");
}

#[test]
fn what_is_there_already_is_synced_too_for_its_writer_may_not_have_come_to_it() {
    let scratch = Scratch::new();
    let digest = scratch.put("lib/app", b"content");
    let hex = digest.hex();
    let changes = changes(&scratch, scratch.regtree(["blob", "put", "lib/app"]).stdin("content"));
    for synced in [
        format!("fsync blobs/sha256/{}/{}/data", &hex[..2], &hex[..]),
        format!("fsync blobs/sha256/{}", &hex[..2]),
        format!("fsync repositories/lib/app/_layers/sha256/{}/link", &hex[..]),
        "fsync repositories/lib".to_owned(),
    ] {
        assert!(changes.contains(&synced), "{synced}: {changes:#?}");
    }
    assert!(!changes.iter().any(|change| change.starts_with("renameat blobs")), "{changes:#?}");
}

/// Runs a script in which a mount changes nothing for others.
fn in_private_mounts(script: &str, scratch: &Scratch) -> Run {
    let unshare: &[&str] = if rustix::process::geteuid().is_root() {
        &["unshare", "--mount", "sh", "-ec", script]
    } else {
        &["unshare", "--user", "--map-root-user", "--mount", "sh", "-ec", script]
    };
    Regtree::new(["blob", "put", "lib/app", "--verbose"])
        .behind(unshare)
        .env("REGTREE_ROOT", scratch.root())
        .within(&scratch.v2())
        .stdin("content")
        .run()
}

#[test]
fn blobs_on_another_file_system_are_copied_whole() {
    // The script gets the command as $0 and its arguments as $@.
    for mount in ["mount -t tmpfs none blobs", "mount --bind blobs blobs"] {
        let scratch = Scratch::new();
        // A bind mount has the same device number, and refuses the rename all the same.
        let script = format!("{mount}; \"$0\" \"$@\"; cat blobs/sha256/*/*/data; find . -type f | sort");
        let lines = in_private_mounts(&script, &scratch).code(0).lines();
        let digest = Digest::of(b"content");
        let hex = digest.hex();
        let expected = [
            format!("{digest}"),
            format!("content./blobs/sha256/{}/{hex}/data", &hex[..2]),
            format!("./repositories/lib/app/_layers/sha256/{hex}/link"),
        ];
        assert_eq!(lines, expected, "{mount}");
    }
}

#[test]
fn areas_behind_symbolic_links_are_used_where_they_are() {
    let scratch = Scratch::new();
    let elsewhere = tempfile::tempdir().unwrap();
    for area in ["blobs", "repositories"] {
        let place = scratch.v2().join(area);
        fs::remove_dir_all(&place).unwrap();
        fs::create_dir(elsewhere.path().join(area)).unwrap();
        std::os::unix::fs::symlink(elsewhere.path().join(area), &place).unwrap();
    }
    let digest = scratch.put("lib/app", b"content");
    assert!(scratch.blob(digest).starts_with(scratch.root()));
    let hex = digest.hex();
    let real = elsewhere.path().join(format!("blobs/sha256/{}/{hex}/data", &hex[..2]));
    assert_eq!(fs::read(real).unwrap(), b"content");
    assert!(Path::new(&scratch.v2().join("blobs")).is_symlink());
}

#[test]
fn a_broken_link_is_mended_by_putting_its_content_again() {
    let scratch = Scratch::new();
    let digest = scratch.put("lib/app", b"content");
    for broken in ["", "sha256:", &format!("{digest}\n"), &Digest::of(b"other").to_string()] {
        fs::write(scratch.link("lib/app", digest), broken).unwrap();
        scratch.run(["blob", "stat", "lib/app", &digest.to_string()]).code(5);
        scratch.put("lib/app", b"content");
        assert_eq!(fs::read_to_string(scratch.link("lib/app", digest)).unwrap(), digest.to_string());
    }
}
