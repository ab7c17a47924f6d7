//! Removes the tags of a plan, each right after another look at it.

use std::slice;

use super::companions::that_stay;
use super::plan::{Fate, Outcome, Plan, Pruned, Verdict, name_of};
use crate::durable::ExclusiveRemover;
use crate::error::{Error, Result};
use crate::gc::Foresight;
use crate::name::Tag;
use crate::repository::Repository;
use crate::stream::Watch;
use crate::tag;

/// Removes the tags that go. Calls `report` right before each is removed, and when it is: what can't be reported is not
/// removed. The tags that were made for other images are last: what leads to their images is looked at again before.
pub(crate) fn remove<E: From<Error>>(
    remover: &(impl ExclusiveRemover + ?Sized),
    plan: &Plan<'_>,
    now: jiff::Timestamp,
    watch: &Watch<'_>,
    mut report: impl FnMut(Outcome) -> Result<(), E>,
) -> Result<(), E> {
    let tree = remover.writer().tree();
    let (companions, versions): (Vec<_>, Vec<_>) = going(plan).partition(|(_, _, verdict)| verdict.companion.is_some());
    for (repository, verdict, it) in versions {
        watch.interrupt.check()?;
        let report = |fate| report(Outcome { repository, verdict, fate });
        one(remover, &plan.repositories[repository].repository, it, report)?;
    }
    if !companions.is_empty() {
        let stay = that_stay(&mut Foresight::read(tree, watch)?, tree, plan.waiting(), now, watch)?;
        for (repository, verdict, it) in companions {
            watch.interrupt.check()?;
            let whose = &plan.repositories[repository].repository;
            let mut report = |fate| report(Outcome { repository, verdict, fate });
            if stay.contains_key(&name_of(whose, &it.tag)) {
                report(Fate::Stays)?;
            } else {
                one(remover, whose, it, report)?;
            }
        }
    }
    for Pruned { repository, left_over, .. } in &plan.repositories {
        left_over.iter().try_for_each(|tag| clear(remover, repository, tag))?;
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
fn one<E: From<Error>>(
    remover: &(impl ExclusiveRemover + ?Sized),
    repository: &Repository<'_>,
    verdict: &Verdict,
    mut report: impl FnMut(Fate) -> Result<(), E>,
) -> Result<(), E> {
    let removals = match tag::plan_delete(repository, slice::from_ref(&verdict.tag)) {
        // A registry removed it meanwhile.
        Err(Error::TagUnknown { .. } | Error::RepositoryUnknown { .. }) => Vec::new(),
        removals => removals?,
    };
    let digest = removals.iter().find_map(|removal| removal.digest);
    let is_same = || Ok(digest == verdict.digest && tag::since(repository, &verdict.tag)? == verdict.set);
    if !removals.is_empty() && !is_same()? {
        return report(Fate::Stays);
    }
    report(Fate::Goes)?;
    let deleted = tag::delete(remover, &removals);
    if deleted.is_ok() || matches!(tag::since(repository, &verdict.tag), Ok(None)) {
        report(Fate::Removed)?;
    }
    Ok(deleted?)
}

/// Removes the empty directories of a tag. A registry that sets a tag makes the directories first, so they may be in use.
fn clear(remover: &(impl ExclusiveRemover + ?Sized), repository: &Repository<'_>, tag: &Tag) -> Result<()> {
    let left_over = tag::left_over(repository, &tag::tags(repository))?;
    let left_over: Vec<_> = left_over.into_iter().filter(|left| left.tag == *tag).collect();
    tag::delete(remover, &left_over)
}
