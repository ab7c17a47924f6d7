//! Content that is called by another digest than that of its bytes: by a tarsum, as registries up to 2.2 did, or by sha512.

use std::fs;

use regtree::Digest;
use serde_json::Value;

use super::{Checked, fsck, text};
use crate::support::planted::{Planted, schema1, sha512};
use crate::support::scratch::digest_by;
use crate::support::tar_writer::{Header, TarWriter, gzip};
use crate::support::tarsum::{layer, tarsum};
use crate::support::vectors::{tree, truth, versions};

const REPOSITORY: &str = "app";

/// A repository in which content is linked by an alias, and two tagged manifests that need it by that.
fn aliased(alias: &str, content: &[u8]) -> Planted {
    let planted = linked(alias, content);
    for tag in ["v1", "v2"] {
        let mut manifest = schema1(REPOSITORY, &[alias]);
        manifest["tag"] = tag.into();
        let digest = planted.manifest(REPOSITORY, &manifest);
        planted.tag(REPOSITORY, tag, &digest);
    }
    planted
}

/// A repository in which content is linked by an alias that nothing needs.
fn linked(alias: &str, content: &[u8]) -> Planted {
    let planted = Planted::new();
    let digest = planted.layer(REPOSITORY, content);
    let alias: Digest = alias.parse().unwrap();
    crate::support::Scratch::plant(&planted.scratch.link(REPOSITORY, alias), digest);
    planted
}

/// What a check says of aliases: severity, code, digest, and what was found instead.
fn about_aliases<'f>(findings: impl Iterator<Item = &'f Value>) -> Vec<[String; 4]> {
    let word = |value: &Value| value.as_str().unwrap_or("nothing").to_owned();
    let found =
        findings.filter(|finding| ["alias-mismatch", "tarsum-not-verified"].contains(&&*text(&finding["code"])));
    found.map(|finding| ["severity", "code", "digest", "found"].map(|field| word(&finding[field]))).collect()
}

/// Expects `fsck --content` and `manifest verify --content` to say this, and neither to say it without that option.
#[track_caller]
fn both_say(planted: &Planted, expected: &[[&str; 4]], codes: [i32; 2]) -> Checked {
    assert_eq!(about_aliases(fsck(planted, &[]).code(0).findings()), [[""; 4]; 0]);
    let checked = fsck(planted, &["--content"]).code(codes[0]);
    assert_eq!(about_aliases(checked.findings()), expected);
    let verify = planted.regtree(["manifest", "verify", REPOSITORY, "v1", "--json"]);
    let said =
        |run: &crate::support::Run| about_aliases(run.json_lines().iter().filter(|event| event["type"] == "finding"));
    assert_eq!(said(&verify.clone().ok()), [[""; 4]; 0]);
    assert_eq!(said(&verify.with(["--content"]).run().code(codes[1])), expected);
    checked
}

#[test]
fn a_layer_that_has_its_tarsum_is_right() {
    for content in [layer(b"content"), gzip(&layer(b"content"))] {
        both_say(&aliased(&tarsum(b"content").to_string(), &content), &[], [0, 0]);
    }
}

#[test]
fn a_layer_with_another_tarsum_is_reported_once_with_the_images_that_need_it() {
    let (alias, found) = (tarsum(b"content").to_string(), tarsum(b"other").to_string());
    let planted = aliased(&alias, &layer(b"other"));
    let checked = both_say(&planted, &[["error", "alias-mismatch", &alias, &found]], [3, 5]);
    assert_eq!(checked.broken(), ["app:v1".to_owned(), "app:v2".to_owned()].into());
    let finding = checked.findings().find(|finding| finding["code"] == "alias-mismatch").unwrap();
    assert_eq!((&finding["expected"], finding.get("repair")), (&Value::from(alias), None));
    assert!(text(&finding["path"]).contains("_layers/tarsum/v1/sha256"));
}

#[test]
fn a_layer_that_is_no_archive_is_reported_with_the_place() {
    let alias = format!("tarsum.v1+{}", digest_by("sha256", b""));
    let planted = aliased(&alias, b"this is no tar");
    let checked = both_say(&planted, &[["error", "alias-mismatch", &alias, "nothing"]], [3, 5]);
    let finding = checked.findings().find(|finding| finding["code"] == "alias-mismatch").unwrap();
    let message = text(&finding["message"]);
    assert!(message.contains("does not match it: it has no tarsum: at byte 14 of the archive"), "{message}");
}

#[test]
fn an_alias_that_nothing_needs_is_a_warning() {
    let planted = linked(&tarsum(b"content").to_string(), &layer(b"other"));
    let checked = fsck(&planted, &["--content"]).code(0);
    assert_eq!(about_aliases(checked.findings())[0][..2], ["warning", "alias-mismatch"]);
    // Damaged content is reported once, as that.
    let digest = digest_by("sha256", &layer(b"other"));
    fs::write(planted.scratch.blob(digest), layer(b"third")).unwrap();
    let codes = fsck(&planted, &["--content"]).codes();
    assert!(codes.contains(&"blob-corrupt".to_owned()) && !codes.contains(&"alias-mismatch".to_owned()), "{codes:?}");
}

#[test]
fn a_sha512_alias_is_compared_too() {
    let (alias, found) = (sha512(b"content"), sha512(b"other"));
    let expected = [["error", "alias-mismatch", &*alias, &*found]];
    both_say(&aliased(&alias, b"other"), &expected, [3, 5]);
    both_say(&aliased(&alias, b"content"), &[], [0, 0]);
}

#[test]
fn what_can_t_be_told_is_a_note() {
    let alias = tarsum(b"content").to_string();
    let sparse = TarWriter::new().header(Header::new(b'S', "a", 0)).end();
    let planted = aliased(&alias, &sparse);
    let expected = [["info", "tarsum-not-verified", &*alias, "nothing"]];
    both_say(&planted, &expected, [0, 0]);
    let run = planted.run(["manifest", "verify", REPOSITORY, "v1", "--content"]).code(0);
    run.says(["0 errors, 0 warnings; 1 layer referenced by a tarsum, which was not verified"]);
    // Two files of one name, with the hashes of others between theirs: in one of the two orders it can't be told.
    let archive = |first: &[u8], second: &[u8]| {
        let pair = TarWriter::new().file("same", first).file("same", second);
        (0..40).fold(pair, |archive, at| archive.file(&format!("other{at}"), b"")).end()
    };
    let codes = [archive(b"1", b"2"), archive(b"2", b"1")]
        .map(|content| about_aliases(fsck(&aliased(&alias, &content), &["--content"]).findings()).remove(0)[1].clone());
    assert!(
        codes.contains(&"alias-mismatch".to_owned()) && codes.contains(&"tarsum-not-verified".to_owned()),
        "{codes:?}"
    );
}

#[test]
fn all_that_registries_took_by_an_alias_is_right() {
    for version in versions() {
        let scratch = tree(&version);
        assert_eq!(about_aliases(fsck(&scratch, &["--content"]).findings()), [[""; 4]; 0], "{version}");
        let verified = scratch.run(["manifest", "verify", "--all", "--content", "--json"]);
        let events = verified.json_lines();
        let findings = events.iter().filter(|event| event["type"] == "finding");
        assert_eq!(about_aliases(findings), [[""; 4]; 0], "{version}");
    }
}

#[test]
fn a_layer_that_the_alphas_stored_under_a_tarsum_is_compared() {
    let (version, repository) = ("2.0.0-alpha.0", "core/lib/app");
    let truth = truth(version);
    let links = truth["repositories"][repository]["layer_links"].as_object().unwrap();
    let needed = |key: &&String| truth["reachable"]["from_tagged"].to_string().contains(key.as_str());
    let alias = links.keys().find(needed).unwrap();
    let other = tarsum(b"other").to_string();
    for (content, found) in [(layer(b"other"), &*other), (b"no archive".to_vec(), "nothing")] {
        let scratch = tree(version);
        fs::write(scratch.blob(alias.parse().unwrap()), content).unwrap();
        let expected = [["error", "alias-mismatch", alias, found]];
        let checked = fsck(&scratch, &["--content"]).code(3);
        assert_eq!(about_aliases(checked.findings()), expected);
        assert!(!checked.broken().is_empty());
        let verified = scratch.run(["manifest", "verify", "--all", "--content", "--json"]).code(5);
        let events = verified.json_lines();
        let said = about_aliases(events.iter().filter(|event| event["type"] == "finding"));
        assert!(!said.is_empty() && said.iter().all(|finding| *finding == expected[0]), "{said:?}");
    }
}
