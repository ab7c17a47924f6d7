//! The lines add up: to what `du -s` says, and each to what was put there.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;

use regtree::stream::Watch;
use regtree::{Registry, du};

use super::{LINES, MEASURES, Measure, below, line, usage};
use crate::gc::random_tree;
use crate::support::vectors::{tree, versions};
use crate::support::{Pushed, Scratch};

/// What `du -s` says of these directories together.
fn disk_usage(paths: &[PathBuf], measure: Measure) -> u64 {
    let mut command = Command::new("du");
    command.args(["-sc", "--block-size=1"]);
    if measure == Measure::Apparent {
        command.arg("--apparent-size");
    }
    let output = command.args(paths).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).unwrap();
    text.lines().last().unwrap().split_whitespace().next().unwrap().parse().unwrap()
}

/// What newer versions of `du` leave out of apparent sizes.
fn directories(paths: &[PathBuf]) -> u64 {
    let entries = paths.iter().flat_map(walkdir::WalkDir::new).map(Result::unwrap);
    entries.filter(|entry| entry.file_type().is_dir()).map(|entry| Measure::Apparent.of(entry.path())).sum()
}

#[track_caller]
fn assert_adds_up(scratch: &Scratch, context: &str) {
    let paths = [scratch.v2(), scratch.root().join(".regtree")];
    let paths: Vec<PathBuf> = paths.into_iter().filter(|path| path.exists()).collect();
    for measure in MEASURES {
        let usage = usage(scratch, measure, &[]);
        let total = line(&usage, "total");
        let sum: u64 = LINES.iter().map(|name| line(&usage, name)).sum();
        assert_eq!(sum, total, "{context} {measure:?}: {usage}");
        let said = disk_usage(&paths, measure);
        let without_directories = measure == Measure::Apparent && said + directories(&paths) == total;
        assert!(said == total || without_directories, "{context} {measure:?}: {said} is not {total}");
    }
}

/// A listing begins at the start of its directory, though another one through the same handle has reached the end.
#[test]
fn an_open_tree_is_measured_alike_twice() {
    let scratch = random_tree(1, false);
    let registry = Registry::open(scratch.root()).unwrap();
    let measure = || du::measure(registry.tree(), du::Options::default(), &|_| true, &Watch::none()).unwrap();
    let (first, second) = (measure(), measure());
    assert_ne!(first.tree.total(), 0);
    assert_eq!((first.tree, first.repositories, first.stored), (second.tree, second.repositories, second.stored));
}

#[test]
fn on_every_version_s_tree_the_lines_add_up_to_what_du_says() {
    for version in versions() {
        assert_adds_up(&tree(&version), &version);
    }
}

#[test]
fn on_random_trees_the_lines_add_up_to_what_du_says() {
    for seed in 0..30 {
        assert_adds_up(&random_tree(seed, false), &format!("seed {seed}"));
    }
}

#[test]
fn what_a_collection_would_free_is_garbage_and_untagged() {
    let freed = |scratch: &Scratch, words: &[&str]| {
        let run = scratch.regtree(["gc", "--json", "-n", "--min-age", "0", "--keep-uploads"]).with(words).ok();
        run.json_lines().last().unwrap()["bytes"].as_u64().unwrap()
    };
    let trees = versions().into_iter().map(|version| tree(&version));
    for scratch in trees.chain((0..40).map(|seed| random_tree(seed, false))) {
        let usage = usage(&scratch, Measure::Apparent, &[]);
        let garbage = line(&usage, "garbage");
        assert_eq!(garbage, freed(&scratch, &["--allow-rootless"]), "{usage}");
        let untagged = freed(&scratch, &["--delete-untagged", "--allow-rootless"]);
        assert_eq!(garbage + line(&usage, "untagged"), untagged, "{usage}");
    }
}

#[test]
fn each_byte_is_in_the_line_of_what_it_is_for() {
    let scratch = Scratch::new();
    let size = |digest| Measure::Apparent.of(&scratch.blob(digest));
    let image_size = |image: &Pushed| [image.digest, image.config, image.layer].map(size).iter().sum::<u64>();
    let one = scratch.image("lib/one", "one repository's").tag("v1");
    let both = scratch.image("lib/one", "of two").tag("both");
    scratch.image("lib/two", "of two").tag("both");
    let untagged = scratch.image("lib/two", "untagged, and long");
    let linked = scratch.put("lib/two", b"a link is no need");
    scratch.regtree(["upload", "start", "lib/one"]).ok();
    let upload = scratch.uploads("lib/one").remove(0);
    Scratch::plant(&upload.join("data"), "received");
    let quarantines = [scratch.root().join(".regtree/quarantine"), scratch.v2().join("blobs/.regtree-quarantine"), {
        scratch.v2().join("repositories/_regtree-quarantine")
    }];
    for (directory, length) in quarantines.iter().zip([100, 1000, 10_000]) {
        Scratch::plant(&directory.join("run/things/thing"), vec![7; length]);
    }
    Scratch::plant(&scratch.root().join("scheduler-state.json"), "not regtree's");
    let usage = usage(&scratch, Measure::Apparent, &[]);
    let found = LINES.map(|name| line(&usage, name));
    let quarantine = quarantines.iter().map(|directory| below(directory, Measure::Apparent)).sum();
    let all = below(&scratch.v2(), Measure::Apparent) + below(&scratch.root().join(".regtree"), Measure::Apparent);
    let known = [
        image_size(&one),
        image_size(&both),
        image_size(&untagged),
        size(linked),
        0,
        below(&upload, Measure::Apparent),
        quarantine,
    ];
    assert_eq!(found[..7], known);
    assert_eq!(found[7], all - known.iter().sum::<u64>());
    let repository = |at: usize| {
        let row = &usage["repositories"][at];
        (row["name"].as_str().unwrap().to_owned(), row["total"].as_u64().unwrap(), row["unique"].as_u64().unwrap())
    };
    let (alone, shared) = (image_size(&untagged) + size(linked), image_size(&both));
    assert_eq!(repository(0), ("lib/two".to_owned(), alone + shared, alone));
    assert_eq!(repository(1), ("lib/one".to_owned(), image_size(&one) + shared, image_size(&one)));
    assert_eq!(usage["totals"], alone + image_size(&one) + 2 * shared);
    assert_eq!(usage["stored"], alone + image_size(&one) + shared);
}

#[test]
fn a_file_of_two_names_counts_once_and_as_content() {
    let scratch = Scratch::new();
    let image = scratch.image("lib/app", "linked twice").tag("v1");
    let before = usage(&scratch, Measure::Allocated, &[]);
    let outside = scratch.root().join(".regtree/quarantine");
    fs::create_dir_all(&outside).unwrap();
    for (at, digest) in [image.layer, image.config].into_iter().enumerate() {
        fs::hard_link(scratch.blob(digest), outside.join(at.to_string())).unwrap();
    }
    let after = usage(&scratch, Measure::Allocated, &[]);
    assert_eq!(line(&after, "unique"), line(&before, "unique"));
    assert_eq!(line(&after, "quarantine"), Measure::Allocated.of(&outside));
    assert_adds_up(&scratch, "hard links");
}

#[test]
fn what_an_area_on_another_disk_holds_is_counted_and_no_other_link_is_followed() {
    let scratch = Scratch::new();
    scratch.image("lib/app", "elsewhere").tag("v1");
    let before = usage(&scratch, Measure::Apparent, &[]);
    let (blobs, elsewhere) = (scratch.v2().join("blobs"), scratch.root().join("disk"));
    let moved = |from: &Path, to: &Path| {
        fs::rename(from, to).unwrap();
        symlink(to, from).unwrap();
        Measure::Apparent.of(from)
    };
    let v2 = Measure::Apparent.of(&scratch.v2());
    let link = moved(&blobs, &elsewhere);
    let v2 = Measure::Apparent.of(&scratch.v2()) - v2;
    let after = usage(&scratch, Measure::Apparent, &[]);
    assert_eq!(line(&after, "unique"), line(&before, "unique"));
    assert_eq!(line(&after, "total"), line(&before, "total") + link + v2);
    // On some disks a directory is longer for it.
    let length = || std::fs::metadata(scratch.v2().join("blobs/sha256")).unwrap().len();
    let before = length();
    symlink("/", scratch.v2().join("blobs/sha256/all")).unwrap();
    let planted = usage(&scratch, Measure::Apparent, &[]);
    assert_eq!(line(&planted, "total"), line(&after, "total") + 1 + length() - before);
}
