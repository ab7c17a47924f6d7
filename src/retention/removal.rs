//! Removes the tags of a plan, each right after another look at it.

use std::slice;

use super::plan::{Fate, Outcome, Plan, Pruned, Verdict, name_of};
use crate::durable::ExclusiveRemover;
use crate::error::{Error, Result};
use crate::gc::Foresight;
use crate::repository::Repository;
use crate::stream::Watch;
use crate::tag;

/// Removes the tags that go, and calls `did` after each. The tags that were made for other images are last: what leads to
/// their images is looked at again before.
pub(crate) fn remove(
    remover: &(impl ExclusiveRemover + ?Sized),
    plan: &Plan<'_>,
    now: jiff::Timestamp,
    watch: &Watch<'_>,
    mut did: impl FnMut(Outcome),
) -> Result<()> {
    let tree = remover.writer().tree();
    let (companions, versions): (Vec<_>, Vec<_>) = going(plan).partition(|(_, _, verdict)| verdict.is_companion);
    for (repository, number, verdict) in versions {
        watch.interrupt.check()?;
        let fate = one(remover, &plan.repositories[repository].repository, verdict)?;
        did(Outcome { repository, verdict: number, fate });
    }
    if companions.is_empty() {
        return Ok(());
    }
    let let_go = Foresight::read(tree, watch)?.let_go(tree, now, watch)?;
    for (repository, number, verdict) in companions {
        watch.interrupt.check()?;
        let whose = &plan.repositories[repository].repository;
        let is_let_go = let_go.contains(&name_of(whose, &verdict.tag));
        let fate = if is_let_go { one(remover, whose, verdict)? } else { Fate::Stays };
        did(Outcome { repository, verdict: number, fate });
    }
    Ok(())
}

fn going<'p>(plan: &'p Plan<'_>) -> impl Iterator<Item = (usize, usize, &'p Verdict)> {
    plan.repositories.iter().enumerate().flat_map(|(repository, Pruned { verdicts, .. })| {
        let going = verdicts.iter().enumerate().filter(|(_, verdict)| verdict.goes());
        going.map(move |(number, verdict)| (repository, number, verdict))
    })
}

/// Removes one tag, unless it was set since the plan was made.
fn one(remover: &(impl ExclusiveRemover + ?Sized), repository: &Repository<'_>, verdict: &Verdict) -> Result<Fate> {
    let removals = match tag::plan_delete(repository, slice::from_ref(&verdict.tag)) {
        // Somebody else removed it.
        Err(Error::TagUnknown { .. } | Error::RepositoryUnknown { .. }) => return Ok(Fate::Removed),
        removals => removals?,
    };
    let is_same = match verdict.digest {
        Some(_) => {
            let digest = removals.iter().find_map(|removal| removal.digest);
            digest == verdict.digest && tag::since(repository, &verdict.tag)? == verdict.set
        }
        // A registry that sets a tag makes the directories first.
        None => tag::left_over(repository, &tag::tags(repository))?.iter().any(|left| left.tag == verdict.tag),
    };
    if !is_same {
        return Ok(Fate::Stays);
    }
    tag::delete(remover, &removals)?;
    Ok(Fate::Removed)
}
