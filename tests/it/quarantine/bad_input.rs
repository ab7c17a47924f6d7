//! Journals with false lines, invalid names, planted links, and places that can't be written.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};

use super::{REPOSITORY, blob_and_link, directory, take, things, tree};
use crate::support::{Regtree, Scratch};

/// A run with a blob and its link, and the journal's path.
fn quarantined() -> (Scratch, String, std::path::PathBuf) {
    let scratch = Scratch::new();
    let digest = scratch.layer(REPOSITORY, b"content");
    let run = take(scratch.root(), blob_and_link(digest));
    let journal = directory(&scratch, &run).join("journal");
    (scratch, run, journal)
}

#[test]
fn a_run_that_is_no_name_of_one_is_refused() {
    let (scratch, run, _) = quarantined();
    let before = crate::support::snapshot(scratch.root());
    let inside = format!("./{run}");
    for name in ["..", ".", "", "a/b", "../quarantine", &inside, "20261121T123000Z", "/etc"] {
        for verb in ["show", "restore"] {
            scratch.run(["quarantine", verb, name]).code(2).silent();
        }
    }
    for verb in ["show", "restore"] {
        let unknown = "20261121T123000Z-ffffffff";
        scratch.run(["quarantine", verb, unknown]).code(4).silent().says(["error: run", unknown, "quarantine list"]);
        let error = scratch.run(["quarantine", verb, unknown, "--json"]).code(4).json_error();
        assert_eq!(error["code"], "QUARANTINE_UNKNOWN");
    }
    let mut after = crate::support::snapshot(scratch.root());
    after.retain(|path, _| before.contains_key(path));
    assert_eq!(after, before);
}

#[test]
fn lines_that_cannot_be_read_are_reported_and_passed_over() {
    let (scratch, run, journal) = quarantined();
    let whole = fs::read_to_string(&journal).unwrap();
    let take = whole.lines().last().unwrap();
    let bad = [
        "no json".to_owned(),
        "{}".to_owned(),
        "[]".to_owned(),
        "\u{1b}[2J".to_owned(),
        r#"{"type":"other","schema_version":1}"#.to_owned(),
        take.replace(r#""schema_version":1"#, r#""schema_version":2"#),
        take.replace(r#""path":"blobs/"#, r#""path":"../blobs/"#),
        take.replace(r#""path":"blobs/"#, r#""path":"blobs/../"#),
        take.replace(r#""path":"blobs/"#, r#""path":"blobs/.regtree-quarantine/"#),
        take.replace(r#""name":"sha256-"#, r#""name":"../"#),
        take.replace(r#""name":"sha256-"#, r#""name":"a/b-"#),
        take.replace(r#""form":"directory""#, r#""form":"planet""#),
        take.replace(r#""digest":"sha256:"#, r#""digest":"sha256:x"#),
        take.replace(r#""kind":"blob""#, r#""kind":"planet""#),
        "x".repeat(200_000),
    ];
    for line in &bad {
        assert_ne!(line, take);
        fs::write(&journal, format!("{line}\n\n{whole}")).unwrap();
        scratch.run(["quarantine", "list"]).code(3).says(["line 1 of the journal"]);
        scratch.run(["quarantine", "show", &run]).code(3).says(["line 1 of the journal"]);
    }
    let torn = &take[..take.len() / 2];
    fs::write(&journal, format!("{}\n{whole}{torn}", bad.join("\n"))).unwrap();
    scratch.run(["quarantine", "restore", &run, "-n"]).code(3).says(["line 15"]).prints("would put back 2 items");
    let events = scratch.run(["quarantine", "restore", &run, "--json"]).code(3).json_lines();
    assert_eq!(events.iter().filter(|event| event["type"] == "damage").count(), bad.len());
    assert_eq!(events.iter().filter(|event| event["type"] == "restore").count(), 2);
    assert!(!directory(&scratch, &run).exists());
}

#[test]
fn a_journal_that_is_cut_short_keeps_what_it_does_not_name() {
    let (scratch, run, journal) = quarantined();
    let whole = fs::read(&journal).unwrap();
    fs::write(&journal, &whole[..whole.len() - 1]).unwrap();
    let stray = "no line of its run's journal names it";
    scratch.run(["quarantine", "restore", &run]).code(3).says([stray]).prints("put back 1 item of");
    assert_eq!(things(&scratch, &run).len(), 1);
    let noted = fs::read_to_string(&journal).unwrap();
    assert!(noted.lines().last().unwrap().contains(r#""type":"restore""#), "{noted}");
    fs::remove_file(&journal).unwrap();
    scratch.run(["quarantine", "list"]).code(3).says([stray]);
    scratch.run(["quarantine", "restore", &run]).code(3).says([stray]);
    assert_eq!(things(&scratch, &run).len(), 1);
    scratch.run(["quarantine", "purge", "--older-than", "0s"]).code(3);
    assert!(!directory(&scratch, &run).exists());
}

#[test]
fn strangers_in_the_quarantine_are_reported() {
    let (scratch, run, _) = quarantined();
    let all = scratch.root().join(".regtree/quarantine");
    Scratch::plant(&all.join("stranger"), "x");
    fs::create_dir_all(scratch.v2().join("blobs/.regtree-quarantine/20200101T000000Z-00000000")).unwrap();
    let said = scratch.run(["quarantine", "list"]).code(3);
    assert_eq!(said.lines().len(), 1);
    said.says(["stranger does not belong there", "it belongs to no run"]);
    fs::remove_file(all.join("stranger")).unwrap();
    Scratch::plant(&directory(&scratch, &run).join("stranger"), "x");
    scratch.run(["quarantine", "purge", "--older-than", "0s"]).code(3).says(["not the quarantine's"]);
    assert!(directory(&scratch, &run).join("stranger").exists());
}

/// Replaces what lies at a path by a symbolic link to where it was moved.
fn plant_link(path: &std::path::Path, outside: &std::path::Path) {
    fs::rename(path, outside).unwrap();
    symlink(outside, path).unwrap();
}

#[test]
fn planted_symbolic_links_are_not_followed() {
    for planted in ["run", "things", "journal", "thing", "quarantine", "beside"] {
        let (scratch, run, journal) = quarantined();
        let elsewhere = tempfile::tempdir().unwrap();
        let outside = elsewhere.path().join("outside");
        let path = match planted {
            "run" => directory(&scratch, &run),
            "things" => directory(&scratch, &run).join("things"),
            "journal" => journal,
            "quarantine" => scratch.root().join(".regtree/quarantine"),
            "thing" => {
                things(&scratch, &run).into_iter().find(|path| path.to_str().unwrap().contains("sha256-")).unwrap()
            }
            _ => {
                let path = scratch.v2().join("blobs/.regtree-quarantine");
                fs::create_dir_all(path.join(&run)).unwrap();
                Scratch::plant(&path.join(&run).join("kept"), "kept");
                path
            }
        };
        plant_link(&path, &outside);
        let (before, there) = (tree(scratch.root()), crate::support::snapshot(elsewhere.path()));
        let restored = scratch.run(["quarantine", "restore", &run]);
        assert!(matches!(restored.exit(), Some(1 | 3 | 5 | 12)), "{planted}: {}", restored.err());
        if planted != "thing" && planted != "beside" {
            assert_eq!(tree(scratch.root()), before, "{planted}");
        }
        let purged = scratch.run(["quarantine", "purge", "--older-than", "0s"]);
        assert!(planted == "thing" || planted == "journal" || purged.exit() != Some(0), "{planted}: {}", purged.err());
        assert_eq!(crate::support::snapshot(elsewhere.path()), there, "{planted}");
    }
}

#[test]
fn a_missing_quarantine_is_an_empty_one() {
    let scratch = Scratch::new();
    scratch.run(["quarantine", "list"]).code(0).silent();
    scratch.run(["quarantine", "purge", "--older-than", "1d", "-n"]).code(0).silent();
    scratch.run(["quarantine", "show", "20261121T123000Z-ffffffff"]).code(4);
    assert!(!scratch.root().join(".regtree").exists());
}

#[test]
fn a_quarantine_that_cannot_be_written_keeps_everything() {
    let (scratch, run, _) = quarantined();
    // Everybody may lock and change the tree, but not the quarantine.
    let quarantine = directory(&scratch, &run);
    let opened = std::process::Command::new("chmod").args(["-R", "a+rwX"]).arg(scratch.v2()).status().unwrap();
    assert!(opened.success());
    for path in [quarantine.clone(), quarantine.join("things")] {
        fs::set_permissions(path, PermissionsExt::from_mode(0o555)).unwrap();
    }
    let before = tree(scratch.root());
    let as_nobody =
        |arguments: &[&str]| Regtree::at(scratch.root(), [&["quarantine"], arguments].concat()).unprivileged().run();
    as_nobody(&["restore", &run]).code(3).says(["Permission denied"]);
    as_nobody(&["purge", "--older-than", "0s"]).code(3).says(["Permission denied"]);
    as_nobody(&["list"]).code(0);
    assert_eq!(tree(scratch.root()), before);
    assert_eq!(things(&scratch, &run).len(), 2);
}
