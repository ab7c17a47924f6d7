//! Commands on tags whose process is killed at any change that it makes.

use super::{REPOSITORY, current, pointed_to, set, tag};
use crate::support::kill::at_every_change;
use crate::support::{Scratch, assert_sound};

#[test]
fn a_set_killed_at_any_change_leaves_the_old_manifest_or_the_new_one() {
    for is_new in [false, true] {
        let kills = at_every_change(
            || {
                let scratch = Scratch::new();
                let new = scratch.image(REPOSITORY, "new").digest;
                let old = if is_new {
                    scratch.image(REPOSITORY, "old").digest
                } else {
                    scratch.image(REPOSITORY, "old").tag("v1").digest
                };
                let call = set(&scratch, "v1", new);
                ((scratch, old, new), call)
            },
            |(scratch, old, new), when, _| {
                assert_sound(scratch);
                if !is_new || current(scratch, "v1").exists() {
                    let found = pointed_to(scratch, "v1");
                    assert!(found == *new || !is_new && found == *old, "{when}: {found}");
                }
                set(scratch, "v1", *new).ok();
                assert_eq!(pointed_to(scratch, "v1"), *new, "{when}");
                assert_eq!(tag(scratch, "list", &["--long"]).ok().lines().len(), 1, "{when}");
            },
        );
        assert!(kills > 5, "{kills} kills: strace does not do what it is asked to");
    }
}

#[test]
fn a_delete_killed_at_any_change_can_be_run_again() {
    let kills = at_every_change(
        || {
            let scratch = Scratch::new();
            let digest = scratch.image(REPOSITORY, "one").tag("v1").tag("v2").tag("v3").digest;
            let call = tag(&scratch, "delete", &["v1", "v2"]);
            ((scratch, digest), call)
        },
        |(scratch, digest), when, _| {
            assert_sound(scratch);
            let mut left = 0;
            for name in ["v1", "v2"] {
                let link = current(scratch, name);
                left += usize::from(link.ancestors().nth(2).unwrap().exists());
                if link.exists() {
                    assert_eq!(pointed_to(scratch, name), *digest, "{when}");
                }
            }
            // All are gone, or the same again removes them.
            tag(scratch, "delete", &["v1", "v2"]).run().code(if left == 0 { 4 } else { 0 });
            assert_eq!(tag(scratch, "list", &["--long"]).ok().lines().len(), 1, "{when}");
            assert_eq!(pointed_to(scratch, "v3"), *digest, "{when}");
        },
    );
    assert!(kills > 5, "{kills} kills: strace does not do what it is asked to");
}
