//! `regtree upload start`.

use serde_json::json;

use crate::cli::subject::About;
use crate::cli::{Context, Exit};
use crate::name::RepositoryName;
use crate::upload::Session;

/// Start an upload, and print its id
///
/// If the repository does not exist, it is created.
#[derive(Debug, clap::Args)]
#[command(after_long_help = "\
Exit codes:
  0    started
  1    not writable, no space
  10   no tree
  11   locked

Example:
  id=$(regtree upload start library/app)
  regtree upload resume library/app $id first-part
  regtree upload commit library/app $id last-part --digest sha256:…")]
pub(in crate::cli) struct Start {
    /// The repository
    #[arg(value_name = "REPO", value_parser = crate::cli::parse_repository)]
    repository: RepositoryName,
}

impl Start {
    pub(in crate::cli) fn run(self, context: &mut Context) -> anyhow::Result<Exit> {
        let registry = context.registry()?;
        context.note_name(&registry, &self.repository);
        let writer = context.writer(&registry, "upload start")?;
        let mut session = Session::start(&writer, &self.repository, context.now).about(&self.repository, None)?;
        if let Err(error) = session.keep_empty() {
            // An upload that is only half started is removed. The first failure is the one to report.
            let _ = session.cancel();
            return Err(error).about(&self.repository, None);
        }
        let (repository, id) = (&self.repository, session.id());
        context.output.answer(id, "upload", || json!({ "repository": repository, "upload": id, "size": 0 }))?;
        Ok(Exit::Done)
    }
}
