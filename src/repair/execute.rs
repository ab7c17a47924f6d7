//! Carrying out a plan, item by item.

use std::collections::VecDeque;

use super::{Action, Plan};
use crate::digest::Digest;
use crate::durable::Writer;
use crate::error::{Error, Result};
use crate::finding::{Code, Repair};
use crate::layout::Entry;
use crate::quarantine::{Item, ItemKind, Noted, Run, RunId};
use crate::stream::Watch;

/// So many things are written down with one sync.
const TOGETHER: usize = 256;

/// What was done.
#[derive(Debug, Default)]
pub struct Done {
    /// Of the plan.
    pub actions: Vec<Action>,
    /// What could not be done; it is as it was.
    pub failures: Vec<Error>,
    /// Where a restore finds what was changed and moved.
    pub quarantine: Option<RunId>,
    /// The signal that ended it early, if one did.
    pub interrupted: Option<usize>,
}

/// Does at the time `now` what the plan says, and tells each thing that was done. `writer` is to hold the lock alone.
pub fn execute(
    writer: &Writer<'_>,
    plan: &Plan,
    now: jiff::Timestamp,
    watch: &Watch<'_>,
    mut each: impl FnMut(&Action),
) -> Result<Done> {
    let mut done = Done::default();
    if plan.actions.is_empty() {
        return Ok(done);
    }
    let run = Run::begin(writer, "repair", now)?;
    let mut hand = Hand { writer, run, plan, noted: VecDeque::new(), watch };
    let all = plan.actions.len() as u64;
    watch.progress.begin("repairing", None);
    for (number, action) in (1..).zip(&plan.actions) {
        if hand.noted.is_empty() {
            hand.note(&plan.actions[number - 1..]);
        }
        match hand.act(action) {
            Ok(true) => {
                each(action);
                done.actions.push(action.clone());
            }
            // It is gone by itself; or a signal stopped it, and it is as it was.
            Ok(false) | Err(Error::Interrupted { .. }) => {}
            Err(error) => done.failures.push(error),
        }
        watch.progress.items(number as u64, all);
        done.interrupted = watch.interrupt.signal();
        if done.interrupted.is_some() {
            break;
        }
    }
    watch.progress.end();
    let id = hand.run.id().clone();
    done.quarantine = hand.run.finish()?.then_some(id);
    Ok(done)
}

struct Hand<'h> {
    writer: &'h Writer<'h>,
    run: Run<'h>,
    plan: &'h Plan,
    /// What is written down already, to be moved next.
    noted: VecDeque<Noted>,
    watch: &'h Watch<'h>,
}

impl Hand<'_> {
    /// Writes down all that is moved next, with one sync. What can't be is tried again, each by itself.
    fn note(&mut self, actions: &[Action]) {
        let next = actions.iter().take(TOGETHER).take_while(|action| is_move(action));
        let items: Vec<Item> = next.map(item).collect();
        if items.len() > 1 {
            self.noted = self.run.note(items).unwrap_or_default().into();
        }
    }

    fn take(&mut self, action: &Action) -> Result<bool> {
        match self.noted.pop_front_if(|noted| noted.item.path == action.path) {
            Some(noted) => self.run.take(&noted),
            None => self.run.take_one(item(action)),
        }
    }

    /// `false` when there was nothing to do.
    fn act(&mut self, action: &Action) -> Result<bool> {
        let path = &action.path;
        match action.repair {
            Repair::FixPermissions => self.run.fix_access(path),
            Repair::MakeDirectory => self.run.make_directory(path),
            Repair::RewriteLink | Repair::LinkRevision => {
                self.run.write_link(path, digest_of(action))?;
                Ok(true)
            }
            Repair::RefillBlob => self.refill(digest_of(action)),
            Repair::RemoveLink if self.leads_somewhere(action) => Ok(false),
            _ => self.take(action),
        }
    }

    /// Whether a push has brought the content that a link lacked when it was looked at.
    fn leads_somewhere(&self, action: &Action) -> bool {
        let dangles = matches!(action.code, Code::LayerLinkDangling | Code::RevisionDangling | Code::SignatureDangling);
        let is_there = |digest: Digest| {
            self.writer.tree().metadata(&Entry::Blob(digest).path()).is_ok_and(|found| found.is_some())
        };
        dangles && action.digest.is_some_and(is_there)
    }

    fn refill(&mut self, digest: Digest) -> Result<bool> {
        // Where its wrong content could not be taken away, this must not replace it.
        if self.writer.tree().metadata(&Entry::Blob(digest).path())?.is_some() {
            return Ok(false);
        }
        let content = self.plan.stock.open_content(&digest)?;
        self.writer.fill(digest, content, &self.watch.interrupt)?;
        Ok(true)
    }
}

/// Whether an action moves something to the quarantine.
fn is_move(action: &Action) -> bool {
    use Repair::{PurgeUpload, QuarantineBlob, RemoveLink, RemoveTag, RemoveTemporary};
    matches!(action.repair, QuarantineBlob | RemoveLink | RemoveTag | RemoveTemporary | PurgeUpload)
}

fn digest_of(action: &Action) -> Digest {
    action.digest.expect("links and content are planned by their digests")
}

/// What an action moves to the quarantine.
fn item(action: &Action) -> Item {
    let kind = match (action.repair, action.code) {
        (Repair::QuarantineBlob, _) => ItemKind::Blob,
        (Repair::RemoveTag, _) => ItemKind::Tag,
        (Repair::PurgeUpload, _) => ItemKind::Upload,
        (Repair::RemoveLink, Code::RevisionDangling) => ItemKind::Revision,
        (Repair::RemoveLink, Code::TagIndexDangling) => ItemKind::TagIndex,
        (Repair::RemoveLink, Code::LayerLinkDangling) => ItemKind::LayerLink,
        // The link of a signature belongs to its manifest, and grants nothing.
        (Repair::RemoveLink, _) => ItemKind::Directory,
        _ => ItemKind::File,
    };
    let mut item = Item::new(kind, action.path.clone()).size(action.size);
    item.repository.clone_from(&action.repository);
    item.digest = action.digest;
    item
}
