//! Links that are wrong in a way that shows what was meant: white space around a tag's digest, and links that a tool
//! made one file.

use std::fs;
use std::io::Write;
use std::path::PathBuf;

use super::{errors, repair};
use crate::support::planted::{Planted, blob_path, hex_of, revision_path, sha256, tag_path};

const REPOSITORY: &str = "team/app";

fn current(planted: &Planted) -> PathBuf {
    planted.at(&format!("{}/current/link", tag_path(REPOSITORY, "v1")))
}

/// The findings of this code: severity, repair, digest, and whether the repair is safe.
fn found(planted: &Planted, code: &str) -> Vec<[String; 3]> {
    let events = planted.run(["fsck", "--json"]).json_lines();
    let of_code = events.iter().filter(|event| event["type"] == "finding" && event["code"] == code);
    let word = |value: &serde_json::Value| value.as_str().unwrap_or("none").to_owned();
    of_code.map(|event| ["severity", "repair", "digest"].map(|field| word(&event[field]))).collect()
}

#[test]
fn a_tag_s_link_is_mended_where_its_text_trimmed_is_a_manifest_that_is_whole_here() {
    for (before, after) in [("", "\n"), ("", "\r\n"), (" \t", " "), ("\n", "\n\n")] {
        let planted = Planted::new();
        let image = planted.tagged_image(REPOSITORY, "v1", "one");
        let broken = format!("{before}{image}{after}");
        fs::write(current(&planted), &broken).unwrap();
        planted.run(["manifest", "get", REPOSITORY, "v1"]).code(5);
        assert_eq!(found(&planted, "link-malformed"), [["error", "rewrite-link", &image]], "{broken:?}");
        let dry = repair(&planted, &["--all-safe", "-n"]).code(0);
        assert_eq!(fs::read_to_string(current(&planted)).unwrap(), broken);
        let done = repair(&planted, &["--all-safe"]).code(0);
        assert_eq!(done.actions(), dry.actions());
        assert_eq!(fs::read_to_string(current(&planted)).unwrap(), image);
        planted.run(["manifest", "verify", REPOSITORY, "v1", "--content"]).code(0);
        assert_eq!(errors(&planted), [""; 0]);
    }
}

/// What happens to the manifest that a tag pointed to.
type Harm<'h> = &'h dyn Fn(&Planted, &str);

#[test]
fn a_tag_of_which_nothing_says_what_it_pointed_to_stays_and_the_advice_is_to_set_it() {
    let corrupt = |planted: &Planted, digest: &str| fs::write(planted.at(&blob_path(digest)), "wrong").unwrap();
    let elsewhere = |planted: &Planted, digest: &str| {
        planted.remove(&revision_path(REPOSITORY, digest));
        planted.revision("other", digest);
    };
    let cases: [(Vec<u8>, Option<Harm<'_>>); 5] = [
        (vec![0; 71], None),
        (Vec::new(), None),
        (format!("{}\n", sha256(b"never pushed")).into_bytes(), None),
        // What it means is known, and is no manifest that is whole here.
        (b"MEANT\n".to_vec(), Some(&corrupt)),
        (b"MEANT\n".to_vec(), Some(&elsewhere)),
    ];
    for (text, harm) in cases {
        let planted = Planted::new();
        let image = planted.tagged_image(REPOSITORY, "v1", "one");
        let other = planted.image(REPOSITORY, "two");
        let text = if text == b"MEANT\n" { format!("{image}\n").into_bytes() } else { text };
        fs::write(current(&planted), &text).unwrap();
        if let Some(harm) = harm {
            harm(&planted, &image);
        }
        let said = planted.run(["fsck"]).code(3).out();
        assert!(said.contains("tag history") && said.contains("tag set"), "{said}");
        for words in [&["--all-safe", "-n"][..], &["--all-safe"], &["--only", "link-malformed,link-empty"]] {
            let run = planted.regtree(["repair"]).with(words).run().code(3);
            assert!(run.out().contains("tag history") && run.out().contains("tag set"), "{}", run.out());
            if harm.is_none() {
                // Nothing has to be pushed: content and links are whole.
                assert!(!run.out().contains("content is pushed"), "{}", run.out());
                assert!(
                    run.out().contains("1 image cannot be pulled until its errors below are repaired"),
                    "{}",
                    run.out()
                );
            }
            assert_eq!(fs::read(current(&planted)).unwrap(), text);
        }
        planted.run(["tag", "set", REPOSITORY, "v1", &other]).code(0);
        assert_eq!(fs::read_to_string(current(&planted)).unwrap(), other);
    }
}

#[test]
fn the_text_of_a_tag_s_link_that_has_another_name_means_nothing() {
    let planted = Planted::new();
    let image = planted.tagged_image(REPOSITORY, "v1", "one");
    fs::write(current(&planted), format!("{image}\n")).unwrap();
    // A file that has another name may be any file of its file system.
    fs::hard_link(current(&planted), planted.root().join("elsewhere")).unwrap();
    assert_eq!(found(&planted, "link-malformed"), [["error", "none", "none"]]);
    repair(&planted, &["--all-safe"]).code(3);
    assert_eq!(fs::read_to_string(current(&planted)).unwrap(), format!("{image}\n"));
}

/// An image whose links are one file, as a tool leaves them that looks for equal files.
fn one_file() -> (Planted, String, [PathBuf; 3]) {
    let planted = Planted::new();
    let image = planted.tagged_image(REPOSITORY, "v1", "one");
    let past = planted.at(&format!("{}/index/sha256/{}/link", tag_path(REPOSITORY, "v1"), hex_of(&image)));
    let revision = planted.at(&format!("{}/link", revision_path(REPOSITORY, &image)));
    for other in [&past, &revision] {
        fs::remove_file(other).unwrap();
        fs::hard_link(current(&planted), other).unwrap();
    }
    let links = [current(&planted), past, revision];
    (planted, image, links)
}

/// Writes a link as registries up to 3.0 do.
fn write_in_place(link: &PathBuf, text: &str) {
    let mut file = fs::File::options().write(true).open(link).unwrap();
    file.write_all(text.as_bytes()).unwrap();
    file.set_len(text.len() as u64).unwrap();
}

#[test]
fn hard_linked_links_are_reported_before_a_push_changes_them_all() {
    let (planted, _, links) = one_file();
    assert_eq!(found(&planted, "link-shared"), [["warning", "none", "none"]]);
    let said = planted.run(["fsck"]).code(0).out();
    assert!(said.contains("it and 2 more of the repository's links have several hard links"), "{said}");
    // A copy of all links, as a backup by hard links has it, is one finding of each repository.
    let planted = Planted::new();
    planted.tagged_image(REPOSITORY, "v1", "one");
    planted.tagged_image("other", "v1", "two");
    let links_of = walkdir::WalkDir::new(planted.at("repositories")).into_iter().map(Result::unwrap);
    for (number, link) in links_of.filter(|entry| entry.file_name() == "link").enumerate() {
        fs::hard_link(link.path(), planted.root().join(format!("backup-{number}"))).unwrap();
    }
    assert_eq!(found(&planted, "link-shared").len(), 2);
    drop(links);
}

#[test]
fn what_a_push_did_to_hard_linked_links_is_mended_from_their_paths() {
    let (planted, image, [current, past, revision]) = one_file();
    let second = planted.image(REPOSITORY, "two");
    write_in_place(&current, &second);
    assert_eq!(fs::read_to_string(&revision).unwrap(), second);
    assert_eq!(found(&planted, "link-mismatch").len(), 2);
    // Which of the two digests was meant is for somebody to say.
    let safe = repair(&planted, &["--all-safe"]);
    assert_eq!((safe.actions().len(), safe.run.exit()), (0, Some(3)));
    assert_eq!(fs::read_to_string(&revision).unwrap(), second);
    let said = planted.run(["repair", "--all-safe", "-n"]).code(3).out();
    assert!(said.contains(" repair --only link-mismatch"), "{said}");
    let done = repair(&planted, &["--only", "link-mismatch"]).code(0);
    assert_eq!(done.actions().len(), 2);
    for (link, target) in [(&past, &image), (&revision, &image), (&current, &second)] {
        assert_eq!(fs::read_to_string(link).unwrap(), *target);
    }
    assert_eq!(errors(&planted), [""; 0]);
    planted.run(["manifest", "verify", REPOSITORY, "--all", "--content"]).code(0);
    // Nothing is in doubt any more.
    planted.run(["gc", "-n"]).code(0);
}

#[test]
fn a_link_is_not_mended_from_its_path_where_that_has_no_whole_content() {
    for harm in ["lost", "corrupt"] {
        let (planted, image, [current, _, revision]) = one_file();
        // Much else, so that little of the tree is missing.
        (0..12).for_each(|number| drop(planted.image("other", &number.to_string())));
        let second = planted.image(REPOSITORY, "two");
        write_in_place(&current, &second);
        let content = planted.at(&blob_path(&image));
        if harm == "lost" {
            fs::remove_file(content).unwrap();
        } else {
            fs::write(content, "wrong").unwrap();
        }
        let done = repair(&planted, &["--only", "link-mismatch"]).code(3);
        assert_eq!(done.actions(), [""; 0], "{harm}");
        assert_eq!(fs::read_to_string(&revision).unwrap(), second, "{harm}");
    }
}
