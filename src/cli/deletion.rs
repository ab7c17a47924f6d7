//! What the commands share that delete a part of the tree by its name.

use std::fmt::Display;

use serde_json::{Value, json};

use super::quarantine::{Choice, no_room};
use super::{Context, Exit, hint};
use crate::durable::{ExclusiveRemover, ExclusiveWriter};
use crate::error::Error;
use crate::name::RepositoryName;
use crate::quarantine::{Mover, RunId};
use crate::repository::Unreadable;

/// The option to delete where something can't be read.
#[derive(Clone, Copy, Debug, clap::Args)]
pub(super) struct AllowUnreadable {
    /// Continue even if something can't be read that may need what is removed
    #[arg(long)]
    allow_unreadable: bool,
}

impl AllowUnreadable {
    pub(super) fn policy(self) -> Unreadable {
        if self.allow_unreadable { Unreadable::Ignore } else { Unreadable::Refuse }
    }
}

/// The options of every deletion.
#[derive(Clone, Copy, Debug, clap::Args)]
pub(super) struct Manner {
    #[command(flatten)]
    pub(super) quarantine: Choice,
    /// Show what would be removed, and remove nothing
    #[arg(short = 'n', long)]
    pub(super) dry_run: bool,
}

impl Manner {
    /// What a deletion does, in the words of this one, and where it moves things.
    pub(super) fn words(self) -> (&'static str, &'static str) {
        words(self.dry_run, self.quarantine.is_quarantine())
    }

    /// Carries out a deletion, in a run of the quarantine for `command` if that is wanted. Returns the run. Does nothing
    /// without a writer. A deletion that fails names the run too, if it moved something.
    pub(super) fn carry_out(
        self,
        writer: Option<&ExclusiveWriter<'_>>,
        command: &str,
        context: &mut Context,
        delete: impl FnOnce(&dyn ExclusiveRemover) -> anyhow::Result<()>,
    ) -> anyhow::Result<Option<RunId>> {
        let (run, deleted) = self.carry_out_aloud(writer, command, context, |remover, _, _| delete(remover));
        if let (Err(_), Some(run)) = (&deleted, &run) {
            print_way_back(run, context);
        }
        deleted.map(|()| run)
    }

    /// As [`carry_out`](Self::carry_out), for a deletion that prints what it removes, with the run that takes it. Returns
    /// the run also of a deletion that fails.
    pub(super) fn carry_out_aloud(
        self,
        writer: Option<&ExclusiveWriter<'_>>,
        command: &str,
        context: &mut Context,
        delete: impl FnOnce(&dyn ExclusiveRemover, Option<&RunId>, &mut Context) -> anyhow::Result<()>,
    ) -> (Option<RunId>, anyhow::Result<()>) {
        let Some(writer) = writer else { return (None, Ok(())) };
        if !self.quarantine.is_quarantine() {
            return (None, delete(writer, None, context));
        }
        let mover = match Mover::begin(writer, command, context.now) {
            Ok(mover) => mover,
            Err(error) => return (None, Err(no_room(error, context))),
        };
        let name = mover.run();
        let deleted = delete(&mover, Some(&name), context);
        let (run, ended) = match mover.finish() {
            Ok(run) => (run, deleted),
            Err(error) => (Some(name), deleted.and(Err(error.into()))),
        };
        (run, ended.map_err(|error| no_room(error, context)))
    }
}

/// What a removal does, and where it moves things.
pub(super) fn words(dry_run: bool, quarantine: bool) -> (&'static str, &'static str) {
    match (dry_run, quarantine) {
        (true, false) => ("would remove", ""),
        (false, false) => ("removed", ""),
        (true, true) => ("would move", " to the quarantine"),
        (false, true) => ("moved", " to the quarantine"),
    }
}

/// Names the run of the quarantine that has what was removed, also by the older name.
pub(super) fn name_run(document: &mut Value, run: Option<&RunId>) {
    for name in ["run", "quarantine"] {
        document[name] = run.map(RunId::as_str).into();
    }
}

/// Says how to undo what moved things to a run of the quarantine.
pub(super) fn print_way_back(run: &RunId, context: &Context) {
    let regtree = hint::command(&context.global);
    context.output.note(format_args!("to put all of it back: {regtree} quarantine restore {run}"));
}

/// A deletion of parts of one repository.
#[derive(Clone, Copy)]
pub(super) struct Deletion<'d> {
    pub(super) repository: &'d RepositoryName,
    pub(super) manner: Manner,
    /// The run of the quarantine that has what was removed.
    pub(super) run: Option<&'d RunId>,
}

impl Deletion<'_> {
    /// Reports what was removed, or would be: `lines`, or in JSON an `event` with these fields.
    pub(super) fn print(
        self,
        event: &str,
        mut fields: Value,
        lines: &[String],
        context: &mut Context,
    ) -> anyhow::Result<()> {
        fields["repository"] = json!(self.repository);
        fields["dry_run"] = self.manner.dry_run.into();
        if self.manner.quarantine.is_quarantine() {
            name_run(&mut fields, self.run);
        }
        if context.output.is_json() {
            return context.output.event(event, fields);
        }
        lines.iter().try_for_each(|line| context.output.line(line))
    }

    /// Reports the run, the damage, and what a dry run would remove.
    pub(super) fn end(self, what: impl Display, damage: &[Error], context: &mut Context) -> anyhow::Result<Exit> {
        let exit = context.output.all_damage(damage)?;
        print_end(self.manner, self.run, what, context)?;
        Ok(exit)
    }
}

/// Reports the run of a deletion, and what a dry run would remove.
pub(super) fn print_end(
    manner: Manner,
    run: Option<&RunId>,
    what: impl Display,
    context: &mut Context,
) -> anyhow::Result<()> {
    if manner.dry_run {
        let (would, to) = manner.words();
        // A run that is refused was perhaps no dry run; the error says why nothing went.
        let dry_run = if context.refusal.is_none() { " (dry run)" } else { "" };
        context.output.note(format_args!("{would} {what}{to}; nothing was removed{dry_run}"));
    }
    if let Some(run) = run.filter(|_| !context.output.is_json()) {
        context.output.line(format_args!("quarantine run {run}"))?;
        context.output.flush()?;
        print_way_back(run, context);
    }
    Ok(())
}
