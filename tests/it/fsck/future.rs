//! Times in the future, as a clock that was ahead leaves them: what has them counts as young until then.

use std::time::{Duration, SystemTime};

use super::fsck;
use crate::support::Scratch;
use crate::support::planted::{Planted, blob_path};

/// A tree with garbage, of which all times are so far ahead.
fn ahead(ahead: Duration) -> (Planted, String) {
    let planted = Planted::new();
    planted.tagged_image("team/app", "v1", "one");
    let garbage = planted.blob("needed by nothing");
    let time = SystemTime::now() + ahead;
    walkdir::WalkDir::new(planted.v2()).into_iter().for_each(|entry| Scratch::set_time(entry.unwrap().path(), time));
    (planted, garbage)
}

const YEARS: Duration = Duration::from_hours(3 * 365 * 24);

#[test]
fn times_in_the_future_are_one_finding() {
    let (planted, garbage) = ahead(YEARS);
    for words in [&[][..], &["--content"]] {
        let checked = fsck(&planted, words).code(0);
        assert_eq!(checked.codes(), ["time-in-future"]);
        let finding = checked.of_severity("warning")[0];
        let message = finding["message"].as_str().unwrap();
        assert!(message.contains("its time is in the future") && message.contains("times"), "{message}");
        // The directory of all blobs comes first, and has a time like any other.
        assert_eq!(finding["path"], "docker/registry/v2/blobs");
        let found: jiff::Timestamp = finding["found"].as_str().unwrap().parse().unwrap();
        assert!(found > jiff::Timestamp::now(), "{found}");
    }
    // One file alone.
    planted.age(24 * 30);
    assert_eq!(fsck(&planted, &[]).code(0).codes(), [""; 0]);
    Scratch::set_time(&planted.at(&blob_path(&garbage)), SystemTime::now() + YEARS);
    assert_eq!(fsck(&planted, &[]).code(0).found(), [("time-in-future".to_owned(), blob_path(&garbage))].into());
}

#[test]
fn clocks_that_differ_by_minutes_are_nothing_to_report() {
    let (planted, _) = ahead(Duration::from_mins(10));
    assert_eq!(fsck(&planted, &[]).code(0).codes(), [""; 0]);
    assert!(!planted.run(["gc", "-n"]).code(0).err().contains("future"));
}

#[test]
fn gc_says_that_what_it_keeps_as_young_has_a_time_in_the_future() {
    let (planted, garbage) = ahead(YEARS);
    for words in [&["-n"][..], &[]] {
        let run = planted.regtree(["gc"]).with(words).run().code(0);
        assert!(run.err().contains("a time in the future") && run.err().contains("fsck"), "{}", run.err());
        assert!(planted.has(&garbage));
        let events = planted.regtree(["gc", "--json"]).with(words).ok().json_lines();
        assert_eq!(events.last().unwrap()["time_in_future"], true);
    }
    let run = planted.run(["gc", "--min-age", "0"]).code(0);
    assert!(!run.err().contains("future"), "{}", run.err());
    assert!(!planted.has(&garbage));
}

#[test]
fn an_upload_that_begins_in_the_future_is_reported_and_kept() {
    let planted = Planted::new();
    planted.upload("team/app", "0198f3a0-7c1e-4e3c-8f00-0123456789ab", "2099-01-01T00:00:00Z");
    planted.upload("team/app", "0198f3a0-7c1e-4e3c-8f00-0123456789ac", "2020-01-01T00:00:00Z");
    planted.age(24 * 30);
    let left = |planted: &Planted| planted.uploads("team/app").len();
    let checked = fsck(&planted, &[]).code(0);
    assert!(checked.codes().contains(&"time-in-future".to_owned()), "{:?}", checked.codes());
    let dry = planted.run(["upload", "purge", "--older-than", "0s", "-n"]).code(0);
    assert_eq!(left(&planted), 2);
    let run = planted.run(["upload", "purge", "--older-than", "0s"]).code(0);
    for run in [dry, run] {
        assert!(run.err().contains("began in the future (2099-01-01T00:00:00Z)"), "{}", run.err());
    }
    assert_eq!(left(&planted), 1);
    let run = planted.run(["gc", "--allow-rootless"]).code(0);
    assert!(run.err().contains("a time in the future"), "{}", run.err());
    assert_eq!(left(&planted), 1);
}
