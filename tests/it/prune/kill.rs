//! `tag prune` whose process is killed at any change that it makes.

use super::{REPOSITORY, prune, set_at, tagged, tags};
use crate::support::assert_sound;
use crate::support::kill::at_every_change;
use crate::support::planted::{hex_of, tag_path};

#[test]
fn a_prune_killed_at_any_change_can_be_run_again() {
    for quarantine in [&[][..], &["--quarantine"]] {
        let rules = [&["--keep-last", "1"], quarantine].concat();
        let kills = at_every_change(
            || {
                let planted = tagged(&[
                    ("v1", "2020-06-01T00:00:00Z"),
                    ("v2", "2020-06-02T00:00:00Z"),
                    ("v3", "2020-06-03T00:00:00Z"),
                ]);
                let image = planted.image(REPOSITORY, "v1");
                let signature = format!("sha256-{}.sig", hex_of(&image));
                planted.tag(REPOSITORY, &signature, &planted.image(REPOSITORY, "a signature"));
                set_at(&planted, REPOSITORY, &signature, "2020-06-01T00:00:00Z");
                let call = prune(&planted, &rules);
                ((planted, signature), call)
            },
            |(planted, signature), when, _| {
                assert_sound(&planted.scratch);
                let left = tags(planted, REPOSITORY);
                assert!(left.contains(&"v3".to_owned()), "{when}: {left:?}");
                // A signature goes after its image's tag.
                assert!(!left.contains(&"v1".to_owned()) || left.contains(signature), "{when}: {left:?}");
                prune(planted, &rules).ok();
                assert_eq!(tags(planted, REPOSITORY), ["v3"], "{when}");
                for tag in ["v1", "v2", signature] {
                    assert!(!planted.at(&tag_path(REPOSITORY, tag)).exists(), "{when}: {tag}");
                }
            },
        );
        assert!(kills > 5, "{kills} kills: strace does not do what it is asked to");
    }
}
