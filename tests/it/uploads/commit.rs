//! What becomes a blob, what does not, and what the session is then.

use std::fs;

use serde_json::json;

use super::{REPOSITORY, append, commit, committed, digest, file, place, started, tree, upload};
use crate::support::Scratch;
use crate::support::scratch::digest_by;

#[test]
fn an_upload_is_committed_with_last_bytes_or_without() {
    let scratch = Scratch::new();
    let part = file(&scratch, "part", b" last bytes");
    let content = b"first and last bytes";
    for last in [&[part.as_str()][..], &["-"]] {
        let id = started(&scratch, b"first and");
        let run = commit(&scratch, &id, &digest(content)).with(["--size", "20"]).with(last).stdin(" last bytes").ok();
        assert_eq!(run.answer(), digest(content));
        committed(&scratch, &id, content);
    }
    let id = started(&scratch, b"content");
    // FILE omitted is nothing, whatever stdin holds.
    let answer = commit(&scratch, &id, &digest(b"content")).with(["--json"]).stdin("not this").ok().json();
    let expected = json!({
        "mediaType": "application/octet-stream", "size": 7, "digest": digest(b"content"), "outcome": "stored",
        "repository": REPOSITORY,
    });
    let same = expected.as_object().unwrap().iter().all(|(name, value)| answer[name] == *value);
    assert!(same, "{answer}");
    committed(&scratch, &id, b"content");
    commit(&scratch, &id, &digest(b"content")).ok().says(["there is no upload ", "the blob is already stored"]);
}

#[test]
fn a_commit_of_no_upload_is_taken_for_a_repeated_one_only_if_it_can_be() {
    let scratch = Scratch::new();
    let stored = scratch.put(REPOSITORY, b"content").to_string();
    let never = "01234567-89ab-4def-8123-456789abcdef";
    let run = commit(&scratch, never, &stored).ok().says([never, REPOSITORY, "the blob is already stored"]);
    assert_eq!(run.answer(), stored);
    let answer = commit(&scratch, never, &stored).with(["--json"]).ok().json();
    assert_eq!((&answer["outcome"], &answer["upload_exists"]), (&json!("existed"), &json!(false)));
    // No registry and no regtree ever made these.
    for id in ["nonsense", "sha256", "0123456789abcdef"] {
        commit(&scratch, id, &stored).run().code(4).silent().says([id]);
    }
    commit(&scratch, never, &digest(b"other")).run().code(4).silent().says([never]);
}

#[test]
fn a_wrong_digest_or_size_leaves_the_session_as_it_was() {
    let scratch = Scratch::new();
    let id = started(&scratch, b"con");
    append(&scratch, &id, b"tent").code(0);
    let (right, wrong) = (digest(b"content"), digest(b"other"));
    let sha512 = digest_by("sha512", b"other").to_string();
    let found512 = digest_by("sha512", b"content").to_string();
    let more = digest(b"content and more");
    let before = tree(&scratch);
    for (arguments, names) in [
        (&["--digest", &wrong][..], &[&*wrong, &right, "7"][..]),
        (&["--digest", &wrong, "--rehash"], &[&wrong, &right, "7"]),
        (&["--digest", &sha512], &[&sha512, &found512, "7"]),
        (&["--digest", &right, "--size", "8"], &["8", "7"]),
        (&["--digest", &right, "--size", "6"], &["6", "7"]),
        (&["--digest", &wrong, "-"], &[&wrong, &more, "16"]),
        (&["--digest", &right, "-"], &[&right, &more, "16"]),
        (&["--digest", &right, "-", "--rehash"], &[&right, &more, "16"]),
        (&["--digest", &sha512, "-"], &[&sha512, "16"]),
        (&["--digest", &right, "--size", "7", "-"], &["7", "at least 8"]),
    ] {
        let call = upload(&scratch, "commit", &id).with(arguments).stdin(" and more");
        call.clone().run().code(5).silent().says(names);
        let error = call.with(["--json"]).run().code(5).silent().json_error();
        for name in names {
            assert!(error.to_string().contains(name), "{name} is missing in {error}");
        }
        assert_eq!(tree(&scratch), before, "{arguments:?}");
    }
    commit(&scratch, &id, &right).with(["--size", "7"]).ok();
    committed(&scratch, &id, b"content");
}

#[test]
fn a_sha512_becomes_an_alias() {
    let scratch = Scratch::new();
    for (algorithm, last) in [("sha512", false), ("sha384", true)] {
        let id = started(&scratch, b"aliased ");
        append(&scratch, &id, algorithm.as_bytes()).code(0);
        let whole = format!("aliased {algorithm}{}", if last { "!" } else { "" });
        let alias = digest_by(algorithm, whole.as_bytes());
        let call = commit(&scratch, &id, &alias.to_string());
        let call = if last { call.with(["-"]).stdin("!") } else { call };
        assert_eq!(call.ok().answer(), digest(whole.as_bytes()));
        committed(&scratch, &id, whole.as_bytes());
        assert_eq!(fs::read_to_string(scratch.link(REPOSITORY, alias)).unwrap(), digest(whole.as_bytes()));
    }
}

#[test]
fn a_blob_that_exists_stays_and_a_damaged_one_is_replaced() {
    let scratch = Scratch::new();
    let blob = scratch.put("other", b"content");
    let name = blob.to_string();
    let again = |arguments: &[&str]| {
        let id = started(&scratch, b"content");
        let run = commit(&scratch, &id, &name).with(arguments).ok();
        assert!(!place(&scratch, &id).exists());
        run
    };
    assert_eq!(again(&["--json"]).json()["outcome"], "existed");
    scratch.truncate(blob, 3);
    again(&[]).says(["replaced a damaged blob of 3 bytes"]);
    fs::write(scratch.blob(blob), "cOntent").unwrap();
    assert_eq!(again(&["--json", "--no-verify-existing"]).json()["verified"], false);
    assert_eq!(fs::read(scratch.blob(blob)).unwrap(), b"cOntent");
    assert_eq!(again(&["--json"]).json()["outcome"], "replaced");
    assert_eq!(fs::read(scratch.blob(blob)).unwrap(), b"content");
    assert_eq!(scratch.run(["blob", "get", REPOSITORY, &name]).code(0).bytes(), b"content");
}

#[test]
fn our_own_record_is_not_trusted_when_the_data_changed() {
    let scratch = Scratch::new();
    for rehash in [false, true] {
        let id = started(&scratch, b"what was received");
        fs::write(place(&scratch, &id).join("data"), b"what was forged!!").unwrap();
        let commit = |content: &[u8]| {
            let call = commit(&scratch, &id, &digest(content));
            if rehash { call.with(["--rehash"]) } else { call }
        };
        commit(b"what was received").run().code(5).says([digest(b"what was forged!!")]);
        commit(b"what was forged!!").ok();
        committed(&scratch, &id, b"what was forged!!");
    }
}

#[test]
fn a_change_that_puts_the_modification_time_back_is_noticed() {
    let scratch = Scratch::new();
    let id = started(&scratch, b"what was received");
    let path = place(&scratch, &id).join("data");
    let before = fs::metadata(&path).unwrap().modified().unwrap();
    fs::write(&path, b"what was forged!!").unwrap();
    Scratch::set_time(&path, before);
    commit(&scratch, &id, &digest(b"what was received")).run().code(5);
    append(&scratch, &id, b" and more").code(0);
    commit(&scratch, &id, &digest(b"what was received and more")).run().code(5);
    commit(&scratch, &id, &digest(b"what was forged!! and more")).ok();
}

#[test]
fn a_record_that_is_garbage_or_another_uploads_is_of_no_account() {
    let scratch = Scratch::new();
    let records = scratch.root().join(".regtree/uploads");
    let record = || {
        let mut found = fs::read_dir(&records).unwrap().map(|entry| entry.unwrap().path());
        (found.next().unwrap(), found.next())
    };
    let donor = started(&scratch, b"other bytes");
    let foreign = fs::read(record().0).unwrap();
    upload(&scratch, "cancel", &donor).ok();
    let mut forged: serde_json::Value = serde_json::from_slice(&foreign).unwrap();
    forged["state"] = "00".into();
    let huge = vec![b'['; 1 << 20];
    for content in [b"" as &[u8], b"{", b"null", b"\xff\xfe", &foreign, forged.to_string().as_bytes(), &huge] {
        let id = started(&scratch, b"these bytes");
        let (path, others) = record();
        assert_eq!(others, None);
        fs::write(&path, content).unwrap();
        commit(&scratch, &id, &digest(b"other bytes")).run().code(5);
        fs::write(&path, content).unwrap();
        assert_eq!(append(&scratch, &id, b"!").code(0).answer(), "12");
        commit(&scratch, &id, &digest(b"these bytes!")).ok();
    }
}
