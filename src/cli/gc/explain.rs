//! Prints why content is kept.

use serde_json::{Value, json};

use crate::cli::Context;
use crate::digest::Digest;
use crate::gc::{Action, Fate, Reason, Step};

/// Prints what the plan does with `digest`, and which `links` to it the plan removes.
pub(super) fn print(digest: &Digest, fate: &Fate, links: &[&Action], context: &mut Context) -> anyhow::Result<()> {
    if context.output.is_json() {
        let of_link = |action: &&Action| json!({ "kind": action.kind, "repository": action.repository.as_deref() });
        let mut fields = json!({ "digest": digest, "links_going": links.iter().map(of_link).collect::<Vec<_>>() });
        if let (Some(fields), Value::Object(fate)) = (fields.as_object_mut(), serde_json::to_value(fate)?) {
            fields.extend(fate);
        }
        return context.output.event("explain", fields);
    }
    let output = &mut context.output;
    match fate {
        Fate::Absent => output.line(format_args!("{digest} is not in the tree"))?,
        Fate::Removed => output.line(format_args!("{digest} would be removed: nothing needs it"))?,
        Fate::Strange => {
            output.line(format_args!("{digest} is not needed, but is not a regular file: see fsck"))?;
        }
        Fate::Kept { reason, way, until } => {
            let until = until.map(|until| format!(", until {until:.0}")).unwrap_or_default();
            output.line(format_args!("{digest} is kept: {}{until}", sentence(*reason)))?;
            for step in way {
                let (what, name) = parts(step);
                output.line(format_args!("  {what:10} {name}"))?;
            }
        }
    }
    for action in links {
        let repository = action.repository.as_deref().unwrap_or_default();
        output.line(format_args!("  its {} would be removed from {repository}", action.kind))?;
    }
    Ok(())
}

fn sentence(reason: Reason) -> &'static str {
    match reason {
        Reason::Tagged => "a tag leads to it",
        Reason::Linked => "a manifest of a repository leads to it",
        Reason::Referrer => "it, or what leads to it, is about a manifest that another repository keeps",
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
        Step::Subject { digest } => ("subject", digest.to_string()),
        Step::Manifest { digest } => ("manifest", digest.to_string()),
        Step::Link { digest } => ("link", digest.to_string()),
        Step::Content { digest } => ("content", digest.to_string()),
    }
}
