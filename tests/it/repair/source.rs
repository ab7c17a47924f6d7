//! What a source has that is wrong, and what is no source.

use std::fs;
use std::os::unix::fs::{PermissionsExt, chown, symlink};

use rustix::fs::{CWD, FileType, Mode, mknodat};

use super::{damaged, errors, repair, tree};
use crate::support::vectors;

const LAYER_MISSING: &str = "layer-missing";

/// Which content the tree lacks.
fn missing(scratch: &crate::support::Scratch) -> regtree::Digest {
    let events = scratch.run(["fsck", "--json"]).json_lines();
    let finding = events.iter().find(|event| event["code"] == "blob-missing").unwrap();
    finding["digest"].as_str().unwrap().parse().unwrap()
}

#[test]
fn wrong_content_does_not_enter() {
    let scratch = damaged(LAYER_MISSING);
    let digest = missing(&scratch);
    let (layout, files) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    fs::create_dir_all(layout.path().join("blobs/sha256")).unwrap();
    fs::write(layout.path().join("oci-layout"), r#"{"imageLayoutVersion":"1.0.0"}"#).unwrap();
    fs::write(layout.path().join("blobs/sha256").join(&*digest.hex()), "wrong").unwrap();
    fs::write(files.path().join(&*digest.hex()), "wrong").unwrap();
    let other = vectors::tree("2.8.3");
    fs::write(other.blob(digest), "wrong").unwrap();
    let before = tree(&scratch);
    for from in [layout.path(), files.path(), other.root()] {
        let done = repair(&scratch, &["--only", "blob-missing", "--from", from.to_str().unwrap()]).code(3);
        assert_eq!(done.actions(), [""; 0]);
        let told =
            done.of_type("damage").iter().any(|event| event["message"].as_str().unwrap().contains("it is not used"));
        assert!(told, "{}: {:?}", from.display(), done.events);
        assert_eq!(done.of_type("left").len(), 1);
        assert!(before == tree(&scratch));
    }
    // What it has beside may be right.
    let right = vectors::tree("2.8.3");
    fs::copy(right.blob(digest), files.path().join("another name")).unwrap();
    // With skopeo's word before it.
    let from = format!("dir:{}", files.path().display());
    let done = repair(&scratch, &["--only", "blob-missing", "--from", &from]).code(0);
    assert_eq!(done.actions().len(), 1);
    assert_eq!(errors(&scratch), [""; 0]);
}

#[test]
fn what_has_the_name_of_content_in_a_layout_and_is_no_file_is_told() {
    let scratch = damaged(LAYER_MISSING);
    let layout = tempfile::tempdir().unwrap();
    let blobs = layout.path().join("blobs/sha256");
    fs::create_dir_all(&blobs).unwrap();
    fs::write(layout.path().join("oci-layout"), r#"{"imageLayoutVersion":"1.0.0"}"#).unwrap();
    let pipe = blobs.join(&*missing(&scratch).hex());
    mknodat(CWD, &pipe, FileType::Fifo, Mode::RUSR, 0).unwrap();
    let from = layout.path().to_str().unwrap();
    let done = repair(&scratch, &["--only", "blob-missing", "--from", from]).code(3);
    assert_eq!(done.actions(), [""; 0]);
    let damage = done.of_type("damage")[0].to_string();
    assert!(damage.contains(pipe.to_str().unwrap()) && damage.contains("it is not a regular file"), "{damage}");
}

#[test]
fn a_file_of_a_trees_form_is_not_reached_by_a_symbolic_link_of_a_directory() {
    let scratch = damaged(LAYER_MISSING);
    let digest = missing(&scratch);
    let (hidden, files) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    fs::copy(vectors::tree("2.8.3").blob(digest), hidden.path().join("layer")).unwrap();
    symlink(hidden.path(), files.path().join("link")).unwrap();
    let from = files.path().to_str().unwrap();
    repair(&scratch, &["--only", "blob-missing", "--from", from]).code(3);
    let from = files.path().join("link");
    repair(&scratch, &["--only", "blob-missing", "--from", from.to_str().unwrap()]).code(0);
    assert_eq!(errors(&scratch), [""; 0]);
}

#[test]
fn what_is_no_source_is_told_before_anything_is_done() {
    let scratch = damaged("layer-link-empty");
    let file = tempfile::NamedTempFile::new().unwrap();
    let before = tree(&scratch);
    for source in ["/nonexistent/source", file.path().to_str().unwrap()] {
        let run = scratch.run(["repair", "--all-safe", "--from", source]);
        run.code(1).says([source, "an OCI image layout", "a directory of files"]);
    }
    assert!(before == tree(&scratch));
}

#[test]
fn what_cannot_be_listed_in_a_source_hides_nothing_else() {
    let scratch = damaged(LAYER_MISSING);
    let digest = missing(&scratch);
    let files = tempfile::tempdir().unwrap();
    fs::set_permissions(files.path(), PermissionsExt::from_mode(0o755)).unwrap();
    let hidden = files.path().join("lost+found");
    fs::create_dir(&hidden).unwrap();
    fs::copy(vectors::tree("2.8.3").blob(digest), files.path().join("some layer")).unwrap();
    symlink("some layer", files.path().join("another name")).unwrap();
    if rustix::process::geteuid().is_root() {
        for entry in walkdir::WalkDir::new(scratch.root()) {
            chown(entry.unwrap().path(), Some(65534), Some(65534)).unwrap();
        }
    }
    fs::set_permissions(&hidden, PermissionsExt::from_mode(0o000)).unwrap();
    let from = ["repair", "--only", "blob-missing", "--from", files.path().to_str().unwrap()];
    let run = scratch.regtree(from).unprivileged().run().code(0);
    run.says(["lost+found", "another name: it is a symbolic link, which is not followed"]);
    assert_eq!(errors(&scratch), [""; 0]);
}

#[test]
fn a_file_is_known_by_the_digest_in_its_name_wherever_that_stands() {
    let scratch = damaged(LAYER_MISSING);
    let digest = missing(&scratch);
    let hex = &*digest.hex();
    let names = [format!("sha256-{hex}"), format!("blob{hex}.tar.gz"), format!("{hex}abc"), format!("{hex}_{hex}")];
    for name in names {
        let files = tempfile::tempdir().unwrap();
        fs::write(files.path().join(&name), "wrong").unwrap();
        let from = ["--only", "blob-missing", "--from", files.path().to_str().unwrap()];
        let done = repair(&scratch, &from).code(3);
        let told = done.of_type("damage");
        assert!(told.len() == 1 && told[0]["message"].as_str().unwrap().contains("it is not used"), "{name}: {told:?}");
    }
}
