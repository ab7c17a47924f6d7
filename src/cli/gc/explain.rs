//! Prints why content is kept.

use serde_json::json;

use crate::cli::Context;
use crate::cli::output::escaped;
use crate::digest::Digest;
use crate::gc::{Action, Fate, Reason, Step};

/// Prints what the plan does with `digest`, and which `links` to it the plan removes.
pub(super) fn print(digest: &Digest, fate: &Fate, links: &[&Action], context: &mut Context) -> anyhow::Result<()> {
    if context.output.is_json() {
        return print_event(digest, fate, links, context);
    }
    let output = &mut context.output;
    match fate {
        Fate::Absent => output.text(format_args!("{digest} is not in the tree\n"))?,
        Fate::Removed => output.text(format_args!("{digest} would be removed: nothing needs it\n"))?,
        Fate::Strange => {
            output.text(format_args!("{digest} is not needed, but is not a regular file: see fsck\n"))?;
        }
        Fate::Kept { reason, way, until } => {
            let until = until.map(|until| format!(", until {until:.0}")).unwrap_or_default();
            output.text(format_args!("{digest} is kept: {}{until}\n", sentence(*reason)))?;
            for step in way {
                let (what, name) = parts(step);
                output.text(format_args!("  {what:10} {}\n", escaped(&name)))?;
            }
        }
    }
    for action in links {
        let repository = escaped(action.repository.as_deref().unwrap_or_default());
        output.text(format_args!("  its {} would be removed from {repository}\n", action.kind))?;
    }
    Ok(())
}

fn print_event(digest: &Digest, fate: &Fate, links: &[&Action], context: &mut Context) -> anyhow::Result<()> {
    let links: Vec<_> =
        links.iter().map(|action| json!({ "kind": action.kind, "repository": action.repository.as_deref() })).collect();
    let mut fields = json!({ "digest": digest, "links_going": links });
    match fate {
        Fate::Absent => fields["fate"] = "absent".into(),
        Fate::Removed => fields["fate"] = "goes".into(),
        Fate::Strange => fields["fate"] = "strange".into(),
        Fate::Kept { reason, way, until } => {
            fields["fate"] = "kept".into();
            fields["reason"] = json!(reason);
            fields["way"] = json!(way);
            fields["until"] = json!(until);
        }
    }
    context.output.event("explain", fields)
}

fn sentence(reason: Reason) -> &'static str {
    match reason {
        Reason::Tagged => "a tag leads to it",
        Reason::Linked => "a manifest of a repository leads to it",
        Reason::Untouchable => "everything in its repository is kept",
        Reason::Young => "it, or something that leads to it, is younger than --min-age",
        Reason::Named => "--keep-digests leads to it",
        Reason::Unseen => "there may be unseen links",
    }
}

fn parts(step: &Step) -> (&'static str, String) {
    match step {
        Step::Repository { name } => ("repository", name.clone()),
        Step::Tag { name } => ("tag", name.clone()),
        Step::Manifest { digest } => ("manifest", digest.to_string()),
        Step::Link { digest } => ("link", digest.to_string()),
        Step::Content { digest } => ("content", digest.to_string()),
    }
}
