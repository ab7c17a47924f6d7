//! `regtree export` to a tar archive: what is in it, and what becomes of the file that was there.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::{layout_in, names, tags};
use crate::support::image::noise;
use crate::support::kill::at_every_change;
use crate::support::mounted::{Mounted, NO_SPACE};
use crate::support::planted::{Planted, blob_path};
use crate::support::terminal::on_a_terminal;
use crate::support::{Regtree, Scratch, refusal};

fn archive_in(root: &Path) -> PathBuf {
    root.join("images.tar")
}

fn export(scratch: &Scratch, words: &[&str]) -> Regtree {
    scratch.regtree(["export", "-o", archive_in(scratch.root()).to_str().unwrap()]).with(words)
}

/// An index of two images, an image with an alias whose name is long, and a signature.
fn planted() -> Planted {
    let planted = Planted::new();
    let children = ["one", "two"].map(|words| planted.image("lib/app", words));
    let index = planted.index("lib/app", &children.each_ref().map(|child| &**child));
    planted.tag("lib/app", "multi", &index);
    let config = planted.layer("lib/other", "config");
    let alias = planted.alias("lib/other", "called by its sha512");
    // It does not fit into a buffer.
    let large = planted.layer("lib/other", noise(1, 1 << 20));
    let image = planted.manifest("lib/other", &planted.image_of(&config, &[&alias, &large]));
    planted.tag("lib/other", "v1", &image);
    planted.referrer("lib/other", &image, "signature");
    planted
}

/// The names and headers of an archive, in their order.
pub(super) fn entries(archive: &[u8]) -> Vec<(String, tar::Header)> {
    let mut archive = tar::Archive::new(archive);
    let entries = archive.entries().unwrap().map(Result::unwrap);
    entries.map(|entry| (entry.path().unwrap().to_str().unwrap().to_owned(), entry.header().clone())).collect()
}

/// Unpacks an archive as everybody does.
pub(super) fn unpack(archive: &Path, directory: &Path) {
    fs::create_dir_all(directory).unwrap();
    let mut tar = std::process::Command::new("tar");
    assert!(tar.arg("-xf").arg(archive).arg("-C").arg(directory).status().unwrap().success());
}

/// What is beside the tree of a scratch.
fn left(root: &Path) -> Vec<String> {
    let entries = fs::read_dir(root).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<String> = entries.filter(|name| name.contains("images")).collect();
    names.sort();
    names
}

#[test]
fn an_archive_has_its_index_first_and_then_all_content_in_order_below_its_directories() {
    let planted = planted();
    let run = export(&planted, &["--all"]).ok();
    assert_eq!((run.lines().len(), &*run.lines()[0]), (3, "lib/app:multi"));
    let bytes = fs::read(archive_in(planted.root())).unwrap();
    let entries = entries(&bytes);
    let names: Vec<&str> = entries.iter().map(|(name, _)| &**name).collect();
    assert_eq!(names[..2], ["oci-layout", "index.json"]);
    assert!(names[2..].is_sorted() && names.len() == 2 + 3 + 7 + 4 + 3, "{names:?}");
    assert!(names.last().unwrap().starts_with("blobs/sha512/"));
    for (name, header) in &entries {
        let told = (header.mode().unwrap(), header.uid().unwrap(), header.gid().unwrap(), header.mtime().unwrap());
        let is_directory = name.ends_with('/');
        let (kind, mode) =
            if is_directory { (tar::EntryType::Directory, 0o755) } else { (tar::EntryType::Regular, 0o644) };
        assert_eq!((header.entry_type(), told), (kind, (mode, 0, 0, 0)), "{name}");
        assert_eq!((header.username_bytes(), header.groupname_bytes()), (Some(&b""[..]), Some(&b""[..])), "{name}");
    }
}

#[test]
fn an_archive_is_the_layout_that_a_directory_gets() {
    let planted = planted();
    export(&planted, &["--all"]).ok();
    let (unpacked, directory) = (planted.root().join("unpacked"), layout_in(&planted));
    unpack(&archive_in(planted.root()), &unpacked);
    planted.regtree(["export", "--all", "-o", directory.to_str().unwrap()]).ok();
    let files = |root: &Path| {
        let files = walkdir::WalkDir::new(root).into_iter().map(Result::unwrap);
        let files = files.filter(|entry| entry.file_type().is_file());
        let files =
            files.map(|entry| (entry.path().strip_prefix(root).unwrap().to_owned(), fs::read(entry.path()).unwrap()));
        files.collect::<std::collections::BTreeMap<_, _>>()
    };
    assert_eq!(files(&unpacked), files(&directory));
    let copy = Scratch::new();
    copy.regtree(["import", unpacked.to_str().unwrap()]).ok();
    copy.regtree(["manifest", "verify", "--all", "--content"]).ok();
    assert_eq!(tags(&copy, "lib/app"), tags(&planted, "lib/app"));
}

#[test]
fn the_same_images_give_the_same_bytes() {
    let planted = planted();
    export(&planted, &["lib/app", "lib/other"]).ok();
    let first = fs::read(archive_in(planted.root())).unwrap();
    let copy = Scratch::new();
    copy.regtree(["import", planted.root().to_str().unwrap()]).ok();
    export(&copy, &["lib/other", "lib/app"]).ok();
    assert_eq!(fs::read(archive_in(copy.root())).unwrap(), first);
}

#[test]
fn standard_output_takes_the_archive_and_standard_error_the_answer() {
    let planted = planted();
    export(&planted, &["--all"]).ok();
    let archive = fs::read(archive_in(planted.root())).unwrap();
    let run = planted.regtree(["export", "--all", "-o", "-"]).ok().says(["lib/app:multi\n", "note: exported 3 images"]);
    assert_eq!(run.bytes(), archive);
    let run = planted.regtree(["export", "--all", "--json", "-o", "-"]).ok();
    assert_eq!(run.bytes(), archive);
    let last: Value = serde_json::from_str(run.err().lines().last().unwrap()).unwrap();
    assert_eq!((&last["type"], &last["images"]), (&"summary".into(), &3.into()));
    let shown = on_a_terminal("regtree export --all -o -; echo exit $?", &planted);
    assert!(shown.contains("will not write an archive to a terminal") && shown.contains("exit 12"), "{shown}");
    assert!(!shown.contains("oci-layout"), "{shown}");
}

#[test]
fn a_file_that_is_there_is_replaced_and_keeps_its_mode_and_links() {
    let planted = planted();
    let (real, archive) = (planted.root().join("real"), archive_in(planted.root()));
    fs::write(&real, "old").unwrap();
    fs::set_permissions(&real, PermissionsExt::from_mode(0o640)).unwrap();
    symlink("real", &archive).unwrap();
    export(&planted, &["--all"]).ok();
    assert!(fs::symlink_metadata(&archive).unwrap().is_symlink());
    let found = fs::metadata(&real).unwrap();
    assert_eq!(found.mode() & 0o777, 0o640);
    assert_eq!(entries(&fs::read(&real).unwrap())[0].0, "oci-layout");
    assert_eq!(left(planted.root()), ["images.tar"]);
}

#[test]
fn what_is_no_file_is_not_replaced() {
    let planted = planted();
    let archive = archive_in(planted.root());
    fs::create_dir(&archive).unwrap();
    refusal::refused(planted.root(), &export(&planted, &["--all"]), refusal::REFUSED, &["images.tar", "a directory"]);
    fs::remove_dir(&archive).unwrap();
    assert!(std::process::Command::new("mkfifo").arg(&archive).status().unwrap().success());
    let call = export(&planted, &["--all"]);
    refusal::fails(&call, refusal::REFUSED, &["images.tar", "not a regular file"]);
    assert_eq!(left(planted.root()), ["images.tar"]);
}

#[test]
fn two_exports_to_one_archive_keep_apart_and_what_a_killed_one_left_is_replaced() {
    let planted = planted();
    let partial = planted.root().join("images.tar.regtree-partial");
    fs::write(&partial, "cut off").unwrap();
    let file = fs::File::open(&partial).unwrap();
    rustix::fs::flock(&file, rustix::fs::FlockOperation::LockExclusive).unwrap();
    refusal::fails(&export(&planted, &["--all"]), refusal::REFUSED, &["another process"]);
    drop(file);
    export(&planted, &["--all"]).ok();
    assert_eq!(left(planted.root()), ["images.tar"]);
    assert_eq!(entries(&fs::read(archive_in(planted.root())).unwrap()).len(), 19);
}

/// An image that is right, and one of which a layer is wrong. Returns that layer.
fn damaged() -> (Planted, String) {
    let planted = Planted::new();
    planted.tagged_image("lib/app", "good", "good");
    planted.tagged_image("lib/app", "bad", "bad");
    let layer = crate::support::planted::sha256(b"layer of bad");
    planted.plant(&blob_path(&layer), "layer of BAD");
    (planted, layer)
}

#[test]
fn damage_abandons_the_archive_and_names_image_blob_and_path() {
    let (planted, layer) = damaged();
    let archive = archive_in(planted.root());
    fs::write(&archive, "old").unwrap();
    let path = planted.at(&blob_path(&layer));
    let names = ["lib/app:bad", &layer, path.to_str().unwrap()];
    export(&planted, &["--all"]).run().code(5).silent().says(names);
    assert_eq!(fs::read(&archive).unwrap(), b"old");
    assert_eq!(left(planted.root()), ["images.tar"]);
    let run = planted.regtree(["export", "--all", "-o", "-"]).run().code(5).says(names);
    // What was not yet known to be wrong is out already, but the end of the archive is not.
    assert!(!run.bytes().ends_with(&[0; 1024]));
}

#[test]
fn a_damaged_image_is_left_out_of_an_archive_that_is_right() {
    let (planted, layer) = damaged();
    export(&planted, &["--all", "--skip-damaged"]).run().code(3).says(["lib/app:bad is left out", &layer]);
    let unpacked = planted.root().join("unpacked");
    unpack(&archive_in(planted.root()), &unpacked);
    assert_eq!(names(&unpacked).into_keys().collect::<Vec<_>>(), ["lib/app:good"]);
    let copy = Scratch::new();
    copy.regtree(["import", unpacked.to_str().unwrap()]).ok();
    copy.regtree(["manifest", "verify", "--all", "--content"]).ok();
    assert_eq!(fs::read_dir(unpacked.join("blobs/sha256")).unwrap().count(), 3);
}

#[test]
fn a_killed_export_leaves_the_old_archive_or_the_new_one() {
    let kills = at_every_change(
        || {
            let scratch = Scratch::new();
            scratch.image("lib/app", "old").tag("v1");
            export(&scratch, &["--all"]).ok();
            scratch.image("lib/app", "new").tag("v2");
            let call = export(&scratch, &["--all"]);
            (scratch, call)
        },
        |scratch, at, _| {
            let entries = entries(&fs::read(archive_in(scratch.root())).unwrap());
            assert!(matches!(entries.len(), 7 | 10), "{at}: {}", entries.len());
            export(scratch, &["--all"]).ok();
            assert_eq!(left(scratch.root()), ["images.tar"], "{at}");
        },
    );
    assert!(kills > 20, "{kills}");
}

#[test]
fn without_room_or_permission_the_old_archive_stays() {
    let large = Planted::new();
    let layer = large.layer("lib/app", vec![b'x'; 2 << 20]);
    let config = large.layer("lib/app", "config");
    let image = large.manifest("lib/app", &large.image_of(&config, &[&layer]));
    large.tag("lib/app", "large", &image);
    let mounted = Mounted::tree("size=1m");
    let archive = archive_in(&mounted.root);
    fs::write(&archive, "old").unwrap();
    let call = large.regtree(["export", "--all", "-o", archive.to_str().unwrap()]);
    refusal::refused(&mounted.root, &call, refusal::IO, &[archive.to_str().unwrap()]);
    call.run().says([NO_SPACE]);
    let closed = large.root().join("closed");
    fs::create_dir(&closed).unwrap();
    fs::write(archive_in(&closed), "old").unwrap();
    fs::set_permissions(&closed, PermissionsExt::from_mode(0o555)).unwrap();
    let call = large.regtree(["export", "--all", "-o", archive_in(&closed).to_str().unwrap()]).unprivileged();
    refusal::refused(&closed, &call, refusal::IO, &[closed.to_str().unwrap()]);
    call.run().says(["Permission denied"]);
}
