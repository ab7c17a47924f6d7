//! `regtree upload`.

mod cancel;
mod commit;
mod get;
mod list;
mod purge;
mod resume;
mod start;
mod status;

use std::time::Duration;

use serde_json::{Value, json};

use super::subject::About;
use super::{Context, Exit};
use crate::cli::time::to_the_second;
use crate::error::Error;
use crate::finding::is_in_future;
use crate::name::RepositoryName;
use crate::registry::Registry;
use crate::upload;

noun! {
    /// Uploads in progress
    ///
    /// An upload can be started in one process, continued in others, and committed in another. A registry and regtree can
    /// continue each other's uploads at any point.
    Upload {
        Start(start::Start),
        Resume(resume::Resume),
        Commit(commit::Commit),
        Status(status::Status),
        List(list::List),
        Get(get::Get),
        Cancel(cancel::Cancel),
        Purge(purge::Purge),
    }
}

/// The uploads of these repositories, or of all if none are given, that are over, with the times when they began. Damage that is found on the way is added to `damage`.
fn older(
    registry: &Registry,
    mut names: Vec<RepositoryName>,
    age: Option<Duration>,
    damage: &mut Vec<Error>,
    context: &Context,
) -> anyhow::Result<Vec<(upload::Upload, jiff::Timestamp)>> {
    for name in &names {
        registry.repository(name).about(name, None)?;
    }
    if names.is_empty() {
        let found = registry.repositories();
        damage.extend(found.damage);
        names = found.repositories;
    }
    let mut older = Vec::new();
    for found in names.iter().flat_map(|name| upload::uploads(registry.tree(), name)) {
        match found.map(|upload| (upload.since(), upload)) {
            Ok((Some(since), upload)) if is_over(&upload, age, context) => older.push((upload, since)),
            Ok((Some(since), upload)) if is_in_future(since, context.now) => {
                let (repository, id) = (&upload.repository, &upload.id);
                context.output.note(format_args!(
                    "upload {id} of repository {repository} began in the future ({since:.0}): it is kept until then"
                ));
            }
            Ok((Some(_), _)) => {}
            Ok((None, upload)) => damage.push(upload.unreadable_states(registry.tree())),
            Err(error) => damage.push(error),
        }
    }
    Ok(older)
}

/// Whether an upload began longer ago than `age`, or was cancelled: what removed it was killed, or a registry left its
/// directory.
fn is_over(upload: &upload::Upload, age: Option<Duration>, context: &Context) -> bool {
    upload.cancelled || upload.since().is_some_and(|since| context.is_older(since, age))
}

fn document(upload: &upload::Upload) -> Value {
    json!({
        "repository": upload.repository,
        "upload": upload.id,
        "size": upload.size,
        "started": upload.started.map(to_the_second),
        "newest": to_the_second(upload.newest),
        "hash_states": upload.states,
    })
}

/// Warns of saved hash states that were of no use, so that the data was read instead. Returns them for the JSON answer.
fn warn_of_ignored(context: &Context, ignored: &[upload::IgnoredState]) -> Vec<String> {
    ignored.iter().inspect(|state| context.output.warn(state)).map(ToString::to_string).collect()
}
