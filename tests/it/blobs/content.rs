//! Content that is not what it was said to be, or does not arrive.

use std::path::Path;

use crate::support::refusal::{CONTENT, IO, OTHER, WRONG_DIGEST, WRONG_SIZE, refused, text};
use crate::support::scratch::digest_by;
use crate::support::{Regtree, Scratch};

/// Puts `OTHER` in a repository that exists and in one that doesn't, from standard input and from a file: calls `check`
/// with the tree, the call, the repository, and what an error must call the source.
fn each_way_in(check: impl Fn(&Path, Regtree, &str, &str)) {
    let scratch = Scratch::new();
    scratch.put("lib/old", CONTENT);
    let file = scratch.root().join("layer.tar");
    Scratch::plant(&file, OTHER);
    for repository in ["lib/old", "lib/new/deeper"] {
        let put = scratch.regtree(["blob", "put", repository]);
        check(scratch.root(), put.clone().stdin(OTHER), repository, "standard input");
        check(scratch.root(), put.clone().with(["-"]).stdin(OTHER), repository, "standard input");
        check(scratch.root(), put.with([&file]), repository, text(&file));
    }
}

#[test]
fn a_wrong_digest_stores_nothing_and_names_both() {
    each_way_in(|root, put, repository, source| {
        for algorithm in ["sha256", "sha384", "sha512"] {
            let [expected, found] = [b"something else", OTHER].map(|content| digest_by(algorithm, content).to_string());
            let put = put.clone().with(["--digest", &expected]);
            refused(root, &put, WRONG_DIGEST, &[source, repository, &expected, &found]);
        }
    });
}

#[test]
fn a_wrong_size_stores_nothing_and_names_both() {
    let found = OTHER.len().to_string();
    each_way_in(|root, put, repository, source| {
        let put = |size: &str| put.clone().with(["--size", size]);
        refused(root, &put("4096"), WRONG_SIZE, &[source, repository, "4096", &found]);
        // One byte more than expected is enough to know; a file tells its size at once.
        let at_least = if source == "standard input" { "4" } else { &found };
        refused(root, &put("3"), WRONG_SIZE, &[source, repository, "3", at_least]);
        refused(root, &put("0"), WRONG_SIZE, &[source, repository, "0"]);
    });
}

#[test]
fn the_right_size_does_not_make_up_for_a_wrong_digest_nor_the_reverse() {
    let (size, digest) = (OTHER.len().to_string(), digest_by("sha512", OTHER).to_string());
    let wrong = digest_by("sha512", CONTENT).to_string();
    each_way_in(|root, put, _, _| {
        let put = |digest: &str, size: &str| put.clone().with(["--digest", digest, "--size", size]);
        refused(root, &put(&wrong, &size), WRONG_DIGEST, &[&wrong, &digest]);
        refused(root, &put(&digest, "7"), WRONG_SIZE, &["7"]);
        put(&digest, &size).ok();
    });
}

#[test]
fn a_source_without_end_is_read_no_further_than_its_size() {
    let scratch = Scratch::new();
    let put = scratch.regtree(["blob", "put", "lib/new", "/dev/zero", "--size", "10"]);
    refused(scratch.root(), &put, WRONG_SIZE, &["/dev/zero", "lib/new", "10", "11"]);
}

#[test]
fn truncated_input_is_not_taken_for_the_whole() {
    let scratch = Scratch::new();
    let whole: Vec<u8> = (0..1_000_000_u32).flat_map(u32::to_le_bytes).collect();
    let half = &whole[..whole.len() / 2];
    let [expected, found] = [&whole, half].map(|content| digest_by("sha256", content).to_string());
    let put = scratch.regtree(["blob", "put", "lib/new"]).stdin(half);
    let sized = put.clone().with(["--size", "4000000"]);
    refused(scratch.root(), &sized, WRONG_SIZE, &["standard input", "lib/new", "4000000", "2000000"]);
    refused(scratch.root(), &sized.with(["--digest", &expected]), WRONG_SIZE, &["4000000", "2000000"]);
    let named = put.with(["--digest", &expected]);
    refused(scratch.root(), &named, WRONG_DIGEST, &["standard input", "lib/new", &expected, &found]);
}

#[test]
fn a_refused_put_leaves_a_blob_of_the_same_name_alone() {
    let scratch = Scratch::new();
    let digest = scratch.put("lib/app", CONTENT);
    let put = scratch.regtree(["blob", "put", "lib/app"]).stdin(CONTENT);
    let wrong = digest_by("sha256", OTHER).to_string();
    refused(scratch.root(), &put.clone().with(["--size", "1"]), WRONG_SIZE, &["1"]);
    refused(scratch.root(), &put.with(["--digest", &wrong]), WRONG_DIGEST, &[&wrong, &digest.to_string()]);
}

#[test]
fn a_file_that_cannot_be_content_is_named() {
    let scratch = Scratch::new();
    let missing = scratch.root().join("missing.tar");
    let inside = scratch.root().join("missing/layer.tar");
    for (file, cause) in [(&*missing, "No such file"), (&*inside, "No such file"), (scratch.root(), "is a directory")] {
        let put = scratch.regtree(["blob", "put", "lib/new"]).with([file]);
        refused(scratch.root(), &put, IO, &[text(file), cause]);
    }
}
