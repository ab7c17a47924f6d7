//! Signed manifests in a build without the feature `schema1-signatures`.

use std::fs;
use std::path::Path;

use serde_json::json;

use super::{REPOSITORY, put};
use crate::support::Scratch;
use crate::support::vectors::tree;

const NOT_VERIFIED: &str = "not verified: regtree was built without the feature schema1-signatures";

/// A tree with one signed manifest and its signature; its digest, and the document.
fn signed() -> (Scratch, String, Vec<u8>) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/vectors/schema1/valid/es256.json");
    let (scratch, document) = (Scratch::new(), fs::read(path).unwrap());
    let call = put(&scratch, document.clone()).with(["--skip-references", "--keep-signatures", "--json"]);
    let stored = call.run().code(3).json();
    assert_eq!(stored["not_verified"], json!(1));
    let digest = stored["digest"].as_str().unwrap().to_owned();
    (scratch, digest, document)
}

#[test]
fn unverified_signatures_are_stored_and_given_back_and_put_says_so() {
    let (scratch, digest, document) = signed();
    assert!(scratch.regtree(["manifest", "get", REPOSITORY, &digest, "--signed"]).ok().bytes() == document);
    let run = put(&scratch, document).with(["--skip-references"]).run().code(3);
    assert_eq!(run.out(), format!("{digest}\n"));
    assert!(run.err().contains(&format!("warning: 1 signature {NOT_VERIFIED}")), "{}", run.err());
}

#[test]
fn unverified_signatures_are_called_so_and_never_valid() {
    let (scratch, digest, _) = signed();
    let run = scratch.regtree(["manifest", "signatures", REPOSITORY, &digest]).run().code(3);
    assert!(run.out().ends_with(&format!("  {NOT_VERIFIED}\n")), "{}", run.out());
    let run = scratch.regtree(["manifest", "signatures", REPOSITORY, &digest, "--json"]).run().code(3).json();
    assert_eq!((&run["verified"], &run["valid"]), (&json!(false), &json!(false)));
}

#[test]
fn verify_and_fsck_report_signatures_that_they_could_not_verify() {
    let scratch = tree("2.4.1");
    let verify = scratch.regtree(["manifest", "verify", "--all", "--json"]).run().code(3);
    // As with other warnings.
    let fsck = scratch.regtree(["fsck", "--json"]).ok();
    for run in [verify, fsck] {
        let findings: Vec<_> = run.json_lines().into_iter().filter(|line| line["type"] == "finding").collect();
        let (about, others): (Vec<_>, Vec<_>) =
            findings.iter().partition(|finding| finding["code"] == "signature-not-verified");
        assert!(!about.is_empty() && others.iter().all(|finding| finding["severity"] != "error"), "{findings:#?}");
        for finding in about {
            assert_eq!(finding["severity"], "warning");
            assert!(finding["message"].as_str().unwrap().ends_with(NOT_VERIFIED), "{finding}");
        }
    }
}
