//! Random trees: a collection removes what the naive model says.

use super::forest::{Kind, grow};
use super::model::{Mode, Verdict, verdict};
use super::{ALL_DANGLING, ALL_SPARSE, ALL_UNTAGGED, Collection, NOW, collect};

/// How many trees of each kind.
const TREES: u64 = 160;

/// What is wrong with a collection, if anything is.
fn complaint(collection: &Collection, verdict: &Verdict) -> Option<String> {
    let Collection { gone, run, .. } = collection;
    let code = if verdict.opaque.is_empty() && !verdict.doubt { 0 } else { 3 };
    if run.exit() != Some(code) {
        return Some(format!("exit code {:?} instead of {code}: {}{}", run.exit(), run.out(), run.err()));
    }
    if collection.opaque() != verdict.opaque {
        return Some(format!("opaque are {:?} instead of {:?}", collection.opaque(), verdict.opaque));
    }
    if gone.blobs != verdict.gone.blobs {
        let [more, less] = [gone.blobs.difference(&verdict.gone.blobs), verdict.gone.blobs.difference(&gone.blobs)];
        return Some(format!("blobs {:?} went, {:?} did not", more.collect::<Vec<_>>(), less.collect::<Vec<_>>()));
    }
    let (links, expected) = (gone.links(), verdict.gone.links());
    let more: Vec<_> = links.difference(&expected).collect();
    let less: Vec<_> = expected.difference(&links).collect();
    // Where content is in doubt, links of sound repositories may go.
    let fits = more.is_empty() && (less.is_empty() || verdict.doubt);
    (!fits).then(|| format!("links {more:?} went, {less:?} did not"))
}

/// The collection that the tree of a seed goes through.
fn mode(seed: u64) -> (Mode, &'static [&'static str]) {
    match seed % 4 {
        0 => (Mode::Plain, &NOW),
        1 => (Mode::Untagged, &ALL_UNTAGGED),
        2 => (Mode::Sparse, &ALL_SPARSE),
        _ => (Mode::Dangling, &ALL_DANGLING),
    }
}

fn hold_to_the_model(kind: Kind) {
    let mut complaints = Vec::new();
    for seed in 0..TREES {
        let (mode, words) = mode(seed);
        let lets_go = seed % 5 == 2;
        let words = &[words, if lets_go { &["--delete-dangling-tags"] } else { &[] }].concat();
        let tree = grow(seed, kind);
        let scratch = &tree.planted.scratch;
        let verdict = verdict(scratch, mode, lets_go);
        let collection = collect(scratch, words);
        if let Some(complaint) = complaint(&collection, &verdict) {
            complaints.push(format!("seed {seed} {words:?}: {complaint}\n  {}", tree.story.join("\n  ")));
        } else if seed % 16 == 0 {
            let again = collect(scratch, words);
            assert!(again.removals().is_empty(), "seed {seed}: a second run removes {:?}", again.removals());
        }
    }
    assert!(complaints.is_empty(), "{} of {TREES}:\n{}", complaints.len(), complaints.join("\n"));
}

#[test]
fn of_plain_trees_what_the_model_says_goes() {
    hold_to_the_model(Kind::Plain);
}

#[test]
fn of_trees_with_indexes_referrers_and_aliases_what_the_model_says_goes() {
    hold_to_the_model(Kind::Rich);
}

#[test]
fn of_damaged_trees_what_the_model_says_goes() {
    hold_to_the_model(Kind::Damaged);
}

/// That a layer is named with `urls` is no reason to keep it where it is not linked, and one where it is.
#[test]
fn in_random_trees_layers_with_urls_stay_and_go() {
    let (mut stays, mut goes) = (0, 0);
    for seed in 0..TREES {
        let tree = grow(seed, Kind::Rich);
        let verdict = verdict(&tree.planted.scratch, mode(seed).0, false);
        for line in tree.story.iter().filter(|line| line.contains("urls")) {
            let digest = (0..7).map(|number| super::planted::sha256(format!("layer {number}").as_bytes()));
            let foreign = digest.filter(|digest| line.rsplit(r#""digest":""#).any(|part| part.starts_with(&**digest)));
            for digest in foreign {
                let gone = verdict.gone.blobs.contains(&digest);
                stays += usize::from(!gone && tree.planted.has(&digest));
                goes += usize::from(gone);
            }
        }
    }
    assert!(stays > 20 && goes > 3, "{stays} stay, {goes} go");
}

#[test]
fn the_random_trees_show_what_there_is_to_show() {
    let verdict = |seed, kind| verdict(&grow(seed, kind).planted.scratch, mode(seed).0, false);
    let verdicts = |kind| (0..TREES).map(move |seed| verdict(seed, kind));
    for kind in [Kind::Plain, Kind::Rich, Kind::Damaged] {
        let verdicts: Vec<Verdict> = verdicts(kind).collect();
        let count = |holds: fn(&Verdict) -> bool| verdicts.iter().filter(|verdict| holds(verdict)).count();
        assert!(count(|verdict| !verdict.gone.blobs.is_empty()) > 50, "{kind:?}");
        assert!(count(|verdict| !verdict.gone.revisions.is_empty()) > 20, "{kind:?}");
        assert!(count(|verdict| !verdict.gone.layer_links.is_empty()) > 30, "{kind:?}");
        let damaged = kind == Kind::Damaged;
        assert_eq!(count(|verdict| !verdict.opaque.is_empty()) > 40, damaged, "{kind:?}");
        assert_eq!(count(|verdict| verdict.doubt) > 10, damaged, "{kind:?}");
    }
}
