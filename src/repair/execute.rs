//! Executes a plan, action by action.

use std::collections::{HashSet, VecDeque};

use super::{Action, Options, Plan, planner, recheck};
use crate::digest::Digest;
use crate::durable::ExclusiveWriter;
use crate::error::{Error, Result};
use crate::finding::{Repair, Subject};
use crate::layout::Entry;
use crate::quarantine::{BlobParts, Item, ItemKind, NotedItem, Recall, Run, RunId};
use crate::stream::Watch;
use crate::tree::Tree;

/// This many items are noted in the journal with one sync.
const TOGETHER: usize = 256;

/// How many times the tree is checked again after manifests were put in: each may name more content that is missing.
const ROUNDS: usize = 8;

/// The result of a repair.
#[derive(Debug, Default)]
#[non_exhaustive]
pub struct Done {
    /// The actions that were done, including those that followed from the plan.
    pub actions: Vec<Action>,
    /// The actions whose finding no longer held when their turn came, with the reason.
    pub outdated: Vec<(Action, &'static str)>,
    /// The errors of actions that failed. What they were about is unchanged.
    pub failures: Vec<Error>,
    /// What is wrong in the source, as far as it was found on the way.
    pub refused: Vec<Error>,
    /// The run of the quarantine that undoes the repair.
    pub quarantine: Option<RunId>,
    /// The signal that ended it early, if one did.
    pub interrupted: Option<usize>,
}

/// Something that a repair did.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum Did<'d> {
    /// It put back content from a run of the quarantine.
    PutBack(&'d Digest, &'d RunId),
    /// It did an action of the plan.
    Repaired(&'d Action),
}

/// Puts back what the plan says, does the actions of the plan, and reports each to `each`. Returns the plan too.
///
/// Each finding is checked again before its action: an action that relies on missing content is left out, also if that
/// content could not be put back. A manifest that was put in may name more content that is missing. So the tree is
/// checked again afterwards, and that content is put in too.
pub fn execute<'o>(
    writer: &ExclusiveWriter<'_>,
    plan: Plan<'o>,
    watch: &Watch<'_>,
    mut each: impl FnMut(Did<'_>),
) -> Result<(Plan<'o>, Done)> {
    let failures = plan.recall.put_back(writer, &watch.interrupt, |digest, run| {
        each(Did::PutBack(digest, run));
        Ok(())
    })?;
    let mut done = Done { failures, interrupted: watch.interrupt.signal(), ..Done::default() };
    if !plan.actions.is_empty() && done.interrupted.is_none() {
        done = carry_out(writer, &plan, watch, done, &mut |action| each(Did::Repaired(action)))?;
    }
    Ok((plan, done))
}

fn carry_out(
    writer: &ExclusiveWriter<'_>,
    plan: &Plan<'_>,
    watch: &Watch<'_>,
    done: Done,
    each: &mut impl FnMut(&Action),
) -> Result<Done> {
    let run = Run::begin(writer, "repair", plan.options.now)?;
    let mut hand =
        Hand { writer, run, options: &plan.options, noted: VecDeque::new(), watch, done, replaced: HashSet::new() };
    let goes_on = hand.carry_out(plan, each);
    let gone_on = if goes_on { hand.go_on(plan, each) } else { Ok(()) };
    let Hand { run, mut done, .. } = hand;
    let id = run.id().clone();
    done.quarantine = run.finish()?.then_some(id);
    match gone_on {
        Ok(()) => {}
        Err(Error::Interrupted { signal }) => done.interrupted = Some(signal),
        Err(error) => done.failures.push(error),
    }
    Ok(done)
}

struct Hand<'h> {
    writer: &'h ExclusiveWriter<'h>,
    run: Run<'h>,
    options: &'h Options<'h>,
    /// The items that are noted in the journal and will be moved next.
    noted: VecDeque<NotedItem>,
    watch: &'h Watch<'h>,
    done: Done,
    /// The content that was put in place of wrong content.
    replaced: HashSet<Digest>,
}

/// The result of an action.
enum Outcome {
    Done,
    /// There was nothing to do any more.
    Nothing,
    Outdated(&'static str),
}

impl Hand<'_> {
    /// Does the actions. Returns whether there may be more to do, because missing content was put in.
    fn carry_out(&mut self, plan: &Plan<'_>, each: &mut impl FnMut(&Action)) -> bool {
        let mut refilled = false;
        let counting = self.watch.count("repairing", Some(plan.actions.len()));
        for (number, action) in (1..).zip(&plan.actions) {
            if self.noted.is_empty() {
                self.note(&plan.actions[number - 1..]);
            }
            match self.act(action, plan) {
                Ok(Outcome::Done) => {
                    each(action);
                    refilled |= action.repair == Repair::RefillBlob;
                    self.done.actions.push(action.clone());
                }
                Ok(Outcome::Outdated(reason)) => self.done.outdated.push((action.clone(), reason)),
                // A signal stopped it, and nothing was changed.
                Ok(Outcome::Nothing) | Err(Error::Interrupted { .. }) => {}
                Err(error) => self.done.failures.push(error),
            }
            counting.add(1);
            self.done.interrupted = self.watch.interrupt.signal();
            if self.done.interrupted.is_some() {
                break;
            }
        }
        drop(counting);
        refilled && self.done.interrupted.is_none()
    }

    /// Plans again, without hashing what was hashed, until there is nothing new to do.
    fn go_on(&mut self, first: &Plan<'_>, each: &mut impl FnMut(&Action)) -> Result<()> {
        let options = Options { content: None, ..self.options.clone() };
        let key = |action: &Action| (action.repair, action.path.clone());
        let mut tried: HashSet<_> = first.actions.iter().map(key).collect();
        for _ in 0..ROUNDS {
            let mut plan = planner::decide(self.writer.tree(), options.clone(), Recall::default(), self.watch)?;
            plan.actions.retain(|action| tried.insert(key(action)));
            self.done.refused.append(&mut plan.refused);
            if plan.actions.is_empty() || !self.carry_out(&plan, each) {
                break;
            }
        }
        Ok(())
    }

    /// Notes everything that is moved next with one sync. If that fails, each is noted on its own.
    fn note(&mut self, actions: &[Action]) {
        let next = actions.iter().take(TOGETHER).take_while(|action| action.is_move());
        let items: Vec<Item> = next.map(|action| item(self.writer.tree(), action)).collect();
        if items.len() > 1 {
            self.noted = self.run.note(items).unwrap_or_default().into();
        }
    }

    fn act(&mut self, action: &Action, plan: &Plan<'_>) -> Result<Outcome> {
        let path = item(self.writer.tree(), action).path;
        let noted = self.noted.pop_front_if(|noted| noted.item.path == path);
        if let Some(reason) =
            recheck::no_longer_holds(self.writer.tree(), action, self.options.now, &self.watch.interrupt)?
        {
            return Ok(Outcome::Outdated(reason));
        }
        let path = &action.path;
        let is_done = match action.repair {
            Repair::FixPermissions => self.run.fix_access(path)?,
            Repair::MakeDirectory => self.run.make_directory(path)?,
            Repair::RewriteLink | Repair::LinkRevision | Repair::SetTag => {
                self.run.write_link(path, action.digest())?;
                true
            }
            Repair::RefillBlob => self.refill(action.digest(), plan)?,
            Repair::QuarantineBlob if plan.content.size(&action.digest()).is_some() => {
                self.replace(action, noted, plan)?
            }
            _ => match noted {
                Some(noted) => self.run.take(&noted)?,
                None => self.run.take_one(item(self.writer.tree(), action))?,
            },
        };
        Ok(if is_done { Outcome::Done } else { Outcome::Nothing })
    }

    /// Puts the right content in the place of the wrong one, which moves away. At no moment there is none, so that a
    /// repair that is killed can be run again: wrong content is found to be wrong, and missing content may not be asked
    /// for.
    fn replace(&mut self, action: &Action, noted: Option<NotedItem>, plan: &Plan<'_>) -> Result<bool> {
        let (tree, digest) = (self.writer.tree(), action.digest());
        let noted = match noted {
            Some(noted) => Some(noted),
            None => self.run.note([item(tree, action)])?.pop(),
        };
        let Some(noted) = noted else { return Ok(false) };
        let content = plan.content.open_content(tree, &digest)?;
        let Some(former) = self.writer.exchange(digest, content, &self.watch.interrupt)? else {
            return self.run.take(&noted);
        };
        self.replaced.insert(digest);
        self.run.take_content(&noted, &former)?;
        Ok(true)
    }

    fn refill(&mut self, digest: Digest, plan: &Plan<'_>) -> Result<bool> {
        if self.replaced.remove(&digest) {
            return Ok(true);
        }
        // If the wrong content could not be moved away, it must not be replaced.
        if self.writer.tree().metadata(&Entry::Blob(digest).path())?.is_some() {
            return Ok(false);
        }
        let content = plan.content.open_content(self.writer.tree(), &digest)?;
        self.writer.fill(digest, content, &self.watch.interrupt)?;
        Ok(true)
    }
}

/// The item that an action moves to the quarantine.
fn item(tree: &Tree, action: &Action) -> Item {
    let kind = match &action.finding.subject {
        Subject::Blob(_) => ItemKind::Blob,
        Subject::Tag(..) => ItemKind::Tag,
        Subject::PastTag(..) => ItemKind::TagIndex,
        Subject::Layer(..) => ItemKind::LayerLink,
        Subject::Revision(..) | Subject::MisplacedRevision(..) => ItemKind::Revision,
        Subject::Upload(_) | Subject::UploadStart(_) => ItemKind::Upload,
        // The link of a signature belongs to its manifest, and grants nothing.
        Subject::Signature { .. } => ItemKind::Directory,
        Subject::Document(_) | Subject::Other(_) | Subject::Beside(_) | Subject::Nameless(..) => ItemKind::File,
    };
    let path = match &action.finding.subject {
        Subject::Blob(digest) => BlobParts::path(tree, digest),
        _ => action.path.clone(),
    };
    let mut item = Item::new(kind, path).size(action.size);
    item.repository = action.finding.repository().map(str::to_owned);
    item.digest = action.finding.digest();
    item
}
