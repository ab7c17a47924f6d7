//! The output of the commands that delete a part of a repository by its name.

use std::fmt::Display;

use serde_json::{Value, json};

use super::{Context, Exit};
use crate::error::Error;
use crate::name::RepositoryName;
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

#[derive(Clone, Copy)]
pub(super) struct Deletion<'d> {
    pub(super) repository: &'d RepositoryName,
    pub(super) dry_run: bool,
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
        fields["dry_run"] = self.dry_run.into();
        if context.output.is_json() {
            return context.output.event(event, fields);
        }
        lines.iter().try_for_each(|line| context.output.line(line))
    }

    /// Reports the damage, and what a dry run would remove.
    pub(super) fn end(self, what: impl Display, damage: &[Error], context: &mut Context) -> anyhow::Result<Exit> {
        let exit = context.output.all_damage(damage)?;
        if self.dry_run {
            context.output.note(format_args!("would remove {what}; nothing was removed (dry run)"));
        }
        Ok(exit)
    }
}
