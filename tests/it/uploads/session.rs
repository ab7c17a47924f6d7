//! Beginning, continuing, looking, giving up.

use std::fs;

use serde_json::json;

use super::{REPOSITORY, append, commit, committed, data, digest, file, listed, place, start, started, tree, upload};
use crate::support::Scratch;

#[test]
fn start_prints_a_uuid_and_writes_what_a_registry_writes() {
    let scratch = Scratch::new();
    let id = start(&scratch);
    assert!(id.parse::<uuid::Uuid>().is_ok(), "{id}");
    let directory = place(&scratch, &id);
    let begun = fs::read_to_string(directory.join("startedat")).unwrap();
    assert!(begun.len() == 20 && begun.ends_with('Z') && begun.parse::<jiff::Timestamp>().is_ok(), "{begun}");
    assert_eq!(data(&scratch, &id), b"");
    let state = fs::read(directory.join("hashstates/sha256/0")).unwrap();
    assert_eq!(state.len(), 108);
    assert_eq!(state, super::states::read("real/3.1.1-0"));

    let answer = scratch.run(["upload", "start", "new/one", "--json"]).code(0).json();
    let id = answer["upload"].as_str().unwrap();
    let expected = json!({ "repository": "new/one", "upload": id, "size": 0, "type": "upload", "schema_version": 1 });
    assert_eq!(answer, expected);
    assert!(scratch.repository("new/one").join("_uploads").join(id).is_dir());
}

#[test]
fn resume_takes_a_file_a_dash_or_nothing_and_prints_the_offset() {
    let scratch = Scratch::new();
    let id = start(&scratch);
    let part = file(&scratch, "part", b"from a file,");
    assert_eq!(upload(&scratch, "resume", &id).with([&part]).ok().answer(), "12");
    assert_eq!(upload(&scratch, "resume", &id).with(["-"]).stdin(" from a dash,").ok().answer(), "25");
    let answer = upload(&scratch, "resume", &id).with(["--json"]).stdin(" from stdin").ok().json();
    let expected = json!({
        "repository": REPOSITORY, "upload": id, "size": 36, "warnings": [], "type": "upload", "schema_version": 1,
    });
    assert_eq!(answer, expected);
    assert_eq!(data(&scratch, &id), b"from a file, from a dash, from stdin");
    for offset in [0, 12, 25, 36] {
        let state = place(&scratch, &id).join(format!("hashstates/sha256/{offset}"));
        assert_eq!(fs::metadata(state).unwrap().len(), 108, "{offset}");
    }
    assert_eq!(upload(&scratch, "resume", &id).ok().answer(), "36", "nothing more is nothing wrong");
    commit(&scratch, &id, &digest(b"from a file, from a dash, from stdin")).ok();
    committed(&scratch, &id, b"from a file, from a dash, from stdin");
}

#[test]
fn a_chunk_that_is_sent_again_never_lands_twice() {
    let scratch = Scratch::new();
    let id = start(&scratch);
    let send = |offset: &str, content: &str| {
        upload(&scratch, "resume", &id).with(["--offset", offset]).stdin(content.as_bytes())
    };
    assert_eq!(send("0", "0123456789").ok().answer(), "10");
    assert_eq!(send("10", "0123456789").ok().answer(), "20");
    let before = tree(&scratch);
    for offset in ["10", "0", "19", "21", "18446744073709551615"] {
        send(offset, "0123456789").run().code(5).silent().says([offset, "20"]);
        let error = send(offset, "0123456789").with(["--json"]).run().code(5).silent().json_error();
        assert_eq!(error["code"], "RANGE_INVALID");
        let numbers = [&error["detail"]["expected"], &error["detail"]["found"]];
        assert_eq!(numbers, [&json!(offset.parse::<u64>().unwrap()), &json!(20)]);
    }
    assert_eq!(tree(&scratch), before);
    for offset in ["-1", "x", "18446744073709551616"] {
        let run = upload(&scratch, "resume", &id).with([format!("--offset={offset}")]).run();
        run.code(2).silent();
    }
    send("20", "!").ok();
    commit(&scratch, &id, &digest(b"01234567890123456789!")).ok();
}

#[test]
fn an_upload_is_cut_back_with_its_states_and_then_goes_on() {
    let scratch = Scratch::new();
    let id = started(&scratch, b"right,");
    append(&scratch, &id, b" wrong,").code(0);
    append(&scratch, &id, b" worse").code(0);
    let before = tree(&scratch);
    for arguments in [&["--truncate-to", "20"][..], &["--truncate-to", "6", "--offset", "13"]] {
        let run = upload(&scratch, "resume", &id).with(arguments).stdin("x").run();
        run.code(5).silent().says(arguments.last());
        assert_eq!(tree(&scratch), before, "{arguments:?}");
    }
    let cut = ["--truncate-to", "6", "--offset", "6"];
    assert_eq!(upload(&scratch, "resume", &id).with(cut).stdin(" right too").ok().answer(), "16");
    assert_eq!(data(&scratch, &id), b"right, right too");
    let status = upload(&scratch, "status", &id).with(["--json"]).ok().json();
    // The one at the cut is not believed: where a state was lost, the next one lies.
    assert_eq!(status["hash_states"], json!([0, 16]));
    let content = b"right, right too";
    commit(&scratch, &id, &digest(content)).with(["--size", "16"]).ok();
    committed(&scratch, &id, content);

    let id = started(&scratch, b"all wrong");
    assert_eq!(upload(&scratch, "resume", &id).with(["--truncate-to", "0"]).ok().answer(), "0");
    commit(&scratch, &id, super::EMPTY).ok();
}

#[test]
fn status_says_how_far_an_upload_is() {
    let scratch = Scratch::new();
    let id = started(&scratch, &vec![7; 70_000]);
    let text = upload(&scratch, "status", &id).ok().out();
    assert!(text.contains("70000 bytes") && text.contains("at 0, 70000"), "{text}");
    let status = upload(&scratch, "status", &id).with(["--json"]).ok().json();
    assert_eq!(status["size"], 70_000);
    assert_eq!((&status["upload"], &status["repository"]), (&json!(id), &json!(REPOSITORY)));
    let begun = fs::read_to_string(place(&scratch, &id).join("startedat")).unwrap();
    assert_eq!(status["started"], begun);
    assert!(status["newest"].as_str().unwrap().parse::<jiff::Timestamp>().is_ok());
}

#[test]
fn list_shows_a_repository_or_all_and_the_old_alone_when_asked_to() {
    let scratch = Scratch::new();
    let mine = started(&scratch, b"four");
    let other = scratch.run(["upload", "start", "other"]).code(0).answer();
    let old = super::ID.to_owned();
    let directory = super::plant(&scratch, &old, b"old one");
    fs::write(directory.join("startedat"), "2015-01-02T03:04:05Z").unwrap();
    let entry = |repository: &str, id: &str, size| (repository.to_owned(), id.to_owned(), size);
    let mut in_repository = vec![entry(REPOSITORY, &mine, 4), entry(REPOSITORY, &old, 7)];
    in_repository.sort();
    assert_eq!(listed(&scratch, &[REPOSITORY]), in_repository);
    let all = [in_repository.as_slice(), &[entry("other", &other, 0)]].concat();
    assert_eq!(listed(&scratch, &[]), all);
    assert_eq!(listed(&scratch, &["--older-than", "7d"]), [entry(REPOSITORY, &old, 7)]);
    assert_eq!(listed(&scratch, &["other", "--older-than", "7d"]), []);
    let lines = scratch.run(["upload", "list"]).code(0).lines();
    assert_eq!(lines.len(), 3);
    assert!(
        lines.iter().any(|line| line.contains("7 B") && line.contains("2015-01-02T03:04:05Z") && line.contains(&old))
    );
    scratch.run(["upload", "list", "lib/none"]).code(4);
    scratch.run(["upload", "list", "--older-than", "soon"]).code(2);
}

#[test]
fn get_gives_what_has_arrived() {
    let scratch = Scratch::new();
    let id = start(&scratch);
    assert_eq!(upload(&scratch, "get", &id).ok().bytes(), b"");
    append(&scratch, &id, b"\x00so far\xff").code(0);
    assert_eq!(upload(&scratch, "get", &id).ok().bytes(), b"\x00so far\xff");
    assert_eq!(upload(&scratch, "get", &id).with(["-o", "-"]).ok().bytes(), b"\x00so far\xff");
    let out = file(&scratch, "out", b"something else before");
    upload(&scratch, "get", &id).with(["-o", &out]).ok().silent();
    assert_eq!(fs::read(&out).unwrap(), b"\x00so far\xff");
    let answer = upload(&scratch, "get", &id).with(["-o", &out, "--json"]).ok().json();
    assert_eq!((&answer["size"], &answer["file"]), (&json!(8), &json!(out)));
}

#[test]
fn cancel_removes_several_and_what_is_gone_is_fine() {
    let scratch = Scratch::new();
    let [first, second, kept] = ["1", "22", "333"].map(|content| started(&scratch, content.as_bytes()));
    let cancel = |ids: &[&str]| scratch.regtree(["upload", "cancel", REPOSITORY]).with(ids);
    assert_eq!(cancel(&[&first, &second]).ok().lines(), [first.as_str(), &second]);
    assert_eq!(listed(&scratch, &[]), [(REPOSITORY.to_owned(), kept.clone(), 3)]);
    let before = tree(&scratch);
    cancel(&[&first]).ok().silent().says([&first, "no longer exists"]);
    cancel(&["no-such-upload"]).ok().silent().says(["no-such-upload", "no longer exists"]);
    assert_eq!(tree(&scratch), before);
    let events = cancel(&[&first, &kept]).with(["--json"]).ok().json_lines();
    let event = |id: &str, gone| json!({ "type": "cancel", "repository": REPOSITORY, "upload": id, "gone": gone, "dry_run": false, "schema_version": 1 });
    assert_eq!(events, [event(&first, true), event(&kept, false)]);
    scratch.run(["upload", "cancel", "lib/none", &first]).code(4).says(["lib/none"]);
    scratch.run(["upload", "cancel", REPOSITORY]).code(2);
    let records = fs::read_dir(scratch.root().join(".regtree/uploads")).unwrap().count();
    assert_eq!(records, 0, "records of uploads that are over");
}

#[test]
fn a_dry_run_of_cancel_names_what_is_there_and_leaves_it() {
    let scratch = Scratch::new();
    let id = started(&scratch, b"four");
    let dry = scratch.run(["upload", "cancel", REPOSITORY, &id, "gone", "-n"]).code(0);
    let dry = dry.says(["upload gone of repository", "nothing was removed (dry run)"]);
    assert_eq!(dry.lines(), [&*id]);
    scratch.run(["upload", "status", REPOSITORY, &id]).code(0);
    assert_eq!(scratch.run(["upload", "cancel", REPOSITORY, &id]).code(0).lines(), [&*id]);
}
