//! A registry takes a push over a corrupt blob, and keeps the corrupt one. Once that is out of the way the push heals.

use std::fs;
use std::path::Path;

use regtree::Digest;

use super::{errors, repair};
use crate::support::Scratch;
use crate::support::image::Image;
use crate::support::peers::{DockerRegistry, skopeo};

const REPOSITORY: &str = "lib/app";

/// A registry's tree, an image in it that skopeo pushed, and the same in an OCI layout.
struct Pushed {
    scratch: Scratch,
    image: Image,
    layout: tempfile::TempDir,
}

impl Pushed {
    fn new() -> Self {
        let (scratch, image, layout) = (Scratch::new(), Image::new(), tempfile::tempdir().unwrap());
        image.lay_out(layout.path());
        let pushed = Self { scratch, image, layout };
        pushed.push(&pushed.serve());
        assert_eq!(errors(&pushed.scratch), [""; 0]);
        pushed
    }

    fn serve(&self) -> DockerRegistry {
        DockerRegistry::serve(self.scratch.root())
    }

    fn push(&self, registry: &DockerRegistry) {
        let target = format!("docker://{}/{REPOSITORY}:latest", registry.address());
        skopeo(&["copy", "--dest-tls-verify=false", &format!("oci:{}", self.layout.path().display()), &target]);
    }

    fn layer(&self) -> Digest {
        Digest::of(&self.image.layers[1])
    }

    /// Flips a bit of a layer on the disk.
    fn corrupt(&self) -> Vec<u8> {
        let path = self.scratch.blob(self.layer());
        let mut content = fs::read(&path).unwrap();
        content[1000] ^= 4;
        fs::write(path, &content).unwrap();
        content
    }

    fn served(&self, registry: &DockerRegistry) -> Vec<u8> {
        registry.get(&format!("/v2/{REPOSITORY}/blobs/{}", self.layer())).body
    }

    /// Pulls by skopeo, and compares.
    fn pull(&self, registry: &DockerRegistry) {
        let place = tempfile::tempdir().unwrap();
        let source = format!("docker://{}/{REPOSITORY}:latest", registry.address());
        skopeo(&["copy", "--src-tls-verify=false", &source, &format!("dir:{}", place.path().display())]);
        let pulled = |name: &str| fs::read(Path::new(place.path()).join(name)).unwrap();
        assert_eq!(pulled("manifest.json"), self.image.manifest);
        assert_eq!(pulled(&self.layer().hex()), self.image.layers[1]);
    }
}

#[test]
fn a_push_heals_only_after_a_repair() {
    let pushed = Pushed::new();
    let wrong = pushed.corrupt();
    let registry = pushed.serve();
    // The registry says that it has the layer, so skopeo does not send it again; and what is sent it throws away.
    pushed.push(&registry);
    let reply = registry.push_blob(REPOSITORY, &pushed.layer().to_string(), &pushed.image.layers[1]);
    assert_eq!(reply.status, 201);
    assert_eq!(pushed.served(&registry), wrong);
    drop(registry);
    let done = repair(&pushed.scratch, &["--all-safe"]).code(3);
    assert_eq!(done.actions().len(), 1, "{:?}", done.actions());
    assert_eq!(errors(&pushed.scratch), ["blob-missing"]);
    let registry = pushed.serve();
    pushed.push(&registry);
    assert_eq!(pushed.served(&registry), pushed.image.layers[1]);
    pushed.pull(&registry);
    assert_eq!(errors(&pushed.scratch), [""; 0]);
    // What was wrong does not get into the way of what is right.
    let restore = ["quarantine", "restore", done.quarantine().unwrap()];
    for words in [&["--dry-run"][..], &[]] {
        let run = pushed.scratch.regtree(restore).with(words).run().code(0);
        run.says(["1 item already in place"]);
    }
    assert_eq!(errors(&pushed.scratch), [""; 0]);
}

#[test]
fn another_tree_an_oci_layout_or_files_heal_at_once() {
    let other = Pushed::new();
    let layout = tempfile::tempdir().unwrap();
    let files = tempfile::tempdir().unwrap();
    let registry = other.serve();
    let source = format!("docker://{}/{REPOSITORY}:latest", registry.address());
    let copy = |target: String| skopeo(&["copy", "--src-tls-verify=false", &source, &target]);
    copy(format!("oci:{}:latest", layout.path().display()));
    copy(format!("dir:{}", files.path().display()));
    // A name says nothing where any file may be it.
    fs::create_dir(files.path().join("below")).unwrap();
    let layer = files.path().join(&*other.layer().hex());
    fs::rename(layer, files.path().join("below/some file")).unwrap();
    for from in [other.scratch.root(), layout.path(), files.path()] {
        let pushed = Pushed::new();
        pushed.corrupt();
        let words = ["--all-safe", "--from", from.to_str().unwrap()];
        let done = repair(&pushed.scratch, &words).code(0);
        assert_eq!(done.summary()["repairs"]["refill-blob"], 1, "{}", from.display());
        assert_eq!(fs::read(pushed.scratch.blob(pushed.layer())).unwrap(), pushed.image.layers[1]);
        assert_eq!(errors(&pushed.scratch), [""; 0]);
        pushed.pull(&pushed.serve());
        // And where it is gone altogether; of so few references that is a lot.
        let pushed = Pushed::new();
        fs::remove_file(pushed.scratch.blob(pushed.layer())).unwrap();
        repair_refused(&pushed.scratch, &words);
        let done = repair(&pushed.scratch, &[&words[..], &["--assume-blobs-lost"]].concat()).code(0);
        assert_eq!(done.actions().len(), 1);
        pushed.pull(&pushed.serve());
    }
}

#[track_caller]
fn repair_refused(scratch: &Scratch, words: &[&str]) {
    scratch.regtree(["repair"]).with(words).run().code(12).says(["1 of 4 references"]);
}
