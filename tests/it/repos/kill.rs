//! `repo delete` and `manifest delete` whose process is killed at any change that it makes.

use crate::support::kill::at_every_change;
use crate::support::{Scratch, assert_sound, snapshot};

#[test]
fn a_delete_killed_at_any_change_leaves_a_sound_tree_and_can_be_run_again() {
    let kills = at_every_change(
        || {
            let scratch = Scratch::new();
            scratch.image("a", "one").tag("v1").tag("v2");
            let digest = scratch.image("a/b", "one").tag("v1").digest.to_string();
            scratch.run(["upload", "start", "a"]).code(0);
            let call = scratch.regtree(["repo", "delete", "a"]);
            ((scratch, digest), call)
        },
        |(scratch, digest), when, _| {
            assert_sound(scratch);
            if scratch.run(["repo", "list"]).code(0).lines().contains(&"a".to_owned()) {
                // A tag that is left leads to a manifest, and a manifest to its layers.
                for tag in scratch.run(["tag", "list", "a", "--quiet"]).lines() {
                    scratch.run(["manifest", "get", "a", &tag]).code(0);
                }
                scratch.run(["manifest", "verify", "a", "--all"]).code(0);
                let again = scratch.run(["repo", "delete", "a"]);
                assert!(
                    again.exit() == Some(0) && !again.err().contains("warning: "),
                    "{when}: {:?} {}",
                    again.exit(),
                    again.err()
                );
            }
            assert_eq!(scratch.run(["repo", "list"]).code(0).lines(), ["a/b"], "{when}");
            assert_eq!(scratch.run(["tag", "get", "a/b", "v1"]).code(0).answer(), *digest, "{when}");
            assert_eq!(snapshot(&scratch.repository("a")).keys().filter(|path| path.starts_with("_layers")).count(), 0);
        },
    );
    assert!(kills > 20, "{kills} kills: strace does not do what it is asked to");
}

#[test]
fn an_alpha_s_repository_may_be_killed_too() {
    let kills = at_every_change(
        || {
            let (scratch, name) = (Scratch::new(), "core/app".to_owned());
            scratch.image(&name, "one").tag("v1");
            for folder in ["layers", "manifests", "uploads"] {
                let current = scratch.repository(&name).join(format!("_{folder}"));
                std::fs::rename(current, scratch.repository(&name).join(folder)).unwrap();
            }
            let call = scratch.regtree(["repo", "delete", &name]);
            ((scratch, name), call)
        },
        |(scratch, name), when, _| {
            let listed = || scratch.run(["repo", "list"]).code(0).lines();
            if listed().contains(name) {
                for tag in scratch.run(["tag", "list", name, "--quiet"]).lines() {
                    scratch.run(["manifest", "get", name, &tag]).code(0);
                }
                // A tag that is half gone is damage by then.
                let again = scratch.run(["repo", "delete", name]);
                assert!(!again.err().contains("error: "), "{when}: {}", again.err());
            }
            assert!(!listed().contains(name), "{when}");
        },
    );
    assert!(kills > 20, "{kills} kills: strace does not do what it is asked to");
}

#[test]
fn the_last_empty_directory_goes_when_it_is_run_again() {
    let scratch = Scratch::new();
    std::fs::create_dir_all(scratch.repository("a/b")).unwrap();
    assert_eq!(
        scratch.run(["repo", "delete", "a/b"]).code(0).answer(),
        "removed a/b: 0 tags, 0 revisions, 0 layers, 0 uploads"
    );
    assert!(!scratch.repository("a").exists());
}

#[test]
fn a_manifest_delete_killed_at_any_change_ends_where_it_would_have_when_it_is_run_again() {
    for with_tags in [false, true] {
        let prepare = || {
            let scratch = Scratch::new();
            scratch.image("a", "stays").tag("stays").tag("v1");
            let digests = ["one", "two"].map(|words| {
                let image = scratch.image("a", words);
                // The tag has a history.
                let image = if with_tags { image.tag("v1").tag(words) } else { image };
                image.digest.to_string()
            });
            let call = scratch.regtree(["manifest", "delete", "a"]).with(&digests);
            let call = if with_tags { call.with(["--with-tags"]) } else { call };
            ((scratch, call.clone()), call)
        };
        let ((undisturbed, _), call) = prepare();
        call.ok();
        let expected = snapshot(&undisturbed.v2());
        let kills = at_every_change(prepare, |(scratch, call), when, _| {
            assert_sound(scratch);
            let is_done = snapshot(&scratch.v2()) == expected;
            let again = call.clone().run();
            let code = if is_done { 4 } else { 0 };
            assert_eq!(again.exit(), Some(code), "{when}: {}", again.err());
            assert!(is_done || again.err().is_empty(), "{when}: {}", again.err());
            assert!(snapshot(&scratch.v2()) == expected, "{when}: another tree is left");
        });
        assert!(kills > 5, "{kills} kills: strace does not do what it is asked to");
    }
}

#[test]
fn a_manifest_that_is_gone_is_unknown_beside_one_that_is_not() {
    let scratch = Scratch::new();
    let digests = ["one", "two"].map(|words| scratch.image("a", words).digest.to_string());
    scratch.run(["manifest", "delete", "a", &digests[0]]).code(0);
    let before = snapshot(&scratch.v2());
    scratch.run(["manifest", "delete", "a", &digests[1], &digests[0]]).code(4);
    assert!(snapshot(&scratch.v2()) == before);
}
