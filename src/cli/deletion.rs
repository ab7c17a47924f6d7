//! What the commands say that delete things of a repository by their names.

use std::fmt::Display;

use serde_json::{Value, json};

use super::{Context, Exit};
use crate::error::Error;
use crate::name::RepositoryName;

/// A deletion that is carried out, or only shown.
#[derive(Clone, Copy)]
pub(super) struct Deletion<'d> {
    pub(super) repository: &'d RepositoryName,
    pub(super) dry_run: bool,
}

impl Deletion<'_> {
    /// Says that something was removed, or would be: `lines` to people, an `event` with these fields to programs.
    pub(super) fn print(
        self,
        event: &str,
        mut fields: Value,
        lines: &[String],
        context: &mut Context,
    ) -> anyhow::Result<()> {
        fields["repository"] = json!(self.repository);
        fields["dry_run"] = self.dry_run.into();
        context.output.answer(lines.join("\n"), event, || fields)
    }

    /// Says what was wrong, and what a dry run comes to.
    pub(super) fn end(self, what: impl Display, damage: &[Error], context: &mut Context) -> anyhow::Result<Exit> {
        let exit = context.output.all_damage(damage)?;
        if self.dry_run {
            context.output.note(format_args!("would remove {what}; nothing was removed (dry run)"));
        }
        Ok(exit)
    }
}
