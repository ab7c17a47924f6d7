//! What a run without `--max-delete` refuses to remove.

use super::planted::Planted;
use super::{NOW, collect};
use crate::support::snapshot;
use crate::support::strace::strace;

/// The size of every blob here.
const SIZE: usize = 10_000;

/// A tree in which so many blobs are needed, of `SIZE` bytes each, and so many not.
fn tree(kept: usize, garbage: usize) -> Planted {
    let planted = Planted::new();
    let content = |number: usize| format!("{number:<SIZE$}");
    let config = planted.layer("lib", "{}");
    let layers: Vec<String> = (0..kept).map(|number| planted.layer("lib", content(number))).collect();
    let layers: Vec<&str> = layers.iter().map(String::as_str).collect();
    let manifest = planted.manifest("lib", &planted.image_of(&config, &layers));
    planted.tag("lib", "v1", &manifest);
    for number in kept..kept + garbage {
        planted.blob(content(number));
    }
    planted
}

fn with<'w>(words: &[&'w str]) -> Vec<&'w str> {
    [&NOW[..], words].concat()
}

#[test]
fn a_run_that_would_remove_most_of_a_tree_is_shown_and_refused() {
    // More than half with 100 blobs, more than nine tenths with 20.
    for (kept, garbage, figure) in [(98, 100, "51%"), (2, 20, "91%"), (1, 21, "96%")] {
        let planted = tree(kept, garbage);
        let before = snapshot(&planted.v2());
        let bytes = garbage * SIZE;
        let mut told = Vec::new();
        for words in [&["--dry-run"][..], &[]] {
            let run = planted.regtree(["gc"]).with(with(words)).run().code(12);
            let run =
                run.says([&*format!("{garbage} blobs with {bytes} bytes would be removed, {figure} of all content")]);
            let run = run.says([&*format!("hint: to do it anyway, use --max-delete {figure}")]);
            assert!(run.out().starts_with(&format!("would remove {bytes} bytes")), "{}", run.out());
            let json = collect(&planted.scratch, &with(words)).code(12);
            assert_eq!((&json.summary()["refused"], &json.summary()["dry_run"]), (&true.into(), &true.into()));
            assert_eq!(json.run.json_error()["detail"]["hint"], format!("--max-delete {figure}"));
            assert_eq!(json.said().blobs.len(), garbage);
            told.push((run.out(), run.err()));
            assert!(snapshot(&planted.v2()) == before, "a refused run changed the tree");
        }
        assert_eq!(told[0], told[1]);
        let run = planted.regtree(["gc", "--max-delete", figure]).with(NOW).run().code(0);
        assert!(run.out().starts_with(&format!("removed {bytes} bytes")), "{}", run.out());
        planted.run(["manifest", "verify", "--all", "--content"]).code(0);
    }
}

#[test]
fn a_run_that_removes_less_is_not_refused() {
    for (kept, garbage) in [(100, 100), (12, 99), (3, 20), (0, 19)] {
        let collection = collect(&tree(kept, garbage).scratch, &NOW).code(0);
        assert_eq!(collection.gone.blobs.len(), garbage);
        assert_eq!(collection.summary()["refused"], false);
    }
}

#[test]
fn any_limit_that_is_given_replaces_the_default() {
    for high in ["100%", "95%", "300000"] {
        let planted = tree(2, 30);
        assert_eq!(collect(&planted.scratch, &with(&["--max-delete", high])).code(0).gone.blobs.len(), 30, "{high}");
    }
    for (low, hint) in [("93%", "--max-delete 94%"), ("299999", "--max-delete 300000")] {
        let planted = tree(2, 30);
        let refused = collect(&planted.scratch, &with(&["--max-delete", low])).code(12);
        assert!(refused.gone.is_empty());
        assert_eq!(refused.run.json_error()["detail"]["hint"], hint, "{low}");
        assert_eq!(collect(&planted.scratch, &with(&hint.split(' ').collect::<Vec<_>>())).code(0).gone.blobs.len(), 30);
    }
}

/// How many of a tree's blobs a dry run asks the size of.
fn looks(planted: &Planted) -> usize {
    let trace = planted.root().join("trace");
    let call = planted.regtree(["gc", "--dry-run"]).with(NOW);
    call.behind(strace(&["-s", "100", "-e", "trace=statx", "-o", trace.to_str().unwrap()])).ok();
    let trace = std::fs::read_to_string(trace).unwrap();
    trace.lines().filter(|line| line.contains("/data\"")).count()
}

#[test]
fn sizes_are_read_only_until_what_stays_outweighs_what_goes() {
    let few = looks(&tree(30, 10));
    assert_eq!(few, 10, "where little goes, nothing that stays is looked at");
    let planted = Planted::new();
    let layers: Vec<String> = (0..2500).map(|number| planted.layer("lib", format!("{number:<1000}"))).collect();
    let layers: Vec<&str> = layers.iter().map(String::as_str).collect();
    let manifest = planted.manifest("lib", &planted.image_of(&planted.layer("lib", "{}"), &layers));
    planted.tag("lib", "v1", &manifest);
    for number in 0..100 {
        planted.blob(format!("garbage {number}"));
    }
    let looked = looks(&planted);
    assert!(looked > 100 && looked < 2000, "{looked} looks");
}
