//! `regtree demo`.

use super::{Context, Exit};

/// Demo
#[derive(Debug, clap::Args)]
pub(super) struct Demo {}
impl Demo {
    pub(super) fn run(self, _context: &mut Context) -> anyhow::Result<Exit> {
        Ok(Exit::Done)
    }
}
