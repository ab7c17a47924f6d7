//! `tag prune` that can't go on: what was removed until then is printed, and the rest stays.

use serde_json::json;

use super::{REPOSITORY, months, prune, tags};
use crate::support::strace::strace;

/// Seven of eight tags go, each of them with several calls.
const RULES: [&str; 3] = ["--keep-tag", "main", "--json"];

#[test]
fn what_went_until_a_failure_or_a_signal_is_printed_and_the_rest_stays() {
    for (inject, code) in [("error=EIO", 1), ("signal=TERM", 143)] {
        let planted = months();
        let inject = format!("inject=unlinkat:{inject}:when=12");
        let run = prune(&planted, &RULES).behind(strace(&["-o", "/dev/null", "-e", &inject])).run().code(code);
        let events = run.json_lines();
        let of = |kind: &str| -> Vec<_> {
            let all = events.iter().filter(|event| event["type"] == kind);
            all.map(|event| event["tag"].as_str().unwrap().to_owned()).collect()
        };
        let (gone, kept) = (of("untag"), of("keep"));
        assert!(!gone.is_empty() && gone.len() < 7, "{gone:?}");
        let not_reached = events.iter().filter(|event| event["kept_by"] == json!(["not-reached"])).count();
        assert_eq!((gone.len() + kept.len(), not_reached), (8, 7 - gone.len()), "{gone:?} {kept:?}");
        let summary = events.last().unwrap();
        assert_eq!((&summary["type"], &summary["removed"]), (&json!("summary"), &json!(gone.len())));
        assert_eq!(tags(&planted, REPOSITORY), kept);
        // Run again, it ends what was begun.
        prune(&planted, &RULES).ok();
        assert_eq!(tags(&planted, REPOSITORY), ["main"]);
    }
}
